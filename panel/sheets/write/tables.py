"""Workbooks out: each by the writer that can do it. openpyxl, which is large, is loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from panel.sheets.write import fast, page
from panel.sheets.write.page import FormColumn, Page, sheet_name


def write(target: Path | IO[bytes], pages: Sequence[Page]) -> int:
    """Write sheets, row by row. Gives the number of rows. What is short enough to be printed is set for that; a long
    table without marked cells goes through the faster writer where it is installed: both give the same cells."""
    pages = [_looked_at(made) for made in pages]
    if len(pages) == 1 and pages[0].ready and not pages[0].printed and fast.fits(pages[0].header):
        return fast.write(target, pages[0], sheet_name(pages[0].title, set()))
    if isinstance(target, Path):
        with target.open("wb") as file:
            return int(_designed().write(file, pages))
    return int(_designed().write(target, pages))


def _looked_at(made: Page) -> Page:
    """The same sheet, set to be printed if it has few rows."""
    rows = iter(made.rows)
    first = list(islice(rows, page.PRINTED + 1))
    return replace(made, rows=chain(first, rows), printed=len(first) <= page.PRINTED)


def form(target: Path | IO[bytes], title: str, columns: Sequence[FormColumn], *, author: str) -> None:
    """Write an empty sheet to fill in, with an example row."""
    if isinstance(target, Path):
        with target.open("wb") as file:
            _designed().form(file, title, columns, author=author)
    else:
        _designed().form(target, title, columns, author=author)


def _designed() -> Any:
    from panel.sheets.write import xlsx  # noqa: PLC0415 - twelve megabytes that no fast export and no CSV needs

    return xlsx
