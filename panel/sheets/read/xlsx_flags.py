"""Find what the reading library doesn't report of .xlsx and .ods sheets: hidden rows, cells with an error, and formulas
that were never calculated.

Each part is searched for a few byte patterns first; only a part that has one is parsed. Runs in the reader process."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from posixpath import dirname, join, normpath
from typing import Any

from panel.sheets.read.archive import Archive
from panel.sheets.read.reader_errors import ReaderError

#: Bytes of the XML of one row; a longer row means a damaged file.
LONGEST_ROW = 8 * 1024 * 1024
#: Excel's own limits, to which repeated rows and cells are cut.
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
MAX_FAULTS = 500_000
#: Limits of a sheet, for all types of files.
MAX_ROWS = 200_000
MAX_COLUMNS = 300
MAX_CELLS = 4_000_000
#: Shared texts of a workbook.
MAX_TEXTS = 2_000_000
#: The rows and cells of a part up to this many bytes are not counted: it can't exceed the limits.
SMALL_PART = 40 * 1024 * 1024
#: Patterns to search a sheet's XML for. A compiled pattern is twice as fast as a search for bytes.
_HIDDEN, _FORMULA, _ERROR, _ERROR_TOO = (re.compile(clue) for clue in (rb"""hidden=["'][1t]""", b"</f", b'"e"', b"'e'"))
#: Patterns to search the XML of an .ods document for.
_CLUES = re.compile(rb"collapse|error|table:formula|rows-spanned")
_ROW = re.compile(rb"<(?:\w+:)?row\b([^<>]*)>")
_CELL = re.compile(
    rb"<(?:\w+:)?(row|c)\b([^<>]*)>(?:\s*(<(?:\w+:)?f\b)[^<>]*?(?:/>|>([^<]*)</(?:\w+:)?f>))?"
    rb"(?:\s*<(?:\w+:)?v\b[^<>]*>([^<]*))?"
)
_REFERENCE = re.compile(rb"""\br=["']([A-Za-z]*)(\d{1,7})["']""")
_TYPE = re.compile(rb"""\bt=["'](\w+)["']""")
#: A formula whose result is known without calculation: nothing.
_NOTHING = re.compile(rb"\s*(?:\"\"|&quot;&quot;)\s*")
_HIDDEN_ATTRIBUTE = re.compile(rb"""\bhidden=["'](?:1|true)["']""")
_FILTER = re.compile(rb"<(?:\w+:)?autoFilter\b([^<>]*)>")
_FILTERED = re.compile(rb"<(?:\w+:)?filterColumn\b")
_AREA = re.compile(rb"""\bref=["']\$?[A-Za-z]+\$?(\d+):\$?[A-Za-z]+\$?(\d+)["']""")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^<>]*)>")
_COUNTED = re.compile(r"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^<>]*)>")


class SheetFlags:
    """What the library doesn't report of a sheet. Rows and columns count from 0.

    `hidden`: hidden rows. `faults`: texts of cells without a value by (row, column): "#N/A" for an error, "=…" for a
    formula without a result. `merged`: ranges as ((top, left), (bottom, right))."""

    __slots__ = ("faults", "hidden", "merged")

    def __init__(self) -> None:
        self.hidden: set[int] = set()
        self.faults: dict[tuple[int, int], str] = {}
        self.merged: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def fault(self, row: int, column: int, text: str) -> None:
        if len(self.faults) >= MAX_FAULTS:
            raise ReaderError("damaged")
        self.faults[row, column] = text


def pieces_without_dtd(archive: Archive, name: str) -> Iterator[bytes]:
    """The pieces of a part. Raises ReaderError if it has a DTD or declares entities: only an attack needs them."""
    for number, piece in enumerate(archive.pieces(name)):
        if number == 0 and (b"<!DOCTYPE" in piece or b"<!ENTITY" in piece):
            raise ReaderError("damaged")
        yield piece


def check_part(archive: Archive, name: str) -> None:
    """Check a part that is no sheet. Raises ReaderError if it has a DTD, or more than MAX_TEXTS shared texts: an empty
    one takes ten bytes in the file and ten times as much in the library."""
    texts = 0
    for piece in pieces_without_dtd(archive, name):
        texts += piece.count(b"<si") + piece.count(b":si>")
        if texts > MAX_TEXTS:
            raise ReaderError("unpacks")


