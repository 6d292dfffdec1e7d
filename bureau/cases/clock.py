"""The deadline of a case: the limit it was accepted with, plus granted extensions and suspensions, and the days by
which agreements are performed.

Pure functions. The same rule sets a deadline and recalculates it when the calendar changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, overload

from sqlalchemy import ColumnElement

from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from models import CaseStatus, ChangeKind, ChangeStatus, LimitUnit, Urgency

#: States whose deadline doesn't count: suspended, or ended otherwise than closed.
NOT_DUE = (CaseStatus.SUSPENDED, CaseStatus.VOIDED, CaseStatus.MERGED, CaseStatus.REJECTED)


class Change(Protocol):
    """The columns of DeadlineChange that this module reads."""

    kind: ChangeKind
    status: ChangeStatus
    days: int | None
    unit: LimitUnit | None
    decided_at: datetime | None
    resumed_at: datetime | None
    perform_by: date | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit with its unit. For an urgent case hours run around the clock; working days stay as they are."""

    value: int
    unit: LimitUnit
    urgent: bool = False


def limit_of(snapshot: dict[str, Any] | None, urgency: Urgency | None) -> Limit | None:
    """The limit in the snapshot of a case's item; None where there is none, as in cases from old ledgers."""
    if not snapshot or "limit_value" not in snapshot:
        return None
    return Limit(snapshot["limit_value"], LimitUnit.of(snapshot["limit_unit"]), urgency is Urgency.URGENT)


@overload
def in_time(ended: datetime, due: datetime) -> bool: ...
@overload
def in_time(ended: Any, due: Any) -> ColumnElement[bool]: ...
def in_time(ended: Any, due: Any) -> Any:
    """Whether what ended then kept its deadline; the very moment of the deadline does. For values and for columns."""
    return ended <= due


def due_at(begun: datetime, limit: Limit, changes: Iterable[Change], calendar: Calendar) -> datetime:
    """The deadline of a case. The limit runs from `begun`, the acceptance or the last reopening; the changes since then
    are applied in the order in which they took effect.

    Refused and pending requests, and a suspension that has not ended, change nothing."""
    due = deadlines.due(begun, limit.value, limit.unit, calendar, urgent=limit.urgent)
    since = [row for row in changes if row.decided_at is not None and row.decided_at >= begun]
    for change in sorted(since, key=_effective):
        due = apply_change(due, change, limit, calendar)
    return due


def apply_change(due: datetime, change: Change, limit: Limit, calendar: Calendar) -> datetime:
    """The deadline after one change."""
    if change.kind == ChangeKind.EXTENSION and change.status == ChangeStatus.APPROVED and change.days:
        unit = change.unit or limit.unit
        return deadlines.due(due, change.days, unit, calendar, urgent=limit.urgent)
    if change.kind == ChangeKind.PERFORMANCE and change.status == ChangeStatus.APPROVED and change.perform_by:
        return max(due, deadlines.performed(change.perform_by, calendar))
    if change.status == ChangeStatus.OVER and change.decided_at is not None and change.resumed_at is not None:
        begin, end = change.decided_at, change.resumed_at
        return deadlines.resumed(due, begin, end, limit.unit, calendar, urgent=limit.urgent)
    return due


def _effective(change: Change) -> datetime:
    moment = change.resumed_at or change.decided_at
    assert moment is not None
    return moment
