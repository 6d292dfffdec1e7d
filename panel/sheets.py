"""Workbooks in and out: any workbook becomes sheets of plain cells, within limits; what is written is typed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from panel.kinds import ZONE
from panel.text import Message, _

MAX_BYTES = 20 * 1024 * 1024
#: Unpacked size of a zipped workbook, and how much larger than the file it may be.
MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 150
MAX_ENTRIES = 2_000
MAX_ROWS = 200_000
MAX_COLUMNS = 300

NO_WORKBOOK = _("This is no Excel workbook. Save it as .xlsx or .xls in Excel or WPS and try again.")
DAMAGED = _("The workbook is damaged or of another kind. Open it in Excel or WPS and save it anew.")
PROTECTED = _("The workbook is protected by a password. Save it without one and try again.")

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Unreadable(Exception):  # noqa: N818 - told to the user as a sentence
    """The file can't be read as a workbook; `message` says why and what to do."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Line:
    """A row of a sheet; `number` is Excel's own. Merged cells are filled down already."""

    number: int
    cells: list[Any]

    @property
    def blank(self) -> bool:
        return all(cell is None or cell == "" for cell in self.cells)


@dataclass(slots=True)
class Sheet:
    """A visible sheet of a workbook."""

    name: str
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Book:
    sheets: list[Sheet]
    #: Sheets that nobody sees are not read, but named.
    hidden: list[str] = field(default_factory=list)


def read(data: bytes) -> Book:
    """The sheets of a workbook, told by its content, not its name. Raises Unreadable."""
    if not data:
        raise Unreadable(_("The file is empty."))
    if len(data) > MAX_BYTES:
        raise Unreadable(_("The file is too large: at most {n} MB are allowed. Split it.", n=MAX_BYTES // 1024 // 1024))
    if data.startswith(_ZIP):
        _check_archive(data)
    elif not data.startswith(_OLE):
        raise Unreadable(NO_WORKBOOK)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return _book(workbook)
    except CalamineError as error:
        locked = "password" in str(error).lower() or "encrypt" in str(error).lower()
        raise Unreadable(PROTECTED if locked else DAMAGED) from None


def _check_archive(data: bytes) -> None:
    """Refuse what would unpack to far more than an office's workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise Unreadable(_("The workbook is damaged or cut short. Send it again.")) from None
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(_("The workbook has too many parts."))
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(len(data), 100_000):
        raise Unreadable(_("The workbook unpacks to far too much. Copy its rows into a new workbook."))
    names = {entry.filename for entry in entries}
    if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
        raise Unreadable(NO_WORKBOOK)


def _book(workbook: CalamineWorkbook) -> Book:
    book = Book([])
    for meta in workbook.sheets_metadata:
        if meta.visible != SheetVisibleEnum.Visible:
            book.hidden.append(meta.name)
            continue
        sheet = workbook.get_sheet_by_name(meta.name)
        rows = sheet.to_python(skip_empty_area=False)
        if len(rows) > MAX_ROWS or (rows and len(rows[0]) > MAX_COLUMNS):
            raise Unreadable(
                _(
                    "Sheet “{sheet}” is too large: at most {rows} rows and {columns} columns.",
                    sheet=meta.name,
                    rows=MAX_ROWS,
                    columns=MAX_COLUMNS,
                )
            )
        lines = [Line(number, [_cell(value) for value in row]) for number, row in enumerate(rows, start=1)]
        _fill_merged(lines, sheet.merged_cell_ranges or [])
        book.sheets.append(Sheet(meta.name, lines))
    return book


def _cell(value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, time):
        return value.strftime("%H:%M:%S")
    if isinstance(value, timedelta):
        return str(value)
    return value


def _fill_merged(lines: list[Line], ranges: Iterable[Any]) -> None:
    """A merged range's value stands for each of its rows, in its first column; a merged title fills nothing."""
    for (top, left), (bottom, _right) in ranges:
        if bottom <= top or top >= len(lines) or left >= len(lines[top].cells):
            continue
        value = lines[top].cells[left]
        for line in lines[top + 1 : bottom + 1]:
            if not line.blank and line.cells[left] is None:
                line.cells[left] = value


@dataclass(slots=True)
class Written:
    """A cell to write with a mark: `bad` is shown in red, `head` as a header."""

    value: Any
    bad: bool = False
    number_format: str | None = None


BAD = PatternFill("solid", fgColor="FBE9E7")
BAD_FONT = Font(color="B3261E")
HEAD = PatternFill("solid", fgColor="EAF0F7")
HEAD_FONT = Font(bold=True)
WIDE = Alignment(vertical="top", wrap_text=True)


def write(
    target: Path | IO[bytes],
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str,
    widths: Sequence[int] = (),
    formats: Sequence[str | None] = (),
) -> int:
    """Write one sheet, row by row; text stays text whatever it begins with. Gives the number of rows."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(_sheet_name(title))
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    head = []
    for label in header:
        cell = WriteOnlyCell(sheet, value=_plain(label))
        cell.data_type, cell.font, cell.fill = "s", HEAD_FONT, HEAD
        head.append(cell)
    sheet.append(head)
    count = 0
    for row in rows:
        sheet.append([_written(sheet, value, formats[i] if i < len(formats) else None) for i, value in enumerate(row)])
        count += 1
    workbook.save(target)
    return count


def _written(sheet: Any, value: Any, number_format: str | None) -> Any:
    mark = value if isinstance(value, Written) else None
    value = _plain(mark.value if mark else value)
    text = isinstance(value, str)
    if mark is None and number_format is None and not (text and value.startswith("=")):
        return value
    cell = WriteOnlyCell(sheet, value=value)
    if text:
        # Excel would take text that begins with "=" for a formula, and openpyxl writes it as one.
        cell.data_type = "s"
        cell.number_format = "@"
    elif number_format or (mark and mark.number_format):
        cell.number_format = (mark.number_format if mark else None) or number_format or "General"
    if mark is not None and mark.bad:
        cell.fill, cell.font = BAD, BAD_FONT
    return cell


def _plain(value: Any) -> Any:
    """A value that a cell can hold: local time without a zone, no control characters."""
    if isinstance(value, datetime):
        return value.astimezone(ZONE).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, bool | int | float | Decimal | date) or value is None:
        return value
    return "".join(c for c in str(value) if c in "\n\t" or c >= " ")[:32_000]


def _sheet_name(title: str) -> str:
    return "".join(c for c in title if c not in "[]:*?/\\")[:31] or "Sheet1"


def column_name(index: int) -> str:
    """Excel's letters for a column counted from 0."""
    return get_column_letter(index + 1)
