"""What figures are worked out by: the period, the working calendar, and the limits that the office has set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.calendar.periods import Span
from bureau.calendar.sql_days import merged
from bureau.settings import settings
from models import LimitUnit
from panel.kinds import now

Condition = ColumnElement[bool]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What conditions are made from: the period, and what the office has set."""

    span: Span
    calendar: Calendar
    repeat_days: int
    feedback_days: int

    @classmethod
    def of(cls, session: Session, span: Span) -> Terms:
        """Read in two statements."""
        values = settings.all_values(session)
        calendar = Calendar.load(session, values["office_hours"])
        return cls(span, calendar, values["repeat_days"], values["feedback_days"])

    def during(self, span: Span) -> Terms:
        """The same for another period."""
        return replace(self, span=span)

    def within(self, moment: Any) -> Condition:
        found: Condition = and_(moment >= self.span.start, moment < self.span.end)
        return found

    def on_days(self, day: Any) -> Condition:
        found: Condition = and_(day >= self.span.first, day <= self.span.last)
        return found

    def told_by(self) -> list[tuple[datetime, datetime]]:
        """Until when whoever is handled on a day of the period must be told: (before this moment, by that one)."""
        return merged((begin + _DAY, self._told_by(begin)) for begin in self._days())

    def over_before(self) -> datetime:
        """What was handled before this moment should have been told by now."""
        return next((begin for begin in self._days() if self._told_by(begin) >= now()), self.span.end)

    def _told_by(self, moment: datetime) -> datetime:
        return deadlines.due(moment, self.feedback_days, LimitUnit.WORKING_DAY, self.calendar)

    def _days(self) -> list[datetime]:
        count = (self.span.last - self.span.first).days + 1
        return [self.span.start + _DAY * i for i in range(count)]
