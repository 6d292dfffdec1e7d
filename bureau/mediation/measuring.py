"""Judging measurements: period, limit and conclusion are worked out when one is written down, whoever writes it.

What can't be judged (the instrument's verification is over, the community has no noise zone) is kept without a
conclusion, with the sentence that says what to do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, event, inspect, select
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local_day
from bureau.settings import noise_limits, settings
from models import Case, Community, Conclusion, Measurement
from panel import kinds
from panel.base import UNSCOPED
from panel.i18n import Message, _

#: What a conclusion follows from.
GIVEN = ("case_id", "case", "at", "value", "instrument_until")
#: What follows: nobody types it.
FOUND = ("period", "limit_value", "conclusion")


def why_not(measurement: Measurement, community: Community | None) -> Message | None:
    """Why a measurement can't be judged, and what to do; None when nothing is in the way."""
    day = local_day(measurement.at or kinds.now())
    if measurement.instrument_until < day:
        return _(
            "The verification of instrument {number} ended on {day}, before the measurement: it proves nothing. "
            "Measure again with a valid instrument, or correct the date.",
            number=measurement.instrument_no,
            day=measurement.instrument_until.isoformat(),
        )
    if community is not None and community.noise_zone is None:
        return _(
            "{community} has no noise zone yet. Enter it (0 to 4) at the community, then judge the measurement.",
            community=community.name,
        )
    return None


def hindrance(session: Session, measurement: Measurement) -> Message | None:
    """The same, where the community isn't at hand."""
    return why_not(measurement, _community(session, measurement))


def judge(session: Session, measurement: Measurement) -> None:
    """Set period, limit and conclusion by the zone of the case's community and the hour of the measurement."""
    measurement.at = measurement.at or kinds.now()
    night: noise_limits.NightHours = settings.get(session, "night_hours")
    limits: noise_limits.NoiseLimits = settings.get(session, "noise_limits")
    measurement.period = night.period(measurement.at)
    community = _community(session, measurement)
    zone = community.noise_zone
    measurement.limit_value = None if zone is None else limits.limit(zone, measurement.period)
    measurement.conclusion = None
    if measurement.limit_value is not None and why_not(measurement, community) is None:
        measurement.conclusion = noise_limits.judge(measurement.value, measurement.limit_value)


def within_limit(case_id: int) -> Select[Any]:
    """The measurements of a case that found the noise within the limit."""
    return select(Measurement.id).where(Measurement.case_id == case_id, Measurement.conclusion == Conclusion.WITHIN)


def _community(session: Session, measurement: Measurement) -> Community:
    """Whose zone counts: a limit doesn't depend on who may see the community."""
    case_id = measurement.case_id or measurement.case.id
    query = select(Community).join(Case, Case.community_id == Community.id).where(Case.id == case_id)
    with session.no_autoflush:
        return session.execute(query, execution_options=UNSCOPED).scalar_one()


def _wants_judging(measurement: Measurement) -> bool:
    state = inspect(measurement)
    return not state.persistent or any(state.attrs[name].history.has_changes() for name in (*GIVEN, *FOUND))


@event.listens_for(Session, "before_flush")
def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    """Below every view: a conclusion that somebody sets is worked out all the same."""
    for record in [*session.new, *session.dirty]:
        if isinstance(record, Measurement) and _wants_judging(record) and _complete(record):
            judge(session, record)


def _complete(measurement: Measurement) -> bool:
    """What lacks a value that it can't do without is refused by the database."""
    case_id = measurement.case_id or (measurement.case.id if measurement.case is not None else None)
    return None not in (case_id, measurement.value, measurement.instrument_until)
