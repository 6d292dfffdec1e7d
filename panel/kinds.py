"""Kinds of value: one pair parse/format each, used alike by forms, pages and Excel.

parse() takes what a person typed or a cell held (str, int, float, bool, date, datetime or None), gives the
stored value, None for a blank, and raises Invalid, with a sentence for the user, for anything else.
format() is its inverse: parse(format(value)) == value.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Boolean, Date, DateTime, Enum, Integer, Numeric, String, TypeDecorator
from sqlalchemy import Text as LongString
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from panel.text import Message, _, in_every_locale

ZONE = ZoneInfo("Asia/Shanghai")
#: Excel's day 0 in the 1900 system; day 60 (29 February 1900) never existed.
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel knows no zones


class Invalid(ValueError):  # noqa: N818 - what the user is told, not a defect
    """What was given can't be read as this kind; `message` says why and what to give instead."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class Moments(TypeDecorator[datetime]):
    """Date-times stored as UTC without a zone, given and taken with one."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a date-time without a zone was about to be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Choices(StrEnum):
    """Values with names for people: `REPORTED = "reported", _("Reported"), "brand"`; the third is the tag's colour."""

    label: Message
    tone: str

    def __new__(cls, value: str, label: Message, tone: str = "") -> Self:
        self = str.__new__(cls, value)
        self._value_ = value
        self.label = label
        self.tone = tone
        return self

    @classmethod
    def of(cls, value: object) -> Self:
        """The member with this stored value. ValueError if there is none."""
        return cls(value)  # type: ignore[call-arg, arg-type]


def now() -> datetime:
    """This moment, with its zone. The one clock of the project."""
    return datetime.now(UTC)


def today() -> date:
    return now().astimezone(ZONE).date()


_SPACES = re.compile(r"[\s\u00a0\u1680\u180e\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]")
#: Digits beyond which Excel keeps zeros only.
EXACT = 10**15
_SHORTENED = re.compile(r"\d\.\d+[eE]\+?\d+|\d[eE]\+\d+")


