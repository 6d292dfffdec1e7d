"""The sets of cases that figures count: due, handled, closed and reported.

Cases count by their present state: a case closed after the period is closed. The closures of reopened cases are
read from events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, exists, or_, select, union_all
from sqlalchemy.orm import aliased

from bureau.calendar.sql_days import local_day, stepwise, within_days
from bureau.cases import forces
from bureau.cases.clock import NOT_DUE, in_time
from bureau.cases.steps import names
from bureau.cases.steps.handling import CLOSE
from bureau.cases.steps.registry import restarting
from bureau.checklists import items
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
from panel.kinds import minute

# Cases due.


def _due(terms: Terms) -> list[Condition]:
    return [terms.within(Case.due_at), Case.status.not_in(NOT_DUE)]


def with_step(*steps: str) -> Any:
    """Select the ids of cases in which one of these steps was taken."""
    return select(CaseEvent.case_id).where(CaseEvent.step.in_(steps))


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
    lambda _t: [Case.status == CaseStatus.CLOSED, in_time(Case.closed_at, Case.due_at)],
)
DUE_REWORKED = Part(
    "due_reworked", _("Reworked"), DUE, lambda _t: [Case.id.in_(with_step(*names(lambda step: step.reworks)))]
)
DUE_EXTENDED = Part("due_extended", _("With an extension"), DUE, _extended)

# Cases handled.


def _handled(terms: Terms) -> list[Condition]:
    return [terms.within(Case.handled_at), Case.status != CaseStatus.VOIDED]


def _next_day(_terms: Terms) -> list[Condition]:
    return [local_day(Case.handled_at) <= local_day(Case.reported_at) + 1]


def _has_feedback(*more: Condition) -> Condition:
    """The condition for feedback to the liaison since the case was handled."""
    return exists(
        select(Feedback.id).where(
            Feedback.case_id == Case.id,
            Feedback.target == FeedbackTarget.LIAISON,
            Feedback.at >= minute(Case.handled_at),
            *more,
        )
    )


def _feedback_due(terms: Terms) -> list[Condition]:
    return [Case.historic.is_(False), or_(Case.handled_at < terms.feedback_overdue_before(), _has_feedback())]


def _fed_back_in_time(terms: Terms) -> list[Condition]:
    return [
        Case.historic.is_(False),
        _has_feedback(Feedback.at <= stepwise(Case.handled_at, terms.feedback_deadlines())),
    ]


HANDLED = Universe(Case, _handled)
HANDLED_ALL = Part("handled", _("Cases handled"), HANDLED)
HANDLED_ACCEPTED = Part(
    "handled_accepted", _("Handled after acceptance"), HANDLED, lambda _t: [Case.accepted_at.is_not(None)]
)
HANDLED_NEXT_DAY = Part("handled_next_day", _("Handled by the next day"), HANDLED, _next_day)
HANDLED_BY_THREE = Part("handled_by_three", _("With all three forces"), HANDLED, lambda _t: [forces.all_three()])
FEEDBACK_DUE = Part("to_tell", _("To be fed back"), HANDLED, _feedback_due)
FED_BACK_IN_TIME = Part("told_in_time", _("Fed back in time"), HANDLED, _fed_back_in_time)

# Cases closed.


def _reclosed(terms: Terms, *more: Callable[[Any], Condition]) -> Any:
    """Reopened cases with a closure in the period, from events: closed_at keeps the last closure only."""
    reopening, closure = aliased(CaseEvent), aliased(CaseEvent)
    # Not by its step: the database would read every closure.
    became_closed = and_(closure.to_status == CaseStatus.CLOSED, closure.from_status != CaseStatus.CLOSED)
    conditions = [condition(closure) for condition in more]
    within = select(closure.id).where(
        closure.case_id == reopening.case_id, became_closed, terms.within(closure.at), *conditions
    )
    return select(reopening.case_id).where(reopening.step.in_(restarting()), exists(within.correlate(Case, reopening)))


def _closed(terms: Terms) -> list[Condition]:
    case = aliased(Case)
    # "status = closed" and OR would make the database read every closed case.
    ended_otherwise = case.status.in_((CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED))
    last_closed = select(case.id).where(terms.within(case.closed_at), ~ended_otherwise)
    return [Case.id.in_(union_all(last_closed, _reclosed(terms))), Case.status != CaseStatus.VOIDED]


def _not_raised(terms: Terms) -> list[Condition]:
    last_closed = and_(
        Case.status == CaseStatus.CLOSED,
        terms.within(Case.closed_at),
        within_days(Case.raised_at, Case.closed_at, terms.repeat_days),
    )
    reclosed = _reclosed(terms, lambda closure: within_days(Case.raised_at, closure.at, terms.repeat_days))
    return [or_(Case.raised_at.is_(None), and_(~last_closed, Case.id.not_in(reclosed.correlate(Case))))]


CLOSED = Universe(Case, _closed, additive=False)
CLOSED_ALL = Part("closed", _("Cases closed"), CLOSED)
NOT_RAISED = Part("not_raised", _("Not raised elsewhere"), CLOSED, _not_raised)

# Cases reported.


def _reported(terms: Terms) -> list[Condition]:
    return [
        terms.within(Case.reported_at),
        Case.status.not_in((CaseStatus.VOIDED, CaseStatus.REJECTED)),
        Case.historic.is_(False),
    ]


def _repeated(terms: Terms) -> list[Condition]:
    """Cases with an earlier case of the same item, at the same place or of the same complainant, that was closed within
    `repeat_days` before the report."""
    earlier, party, other_party = aliased(Case), aliased(CaseParty), aliased(CaseParty)
    closure = aliased(CaseEvent)
    window = terms.repeat_days
    same_place = and_(earlier.community_id == Case.community_id, earlier.place == Case.place)
    same_item = and_(items.same_item(Case.item_id, earlier.item_id), earlier.id != Case.id, earlier.historic.is_(False))
    last_closed = and_(earlier.status == CaseStatus.CLOSED, within_days(Case.reported_at, earlier.closed_at, window))
    closed_before = exists(
        select(closure.id)
        .where(closure.case_id == earlier.id, closure.step == CLOSE.name)
        .where(within_days(Case.reported_at, closure.at, window))
        .correlate(Case, earlier)
    )
    ended = or_(last_closed, and_(earlier.id.in_(with_step(*restarting())), closed_before))
    # No JOIN: the scope condition in its ON clause would name the table instead of the alias.
    same_complainant = select(earlier.id).where(
        party.case_id == Case.id,
        party.role == PartyRole.COMPLAINANT,
        other_party.phone_hash == party.phone_hash,
        other_party.role == PartyRole.COMPLAINANT,
        earlier.id == other_party.case_id,
        same_item,
        ended,
    )
    same_place_cases = select(earlier.id).where(same_place, same_item, ended)
    return [or_(exists(same_place_cases.correlate(Case)), exists(same_complainant.correlate(Case)))]


REPORTED = Universe(Case, _reported)
REPORTED_ALL = Part("reported", _("Cases reported"), REPORTED)
REPEATED = Part("repeated", _("Repeated complaints"), REPORTED, _repeated)
