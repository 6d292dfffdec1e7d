"""A zipped workbook: limits are checked before it is unpacked, and its parts are read in pieces.

Runs in the reader process."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from panel.sheets.read.reader_errors import ReaderError

MAX_ENTRIES = 2_000
#: All parts together may unpack to FREE bytes plus RATIO times the size of the file, but at most MAX_UNPACKED bytes.
FREE, RATIO, MAX_UNPACKED = 20 * 1024 * 1024, 40, 250 * 1024 * 1024
#: Bytes that a part that describes others may unpack to.
MAX_LIST = 4 * 1024 * 1024
#: Bytes that are unpacked at a time.
PIECE = 1024 * 1024
_STORED, _DEFLATED = 0, 8


class Archive:
    """The parts of a zipped workbook by name. Raises ReaderError if it is damaged, protected or too large.

    The sizes that the file states are verified while a part is unpacked."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            with ZipFile(BytesIO(data)) as archive:
                entries = archive.infolist()
        except (BadZipFile, ValueError, OSError, NotImplementedError, IndexError):
            raise ReaderError("cut") from None
        if len(entries) > MAX_ENTRIES:
            raise ReaderError("parts")
        self.entries = {entry.filename.replace("\\", "/"): entry for entry in entries}
        self._starts: dict[str, int] = {}
        self._check(entries)

    @property
    def unpacked(self) -> int:
        return sum(entry.file_size for entry in self.entries.values())

    def _check(self, entries: list[ZipInfo]) -> None:
        allowed = min(FREE + RATIO * len(self.data), MAX_UNPACKED)
        if sum(entry.file_size for entry in entries) > allowed:
            raise ReaderError("unpacks")
        if any(entry.flag_bits & 1 for entry in entries):
            raise ReaderError("protected")
        end = 0
        # Refuse parts that share bytes of the file: they unpack to more than their sizes say.
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            offset = entry.header_offset
            header = self.data[offset : offset + 30]
            if offset < end or len(header) < 30 or header[:4] != b"PK\x03\x04":
                raise ReaderError("damaged")
            start = offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            end = start + entry.compress_size
            if end > len(self.data):
                raise ReaderError("cut")
            if entry.compress_type not in {_STORED, _DEFLATED}:
                raise ReaderError("damaged")
            self._starts[entry.filename.replace("\\", "/")] = start

    def pieces(self, name: str) -> Iterator[bytes]:
        """Unpack a part, a piece at a time. Raises ReaderError if its size isn't the stated one."""
        entry, start = self.entries[name], self._starts[name]
        packed = memoryview(self.data)[start : start + entry.compress_size]
        if entry.compress_type == _STORED:
            if entry.compress_size != entry.file_size:
                raise ReaderError("damaged")
            yield from (bytes(packed[at : at + PIECE]) for at in range(0, len(packed), PIECE))
            return
        unpack, left = zlib.decompressobj(-15), entry.file_size
        rest: bytes | memoryview = packed
        while not unpack.eof:
            try:
                piece = unpack.decompress(rest, PIECE)
            except zlib.error:
                raise ReaderError("damaged") from None
            rest = unpack.unconsumed_tail
            left -= len(piece)
            if left < 0:
                raise ReaderError("unpacks")
            if not piece and not rest and not unpack.eof:
                raise ReaderError("damaged")
            if piece:
                yield piece
        if left:
            raise ReaderError("damaged")

    def whole(self, name: str) -> bytes:
        """A part that describes others as a whole; empty if there is none. Raises ReaderError above MAX_LIST."""
        if name not in self.entries:
            return b""
        if self.entries[name].file_size > MAX_LIST:
            raise ReaderError("damaged")
        return b"".join(self.pieces(name))
