"""Workbooks out: typed cells, and text that stays text whatever it begins with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties

from panel.kinds import ZONE, printable
from panel.sheets import fast
from panel.sheets.page import A4, CELL_LENGTH, HEAD_COLOUR, PAGE_OF, Page, print_words

BAD = PatternFill("solid", fgColor="FBE9E7")
BAD_FONT = Font(color="B3261E")
HEAD = PatternFill("solid", fgColor=HEAD_COLOUR)
HEAD_FONT = Font(bold=True)
EXAMPLE_FONT = Font(italic=True, color="8A94A0")
#: Rows of a form that carry drop-downs and formats.
FORM_ROWS = 500
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(slots=True)
class Written:
    """A cell to write with a mark: `bad` is shown in red."""

    value: Any
    bad: bool = False


def write(target: Path | IO[bytes], pages: Sequence[Page]) -> int:
    """Write sheets, row by row. Gives the number of rows. Tables without marked cells go through the faster writer
    where it is installed; both give the same cells."""
    if len(pages) == 1 and pages[0].ready and fast.fits(pages[0].header):
        rows = iter(pages[0].rows)
        first = next(rows, None)
        if first is not None:  # without a row it would not write the header
            page = replace(pages[0], rows=chain([first], rows))
            return fast.write(target, page, sheet_name(page.title, set()))
    if isinstance(target, Path):
        with target.open("wb") as file:
            return write(file, pages)
    workbook = Workbook(write_only=True)
    titles: set[str] = set()
    count = 0
    for page in pages:
        sheet = workbook.create_sheet(sheet_name(page.title, titles))
        sheet.freeze_panes = "A2"
        _set_up_print(sheet, page)
        for number, width in enumerate(page.widths, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        head = []
        for label in page.header:
            cell = WriteOnlyCell(sheet, value=_plain(label))
            cell.data_type, cell.font, cell.fill = "s", HEAD_FONT, HEAD
            head.append(cell)
        sheet.append(head)
        formats = [*page.formats, *[None] * (len(page.header) - len(page.formats))]
        for row in page.rows:
            sheet.append([_written(sheet, value, form) for value, form in zip(row, formats, strict=True)])
            count += 1
        if page.footnote:
            sheet.append([_written(sheet, page.footnote, "@")])
    workbook.save(target)
    return count


def _set_up_print(sheet: Any, page: Page) -> None:
    """Across, as wide as the paper, the header on each page, which has its number."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"
    sheet.oddHeader.center.text = print_words(page.title)
    sheet.oddFooter.left.text = print_words(page.footnote) or None
    sheet.oddFooter.right.text = PAGE_OF


def _written(sheet: Any, value: Any, number_format: str | None) -> Any:
    mark = value if isinstance(value, Written) else None
    value = _plain(mark.value if mark else value)
    text = isinstance(value, str)
    if mark is None and number_format is None and not (text and value.startswith(("=", "#"))):
        return value
    cell = WriteOnlyCell(sheet, value=value)
    if text:
        # Excel would take text that begins with "=" for a formula, and openpyxl writes it as one.
        cell.data_type, cell.number_format = "s", "@"
    elif number_format:
        cell.number_format = number_format
    if mark is not None and mark.bad:
        cell.fill, cell.font = BAD, BAD_FONT
    return cell


def _plain(value: Any) -> Any:
    """A value that a cell can hold: local time without a zone to the second, text without control characters."""
    if isinstance(value, datetime):
        local = value.astimezone(ZONE) if value.tzinfo else value
        return local.replace(tzinfo=None, microsecond=0)
    if isinstance(value, bool | int | float | Decimal | date) or value is None:
        return value
    return _ESCAPE.sub("_x005F_", printable(str(value))[:CELL_LENGTH])


def sheet_name(title: str, taken: set[str]) -> str:
    """A title that Excel takes for a sheet, another one for each."""
    plain = "".join(c for c in printable(title) if c not in "[]:*?/\\\n\t").strip("' ")[:31] or "Sheet"
    name, number = plain, 2
    while name.casefold() in taken:
        name, number = f"{plain[:27]} {number}", number + 1
    taken.add(name.casefold())
    return name


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


def form(target: Path | IO[bytes], title: str, columns: Sequence[FormColumn], *, author: str) -> None:
    """Write an empty sheet to fill in, with an example row. Choices stand on a sheet that is never shown: Excel's own
    list is too short for them."""
    if isinstance(target, Path):
        with target.open("wb") as file:
            form(file, title, columns, author=author)
        return
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = sheet_name(title, set())
    offered = workbook.create_sheet("_")
    offered.sheet_state = "veryHidden"
    for number, column in enumerate(columns, start=1):
        letter = get_column_letter(number)
        head = sheet.cell(1, number, f"{column.label}{'*' if column.required else ''}")
        head.font, head.fill = HEAD_FONT, HEAD
        if column.help:
            head.comment = Comment(column.help, author)
        sheet.column_dimensions[letter].width = max(column.width, 2 * len(column.label) + 4)
        sheet.column_dimensions[letter].number_format = column.number_format
        for row in range(2, FORM_ROWS + 2):
            sheet.cell(row, number).number_format = column.number_format
        example = sheet.cell(2, number, _plain(column.example))
        example.font = EXAMPLE_FONT
        if isinstance(example.value, str):
            example.data_type = "s"
        if column.choices:
            for row, choice in enumerate(column.choices, start=1):
                offered.cell(row, number, _plain(choice)).data_type = "s"
            span = f"{quote_sheetname(offered.title)}!${letter}$1:${letter}${len(column.choices)}"
            listed = DataValidation("list", span, allow_blank=True, showErrorMessage=False)
            listed.add(f"{letter}2:{letter}{FORM_ROWS + 1}")
            sheet.add_data_validation(listed)
    sheet.freeze_panes = "A2"
    workbook.save(target)
