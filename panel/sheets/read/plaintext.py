"""Read tables from text: CSV, and HTML pages, which some systems export as .xls. Runs in the reader process."""

from __future__ import annotations

import codecs
import csv
import io
import re
from importlib import import_module
from typing import Any

from panel.sheets.read.reader_errors import ReaderError
from panel.sheets.read.xlsx_flags import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, SheetFlags

#: Characters that Excel allows in a cell.
LONGEST_CELL = 32_767
#: Levels of nested HTML elements.
DEEPEST = 200
SHEET = "Sheet1"
#: A line that is appended to a CSV, to see whether it is read as a line.
LAST_LINE = "\x1e"
_DELIMITERS = ",;\t"
_STRANGE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff]")
_CHARSET = re.compile(rb"""charset\s*=\s*["']?([\w-]{2,20})""", re.I)
#: A formula that systems write to keep Excel from reading a number: ="00123".
_QUOTED = re.compile(r'="([^"]*)"')
_MARKUP = re.compile(r"\s*<(!doctype html|!--|html|head|meta|style|body|table|div|center|tr)\b", re.I)
_DISPLAY_NONE = re.compile(r"display\s*:\s*none", re.I)

#: Name, rows and flags.
Table = tuple[str, list[list[Any]], SheetFlags]


def tables(data: bytes) -> list[Table]:
    """The tables of a text. Raises ReaderError if the data is no text or has no table."""
    if data.startswith(b"ID;") and b"\nC;" in data[:4096].replace(b"\r", b"\n"):
        raise ReaderError("sylk")
    if (
        re.match(rb"\s*(MIME-Version|From|Date|Subject|Content-Type):", data[:200], re.I)
        and b"multipart/" in data[:4096]
    ):
        raise ReaderError("mht")
    text = _decoded(data)
    if "\x00" in text or 100 * len(_STRANGE.findall(text)) > len(text) + 100:
        raise ReaderError("none")
    if _MARKUP.match(text):
        return _web_tables(text)
    if text.lstrip()[:1] in {"<", "{", "%"}:
        raise ReaderError("none")
    return [(SHEET, _csv_rows(text), SheetFlags())]


