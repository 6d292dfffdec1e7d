"""A sheet to write, and the layout that all writers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from panel.kinds import printable

HEAD_COLOUR = "EAF0F7"
A4 = 9
#: "page / pages" in the codes of Excel's headers and footers.
PAGE_OF = "&P / &N"
#: Characters of a cell: below Excel's limit of 32,767, since escaping adds some.
CELL_LENGTH = 32_000
#: Characters across a printed page that are still large enough to read.
PAGE_WIDTH = 230
#: Tables of at most this many rows are laid out for printing.
PRINTED = 1_000
#: Height of a line and the greatest height of a row, in points; width of a Latin letter, in units of column width.
LINE, HIGHEST, LETTER = 15.0, 409.0, 1.1
#: Margins of a printed page in inches: left, right, top, bottom, header, footer.
MARGINS = (0.3, 0.3, 0.6, 0.6, 0.25, 0.3)


@dataclass(slots=True)
class Page:
    """A sheet to write: the labels, widths (in characters) and number formats of its columns, and its rows.

    `footnote` stands below the rows and on every printed page. `ready`: the values of the rows need no conversion (see
    text_cell()). `printed`: long texts wrap and rows are as high as they need; too slow for a long table. `filtered`:
    the header has Excel's buttons that filter and sort."""

    title: str
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]
    widths: Sequence[int] = ()
    formats: Sequence[str | None] = ()
    footnote: str = ""
    ready: bool = False
    printed: bool = False
    filtered: bool = False

    def __post_init__(self) -> None:
        self.header = [printable(label) for label in self.header]
        self.footnote = printable(self.footnote)

    @property
    def pages_wide(self) -> int:
        """Number of printed pages side by side; the first column is repeated on each."""
        return -(-sum(self.widths) // PAGE_WIDTH) or 1

    def line_lengths(self) -> list[int]:
        """Latin letters that fit into a line of each column."""
        widths = [*self.widths, *[14] * (len(self.header) - len(self.widths))]
        return [max(2, int((width - 1) / LETTER) // 2 * 2) for width in widths]

    def header_height(self) -> float:
        """Height of the header in points; its labels may wrap."""
        return height_of(lines_of(label, room) for label, room in zip(self.header, self.line_lengths(), strict=True))

    def column_styles(self) -> list[tuple[str | None, str, bool]]:
        """(number format, alignment, whether it wraps) of each column.

        Texts stand left and wrap on a printed sheet, except in the first column if a footnote runs on below it.
        Numbers and times are centred."""
        formats = [*self.formats, *[None] * (len(self.header) - len(self.formats))]
        words = [number_format in (None, "@") for number_format in formats]
        return [
            (number_format, "left" if text else "center", text and self.printed and not (self.footnote and at == 0))
            for at, (number_format, text) in enumerate(zip(formats, words, strict=True))
        ]


@dataclass(slots=True)
class MarkedCell:
    """A value to write; `bad` shows it in red."""

    value: Any
    bad: bool = False


@dataclass(slots=True)
class FormColumn:
    """A column of a form. `choices` become a drop-down, `help` a comment on the header."""

    label: str
    width: int = 14
    required: bool = False
    help: str = ""
    number_format: str = "@"
    example: Any = None
    choices: Sequence[str] = field(default_factory=list)


def lines_of(text: str, room: int) -> int:
    """Printed lines of a text where `room` Latin letters fit into a line; a Chinese character is as wide as two."""
    if len(text) * 2 <= room:
        return 1 + text.count("\n")
    if "\n" in text:
        return sum(lines_of(part, room) for part in text.split("\n"))
    return -(-len(text.encode("gb18030", "replace")) // room)


def height_of(lines: Iterable[int]) -> float:
    """Height in points of a row with cells of so many lines. It is set because not every program computes it."""
    return min(HIGHEST, max(lines, default=1) * LINE + 3)


def text_cell(text: Any) -> str | None:
    """Text for a ready row: without control characters, at most CELL_LENGTH; None if nothing is left."""
    return printable(str(text))[:CELL_LENGTH] or None


def print_words(text: str) -> str:
    """Text for a header or footer of a printed page, where "&" begins a code. Cut to stay below Excel's limit of 255
    characters."""
    return printable(text).replace("&", "&&")[:180]


def sheet_name(title: str, taken: set[str]) -> str:
    """A valid name for a sheet, made from a title; unique among `taken`, to which it is added."""
    plain = "".join(c for c in printable(title) if c not in "[]:*?/\\\n\t").strip("' ")[:31] or "Sheet"
    name, number = plain, 2
    while name.casefold() in taken:
        name, number = f"{plain[:27]} {number}", number + 1
    taken.add(name.casefold())
    return name
