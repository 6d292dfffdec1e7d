"""Workbooks in and out: any workbook becomes sheets of plain cells, within limits; what is written is typed."""

from panel.sheets.commas import write_csv
from panel.sheets.page import FormColumn, Page, Written, lines_of, text_cell
from panel.sheets.reading import MAX_BYTES, TOO_LARGE, Book, Fault, Line, Sheet, Unreadable, read
from panel.sheets.tables import form, write

__all__ = [
    "MAX_BYTES",
    "TOO_LARGE",
    "Book",
    "Fault",
    "FormColumn",
    "Line",
    "Page",
    "Sheet",
    "Unreadable",
    "Written",
    "form",
    "lines_of",
    "read",
    "text_cell",
    "write",
    "write_csv",
]
