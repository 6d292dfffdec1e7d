"""Working days: the yearly notice, the fallback without one, and the year that is still to be loaded."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa

from bureau.calendar.calendar import Calendar, office_calendar
from bureau.settings import settings
from bureau.settings.hours import Hours, OfficeHours
from models import CalendarDay
from panel.kinds import Invalid
from seed import reference
from tests.factories import memory_session


def test_a_day_that_no_notice_names_is_worked_from_monday_to_friday() -> None:
    calendar = Calendar()
    assert calendar.is_workday(date(2031, 5, 2))
    assert not calendar.is_workday(date(2031, 5, 3))
    assert not calendar.loaded(2031)


def test_the_calendar_knows_holidays_and_days_made_up_for() -> None:
    with memory_session() as session:
        reference.load(session)
        calendar = Calendar.load(session)
    assert not calendar.is_workday(date(2026, 10, 1))
    assert calendar.is_workday(date(2026, 9, 20)), "a Sunday that is worked"
    assert calendar.is_workday(date(2026, 10, 10)), "a Saturday that is worked"
    assert calendar.next_workday(date(2026, 9, 30)) == date(2026, 10, 8)
    assert calendar.next_workday(date(2026, 2, 14)) == date(2026, 2, 24)
    assert calendar.loaded(2024)
    assert calendar.loaded(2026)


def test_it_is_loaded_in_one_statement() -> None:
    with memory_session() as session:
        reference.load(session)
        session.commit()
        seen: list[str] = []
        sa.event.listen(session.get_bind(), "before_cursor_execute", lambda *given: seen.append(given[2]))
        Calendar.load(session)
    assert len(seen) == 1


def test_what_the_office_corrects_counts() -> None:
    with memory_session() as session:
        reference.load(session)
        session.add(CalendarDay(day=date(2026, 7, 6), is_work=False, name="停电"))
        session.flush()
        assert not Calendar.load(session).is_workday(date(2026, 7, 6))


@pytest.mark.parametrize(
    ("today", "missing"),
    [
        (date(2026, 11, 30), None),
        (date(2026, 12, 1), 2027),
        (date(2027, 1, 1), 2027),
        (date(2025, 12, 31), None),
    ],
)
def test_the_missing_year_is_this_one_or_from_december_the_next(today: date, missing: int | None) -> None:
    calendar = Calendar({date(2025, 1, 1): False, date(2026, 1, 1): False})
    assert calendar.missing_year(today) == missing


@pytest.mark.parametrize("text", ["08:30-12:00, 13:30-17:30", "9:00—17:00", "08：30－12：00；14：00至18：00"])
def test_office_hours_read_what_they_write(text: str) -> None:
    hours = Hours().parse(text)
    assert Hours().parse(Hours().format(hours)) == hours


@pytest.mark.parametrize(
    "text", ["soon", "12:00-08:30", "08:30-12:00, 11:00-17:30", "25:00-26:00", "08:30-12:00 daily"]
)
def test_what_are_no_office_hours_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Hours().parse(text)


def test_the_office_calendar_keeps_the_hours_that_are_set() -> None:
    with memory_session() as session:
        assert office_calendar(session).hours == OfficeHours()
        settings.put(session, "office_hours", "09:00-12:00, 14:00-18:00")
        assert office_calendar(session).hours.closing == time(18)
        settings.put(session, "office_hours", "")
        assert office_calendar(session).hours == OfficeHours()
