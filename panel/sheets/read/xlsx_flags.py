"""What the reading library doesn't tell of a zipped workbook's sheets: hidden rows, cells that hold an error, formulas
that were never calculated. Looked for in the sheet's own XML, and only where it holds a clue."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from posixpath import dirname, join, normpath
from typing import Any

from panel.sheets.read.archive import Archive
from panel.sheets.read.reader_errors import ReaderError

#: A row of XML longer than this is no row of an office.
LONGEST_ROW = 8 * 1024 * 1024
#: Repeated rows and cells are followed no further than Excel's own limits.
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
MAX_FAULTS = 500_000
#: What a sheet may hold, whatever kind of file it comes from; a part up to FEW bytes holds no more.
MAX_ROWS = 200_000
MAX_COLUMNS = 300
MAX_CELLS = 4_000_000
#: Texts that the cells of a workbook share.
MAX_TEXTS = 2_000_000
FEW = 40 * 1024 * 1024
#: Clues in a sheet's XML. Searching a pattern is twice as fast as looking for plain bytes.
_HIDDEN, _FORMULA, _ERROR, _ERROR_TOO = (re.compile(clue) for clue in (rb"""hidden=["'][1t]""", b"</f", b'"e"', b"'e'"))
#: Clues in a document's XML.
_CLUES = re.compile(rb"collapse|error|table:formula|rows-spanned")
_ROW = re.compile(rb"<(?:\w+:)?row\b([^<>]*)>")
_CELL = re.compile(
    rb"<(?:\w+:)?(row|c)\b([^<>]*)>(?:\s*(<(?:\w+:)?f\b)[^<>]*?(?:/>|>([^<]*)</(?:\w+:)?f>))?"
    rb"(?:\s*<(?:\w+:)?v\b[^<>]*>([^<]*))?"
)
_PLACE = re.compile(rb"""\br=["']([A-Za-z]*)(\d{1,7})["']""")
_TYPE = re.compile(rb"""\bt=["'](\w+)["']""")
_UNSEEN = re.compile(rb"""\bhidden=["'](?:1|true)["']""")
_FILTER = re.compile(rb"<(?:\w+:)?autoFilter\b([^<>]*)>")
_FILTERED = re.compile(rb"<(?:\w+:)?filterColumn\b")
_AREA = re.compile(rb"""\bref=["']\$?[A-Za-z]+\$?(\d+):\$?[A-Za-z]+\$?(\d+)["']""")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^<>]*)>")
_COUNTED = re.compile(r"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^<>]*)>")


class SheetFlags:
    """Of a sheet, all counted from 0: rows that are hidden; texts of cells that have no value, by row and column
    ("#N/A" for an error, "=…" for a formula without a value); merged ranges, where the library doesn't tell them."""

    __slots__ = ("faults", "hidden", "merged")

    def __init__(self) -> None:
        self.hidden: set[int] = set()
        self.faults: dict[tuple[int, int], str] = {}
        self.merged: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def fault(self, row: int, column: int, text: str) -> None:
        if len(self.faults) >= MAX_FAULTS:
            raise ReaderError("damaged")
        self.faults[row, column] = text


def undeclared(archive: Archive, name: str) -> Iterator[bytes]:
    """The pieces of a part that must not declare what its words stand for: nobody but an attacker does."""
    for number, piece in enumerate(archive.pieces(name)):
        if number == 0 and (b"<!DOCTYPE" in piece or b"<!ENTITY" in piece):
            raise ReaderError("damaged")
        yield piece


def hold_to_limits(archive: Archive, name: str) -> None:
    """Read a part that is no sheet. Refusal for one that declares what its words stand for, or that holds more texts
    than a library has room for: an empty one takes ten bytes here and ten times as much there."""
    texts = 0
    for piece in undeclared(archive, name):
        texts += piece.count(b"<si") + piece.count(b":si>")
        if texts > MAX_TEXTS:
            raise ReaderError("unpacks")


