"""Ids of records as text gives them: in addresses, forms, files and commands."""

from __future__ import annotations

import re

#: The largest number that an id column of any database holds.
HIGHEST = 2**31 - 1
_DIGITS = re.compile("[0-9]+")


def parse(raw: object) -> int | None:
    """The id that a text says; None for what is none. Whether there is such a record is asked elsewhere."""
    found = number(raw, 0)
    return found if 0 < found <= HIGHEST and str(raw).strip() else None


def number(raw: object, default: int) -> int:
    """A whole number of an address that is no id, such as a page; one too large is as good as the largest."""
    text = str(raw).strip()
    if not _DIGITS.fullmatch(text):
        return default
    return int(text) if len(text) <= len(str(HIGHEST)) else HIGHEST + 1


def version(raw: object) -> int | None:
    """The version of a record that a form was opened with: None if the form says none, 0 (no record's) if what it says
    can't be read."""
    return (parse(raw) or 0) if raw is not None and str(raw).strip() else None
