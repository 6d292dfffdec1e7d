"""The monthly ledger as a workbook to print and sign: A4 landscape, one page wide, header on every page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.cell_range import CellRange

from casework.handover import Correction
from casework.ledger import COLUMNS, CORRECTED, LedgerRow, Value
from casework.tally import TOTAL, Tally

SHEET, SUMMARY = "案件台账", "统计汇总"
MAKER, PERIOD, MADE_ON = "制表单位", "统计周期", "制表日期"
SIGNATURES = ("制表人", "审核人", "负责人（签字）")
CORRECTIONS = "更正（已上报台账中的案件，上报后有变更的内容）"
FOOTER = "第 &P 页/共 &N 页"
STREET, COMMUNITY = "街道", "社区"
FAMILY = "宋体"
#: Height of a printed line; how much of a column's width half a Chinese letter takes, and what stays free.
LINE, HALF, FREE = 13.0, 0.76, 0.65
#: No row can be higher.
HIGHEST = 409.0
DATE_FORMAT = "yyyy-mm-dd hh:mm"

_CENTRE, _LEFT, _DATE, _TEXT, _CODE = "centre", "left", "date", "text", "code"
#: Width and style of each printed column.
LAYOUT: tuple[tuple[float, str], ...] = (
    (4.2, _CENTRE),
    (12.2, _CODE),
    (13.2, _DATE),
    (8.2, _CENTRE),
    (6.9, _CENTRE),
    (8.4, _CENTRE),
    (12, _LEFT),
    (3.9, _CENTRE),
    (11, _LEFT),
    (20, _TEXT),
    (5.3, _CENTRE),
    (5.3, _CENTRE),
    (6.9, _CENTRE),
    (6.9, _CENTRE),
    (6.9, _CENTRE),
    (18, _TEXT),
    (13.2, _DATE),
    (13.2, _DATE),
    (3.9, _CENTRE),
    (13.2, _DATE),
    (6.9, _CENTRE),
    (6.9, _CENTRE),
)
#: From where to where the parts of the correction rows reach, counted from 0.
CORRECTION_SPANS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 9), (10, 21))
#: Narrower, an item's name stands upright in the summary.
UPRIGHT = 9
#: Room for the names on the second sheet, so that its title fits.
SUMMARY_WIDTH = 150


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above and below the rows."""

    title: str
    unit: str
    period: str
    made_on: date
    #: Maker, checker and head, as the settings name them.
    signatures: tuple[str, str, str]


def write(
    target: Path | IO[bytes], heading: Heading, rows: Iterable[LedgerRow], corrections: Sequence[Correction] = ()
) -> Tally:
    """Write the ledger, row by row as they come, and its summary. Gives what was counted."""
    book: Any = Workbook(write_only=True)
    book.properties.creator, book.properties.title = _clean(heading.unit), _clean(heading.title)
    # A column's width counts digits of the workbook's first font, so that has to be one the form is set in.
    book._fonts[0] = Font(name=FAMILY, size=11)
    tally = Tally()
    styles = [style for _width, style in LAYOUT]
    sheet = _Pen(book, SHEET, [width for width, _style in LAYOUT], header_rows=3)
    sheet.head(heading)
    sheet.row(COLUMNS, ["header"] * len(COLUMNS), height=30)
    for row in rows:
        tally.add(row)
        cells = row.cells()
        lines = max(_lines(value, room) for value, room in zip(cells, ROOM, strict=True) if isinstance(value, str))
        sheet.row(cells, styles, height=_height(lines))
    _totals(sheet, tally)
    _corrections(sheet, corrections)
    _signatures(sheet, heading)
    sheet.done()
    _summary(book, heading, tally)
    book.save(target)
    return tally


def _totals(sheet: _Pen, tally: Tally) -> None:
    """Labels and plain numbers side by side: nothing to work out, nothing to go wrong."""
    values: list[Value] = [TOTAL]
    styles = ["total"]
    for label, number in tally.figures.printed():
        values += [label, number]
        styles += ["label", "count"]
    blank = sheet.width - len(values)
    sheet.row([*values, *[None] * blank], [*styles, *["total"] * blank], height=24)


def _corrections(sheet: _Pen, corrections: Sequence[Correction]) -> None:
    if not corrections:
        return
    sheet.spans([(0, sheet.width - 1, CORRECTIONS)], "section", height=22)
    labels = (COLUMNS[0], *CORRECTED)
    sheet.spans([(a, b, label) for (a, b), label in zip(CORRECTION_SPANS, labels, strict=True)], "header")
    for number, one in enumerate(corrections, 1):
        values: tuple[Value, ...] = (number, one.case_no, one.month, one.column, one.before or None, one.after or None)
        parts = [(a, b, value) for (a, b), value in zip(CORRECTION_SPANS, values, strict=True)]
        lines = max(_lines(str(value), _room(sum(sheet.widths[a : b + 1]))) for a, b, value in parts if value)
        sheet.spans(parts, "left", height=_height(lines))


def _signatures(sheet: _Pen, heading: Heading) -> None:
    named = [f"{label}：{name}" for label, name in zip(SIGNATURES, heading.signatures, strict=True)]
    sheet.spans(sheet.thirds(named), "plain", height=34)


