"""Periods of days in the office's zone, such as a month, a quarter or a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from bureau.calendar.month import Month
from panel.i18n import DEFAULT_LOCALE, Message, _, current_locale, dates
from panel.kinds import ZONE, Day, Invalid

#: Most months in a period.
LONGEST = 60
_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """A period that includes both days. Raises Invalid if it ends before it begins or is too long."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise Invalid(_("The period ends before it begins."))
        if Month.of(self.first).plus(LONGEST) <= Month.of(self.last):
            raise Invalid(_("At most {n} months at once: choose a shorter period.", n=LONGEST))
        if not 1990 <= self.first.year <= self.last.year <= 2200:
            raise Invalid(_("This is no date. Example: 2025-07-14, 2025.7.14 or 2025年7月14日."))

    @classmethod
    def of(cls, month: Month, last: Month | None = None) -> Self:
        """The period of whole months."""
        return cls(month.start.date(), (last or month).end.date() - _DAY)

    @classmethod
    def typed(cls, first: object, last: object) -> Self:
        """Parse typed days; one alone is a period of one day. Raises Invalid without any."""
        begin, end = Day().parse(first), Day().parse(last)
        if begin is None and end is None:
            raise Invalid(_("Say from which day to which."))
        first_day, last_day = begin or end, end or begin
        assert first_day is not None
        assert last_day is not None
        return cls(first_day, last_day)

    @property
    def start(self) -> datetime:
        """Local midnight at the start of the first day."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=ZONE)

    @property
    def end(self) -> datetime:
        """Local midnight after the last day; no longer in the period."""
        day = self.last + _DAY
        return datetime(day.year, day.month, day.day, tzinfo=ZONE)

    def months(self) -> list[Span]:
        """The months of the period; the first and the last may be partial."""
        spans, month = [], Month.of(self.first)
        while month.start.date() <= self.last:
            whole = Span.of(month)
            spans.append(Span(max(whole.first, self.first), min(whole.last, self.last)))
            month = month.plus(1)
        return spans

    @property
    def words(self) -> str:
        """As printed forms write it: 2026年5月, 2026年4月至6月, 2026年, or 2026年5月3日至5月20日."""
        first, last = Month.of(self.first), Month.of(self.last)
        if self == Span.of(first, last):
            if first == last:
                return first.words
            if first.year == last.year:
                full_year = (first.number, last.number) == (1, 12)
                return f"{first.year}年" if full_year else f"{first.words}至{last.number}月"
            return f"{first.words}至{last.words}"
        begin = f"{first.words}{self.first.day}日"
        if self.first == self.last:
            return begin
        year = "" if first.year == last.year else f"{last.year}年"
        return f"{begin}至{year}{last.number}月{self.last.day}日"

    @property
    def label(self) -> str:
        """As pages name it in the reader's language."""
        if current_locale() == DEFAULT_LOCALE:
            return self.words
        whole = self == Span.of(Month.of(self.first), Month.of(self.last))
        return dates.interval(self.first, self.last, "yMMM" if whole else "yMMMd")


def offered(day: date) -> Mapping[str, tuple[Message, Span]]:
    """The periods offered as chips, as of a day."""
    this_month = Month.of(day)
    quarter = Month(day.year, (day.month - 1) // 3 * 3 + 1)
    return {
        "month": (_("This month"), Span.of(this_month)),
        "last-month": (_("Last month"), Span.of(this_month.plus(-1))),
        "quarter": (_("This quarter"), Span.of(quarter, quarter.plus(2))),
        "last-quarter": (_("Last quarter"), Span.of(quarter.plus(-3), quarter.plus(-1))),
        "year": (_("This year"), Span.of(Month(day.year, 1), Month(day.year, 12))),
        "last-year": (_("Last year"), Span.of(Month(day.year - 1, 1), Month(day.year - 1, 12))),
    }
