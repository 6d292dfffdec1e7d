"""Records of the handling of a case: actions, referrals, feedback, changes of its deadline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Index, String, inspect, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from panel.base import UNSCOPED, Record, Via
from panel.fields import col, rule
from panel.i18n import Message, _
from panel.kinds import Amount, Choice, Code, Day, Moment, Reference, Text, Whole, now
from schema import labels
from schema.cases import Case
from schema.people import Officer
from schema.places import Department
from schema.words import (
    DATES,
    RESULT,
    ActionKind,
    ChangeKind,
    ChangeStatus,
    FeedbackChannel,
    FeedbackTarget,
    LimitUnit,
    OfficerKind,
    ReferralKind,
    ReferralStatus,
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

    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    kind: Mapped[ActionKind] = col(Choice(ActionKind), _("Kind"), required=True)
    officer_id: Mapped[int | None] = col(Reference("officer"), _("Officer"))
    second_officer_id: Mapped[int | None] = col(Reference("officer"), _("Second officer"), below="officer")
    document_no: Mapped[str | None] = col(Code(40), _("Document no."), search=True)
    amount: Mapped[Decimal | None] = col(Amount(), _("Amount (yuan)"))
    note: Mapped[str | None] = col(Text(500, lines=3), _("What was done"))

    case: Mapped[Case] = relationship()
    officer: Mapped[Officer | None] = relationship(foreign_keys=[officer_id])
    second_officer: Mapped[Officer | None] = relationship(foreign_keys=[second_officer_id])

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse auxiliary staff for a penalty."""
        if self.kind not in (ActionKind.FINE, ActionKind.FILING):
            return
        ids = [i for i in (self.officer_id, self.second_officer_id) if i is not None]
        query = select(Officer.id).where(Officer.id.in_(ids), Officer.kind == OfficerKind.AUXILIARY)
        with session.no_autoflush:
            auxiliary = set(session.execute(query, execution_options=UNSCOPED).scalars())
        for name, id_ in (("officer", self.officer_id), ("second_officer", self.second_officer_id)):
            if id_ in auxiliary:
                yield name, _("Auxiliary staff can't decide a penalty.")


