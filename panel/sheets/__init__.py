"""Workbooks in and out: any workbook becomes sheets of plain cells, within limits; what is written is typed."""

from panel.sheets.reading import MAX_BYTES, TOO_LARGE, Book, Fault, Line, Sheet, Unreadable, read
from panel.sheets.writing import FormColumn, Page, Written, form, write

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
    "read",
    "write",
]
