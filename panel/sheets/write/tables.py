"""Write workbooks by the fastest writer that can. openpyxl is imported only when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from panel.sheets.write import fast, page
from panel.sheets.write.page import FormColumn, Page, sheet_name


def write(target: Path | IO[bytes], pages: Sequence[Page]) -> int:
    """Write sheets, row by row, and return the number of rows.

    Short sheets are laid out for printing. A single long table of ready rows goes through the faster writer if it is
    installed; both write the same cells."""
    pages = [_with_layout(sheet) for sheet in pages]
    if len(pages) == 1 and pages[0].ready and not pages[0].printed and fast.fits(pages[0].header):
        return fast.write(target, pages[0], sheet_name(pages[0].title, set()))
    if isinstance(target, Path):
        with target.open("wb") as file:
            return int(_openpyxl_writer().write(file, pages))
    return int(_openpyxl_writer().write(target, pages))


def _with_layout(sheet: Page) -> Page:
    """The sheet with `printed` set if it has few rows."""
    rows = iter(sheet.rows)
    first = list(islice(rows, page.PRINTED + 1))
    return replace(sheet, rows=chain(first, rows), printed=len(first) <= page.PRINTED)


def form(target: Path | IO[bytes], title: str, columns: Sequence[FormColumn], *, author: str) -> None:
    """Write an empty sheet to fill in, with an example row."""
    if isinstance(target, Path):
        with target.open("wb") as file:
            _openpyxl_writer().form(file, title, columns, author=author)
    else:
        _openpyxl_writer().form(target, title, columns, author=author)


def _openpyxl_writer() -> Any:
    from panel.sheets.write import xlsx  # noqa: PLC0415 - twelve megabytes that fast exports and CSV don't need

    return xlsx
