"""Printed tables: A4 landscape, one page wide, the header on every page, 第 x 页/共 y 页 below. Text stays text, empty
cells stay empty.

    book = printing.book(heading)
    pen = printing.Pen(book, "移送台账", widths, header_rows=3)
    pen.head(heading)
    pen.row(labels, ["header"] * len(labels), height=30)
    …
    pen.signatures(heading)
    pen.done()
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, combinations
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange

from bureau.printing.paper import (
    CENTRE,
    CODE,
    DATE,
    DATE_FORMAT,
    DAY,
    DAY_FORMAT,
    FAMILY,
    FOOTER,
    LEFT,
    MADE_ON,
    MAKER,
    MARK,
    PLAIN_ROW,
    RATE,
    RATE_FORMAT,
    SIGNATURES,
    TEXT,
    Heading,
    Value,
)
from panel.kinds import printable
from panel.sheets.write.xlsx import Streamed


def book(heading: Heading) -> Any:
    """An empty workbook for writing row by row."""
    workbook: Any = Workbook(write_only=True)
    workbook.properties.creator, workbook.properties.title = printable(heading.unit), printable(heading.title)
    # Column widths count digits of the workbook's first font, so that it must be the font of the form.
    workbook._fonts[0] = Font(name=FAMILY, size=11)
    return workbook


class Pen:
    """Writes one sheet from top to bottom, in the style of the form. `widths` are column widths in characters."""

    def __init__(self, book: Any, title: str, widths: Sequence[float], header_rows: int) -> None:
        self.sheet: Any = Streamed(book, title)
        book._add_sheet(self.sheet)
        self.widths = widths
        self.at = 0
        #: Height of the rows so far, in points.
        self.reached = 0.0
        self._joined: list[CellRange] = []
        self._styles = looks(self.sheet)
        #: One cell for each column, used again for every row: append() writes a row at once.
        self._cells: list[Any] = [WriteOnlyCell(self.sheet) for _width in widths]
        _set_up(self.sheet, widths, header_rows)

    @property
    def width(self) -> int:
        return len(self.widths)

    def row(self, values: Sequence[Value], styles: Sequence[str], height: float | None = None) -> None:
        self.at += 1
        self.reached += PLAIN_ROW if height is None else height
        if height is not None:
            self.sheet.row_dimensions[self.at].height = height
        for cell, value, style in zip(self._cells, values, styles, strict=True):
            cell._style = self._styles[style]
            _fill(cell, value)
        self.sheet.append(self._cells)

    def spans(self, parts: Sequence[tuple[int, int, Value]], style: str, height: float | None = None) -> None:
        """Write a row of merged cells: parts are first column, last column (from 0) and value."""
        values: list[Value] = [None] * self.width
        for first, _last, value in parts:
            values[first] = value
        self.row(values, [style] * self.width, height)
        for first, last, _value in parts:
            self.join(self.at, self.at, first, last)

    def blank(self, rows: int) -> None:
        """Write empty rows, for a chart on top of them."""
        for _row in range(rows):
            self.at += 1
            self.reached += PLAIN_ROW
            self.sheet.row_dimensions[self.at].height = PLAIN_ROW
            self.sheet.append([])

    def join(self, top: int, bottom: int, first: int, last: int) -> None:
        if (top, first) != (bottom, last) and top <= bottom:
            self._joined.append(CellRange(min_row=top, max_row=bottom, min_col=first + 1, max_col=last + 1))

    def thirds(self, values: Sequence[Value]) -> list[tuple[int, int, Value]]:
        """The parts of a row with three values over the whole width, as evenly as the columns allow."""
        ends = list(accumulate(self.widths))

        def narrowest(cut: tuple[int, int]) -> float:
            return min(ends[cut[0]], ends[cut[1]] - ends[cut[0]], ends[-1] - ends[cut[1]])

        first, second = max(combinations(range(self.width - 1), 2), key=narrowest)
        lasts, firsts = (first, second, self.width - 1), (0, first + 1, second + 1)
        return list(zip(firsts, lasts, values, strict=True))

    def head(self, heading: Heading) -> None:
        """Write the title, and a row with unit, period and date."""
        self.spans([(0, self.width - 1, heading.title)], "title", height=34)
        made_on = f"{heading.made_on.year}年{heading.made_on.month}月{heading.made_on.day}日"
        texts = [f"{MAKER}：{heading.unit}", f"{heading.period_label}：{heading.period}", f"{MADE_ON}：{made_on}"]
        self.spans(self.thirds(texts), "plain", height=20)

    def signatures(self, heading: Heading) -> None:
        texts = [f"{label}：{name}" for label, name in zip(SIGNATURES, heading.signatures, strict=True)]
        self.spans(self.thirds(texts), "plain", height=34)
        if heading.last_line:
            self.spans([(0, self.width - 1, heading.last_line)], "plain", height=20)

    def done(self) -> None:
        """Merge the joined cells and close the sheet."""
        for joined in self._joined:
            self.sheet.merged_cells.add(joined)
        self.sheet.close()


def _set_up(sheet: Any, widths: Sequence[float], header_rows: int) -> None:
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = f"A{header_rows + 1}"
    sheet.print_title_rows = f"1:{header_rows}"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins
    margins.left = margins.right = 0.3
    margins.top, margins.bottom, margins.header, margins.footer = 0.45, 0.6, 0.2, 0.3
    sheet.oddFooter.center.text = FOOTER


def looks(sheet: Any) -> dict[str, Any]:
    """The styles by name. Cells share them: openpyxl compares each new style with all others."""
    thin = Side(style="thin", color="000000")
    border = Border(left=thin, right=thin, top=thin, bottom=thin)
    body, bold = Font(name=FAMILY, size=9), Font(name=FAMILY, size=9, bold=True)
    centre = Alignment(horizontal="center", vertical="center", wrap_text=True)
    left = Alignment(horizontal="left", vertical="center", wrap_text=True)
    upright = Alignment(horizontal="center", vertical="center", textRotation=255)
    head = PatternFill("solid", fgColor="E7ECF2")

    def look(
        font: Font, alignment: Alignment, *, lined: bool = True, fill: Any = None, number_format: str = "General"
    ) -> Any:
        cell: Any = WriteOnlyCell(sheet)
        cell.font, cell.alignment, cell.number_format = font, alignment, number_format
        if lined:
            cell.border = border
        if fill is not None:
            cell.fill = fill
        return cell._style

    styles = {
        "title": look(Font(name=FAMILY, size=18, bold=True), centre, lined=False),
        "plain": look(Font(name=FAMILY, size=11), Alignment(vertical="center"), lined=False),
        "note": look(Font(name=FAMILY, size=9), Alignment(vertical="center", wrap_text=True), lined=False),
        "header": look(bold, centre, fill=head),
        "upright": look(bold, upright, fill=head),
        "section": look(bold, left, fill=head),
        "total": look(bold, centre),
        "total rate": look(bold, centre, number_format=RATE_FORMAT),
        "label": look(bold, Alignment(horizontal="right", vertical="center")),
        "count": look(bold, Alignment(horizontal="left", vertical="center"), number_format=' 0"件"'),
    }
    for name, alignment, number_format in (
        (CENTRE, centre, "General"),
        (LEFT, left, "General"),
        # Excel shows a long text as #### when its cell is formatted as text.
        (TEXT, left, "General"),
        (CODE, centre, "@"),
        (DATE, centre, DATE_FORMAT),
        (DAY, centre, DAY_FORMAT),
        (RATE, centre, RATE_FORMAT),
    ):
        styles[name] = look(body, alignment, number_format=number_format)
        styles[name + MARK] = look(
            Font(name=FAMILY, size=9, bold=True, color="B42318"), alignment, number_format=number_format
        )
    return styles


def _fill(cell: Any, value: Value) -> None:
    if isinstance(value, str):
        cell.value = printable(value)
        # Excel would take text that begins with "=" for a formula, and openpyxl writes it as one.
        cell.data_type = "s"
    elif isinstance(value, datetime):
        cell.value = value.replace(tzinfo=None)
    else:
        cell.value = value