def parts(archive: Archive) -> list[tuple[str, str]]:
    """(part, name) of each sheet in the order of the workbook; the part is "" if it is missing."""
    targets = _relations(archive, "xl/workbook.xml")
    sheets = []
    for sheet in _SHEET.finditer(archive.whole("xl/workbook.xml")):
        id_ = re.search(rb"""\bid=["']([^"']+)["']""", sheet[1])
        part = targets.get(id_[1], ("", ""))[1] if id_ else ""
        name = re.search(rb"""\bname=["']([^"']*)["']""", sheet[1])
        title = unescape(name[1].decode("utf-8", "replace")) if name else ""
        sheets.append((part if part in archive.entries else "", title))
    # Refuse a part that several sheets refer to: it would be read once for each.
    named = [part for part, _title in sheets if part]
    if len(named) != len(set(named)) or len(sheets) > len(archive.entries):
        raise ReaderError("damaged")
    return sheets


def _relations(archive: Archive, part: str) -> dict[bytes, tuple[str, str]]:
    """The relations of a part, by id: (type, name of the part referred to)."""
    relations = {}
    for relation in _RELATION.finditer(archive.whole(f"{dirname(part)}/_rels/{part.rsplit('/', 1)[-1]}.rels")):
        attributes = dict(re.findall(rb"""\b(Id|Type|Target)=["']([^"']*)["']""", relation[1]))
        target = unescape(attributes.get(b"Target", b"").decode("utf-8", "replace"))
        name = target[1:] if target.startswith("/") else normpath(join(dirname(part), target))
        relations[attributes.get(b"Id", b"")] = (attributes.get(b"Type", b"").decode("utf-8", "replace"), name)
    return relations


def sheet_flags(archive: Archive, part: str, name: str) -> SheetFlags:
    """The flags of an .xlsx sheet. Raises ReaderError if it has too many rows or cells."""
    flags, present, previous = SheetFlags(), set[str](), b""
    rows = cells = 0
    for piece in pieces_without_dtd(archive, part):
        text = previous + piece
        if archive.entries[part].file_size > SMALL_PART:
            rows, cells = rows + piece.count(b"<row"), cells + piece.count(b"<c ")
            if rows > MAX_ROWS or cells > MAX_CELLS:
                raise ReaderError("large", name)
        if _HIDDEN.search(text):
            present.add("rows")
        # Some programs write the element names with a prefix.
        prefixed = not previous and b"<worksheet" not in text[:65536]
        if prefixed or _FORMULA.search(text) or (b"#" in text and _ERROR.search(text)):
            present.add("cells")
        if b"'" in text and b"#" in text and _ERROR_TOO.search(text):
            present.add("cells")
        previous = piece[-16:]
    if present:
        _parse_sheet(archive, part, flags, cells="cells" in present)
    return flags


def _parse_sheet(archive: Archive, part: str, flags: SheetFlags, *, cells: bool) -> None:
    pattern, row, column, tail = (_CELL if cells else _ROW), -1, -1, b""
    for text in _rows(archive, part):
        tail = text
        for match in pattern.finditer(text):
            attributes = match[2] if cells else match[1]
            if not cells or match[1] == b"row":
                reference = _REFERENCE.search(attributes)
                row, column = (int(reference[2]) - 1 if reference else row + 1), -1
                if _HIDDEN_ATTRIBUTE.search(attributes):
                    flags.hidden.add(row)
                continue
            column += 1
            type_match = _TYPE.search(attributes) if b"t=" in attributes else None
            if match[3] is None and (type_match is None or type_match[1] != b"e"):
                continue
            fault = _fault(type_match[1] if type_match else b"", match[4], match[5])
            if fault:
                reference = _REFERENCE.search(attributes)
                cell = (int(reference[2]) - 1, _index(reference[1])) if reference and reference[1] else (row, column)
                flags.fault(*cell, fault)
    if flags.hidden:
        tables = (name for kind, name in _relations(archive, part).values() if kind.endswith("/table"))
        for text in (tail, *(archive.whole(name) for name in tables)):
            flags.hidden -= _filtered(text)


def _fault(kind: bytes, formula: bytes | None, value: bytes | None) -> str:
    """The text of a cell without a value: an error or a formula; "" for a cell with a value."""
    if kind == b"e":
        return (value or b"#N/A").decode("utf-8", "replace")[:20]
    if value or kind in {b"str", b"inlineStr"} or (formula is not None and _NOTHING.fullmatch(formula)):
        return ""
    return "=" + unescape((formula or b"\xe2\x80\xa6").decode("utf-8", "replace"))[:60]