def narrow(text: str) -> str:
    """Full-width digits, letters and signs as their plain forms; other characters stay."""
    return "".join(unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" or c == "\u3000" else c for c in text)


def printable(text: str) -> str:
    """Text without the characters that no database, workbook or page takes."""
    return _CONTROL.sub("", text)


def tidy(raw: object) -> str:
    """One line of text: outer white space of every width gone, inner runs folded to one space."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "1" if raw else "0"
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < EXACT:
        raw = int(raw)
    if isinstance(raw, int) and abs(raw) >= 10**100:
        return "9" * 100  # more digits than any cell or field holds; Python refuses to spell out the longest
    return _SPACES.sub(" ", printable(str(raw))).strip()


def digits(raw: object) -> str:
    """Text of a number-like cell with separators dropped and full-width digits made plain."""
    return re.sub(r"[\s\-‐-―－()（）.·'’]", "", narrow(tidy(raw)))


def number_of(raw: object) -> float | None:
    """What a number cell held, as far as a float can say it; None for anything else."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return None
    try:
        return float(raw)
    except (OverflowError, ValueError):
        return math.inf


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. `control` names the form's input; `example` is shown in errors and templates."""

    control: ClassVar[str] = "text"
    #: Excel's number format for cells of this kind.
    excel: ClassVar[str] = "@"

    def sql(self) -> TypeEngine[Any]:
        raise NotImplementedError

    def parse(self, raw: object) -> Any:
        raise NotImplementedError

    def format(self, value: Any) -> str:
        return "" if value is None else str(value)

    def store(self, value: Any) -> Any:
        """The value as JSON can hold it, for the audit; load() is its inverse as far as display needs."""
        return value

    def show(self, stored: Any) -> str:
        """What store() gave, in the reader's words."""
        return "" if stored is None else str(stored)

    def mask(self, value: Any) -> str:
        """What those see who may not see the value."""
        return "" if value is None else "***"


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A line of text, at most `length` characters; `lines` > 1 makes it a paragraph that keeps its line breaks."""

    length: int
    lines: int = 1

    @property
    def control(self) -> str:  # type: ignore[override]
        return "textarea" if self.lines > 1 else "text"

    def sql(self) -> TypeEngine[Any]:
        return String(self.length) if self.length <= 500 else LongString()

    def parse(self, raw: object) -> str | None:
        if self.lines > 1 and isinstance(raw, str):
            text = "\n".join(tidy(line) for line in raw.splitlines()).strip()
        else:
            text = tidy(raw)
        if len(text) > self.length:
            raise Invalid(_("Too long: {n} characters, at most {length} are allowed.", n=len(text), length=self.length))
        return text or None


_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"


@dataclass(frozen=True, slots=True)
class PersonName(Text):
    """A person's name; white space inside a Chinese name (张  三) is no part of it. Masked as 张*."""

    length: int = 40

    def parse(self, raw: object) -> str | None:
        text = Text.parse(self, narrow(tidy(raw)))
        return re.sub(rf"(?<=[{_HAN}·]) (?=[{_HAN}·])", "", text) if text else None

    def mask(self, value: Any) -> str:
        return f"{value[0]}*" if value else ""


@dataclass(frozen=True, slots=True)
class Place(Text):
    """An address; masked to its first six characters."""

    length: int = 120

    def mask(self, value: Any) -> str:
        return f"{value[:6]}****" if value else ""


@dataclass(frozen=True, slots=True)
class Code(Text):
    """An identifier such as a badge or document number: text, never a number, without inner spaces."""

    length: int = 40

    def parse(self, raw: object) -> str | None:
        text = narrow(tidy(raw)).replace(" ", "")
        number = number_of(raw)
        if (number is not None and not abs(number) < EXACT) or _SHORTENED.fullmatch(text):
            raise Invalid(_("This number lost digits in Excel. Format the cell as text and type it again."))
        return Text.parse(self, text)


@dataclass(frozen=True, slots=True)
class Mobile(Kind):
    """One mainland mobile number of 11 digits; +86 and separators are dropped. Masked as 138****1234."""

    control: ClassVar[str] = "tel"

    def sql(self) -> TypeEngine[Any]:
        return String(11)

    def parse(self, raw: object) -> str | None:
        text = narrow(tidy(raw))
        if not text:
            return None
        text = re.sub(r"^(1[3-9]\d{9})\.0+$", r"\1", text)
        if _SHORTENED.fullmatch(text):
            raise Invalid(_("Excel has shortened this number. Format the cell as text and type it again."))
        number_text = digits(text)
        if re.search(r"\d\s*[/、,;或]\s*\d", text) or re.fullmatch(r"(1[3-9]\d{9}){2,}", number_text):
            raise Invalid(_("There are two numbers in one place. Keep one mobile number, for example 13812345678."))
        if re.fullmatch(r"(\+|00)?86\d{11}", number_text):
            number_text = number_text[-11:]
        if not number_text.isascii() or not number_text.isdigit() or (number_of(raw) or 0) < 0:
            raise Invalid(_("This is no mobile number. It has 11 digits, for example 13812345678."))
        if len(number_text) != 11:
            raise Invalid(
                _("A mobile number has 11 digits, this one has {n}. Example: 13812345678.", n=len(number_text))
            )
        if not re.fullmatch(r"1[3-9]\d{9}", number_text):
            raise Invalid(_("A mobile number begins with 13 to 19, for example 13812345678."))
        return number_text

    def mask(self, value: Any) -> str:
        return f"{value[:3]}****{value[-4:]}" if value else ""


@dataclass(frozen=True, slots=True)
class Telephone(Kind):
    """An office telephone: digits, dashes, an extension (0573-82712611-802). Masked to its last four."""

    control: ClassVar[str] = "tel"

    def sql(self) -> TypeEngine[Any]:
        return String(30)

    def parse(self, raw: object) -> str | None:
        text = re.sub(r"[‐-―－–—]", "-", narrow(tidy(raw)))
        text = re.sub(r"\s*-\s*", "-", text)
        text = re.sub(r"^[(（](\d{3,4})[)）]\s*", r"\1-", text)
        text = re.sub(r"\s*(转|ext\.?)\s*", "-", text, flags=re.IGNORECASE).replace(" ", "-")
        if not text:
            return None
        if (
            not re.fullmatch(r"\+?[0-9]+(-[0-9]+)*", text)
            or not 5 <= len(re.sub(r"\D", "", text)) <= 20
            or len(text) > 30
        ):
            raise Invalid(_("This is no telephone number. Example: 0573-82712611, or 0573-82712611-802."))
        return text

    def mask(self, value: Any) -> str:
        return f"****{value[-4:]}" if value else ""


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int = 2_000_000_000
    control: ClassVar[str] = "number"
    excel: ClassVar[str] = "0"

    def sql(self) -> TypeEngine[Any]:
        return Integer()

    def parse(self, raw: object) -> int | None:
        text = narrow(tidy(raw)).replace(",", "")
        if not text:
            return None
        text = re.sub(r"(?<=\d)\.0+$", "", text)
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", text):
            raise Invalid(_("This is no whole number. Example: {low}.", low=max(self.low, 1)))
        value = int(text)
        if not self.low <= value <= self.high:
            raise Invalid(_("The number must lie between {low} and {high}.", low=self.low, high=self.high))
        return value


@dataclass(frozen=True, slots=True)
class Amount(Kind):
    """A decimal number with `places` digits after the point, not negative."""

    places: int = 2
    control: ClassVar[str] = "number"
    excel: ClassVar[str] = "0.00"

    def sql(self) -> TypeEngine[Any]:
        return Numeric(14, self.places)

    def parse(self, raw: object) -> Decimal | None:
        text = re.sub(r"[,\s¥￥元]", "", narrow(tidy(raw)))
        if not text:
            return None
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text):
            raise Invalid(_("This is no amount. Example: 200.00."))
        value = Decimal(text)
        if value < 0 or value >= 10**12:
            raise Invalid(_("The amount must not be negative and must have at most 11 digits."))
        value = abs(value.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_UP))
        if value >= 10**11:
            raise Invalid(_("The amount must not be negative and must have at most 11 digits."))
        return value

    def format(self, value: Any) -> str:
        return "" if value is None else f"{value:.{self.places}f}"

    def store(self, value: Any) -> Any:
        return None if value is None else self.format(value)


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """Yes or no."""

    control: ClassVar[str] = "flag"
    YES: ClassVar[frozenset[str]] = frozenset({"1", "是", "有", "y", "yes", "true", "√", "✓", "✔", "对", "on"})
    NO: ClassVar[frozenset[str]] = frozenset({"0", "否", "无", "n", "no", "false", "×", "✗", "x", "错", "off"})

    def sql(self) -> TypeEngine[Any]:
        return Boolean()

    def parse(self, raw: object) -> bool | None:
        text = narrow(tidy(raw)).lower()
        if not text:
            return None
        if text in self.YES:
            return True
        if text in self.NO:
            return False
        raise Invalid(_("Write 是 or 否."))

    def format(self, value: Any) -> str:
        return "" if value is None else str(_("yes") if value else _("no"))

    def show(self, stored: Any) -> str:
        return self.format(stored)


