"""Recalculate deadlines after a change of the working calendar, with an event on each case that it moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bureau.calendar.calendar import Calendar, office_calendar
from bureau.cases import clock, events
from bureau.cases.steps.registry import restarting
from models import ENDED, Case, CaseEvent, CaseStatus, ChangeStatus, DeadlineChange, StepName
from panel.base import UNSCOPED
from panel.i18n import _, in_default_locale
from panel.kinds import Moment, now
from panel.security.session import actor_of, elevated
from panel.store import bulk
from panel.store.bulk import Edit

STEP = "recompute"
StepName.labels[STEP] = _("Deadline worked out anew")

#: Open states except suspended: the deadline of a suspended case is recalculated when it is resumed.
RUNNING = tuple(status for status in CaseStatus if status not in ENDED and status is not CaseStatus.SUSPENDED)
#: The columns that a deadline is calculated from.
BASIS = (Case.accepted_at, Case.urgency, Case.item_snapshot)
#: The note of the audit entries.
NOTE = _("The working calendar has changed")


@dataclass(frozen=True, slots=True)
class MovedDeadline:
    """A case whose deadline changes under the current calendar: the stored one and the new one."""

    id: int
    case_no: str
    version: int
    status: CaseStatus
    before: datetime
    after: datetime


def moved_deadlines(session: Session, calendar: Calendar | None = None) -> list[MovedDeadline]:
    """The open, accepted cases whose deadline changes under the calendar, in the order of the stored deadline.

    The new deadline follows from the limit at acceptance, the extensions and the suspensions. The number of statements
    doesn't grow with the cases."""
    calendar = calendar or office_calendar(session)
    columns = (Case.id, Case.case_no, Case.version, Case.status, Case.due_at, *BASIS)
    statement = _running(select(*columns)).order_by(Case.due_at, Case.id)
    changes, reopened = _changes(session), reopenings(session)
    cases = []
    for row in session.execute(statement, execution_options=UNSCOPED):
        after = _due(row, reopened.get(row.id, row.accepted_at), changes.get(row.id, ()), calendar)
        if after is not None and after != row.due_at:
            cases.append(MovedDeadline(row.id, row.case_no, row.version, row.status, row.due_at, after))
    return cases


def recompute(session: Session, calendar: Calendar | None = None) -> int:
    """Store the deadlines of moved_deadlines(), add an event to each case, and return how many there were.

    Raises StaleRow if one of the cases was changed meanwhile. The caller commits or rolls back."""
    cases = moved_deadlines(session, calendar)
    if not cases:
        return 0
    edits = [Edit(case.id, case.version, {"due_at": case.after}, {"due_at": case.before}) for case in cases]
    rows = _events(session, cases)
    note = in_default_locale(NOTE)
    with elevated(session):
        bulk.edit(session, Case, edits, note)
        bulk.append(session, CaseEvent, rows)
    session.expire_all()
    return len(cases)


def _running(statement: Select[Any]) -> Select[Any]:
    return statement.where(
        Case.status.in_(RUNNING),
        Case.accepted_at.is_not(None),
        Case.due_at.is_not(None),
        Case.historic.is_(False),
    )


def _changes(session: Session) -> dict[int, list[Any]]:
    """The granted extensions and ended suspensions of the running cases, by case id."""
    columns = (
        DeadlineChange.case_id,
        DeadlineChange.kind,
        DeadlineChange.status,
        DeadlineChange.days,
        DeadlineChange.unit,
        DeadlineChange.decided_at,
        DeadlineChange.resumed_at,
        DeadlineChange.perform_by,
    )
    statement = select(*columns).where(
        DeadlineChange.status.in_((ChangeStatus.APPROVED, ChangeStatus.OVER)),
        DeadlineChange.case_id.in_(_running(select(Case.id))),
    )
    changes: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(statement, execution_options=UNSCOPED):
        changes[row.case_id].append(row)
    return changes


def reopenings(session: Session) -> dict[int, datetime]:
    """The last reopening of each running case that was reopened after its acceptance, by case id. Its limit runs from
    there. One statement."""
    statement = (
        select(CaseEvent.case_id, func.max(CaseEvent.at))
        .join(Case, Case.id == CaseEvent.case_id)
        .where(
            CaseEvent.step.in_(restarting()),
            CaseEvent.case_id.in_(_running(select(Case.id))),
            CaseEvent.at >= Case.accepted_at,
        )
        .group_by(CaseEvent.case_id)
    )
    return {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}


def _due(row: Any, begun: datetime, changes: Iterable[Any], calendar: Calendar) -> datetime | None:
    """The deadline of a case by the limit of its snapshot and its changes; None without a limit."""
    limit = clock.limit_of(row.item_snapshot, row.urgency)
    return None if limit is None else clock.due_at(begun, limit, changes, calendar)


def _events(session: Session, cases: list[MovedDeadline]) -> list[dict[str, Any]]:
    """The next event of each case. The last events are read in one statement."""
    newest = (
        select(CaseEvent.case_id, func.max(CaseEvent.seq).label("seq"))
        .where(CaseEvent.case_id.in_(_running(select(Case.id))))
        .group_by(CaseEvent.case_id)
        .subquery()
    )
    statement = select(CaseEvent.case_id, CaseEvent.seq, CaseEvent.hash).join(
        newest, (newest.c.case_id == CaseEvent.case_id) & (newest.c.seq == CaseEvent.seq)
    )
    last = {row.case_id: row for row in session.execute(statement, execution_options=UNSCOPED)}
    actor, at = actor_of(session), now()
    rows = []
    for case in cases:
        row = {
            "at": at,
            "step": STEP,
            "from_status": case.status,
            "to_status": case.status,
            "actor_id": actor.user_id,
            "actor_name": actor.name,
            "opinion": f"{_words(case.before)} → {_words(case.after)}",
            "payload": {"before": case.before.isoformat(), "after": case.after.isoformat()},
        }
        previous = last.get(case.id)
        rows += events.chain(
            case.id, [row], seq=previous.seq + 1 if previous else 1, previous=previous.hash if previous else ""
        )
    return rows


def _words(moment: datetime) -> str:
    return Moment().format(moment.replace(second=0, microsecond=0))
