"""Any file as sheets of plain cells, within limits; what can't be read is told in a sentence."""

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

from panel.i18n import Message, _
from panel.kinds import printable, tidy
from panel.sheets.read import reader_process
from panel.sheets.read.xlsx_flags import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, SheetFlags

MAX_BYTES = 20 * 1024 * 1024
SECONDS = 90

NO_WORKBOOK = _("This is no table that can be read. Save it as .xlsx in Excel or WPS and try again.")
DAMAGED = _("The workbook is damaged or of another kind. Open it in Excel or WPS and save it anew.")
TOO_LARGE = _("The file is too large: at most {n} MB are allowed. Split it.", n=MAX_BYTES // 1024 // 1024)
#: What is told for each reason of not reading a file; anything else is a damaged one.
REASONS = {
    "none": NO_WORKBOOK,
    "protected": _("The workbook is protected by a password. Save it without one and try again."),
    "cut": _("The workbook is damaged or cut short. Send it again."),
    "parts": _("The workbook has too many parts."),
    "unpacks": _("The workbook unpacks to far too much. Copy its rows into a new workbook."),
}
NO_VALUE = _("The formula in this cell has no value. Open the file in Excel or WPS, save it and send it again.")
#: What Excel shows in a cell that it could not calculate.
ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})

#: The process that opens a file loads what lies in this folder without what the panel is made of.
_FOLDER = str(Path(reader_process.__file__).resolve().parent)
#: When all is said it ends at once: clearing away a large sheet cell by cell takes time that nobody needs.
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


class UnreadableCell(str):
    """A cell that holds no value though something stands there; `message` says what to do about it."""

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
    #: Rows that nobody sees and that hold something: they are not among the lines.
    hidden: int = 0

    @property
    def blank(self) -> bool:
        return all(line.blank for line in self.lines)


@dataclass(slots=True)
class Book:
    sheets: list[Sheet]
    #: Sheets that nobody sees are not read, but named.
    hidden: list[str] = field(default_factory=list)

    def only(self, name: str) -> Book:
        """The one sheet with this name, as if nothing else were in the file. Raises Unreadable."""
        found = [sheet for sheet in self.sheets if sheet.name == tidy(name)]
        if found:
            return Book(found[:1], [*(sheet.name for sheet in self.sheets if sheet is not found[0]), *self.hidden])
        if tidy(name) in self.hidden:
            raise UnreadableFile(
                _("Sheet “{sheet}” is hidden. Show it in Excel or WPS and save the file.", sheet=tidy(name))
            )
        names = "、".join(sheet.name for sheet in self.sheets[:20])
        raise UnreadableFile(_("There is no sheet “{sheet}”. The file has: {names}.", sheet=tidy(name), names=names))


def read(data: bytes) -> Book:
    """The sheets of a file, told by its content, not its name. Raises Unreadable."""
    if not data:
        raise UnreadableFile(_("The file is empty."))
    if len(data) > MAX_BYTES:
        raise UnreadableFile(TOO_LARGE)
    with _uncollected():
        return assembled(_opened(data))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing that is made here is garbage: looking for some among all the cells takes longer than making them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def assembled(answers: Iterable[reader_process.Answer]) -> Book:
    """The book that the answers of the opening process make up. Raises Unreadable."""
    book, kept = Book([]), SheetFlags()
    ended = False
    for kind, *rest in answers:
        if kind == "refused":
            raise UnreadableFile(_reason(*rest))
        if kind == "hidden":
            book.hidden.append(tidy(rest[0]))
        elif kind == "sheet":
            _finish(book, kept)
            name, kept = rest
            book.sheets.append(Sheet(tidy(name)))
        elif kind == "block":
            _append(book.sheets[-1], *rest)
        ended = kind == "end"
    if not ended:
        raise UnreadableFile(DAMAGED)
    _finish(book, kept)
    return book


def _reason(kind: str, about: str) -> Message:
    if kind == "large":
        return _(
            "Sheet “{sheet}” is too large: at most {rows} rows and {columns} columns.",
            sheet=tidy(about),
            rows=MAX_ROWS,
            columns=MAX_COLUMNS,
        )
    return REASONS.get(kind, DAMAGED)


