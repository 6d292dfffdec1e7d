"""Read an .xlsx, .xls, .ods, CSV or HTML file as sheets of plain cells.

The file is opened in a process of its own, with limits of size, memory and time. A file that can't be read raises
UnreadableFile with a sentence for the user."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from panel.i18n import Message, _, listed
from panel.kinds import printable, tidy
from panel.sheets.read import reader_process
from panel.sheets.read.xlsx_flags import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, SheetFlags

MAX_BYTES = 20 * 1024 * 1024
#: The reader process is killed after this many seconds.
TIMEOUT = 90

NO_WORKBOOK = _("This is no table that can be read. Save it as .xlsx in Excel or WPS and try again.")
DAMAGED = _("The workbook is damaged or of another kind. Open it in Excel or WPS and save it anew.")
TOO_LARGE = _("The file is too large: at most {n} MB are allowed. Split it.", n=MAX_BYTES // 1024 // 1024)
#: The message for each ReaderError.kind; any other kind means a damaged file.
REASONS = {
    "none": NO_WORKBOOK,
    "protected": _("The workbook is protected by a password. Save it without one and try again."),
    "cut": _("The workbook is damaged or cut short. Send it again."),
    "parts": _("The workbook has too many parts."),
    "unpacks": _("The workbook unpacks to far too much. Copy its rows into a new workbook."),
    "sylk": _("This is a SYLK file (.slk), which isn't read. Open it in Excel or WPS and save it as .xlsx."),
    "mht": _("This is a web archive (.mht), which isn't read. Open it in Excel or WPS and save it as .xlsx."),
    "big5": _("This file is in Big5, the code of traditional Chinese. Open it in Excel or WPS and save it as .xlsx."),
}
NO_VALUE = _("The formula in this cell has no value. Open the file in Excel or WPS, save it and send it again.")
#: Error values that Excel shows in a cell.
ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})

#: The reader process imports the modules of this folder alone, not the panel, so that it starts fast.
_FOLDER = str(Path(reader_process.__file__).resolve().parent)
#: It exits by os._exit(): freeing the cells of a large sheet one by one would take long.
_START = """
import os, sys, types
sys.path[:] = sys.argv[2:]
for name in ("panel", "panel.sheets", "panel.sheets.read"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
sys.modules["panel.sheets.read"].__path__ = [sys.argv[1]]
from panel.sheets.read.reader_process import main
main()
os._exit(0)
"""


class UnreadableFile(Exception):  # noqa: N818 - told to the user as a sentence
    """The file can't be read as a workbook; `message` says why and what to do."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class ProtectedFile(UnreadableFile):
    """A password protects the file: see panel.sheets.read.unlock."""


class UnreadableCell(str):
    """The text of a cell without a usable value: an error, or a formula that was never calculated. `message` says what
    to do."""

    __slots__ = ("message",)
    message: Message

    @classmethod
    def of(cls, text: str) -> UnreadableCell:
        self = cls(text)
        self.message = (
            NO_VALUE
            if text.startswith("=")
            else _("The cell holds the error {error}. Correct it in Excel or WPS.", error=text)
        )
        return self


@dataclass(slots=True)
class Line:
    """A row of a sheet. `number` is its row number in Excel, from 1. The value of a merged range is repeated in each of
    its rows; `filled` are the columns, from 0, where it was."""

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
    #: Number of hidden rows with content; they are not among the lines.
    hidden: int = 0
    #: Merged ranges over several columns near the top, where headers are: by row number the last column (index from 0)
    #: by the first.
    spans: dict[int, dict[int, int]] = field(default_factory=dict)

    @property
    def blank(self) -> bool:
        return all(line.blank for line in self.lines)


@dataclass(slots=True)
class Book:
    sheets: list[Sheet]
    #: Names of hidden sheets, which are not read.
    hidden: list[str] = field(default_factory=list)

    def only(self, name: str) -> Book:
        """A book of this sheet alone; the others count as hidden. Raises UnreadableFile if there is no such sheet."""
        matches = [sheet for sheet in self.sheets if sheet.name == tidy(name)]
        if matches:
            return Book(matches[:1], [*(sheet.name for sheet in self.sheets if sheet is not matches[0]), *self.hidden])
        if tidy(name) in self.hidden:
            raise UnreadableFile(
                _("Sheet “{sheet}” is hidden. Show it in Excel or WPS and save the file.", sheet=tidy(name))
            )
        names = listed(sheet.name for sheet in self.sheets[:20])
        raise UnreadableFile(_("There is no sheet “{sheet}”. The file has: {names}.", sheet=tidy(name), names=names))


def read(data: bytes) -> Book:
    """The sheets of a file. Its type is detected by the content. Raises UnreadableFile."""
    if not data:
        raise UnreadableFile(_("The file is empty."))
    if len(data) > MAX_BYTES:
        raise UnreadableFile(TOO_LARGE)
    with _no_garbage_collection():
        return book_from(_answers(data))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause the garbage collector: scanning all the new cells would take longer than creating them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def book_from(answers: Iterable[reader_process.Answer]) -> Book:
    """Build the book from the answers of the reader process. Raises UnreadableFile."""
    book, flags = Book([]), SheetFlags()
    ended = False
    for kind, *rest in answers:
        if kind == "refused":
            raise (ProtectedFile if rest[0] == "protected" else UnreadableFile)(_reason(*rest))
        if kind == "hidden":
            book.hidden.append(tidy(rest[0]))
        elif kind == "sheet":
            _apply_flags(book, flags)
            name, flags = rest
            book.sheets.append(Sheet(tidy(name)))
        elif kind == "block":
            _append(book.sheets[-1], *rest)
        ended = kind == "end"
    if not ended:
        raise UnreadableFile(DAMAGED)
    _apply_flags(book, flags)
    return book


def _reason(kind: str, about: str) -> Message:
    if kind == "large":
        return _(
            "Sheet “{sheet}” is too large: at most {rows} rows and {columns} columns.",
            sheet=tidy(about),
            rows=MAX_ROWS,
            columns=MAX_COLUMNS,
        )
    if kind == "quote":
        return _("The file is damaged: the quotation mark in line {line} isn't closed. Correct it there.", line=about)
    return REASONS.get(kind, DAMAGED)


def _answers(data: bytes) -> Iterator[reader_process.Answer]:
    """Run the reader process on a file and yield its answers as they arrive."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", _START, _FOLDER, *filter(None, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Each arena of malloc reserves memory that counts towards the limit, so allow only one.
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        try:
            process.stdin.write(data)
            process.stdin.close()
        except OSError:
            return
        while True:
            try:
                answer: reader_process.Answer = pickle.load(process.stdout)  # noqa: S301 - written by our own program
            except (EOFError, pickle.UnpicklingError):
                return
            yield answer
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


#: Rows from the top whose merged columns are noted.
SPANNED_ROWS = 100
#: The first texts of a column, by which is decided whether equal texts are shared.
SAMPLE = 100


def _append(sheet: Sheet, count: int, columns: list[Any]) -> None:
    """Append lines to a sheet, given as columns of cells."""
    lines = sheet.lines
    cells = [
        _text_column(c) if isinstance(c, str) else c if isinstance(c, tuple) else _mixed_column(c) for c in columns
    ]
    rows = zip(*cells, strict=True) if cells else [()] * count
    first = len(lines) + 1
    lines += map(Line, range(first, first + count), map(list, rows))


def _text_column(text: str) -> list[Any]:
    """The cells of a column that holds only text."""
    parts = text.split(reader_process.COMMA)
    # Nearly every column is printable and is checked as one text, which is faster. The separator isn't printable.
    if not text.replace(reader_process.COMMA, "").isprintable():
        parts = list(map(printable, parts))
    return _clean(parts, text)


def _mixed_column(column: list[Any]) -> list[Any]:
    return [_clean([printable(cell)], cell)[0] if isinstance(cell, str) else cell for cell in column]


def _clean(parts: list[Any], text: str) -> list[Any]:
    """Texts as cells: blank ones become None, Excel's error values become UnreadableCell."""
    if "#" in text:
        parts = [UnreadableCell.of(part) if part in ERRORS else part for part in parts]
    if len(parts) > 1 and 2 * len(set(parts[:SAMPLE])) < len(parts[:SAMPLE]):
        # Keep one object for equal texts, to save memory.
        same: dict[Any, Any] = {}
        parts = [same.setdefault(part, part) for part in parts]
    if all(parts) and not any(map(str.isspace, parts)):
        return parts
    return [part if part and not part.isspace() else None for part in parts]


def _apply_flags(book: Book, flags: SheetFlags) -> None:
    """Apply the flags of the last sheet: errors, merged ranges and hidden rows."""
    if not book.sheets:
        return
    sheet = book.sheets[-1]
    lines = sheet.lines
    _extend(sheet, flags.faults)
    for (row, column), text in flags.faults.items():
        lines[row].cells[column] = UnreadableCell.of(printable(text))
    _note_spans(sheet, flags.merged)
    _fill_merged(lines, flags.merged)
    if flags.hidden:
        hidden_lines = [line for line in lines if line.number - 1 in flags.hidden]
        sheet.hidden = sum(not line.blank for line in hidden_lines)
        sheet.lines = [line for line in lines if line.number - 1 not in flags.hidden]


def _extend(sheet: Sheet, cells: Collection[tuple[int, int]]) -> None:
    """Extend a sheet so that it has these cells (row, column): the library ends it with the last cell that has a
    value."""
    lines = sheet.lines
    if not cells:
        return
    last_row, last_column = max(row for row, _column in cells), max(column for _row, column in cells)
    width = max(last_column + 1, max((len(line.cells) for line in lines), default=0))
    if last_row >= len(lines) or any(column >= len(lines[row].cells) for row, column in cells):
        if max(last_row + 1, len(lines)) * width > MAX_CELLS:
            raise UnreadableFile(_reason("large", sheet.name))
        lines += [Line(number, []) for number in range(len(lines) + 1, last_row + 2)]
        for line in lines:
            line.cells += [None] * (width - len(line.cells))


def _note_spans(sheet: Sheet, ranges: Iterable[Any]) -> None:
    for (top, left), (_bottom, right) in ranges:
        if top < SPANNED_ROWS and right > left:
            sheet.spans.setdefault(top + 1, {})[left] = right


def _fill_merged(lines: list[Line], ranges: Iterable[Any]) -> None:
    """Repeat the value of each merged range in the first column of all its rows. A range of one row fills nothing."""
    filled = 0
    for (top, left), (bottom, _right) in ranges:
        if bottom <= top or top >= len(lines) or left >= len(lines[top].cells):
            continue
        value = lines[top].cells[left]
        if value is None:
            continue
        filled += bottom - top
        # Ranges can't overlap in a valid workbook, so they can't fill this many cells.
        if filled > 2 * MAX_CELLS:
            raise UnreadableFile(DAMAGED)
        for line in lines[top + 1 : bottom + 1]:
            if line.cells[left] is None:
                line.cells[left] = value
                line.filled |= {left}
