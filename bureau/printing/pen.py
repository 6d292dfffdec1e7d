"""Printed tables: how a workbook looks that people print, sign and file. A4 landscape, one page wide, the header on
every page, 第 x 页/共 y 页 below; text stays text, what is empty stays empty.

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
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.pagebreak import Break

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
from panel.sheets.write.xlsx import Streamed


def book(heading: Heading) -> Any:
    """An empty workbook, to be written row by row."""
    made: Any = Workbook(write_only=True)
    made.properties.creator, made.properties.title = clean(heading.unit), clean(heading.title)
    # A column's width counts digits of the workbook's first font, so that has to be one the form is set in.
    made._fonts[0] = Font(name=FAMILY, size=11)
    return made


class Pen:
    """Writes one sheet from the top down, in the look of the form."""

    def __init__(self, book: Any, title: str, widths: Sequence[float], header_rows: int) -> None:
        self.sheet: Any = Streamed(book, title)
        book._add_sheet(self.sheet)
        self.widths = widths
        self.at = 0
        #: How far down the sheet reaches, in points.
        self.reached = 0.0
        self._joined: list[CellRange] = []
        self._styles = looks(self.sheet)
        #: One a column: a row is written before the next one is filled in.
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
        """A row whose values reach from one column to another."""
        values: list[Value] = [None] * self.width
        for first, _last, value in parts:
            values[first] = value
        self.row(values, [style] * self.width, height)
        for first, last, _value in parts:
            self.join(self.at, self.at, first, last)

    def blank(self, rows: int) -> None:
        """Rows with nothing in them, for what stands on top of the cells."""
        for _row in range(rows):
            self.at += 1
            self.reached += PLAIN_ROW
            self.sheet.row_dimensions[self.at].height = PLAIN_ROW
            self.sheet.append([])

    def new_page(self) -> None:
        """What comes next begins a printed page."""
        self.sheet.row_breaks.append(Break(id=self.at))

    def join(self, top: int, bottom: int, first: int, last: int) -> None:
        if (top, first) != (bottom, last) and top <= bottom:
            self._joined.append(CellRange(min_row=top, max_row=bottom, min_col=first + 1, max_col=last + 1))

    def thirds(self, values: Sequence[Value]) -> list[tuple[int, int, Value]]:
        """Three values over the whole width, cut so that the narrowest part is as wide as it can be."""
        reached = list(accumulate(self.widths))

        def narrowest(cut: tuple[int, int]) -> float:
            return min(reached[cut[0]], reached[cut[1]] - reached[cut[0]], reached[-1] - reached[cut[1]])

        first, second = max(combinations(range(self.width - 1), 2), key=narrowest)
        lasts, firsts = (first, second, self.width - 1), (0, first + 1, second + 1)
        return list(zip(firsts, lasts, values, strict=True))

    def head(self, heading: Heading) -> None:
        """Title, then unit, period and date."""
        self.spans([(0, self.width - 1, heading.title)], "title", height=34)
        made_on = f"{heading.made_on.year}年{heading.made_on.month}月{heading.made_on.day}日"
        about = [f"{MAKER}：{heading.unit}", f"{heading.period_label}：{heading.period}", f"{MADE_ON}：{made_on}"]
        self.spans(self.thirds(about), "plain", height=20)

    def signatures(self, heading: Heading) -> None:
        named = [f"{label}：{name}" for label, name in zip(SIGNATURES, heading.signatures, strict=True)]
        self.spans(self.thirds(named), "plain", height=34)

    def done(self) -> None:
        """Nothing may be appended any more."""
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
    """Every look once: cells share it, or each would be compared with all others."""
    thin = Side(style="thin", color="000000")
    border = Border(left=thin, right=thin, top=thin, bottom=thin)
    body, bold = Font(name=FAMILY, size=9), Font(name=FAMILY, size=9, bold=True)
    centre = Alignment(horizontal="center", vertical="center", wrap_text=True)
    left = Alignment(horizontal="left", vertical="center", wrap_text=True)
    upright = Alignment(horizontal="center", vertical="center", textRotation=255)
    head = PatternFill("solid", fgColor="E7ECF2")

    def look(font: Font, alignment: Alignment, *, lined: bool = True, fill: Any = None, form: str = "General") -> Any:
        cell: Any = WriteOnlyCell(sheet)
        cell.font, cell.alignment, cell.number_format = font, alignment, form
        if lined:
            cell.border = border
        if fill is not None:
            cell.fill = fill
        return cell._style

    found = {
        "title": look(Font(name=FAMILY, size=18, bold=True), centre, lined=False),
        "plain": look(Font(name=FAMILY, size=11), Alignment(vertical="center"), lined=False),
        "note": look(Font(name=FAMILY, size=9), Alignment(vertical="center", wrap_text=True), lined=False),
        "header": look(bold, centre, fill=head),
        "upright": look(bold, upright, fill=head),
        "section": look(bold, left, fill=head),
        "total": look(bold, centre),
        "total rate": look(bold, centre, form=RATE_FORMAT),
        "label": look(bold, Alignment(horizontal="right", vertical="center")),
        "count": look(bold, Alignment(horizontal="left", vertical="center"), form=' 0"件"'),
    }
    for name, alignment, form in (
        (CENTRE, centre, "General"),
        (LEFT, left, "General"),
        # Excel shows a long text as #### when its cell is formatted as text.
        (TEXT, left, "General"),
        (CODE, centre, "@"),
        (DATE, centre, DATE_FORMAT),
        (DAY, centre, DAY_FORMAT),
        (RATE, centre, RATE_FORMAT),
    ):
        found[name] = look(body, alignment, form=form)
        found[name + MARK] = look(Font(name=FAMILY, size=9, bold=True, color="B42318"), alignment, form=form)
    return found


def _fill(cell: Any, value: Value) -> None:
    if isinstance(value, str):
        cell.value = value if value.isprintable() else clean(value)
        # Excel would take text that begins with "=" for a formula, and openpyxl writes it as one.
        cell.data_type = "s"
    elif isinstance(value, datetime):
        cell.value = value.replace(tzinfo=None)
    else:
        cell.value = value


def clean(text: str) -> str:
    """Without what no workbook can hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)
