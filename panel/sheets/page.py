"""A sheet that is about to be written, for any of the writers, and how all of them look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from panel.kinds import printable

HEAD_COLOUR = "EAF0F7"
A4 = 9
#: "page x of y" as Excel writes it.
PAGE_OF = "&P / &N"
#: Excel's own limit for a cell, with room for what escaping adds.
CELL_LENGTH = 32_000


@dataclass(slots=True)
class Page:
    """A sheet to write: its columns' labels, widths and number formats, and its rows. `footnote` stands below them and
    on every printed page. `ready` rows hold what a cell can hold already (see `text_cell`)."""

    title: str
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]
    widths: Sequence[int] = ()
    formats: Sequence[str | None] = ()
    footnote: str = ""
    ready: bool = False


def text_cell(text: Any) -> str | None:
    """Text as a ready cell holds it: without control characters, not longer than a cell; None where nothing is left."""
    return printable(str(text))[:CELL_LENGTH] or None


def print_words(text: str) -> str:
    """Text for a printed page's edge, in which "&" begins a command; Excel takes 255 characters of it."""
    return printable(text).replace("&", "&&")[:180]
