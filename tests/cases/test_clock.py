"""The deadline by the whole course of a case: time that stood still is not lost, what was refused moves nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.cases import clock
from models import ChangeKind, ChangeStatus, LimitUnit
from panel.kinds import ZONE
from tests.calendar.test_deadlines import calendars, moments

lengths = st.timedeltas(timedelta(), timedelta(days=40))
limits = st.builds(clock.Limit, st.integers(1, 40), st.sampled_from(list(LimitUnit)), st.booleans())


def suspension(begin: datetime, end: datetime | None, status: ChangeStatus = ChangeStatus.OVER) -> Any:
    kind = ChangeKind.SUSPENSION
    return SimpleNamespace(kind=kind, status=status, days=None, unit=None, decided_at=begin, resumed_at=end)


def extension(at: datetime, n: int, status: ChangeStatus = ChangeStatus.APPROVED) -> Any:
    kind = ChangeKind.EXTENSION
    return SimpleNamespace(kind=kind, status=status, days=n, unit=None, decided_at=at, resumed_at=None)


@given(moments, limits, lengths, lengths, calendars)
def test_as_much_is_left_as_before_the_clock_stood_still(
    start: datetime, limit: clock.Limit, until: timedelta, stood: timedelta, calendar: Calendar
) -> None:
    before = clock.due_at(start, limit, (), calendar)
    begin = min(start + until, before)
    after = clock.due_at(start, limit, [suspension(begin, begin + stood)], calendar)
    assert after >= before
    if limit.unit == LimitUnit.WORKING_DAY:
        left = [deadlines.working_days_between(a, b, calendar) for a, b in ((begin, before), (begin + stood, after))]
    elif limit.unit == LimitUnit.OFFICE_HOUR and not limit.urgent:
        left = [deadlines.office_time(a, b, calendar) for a, b in ((begin, before), (begin + stood, after))]
    else:
        left = [before - begin, after - begin - stood]
    assert left[0] == left[1]


@given(moments, limits, st.integers(1, 20), calendars)
def test_an_extension_adds_what_it_says(start: datetime, limit: clock.Limit, more: int, calendar: Calendar) -> None:
    longer = clock.Limit(limit.value + more, limit.unit, limit.urgent)
    extended = clock.due_at(start, limit, [extension(start, more)], calendar)
    assert extended == clock.due_at(start, longer, (), calendar)


def test_what_was_not_granted_moves_nothing() -> None:
    start, limit = datetime(2026, 7, 15, 9, tzinfo=ZONE), clock.Limit(3, LimitUnit.WORKING_DAY)
    plain = clock.due_at(start, limit, (), Calendar())
    for one in (
        extension(start, 2, ChangeStatus.REFUSED),
        extension(start, 2, ChangeStatus.ASKED),
        suspension(start, None, ChangeStatus.APPROVED),
    ):
        assert clock.due_at(start, limit, [one], Calendar()) == plain