def _rows(archive: Archive, part: str) -> Iterator[bytes]:
    """The part in pieces of whole rows; the last piece is what stands below the rows."""
    buffer = b""
    for piece in archive.pieces(part):
        buffer += piece
        cut = max(buffer.rfind(b"</row>"), buffer.rfind(b":row>"))
        if cut >= 0:
            cut = buffer.index(b">", cut) + 1
            yield buffer[:cut]
            buffer = buffer[cut:]
        elif len(buffer) > LONGEST_ROW:
            raise ReaderError("damaged")
    yield buffer


def _filtered(text: bytes) -> set[int]:
    """Rows in the range of an active filter, which may have hidden them: such rows are data."""
    area = _FILTER.search(text)
    ref = _AREA.search(area[1]) if area else None
    if area is None or ref is None or area[1].endswith(b"/"):
        return set()
    inside = text[area.end() :].partition(b"autoFilter>")[0]
    return set(range(int(ref[1]), min(int(ref[2]), MAX_ROW))) if _FILTERED.search(inside) else set()


def unescape(text: str) -> str:
    """Replace the predefined entities and numeric references of XML. html.unescape() knows far more than XML."""
    text = _COUNTED.sub(_counted, text)
    for name, character in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{name};", character)
    return text


def _counted(match: re.Match[str]) -> str:
    code = int(match[2]) if match[2] else int(match[1], 16)
    return chr(code) if code <= sys.maxunicode and not 0xD800 <= code < 0xE000 else "\ufffd"


def _index(letters: bytes) -> int:
    index = 0
    for letter in letters.upper():
        index = index * 26 + letter - 64
    return index - 1


def document_flags(archive: Archive) -> list[SheetFlags]:
    """The flags of each sheet of an .ods document."""
    previous, matched = b"", False
    for piece in pieces_without_dtd(archive, "content.xml"):
        matched = matched or _CLUES.search(previous + piece) is not None
        previous = piece[-16:]
    if not matched:
        return []
    # Imported only when needed, so that the process starts fast.
    from xml.parsers import expat  # noqa: PLC0415

    reader = _Document()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    try:
        for piece in pieces_without_dtd(archive, "content.xml"):
            parser.Parse(piece)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError):
        raise ReaderError("damaged") from None
    return reader.sheets


class _Document:
    """Handler of the XML events of an .ods document: tracks the current row and column."""

    def __init__(self) -> None:
        self.sheets: list[SheetFlags] = []
        self.row = self.column = self.depth = 0
        self.rows = 1
        self.faulty: list[tuple[int, int]] = []
        self.words = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self.depth += 1
            if self.depth == 1:
                self.sheets.append(SheetFlags())
                self.row = 0
        elif tag == "table:table-row" and self.sheets:
            self.rows = min(_count(attributes, "table:number-rows-repeated"), MAX_ROW)
            self.column = 0
            if attributes.get("table:visibility") == "collapse" and self.rows <= MAX_ROW - self.row:
                self.sheets[-1].hidden.update(range(self.row, self.row + min(self.rows, 10_000)))
        elif tag in {"table:table-cell", "table:covered-table-cell"} and self.sheets:
            self._cell(attributes)

    def _cell(self, attributes: dict[str, Any]) -> None:
        columns = _count(attributes, "table:number-columns-repeated")
        error = attributes.get("calcext:value-type") == "error"
        formula = attributes.get("table:formula", "").partition("=")[2]
        if error or (formula and formula.strip() != '""' and "office:value-type" not in attributes):
            self.words = "" if error else f"={formula[:60]}"
            self.faulty = [
                (row, column)
                for row in range(self.row, self.row + min(self.rows, 1_000))
                for column in range(self.column, self.column + min(columns, 300))
            ]
        if (height := _count(attributes, "table:number-rows-spanned")) > 1:
            right = self.column + _count(attributes, "table:number-columns-spanned") - 1
            self.sheets[-1].merged.append(((self.row, self.column), (self.row + height - 1, right)))
        self.column = min(self.column + columns, MAX_COLUMN)

    def text(self, words: str) -> None:
        if self.faulty and not self.words.startswith("="):
            self.words = (self.words + words)[:20]

    def end(self, tag: str) -> None:
        if tag == "table:table":
            self.depth -= 1
        elif tag == "table:table-row":
            self.row = min(self.row + self.rows, MAX_ROW)
        elif tag == "table:table-cell" and self.faulty:
            for cell in self.faulty:
                self.sheets[-1].fault(*cell, self.words.strip() or "#N/A")
            self.faulty = []


def _count(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(name, "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
