"""Tables as CSV that Excel opens as they are: Chinese by a byte order mark, and text that stays text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from panel.sheets.write.page import Page

#: What a spreadsheet would run as a formula, or turn into a number that is another one: a leading zero lost, more
#: digits than it shows. A tab before it keeps it text; whoever reads the file back drops white space at the ends.
_RISKY = re.compile(r"[=+\-@\t\r\n＝＋－＠]|0\d+$|\d{12,}$")
TAB = "\t"


def write_csv(target: Path | IO[bytes], page: Page) -> int:
    """Write a page of ready cells, row by row. Gives the number of its rows."""
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
