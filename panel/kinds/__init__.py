"""Kinds of value: one pair parse/format each, used alike by forms, pages and Excel.

parse() takes what a person typed or a cell held (str, int, float, bool, date, datetime or None), gives the
stored value, None for a blank, and raises Invalid, with a sentence for the user, for anything else.
format() is its inverse: parse(format(value)) == value.
"""

from panel.kinds.base import (
    EXACT,
    EXCEL_EPOCH,
    ZONE,
    Choices,
    Invalid,
    Kind,
    Moments,
    digits,
    narrow,
    now,
    number_of,
    printable,
    tidy,
    today,
)
from panel.kinds.choices import Choice, Data, Label, Many, Reference
from panel.kinds.clock import Time
from panel.kinds.numbers import Amount, Flag, Level, Whole
from panel.kinds.times import Day, Moment, to_minute
from panel.kinds.words import Code, Email, Link, Mobile, PersonName, Place, Telephone, Text

__all__ = [
    "EXACT",
    "EXCEL_EPOCH",
    "ZONE",
    "Amount",
    "Choice",
    "Choices",
    "Code",
    "Data",
    "Day",
    "Email",
    "Flag",
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
    "Place",
    "Reference",
    "Telephone",
    "Text",
    "Time",
    "Whole",
    "digits",
    "narrow",
    "now",
    "number_of",
    "printable",
    "tidy",
    "to_minute",
    "today",
]
