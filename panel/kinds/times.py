"""Kinds of days and moments, in the many ways that people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import Date
from sqlalchemy.types import TypeEngine

from panel.i18n import _
from panel.kinds.base import EXCEL_EPOCH, ZONE, Invalid, Kind, Moments, narrow, number_of, tidy

_DAY = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*[日号]?")
_DAY_PLAIN = re.compile(r"(\d{4})(\d{2})(\d{2})")
_CLOCK = re.compile(r"[\sT]*(\d{1,2})\s*[:时点]\s*(\d{1,2})?(?:\s*[:分]\s*(\d{1,2})?(?:\.\d+)?)?\s*[分秒]?")
_WEEKDAY = re.compile(r"\s*\(?(星期|周)[一二三四五六日天]\)?")
#: Text after the first day of an open term, and texts for "no last day".
_SINCE = re.compile(r"\s*(起|[-—–~至]*\s*(至?今|现在))")
_NO_END = frozenset({"至今", "今", "现在"})
#: Years that are accepted.
FIRST_YEAR, LAST_YEAR = 1900, 2200


def _day(value: date) -> date:
    """Return a date from a cell. Raises Invalid if its year isn't accepted."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise Invalid(_("The year {year} can't be right. Example: 2025-07-14.", year=value.year))
    return value


def _serial_of(raw: object) -> datetime | None:
    """The date-time of a number that is an Excel serial (days since 1900). None for text and for numbers such as
    20250714 or 2025.7. Raises Invalid for serials outside 1990 to 2100."""
    number = number_of(raw)
    if number is None or 19000101 <= number <= 22001231 or FIRST_YEAR <= number < LAST_YEAR:
        return None
    if not 32874 <= number < 73416:
        raise Invalid(_("This number is no date. Example: 2025-07-14."))
    return EXCEL_EPOCH + timedelta(seconds=round(number * 86400))


def _read_day(text: str) -> tuple[date, str]:
    """The day at the beginning of a text, and the rest of the text. Raises Invalid."""
    match = _DAY.match(text) or _DAY_PLAIN.match(text)
    if not match:
        if re.fullmatch(r"\d{4}\s*([-./年]\s*(\d{1,2}\s*月?)?)?", text):
            raise Invalid(_("The day is missing. Write the whole date, for example 2025-07-14."))
        raise Invalid(_("This is no date. Example: 2025-07-14, 2025.7.14 or 2025年7月14日."))
    year, month, day = (int(part) for part in match.groups())
    if not 1 <= month <= 12:
        raise Invalid(_("There is no month {month}. Example: 2025-07-14.", month=month))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(_("The year {year} can't be right. Example: 2025-07-14.", year=year))
    try:
        rest = text[match.end() :]
        return date(year, month, day), _WEEKDAY.sub("", rest, count=1)
    except ValueError:
        raise Invalid(
            _("{year}-{month} has no day {day}. Example: 2025-07-14.", year=year, month=month, day=day)
        ) from None


@dataclass(frozen=True, slots=True)
class Day(Kind):
    """A calendar day."""

    control: ClassVar[str] = "date"
    excel: ClassVar[str] = "yyyy-mm-dd"

    def sql(self) -> TypeEngine[Any]:
        return Date()

    def parse(self, raw: object) -> date | None:
        if isinstance(raw, datetime):
            _day(raw)
            return (raw.astimezone(ZONE) if raw.tzinfo else raw).date()
        if isinstance(raw, date):
            return _day(raw)
        if (serial := _serial_of(raw)) is not None:
            return serial.date()
        text = narrow(tidy(raw))
        if not text or text in _NO_END:
            return None
        day, rest = _read_day(text)
        if rest.strip() and not _CLOCK.fullmatch(rest) and not _SINCE.fullmatch(rest):
            raise Invalid(_("This is no date. Example: 2025-07-14, 2025.7.14 or 2025年7月14日."))
        return day

    def format(self, value: Any) -> str:
        return "" if value is None else value.isoformat()

    def store(self, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def load(self, stored: Any) -> Any:
        return None if stored is None else date.fromisoformat(stored)


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A date and time to the second, stored as UTC, typed and shown in local time."""

    control: ClassVar[str] = "datetime-local"
    excel: ClassVar[str] = "yyyy-mm-dd hh:mm"

    def sql(self) -> TypeEngine[Any]:
        return Moments()

    def parse(self, raw: object) -> datetime | None:
        if isinstance(raw, datetime):
            _day(raw)
            rounded = raw + timedelta(microseconds=500_000)
            return rounded.replace(microsecond=0, tzinfo=raw.tzinfo or ZONE)
        if isinstance(raw, date):
            return datetime(_day(raw).year, raw.month, raw.day, tzinfo=ZONE)
        if (serial := _serial_of(raw)) is not None:
            return serial.replace(tzinfo=ZONE)
        text = narrow(tidy(raw))
        if not text:
            return None
        day, rest = _read_day(text)
        if not rest.strip():
            return datetime(day.year, day.month, day.day, tzinfo=ZONE)
        match = _CLOCK.fullmatch(rest)
        if not match:
            raise Invalid(_("This is no date and time. Example: 2025-07-14 09:30."))
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour > 23 or minute > 59 or second > 59:
            raise Invalid(_("This is no time of day. Example: 2025-07-14 09:30."))
        return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE)

    def format(self, value: Any) -> str:
        if value is None:
            return ""
        local = value.astimezone(ZONE)
        return str(local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M"))

    def store(self, value: Any) -> Any:
        return None if value is None else value.astimezone(UTC).isoformat()

    def load(self, stored: Any) -> Any:
        return None if stored is None else datetime.fromisoformat(stored)

    def show(self, stored: Any) -> str:
        return "" if stored is None else self.format(datetime.fromisoformat(stored))


def to_minute(moment: datetime | None) -> str:
    """A moment in local time without seconds, for pages and messages; "" for None."""
    return Moment().format(moment.replace(second=0, microsecond=0)) if moment is not None else ""
