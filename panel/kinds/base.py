"""The base class of kinds, and what they share: clean texts, the error Invalid, the clock."""

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


class Invalid(ValueError):  # noqa: N818 - shown to the user as a sentence
    """A value can't be parsed as this kind; `message` says why and what to enter instead."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class Moments(TypeDecorator[datetime]):
    """Column type of date-times: stored as UTC without a zone, in Python always with a zone."""

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
    """A closed list of values: `REPORTED = "reported", _("Reported"), "brand"` are the stored value, the label and the
    colour of its tag; a fourth element are further words, separated by spaces, that an import reads as the value."""

    label: Message
    tone: str
    aliases: tuple[str, ...]

    def __new__(cls, value: str, label: Message, tone: str = "", aliases: str = "") -> Self:
        self = str.__new__(cls, value)
        self._value_ = value
        self.label = label
        self.tone = tone
        self.aliases = tuple(aliases.split())
        return self

    @classmethod
    def of(cls, value: object) -> Self:
        """The member with this stored value. Raises ValueError."""
        return cls(value)  # type: ignore[call-arg, arg-type]


def now() -> datetime:
    """The current moment in UTC. All code reads the clock here."""
    return datetime.now(UTC)


def today() -> date:
    return now().astimezone(ZONE).date()


_SPACES = re.compile(r"[\s\u00a0\u1680\u180e\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]+")
_NARROW = {code: unicodedata.normalize("NFKC", chr(code)) for code in (0x3000, *range(0xFF01, 0xFF5F))}
_WIDE = re.compile("[\u3000\uff01-\uff5e]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]")
#: What tidy() removes: outer, repeated or non-ASCII white space, and control characters.
_UNTIDY = re.compile(rf"^\s|\s$|\s\s|(?! ){_SPACES.pattern}|{_CONTROL.pattern}")
#: Excel stores integers exactly below this; of longer numbers it replaces the last digits by zeros.
EXACT = 10**15
#: A number in scientific notation, as Excel writes long ones.
SHORTENED = re.compile(r"\d\.\d+[eE]\+?\d+|\d[eE]\+\d+")


def narrow(text: str) -> str:
    """Replace full-width digits, letters, punctuation and spaces by their ASCII forms."""
    return text.translate(_NARROW) if _WIDE.search(text) else text


def printable(text: str) -> str:
    """Remove the characters that databases, workbooks or pages can't store: control characters and surrogates."""
    return _CONTROL.sub("", text)


def tidy(raw: object) -> str:
    """A value as one line of text: outer white space is removed, each inner run of it becomes one space."""
    if raw is None:
        return ""
    if type(raw) is str:
        return _SPACES.sub(" ", _CONTROL.sub("", raw)).strip() if _UNTIDY.search(raw) else raw
    if isinstance(raw, bool):
        return "1" if raw else "0"
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < EXACT:
        raw = int(raw)
    if isinstance(raw, int) and abs(raw) >= 10**100:
        return "9" * 100  # longer than any cell or field; Python refuses to convert the longest to text
    return _SPACES.sub(" ", printable(str(raw))).strip()


def digits(raw: object) -> str:
    """The text of a number without separators, with full-width digits as ASCII."""
    return re.sub(r"[\s\-‐-―－()（）.·'’]", "", narrow(tidy(raw)))


def number_of(raw: object) -> float | None:
    """The number in a cell as a float, infinity if it is too large; None if the cell holds no number."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return None
    try:
        return float(raw)
    except (OverflowError, ValueError):
        return math.inf


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. `control` is the name of its form control (see pages.parts.Input)."""

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
        """The value in JSON form, for the audit and the undo of imports."""
        return value

    def load(self, stored: Any) -> Any:
        """The value of a result of store()."""
        return stored

    def show(self, stored: Any) -> str:
        """A result of store() as text in the reader's language."""
        return "" if stored is None else str(stored)

    def mask(self, value: Any) -> str:
        """The text shown to readers who may not see the value."""
        return "" if value is None else "***"
