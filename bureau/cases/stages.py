"""The bureau's time limits for the stages of a case: accept, dispatch, verify, feed back.

Each limit is a setting and runs from a time stored with the case. No stage deadline is stored: lists work it out."""

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
    """The time limit of a state of a case.

    `label` names the next step, `begins` the column of Case that the limit runs from, `setting` the setting that holds
    the limit in `unit`. `urgent` names the setting for urgent cases, in clock hours; empty where they have none."""

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
class PendingStep:
    """The next step that a case waits for, when the wait began, when the step is due, and its light."""

    label: Message
    begun: datetime
    due: datetime
    light: Light


def pending(case: Any, values: Mapping[str, Any], calendar: Calendar, at: datetime) -> PendingStep | None:
    """The step that a case waits for at a moment. `case` is a Case or a row with its columns, `values` the settings.

    None in states without a stage limit, and for cases imported from an old ledger."""
    stage = STAGES.get(case.status)
    begun = getattr(case, stage.begins) if stage is not None and not case.historic else None
    if stage is None or begun is None:
        return None
    urgent = case.urgency is Urgency.URGENT
    value, unit = _limit(stage, values, urgent=urgent)
    due = deadlines.due(begun, value, unit, calendar, urgent=urgent)
    return PendingStep(stage.label, begun, due, deadlines.light(at, begun, due, unit, calendar, urgent=urgent))


def overdue(values: Mapping[str, Any], calendar: Calendar, at: datetime) -> ColumnElement[bool]:
    """The condition for cases whose stage limit, as of pending(), is over."""
    condition: ColumnElement[bool] = false()
    for status, stage in STAGES.items():
        begins = getattr(Case, stage.begins)
        normal_limit, urgent_limit = (_before(stage, values, calendar, at, urgent=urgent) for urgent in (False, True))
        if normal_limit == urgent_limit:
            condition = or_(condition, and_(Case.status == status, begins < normal_limit))
        else:
            urgent = Case.urgency == Urgency.URGENT
            over = or_(and_(urgent, begins < urgent_limit), and_(~urgent, begins < normal_limit))
            condition = or_(condition, and_(Case.status == status, over))
    return and_(condition, Case.historic.is_(False))


def _before(stage: Stage, values: Mapping[str, Any], calendar: Calendar, at: datetime, *, urgent: bool) -> datetime:
    """The latest beginning of a wait that is over at this moment."""
    value, unit = _limit(stage, values, urgent=urgent)
    return deadlines.begun_before(at, value, unit, calendar, urgent=urgent)


def _limit(stage: Stage, values: Mapping[str, Any], *, urgent: bool) -> tuple[int, LimitUnit]:
    """The limit of a stage and its unit."""
    if urgent and stage.urgent:
        return int(values[stage.urgent]), LimitUnit.CLOCK_HOUR
    return int(values[stage.setting]), stage.unit