def parts(archive: Archive) -> list[tuple[str, str]]:
    """The part of each sheet and its name, in the order of the workbook; "" for a part that isn't there."""
    targets = _relations(archive, "xl/workbook.xml")
    found = []
    for sheet in _SHEET.finditer(archive.whole("xl/workbook.xml")):
        id_ = re.search(rb"""\bid=["']([^"']+)["']""", sheet[1])
        part = targets.get(id_[1], ("", ""))[1] if id_ else ""
        name = re.search(rb"""\bname=["']([^"']*)["']""", sheet[1])
        called = unescape(name[1].decode("utf-8", "replace")) if name else ""
        found.append((part if part in archive.entries else "", called))
    # A part that is many sheets is read as many times.
    named = [part for part, _called in found if part]
    if len(named) != len(set(named)) or len(found) > len(archive.entries):
        raise ReaderError("damaged")
    return found


def _relations(archive: Archive, part: str) -> dict[bytes, tuple[str, str]]:
    """What a part refers to: by id, the kind of thing and its name."""
    found = {}
    for relation in _RELATION.finditer(archive.whole(f"{dirname(part)}/_rels/{part.rsplit('/', 1)[-1]}.rels")):
        given = dict(re.findall(rb"""\b(Id|Type|Target)=["']([^"']*)["']""", relation[1]))
        target = unescape(given.get(b"Target", b"").decode("utf-8", "replace"))
        name = target[1:] if target.startswith("/") else normpath(join(dirname(part), target))
        found[given.get(b"Id", b"")] = (given.get(b"Type", b"").decode("utf-8", "replace"), name)
    return found


def of_sheet(archive: Archive, part: str, name: str) -> SheetFlags:
    """The marks of an .xlsx sheet. Refusal for one that holds more than can be read."""
    marks, seen, last = SheetFlags(), set[str](), b""
    rows = cells = 0
    for piece in undeclared(archive, part):
        text = last + piece
        if archive.entries[part].file_size > FEW:
            rows, cells = rows + piece.count(b"<row"), cells + piece.count(b"<c ")
            if rows > MAX_ROWS or cells > MAX_CELLS:
                raise ReaderError("large", name)
        if _HIDDEN.search(text):
            seen.add("rows")
        # The names of some programs' elements have a prefix.
        prefixed = not last and b"<worksheet" not in text[:65536]
        if prefixed or _FORMULA.search(text) or (b"#" in text and _ERROR.search(text)):
            seen.add("cells")
        if b"'" in text and b"#" in text and _ERROR_TOO.search(text):
            seen.add("cells")
        last = piece[-16:]
    if seen:
        _mark(archive, part, marks, cells="cells" in seen)
    return marks


def _mark(archive: Archive, part: str, marks: SheetFlags, *, cells: bool) -> None:
    pattern, row, column, tail = (_CELL if cells else _ROW), -1, -1, b""
    for text in _rows(archive, part):
        tail = text
        for found in pattern.finditer(text):
            attributes = found[2] if cells else found[1]
            if not cells or found[1] == b"row":
                place = _PLACE.search(attributes)
                row, column = (int(place[2]) - 1 if place else row + 1), -1
                if _UNSEEN.search(attributes):
                    marks.hidden.add(row)
                continue
            column += 1
            kind = _TYPE.search(attributes) if b"t=" in attributes else None
            if found[3] is None and (kind is None or kind[1] != b"e"):
                continue
            text_of = _fault(kind[1] if kind else b"", found[4], found[5])
            if text_of:
                place = _PLACE.search(attributes)
                at = (int(place[2]) - 1, _index(place[1])) if place and place[1] else (row, column)
                marks.fault(*at, text_of)
    if marks.hidden:
        tables = (name for kind, name in _relations(archive, part).values() if kind.endswith("/table"))
        for text in (tail, *(archive.whole(name) for name in tables)):
            marks.hidden -= _filtered(text)


def _fault(kind: bytes, formula: bytes | None, value: bytes | None) -> str:
    """What to show of a cell that has no value; "" for one that has."""
    if kind == b"e":
        return (value or b"#N/A").decode("utf-8", "replace")[:20]
    if value or kind in {b"str", b"inlineStr"}:
        return ""
    return "=" + unescape((formula or b"\xe2\x80\xa6").decode("utf-8", "replace"))[:60]


