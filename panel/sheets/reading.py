"""Any workbook as sheets of plain cells, within limits; what can't be read is told in a sentence."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from panel.kinds import printable, tidy
from panel.sheets import opening
from panel.text import Message, _

MAX_BYTES = 20 * 1024 * 1024
#: Unpacked size of a zipped workbook, and how much larger than the file it may be.
MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 150
MAX_ENTRIES = 2_000
SECONDS = 120

NO_WORKBOOK = _("This is no Excel workbook. Save it as .xlsx or .xls in Excel or WPS and try again.")
DAMAGED = _("The workbook is damaged or of another kind. Open it in Excel or WPS and save it anew.")
PROTECTED = _("The workbook is protected by a password. Save it without one and try again.")
TOO_LARGE = _("The file is too large: at most {n} MB are allowed. Split it.", n=MAX_BYTES // 1024 // 1024)

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Unreadable(Exception):  # noqa: N818 - told to the user as a sentence
    """The file can't be read as a workbook; `message` says why and what to do."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Line:
    """A row of a sheet; `number` is Excel's own. Merged cells are filled down already; `filled` are the columns that
    got their value so."""

    number: int
    cells: list[Any]
    filled: frozenset[int] = frozenset()

    @property
    def blank(self) -> bool:
        return all(cell is None or index in self.filled for index, cell in enumerate(self.cells))


@dataclass(slots=True)
class Sheet:
    """A visible sheet of a workbook."""

    name: str
    lines: list[Line] = field(default_factory=list)

    @property
    def blank(self) -> bool:
        return all(line.blank for line in self.lines)


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
        raise Unreadable(TOO_LARGE)
    if data.startswith(_ZIP):
        _check_archive(data)
    elif not data.startswith(_OLE):
        raise Unreadable(NO_WORKBOOK)
    answer, found = _open(data)
    if answer == "protected":
        raise Unreadable(PROTECTED)
    if answer == "large":
        raise Unreadable(
            _(
                "Sheet “{sheet}” is too large: at most {rows} rows and {columns} columns.",
                sheet=tidy(found),
                rows=opening.MAX_ROWS,
                columns=opening.MAX_COLUMNS,
            )
        )
    if answer != "sheets":
        raise Unreadable(DAMAGED)
    book = Book([])
    for name, visible, rows, merged in found:
        if not visible:
            book.hidden.append(tidy(name))
            continue
        lines = [Line(number, [_cell(value) for value in row]) for number, row in enumerate(rows, start=1)]
        _fill_merged(lines, merged)
        book.sheets.append(Sheet(tidy(name), lines))
    return book


def _open(data: bytes) -> tuple[str, Any]:
    """What the process that opens the workbook answers; dying of it counts as "damaged"."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-I", str(Path(opening.__file__))],
            input=data,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "damaged", ""
    if done.returncode != 0:
        return "damaged", ""
    answer: tuple[str, Any] = pickle.loads(done.stdout)  # noqa: S301 - written by our own program
    return answer


def _check_archive(data: bytes) -> None:
    """Refuse what would unpack to far more than an office's workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise Unreadable(_("The workbook is damaged or cut short. Send it again.")) from None
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(_("The workbook has too many parts."))
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(len(data), 100_000):
        raise Unreadable(_("The workbook unpacks to far too much. Copy its rows into a new workbook."))
    if "xl/workbook.xml" not in {entry.filename for entry in entries}:
        raise Unreadable(NO_WORKBOOK)


def _cell(value: Any) -> Any:
    return printable(value) or None if isinstance(value, str) else value


def _fill_merged(lines: list[Line], ranges: Iterable[Any]) -> None:
    """A merged range's value stands for each of its rows, in its first column; a merged title fills nothing."""
    for (top, left), (bottom, _right) in ranges:
        if bottom <= top or top >= len(lines) or left >= len(lines[top].cells):
            continue
        value = lines[top].cells[left]
        if value is None:
            continue
        for line in lines[top + 1 : bottom + 1]:
            if line.cells[left] is None:
                line.cells[left] = value
                line.filled |= {left}
