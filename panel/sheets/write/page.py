"""A sheet that is about to be written, for any of the writers, and how all of them look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from panel.kinds import printable

HEAD_COLOUR = "EAF0F7"
A4 = 9
#: "page x of y" as Excel writes it.
PAGE_OF = "&P / &N"
#: Excel's own limit for a cell, with room for what escaping adds.
CELL_LENGTH = 32_000
#: Characters over the width of a printed page, so that they can still be read without a glass.
PAGE_WIDTH = 230
#: Rows up to which a table is set to be printed.
PRINTED = 1_000
#: Height of a line in points, of the highest row, and how much of a column's width a plain letter takes.
LINE, HIGHEST, LETTER = 15.0, 409.0, 1.1
#: Margins of a printed page in inches: left, right, top, bottom, header, footer.
MARGINS = (0.3, 0.3, 0.6, 0.6, 0.25, 0.3)


@dataclass(slots=True)
class Page:
    """A sheet to write: its columns' labels, widths and number formats, and its rows. `footnote` stands below them and
    on every printed page. `ready` rows hold what a cell can hold already (see `text_cell`). In a `printed` sheet long
    words go on in further lines, and rows are as high as that takes; in a long table that would cost too much."""

    title: str
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]
    widths: Sequence[int] = ()
    formats: Sequence[str | None] = ()
    footnote: str = ""
    ready: bool = False
    printed: bool = False

    @property
    def pages_wide(self) -> int:
        """How many printed pages lie side by side; the first column stands on each."""
        return -(-sum(self.widths) // PAGE_WIDTH) or 1

    def rooms(self) -> list[int]:
        """How many plain letters a line of each column takes."""
        widths = [*self.widths, *[14] * (len(self.header) - len(self.widths))]
        return [max(2, int((width - 1) / LETTER) // 2 * 2) for width in widths]

    def head_height(self) -> float:
        """Of the header, whose labels may take several lines."""
        return height_of(lines_of(label, room) for label, room in zip(self.header, self.rooms(), strict=True))

    def looks(self) -> list[tuple[str | None, str, bool]]:
        """Of each column the number format, where its values stand, and whether they go on in further lines: words do
        on a printed sheet, unless the footnote is to run on below them. Numbers and times stand in the middle."""
        formats = [*self.formats, *[None] * (len(self.header) - len(self.formats))]
        words = [number_format in (None, "@") for number_format in formats]
        return [
            (number_format, "left" if text else "center", text and self.printed and not (self.footnote and at == 0))
            for at, (number_format, text) in enumerate(zip(formats, words, strict=True))
        ]


@dataclass(slots=True)
class MarkedCell:
    """A cell to write with a mark: `bad` is shown in red."""

    value: Any
    bad: bool = False


@dataclass(slots=True)
class FormColumn:
    """A column to fill in. `choices` are offered as a drop-down; `help` stands as a comment on the header."""

    label: str
    width: int = 14
    required: bool = False
    help: str = ""
    number_format: str = "@"
    example: Any = None
    choices: Sequence[str] = field(default_factory=list)


def lines_of(text: str, room: int) -> int:
    """Printed lines of a text where so many plain letters have room; a Chinese one is as broad as two."""
    if len(text) * 2 <= room:
        return 1 + text.count("\n")
    if "\n" in text:
        return sum(lines_of(part, room) for part in text.split("\n"))
    return -(-len(text.encode("gb18030", "replace")) // room)


def height_of(lines: Iterable[int]) -> float:
    """How high a row must be in points: not every program works that out when it opens the file."""
    return min(HIGHEST, max(lines, default=1) * LINE + 3)


def text_cell(text: Any) -> str | None:
    """Text as a ready cell holds it: without control characters, not longer than a cell; None where nothing is left."""
    return printable(str(text))[:CELL_LENGTH] or None


def print_words(text: str) -> str:
    """Text for a printed page's edge, in which "&" begins a command; Excel takes 255 characters of it."""
    return printable(text).replace("&", "&&")[:180]


def sheet_name(title: str, taken: set[str]) -> str:
    """A title that Excel takes for a sheet, another one for each."""
    plain = "".join(c for c in printable(title) if c not in "[]:*?/\\\n\t").strip("' ")[:31] or "Sheet"
    name, number = plain, 2
    while name.casefold() in taken:
        name, number = f"{plain[:27]} {number}", number + 1
    taken.add(name.casefold())
    return name
