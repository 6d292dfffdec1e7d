"""The working calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.settings import settings
from bureau.settings.hours import OfficeHours
from models import CalendarDay
from panel.base import UNSCOPED
from panel.i18n import _

#: The names of the weekdays from Monday on.
WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))

_NOTICE_MONTH = 12
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days and office hours. `days` holds the days of the yearly notice and whether they are working days;
    every other day is one from Monday to Friday, also in a year that isn't loaded."""

    days: Mapping[date, bool] = field(default_factory=dict)
    hours: OfficeHours = field(default_factory=OfficeHours)

    @classmethod
    def load(cls, session: Session, hours: OfficeHours | None = None) -> Self:
        """Read the working calendar in one statement, unscoped."""
        query = select(CalendarDay.day, CalendarDay.is_work)
        rows = session.execute(query, execution_options=UNSCOPED)
        return cls(dict(rows.all()), hours or OfficeHours())

    def is_workday(self, day: date) -> bool:
        is_work = self.days.get(day)
        return day.weekday() < 5 if is_work is None else is_work

    def next_workday(self, day: date) -> date:
        """The first working day after `day`."""
        day += _DAY
        while not self.is_workday(day):
            day += _DAY
        return day

    def loaded(self, year: int) -> bool:
        """Whether the notice for `year` is loaded: the year has at least one row."""
        return any(day.year == year for day in self.days)

    def missing_year(self, today: date, last_deadline: date | None = None) -> int | None:
        """The first year whose notice is still to be loaded: this year, one that an open deadline reaches, or from 1
        December on the next; None if none is missing."""
        last = today.year + (today.month == _NOTICE_MONTH)
        if last_deadline is not None:
            last = max(last, last_deadline.year)
        return next((year for year in range(today.year, last + 1) if not self.loaded(year)), None)


def office_calendar(session: Session) -> Calendar:
    """The working calendar with the office hours of the settings."""
    return Calendar.load(session, settings.get(session, "office_hours"))
