"""The reader process: opens a file apart from the panel, because a damaged or hostile file can make the reading library
crash or exhaust the memory.

Reads the bytes of the file from stdin; imports only modules of this folder. Writes pickled answers to stdout:
("hidden", name) for a hidden sheet; ("sheet", name, SheetFlags) for a visible one, followed by its ("block", number of
rows, columns); ("refused", kind, about) for a ReaderError; and last ("end",). If that is missing, the file is
damaged."""

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

#: Memory limit in bytes: MEMORY, plus PER_BYTE for each byte of the file, or PER_UNPACKED for each byte that a zipped
#: file unpacks to.
MEMORY = 224 * 1024 * 1024
PER_BYTE, PER_UNPACKED = 24, 8
CPU_SECONDS = 60
#: Rows of a block, and the separator of the cells of a column that holds only text.
BLOCK = 1_000
COMMA = "\x1f"
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Answer = tuple[Any, ...]


def limit(memory: int) -> None:
    """Limit the memory (bytes) and CPU time of this process, where the system supports it."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answers(data: bytes) -> Iterator[Answer]:
    """The answers for a file. A file that unpacks to too much, or has too many cells, is refused before the library
    opens it."""
    try:
        if data.startswith(ZIP):
            yield from _zipped(data)
        elif data.startswith(OLE):
            from panel.sheets.read import xls_flags  # noqa: PLC0415 - only for this type, to start fast

            yield from _workbook(data, xls_flags.workbook_flags(data))
        else:
            from panel.sheets.read import plaintext  # noqa: PLC0415 - only for this type, to start fast

            for name, rows, flags in plaintext.tables(data):
                yield "sheet", name, flags
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
        # The library reads the other parts too, so they are checked as well.
        for name in archive.entries:
            if name.endswith((".xml", ".rels")) and name not in read:
                xlsx_flags.check_part(archive, name)
        flags = [xlsx_flags.sheet_flags(archive, *part) if part[0] else SheetFlags() for part in parts]
        limit(MEMORY + PER_UNPACKED * archive.unpacked)
        yield from _workbook(data, flags)
    elif "content.xml" in archive.entries and b"opendocument.spreadsheet" in archive.whole("mimetype")[:200]:
        if b"encryption-data" in archive.whole("META-INF/manifest.xml"):
            raise ReaderError("protected")
        flags = xlsx_flags.document_flags(archive)
        limit(MEMORY + PER_UNPACKED * archive.unpacked)
        yield from _workbook(data, flags)
    else:
        raise ReaderError("none")


def _workbook(data: bytes, flags: list[SheetFlags]) -> Iterator[Answer]:
    """The sheets as the library reads them, each with its flags."""
    # Imported here because the panel imports this module too, and text files don't need the library.
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
                # "Very hidden" sheets can be shown by programs alone: they hold no data of a person.
                if meta.visible == SheetVisibleEnum.Hidden:
                    yield "hidden", meta.name
                continue
            sheet = workbook.get_sheet_by_name(meta.name)
            top, left = sheet.start or (0, 0)
            height, width = sheet.height + top, sheet.width + left
            sheet_flags = flags[number] if number < len(flags) else SheetFlags()
            if height > MAX_ROWS or width > MAX_COLUMNS or height * width > MAX_CELLS:
                raise ReaderError("large", meta.name)
            sheet_flags.merged += sheet.merged_cell_ranges or []
            sheet_flags.faults = {
                (r, c): text for (r, c), text in sheet_flags.faults.items() if r < MAX_ROWS and c < MAX_COLUMNS
            }
            yield "sheet", meta.name, sheet_flags
            yield from _blocks(iter(sheet.iter_rows()) if sheet.height else iter(()), left)
    except PasswordError:
        raise ReaderError("protected") from None
    except CalamineError as error:
        locked = "password" in str(error).lower() or "encrypt" in str(error).lower()
        raise ReaderError("protected" if locked else "damaged") from None


def _blocks(rows: Iterator[list[Any]], left: int) -> Iterator[Answer]:
    """Blocks of rows, as columns. The library leaves out empty columns at the left; `left` of them are added."""
    while block := list(islice(rows, BLOCK)):
        widest = max(map(len, block))
        if any(len(row) != widest for row in block):
            block = [[*row, *[None] * (widest - len(row))] for row in block]
        columns: list[Any] = [(None,) * len(block)] * left
        columns += [_column(column) for column in zip(*block, strict=True)]
        yield "block", len(block), columns


def _column(column: tuple[Any, ...]) -> str | tuple[Any, ...] | list[Any]:
    """A column for transfer: joined to one text if it holds only text, a tuple if it holds none, else a list."""
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
    gc.disable()  # the process ends before collections would pay off
    data = sys.stdin.buffer.read()
    limit(MEMORY + PER_BYTE * len(data))
    out = sys.stdout.buffer
    for answer in answers(data):
        out.write(pickle.dumps(answer, protocol=5))
    out.flush()
