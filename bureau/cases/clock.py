"""The deadline of a case by its whole course: the limit it was accepted with, extensions granted, times that it stood
still. Pure functions; the same rule sets a deadline and works it out anew when the calendar changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from models import ChangeKind, ChangeStatus, LimitUnit, Urgency


class Change(Protocol):
    """What is asked of a change of a deadline: a row of that table."""

    kind: ChangeKind
    status: ChangeStatus
    days: int | None
    unit: LimitUnit | None
    decided_at: datetime | None
    resumed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit with its unit; hours of something urgent run around the clock."""

    value: int
    unit: LimitUnit
    urgent: bool = False


def limit_of(snapshot: dict[str, Any] | None, urgency: Urgency | None) -> Limit | None:
    """The limit that a case was accepted with; None for one without, as old ledgers bring in."""
    if not snapshot or "limit_value" not in snapshot:
        return None
    return Limit(snapshot["limit_value"], LimitUnit.of(snapshot["limit_unit"]), urgency is Urgency.URGENT)


def due_at(begun: datetime, limit: Limit, changes: Iterable[Change], calendar: Calendar) -> datetime:
    """When a case is due: its limit from acceptance, or from when it was last reopened, then each change since in the
    order in which it took effect. What was refused, is still asked for, or still stands still moves nothing."""
    due = deadlines.due(begun, limit.value, limit.unit, calendar, urgent=limit.urgent)
    since = (one for one in changes if one.decided_at is not None and one.decided_at >= begun)
    for change in sorted(since, key=_effective):
        due = moved(due, change, limit, calendar)
    return due


def moved(due: datetime, change: Change, limit: Limit, calendar: Calendar) -> datetime:
    """A deadline after one change of it."""
    if change.kind == ChangeKind.EXTENSION and change.status == ChangeStatus.APPROVED and change.days:
        unit = change.unit or limit.unit
        return deadlines.due(due, change.days, unit, calendar, urgent=limit.urgent)
    if change.status == ChangeStatus.OVER and change.decided_at is not None and change.resumed_at is not None:
        begin, end = change.decided_at, change.resumed_at
        return deadlines.resumed(due, begin, end, limit.unit, calendar, urgent=limit.urgent)
    return due


def _effective(change: Change) -> datetime:
    found = change.resumed_at or change.decided_at
    assert found is not None
    return found
