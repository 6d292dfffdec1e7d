"""Find what the reading library doesn't report of an old .xls: hidden rows, cells with an error, and whether it is a
protected workbook or none.

The format is described in [MS-CFB] (the container) and [MS-XLS] (the records). Runs in the reader process."""

from __future__ import annotations

from collections.abc import Iterator
from struct import error, unpack_from

from panel.sheets.read.reader_errors import ReaderError
from panel.sheets.read.xlsx_flags import SheetFlags

_END = 0xFFFFFFFC  # numbers from here on are markers, not sectors
_BOF, _EOF, _SHEET, _LOCKED, _FILTERED, _ROW = 0x0809, 0x000A, 0x0085, 0x002F, 0x009B, 0x0208
_FORMULA, _BOOLERR = 0x0006, 0x0205
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def workbook_flags(data: bytes) -> list[SheetFlags]:
    """The flags of each sheet, in the order of the workbook. Raises ReaderError."""
    try:
        streams = dict(_streams(data))
    except (error, IndexError):
        raise ReaderError("damaged") from None
    if "EncryptedPackage" in streams:
        raise ReaderError("protected")
    stream = streams.get("Workbook") or streams.get("Book")
    if stream is None:
        raise ReaderError("none")
    try:
        return [_sheet(stream, offset) for offset in _offsets(stream)]
    except (error, IndexError):
        raise ReaderError("damaged") from None


def _streams(data: bytes) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the streams of a compound file that matter here."""
    size = 1 << min(unpack_from("<H", data, 30)[0], 12)
    first_dir, cutoff, first_mini = (unpack_from("<I", data, at)[0] for at in (48, 56, 60))
    tables = [sector for sector in unpack_from("<109I", data, 76) if sector < _END]
    further, count = unpack_from("<II", data, 68)
    while further < _END and count > 0:
        sectors = unpack_from(f"<{size // 4}I", data, (further + 1) * size)
        tables += [sector for sector in sectors[:-1] if sector < _END]
        further, count = sectors[-1], min(count, 100) - 1
    fat: list[int] = []
    for sector in tables[: len(data) // size + 1]:
        fat += unpack_from(f"<{size // 4}I", data, (sector + 1) * size)
    directory = _chain(data, fat, first_dir, size, size)
    entries: dict[str, tuple[int, int]] = {}
    root = (_END, 0)
    for at in range(0, len(directory) - 127, 128):
        length, kind = unpack_from("<HxB", directory, at + 64)[0], directory[at + 66]
        start_and_length = (unpack_from("<I", directory, at + 116)[0], unpack_from("<I", directory, at + 120)[0])
        if kind == 5:
            root = start_and_length
        elif kind == 2:
            entries[directory[at : at + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")] = start_and_length
    for name in ("EncryptedPackage", "Workbook", "Book"):
        if name not in entries:
            continue
        start, length = entries[name]
        if name == "EncryptedPackage":
            yield name, b""
        elif length >= cutoff:
            yield name, _chain(data, fat, start, size, size)[:length]
        else:
            mini = _chain(data, fat, first_mini, size, size)
            places = list(unpack_from(f"<{len(mini) // 4}I", mini))
            yield name, _chain(_chain(data, fat, root[0], size, size), places, start, 64, 0)[:length]


def _chain(data: bytes, table: list[int], start: int, size: int, skip: int) -> bytes:
    """The content of a chain of sectors, from sector `start` on. Raises ReaderError if the chain is a loop."""
    content: list[bytes] = []
    while start < _END:
        if len(content) > len(table):
            raise ReaderError("damaged")
        content.append(data[skip + start * size : skip + (start + 1) * size])
        start = table[start]
    return b"".join(content)


def _offsets(stream: bytes) -> list[int]:
    """The offset of each sheet in the stream."""
    offsets = []
    if unpack_from("<H", stream)[0] & 0xF0FF != _BOF & 0xF0FF:
        raise ReaderError("damaged")
    for kind, at, length in _records(stream, 0):
        if kind == _LOCKED:
            raise ReaderError("protected")
        if kind == _SHEET and length >= 6:
            offsets.append(unpack_from("<I", stream, at)[0])
    return offsets


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(type, offset of the content, length) of the records of one substream, without those of embedded charts."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = unpack_from("<HH", stream, at)
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        if depth == 1:
            yield kind, at + 4, length
        at += 4 + length


def _sheet(stream: bytes, offset: int) -> SheetFlags:
    flags, filtered = SheetFlags(), False
    for kind, at, length in _records(stream, offset):
        if kind == _ROW and length >= 14:
            row, row_flags = unpack_from("<H10xH", stream, at)
            if row_flags & 0x20:
                flags.hidden.add(row)
        elif kind == _FILTERED:
            filtered = True
        elif kind == _FORMULA and stream[at + 12 : at + 14] == b"\xff\xff" and stream[at + 6] == 2:
            row, column = unpack_from("<HH", stream, at)
            flags.fault(row, column, _ERRORS.get(stream[at + 8], "#N/A"))
        elif kind == _BOOLERR and length >= 8 and stream[at + 7]:
            row, column = unpack_from("<HH", stream, at)
            flags.fault(row, column, _ERRORS.get(stream[at + 6], "#N/A"))
    if filtered:
        # An old workbook doesn't say which rows its filter has hidden.
        flags.hidden.clear()
    return flags
