"""Read files as sheets of plain cells, within limits, and write sheets of typed cells as .xlsx or CSV."""

from panel.sheets.read.reader import (
    MAX_BYTES,
    TOO_LARGE,
    Book,
    Line,
    ProtectedFile,
    Sheet,
    UnreadableCell,
    UnreadableFile,
    read,
)
from panel.sheets.read.unlock import unlock
from panel.sheets.write.csv_file import write_csv
from panel.sheets.write.page import FormColumn, MarkedCell, Page, lines_of, text_cell
from panel.sheets.write.tables import form, write

__all__ = [
    "MAX_BYTES",
    "TOO_LARGE",
    "Book",
    "FormColumn",
    "Line",
    "MarkedCell",
    "Page",
    "ProtectedFile",
    "Sheet",
    "UnreadableCell",
    "UnreadableFile",
    "form",
    "lines_of",
    "read",
    "text_cell",
    "unlock",
    "write",
    "write_csv",
]