class Referral(Record):
    """A referral to another department (移送协同). Steps of the case send it and record the reply."""

    __tablename__ = "referral"
    __label__ = _("Referral")
    __labels__ = _("Referrals")
    __scope__ = Via("case_id")
    __display__ = ("document_no", "department")
    __numbered__ = True
    __order__ = "-sent_at"
    __table_args__ = (
        Index(
            "uq_referral_open",
            "case_id",
            "department_id",
            unique=True,
            sqlite_where=text("status IN ('sent', 'signed')"),
            postgresql_where=text("status IN ('sent', 'signed')"),
            info={"message": _("This case already has an open referral to this department.")},
        ),
        rule(
            "signed_after_sent",
            "signed_at IS NULL OR signed_at >= sent_at",
            _("It can't be signed for before it was sent."),
        ),
        rule(
            "reply_has_text",
            "status <> 'replied' OR (replied_at IS NOT NULL AND reply IS NOT NULL)",
            _("A replied referral needs the time and the text of the reply."),
        ),
        rule(
            "return_has_reason",
            "status <> 'returned' OR return_reason IS NOT NULL",
            _("A returned referral needs the reason."),
        ),
    )

    document_no: Mapped[str | None] = col(
        Code(40),
        _("Document no."),
        key=True,
        unique=True,
        search=True,
        aliases=labels.REFERRAL_DOCUMENT_NO,
    )
    case_id: Mapped[int] = col(
        Reference("case"), _("Case no."), required=True, key=True, aliases=("案件编号", "案号", "案件号")
    )
    department_id: Mapped[int] = col(
        Reference("department"),
        _("Department"),
        required=True,
        key=True,
        aliases=labels.REFERRAL_DEPARTMENT,
    )
    kind: Mapped[ReferralKind] = col(
        Choice(ReferralKind),
        _("Kind of referral"),
        required=True,
        default=ReferralKind.TRANSFER,
        aliases=("类别", "移送类型", "移送类别", "移送方式"),
    )
    status: Mapped[ReferralStatus] = col(
        Choice(ReferralStatus), _("State"), required=True, default=ReferralStatus.SENT, readonly=True
    )
    request: Mapped[str | None] = col(
        Text(1000, lines=3),
        _("What is asked"),
        listed=False,
        aliases=labels.REFERRAL_REQUEST,
    )
    sent_at: Mapped[datetime] = col(
        Moment(),
        _("Sent at"),
        readonly=True,
        required=True,
        default=now,
        index=True,
        group=DATES,
        aliases=labels.REFERRAL_SENT_AT,
    )
    sign_due_at: Mapped[datetime | None] = col(
        Moment(), _("To be signed for by"), readonly=True, group=DATES, listed=False, aliases=("应签收",)
    )
    signed_at: Mapped[datetime | None] = col(
        Moment(),
        _("Signed for at"),
        readonly=True,
        group=DATES,
        listed=False,
        aliases=("签收", "接收时间", "收件时间", "收函时间"),
    )
    reply_due_at: Mapped[datetime | None] = col(
        Moment(), _("Reply due"), readonly=True, group=DATES, index=True, aliases=("应反馈",)
    )
    replied_at: Mapped[datetime | None] = col(
        Moment(),
        _("Replied at"),
        readonly=True,
        group=RESULT,
        listed=False,
        aliases=("反馈", "回复时间", "答复时间", "回函时间"),
    )
    return_reason: Mapped[str | None] = col(
        Text(1000, lines=3),
        _("Reason for return"),
        readonly=True,
        group=RESULT,
        listed=False,
        aliases=("退回理由", "退件原因", "退回情况"),
    )
    reply: Mapped[str | None] = col(
        Text(1000, lines=3),
        _("Reply"),
        readonly=True,
        group=RESULT,
        listed=False,
        aliases=labels.REFERRAL_REPLY,
    )
    joint_on: Mapped[date | None] = col(
        Day(), _("Joint action on"), group=RESULT, listed=False, aliases=("联合执法时间", "联合行动时间")
    )
    joint_members: Mapped[str | None] = col(
        Text(300, lines=2),
        _("Who takes part"),
        group=RESULT,
        listed=False,
        aliases=("参加单位", "参与单位", "参加部门"),
    )
    quantity: Mapped[int | None] = col(
        Whole(0, 100_000, unit_field="quantity_unit"), _("Quantity achieved"), group=RESULT, listed=False
    )
    quantity_unit: Mapped[str | None] = col(
        Text(20), _("Unit of the quantity"), group=RESULT, listed=False, below="quantity"
    )
    urged_count: Mapped[int] = col(
        Whole(0, 1000), _("Times chased"), required=True, default=0, readonly=True, group=DATES, listed=False
    )
    urged_at: Mapped[datetime | None] = col(
        Moment(), _("Last chased"), readonly=True, group=DATES, listed=False, below="urged_count"
    )

    case: Mapped[Case] = relationship()
    department: Mapped[Department] = relationship()

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse a change of case or department: the state of the case depends on its referrals."""
        state = inspect(self)
        for name in ("case", "department"):
            if state.persistent and state.attrs[f"{name}_id"].history.has_changes():
                yield name, _("A referral stays with its case and department.")


class Feedback(Record):
    """Feedback to liaison or complainant (反馈回访)."""

    __tablename__ = "feedback"
    __label__ = _("Feedback")
    __labels__ = _("Feedback records")
    __scope__ = Via("case_id")
    __display__ = ("target",)
    __order__ = "-at"

    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    target: Mapped[FeedbackTarget] = col(Choice(FeedbackTarget), _("To whom"), required=True)
    channel: Mapped[FeedbackChannel] = col(
        Choice(FeedbackChannel), _("Channel"), required=True, default=FeedbackChannel.PHONE
    )
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    content: Mapped[str] = col(Text(1000, lines=3), _("Content"), required=True)
    satisfaction: Mapped[Satisfaction | None] = col(Choice(Satisfaction), _("Satisfaction"))

    case: Mapped[Case] = relationship()


class DeadlineChange(Record):
    """A change of a deadline (时限变更): an extension (延期) or a suspension (挂账). One person requests it, another
    one decides."""

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

    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
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
    #: Requested by a leader: the office may decide too, because a squad may have no second leader.
    for_office: Mapped[bool] = mapped_column(default=False)
    decided_by_id: Mapped[int | None] = mapped_column()

    case: Mapped[Case] = relationship()
