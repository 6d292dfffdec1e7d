"""Conclusions of noise measurements. Period, limit and conclusion are set on every flush, for every door.

A measurement is stored without a conclusion when the instrument's verification is over or the community has no
noise zone."""

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

#: Columns that the results depend on.
INPUTS = ("case_id", "case", "at", "value", "instrument_until")
#: Columns that judge() sets.
RESULTS = ("period", "limit_value", "conclusion")


def obstacle(measurement: Measurement, community: Community | None) -> Message | None:
    """The reason why a measurement can't be judged, and what to do; None if it can. `community` is that of the case."""
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


def obstacle_of(session: Session, measurement: Measurement) -> Message | None:
    """obstacle() with the community read from the database."""
    return obstacle(measurement, _community(session, measurement))


def judge(session: Session, measurement: Measurement) -> None:
    """Set period, limit and conclusion, by the noise zone of the case's community and the local time. Levels in dB(A);
    the limits and the night's hours are settings."""
    measurement.at = measurement.at or kinds.now()
    night: noise_limits.NightHours = settings.get(session, "night_hours")
    limits: noise_limits.NoiseLimits = settings.get(session, "noise_limits")
    measurement.period = night.period(measurement.at)
    community = _community(session, measurement)
    zone = community.noise_zone
    measurement.limit_value = None if zone is None else limits.limit(zone, measurement.period)
    measurement.conclusion = None
    if measurement.limit_value is not None and obstacle(measurement, community) is None:
        measurement.conclusion = noise_limits.judge(measurement.value, measurement.limit_value)


def within_limit(case_id: int) -> Select[Any]:
    """The ids of the measurements of a case that are within the limit."""
    return select(Measurement.id).where(Measurement.case_id == case_id, Measurement.conclusion == Conclusion.WITHIN)


def _community(session: Session, measurement: Measurement) -> Community:
    """The community of the case. Unscoped: the limit doesn't depend on who may see the community."""
    case_id = measurement.case_id or measurement.case.id
    query = select(Community).join(Case, Case.community_id == Community.id).where(Case.id == case_id)
    with session.no_autoflush:
        return session.execute(query, execution_options=UNSCOPED).scalar_one()


def _changed(measurement: Measurement) -> bool:
    state = inspect(measurement)
    return not state.persistent or any(state.attrs[name].history.has_changes() for name in (*INPUTS, *RESULTS))


@event.listens_for(Session, "before_flush")
def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    """Judge new and changed measurements. A conclusion that was set by hand is overwritten."""
    for record in [*session.new, *session.dirty]:
        if isinstance(record, Measurement) and _changed(record) and _complete(record):
            judge(session, record)


def _complete(measurement: Measurement) -> bool:
    """Whether the required values are set; the database refuses a measurement without them."""
    case_id = measurement.case_id or (measurement.case.id if measurement.case is not None else None)
    return None not in (case_id, measurement.value, measurement.instrument_until)