def _opened(data: bytes) -> Iterator[reader_process.Answer]:
    """What the process that opens the file answers, as it answers."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", _START, _FOLDER, *filter(None, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # One arena, or the limit of memory is taken up by those that nobody uses.
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    timer = threading.Timer(SECONDS, process.kill)
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


#: Words of a column that tell whether it repeats itself.
LOOKED_AT = 100


def _append(sheet: Sheet, count: int, columns: list[Any]) -> None:
    """The next lines of a sheet, from their columns."""
    lines = sheet.lines
    made = [_words(c) if isinstance(c, str) else c if isinstance(c, tuple) else _mixed(c) for c in columns]
    rows = zip(*made, strict=True) if made else [()] * count
    first = len(lines) + 1
    lines += map(Line, range(first, first + count), map(list, rows))


def _words(text: str) -> list[Any]:
    """The cells of a column that holds text alone."""
    # Nearly every text is printable, which is told five times as fast as characters are looked for.
    plain = text if text.replace(reader_process.COMMA, "").isprintable() else printable(text)
    return _clean(plain.split(reader_process.COMMA), text)


def _mixed(column: list[Any]) -> list[Any]:
    return [_clean([printable(cell)], cell)[0] if isinstance(cell, str) else cell for cell in column]


def _clean(parts: list[Any], text: str) -> list[Any]:
    """Words as cells: what is blank is nothing, what Excel calls an error is a fault."""
    if "#" in text:
        parts = [UnreadableCell.of(part) if part in ERRORS else part for part in parts]
    if len(parts) > 1 and 2 * len(set(parts[:LOOKED_AT])) < len(parts[:LOOKED_AT]):
        # What stands in many rows takes the place of one.
        same: dict[Any, Any] = {}
        parts = [same.setdefault(part, part) for part in parts]
    if all(parts) and not any(map(str.isspace, parts)):
        return parts
    return [part if part and not part.isspace() else None for part in parts]


def _finish(book: Book, marks: SheetFlags) -> None:
    """Put in what the marks tell of the sheet that was read last."""
    if not book.sheets:
        return
    sheet = book.sheets[-1]
    lines = sheet.lines
    _reach(sheet, marks.faults)
    for (row, column), text in marks.faults.items():
        lines[row].cells[column] = UnreadableCell.of(printable(text))
    _fill_merged(lines, marks.merged)
    if marks.hidden:
        unseen = [line for line in lines if line.number - 1 in marks.hidden]
        sheet.hidden = sum(not line.blank for line in unseen)
        sheet.lines = [line for line in lines if line.number - 1 not in marks.hidden]


def _reach(sheet: Sheet, places: Collection[tuple[int, int]]) -> None:
    """Make room for cells at the end of a sheet or of a row, where the library sees nothing: it ends a sheet with the
    last cell that has a value."""
    lines = sheet.lines
    if not places:
        return
    last, widest = max(row for row, _column in places), max(column for _row, column in places)
    wide = max(widest + 1, max((len(line.cells) for line in lines), default=0))
    if last >= len(lines) or any(column >= len(lines[row].cells) for row, column in places):
        if max(last + 1, len(lines)) * wide > MAX_CELLS:
            raise UnreadableFile(_reason("large", sheet.name))
        lines += [Line(number, []) for number in range(len(lines) + 1, last + 2)]
        for line in lines:
            line.cells += [None] * (wide - len(line.cells))


def _fill_merged(lines: list[Line], ranges: Iterable[Any]) -> None:
    """A merged range's value stands for each of its rows, in its first column; a merged title fills nothing."""
    filled = 0
    for (top, left), (bottom, _right) in ranges:
        if bottom <= top or top >= len(lines) or left >= len(lines[top].cells):
            continue
        value = lines[top].cells[left]
        if value is None:
            continue
        filled += bottom - top
        # Ranges don't overlap in a workbook that a program of an office wrote.
        if filled > 2 * MAX_CELLS:
            raise UnreadableFile(DAMAGED)
        for line in lines[top + 1 : bottom + 1]:
            if line.cells[left] is None:
                line.cells[left] = value
                line.filled |= {left}
