"""Write workbooks by openpyxl. Text is written as text, whatever it begins with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties

from panel.kinds import ZONE, printable
from panel.sheets.write.page import (
    A4,
    CELL_LENGTH,
    HEAD_COLOUR,
    MARGINS,
    PAGE_OF,
    FormColumn,
    MarkedCell,
    Page,
    height_of,
    lines_of,
    print_words,
    sheet_name,
)

BAD = PatternFill("solid", fgColor="FBE9E7")
BAD_FONT = Font(color="B3261E")
HEAD = PatternFill("solid", fgColor=HEAD_COLOUR)
HEAD_FONT = Font(bold=True)
EXAMPLE_FONT = Font(italic=True, color="8A94A0")
HEADING = Alignment(horizontal="center", vertical="center", wrap_text=True)
#: Rows of a form that carry drop-downs and formats.
FORM_ROWS = 500
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class Streamed(WriteOnlyWorksheet):
    """A write-only sheet whose rows are cells. openpyxl's own tries each cell as a value first: a third of the time."""

    def _values_to_row(self, values: Iterable[Any], row_idx: int) -> Iterator[Any]:
        for column, cell in enumerate(values, 1):
            cell.row, cell.column = row_idx, column
            yield cell


def write(target: IO[bytes], pages: Sequence[Page]) -> int:
    """Write sheets, row by row, and return the number of rows."""
    workbook: Any = Workbook(write_only=True)
    titles: set[str] = set()
    count = 0
    for page in pages:
        sheet: Any = Streamed(workbook, sheet_name(page.title, titles))
        workbook._add_sheet(sheet)
        sheet.freeze_panes = "A2"
        _set_up_print(sheet, page.title, page.footnote, page.pages_wide)
        for number, width in enumerate(page.widths, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        row = _Row(sheet, page)
        sheet.row_dimensions[1].height = page.header_height()
        sheet.append(row.heading(page.header))
        last = 1
        for at, values in enumerate(page.rows, start=2):
            if page.printed:
                sheet.row_dimensions[at].height = row.height(values)
            sheet.append(row.ready(values) if page.ready else row.mixed(values))
            count, last = count + 1, at
        if page.filtered and last > 1:
            sheet.auto_filter.ref = f"A1:{get_column_letter(len(page.header))}{last}"
        if page.footnote:
            sheet.append(row.ready([page.footnote, *[None] * (len(page.header) - 1)]))
    workbook.save(target)
    return count


class _Row:
    """The cells of a row. They are reused for every row, since each is written before the next."""

    def __init__(self, sheet: Any, page: Page) -> None:
        self.sheet = sheet
        self.cells: list[Any] = [WriteOnlyCell(sheet) for _label in page.header]
        self.good, self.bad, self.rooms = [], [], []
        for (number_format, align, wraps), room in zip(page.column_styles(), page.line_lengths(), strict=True):
            self.rooms.append(room if wraps else 0)
            cell: Any = WriteOnlyCell(sheet)
            cell.alignment = Alignment(horizontal=align, vertical="center", wrap_text=wraps or None)
            cell.number_format = number_format or "General"
            self.good.append(copy(cell._style))
            cell.fill, cell.font = BAD, BAD_FONT
            self.bad.append(cell._style)

    def height(self, values: Sequence[Any]) -> float:
        texts = (value.value if isinstance(value, MarkedCell) else value for value in values)
        return height_of(
            lines_of(text, room) for text, room in zip(texts, self.rooms, strict=True) if room and isinstance(text, str)
        )

    def heading(self, labels: Sequence[str]) -> list[Any]:
        cells = []
        for label in labels:
            cell: Any = WriteOnlyCell(self.sheet)
            cell.font, cell.fill, cell.alignment = HEAD_FONT, HEAD, HEADING
            cells.append(_filled(cell, label))
        return cells

    def ready(self, values: Sequence[Any]) -> list[Any]:
        """The cells of a ready row."""
        for cell, style, value in zip(self.cells, self.good, values, strict=True):
            cell._style = style
            if isinstance(value, str):
                cell._value, cell.data_type = _ESCAPE.sub("_x005F_", value) if "_x" in value else value, "s"
            else:
                cell._value, cell.data_type = value, "d" if isinstance(value, date | time) else "n"
        return self.cells

    def mixed(self, values: Sequence[Any]) -> list[Any]:
        """The cells of a row of any values, with marked ones in red."""
        for cell, good, bad, value in zip(self.cells, self.good, self.bad, values, strict=True):
            marked = isinstance(value, MarkedCell)
            _filled(cell, value.value if marked else value)
            cell._style = bad if marked and value.bad else good
        return self.cells


def _filled(cell: Any, value: Any) -> Any:
    plain = _plain(value)
    cell.value = plain
    if isinstance(plain, str):
        # Excel would take text that begins with "=" for a formula, and openpyxl writes it as one.
        cell.data_type = "s"
    return cell


def _set_up_print(sheet: Any, title: str, footnote: str = "", pages_wide: int = 1) -> None:
    """Print in landscape, `pages_wide` pages across, with the header and the page number on each page."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = pages_wide, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"
    if pages_wide > 1:
        sheet.print_title_cols = "A:A"
    sheet.print_options.gridLines = True
    margins = sheet.page_margins
    margins.left, margins.right, margins.top, margins.bottom, margins.header, margins.footer = MARGINS
    sheet.oddHeader.center.text = print_words(title)
    sheet.oddFooter.left.text = print_words(footnote) or None
    sheet.oddFooter.right.text = PAGE_OF


def _plain(value: Any) -> Any:
    """A value as openpyxl accepts it: moments in local time to the second, text without control characters."""
    if isinstance(value, datetime):
        local = value.astimezone(ZONE) if value.tzinfo else value
        return local.replace(tzinfo=None, microsecond=0)
    if isinstance(value, bool | int | float | Decimal | date | time) or value is None:
        return value
    return _ESCAPE.sub("_x005F_", printable(str(value))[:CELL_LENGTH])


def form(target: IO[bytes], title: str, columns: Sequence[FormColumn], *, author: str) -> None:
    """Write an empty sheet to fill in, with an example row. Choices stand on a hidden sheet, because a validation that
    lists them itself is limited to 255 characters."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = sheet_name(title, set())
    choice_sheet = workbook.create_sheet("_")
    choice_sheet.sheet_state = "veryHidden"
    widths = [max(column.width, 12) for column in columns]
    page = Page(title, [f"{column.label}*" for column in columns], (), widths)
    _set_up_print(sheet, title, pages_wide=page.pages_wide)
    sheet.row_dimensions[1].height = page.header_height()
    for number, (column, width) in enumerate(zip(columns, widths, strict=True), start=1):
        letter = get_column_letter(number)
        head = sheet.cell(1, number, _plain(f"{column.label}{'*' if column.required else ''}"))
        head.font, head.fill, head.alignment = HEAD_FONT, HEAD, HEADING
        if column.help:
            head.comment = Comment(printable(column.help), author)
        sheet.column_dimensions[letter].width = width
        sheet.column_dimensions[letter].number_format = column.number_format
        for row in range(2, FORM_ROWS + 2):
            sheet.cell(row, number).number_format = column.number_format
        example = sheet.cell(2, number, _plain(column.example))
        example.font = EXAMPLE_FONT
        if isinstance(example.value, str):
            example.data_type = "s"
        if column.choices:
            for row, choice in enumerate(column.choices, start=1):
                choice_sheet.cell(row, number, _plain(choice)).data_type = "s"
            span = f"{quote_sheetname(choice_sheet.title)}!${letter}$1:${letter}${len(column.choices)}"
            validation = DataValidation("list", span, allow_blank=True, showErrorMessage=False)
            validation.add(f"{letter}2:{letter}{FORM_ROWS + 1}")
            sheet.add_data_validation(validation)
    sheet.freeze_panes = "A2"
    workbook.save(target)
