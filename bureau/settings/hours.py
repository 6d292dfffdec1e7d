"""Office hours of a working day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from panel.i18n import _
from panel.kinds import Invalid, Text, narrow, tidy


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """The spans of office time on a working day, in local time. The default is usual for public offices.

    Raises ValueError for spans that are empty, reversed, overlapping or out of order."""

    spans: tuple[tuple[time, time], ...] = ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))

    def __post_init__(self) -> None:
        clocks = [clock for span in self.spans for clock in span]
        if not clocks or any(earlier >= later for earlier, later in pairwise(clocks)):
            raise ValueError(f"office hours are not in order: {self.spans}")

    @property
    def opening(self) -> time:
        return self.spans[0][0]

    @property
    def closing(self) -> time:
        return self.spans[-1][1]

    @property
    def length(self) -> timedelta:
        """Office time in one working day."""
        day = date(2000, 1, 1)
        return sum(
            (datetime.combine(day, end) - datetime.combine(day, begin) for begin, end in self.spans), timedelta()
        )


_SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~至到]\s*(\d{1,2})[:：](\d{2})")


@dataclass(frozen=True, slots=True)
class Hours(Text):
    """The kind of office hours, written "08:30-12:00, 13:30-17:30"."""

    length: int = 60

    def parse(self, raw: object) -> OfficeHours | None:  # type: ignore[override]
        if isinstance(raw, OfficeHours):
            return raw
        text = narrow(tidy(raw))
        if not text:
            return None
        error = Invalid(_("These are no office hours. Example: 08:30-12:00, 13:30-17:30."))
        if re.sub(r"[\s,，、;；]", "", _SPAN.sub("", text)):
            raise error
        try:
            spans = [tuple(int(part) for part in match.groups()) for match in _SPAN.finditer(text)]
            return OfficeHours(tuple((time(a, b), time(c, d)) for a, b, c, d in spans))
        except ValueError:
            raise error from None

    def format(self, value: OfficeHours | None) -> str:
        return "" if value is None else ", ".join(f"{begin:%H:%M}-{end:%H:%M}" for begin, end in value.spans)