def _summary(book: Any, heading: Heading, tally: Tally) -> None:
    """Community by item. A count of 0 stays empty, the totals don't."""
    places, items = tally.communities(), tally.items()
    each = min(20.0, max(4.6, (SUMMARY_WIDTH - 40) / max(len(items), 1)))
    widths = [5.0, 12.0, 16.0, *[each] * len(items)]
    widths.append(max(8.0, SUMMARY_WIDTH - sum(widths)) if not items else 8.0)
    sheet = _Pen(book, SUMMARY, widths, header_rows=4)
    sheet.head(replace(heading, title=f"{heading.title}{SUMMARY}"))
    last = len(widths) - 1
    lists = sorted({kind for kind, _name in items})
    top: list[tuple[int, int, Value]] = [(0, 0, "序号"), (1, 1, STREET), (2, 2, COMMUNITY)]
    at = 3
    for kind in lists:
        count = sum(1 for item in items if item[0] == kind)
        top.append((at, at + count - 1, kind))
        at += count
    top.append((last, last, TOTAL))
    sheet.spans(top, "header", height=20)
    upright = each < UPRIGHT
    longest = max((len(name) for _kind, name in items), default=1)
    lines = longest if upright else _lines("字" * longest, _room(each))
    names: list[Value] = [None, None, None, *(name for _kind, name in items), None]
    sheet.row(names, ["upright" if upright else "header"] * len(names), height=max(30, _height(lines)))
    for column in (0, 1, 2, last):
        sheet.join(3, 4, column, column)
    for number, place in enumerate(places, 1):
        counts = [tally.count(place, item) or None for item in items]
        sheet.row([number, *place, *counts, tally.count(place)], ["centre"] * len(widths), height=18)
    totals: list[Value] = [*(tally.count(item=item) for item in items), tally.count()]
    sheet.row([TOTAL, None, None, *totals], ["total"] * len(widths), height=22)
    sheet.join(sheet.at, sheet.at, 0, 2)
    _signatures(sheet, heading)
    sheet.done()


class _Sheet(WriteOnlyWorksheet):
    """A sheet that is given rows of cells and nothing else. openpyxl's own takes each cell for a value first and lets
    that fail, which costs a third of all the time."""

    def _values_to_row(self, values: Iterable[Any], row_idx: int) -> Iterator[Any]:
        for column, cell in enumerate(values, 1):
            cell.row, cell.column = row_idx, column
            yield cell


class _Pen:
    """Writes one sheet from the top down, in the look of the form."""

    def __init__(self, book: Any, title: str, widths: Sequence[float], header_rows: int) -> None:
        self.sheet: Any = _Sheet(book, title)
        book._add_sheet(self.sheet)
        self.widths = widths
        self.at = 0
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

    def join(self, top: int, bottom: int, first: int, last: int) -> None:
        if (top, first) != (bottom, last):
            self._joined.append(CellRange(min_row=top, max_row=bottom, min_col=first + 1, max_col=last + 1))

    def thirds(self, values: Sequence[Value]) -> list[tuple[int, int, Value]]:
        """Three values over the whole width."""
        ends: list[int] = []
        total, reached = sum(self.widths), 0.0
        for column, width in enumerate(self.widths):
            reached += width
            if len(ends) < 2 and reached >= total * (len(ends) + 1) / 3 and column < self.width - 2 + len(ends):
                ends.append(column)
        ends = [*ends, *range(max(ends, default=-1) + 1, self.width)][:2]
        firsts = [0, ends[0] + 1, ends[1] + 1]
        return [
            (first, last, value) for first, last, value in zip(firsts, [*ends, self.width - 1], values, strict=True)
        ]

    def head(self, heading: Heading) -> None:
        """Title, then unit, period and date."""
        self.spans([(0, self.width - 1, heading.title)], "title", height=34)
        made_on = f"{heading.made_on.year}年{heading.made_on.month}月{heading.made_on.day}日"
        about = [f"{MAKER}：{heading.unit}", f"{PERIOD}：{heading.period}", f"{MADE_ON}：{made_on}"]
        self.spans(self.thirds(about), "plain", height=20)

    def done(self) -> None:
        """Nothing may be appended any more."""
        for joined in self._joined:
            self.sheet.merged_cells.add(joined)
        self.sheet.close()


def _room(width: float) -> int:
    """How many plain letters a printed line takes; a Chinese one is as broad as two, and no half of one fits."""
    return int((width - FREE) / HALF) // 2 * 2 or 2


def _lines(text: str, room: int) -> int:
    """Printed lines of a text."""
    if len(text) * 2 <= room:
        return 1 + text.count("\n")
    if "\n" in text:
        return sum(_lines(part, room) for part in text.split("\n"))
    return -(-len(text.encode("gb18030", "replace")) // room)


def _height(lines: int) -> float:
    """How high a row must be: not every program works that out when it opens the file."""
    return min(HIGHEST, lines * LINE + 5)


#: Of each printed column.
ROOM = tuple(_room(width) for width, _style in LAYOUT)


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

    return {
        "title": look(Font(name=FAMILY, size=18, bold=True), centre, lined=False),
        "plain": look(Font(name=FAMILY, size=11), Alignment(vertical="center"), lined=False),
        "header": look(bold, centre, fill=head),
        "upright": look(bold, upright, fill=head),
        "section": look(bold, left, fill=head),
        "total": look(bold, centre),
        "label": look(bold, Alignment(horizontal="right", vertical="center")),
        "count": look(bold, Alignment(horizontal="left", vertical="center", indent=1), form='0"件"'),
        _CENTRE: look(body, centre),
        _LEFT: look(body, left),
        # Excel shows a long text as #### when its cell is formatted as text.
        _TEXT: look(body, left),
        _CODE: look(body, centre, form="@"),
        _DATE: look(body, centre, form=DATE_FORMAT),
    }


def _fill(cell: Any, value: Value) -> None:
    if isinstance(value, str):
        cell.value = value if value.isprintable() else _clean(value)
        # Excel would take text that begins with "=" for a formula, and openpyxl writes it as one.
        cell.data_type = "s"
    elif isinstance(value, datetime):
        cell.value = value.replace(tzinfo=None)
    else:
        cell.value = value


def _clean(text: str) -> str:
    """Without what no workbook can hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)
