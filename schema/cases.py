"""Cases with their parties and events."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Index, String, UniqueConstraint, or_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from panel.base import Anchor, Base, Record, Via
from panel.fields import col, rule
from panel.i18n import _
from panel.kinds import Choice, Code, Data, Flag, Moment, PersonName, Reference, Text, Whole, now
from schema import labels, locks, requirements
from schema.lists import ChecklistItem
from schema.people import Liaison, Officer
from schema.places import Community
from schema.words import (
    HANDLING,
    OTHER,
    PLACE,
    RESULT,
    CaseStatus,
    FromState,
    ListKind,
    Outcome,
    RaisedTo,
    Source,
    StepName,
    Urgency,
)

if TYPE_CHECKING:
    from schema.duty import Visit


class Case(Record):
    """A case (案件), from report to feedback. Only steps change its state."""

    __tablename__ = "case"
    __label__ = _("Case")
    __labels__ = _("Cases")
    __scope__ = Anchor()
    __display__ = ("case_no",)
    __offered__ = False
    __order__ = "-reported_at"
    __text_index__ = True
    __found_by__ = ("community", "item")
    __rows__ = ("caseparty",)
    __locked__ = locks.CLOSED
    __requires__ = requirements.OF_CASE
    __table_args__ = (
        Index("ix_case_status_due_at", "status", "due_at"),
        Index("ix_case_status_reported_at", "status", "reported_at"),
        Index("ix_case_community_id_status", "community_id", "status"),
        # For the search of repeats.
        Index("ix_case_repeats", "community_id", "item_id", "place"),
        rule(
            "accepted_after_report",
            "accepted_at IS NULL OR historic OR accepted_at >= reported_at",
            _("It can't be accepted before it was reported."),
        ),
        rule(
            "accepted_has_item",
            "historic OR accepted_at IS NULL OR item_id IS NOT NULL",
            _("An accepted case needs a checklist item."),
        ),
        rule(
            "dispatched_has_handler",
            "historic OR status NOT IN ('dispatched', 'handling', 'handled', 'verified') OR handler_id IS NOT NULL",
            _("A dispatched case needs a handler."),
        ),
        rule(
            "closed_has_time",
            "historic OR status <> 'closed' OR closed_at IS NOT NULL",
            _("A closed case needs the time of closing."),
        ),
        rule(
            "merged_has_master",
            "historic OR status <> 'merged' OR master_id IS NOT NULL",
            _("A merged case needs its master case."),
        ),
        rule("not_its_own_master", "master_id IS NULL OR master_id <> id", _("A case can't be merged into itself.")),
        rule("quantity_not_negative", "quantity >= 0", _("A quantity can't be negative.")),
    )

    case_no: Mapped[str] = col(
        Code(20),
        _("Case no."),
        required=True,
        key=True,
        unique=True,
        search=True,
        readonly=True,
        aliases=("案号", "案件号"),
    )
    title: Mapped[str | None] = col(
        Text(80),
        _("Title"),
        search=True,
        listed=False,
        help=_("What it is about, in a few words; taken from the description if left empty."),
    )
    status: Mapped[CaseStatus] = col(
        Choice(CaseStatus), _("State"), required=True, default=CaseStatus.REPORTED, readonly=True
    )
    reported_at: Mapped[datetime] = col(
        Moment(),
        _("Reported at"),
        required=True,
        default=now,
        index=True,
        below="case_no",
        aliases=labels.CASE_REPORTED_AT,
        locked=locks.AT_INTAKE,
    )
    source: Mapped[Source] = col(
        Choice(Source), _("Source"), required=True, below="case_no", aliases=labels.CASE_SOURCE, locked=locks.AT_INTAKE
    )
    #: The words of an old ledger, where they name no source and no item.
    source_name: Mapped[str | None] = col(Text(40), _("Source as written"), readonly=True, listed=False)
    community_id: Mapped[int] = col(
        Reference("community"), _("Community"), required=True, search=True, group=PLACE, locked=locks.COMMUNITY
    )
    place: Mapped[str | None] = col(
        Text(120),
        _("Place"),
        search=True,
        group=PLACE,
        below="community",
        aliases=labels.CASE_PLACE,
    )
    item_id: Mapped[int | None] = col(
        Reference("checklistitem"),
        _("Checklist item"),
        search=True,
        aliases=("事项", "事项名称"),
        help=_("Fixes the list and the time limit."),
        locked=locks.ITEM,
    )
    item_name: Mapped[str | None] = col(Text(80), _("Checklist item as written"), readonly=True, listed=False)
    description: Mapped[str] = col(
        Text(2000, lines=4),
        _("Description"),
        required=True,
        search=True,
        aliases=labels.CASE_DESCRIPTION,
    )
    urgency: Mapped[Urgency] = col(
        Choice(Urgency),
        _("Urgency"),
        required=True,
        default=Urgency.NORMAL,
        listed=False,
        aliases=("缓急程度", "缓急", "紧急情况"),
        locked=locks.URGENCY,
    )
    liaison_id: Mapped[int | None] = col(
        Reference("liaison"), _("Liaison"), search=True, group=PLACE, listed=False, aliases=("联络员",)
    )
    lead_officer_id: Mapped[int | None] = col(
        Reference("officer"),
        _("Lead officer"),
        search=True,
        group=HANDLING,
        aliases=labels.CASE_LEAD_OFFICER,
    )
    #: The name in an old ledger, where no officer has it.
    lead_name: Mapped[str | None] = col(
        PersonName(), _("Lead officer as written"), group=HANDLING, readonly=True, listed=False
    )
    handler_id: Mapped[int | None] = col(
        Reference("officer"),
        _("Handler"),
        search=True,
        group=HANDLING,
        below="lead_officer",
        readonly=True,
        aliases=("承办",),
    )
    accepted_at: Mapped[datetime | None] = col(
        Moment(),
        _("Accepted at"),
        group=HANDLING,
        readonly=True,
        listed=False,
        index=True,
        aliases=("立案时间", "收件时间", "接件时间"),
    )
    due_at: Mapped[datetime | None] = col(
        Moment(), _("Due"), group=HANDLING, readonly=True, index=True, aliases=labels.CASE_DUE_AT
    )
    handled_at: Mapped[datetime | None] = col(
        Moment(), _("Handled at"), group=HANDLING, readonly=True, listed=False, index=True
    )
    closed_at: Mapped[datetime | None] = col(
        Moment(),
        _("Closed at"),
        group=HANDLING,
        readonly=True,
        listed=False,
        index=True,
        aliases=labels.CASE_CLOSED_AT,
    )
    outcome: Mapped[Outcome | None] = col(
        Choice(Outcome),
        _("Outcome"),
        group=RESULT,
        listed=False,
        aliases=("处理方式", "办理方式", "处置措施", "处理措施"),
        locked=locks.HANDLING_DONE,
    )
    result: Mapped[str | None] = col(
        Text(1000, lines=3),
        _("Result"),
        group=RESULT,
        listed=False,
        aliases=labels.CASE_RESULT,
        locked=locks.HANDLING_DONE,
    )
    quantity: Mapped[int | None] = col(
        Whole(0, 100_000, unit_field="quantity_unit"),
        _("Quantity achieved"),
        group=RESULT,
        listed=False,
        help=_("For example parking spaces won."),
        locked=locks.HANDLING_DONE,
    )
    quantity_unit: Mapped[str | None] = col(
        Text(20),
        _("Unit of the quantity"),
        group=RESULT,
        listed=False,
        below="quantity",
        help=_("For example 个车位."),
        locked=locks.HANDLING_DONE,
    )
    master_id: Mapped[int | None] = col(Reference("case"), _("Master case"), group=OTHER, listed=False, readonly=True)
    hotline_no: Mapped[str | None] = col(
        Code(40),
        _("12345 order no."),
        group=OTHER,
        listed=False,
        unique=True,
        search=True,
        aliases=labels.CASE_HOTLINE_NO,
    )
    raised_to: Mapped[RaisedTo | None] = col(
        Choice(RaisedTo), _("Raised with"), group=OTHER, listed=False, readonly=True
    )
    raised_at: Mapped[datetime | None] = col(
        Moment(), _("Raised at"), group=OTHER, listed=False, readonly=True, below="raised_to"
    )
    visit_id: Mapped[int | None] = col(
        Reference("visit"), _("Found on the visit"), group=OTHER, listed=False, readonly=True
    )
    historic: Mapped[bool] = col(
        Flag(), _("Historic"), required=True, default=False, group=OTHER, listed=False, readonly=True
    )
    #: The list of the item at acceptance. Items move between the lists; a case keeps the version it was accepted with.
    list_kind: Mapped[ListKind | None] = col(
        Choice(ListKind), _("List"), readonly=True, below="item", aliases=("清单类别", "清单类型", "所属清单")
    )
    item_snapshot: Mapped[dict[str, Any] | None] = mapped_column(Data().sql())

    community: Mapped[Community] = relationship()
    item: Mapped[ChecklistItem | None] = relationship()
    liaison: Mapped[Liaison | None] = relationship()
    lead_officer: Mapped[Officer | None] = relationship(foreign_keys=[lead_officer_id])
    handler: Mapped[Officer | None] = relationship(foreign_keys=[handler_id])
    master: Mapped[Case | None] = relationship(remote_side="Case.id")
    visit: Mapped[Visit | None] = relationship()

    @classmethod
    def of_past(cls, columns: Any) -> ColumnElement[bool] | None:
        """An old case, or one brought in with its end: it names the people of its day."""
        return or_(columns.historic.is_(True), columns.closed_at.is_not(None))


class CaseEvent(Base):
    """An event of a case (流转记录); append-only, sealed with the hash of the event before."""

    __tablename__ = "caseevent"
    __label__ = _("Case event")
    __labels__ = _("Case events")
    __scope__ = Via("case_id")
    __append_only__ = True
    __display__ = ("step",)
    __order__ = "-at"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True)
    seq: Mapped[int] = mapped_column()
    step: Mapped[str] = col(StepName(20), _("Step"), required=True, index=True)
    from_status: Mapped[CaseStatus | None] = col(FromState(CaseStatus), _("From state"), listed=False)
    to_status: Mapped[CaseStatus] = col(Choice(CaseStatus), _("To state"), required=True)
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True, default="")
    opinion: Mapped[str | None] = col(Text(1000, lines=3), _("Opinion"))
    actor_id: Mapped[int | None] = mapped_column()
    payload: Mapped[dict[str, Any]] = mapped_column(Data().sql(), default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64), default="")
    hash: Mapped[str] = mapped_column(String(64))

    case: Mapped[Case] = relationship()
