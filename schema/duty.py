"""Monday visits to the communities, and the survey."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from panel.base import Record, Via
from panel.fields import Personal, col, rule
from panel.i18n import Message, _
from panel.kinds import Choice, Day, Moment, PersonName, Place, Reference, Text, Whole, today
from schema import locks
from schema.cases import Case
from schema.people import Liaison, Officer
from schema.places import Community
from schema.words import OTHER, PLACE, RESULT, SurveyKind, VisitStatus


class Visit(Record):
    """An officer's visit to a community (联居走访), planned for a calendar Monday, holidays included."""

    __tablename__ = "visit"
    __label__ = _("Visit")
    __labels__ = _("Visits")
    __scope__ = Via("community_id")
    __display__ = ("planned_on", "community")
    __order__ = "-planned_on"
    __table_args__ = (
        UniqueConstraint("community_id", "planned_on"),
        rule("left_after_arrival", "left_at IS NULL OR left_at >= arrived_at", _("It ends before it begins.")),
        rule(
            "done_has_arrival",
            "status NOT IN ('done', 'made_up') OR arrived_at IS NOT NULL",
            _("A visit that took place needs its time."),
        ),
        rule("excuse_has_reason", "status <> 'exempt' OR reason IS NOT NULL", _("An excused visit needs the reason.")),
    )

    planned_on: Mapped[date] = col(Day(), _("Planned for"), required=True, key=True, index=True, locked=locks.VISITED)
    community_id: Mapped[int] = col(
        Reference("community"), _("Community"), search=True, required=True, key=True, locked=locks.VISITED
    )
    officer_id: Mapped[int | None] = col(
        Reference("officer"),
        _("Officer"),
        search=True,
        aliases=("联居队员",),
        help=_("Of a visit that is planned it follows the assignment."),
        locked=locks.VISITED,
    )
    liaison_id: Mapped[int | None] = col(
        Reference("liaison"), _("Liaison"), search=True, below="officer", locked=locks.VISITED
    )
    status: Mapped[VisitStatus] = col(
        Choice(VisitStatus), _("State"), required=True, default=VisitStatus.PLANNED, readonly=True
    )
    arrived_at: Mapped[datetime | None] = col(Moment(), _("Arrived"), group=RESULT, readonly=True)
    left_at: Mapped[datetime | None] = col(Moment(), _("Left"), group=RESULT, readonly=True, below="arrived_at")
    content: Mapped[str | None] = col(
        Text(1000, lines=3), _("Work done"), group=RESULT, listed=False, locked=locks.NOTED
    )
    findings: Mapped[str | None] = col(
        Text(1000, lines=3), _("What was found"), group=RESULT, listed=False, locked=locks.NOTED
    )
    on_the_spot: Mapped[str | None] = col(
        Text(500, lines=2), _("Settled on the spot"), group=RESULT, listed=False, locked=locks.NOTED
    )
    reason: Mapped[str | None] = col(
        Text(300, lines=2),
        _("Reason"),
        group=OTHER,
        listed=False,
        help=_("Why it was missed, made up for or excused."),
        locked=locks.NOTED,
    )

    community: Mapped[Community] = relationship()
    officer: Mapped[Officer | None] = relationship()
    liaison: Mapped[Liaison | None] = relationship()

    @classmethod
    def of_past(cls, columns: Any) -> ColumnElement[bool] | None:
        gone: ColumnElement[bool] = columns.planned_on < today()
        return gone

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse any other weekday than Monday."""
        if self.planned_on is not None and self.planned_on.weekday() != 0:
            yield "planned_on", _("Visits are planned for Mondays.")


class SurveyEntry(Record):
    """A survey entry (排摸记录): what was found at an address, updated on visits."""

    __tablename__ = "surveyentry"
    __label__ = _("Survey entry")
    __labels__ = _("Survey")
    __scope__ = Via("community_id")
    __display__ = ("kind", "address")
    __order__ = "-verified_on"
    __table_args__ = (
        UniqueConstraint("community_id", "kind", "address_hash"),
        rule("quantity_not_negative", "quantity >= 0", _("A quantity can't be negative.")),
        rule("verified_after_first", "verified_on >= first_on", _("It was verified before it was first seen.")),
    )

    community_id: Mapped[int] = col(
        Reference("community"), _("Community"), search=True, required=True, key=True, group=PLACE
    )
    kind: Mapped[SurveyKind] = col(
        Choice(SurveyKind), _("Kind"), required=True, key=True, group=PLACE, aliases=("类别",)
    )
    #: Often a home. Whoever reads the survey sees it in clear.
    address: Mapped[str] = col(
        Place(),
        _("Address"),
        required=True,
        key=True,
        search=True,
        encrypted=True,
        filter=False,
        group=PLACE,
        aliases=("地址",),
    )
    address_hash: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str | None] = col(
        PersonName(),
        _("Person or shop"),
        personal=Personal.PRIVATE,
        encrypted=True,
        filter=False,
        aliases=("对象",),
    )
    quantity: Mapped[int | None] = col(Whole(0, 100_000), _("Quantity"), aliases=("数量",))
    first_on: Mapped[date] = col(Day(), _("First seen"), required=True, default=today, aliases=("首次发现",))
    verified_on: Mapped[date] = col(
        Day(), _("Last verified"), required=True, default=today, index=True, aliases=("最近核实",)
    )
    #: The name at that time, because readers of the survey may not read accounts.
    verified_by: Mapped[str | None] = col(Text(80), _("Verified by"), readonly=True, below="verified_on")
    visit_id: Mapped[int | None] = col(Reference("visit"), _("Visit"), group=OTHER, listed=False, readonly=True)
    case_id: Mapped[int | None] = col(Reference("case"), _("Case"), search=True, group=OTHER, readonly=True)
    note: Mapped[str | None] = col(Text(300, lines=2), _("Remark"), group=OTHER, listed=False)

    #: When retention anonymised the person.
    erased_at: Mapped[datetime | None] = mapped_column()

    community: Mapped[Community] = relationship()
    visit: Mapped[Visit | None] = relationship()
    case: Mapped[Case | None] = relationship()

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse a day in the future."""
        for name in ("first_on", "verified_on"):
            if (day := getattr(self, name)) is not None and day > today():
                yield name, _("This day is still to come.")
