"""What every kind has in common: a clean text, a reason for refusing, a clock, and the pair parse/format."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from panel.i18n import Message

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
    """Values with names for people: `REPORTED = "reported", _("Reported"), "brand"`; the third is the tag's colour,
    the fourth other words that mean the value."""

    label: Message
    tone: str
    aliases: tuple[str, ...]

    def __new__(cls, value: str, label: Message, tone: str = "", aliases: tuple[str, ...] = ()) -> Self:
        self = str.__new__(cls, value)
        self._value_ = value
        self.label = label
        self.tone = tone
        self.aliases = aliases
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
_NARROW = {code: unicodedata.normalize("NFKC", chr(code)) for code in (0x3000, *range(0xFF01, 0xFF5F))}
_WIDE = re.compile("[\u3000\uff01-\uff5e]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]")
#: What makes a text other than tidy: white space at an end, beside other or of another width, a control character.
_UNTIDY = re.compile(rf"^\s|\s$|\s\s|(?! ){_SPACES.pattern}|{_CONTROL.pattern}")
#: Digits beyond which Excel keeps zeros only.
EXACT = 10**15
SHORTENED = re.compile(r"\d\.\d+[eE]\+?\d+|\d[eE]\+\d+")


def narrow(text: str) -> str:
    """Full-width digits, letters and signs as their plain forms; other characters stay."""
    return text.translate(_NARROW) if _WIDE.search(text) else text


def printable(text: str) -> str:
    """Text without the characters that no database, workbook or page takes."""
    return _CONTROL.sub("", text)


def tidy(raw: object) -> str:
    """One line of text: outer white space of every width gone, inner runs folded to one space."""
    if raw is None:
        return ""
    if type(raw) is str:
        return _SPACES.sub(" ", _CONTROL.sub("", raw)).strip() if _UNTIDY.search(raw) else raw
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
        """The value as JSON can hold it, for the audit and for taking an import back."""
        return value

    def load(self, stored: Any) -> Any:
        """The value that store() was given."""
        return stored

    def show(self, stored: Any) -> str:
        """What store() gave, in the reader's words."""
        return "" if stored is None else str(stored)

    def mask(self, value: Any) -> str:
        """What those see who may not see the value."""
        return "" if value is None else "***"
