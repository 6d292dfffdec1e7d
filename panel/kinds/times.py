"""Kinds of days and moments, in the many ways that people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Date
from sqlalchemy.types import TypeEngine

from panel.i18n import Message, _
from panel.kinds.base import EXCEL_EPOCH, ZONE, Invalid, Kind, Moments, Reading, narrow, number_of, tidy, today
from panel.kinds.clock import clock_of
from panel.kinds.numerals import arabic

#: What stands between year, month and day, beside 年 and 月.
_SIGN = r"(?:\s*[-./。,、]\s*|\s+)"
_DAY = re.compile(rf"(\d{{4}})(?:{_SIGN}|\s*年\s*)(\d{{1,2}})(?:{_SIGN}|\s*月\s*)(\d{{1,2}})\s*[日号]?")
_DAY_PLAIN = re.compile(r"(\d{4})(\d{2})(\d{2})")
#: Text after the first day of an open term.
_OPEN = r"\s*(?:起任?|任职?|[-—–~至]*\s*(?:至?今|现在)|[-—–~至]+)"
#: A month without a day. A year of two digits needs its 年.
_MONTH = re.compile(rf"(?:(\d{{4}})\s*[-./年]|(\d{{2}})\s*年)\s*(\d{{1,2}})\s*(?:月份?)?({_OPEN})?")
#: A day with a year of two digits. Up to 12 before a stroke it may as well be a month: 05/03/26.
_DAY_SHORT = re.compile(
    r"(?!(?:0\d|1[0-2])\s*/)(\d{2})(?:\s*([-./])\s*(\d{1,2})\s*\2\s*|\s*年\s*(\d{1,2})\s*月\s*)(\d{1,2})\s*[日号]?(?!\d)"
)
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_CLOCK = re.compile(r"[\sT]*(\d{1,2})\s*[:时点]\s*(\d{1,2})?(?:\s*[:分]\s*(\d{1,2})?(?:\.\d+)?)?\s*[分秒]?")
#: The end of a moment in ISO 8601 with its distance from UTC.
_ZONED = re.compile(r"[\sT]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})", re.IGNORECASE)
_WEEKDAY = re.compile(r"\s*\(?(星期|周|礼拜)[一二三四五六日天]\)?")
_SINCE = re.compile(_OPEN)
#: Texts for "no last day".
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


class _Found(NamedTuple):
    """The day at the beginning of a text, the rest of the text, and a note where the day isn't told in full."""

    day: date
    rest: str
    note: Message | None = None


def _read_day(text: str) -> _Found:
    """The day at the beginning of a tidy, narrow text. Raises Invalid."""
    plain = arabic(text)
    if match := _DAY.match(plain) or _DAY_PLAIN.match(plain):
        day = _date(*(int(part) for part in match.groups()))
        return _Found(day, _WEEKDAY.sub("", plain[match.end() :], count=1))
    if match := _MONTH.fullmatch(plain):
        day = _date(int(match[1] or _century(int(match[2]))), int(match[3]), 1)
        note = _("“{value}” names no day; it is read as {result}.", value=text, result=day)
        return _Found(day, match[4] or "", note)
    if match := _DAY_SHORT.match(plain):
        day = _date(_century(int(match[1])), int(match[3] or match[4]), int(match[5]))
        return _Found(day, _WEEKDAY.sub("", plain[match.end() :], count=1), _read_as(text, day))
    if re.fullmatch(r"\d{4}\s*[-./年]?", plain):
        raise Invalid(_("The day is missing. Write the whole date, for example 2025-07-14."))
    raise Invalid(_("This is no date. Example: 2025-07-14, 2025.7.14 or 2025年7月14日."))


def _date(year: int, month: int, day: int) -> date:
    """A date. Raises Invalid if there is none, or if its year isn't accepted."""
    if not 1 <= month <= 12:
        raise Invalid(_("There is no month {month}. Example: 2025-07-14.", month=month))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(_("The year {year} can't be right. Example: 2025-07-14.", year=year))
    try:
        return date(year, month, day)
    except ValueError:
        raise Invalid(
            _("{year}-{month} has no day {day}. Example: 2025-07-14.", year=year, month=month, day=day)
        ) from None


def _century(year: int) -> int:
    """The year that two digits mean: one of the last ninety years or of the next ten."""
    this = today().year
    full = this // 100 * 100 + year
    return full - 100 if full > this + 10 else full


def _read_as(text: str, value: object) -> Message:
    return _("“{value}” is read as {result}.", value=text, result=value)