_DAY = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*[日号]?")
_DAY_PLAIN = re.compile(r"(\d{4})(\d{2})(\d{2})")
_CLOCK = re.compile(r"[\sT]*(\d{1,2})\s*[:时点]\s*(\d{1,2})?(?:\s*[:分]\s*(\d{1,2})?(?:\.\d+)?)?\s*[分秒]?")
_WEEKDAY = re.compile(r"\s*\(?(星期|周)[一二三四五六日天]\)?")
#: What follows the first day of a term that still runs, or stands alone where it has no last day.
_SINCE = re.compile(r"\s*(起|[-—–~至]*\s*(至?今|现在))")
_NO_END = frozenset({"至今", "今", "现在"})
#: Years that a date may lie in.
FIRST_YEAR, LAST_YEAR = 1900, 2200


def _day(value: date) -> date:
    """A date that a cell held as one, if its year can be right."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise Invalid(_("The year {year} can't be right. Example: 2025-07-14.", year=value.year))
    return value


def _serial_of(raw: object) -> datetime | None:
    """The date-time that a number cell means as Excel's count of days since 1900; None for what isn't one: text, or a
    number such as 20250714 or 2025.7. Only days from 1990 to 2100 are believed."""
    number = number_of(raw)
    if number is None or 19000101 <= number <= 22001231 or FIRST_YEAR <= number < LAST_YEAR:
        return None
    if not 32874 <= number < 73416:
        raise Invalid(_("This number is no date. Example: 2025-07-14."))
    return EXCEL_EPOCH + timedelta(seconds=round(number * 86400))


def _read_day(text: str) -> tuple[date, str]:
    """The day a text begins with, and what follows it."""
    found = _DAY.match(text) or _DAY_PLAIN.match(text)
    if not found:
        if re.fullmatch(r"\d{4}\s*([-./年]\s*(\d{1,2}\s*月?)?)?", text):
            raise Invalid(_("The day is missing. Write the whole date, for example 2025-07-14."))
        raise Invalid(_("This is no date. Example: 2025-07-14, 2025.7.14 or 2025年7月14日."))
    year, month, day = (int(part) for part in found.groups())
    if not 1 <= month <= 12:
        raise Invalid(_("There is no month {month}. Example: 2025-07-14.", month=month))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(_("The year {year} can't be right. Example: 2025-07-14.", year=year))
    try:
        rest = text[found.end() :]
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


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A date and time to the minute, stored as UTC, typed and shown in the office's zone."""

    control: ClassVar[str] = "datetime-local"
    excel: ClassVar[str] = "yyyy-mm-dd hh:mm"

    def sql(self) -> TypeEngine[Any]:
        return Moments()

    def parse(self, raw: object) -> datetime | None:
        if isinstance(raw, datetime):
            _day(raw)
            whole = raw + timedelta(microseconds=500_000)
            return whole.replace(microsecond=0, tzinfo=raw.tzinfo or ZONE)
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
        found = _CLOCK.fullmatch(rest)
        if not found:
            raise Invalid(_("This is no date and time. Example: 2025-07-14 09:30."))
        hour, minute, second = (int(part or 0) for part in found.groups())
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

    def show(self, stored: Any) -> str:
        return "" if stored is None else self.format(datetime.fromisoformat(stored))


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a closed list; its stored key, its label in either language are all understood."""

    choices: type[Choices]
    control: ClassVar[str] = "select"

    def sql(self) -> TypeEngine[Any]:
        return Enum(
            self.choices,
            native_enum=False,
            create_constraint=True,
            length=20,
            name=re.sub(r"(?<!^)(?=[A-Z])", "_", self.choices.__name__).lower(),
            values_callable=lambda choices: [choice.value for choice in choices],
        )

    def parse(self, raw: object) -> Choices | None:
        text = narrow(tidy(raw))
        if not text:
            return None
        for choice in self.choices:
            if text.lower() == choice.value or text in in_every_locale(choice.label):
                return choice
        names = "、".join(str(choice.label) for choice in self.choices)
        raise Invalid(_("“{value}” is none of: {names}.", value=text[:40], names=names))

    def format(self, value: Any) -> str:
        return "" if value is None else str(self.choices.of(value).label)

    def store(self, value: Any) -> Any:
        return None if value is None else str(self.choices.of(value).value)

    def show(self, stored: Any) -> str:
        try:
            return self.format(stored)
        except ValueError:
            return str(stored)


@dataclass(frozen=True, slots=True)
class Reference(Kind):
    """Another record, by id; `table` names its table. Names are resolved where the records are (forms, imports)."""

    table: str
    control: ClassVar[str] = "lookup"

    def sql(self) -> TypeEngine[Any]:
        return Integer()

    def parse(self, raw: object) -> int | None:
        text = narrow(tidy(raw))
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise Invalid(_("Choose one from the list."))
        return int(text)


@dataclass(frozen=True, slots=True)
class Data(Kind):
    """Structured values kept with a log row; shown, never typed."""

    control: ClassVar[str] = "data"

    def sql(self) -> TypeEngine[Any]:
        return JSON(none_as_null=True)

    def parse(self, raw: object) -> Any:
        return raw
