"""Kinds of values. Each has one pair of parse() and format(), used for forms, pages and workbooks alike.

parse() takes what was typed or a cell holds (str, int, float, bool, date, datetime or None) and returns the stored
value, or None for a blank. It raises Invalid, with a sentence for the user, for anything else. format() is its inverse:
parse(format(value)) == value.
"""

from panel.kinds.base import (
    EXACT,
    EXCEL_EPOCH,
    ZONE,
    Choices,
    Invalid,
    Kind,
    Moments,
    Reading,
    digits,
    narrow,
    now,
    number_of,
    printable,
    tidy,
    today,
    visible,
)
from panel.kinds.cell_words import Word, word_of
from panel.kinds.choices import Choice, Data, Label, Many, Reference
from panel.kinds.clock import Time
from panel.kinds.names import ERASED, OTHER_DOTS, FullName, PersonName, key_of, one_dot
from panel.kinds.numbers import Amount, Flag, Level, Whole
from panel.kinds.sql import minute
from panel.kinds.times import Day, Moment, to_minute
from panel.kinds.words import Code, Email, Link, Mobile, Phone, Place, Telephone, Text

__all__ = [
    "ERASED",
    "EXACT",
    "EXCEL_EPOCH",
    "OTHER_DOTS",
    "ZONE",
    "Amount",
    "Choice",
    "Choices",
    "Code",
    "Data",
    "Day",
    "Email",
    "Flag",
    "FullName",
    "Invalid",
    "Kind",
    "Label",
    "Level",
    "Link",
    "Many",
    "Mobile",
    "Moment",
    "Moments",
    "PersonName",
    "Phone",
    "Place",
    "Reading",
    "Reference",
    "Telephone",
    "Text",
    "Time",
    "Whole",
    "Word",
    "digits",
    "key_of",
    "minute",
    "narrow",
    "now",
    "number_of",
    "one_dot",
    "printable",
    "tidy",
    "to_minute",
    "today",
    "visible",
    "word_of",
]
