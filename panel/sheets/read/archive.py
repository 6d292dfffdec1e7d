"""A zipped workbook held to limits before anybody unpacks it, and its parts in pieces. Runs where files are opened."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from panel.sheets.read.reader_errors import ReaderError

MAX_ENTRIES = 2_000
#: What all parts together may unpack to: so much in any case, so many times the file, and no more than that.
FREE, RATIO, MAX_UNPACKED = 20 * 1024 * 1024, 40, 250 * 1024 * 1024
#: What a part that describes others may unpack to.
MAX_LIST = 4 * 1024 * 1024
PIECE = 1024 * 1024
_STORED, _DEFLATED = 0, 8


class Archive:
    """The parts of a zipped workbook by name; nothing of them is believed that wasn't counted."""

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
        # Parts that share their bytes unpack to more than they seem to.
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            begun = entry.header_offset
            head = self.data[begun : begun + 30]
            if begun < end or len(head) < 30 or head[:4] != b"PK\x03\x04":
                raise ReaderError("damaged")
            start = begun + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
            end = start + entry.compress_size
            if end > len(self.data):
                raise ReaderError("cut")
            if entry.compress_type not in {_STORED, _DEFLATED}:
                raise ReaderError("damaged")
            self._starts[entry.filename.replace("\\", "/")] = start

    def pieces(self, name: str) -> Iterator[bytes]:
        """A part, a piece at a time; Refusal when it isn't as large as it says."""
        entry, start = self.entries[name], self._starts[name]
        packed = memoryview(self.data)[start : start + entry.compress_size]
        if entry.compress_type == _STORED:
            if entry.compress_size != entry.file_size:
                raise ReaderError("damaged")
            yield from (bytes(packed[at : at + PIECE]) for at in range(0, len(packed), PIECE))
            return
        unpack, left = zlib.decompressobj(-15), entry.file_size
        given: bytes | memoryview = packed
        while not unpack.eof:
            try:
                piece = unpack.decompress(given, PIECE)
            except zlib.error:
                raise ReaderError("damaged") from None
            given = unpack.unconsumed_tail
            left -= len(piece)
            if left < 0:
                raise ReaderError("unpacks")
            if not piece and not given and not unpack.eof:
                raise ReaderError("damaged")
            if piece:
                yield piece
        if left:
            raise ReaderError("damaged")

    def whole(self, name: str) -> bytes:
        """A part that lists or describes others, "" if there is none; Refusal for one that is no list any more."""
        if name not in self.entries:
            return b""
        if self.entries[name].file_size > MAX_LIST:
            raise ReaderError("damaged")
        return b"".join(self.pieces(name))
