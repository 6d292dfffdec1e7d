"""The base class of kinds, and what they share: clean texts, the error Invalid, the clock."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Self
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


_NARROW = {code: unicodedata.normalize("NFKC", chr(code)) for code in (0x3000, *range(0xFF01, 0xFF5F))}
_WIDE = re.compile("[\u3000\uff01-\uff5e]")
#: Control characters that are no white space, and surrogates: workbooks, pages and databases refuse them.
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff"
#: Unicode's format characters, and others that are drawn as nothing, such as variation selectors.
_FORMAT = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile(f"[{_CONTROL}{_FORMAT}]")
#: What a tidy text doesn't have: any other white space than ASCII spaces, and invisible characters.
_UNTIDY = re.compile(f"[\t-\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000{_CONTROL}{_FORMAT}]")
_UNPRINTABLE = re.compile(f"[\x0b\x0c{_CONTROL}]")
#: Excel stores integers exactly below this; of longer numbers it replaces the last digits by zeros.
EXACT = 10**15
#: A number in scientific notation, as Excel writes long ones.
SHORTENED = re.compile(r"\d\.\d+[eE]\+?\d+|\d[eE]\+\d+")


def narrow(text: str) -> str:
    """Replace full-width digits, letters, punctuation and spaces by their ASCII forms."""
    return text.translate(_NARROW) if _WIDE.search(text) else text


def printable(text: str) -> str:
    """Remove the characters that databases, workbooks or pages can't store: control characters and surrogates.
    Vertical tabs and form feeds, which Word uses for line and page breaks, become line breaks."""
    if text.isprintable() or not _UNPRINTABLE.search(text):
        return text
    return _UNPRINTABLE.sub(lambda match: "\n" if match[0] in "\x0b\x0c" else "", text)


def visible(text: str) -> str:
    """Remove the characters that nobody sees, and which are no part of a value: control characters but for white
    space, and format characters such as the marks of the direction of writing."""
    return _INVISIBLE.sub("", text)


def tidy(raw: object) -> str:
    """A value as one line of text: invisible characters and outer white space are removed, each inner run of white
    space becomes one space."""
    if raw is None:
        return ""
    if type(raw) is str:
        if raw.isalnum():
            return raw  # a fast answer for most cells
        if _UNTIDY.search(raw) or "  " in raw or raw[:1] == " " or raw[-1:] == " ":
            return _SPACES.sub(" ", _INVISIBLE.sub("", raw)).strip()
        return raw
    if isinstance(raw, bool):
        return "1" if raw else "0"
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < EXACT:
        raw = int(raw)
    if isinstance(raw, int) and abs(raw) >= 10**100:
        return "9" * 100  # longer than any cell or field; Python refuses to convert the longest to text
    return _SPACES.sub(" ", visible(str(raw))).strip()


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


class Reading(NamedTuple):
    """What an import takes from a cell: its value; a note where the cell doesn't say that value plainly; and the unit
    behind a number, for the field that holds units."""

    value: Any
    note: Message | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. `control` is the name of its form control (see pages.parts.Input)."""

    control: ClassVar[str] = "text"
    #: Excel's number format for cells of this kind.
    excel: ClassVar[str] = "@"
    #: parse() takes any text, so that an import looks for the words of cell_words before.
    any_text: ClassVar[bool] = False
    #: The value is a person's name: a word such as 暂缺 means that there is nobody.
    person: ClassVar[bool] = False
    #: read() may give more than the value.
    remarks: ClassVar[bool] = False

    def sql(self) -> TypeEngine[Any]:
        raise NotImplementedError

    def parse(self, raw: object) -> Any:
        raise NotImplementedError

    def read(self, raw: object) -> Reading:
        """The value of a cell, with what there is to say about it. Raises Invalid as parse() does."""
        return Reading(self.parse(raw))

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
