"""Write tables as CSV for Excel: with a byte order mark for Chinese, and with risky texts kept as text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from panel.sheets.write.page import Page

#: Texts that a spreadsheet would run as a formula or change as a number (leading zeros, more than 11 digits). A tab in
#: front keeps them text; an import drops it with other outer white space.
_RISKY = re.compile(r"[=+\-@\t\r\n＝＋－＠]|0\d+$|\d{12,}$")
TAB = "\t"


def write_csv(target: Path | IO[bytes], page: Page) -> int:
    """Write a page of ready rows, row by row, and return the number of rows."""
    if isinstance(target, Path):
        with target.open("wb") as file:
            return write_csv(file, page)
    text = TextIOWrapper(target, encoding="utf-8-sig", newline="")
    try:
        writer = csv.writer(text)
        writer.writerow(_line(page.header))
        count = 0
        for count, row in enumerate(page.rows, start=1):  # noqa: B007 - counted while written
            writer.writerow(_line(row))
        if page.footnote:
            writer.writerow(_line([page.footnote]))
        text.flush()
    finally:
        text.detach()
    return count


def _line(row: Sequence[Any] | Iterable[Any]) -> Iterator[Any]:
    for value in row:
        if isinstance(value, str):
            yield TAB + value if _RISKY.match(value) else value
        elif isinstance(value, datetime):
            yield f"{value:%Y-%m-%d %H:%M:%S}" if value.second else f"{value:%Y-%m-%d %H:%M}"
        elif isinstance(value, time):
            yield f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
        else:
            yield value.isoformat() if isinstance(value, date) else value
