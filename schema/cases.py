"""Cases with their parties and events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, String, UniqueConstraint, inspect
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from panel.base import Anchor, Base, Record, Via
from panel.fields import Personal, col, rule
from panel.i18n import Message, _
from panel.kinds import Choice, Code, Data, Flag, Moment, PersonName, Phone, Place, Reference, Text, Whole, now
from schema import labels
from schema.lists import ChecklistItem
from schema.people import Liaison, Officer
from schema.places import Community
from schema.words import (
    CONTACT,
    HANDLING,
    OTHER,
    PLACE,
    RESULT,
    CaseStatus,
    FromState,
    ListKind,
    Outcome,
    PartyRole,
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
    __rows__ = ("caseparty",)
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
    )
    source: Mapped[Source] = col(
        Choice(Source),
        _("Source"),
        required=True,
        below="case_no",
        aliases=labels.CASE_SOURCE,
    )
    #: The words of an old ledger, where they name no source and no item.
    source_name: Mapped[str | None] = col(Text(40), _("Source as written"), readonly=True, listed=False)
    community_id: Mapped[int] = col(Reference("community"), _("Community"), required=True, group=PLACE)
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
        aliases=("事项", "事项名称"),
        help=_("Fixes the list and the time limit."),
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
    )
    liaison_id: Mapped[int | None] = col(
        Reference("liaison"), _("Liaison"), group=PLACE, listed=False, aliases=("联络员",)
    )
    lead_officer_id: Mapped[int | None] = col(
        Reference("officer"),
        _("Lead officer"),
        group=HANDLING,
        aliases=labels.CASE_LEAD_OFFICER,
    )
    #: The name in an old ledger, where no officer has it.
    lead_name: Mapped[str | None] = col(
        PersonName(), _("Lead officer as written"), group=HANDLING, readonly=True, listed=False
    )
    handler_id: Mapped[int | None] = col(
        Reference("officer"), _("Handler"), group=HANDLING, below="lead_officer", readonly=True, aliases=("承办",)
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
    )
    result: Mapped[str | None] = col(
        Text(1000, lines=3),
        _("Result"),
        group=RESULT,
        listed=False,
        aliases=labels.CASE_RESULT,
    )
    quantity: Mapped[int | None] = col(
        Whole(0, 100_000, unit_field="quantity_unit"),
        _("Quantity achieved"),
        group=RESULT,
        listed=False,
        help=_("For example parking spaces won."),
    )
    quantity_unit: Mapped[str | None] = col(
        Text(20), _("Unit of the quantity"), group=RESULT, listed=False, below="quantity", help=_("For example 个车位.")
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

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse a change of the item of an accepted case: list, snapshot and deadline follow from it."""
        if self.accepted_at is not None and inspect(self).attrs.item_id.history.has_changes():
            yield "item", _("The item of an accepted case stays: its list and deadline follow from it.")


class CaseParty(Record):
    """A party of a case (案件人员): a private person, whose values are masked until a logged reveal."""

    __tablename__ = "caseparty"
    __label__ = _("Party")
    __labels__ = _("Parties")
    __scope__ = Via("case_id")
    __display__ = ("role",)
    __table_args__ = (
        rule(
            "named_or_anonymous", "anonymous OR name IS NOT NULL", _("Enter a name, or mark the person as anonymous.")
        ),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    role: Mapped[PartyRole] = col(Choice(PartyRole), _("Part played"), required=True, default=PartyRole.COMPLAINANT)
    anonymous: Mapped[bool] = col(Flag(), _("Anonymous"), required=True, default=False)
    name: Mapped[str | None] = col(PersonName(), _("Person's name"), personal=Personal.PRIVATE, filter=False)
    phone: Mapped[str | None] = col(
        Phone(), _("Telephone"), personal=Personal.PRIVATE, filter=False, group=CONTACT, aliases=("联系电话", "手机")
    )
    address: Mapped[str | None] = col(
        Place(), _("Home address"), personal=Personal.PRIVATE, filter=False, group=CONTACT
    )
    #: Last four digits and keyed hash of the phone, to recognise a caller without the number.
    phone_tail: Mapped[str | None] = mapped_column(String(4), index=True)
    phone_hash: Mapped[str | None] = mapped_column(String(64), index=True)

    case: Mapped[Case] = relationship()


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
    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
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
