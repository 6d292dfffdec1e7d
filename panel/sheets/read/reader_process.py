"""Opens a file in a process of its own: a damaged or hostile one makes the reading library panic or ask for all the
memory there is, and the panel must outlive that. Takes the bytes on stdin; needs nothing of the panel beside it.

Answers with pickles on stdout, told by their first word: ("hidden", name) for a sheet that nobody sees; ("sheet",
name, marks) and then ("block", number of rows, columns) for one that is read; ("refused", why, about); at the end
("end",). An answer without its end is that of a damaged file."""

from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Iterator
from datetime import time, timedelta
from io import BytesIO
from itertools import islice
from typing import Any

from panel.sheets.read import xlsx_flags
from panel.sheets.read.archive import Archive
from panel.sheets.read.reader_errors import ReaderError
from panel.sheets.read.xlsx_flags import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, SheetFlags

#: What a small file may take, and what each byte of a larger one adds, or each that a zipped one unpacks to.
MEMORY = 224 * 1024 * 1024
PER_BYTE, PER_UNPACKED = 24, 8
CPU_SECONDS = 60
#: Rows that are sent at a time, and what parts the cells of a column that holds only text.
BLOCK = 1_000
COMMA = "\x1f"
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Answer = tuple[Any, ...]


def limit(memory: int) -> None:
    """Take no more memory and time than a file of this size needs, where the system can hold us to it."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answers(data: bytes) -> Iterator[Answer]:
    """What the file holds, or why it is not read. What unpacks to too much, or holds too many cells, is refused before
    the library sees it."""
    try:
        if data.startswith(ZIP):
            yield from _zipped(data)
        elif data.startswith(OLE):
            from panel.sheets.read import xls_flags  # noqa: PLC0415 - what starts for each file should start soon

            yield from _workbook(data, xls_flags.marks(data))
        else:
            from panel.sheets.read import plaintext  # noqa: PLC0415 - the same

            for name, rows, own in plaintext.tables(data):
                yield "sheet", name, own
                yield from _blocks(iter(rows), 0)
    except ReaderError as refusal:
        yield "refused", refusal.kind, refusal.about
        return
    yield ("end",)


def _zipped(data: bytes) -> Iterator[Answer]:
    archive = Archive(data)
    if "xl/workbook.xml" in archive.entries:
        parts = xlsx_flags.parts(archive)
        read = {part for part, _name in parts}
        # What the library reads besides is held to its size as well.
        for name in archive.entries:
            if name.endswith((".xml", ".rels")) and name not in read:
                xlsx_flags.hold_to_limits(archive, name)
        found = [xlsx_flags.of_sheet(archive, *part) if part[0] else SheetFlags() for part in parts]
        limit(MEMORY + PER_UNPACKED * archive.unpacked)
        yield from _workbook(data, found)
    elif "content.xml" in archive.entries and b"opendocument.spreadsheet" in archive.whole("mimetype")[:200]:
        if b"encryption-data" in archive.whole("META-INF/manifest.xml"):
            raise ReaderError("protected")
        found = xlsx_flags.of_document(archive)
        limit(MEMORY + PER_UNPACKED * archive.unpacked)
        yield from _workbook(data, found)
    else:
        raise ReaderError("none")


def _workbook(data: bytes, found: list[SheetFlags]) -> Iterator[Answer]:
    """The sheets as the library reads them, with the marks that were found on them."""
    # Not loaded by the panel, which knows this file too, nor for a text.
    from python_calamine import (  # noqa: PLC0415
        CalamineError,
        CalamineWorkbook,
        PasswordError,
        SheetTypeEnum,
        SheetVisibleEnum,
    )

    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(data))
        for number, meta in enumerate(workbook.sheets_metadata):
            if meta.typ != SheetTypeEnum.WorkSheet:
                continue
            if meta.visible != SheetVisibleEnum.Visible:
                # What only a program can show again holds nothing that a person put there.
                if meta.visible == SheetVisibleEnum.Hidden:
                    yield "hidden", meta.name
                continue
            sheet = workbook.get_sheet_by_name(meta.name)
            top, left = sheet.start or (0, 0)
            height, width = sheet.height + top, sheet.width + left
            own = found[number] if number < len(found) else SheetFlags()
            if height > MAX_ROWS or width > MAX_COLUMNS or height * width > MAX_CELLS:
                raise ReaderError("large", meta.name)
            own.merged += sheet.merged_cell_ranges or []
            own.faults = {(r, c): text for (r, c), text in own.faults.items() if r < MAX_ROWS and c < MAX_COLUMNS}
            yield "sheet", meta.name, own
            yield from _blocks(iter(sheet.iter_rows()) if sheet.height else iter(()), left)
    except PasswordError:
        raise ReaderError("protected") from None
    except CalamineError as error:
        locked = "password" in str(error).lower() or "encrypt" in str(error).lower()
        raise ReaderError("protected" if locked else "damaged") from None


def _blocks(rows: Iterator[list[Any]], left: int) -> Iterator[Answer]:
    """Rows in blocks of columns, with the empty ones on the left, which the library leaves out: a column of words alone
    travels as one text."""
    while block := list(islice(rows, BLOCK)):
        widest = max(map(len, block))
        if any(len(row) != widest for row in block):
            block = [[*row, *[None] * (widest - len(row))] for row in block]
        columns: list[Any] = [(None,) * len(block)] * left
        columns += [_column(column) for column in zip(*block, strict=True)]
        yield "block", len(block), columns


def _column(column: tuple[Any, ...]) -> str | tuple[Any, ...] | list[Any]:
    """A column of words alone as one text, one without any as it is, any other as a list."""
    kinds = set(map(type, column))
    if kinds == {str}:
        text = COMMA.join(column)
        if text.count(COMMA) == len(column) - 1:
            return text
    if time in kinds or timedelta in kinds:
        return [_plain(value) for value in column]
    return list(column) if str in kinds else column


def _plain(value: Any) -> Any:
    if isinstance(value, time):
        return value.strftime("%H:%M:%S")
    return str(value) if isinstance(value, timedelta) else value


def main() -> None:
    gc.disable()  # a life this short leaves no garbage
    given = sys.stdin.buffer.read()
    limit(MEMORY + PER_BYTE * len(given))
    out = sys.stdout.buffer
    for answer in answers(given):
        out.write(pickle.dumps(answer, protocol=5))
    out.flush()
