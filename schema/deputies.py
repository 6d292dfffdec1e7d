"""Deputies (代理): who stands in for an officer or leader, for a limited time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Mapped, Session, relationship

from panel.base import UNSCOPED, Record, Via
from panel.fields import col, rule
from panel.i18n import Message, _
from panel.kinds import Day, Reference, Text, today
from schema.people import Officer, is_over
from schema.words import OTHER, TERM, OfficerKind

SAME_PERSON = _("Nobody stands in for themselves.")


class Deputy(Record):
    """A deputy, who may do what an officer or leader may, from one day to another. What they do is recorded in
    their own name, with that of the person they stand in for."""

    __tablename__ = "deputy"
    __label__ = _("Deputy's term")
    __labels__ = _("Deputies")
    __scope__ = Via("officer_id")
    __display__ = ("officer", "deputy")
    __order__ = "-start_on"
    __table_args__ = (
        rule("term_in_order", "end_on >= start_on", _("The term ends before it begins.")),
        rule("two_people", "officer_id <> deputy_id", SAME_PERSON),
    )

    officer_id: Mapped[int] = col(
        Reference("officer"),
        _("Person replaced"),
        required=True,
        key=True,
        aliases=("被代理队员", "被代理人姓名", "请假人", "请假人员"),
        help=_("A leader is replaced with the rights of a leader."),
    )
    deputy_id: Mapped[int] = col(
        Reference("officer"),
        _("Deputy"),
        required=True,
        key=True,
        aliases=("代理人姓名", "代理队员", "顶岗人", "顶岗人员"),
        help=_("Works with their own account. Needs one, and the role of officer, leader or office."),
    )
    start_on: Mapped[date] = col(
        Day(), _("From"), required=True, key=True, default=today, index=True, group=TERM, aliases=("代理开始日期",)
    )
    end_on: Mapped[date] = col(
        Day(),
        _("Until"),
        required=True,
        group=TERM,
        aliases=("代理结束日期",),
        help=_("The last day, included. To end it earlier, enter an earlier day."),
    )
    reason: Mapped[str | None] = col(Text(200, lines=2), _("Reason"), group=OTHER, help=_("For example 年休假."))

    officer: Mapped[Officer] = relationship(foreign_keys=[officer_id])
    deputy: Mapped[Officer] = relationship(foreign_keys=[deputy_id])

    @classmethod
    def of_past(cls, columns: Any) -> ColumnElement[bool] | None:
        return is_over(columns)

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse people who can't stand in, and terms that contradict others."""
        if self.start_on is None or self.end_on is None or self.end_on < self.start_on:
            return
        if self.officer_id is None or self.deputy_id is None or self.officer_id == self.deputy_id:
            return
        with session.no_autoflush:
            people = officers(session, (self.officer_id, self.deputy_id))
            stored = terms(session)
        yield from unfit(people.get(self.officer_id), people.get(self.deputy_id))
        span = (self.start_on, self.end_on)
        others = [term for term in stored if term.id != self.id and overlap(span, (term.start_on, term.end_on))]
        yield from contradictions(self.officer_id, self.deputy_id, others)


def officers(session: Session, ids: Collection[int]) -> dict[int, Any]:
    """What decides whether officers can be replaced or stand in, by id. One statement."""
    officer = Officer.__table__.c
    columns = (officer.id, officer.name, officer.kind, officer.active, officer.user_id)
    statement = select(*columns).where(officer.id.in_(ids))
    return {row.id: row for row in session.execute(statement, execution_options=UNSCOPED)}


def terms(session: Session) -> Sequence[Any]:
    """All stored terms: id, officer, deputy, first and last day. One statement."""
    deputy = Deputy.__table__.c
    columns = (deputy.id, deputy.officer_id, deputy.deputy_id, deputy.start_on, deputy.end_on)
    return session.execute(select(*columns).order_by(deputy.start_on), execution_options=UNSCOPED).all()


def overlap(span: tuple[date, date], other: tuple[date, date]) -> bool:
    return span[0] <= other[1] and other[0] <= span[1]


def contradictions(officer: int, deputy: int, others: Iterable[Any]) -> Iterable[tuple[str, Message]]:
    """The first contradiction of a term with others that share a day with it, by field."""
    for other in others:
        days = {"first": other.start_on, "last": other.end_on}
        if other.officer_id == officer:
            yield "start_on", _("This person has a deputy from {first} to {last} already. One at a time.", **days)
        elif other.officer_id == deputy:
            yield "deputy", _("The deputy is replaced by somebody from {first} to {last}. Choose another.", **days)
        elif other.deputy_id == officer:
            yield "officer", _("This person stands in for somebody from {first} to {last}. End that first.", **days)
        else:
            continue
        return


def unfit(officer: Any | None, deputy: Any | None) -> Iterable[tuple[str, Message]]:
    """Why two people can't be replaced and stand in, by field."""
    if officer is None or deputy is None:
        return
    if not officer.active:
        yield "officer", _("{name} is no longer in service. Hand over instead.", name=officer.name)
    if not deputy.active:
        yield "deputy", _("{name} is no longer in service. Choose another.", name=deputy.name)
    elif deputy.user_id is None:
        yield "deputy", _("{name} has no account and can't act. Give them one first.", name=deputy.name)
    elif deputy.kind is OfficerKind.AUXILIARY and officer.kind is not OfficerKind.AUXILIARY:
        yield "deputy", _("Auxiliary staff can't stand in for an officer.")
