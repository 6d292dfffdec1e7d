"""A calendar month in the office's zone."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from panel.i18n import _, dates
from panel.kinds import ZONE, Invalid, narrow, tidy


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """`number` counts from 1. str() gives "2026-05"; months compare by time."""

    year: int
    number: int

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Parse 2026-05, 2026/5 or 2026年5月. Raises Invalid for any other text."""
        match = re.fullmatch(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*月?", narrow(tidy(raw)))
        if not match or not 1 <= int(match[2]) <= 12 or not 1990 <= int(match[1]) <= 2200:
            raise Invalid(_("This is no month. Example: 2026-05."))
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    def plus(self, months: int) -> Month:
        """The month so many months later; earlier if negative."""
        years, number = divmod(self.number - 1 + months, 12)
        return Month(self.year + years, number + 1)

    @property
    def start(self) -> datetime:
        """Local midnight at the start of the first day."""
        return datetime(self.year, self.number, 1, tzinfo=ZONE)

    @property
    def end(self) -> datetime:
        """Local midnight after the last day; no longer in the month."""
        return self.plus(1).start

    @property
    def words(self) -> str:
        """As printed forms write it: 2026年5月."""
        return f"{self.year}年{self.number}月"

    @property
    def label(self) -> str:
        """As pages name it in the reader's language: 2026年5月, May 2026."""
        return dates.year_month(self.start.date())

    @property
    def span(self) -> str:
        """2026年5月1日至5月31日."""
        return f"{self.words}1日至{self.number}月{calendar.monthrange(self.year, self.number)[1]}日"
