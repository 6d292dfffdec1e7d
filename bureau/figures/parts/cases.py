"""The sets of cases that figures are made from: what was due, handled, closed and reported.

Records stand as they stand now: a case that was closed after its period is closed. Closures within a period are read
from events where the case was reopened since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, exists, or_, select, union_all
from sqlalchemy.orm import aliased

from bureau.calendar.sql_days import local_day, minute, stepwise, within_days
from bureau.cases import forces
from bureau.cases.steps.handling import CLOSE, REOPEN, REWORK
from bureau.figures.parts.model import Condition, Part, Universe
from bureau.figures.terms import Terms
from models import (
    Case,
    CaseEvent,
    CaseParty,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    DeadlineChange,
    Feedback,
    FeedbackTarget,
    PartyRole,
)
from panel.i18n import _

#: Neither closed nor still to be closed: not counted among what is due.
NOT_DUE = (CaseStatus.SUSPENDED, CaseStatus.VOIDED, CaseStatus.MERGED, CaseStatus.REJECTED)

# What was due.


def _due(terms: Terms) -> list[Condition]:
    return [terms.within(Case.due_at), Case.status.not_in(NOT_DUE)]


def _taken(step: str) -> Any:
    return select(CaseEvent.case_id).where(CaseEvent.step == step)


def _extended(_terms: Terms) -> list[Condition]:
    granted = select(DeadlineChange.case_id).where(
        DeadlineChange.kind == ChangeKind.EXTENSION, DeadlineChange.status == ChangeStatus.APPROVED
    )
    return [Case.id.in_(granted)]


DUE = Universe(Case, _due)
DUE_ALL = Part("due", _("Cases due"), DUE)
DUE_CLOSED = Part("due_closed", _("Due and closed"), DUE, lambda _t: [Case.status == CaseStatus.CLOSED])
DUE_IN_TIME = Part(
    "due_in_time",
    _("Closed in time"),
    DUE,
    lambda _t: [Case.status == CaseStatus.CLOSED, Case.closed_at <= Case.due_at],
)
DUE_REWORKED = Part("due_reworked", _("Reworked"), DUE, lambda _t: [Case.id.in_(_taken(REWORK.name))])
DUE_EXTENDED = Part("due_extended", _("With an extension"), DUE, _extended)

# What was handled.


def _handled(terms: Terms) -> list[Condition]:
    return [terms.within(Case.handled_at), Case.status != CaseStatus.VOIDED]


def _next_day(_terms: Terms) -> list[Condition]:
    return [local_day(Case.handled_at) <= local_day(Case.reported_at) + 1]


def _told(*more: Condition) -> Condition:
    """The liaison was told since the case was handled."""
    return exists(
        select(Feedback.id).where(
            Feedback.case_id == Case.id,
            Feedback.target == FeedbackTarget.LIAISON,
            Feedback.at >= minute(Case.handled_at),
            *more,
        )
    )


def _to_tell(terms: Terms) -> list[Condition]:
    return [Case.historic.is_(False), or_(Case.handled_at < terms.over_before(), _told())]


def _told_in_time(terms: Terms) -> list[Condition]:
    return [Case.historic.is_(False), _told(Feedback.at <= stepwise(Case.handled_at, terms.told_by()))]


HANDLED = Universe(Case, _handled)
HANDLED_ALL = Part("handled", _("Cases handled"), HANDLED)
HANDLED_ACCEPTED = Part(
    "handled_accepted", _("Handled after acceptance"), HANDLED, lambda _t: [Case.accepted_at.is_not(None)]
)
HANDLED_NEXT_DAY = Part("handled_next_day", _("Handled by the next day"), HANDLED, _next_day)
HANDLED_BY_THREE = Part("handled_by_three", _("With all three forces"), HANDLED, lambda _t: [forces.all_three()])
TO_TELL = Part("to_tell", _("To be fed back"), HANDLED, _to_tell)
TOLD_IN_TIME = Part("told_in_time", _("Fed back in time"), HANDLED, _told_in_time)

# What was closed.


def _reclosed(terms: Terms, *more: Callable[[Any], Condition]) -> Any:
    """Cases that were reopened and have a closure in the period: themselves they tell the last one only."""
    again, closure = aliased(CaseEvent), aliased(CaseEvent)
    # Not by its step: that would have the database read every closure there ever was.
    became_closed = and_(closure.to_status == CaseStatus.CLOSED, closure.from_status != CaseStatus.CLOSED)
    conditions = [condition(closure) for condition in more]
    within = select(closure.id).where(
        closure.case_id == again.case_id, became_closed, terms.within(closure.at), *conditions
    )
    return select(again.case_id).where(again.step == REOPEN.name, exists(within.correlate(Case, again)))


def _closed(terms: Terms) -> list[Condition]:
    one = aliased(Case)
    # "Is closed" and OR would have the database look at every closed case there is.
    otherwise = one.status.in_((CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED))
    standing = select(one.id).where(terms.within(one.closed_at), ~otherwise)
    return [Case.id.in_(union_all(standing, _reclosed(terms))), Case.status != CaseStatus.VOIDED]


def _not_raised(terms: Terms) -> list[Condition]:
    standing = and_(
        Case.status == CaseStatus.CLOSED,
        terms.within(Case.closed_at),
        within_days(Case.raised_at, Case.closed_at, terms.repeat_days),
    )
    earlier = _reclosed(terms, lambda closure: within_days(Case.raised_at, closure.at, terms.repeat_days))
    return [or_(Case.raised_at.is_(None), and_(~standing, Case.id.not_in(earlier.correlate(Case))))]


CLOSED = Universe(Case, _closed, additive=False)
CLOSED_ALL = Part("closed", _("Cases closed"), CLOSED)
NOT_RAISED = Part("not_raised", _("Not raised elsewhere"), CLOSED, _not_raised)

# What was reported.


def _reported(terms: Terms) -> list[Condition]:
    return [
        terms.within(Case.reported_at),
        Case.status.not_in((CaseStatus.VOIDED, CaseStatus.REJECTED)),
        Case.historic.is_(False),
    ]


def _repeated(terms: Terms) -> list[Condition]:
    """An earlier case of the same item, at the same place or of the same complainant, had been closed within the
    window before."""
    earlier, mine, theirs = aliased(Case), aliased(CaseParty), aliased(CaseParty)
    closure = aliased(CaseEvent)
    window = terms.repeat_days
    same_place = and_(earlier.community_id == Case.community_id, earlier.place == Case.place)
    same_item = and_(earlier.item_id == Case.item_id, earlier.id != Case.id, earlier.historic.is_(False))
    standing = and_(earlier.status == CaseStatus.CLOSED, within_days(Case.reported_at, earlier.closed_at, window))
    before = exists(
        select(closure.id)
        .where(closure.case_id == earlier.id, closure.step == CLOSE.name)
        .where(within_days(Case.reported_at, closure.at, window))
        .correlate(Case, earlier)
    )
    ended = or_(standing, and_(earlier.id.in_(_taken(REOPEN.name)), before))
    # No JOIN: in its ON clause the scope of an aliased table would name the table itself.
    called = select(earlier.id).where(
        mine.case_id == Case.id,
        mine.role == PartyRole.COMPLAINANT,
        theirs.phone_hash == mine.phone_hash,
        theirs.role == PartyRole.COMPLAINANT,
        earlier.id == theirs.case_id,
        same_item,
        ended,
    )
    placed = select(earlier.id).where(same_place, same_item, ended)
    return [or_(exists(placed.correlate(Case)), exists(called.correlate(Case)))]


REPORTED = Universe(Case, _reported)
REPORTED_ALL = Part("reported", _("Cases reported"), REPORTED)
REPEATED = Part("repeated", _("Repeated complaints"), REPORTED, _repeated)
