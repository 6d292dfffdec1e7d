"""Deadlines worked out anew after the working calendar has changed, with a record on each case that it touches."""

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
from panel.i18n import _, for_the_record
from panel.kinds import Moment, now
from panel.security.session import actor_of, by_right
from panel.store import bulk
from panel.store.bulk import Edit

STEP = "recompute"
StepName.labels[STEP] = _("Deadline worked out anew")

#: The clock of a suspended case stands still: it is worked out when the case is resumed.
RUNNING = tuple(status for status in CaseStatus if status not in ENDED and status is not CaseStatus.SUSPENDED)
#: What a deadline is worked out from.
BASIS = (Case.accepted_at, Case.urgency, Case.item_snapshot)
#: A note in the audit trail.
NOTE = _("The working calendar has changed")


@dataclass(frozen=True, slots=True)
class MovedDeadline:
    """A case whose deadline is another one by the calendar as it now stands."""

    id: int
    case_no: str
    version: int
    status: CaseStatus
    before: datetime
    after: datetime


def moved(session: Session, calendar: Calendar | None = None) -> list[MovedDeadline]:
    """The open, accepted cases whose deadline the calendar moves, by the limit that they were accepted with, their
    extensions and the time that they stood still; those that are due first come first. The number of statements
    doesn't grow with the cases."""
    calendar = calendar or office_calendar(session)
    wanted = (Case.id, Case.case_no, Case.version, Case.status, Case.due_at, *BASIS)
    statement = _running(select(*wanted)).order_by(Case.due_at, Case.id)
    changes, reopened = _changes(session), reopenings(session)
    found = []
    for row in session.execute(statement, execution_options={"unscoped": True}):
        after = _due(row, reopened.get(row.id, row.accepted_at), changes.get(row.id, ()), calendar)
        if after is not None and after != row.due_at:
            found.append(MovedDeadline(row.id, row.case_no, row.version, row.status, row.due_at, after))
    return found


def recompute(session: Session, calendar: Calendar | None = None) -> int:
    """Move the deadlines that the calendar moves, write an event to each case, and return how many those are. Raises
    StaleRow when somebody takes a step of one of them meanwhile; the caller commits or rolls back."""
    found = moved(session, calendar)
    if not found:
        return 0
    edits = [Edit(one.id, one.version, {"due_at": one.after}, {"due_at": one.before}) for one in found]
    rows = _events(session, found)
    note = for_the_record(NOTE)
    with by_right(session):
        bulk.edit(session, Case, edits, note)
        bulk.append(session, CaseEvent, rows)
    session.expire_all()
    return len(found)


def _running(statement: Select[Any]) -> Select[Any]:
    return statement.where(
        Case.status.in_(RUNNING),
        Case.accepted_at.is_not(None),
        Case.due_at.is_not(None),
        Case.historic.is_(False),
    )


def _changes(session: Session) -> dict[int, list[Any]]:
    """What was granted to each of these cases: extensions, and suspensions that are over."""
    wanted = (
        DeadlineChange.case_id,
        DeadlineChange.kind,
        DeadlineChange.status,
        DeadlineChange.days,
        DeadlineChange.unit,
        DeadlineChange.decided_at,
        DeadlineChange.resumed_at,
    )
    statement = select(*wanted).where(
        DeadlineChange.status.in_((ChangeStatus.APPROVED, ChangeStatus.OVER)),
        DeadlineChange.case_id.in_(_running(select(Case.id))),
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(statement, execution_options={"unscoped": True}):
        found[row.case_id].append(row)
    return found


def reopenings(session: Session) -> dict[int, datetime]:
    """When the cases on the clock that were reopened were so last: their limit runs from there. One statement."""
    statement = (
        select(CaseEvent.case_id, func.max(CaseEvent.at))
        .where(CaseEvent.step.in_(restarting()), CaseEvent.case_id.in_(_running(select(Case.id))))
        .group_by(CaseEvent.case_id)
    )
    return {row[0]: row[1] for row in session.execute(statement, execution_options={"unscoped": True})}


def _due(row: Any, begun: datetime, changes: Iterable[Any], calendar: Calendar) -> datetime | None:
    """When the case is due by its snapshot and what was granted; None where it has none to go by."""
    limit = clock.limit_of(row.item_snapshot, row.urgency)
    return None if limit is None else clock.due_at(begun, limit, changes, calendar)


def _events(session: Session, found: list[MovedDeadline]) -> list[dict[str, Any]]:
    """The next event of each case; the last ones of all open cases are read in one statement."""
    newest = (
        select(CaseEvent.case_id, func.max(CaseEvent.seq).label("seq"))
        .where(CaseEvent.case_id.in_(_running(select(Case.id))))
        .group_by(CaseEvent.case_id)
        .subquery()
    )
    statement = select(CaseEvent.case_id, CaseEvent.seq, CaseEvent.hash).join(
        newest, (newest.c.case_id == CaseEvent.case_id) & (newest.c.seq == CaseEvent.seq)
    )
    last = {row.case_id: row for row in session.execute(statement, execution_options={"unscoped": True})}
    actor, at = actor_of(session), now()
    rows = []
    for one in found:
        row = {
            "at": at,
            "step": STEP,
            "from_status": one.status,
            "to_status": one.status,
            "actor_id": actor.user_id,
            "actor_name": actor.name,
            "opinion": f"{_words(one.before)} → {_words(one.after)}",
            "payload": {"before": one.before.isoformat(), "after": one.after.isoformat()},
        }
        before = last.get(one.id)
        rows += events.chain(one.id, [row], seq=before.seq + 1 if before else 1, previous=before.hash if before else "")
    return rows


def _words(moment: datetime) -> str:
    return Moment().format(moment.replace(second=0, microsecond=0))
