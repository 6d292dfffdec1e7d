"""What an import asks instead of guessing, and the rows that it leaves out.

Nothing is written while a question is open: importing.apply() refuses. Options hold the answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from panel.i18n import Message

#: In place of the rows that a user confirms: every row that is asked about.
ALL_ROWS = "all"


class About(StrEnum):
    """What a question is about: what a column means, what a word in a column means, or whether a row is meant so."""

    COLUMN = "column"
    VALUE = "value"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Offer:
    """A possible answer: the text that the answer consists of, and how the page words it."""

    answer: str
    label: Message | str


@dataclass(frozen=True, slots=True)
class Question:
    """A doubt that the user settles once for the file. `column` is the letter of the column in the sheet, `row` Excel's
    number; either is None where it doesn't apply.

    `key` names what is asked about as an answer to it does: the place of a column (see column_key), the name of a
    column and a word ("source:12345热线"), or the place of a row (see row_key)."""

    about: About
    key: str
    text: Message
    offers: tuple[Offer, ...] = ()
    sheet: str = ""
    row: int | None = None
    column: str | None = None
    header: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row below the header that is not read as data, and why."""

    sheet: str
    row: int
    why: Message
    #: The words of the row, for the user to recognise it.
    text: str = ""


def letter(index: int) -> str:
    """The letter of a column, by its index from 0: A for 0, AA for 26."""
    name, rest = "", index + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def letter_index(text: str) -> int | None:
    """The index of a column from 0 by its letter or its key: 2 for C and for Sheet!C; None if the text is neither."""
    name = text.rpartition("!")[2]
    if not (name.isascii() and name.isalpha() and name.isupper() and len(name) <= 3):
        return None
    index = 0
    for character in name:
        index = 26 * index + ord(character) - ord("A") + 1
    return index - 1


def column_key(sheet: str, index: int) -> str:
    return f"{sheet}!{letter(index)}"


def row_key(sheet: str, number: int) -> str:
    return f"{sheet}!{number}"


def is_confirmed(confirmed: Iterable[str], sheet: str, number: int) -> bool:
    """Whether the user confirmed a row: by its number, by sheet and number, or all rows at once."""
    return not {ALL_ROWS, str(number), row_key(sheet, number)}.isdisjoint(confirmed)