def _decoded(data: bytes) -> str:
    """Decode by the byte order mark, the charset that an HTML page declares, or else as UTF-8 or GB18030."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        names = ["utf-16"]
    else:
        charset = _CHARSET.search(data[:2048]) if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" else None
        name = charset[1].decode().lower() if charset else ""
        names = ["gb18030"] if name in {"gb2312", "gbk", "gb18030"} else []
        names += ["utf-8-sig", "gb18030"]
        if name.startswith("big5") or _is_big5(data):
            raise ReaderError("big5")
    for name in names:
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    raise ReaderError("none")


def _is_big5(data: bytes) -> bool:
    """Whether a text is in the code of traditional Chinese, which would decode to other characters: the second byte of
    its characters is often below 0x80, that of simplified ones hardly ever."""
    try:
        data.decode("utf-8")
        return False
    except UnicodeDecodeError:
        pass
    pairs = re.findall(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]", data[:200_000])
    low = sum(pair[1] < 0x80 for pair in pairs)
    if 5 * low < len(pairs):
        return False
    try:
        data[:200_000].decode("big5hkscs", "strict")
    except UnicodeDecodeError as error:
        return len(data) > 200_000 and error.start > 199_990
    return True


def _csv_rows(text: str) -> list[list[Any]]:
    csv.field_size_limit(LONGEST_CELL)
    rows: list[list[Any]] = []
    cells = width = 0
    line = start = 1
    if text[:4].lower() == "sep=" and text[4:5]:
        delimiter, _line, text = text[4], *text.partition("\n")[::2]
        line = start = 2
    else:
        delimiter = _delimiter(text)
    # A quotation mark that is never closed swallows the last line.
    ended = text if text.endswith(("\n", "\r")) or not text else f"{text}\n"
    reader = csv.reader(io.StringIO(ended + LAST_LINE, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            cells += len(row)
            if len(rows) > MAX_ROWS or len(row) > MAX_COLUMNS or cells > MAX_CELLS:
                raise ReaderError("large", SHEET)
            start, line = line, reader.line_num + 1
            width = max(width, len(row))
            if line > start + 1 and len(row) < width and _holds_rows(row, delimiter, width):
                raise ReaderError("quote", str(start))
            rows.append([quoted[1] if (quoted := _QUOTED.fullmatch(cell)) else cell for cell in row])
    except csv.Error:
        raise ReaderError("quote" if reader.line_num > line else "damaged", str(line)) from None
    if rows.pop() != [LAST_LINE]:
        raise ReaderError("quote", str(start))
    return rows


def _holds_rows(row: list[str], delimiter: str, width: int) -> bool:
    """Whether a cell holds whole lines of a table of this width: a quotation mark before them is closed too late."""
    return any(inner.count(delimiter) == width - 1 for cell in row for inner in cell.splitlines()[1:-1])


def _delimiter(text: str) -> str:
    """The delimiter of a CSV: the character that most of the first lines have the same number of."""
    head = re.sub(r'"[^"]*"', "", text[:20_000])
    lines = [line for line in head.splitlines()[:20] if line.strip()]
    if len(lines) > 1 and len(text) > 20_000:
        lines.pop()

    def score(character: str) -> tuple[int, int]:
        counts = [line.count(character) for line in lines]
        usual = max(counts, key=counts.count, default=0) or max(counts, default=0)
        return (counts.count(usual) if usual else 0), usual

    return max(_DELIMITERS, key=score)


def _web_tables(text: str) -> list[Table]:
    etree = import_module("lxml.etree")  # only where it is needed

    page = _Page()
    parser = etree.HTMLParser(target=page, no_network=True, huge_tree=False)
    try:
        for at in range(0, len(text), 65536):
            parser.feed(text[at : at + 65536])
        parser.close()
    except etree.LxmlError:
        raise ReaderError("damaged") from None
    filled = [table for table in page.tables if table[1]]
    if not filled:
        raise ReaderError("none")
    return filled


class _Page:
    """Parser target that collects the tables of an HTML page. A table inside a cell is text of that cell."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.depth = self.nested = self.cells = 0
        self.words: list[str] | None = None
        self.length = 0
        #: Columns that a cell with a rowspan covers, and in how many more rows.
        self.covered: dict[int, int] = {}

    def start(self, tag: str, attributes: Any) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ReaderError("damaged")
        if tag == "table":
            self.nested += 1
            if self.nested == 1:
                self.tables.append((f"Sheet{len(self.tables) + 1}", [], SheetFlags()))
                self.covered = {}
            return
        if self.nested == 1 and tag == "tr":
            self._row(attributes)
        elif self.nested == 1 and tag in {"td", "th"}:
            self._cell(attributes)
        elif tag == "br" and self.words is not None:
            self.words.append("\n")

    def _row(self, attributes: Any) -> None:
        name, rows, flags = self.tables[-1]
        self._finish()
        if len(rows) >= MAX_ROWS:
            raise ReaderError("large", name)
        if _DISPLAY_NONE.search(attributes.get("style") or ""):
            flags.hidden.add(len(rows))
        self.covered = {column: rows_left - 1 for column, rows_left in self.covered.items() if rows_left > 1}
        rows.append([])
        self._skip()

    def _cell(self, attributes: Any) -> None:
        name, rows, flags = self.tables[-1]
        self._finish()
        if not rows:
            rows.append([])
        row = rows[-1]
        width, height = _span(attributes.get("colspan")), _span(attributes.get("rowspan"))
        column = len(row)
        self.cells += width
        if column + width > MAX_COLUMNS or self.cells > MAX_CELLS:
            raise ReaderError("large", name)
        row += [None] * width
        if height > 1:
            flags.merged.append(((len(rows) - 1, column), (len(rows) + min(height, MAX_ROWS) - 2, column + width - 1)))
            self.covered |= dict.fromkeys(range(column, column + width), height)
        self.words, self.length, self.place = [], 0, column

    def _skip(self) -> None:
        """Add empty cells where a cell above covers the column."""
        row = self.tables[-1][1][-1]
        while len(row) in self.covered and len(row) < MAX_COLUMNS:
            row.append(None)
            self.cells += 1

    def _finish(self) -> None:
        if self.words is not None:
            row = self.tables[-1][1][-1]
            text = "\n".join(" ".join(line.split()) for line in "".join(self.words).split("\n")).strip()
            row[self.place] = text or None
            self.words = None
            self._skip()

    def data(self, words: str) -> None:
        if self.words is not None:
            self.length += len(words)
            if self.length > LONGEST_CELL:
                raise ReaderError("damaged")
            self.words.append(words if self.nested > 1 else words.replace("\n", " "))

    def end(self, tag: str) -> None:
        self.depth -= 1
        if tag == "table":
            if self.nested == 1:
                self._finish()
            self.nested -= 1
        elif self.nested == 1 and tag in {"td", "th", "tr"}:
            self._finish()

    def close(self) -> None:
        return None


def _span(text: str | None) -> int:
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 7 else 1