def _month_of(number: float | None) -> str:
    """The text of a number that is a year and a month, 2021.5; "" for any other. Raises Invalid where Excel may have
    dropped a zero: 2021.10 becomes 2021.1."""
    if number is None or not FIRST_YEAR <= number < LAST_YEAR or number == int(number):
        return ""
    if (text := str(number)).endswith(".1"):
        raise Invalid(_("{value} may be January or October. Write the whole date, for example 2025-07-14.", value=text))
    return text


def _zoned(day: date, rest: str) -> datetime | None:
    """The moment of a text in ISO 8601 that ends with its distance from UTC; None for other texts."""
    if not _ZONED.fullmatch(rest):
        return None
    try:
        return datetime.fromisoformat(f"{day.isoformat()}T{rest.strip('Tt ').upper().replace(' ', '')}")
    except ValueError:
        raise Invalid(_("This is no date and time. Example: 2025-07-14 09:30.")) from None


@dataclass(frozen=True, slots=True)
class Day(Kind):
    """A calendar day. A month alone (2021年5月) is read as its first day."""

    control: ClassVar[str] = "date"
    excel: ClassVar[str] = "yyyy-mm-dd"
    remarks: ClassVar[bool] = True

    def sql(self) -> TypeEngine[Any]:
        return Date()

    def parse(self, raw: object) -> date | None:
        return self.read(raw).value  # type: ignore[no-any-return]

    def read(self, raw: object) -> Reading:
        if isinstance(raw, datetime):
            _day(raw)
            return Reading((raw.astimezone(ZONE) if raw.tzinfo else raw).date())
        if isinstance(raw, date):
            return Reading(_day(raw))
        if (serial := _serial_of(raw)) is not None:
            return Reading(serial.date())
        text = _month_of(number_of(raw)) or narrow(tidy(raw))
        if not text or text in _NO_END:
            return Reading(None)
        if _SERIAL.fullmatch(text) and (serial := _serial_of(float(text))) is not None:
            return Reading(serial.date(), _read_as(text, serial.date()))
        day, rest, note = _read_day(text)
        if (moment := _zoned(day, rest)) is not None:
            return Reading(moment.astimezone(ZONE).date())
        if rest.strip() and not _SINCE.fullmatch(rest):
            try:
                _clock(rest)
            except Invalid:
                raise Invalid(_("This is no date. Example: 2025-07-14, 2025.7.14 or 2025年7月14日.")) from None
        return Reading(day, note)

    def format(self, value: Any) -> str:
        return "" if value is None else value.isoformat()

    def store(self, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def load(self, stored: Any) -> Any:
        return None if stored is None else date.fromisoformat(stored)


def _clock(rest: str) -> time:
    """The time of day behind a day. Raises Invalid."""
    if match := _CLOCK.fullmatch(rest):
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour > 23 or minute > 59 or second > 59:
            raise Invalid(_("This is no time of day. Example: 2025-07-14 09:30."))
        return time(hour, minute, second)
    try:
        return clock_of(rest.strip())
    except Invalid:
        raise Invalid(_("This is no date and time. Example: 2025-07-14 09:30.")) from None


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A date and time to the second, stored as UTC, typed and shown in local time."""

    control: ClassVar[str] = "datetime-local"
    excel: ClassVar[str] = "yyyy-mm-dd hh:mm"
    remarks: ClassVar[bool] = True

    def sql(self) -> TypeEngine[Any]:
        return Moments()

    def parse(self, raw: object) -> datetime | None:
        return self.read(raw).value  # type: ignore[no-any-return]

    def read(self, raw: object) -> Reading:
        if isinstance(raw, datetime):
            _day(raw)
            rounded = raw + timedelta(microseconds=500_000)
            return Reading(rounded.replace(microsecond=0, tzinfo=raw.tzinfo or ZONE))
        if isinstance(raw, date):
            return Reading(datetime.combine(_day(raw), time(), ZONE))
        if (serial := _serial_of(raw)) is not None:
            return Reading(serial.replace(tzinfo=ZONE))
        text = _month_of(number_of(raw)) or narrow(tidy(raw))
        if not text:
            return Reading(None)
        if _SERIAL.fullmatch(text) and (serial := _serial_of(float(text))) is not None:
            moment = serial.replace(tzinfo=ZONE)
            return Reading(moment, _read_as(text, self.format(moment)))
        day, rest, note = _read_day(text)
        if (moment_with_zone := _zoned(day, rest)) is not None:
            return Reading(moment_with_zone.replace(microsecond=0))
        return Reading(datetime.combine(day, _clock(rest) if rest.strip() else time(), ZONE), note)

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
