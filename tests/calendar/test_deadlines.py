"""Deadlines around rest days, holidays and made-up working days; the lights and words that show how near they are."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.calendar.calendar import Calendar
from bureau.calendar.deadlines import after, begun_before, due, light, office_time, words, working_days_between
from models import LimitUnit
from panel.i18n import using_locale
from panel.kinds import ZONE
from seed import reference

DAY, HOUR, CLOCK = LimitUnit.WORKING_DAY, LimitUnit.OFFICE_HOUR, LimitUnit.CLOCK_HOUR
CALENDAR = Calendar({day: is_work for day, is_work, _name in reference.notices()})

FIRST = datetime(2024, 1, 1, tzinfo=ZONE)
moments = st.timedeltas(timedelta(), timedelta(days=1826)).map(lambda since: FIRST + since)
#: Random rest days and worked weekends, on top of Monday to Friday.
calendars = st.dictionaries(st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.booleans(), max_size=60).map(Calendar)
units = st.sampled_from(LimitUnit)
limits = st.integers(1, 60)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@given(moments, limits, st.sampled_from([DAY, HOUR]), calendars)
def test_nothing_counted_in_office_time_is_due_on_a_rest_day_or_outside_hours(
    start: datetime, limit: int, unit: LimitUnit, calendar: Calendar
) -> None:
    end = due(start, limit, unit, calendar).astimezone(ZONE)
    assert calendar.is_workday(end.date())
    assert any(begin < end.time() <= close for begin, close in calendar.hours.spans)


@given(moments, limits, units, calendars, st.booleans())
def test_nothing_is_due_before_it_starts(
    start: datetime, limit: int, unit: LimitUnit, calendar: Calendar, urgent: bool
) -> None:
    assert due(start, limit, unit, calendar, urgent=urgent) > start


@given(moments, limits, limits, units, calendars, st.booleans())
def test_a_longer_limit_never_ends_earlier(
    start: datetime, one: int, other: int, unit: LimitUnit, calendar: Calendar, urgent: bool
) -> None:
    short, long = sorted((one, other))
    assert due(start, short, unit, calendar, urgent=urgent) <= due(start, long, unit, calendar, urgent=urgent)


@given(moments, moments, limits, units, calendars, st.booleans())
def test_what_began_before_a_moment_is_over_and_nothing_else(
    now: datetime, start: datetime, limit: int, unit: LimitUnit, calendar: Calendar, urgent: bool
) -> None:
    """Lists find what is over by when it began; that and the deadline are one rule, to the microsecond."""
    before = begun_before(now, limit, unit, calendar, urgent=urgent)
    least = timedelta(microseconds=1)
    for begun in (start, before, before - least, before + least):
        assert (due(begun, limit, unit, calendar, urgent=urgent) < now) is (begun < before)


@given(moments, limits, units, calendars, st.integers(0, 10_000))
def test_who_starts_later_is_never_due_earlier(
    start: datetime, limit: int, unit: LimitUnit, calendar: Calendar, minutes: int
) -> None:
    later = start + timedelta(minutes=minutes)
    assert due(start, limit, unit, calendar) <= due(later, limit, unit, calendar)


@given(moments, limits, calendars)
def test_a_limit_in_office_hours_takes_that_much_office_time(start: datetime, limit: int, calendar: Calendar) -> None:
    assert office_time(start, due(start, limit, HOUR, calendar), calendar) == timedelta(hours=limit)


@given(moments, limits, calendars)
def test_a_limit_in_working_days_takes_that_many(start: datetime, limit: int, calendar: Calendar) -> None:
    assert working_days_between(start, due(start, limit, DAY, calendar), calendar) == limit


@pytest.mark.parametrize(
    ("start", "limit", "unit", "end"),
    [
        pytest.param("2026-11-24 09:00", 1, DAY, "2026-11-25 17:30", id="the next working day counts first"),
        pytest.param("2026-11-24 23:00", 1, DAY, "2026-11-25 17:30", id="late in the evening is that day still"),
        pytest.param("2026-11-20 16:00", 3, DAY, "2026-11-25 17:30", id="over a weekend"),
        pytest.param("2026-11-21 10:00", 1, DAY, "2026-11-23 17:30", id="from a Saturday"),
        pytest.param("2026-09-30 16:00", 1, DAY, "2026-10-08 17:30", id="over National Day"),
        pytest.param("2026-09-30 16:00", 3, DAY, "2026-10-10 17:30", id="ends on a Saturday that is worked"),
        pytest.param("2026-09-18 16:00", 1, DAY, "2026-09-20 17:30", id="a Sunday that is worked"),
        pytest.param("2026-02-13 16:00", 1, DAY, "2026-02-14 17:30", id="the Saturday before the Spring Festival"),
        pytest.param("2026-02-13 16:00", 2, DAY, "2026-02-24 17:30", id="over the Spring Festival"),
        pytest.param("2027-10-01 10:00", 1, DAY, "2027-10-04 17:30", id="a year without notice: Monday to Friday"),
        pytest.param("2026-11-24 09:00", 2, HOUR, "2026-11-24 11:00", id="within the morning"),
        pytest.param("2026-11-24 11:00", 2, HOUR, "2026-11-24 14:30", id="over noon"),
        pytest.param("2026-11-24 13:30", 4, HOUR, "2026-11-24 17:30", id="ends at the close, not at the next opening"),
        pytest.param("2026-11-24 12:30", 4, HOUR, "2026-11-24 17:30", id="from the lunch break"),
        pytest.param("2026-11-24 16:30", 4, HOUR, "2026-11-25 11:30", id="overnight"),
        pytest.param("2026-11-24 20:00", 4, HOUR, "2026-11-25 14:00", id="after hours rolls forward"),
        pytest.param("2026-09-30 16:30", 4, HOUR, "2026-10-08 11:30", id="hours over National Day"),
        pytest.param("2026-02-14 17:00", 2, HOUR, "2026-02-24 10:00", id="hours over the Spring Festival"),
        pytest.param("2026-10-01 23:30", 2, CLOCK, "2026-10-02 01:30", id="clock hours run through a holiday night"),
    ],
)
def test_due(start: str, limit: int, unit: LimitUnit, end: str) -> None:
    assert due(local(start), limit, unit, CALENDAR) == local(end)


def test_what_is_urgent_runs_by_the_clock_where_the_limit_is_in_hours() -> None:
    evening = local("2026-11-24 20:00")
    assert due(evening, 2, HOUR, CALENDAR, urgent=True) == local("2026-11-24 22:00")
    assert due(evening, 1, DAY, CALENDAR, urgent=True) == local("2026-11-25 17:30")


def test_a_limit_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        due(local("2026-11-24 09:00"), 0, DAY, CALENDAR)


def test_no_office_time_later_is_the_next_opening() -> None:
    assert after(local("2026-11-24 20:00"), timedelta(), CALENDAR) == local("2026-11-25 08:30")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-17 09:00", "green"),
        ("2026-11-23 17:00", "green"),
        ("2026-11-23 17:30", "yellow"),
        ("2026-11-24 00:10", "yellow"),
        ("2026-11-24 17:30", "yellow"),
        ("2026-11-24 17:31", "red"),
    ],
)
def test_light_of_five_working_days(now: str, expected: str) -> None:
    start = local("2026-11-17 09:00")
    end = due(start, 5, DAY, CALENDAR)
    assert end == local("2026-11-24 17:30")
    assert light(local(now), start, end, DAY, CALENDAR) == expected


def test_the_last_of_two_working_days_is_yellow_from_its_morning_on() -> None:
    start, end = local("2026-11-20 09:00"), local("2026-11-24 17:30")
    assert light(local("2026-11-23 17:00"), start, end, DAY, CALENDAR) == "green"
    assert light(local("2026-11-24 08:30"), start, end, DAY, CALENDAR) == "yellow"


def test_light_of_hours_counts_as_the_hours_do() -> None:
    start, end = local("2026-11-20 16:30"), local("2026-11-23 11:30")
    assert light(local("2026-11-22 12:00"), start, end, HOUR, CALENDAR) == "green", "no office time passes on Sunday"
    assert light(local("2026-11-23 10:42"), start, end, HOUR, CALENDAR) == "yellow"
    night, morning = local("2026-11-22 23:00"), local("2026-11-23 01:00")
    for unit, urgent in ((CLOCK, False), (HOUR, True)):
        assert light(local("2026-11-23 00:30"), night, morning, unit, CALENDAR, urgent=urgent) == "green"
        assert light(local("2026-11-23 00:36"), night, morning, unit, CALENDAR, urgent=urgent) == "yellow"


@pytest.mark.parametrize(
    ("now", "end", "expected"),
    [
        ("2026-11-24 09:00", "2026-11-24 17:30", "Today 17:30"),
        ("2026-11-24 09:00", "2026-11-25 11:30", "Tomorrow 11:30"),
        ("2026-11-24 09:00", "2026-12-02 17:30", "12-02 17:30"),
        ("2026-11-24 17:50", "2026-11-24 17:30", "20 minutes over"),
        ("2026-11-24 15:30", "2026-11-24 11:30", "4 hours over"),
        ("2026-11-24 12:40", "2026-11-24 11:30", "1 hour over"),
        ("2026-11-24 09:00", "2026-11-23 17:30", "1 working day over"),
        ("2026-11-24 09:00", "2026-11-20 17:30", "2 working days over"),
        ("2026-11-22 10:00", "2026-11-20 17:30", "40 hours over"),
        ("2026-10-08 09:00", "2026-09-30 17:30", "1 working day over"),
    ],
)
def test_words(now: str, end: str, expected: str) -> None:
    with using_locale("en"):
        assert str(words(local(now), local(end), None, CALENDAR)) == expected


def test_words_of_what_has_ended_or_has_no_deadline() -> None:
    now, end = local("2026-11-24 09:00"), local("2026-11-23 17:30")
    with using_locale("en"):
        assert str(words(now, end, end, CALENDAR)) == "In time"
        assert str(words(now, end, end + timedelta(minutes=1), CALENDAR)) == "Late"
        assert str(words(now, None, None, CALENDAR)) == ""
