"""The kind of times of day, in the many ways that people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from sqlalchemy import Time as ClockTime
from sqlalchemy.types import TypeEngine

from panel.i18n import _
from panel.kinds.base import Invalid, Kind, narrow, number_of, tidy
from panel.kinds.numerals import arabic

_MORNING = dict.fromkeys(range(1, 12), 0)
_EVENING = {**dict.fromkeys(range(16, 24), 0), **dict.fromkeys(range(4, 12), 12)}
#: Parts of the day: the hours that may follow each, with the hours to add. Other hours are ambiguous and refused:
#: 上午12:30 means 00:30 to Excel and 12:30 to many people.
_PARTS: dict[str, dict[int, int]] = {
    **dict.fromkeys(("上午", "早上", "早晨", "清晨"), _MORNING),
    "凌晨": {12: -12, **dict.fromkeys(range(7), 0)},
    "中午": {11: 0, 12: 0, 13: 0, 1: 12, 2: 12},
    "下午": {**dict.fromkeys(range(12, 20), 0), **dict.fromkeys(range(1, 8), 12)},
    **dict.fromkeys(("傍晚", "晚上", "晚"), _EVENING),
    "am": {12: -12, **_MORNING},
    "pm": {12: 0, **dict.fromkeys(range(1, 12), 12)},
}
_CHINESE = "|".join(part for part in _PARTS if not part.isascii())
_CLOCK = re.compile(
    rf"(?P<before>{_CHINESE}|am|pm)?\s*(?P<hour>[0-9]{{1,2}})\s*"
    r"(?:(?::(?=\s*[0-9])|[时点])\s*(?:(?P<minute>[0-9]{1,2})(?:\s*[:分]\s*(?P<second>[0-9]{1,2})(?:\.0+)?\s*秒?|\s*分)?)?)"
    r"(?P<part>半|[一三]刻|整|钟)?\s*(?P<after>am|pm)?"
)
_MINUTES = {"半": 30, "一刻": 15, "三刻": 45}
#: The dates that workbooks use for a time of day without a date.
_NO_DAY = frozenset({(1899, 12, 30), (1899, 12, 31), (1904, 1, 1)})


def clock_of(text: str) -> time:
    """The time of day that a tidy, narrow text tells. Raises Invalid."""
    match = _CLOCK.fullmatch(arabic(text.lower()))
    if not match or (match["part"] and match["minute"]) or (match["before"] and match["after"]):
        raise _no_clock()
    hour, minute = int(match["hour"]), int(match["minute"] or _MINUTES.get(match["part"], 0))
    second = int(match["second"] or 0)
    if part := match["before"] or match["after"]:
        if hour not in _PARTS[part]:
            raise Invalid(_("“{value}” can be read in two ways. Write it by 24 hours, as in 14:30.", value=text))
        hour += _PARTS[part][hour]
    if hour > 23 or minute > 59 or second > 59:
        raise _no_clock()
    return time(hour, minute, second)


def _no_clock() -> Invalid:
    return Invalid(_("This is no time of day. Example: 08:30 or 14:30."))


@dataclass(frozen=True, slots=True)
class Time(Kind):
    """A time of day to the second, in local time."""

    control: ClassVar[str] = "time"
    excel: ClassVar[str] = "hh:mm"

    def sql(self) -> TypeEngine[Any]:
        return ClockTime()

    def parse(self, raw: object) -> time | None:
        if isinstance(raw, datetime):
            if (raw.year, raw.month, raw.day) not in _NO_DAY:
                raise Invalid(_("This is a date. Give the time of day alone, for example 08:30."))
            raw = raw.time()
        if isinstance(raw, time):
            return raw.replace(microsecond=0, tzinfo=None)
        if isinstance(raw, timedelta):
            raw = raw / timedelta(days=1)
        if (number := number_of(raw)) is not None:
            return self._of_day_fraction(number)
        text = narrow(tidy(raw))
        return clock_of(text) if text else None

    def _of_day_fraction(self, number: float) -> time:
        """The time that Excel stores as a fraction of a day: 0.5 is noon."""
        if not 0 <= number < 1 or (seconds := round(number * 86400)) == 86400:
            raise _no_clock()
        return time(seconds // 3600, seconds // 60 % 60, seconds % 60)

    def format(self, value: Any) -> str:
        if value is None:
            return ""
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"

    def store(self, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def load(self, stored: Any) -> Any:
        return None if stored is None else time.fromisoformat(stored)

    def show(self, stored: Any) -> str:
        return "" if stored is None else self.format(time.fromisoformat(stored))
