"""Parse record ids and other numbers from addresses, forms, files and commands."""

from __future__ import annotations

import re

#: The largest id that every supported database can store.
HIGHEST = 2**31 - 1
_DIGITS = re.compile("[0-9]+")


def parse(raw: object) -> int | None:
    """The id in a text, from 1 to HIGHEST; None if it is none. The record may not exist."""
    id_ = number(raw, 0)
    return id_ if 0 < id_ <= HIGHEST and str(raw).strip() else None


def number(raw: object, default: int) -> int:
    """A number that is no id, such as a page; `default` if the text is none. Too large numbers become HIGHEST + 1."""
    text = str(raw).strip()
    if not _DIGITS.fullmatch(text):
        return default
    return int(text) if len(text) <= len(str(HIGHEST)) else HIGHEST + 1


def version(raw: object) -> int | None:
    """The record version that a form was opened with: None if it is missing, 0 (no record's version) if it is
    invalid."""
    return (parse(raw) or 0) if raw is not None and str(raw).strip() else None
