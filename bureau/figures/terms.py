"""The parameters of figures: period, working calendar, and settings."""

from __future__ import annotations

from collections.abc import Mapping
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
    """A period with the calendar and the settings that conditions depend on. `repeat_days` are calendar days,
    `feedback_days` working days."""

    span: Span
    calendar: Calendar
    repeat_days: int
    feedback_days: int

    @classmethod
    def of(cls, session: Session, span: Span) -> Terms:
        """Read calendar and settings. Two statements."""
        values = settings.all_values(session)
        return cls.by(span, values, Calendar.load(session, values["office_hours"]))

    @classmethod
    def by(cls, span: Span, values: Mapping[str, Any], calendar: Calendar) -> Terms:
        """The terms by settings and a calendar that have been read."""
        return cls(span, calendar, values["repeat_days"], values["feedback_days"])

    def during(self, span: Span) -> Terms:
        """These terms for another period."""
        return replace(self, span=span)

    def within(self, moment: Any) -> Condition:
        condition: Condition = and_(moment >= self.span.start, moment < self.span.end)
        return condition

    def on_days(self, day: Any) -> Condition:
        condition: Condition = and_(day >= self.span.first, day <= self.span.last)
        return condition

    def feedback_deadlines(self) -> list[tuple[datetime, datetime]]:
        """Feedback deadlines as pairs: cases handled before the first moment must get feedback by the second."""
        return merged((begin + _DAY, self._feedback_deadline(begin)) for begin in self._days())

    def feedback_overdue_before(self) -> datetime:
        """The moment before which a handled case should have feedback by now."""
        return next((begin for begin in self._days() if self._feedback_deadline(begin) >= now()), self.span.end)

    def _feedback_deadline(self, moment: datetime) -> datetime:
        return deadlines.due(moment, self.feedback_days, LimitUnit.WORKING_DAY, self.calendar)

    def _days(self) -> list[datetime]:
        count = (self.span.last - self.span.first).days + 1
        return [self.span.start + _DAY * i for i in range(count)]
