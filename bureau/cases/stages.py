"""How long a case may wait for its next act: to be accepted, dispatched, verified, fed back (section "Deadlines" of
docs/domain.md). Each limit is a setting and runs from a moment that stands with the case, so that lists ask for what
waits too long without a deadline of its own being stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_

from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.calendar.deadlines import Light
from models import Case, CaseStatus, LimitUnit, Urgency
from panel.i18n import Message, _


@dataclass(frozen=True, slots=True)
class Stage:
    """A state that a case waits in: what is waited for, the column that the limit runs from, the setting that says how
    long, in which unit. `urgent` is the setting for urgent cases, in clock hours, where they have one of their own."""

    label: Message
    begins: str
    setting: str
    unit: LimitUnit
    urgent: str = ""


STAGES: Mapping[CaseStatus, Stage] = {
    CaseStatus.REPORTED: Stage(
        _("Accept"), "reported_at", "accept_days", LimitUnit.WORKING_DAY, urgent="accept_urgent_hours"
    ),
    CaseStatus.ACCEPTED: Stage(_("Dispatch"), "accepted_at", "dispatch_hours", LimitUnit.OFFICE_HOUR),
    CaseStatus.HANDLED: Stage(_("Verify"), "handled_at", "verify_days", LimitUnit.WORKING_DAY),
    CaseStatus.VERIFIED: Stage(_("Feed back"), "handled_at", "feedback_days", LimitUnit.WORKING_DAY),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """What a case waits for, since when, until when it should be done, and how near that is."""

    label: Message
    begun: datetime
    due: datetime
    light: Light


def wait(found: Any, values: Mapping[str, Any], calendar: Calendar, at: datetime) -> Wait | None:
    """What a case, or a row with the same columns, waits for at a moment; None where nothing is to be done by
    somebody else than its handler, and for what an old ledger brought in."""
    stage = STAGES.get(found.status)
    begun = getattr(found, stage.begins) if stage is not None and not found.historic else None
    if stage is None or begun is None:
        return None
    urgent = found.urgency is Urgency.URGENT
    value, unit = _limit(stage, values, urgent=urgent)
    due = deadlines.due(begun, value, unit, calendar, urgent=urgent)
    return Wait(stage.label, begun, due, deadlines.light(at, begun, due, unit, calendar, urgent=urgent))


def late(values: Mapping[str, Any], calendar: Calendar, at: datetime) -> ColumnElement[bool]:
    """The condition for cases that wait longer than they may: those whose wait() is over."""
    found: ColumnElement[bool] = false()
    for status, stage in STAGES.items():
        begins = getattr(Case, stage.begins)
        plain, pressing = (_before(stage, values, calendar, at, urgent=urgent) for urgent in (False, True))
        if plain == pressing:
            found = or_(found, and_(Case.status == status, begins < plain))
        else:
            urgent = Case.urgency == Urgency.URGENT
            over = or_(and_(urgent, begins < pressing), and_(~urgent, begins < plain))
            found = or_(found, and_(Case.status == status, over))
    return and_(found, Case.historic.is_(False))


def _before(stage: Stage, values: Mapping[str, Any], calendar: Calendar, at: datetime, *, urgent: bool) -> datetime:
    """When a wait that is over now has begun at the latest."""
    value, unit = _limit(stage, values, urgent=urgent)
    return deadlines.begun_before(at, value, unit, calendar, urgent=urgent)


def _limit(stage: Stage, values: Mapping[str, Any], *, urgent: bool) -> tuple[int, LimitUnit]:
    """How long, in which unit."""
    if urgent and stage.urgent:
        return int(values[stage.urgent]), LimitUnit.CLOCK_HOUR
    return int(values[stage.setting]), stage.unit
