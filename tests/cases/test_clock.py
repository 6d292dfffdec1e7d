"""The deadline by the whole course of a case: time that stood still is not lost, what was refused moves nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.cases import clock
from models import ChangeKind, ChangeStatus, LimitUnit
from panel.kinds import ZONE
from tests.calendar.test_deadlines import CALENDAR, calendars, local, moments

lengths = st.timedeltas(timedelta(), timedelta(days=40))
limits = st.builds(clock.Limit, st.integers(1, 40), st.sampled_from(list(LimitUnit)), st.booleans())


def change(kind: ChangeKind, status: ChangeStatus, **given: Any) -> Any:
    empty = dict.fromkeys(("days", "unit", "decided_at", "resumed_at", "perform_by"))
    return SimpleNamespace(kind=kind, status=status, **{**empty, **given})


def suspension(begin: datetime, end: datetime | None, status: ChangeStatus = ChangeStatus.OVER) -> Any:
    kind = ChangeKind.SUSPENSION
    return change(kind, status, decided_at=begin, resumed_at=end)


def extension(at: datetime, n: int, status: ChangeStatus = ChangeStatus.APPROVED) -> Any:
    kind = ChangeKind.EXTENSION
    return change(kind, status, decided_at=at, days=n)


def performance(at: datetime, by: date, status: ChangeStatus = ChangeStatus.APPROVED) -> Any:
    return change(ChangeKind.PERFORMANCE, status, decided_at=at, perform_by=by)


@given(moments, limits, lengths, lengths, calendars)
def test_as_much_is_left_as_before_the_clock_stood_still(
    start: datetime, limit: clock.Limit, until: timedelta, stood: timedelta, calendar: Calendar
) -> None:
    before = clock.due_at(start, limit, (), calendar)
    begin = min(start + until, before)
    after = clock.due_at(start, limit, [suspension(begin, begin + stood)], calendar)
    assert after >= before
    if deadlines.nothing_left(before, begin, limit.unit) and stood:
        # On the last day, however long it stood: never over at the moment when it goes on.
        day = calendar.next_workday(deadlines.local_day(begin + stood))
        assert after == datetime.combine(day, calendar.hours.closing, ZONE)
        return
    assert after > begin + stood or not stood
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


@given(moments, limits, st.integers(-40, 80), calendars)
def test_an_agreement_is_due_on_the_working_day_after_its_performance(
    start: datetime, limit: clock.Limit, days: int, calendar: Calendar
) -> None:
    """It never makes the time shorter, and it ends on a working day that isn't the day of performance itself."""
    before = clock.due_at(start, limit, (), calendar)
    by = deadlines.local_day(before) + timedelta(days=days)
    after = clock.due_at(start, limit, [performance(start, by)], calendar)
    day = calendar.next_workday(by)
    assert after == max(before, datetime.combine(day, calendar.hours.closing, ZONE))


@given(moments, limits, st.integers(1, 60), lengths, calendars)
def test_what_stood_still_after_an_agreement_is_not_lost(
    start: datetime, limit: clock.Limit, days: int, stood: timedelta, calendar: Calendar
) -> None:
    """The changes count in the order in which they took effect, whatever the order of the rows."""
    by = deadlines.local_day(start) + timedelta(days=days)
    at = start + timedelta(minutes=1)
    agreed, pause = performance(at, by), suspension(at + timedelta(minutes=1), at + timedelta(minutes=1) + stood)
    moved = clock.due_at(start, limit, [agreed], calendar)
    both = clock.due_at(start, limit, [pause, agreed], calendar)
    assert both == clock.due_at(start, limit, [agreed, pause], calendar) >= moved


@pytest.mark.parametrize(
    ("begin", "end", "due"),
    [
        pytest.param("2026-11-24 10:00", "2026-11-24 15:00", "2026-11-25 17:30", id="on the last day, hours later"),
        pytest.param("2026-11-24 10:00", "2026-11-27 18:30", "2026-11-30 17:30", id="after hours on a Friday"),
        pytest.param("2026-11-24 18:00", "2026-11-25 09:00", "2026-11-26 17:30", id="after the close of the last day"),
        pytest.param("2026-11-24 10:00", "2026-11-28 10:00", "2026-11-30 17:30", id="on a Saturday"),
        pytest.param("2026-11-23 10:00", "2026-11-25 18:30", "2026-11-26 17:30", id="a day was left"),
        pytest.param("2026-11-25 10:00", "2026-11-26 10:00", "2026-11-25 17:30", id="overdue since the day before"),
    ],
)
def test_resumed_with_nothing_left_is_due_on_the_next_working_day(begin: str, end: str, due: str) -> None:
    """A limit of three working days from Thursday, so that it ends on Tuesday the 24th."""
    start, limit = local("2026-11-19 09:00"), clock.Limit(3, LimitUnit.WORKING_DAY)
    assert clock.due_at(start, limit, (), CALENDAR) == local("2026-11-24 17:30")
    assert clock.due_at(start, limit, [suspension(local(begin), local(end))], CALENDAR) == local(due)


def test_what_was_not_granted_moves_nothing() -> None:
    start, limit = datetime(2026, 7, 15, 9, tzinfo=ZONE), clock.Limit(3, LimitUnit.WORKING_DAY)
    plain = clock.due_at(start, limit, (), Calendar())
    for one in (
        extension(start, 2, ChangeStatus.REFUSED),
        extension(start, 2, ChangeStatus.ASKED),
        suspension(start, None, ChangeStatus.APPROVED),
        performance(start, date(2027, 1, 1), ChangeStatus.ASKED),
        performance(start, date(2027, 1, 1), ChangeStatus.REFUSED),
    ):
        assert clock.due_at(start, limit, [one], Calendar()) == plain