def _rows(archive: Archive, part: str) -> Iterator[bytes]:
    """The part, cut only between rows; the last piece is all that stands below them."""
    kept = b""
    for piece in archive.pieces(part):
        kept += piece
        cut = max(kept.rfind(b"</row>"), kept.rfind(b":row>"))
        if cut >= 0:
            cut = kept.index(b">", cut) + 1
            yield kept[:cut]
            kept = kept[cut:]
        elif len(kept) > LONGEST_ROW:
            raise ReaderError("damaged")
    yield kept


def _filtered(text: bytes) -> set[int]:
    """Rows that a filter in use may have hidden: they are data like the others."""
    area = _FILTER.search(text)
    ref = _AREA.search(area[1]) if area else None
    if area is None or ref is None or area[1].endswith(b"/"):
        return set()
    inside = text[area.end() :].partition(b"autoFilter>")[0]
    return set(range(int(ref[1]), min(int(ref[2]), MAX_ROW))) if _FILTERED.search(inside) else set()


def unescape(text: str) -> str:
    """The characters that XML names or counts; `html` would bring thousands."""
    text = _COUNTED.sub(_counted, text)
    for name, character in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{name};", character)
    return text


def _counted(found: re.Match[str]) -> str:
    code = int(found[2]) if found[2] else int(found[1], 16)
    return chr(code) if code <= sys.maxunicode and not 0xD800 <= code < 0xE000 else "\ufffd"


def _index(letters: bytes) -> int:
    index = 0
    for letter in letters.upper():
        index = index * 26 + letter - 64
    return index - 1


def of_document(archive: Archive) -> list[SheetFlags]:
    """The marks of each sheet of an .ods document."""
    last, clues = b"", False
    for piece in undeclared(archive, "content.xml"):
        clues = clues or _CLUES.search(last + piece) is not None
        last = piece[-16:]
    if not clues:
        return []
    # Loaded where it is needed: what starts for each file should start soon.
    from xml.parsers import expat  # noqa: PLC0415

    reader = _Document()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    try:
        for piece in undeclared(archive, "content.xml"):
            parser.Parse(piece)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError):
        raise ReaderError("damaged") from None
    return reader.sheets


class _Document:
    """Follows the rows and cells of a document as they come."""

    def __init__(self) -> None:
        self.sheets: list[SheetFlags] = []
        self.row = self.column = self.depth = 0
        self.rows = 1
        self.faulty: list[tuple[int, int]] = []
        self.words = ""

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag == "table:table":
            self.depth += 1
            if self.depth == 1:
                self.sheets.append(SheetFlags())
                self.row = 0
        elif tag == "table:table-row" and self.sheets:
            self.rows = min(_count(given, "table:number-rows-repeated"), MAX_ROW)
            self.column = 0
            if given.get("table:visibility") == "collapse" and self.rows <= MAX_ROW - self.row:
                self.sheets[-1].hidden.update(range(self.row, self.row + min(self.rows, 10_000)))
        elif tag in {"table:table-cell", "table:covered-table-cell"} and self.sheets:
            self._cell(given)

    def _cell(self, given: dict[str, Any]) -> None:
        columns = _count(given, "table:number-columns-repeated")
        error = given.get("calcext:value-type") == "error"
        if error or ("table:formula" in given and "office:value-type" not in given):
            self.words = "" if error else "=" + given["table:formula"].partition("=")[2][:60]
            self.faulty = [
                (row, column)
                for row in range(self.row, self.row + min(self.rows, 1_000))
                for column in range(self.column, self.column + min(columns, 300))
            ]
        if (high := _count(given, "table:number-rows-spanned")) > 1:
            right = self.column + _count(given, "table:number-columns-spanned") - 1
            self.sheets[-1].merged.append(((self.row, self.column), (self.row + high - 1, right)))
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
            for place in self.faulty:
                self.sheets[-1].fault(*place, self.words.strip() or "#N/A")
            self.faulty = []


def _count(given: dict[str, str], name: str) -> int:
    text = given.get(name, "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
