"""Records of the handling of a case: actions, feedback, changes of its deadline."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Index, String, exists, select, text
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from panel.base import Record, Via
from panel.fields import col, rule
from panel.i18n import _
from panel.kinds import ZONE, Amount, Choice, Code, Day, Moment, Reference, Text, Whole, now, today
from schema import locks, requirements
from schema.cases import Case
from schema.people import Officer
from schema.words import (
    DATES,
    ActionKind,
    ChangeKind,
    ChangeStatus,
    FeedbackChannel,
    FeedbackTarget,
    LimitUnit,
    Satisfaction,
)


class Action(Record):
    """An action on a case (处置记录)."""

    __tablename__ = "action"
    __label__ = _("Action")
    __labels__ = _("Actions")
    __scope__ = Via("case_id")
    __display__ = ("kind",)
    __order__ = "-at"
    __locked__ = (locks.OF_ENDED, locks.OF_HANDLED)
    __requires__ = requirements.OF_ACTION
    __table_args__ = (
        rule(
            "two_officers",
            "kind NOT IN ('inspection', 'fine', 'filing') "
            "OR (officer_id IS NOT NULL AND second_officer_id IS NOT NULL)",
            _("Inspection and penalty need two officers."),
        ),
        rule(
            "officers_differ",
            "second_officer_id IS NULL OR officer_id <> second_officer_id",
            _("The two officers must be two people."),
        ),
        rule("amount_for_fine", "amount IS NULL OR kind IN ('fine', 'filing')", _("Only a penalty has an amount.")),
        rule("amount_not_negative", "amount >= 0", _("An amount can't be negative.")),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True)
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    kind: Mapped[ActionKind] = col(Choice(ActionKind), _("Kind"), required=True)
    officer_id: Mapped[int | None] = col(Reference("officer"), _("Officer"), search=True)
    second_officer_id: Mapped[int | None] = col(Reference("officer"), _("Second officer"), search=True, below="officer")
    document_no: Mapped[str | None] = col(Code(40), _("Document no."), search=True)
    amount: Mapped[Decimal | None] = col(Amount(), _("Amount (yuan)"))
    note: Mapped[str | None] = col(Text(500, lines=3), _("What was done"))

    case: Mapped[Case] = relationship()
    officer: Mapped[Officer | None] = relationship(foreign_keys=[officer_id])
    second_officer: Mapped[Officer | None] = relationship(foreign_keys=[second_officer_id])

    @classmethod
    def of_past(cls, columns: Any) -> ColumnElement[bool] | None:
        """An action of an earlier day, by whoever was in service then."""
        earlier: ColumnElement[bool] = columns.at < datetime.combine(today(), time(), ZONE)
        return earlier


class Feedback(Record):
    """Feedback to liaison or complainant (反馈回访)."""

    __tablename__ = "feedback"
    __label__ = _("Feedback")
    __labels__ = _("Feedback records")
    __scope__ = Via("case_id")
    __display__ = ("target",)
    __order__ = "-at"
    __locked__ = (locks.FEEDBACK,)
    __requires__ = requirements.OF_FEEDBACK

    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True)
    target: Mapped[FeedbackTarget] = col(Choice(FeedbackTarget), _("To whom"), required=True)
    channel: Mapped[FeedbackChannel] = col(
        Choice(FeedbackChannel), _("Channel"), required=True, default=FeedbackChannel.PHONE
    )
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    content: Mapped[str] = col(Text(1000, lines=3), _("Content"), required=True)
    satisfaction: Mapped[Satisfaction | None] = col(Choice(Satisfaction), _("Satisfaction"))
    #: The feedback that this one corrects. That one stays and doesn't count any more.
    corrects_id: Mapped[int | None] = col(Reference("feedback"), _("Corrects"), listed=False, readonly=True)

    case: Mapped[Case] = relationship()
    corrects: Mapped[Feedback | None] = relationship(remote_side="Feedback.id")

    @classmethod
    def counts(cls) -> ColumnElement[bool]:
        """The condition for feedback that no later one corrects."""
        later = aliased(cls)
        return ~exists(select(later.id).where(later.corrects_id == cls.id))


class DeadlineChange(Record):
    """A change of a deadline (时限变更): an extension (延期), a suspension (挂账), or one to the day by which an
    agreement is performed (履约期). One person requests it, another one decides."""

    __tablename__ = "deadlinechange"
    __label__ = _("Change of a deadline")
    __labels__ = _("Changes of deadlines")
    __scope__ = Via("case_id")
    __imported__ = False
    __display__ = ("kind",)
    __order__ = "-asked_at"
    __table_args__ = (
        Index(
            "uq_deadlinechange_asked",
            "case_id",
            unique=True,
            sqlite_where=text("status = 'asked'"),
            postgresql_where=text("status = 'asked'"),
            info={"message": _("Approval has been asked for already.")},
        ),
        rule(
            "decided_by_another",
            "decided_by_id IS NULL OR decided_by_id <> asked_by_id",
            _("Another person than the one who asked must decide."),
            field="decided_by",
        ),
        rule("days_positive", "days > 0", _("At least one day.")),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True)
    kind: Mapped[ChangeKind] = col(Choice(ChangeKind), _("Kind"), required=True)
    status: Mapped[ChangeStatus] = col(
        Choice(ChangeStatus), _("State"), required=True, default=ChangeStatus.ASKED, readonly=True
    )
    reason: Mapped[str] = col(Text(500, lines=3), _("Reason"), required=True)
    days: Mapped[int | None] = col(
        Whole(1, 1000), _("Extended by"), help=_("By how much the deadline moves, in the unit of the limit.")
    )
    unit: Mapped[LimitUnit | None] = col(Choice(LimitUnit), _("Unit of the limit"), below="days")
    review_on: Mapped[date | None] = col(Day(), _("Look again on"))
    perform_by: Mapped[date | None] = col(
        Day(), _("To be performed by"), help=_("The deadline moves to the working day after it.")
    )
    asked_at: Mapped[datetime] = col(Moment(), _("Asked at"), required=True, default=now, index=True, group=DATES)
    asked_by: Mapped[str] = col(Text(80), _("Asked by"), required=True, default="", below="asked_at")
    decided_at: Mapped[datetime | None] = col(Moment(), _("Decided at"), group=DATES)
    decided_by: Mapped[str | None] = col(Text(80), _("Decided by"), below="decided_at")
    opinion: Mapped[str | None] = col(Text(500, lines=2), _("Opinion"), listed=False)
    old_due_at: Mapped[datetime | None] = col(Moment(), _("Deadline before"), group=DATES, listed=False)
    new_due_at: Mapped[datetime | None] = col(Moment(), _("New deadline"), group=DATES)
    resumed_at: Mapped[datetime | None] = col(Moment(), _("Resumed at"), group=DATES, listed=False)
    #: The state before a suspension, to which the case returns.
    came_from: Mapped[str | None] = mapped_column(String(20))
    asked_by_id: Mapped[int | None] = mapped_column()
    #: The officer in whose name a deputy asked. They don't decide either.
    asked_for_id: Mapped[int | None] = mapped_column()
    #: Requested by a leader: the office may decide too, because a squad may have no second leader.
    for_office: Mapped[bool] = mapped_column(default=False)
    decided_by_id: Mapped[int | None] = mapped_column()

    case: Mapped[Case] = relationship()
