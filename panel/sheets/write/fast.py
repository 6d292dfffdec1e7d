"""The faster writer of bulk tables, used where it is installed. It writes the cells that openpyxl writes, in a fraction
of the time; docs/benchmarks.md tells how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time, timedelta
from itertools import chain
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from panel.kinds import Time
from panel.sheets.write.page import A4, HEAD_COLOUR, MARGINS, PAGE_OF, Page, print_words

try:
    import rustpy_xlsxwriter
except ImportError:
    rustpy_xlsxwriter = None  # type: ignore[assignment]

#: The library, if it is installed.
rust: Any = rustpy_xlsxwriter

#: What Excel adds to a width that is given in characters, at seven pixels a character.
PADDING = 5 / 7
#: The number format of times of day, which the library would write as text.
CLOCK, DAY = Time.excel, timedelta(days=1)
EDGES = ("left", "right", "top", "bottom", "header", "footer")


def fits(header: Sequence[str]) -> bool:
    """Whether it is there, and can tell the columns apart: it knows them by their labels."""
    return rust is not None and 0 < len(header) == len(set(header))


def write(target: Path | IO[bytes], page: Page, title: str) -> int:
    """Write a page of ready cells, of which there must be some. Gives the number of its rows."""
    head = rust.Format().set_bold().set_pattern("solid").set_background_color(f"#{HEAD_COLOUR}")
    head = head.set_align("center").set_align("vcenter").set_text_wrap()
    number = 0
    clocks = [label for label, look in zip(page.header, page.looks(), strict=True) if look[0] == CLOCK]

    def cells() -> Iterator[dict[str, Any]]:
        nonlocal number
        for row in page.rows:
            number += 1
            made = dict(zip(page.header, row, strict=True))
            for label in clocks:
                if isinstance(value := made[label], time):
                    made[label] = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second) / DAY
            yield made

    last = [{**dict.fromkeys(page.header), page.header[0]: page.footnote}] if page.footnote else []
    rust.write_worksheet(
        chain(cells(), last),
        str(target) if isinstance(target, Path) else cast(BinaryIO, target),
        sheet_name=title,
        freeze_row=1,
        header_format=head,
        row_heights={0: page.head_height()},
        column_formats=[_look(*look) for look in page.looks()],
        column_widths=[float(width) - PADDING for width in page.widths] or None,
        page_setup={
            "landscape": True,
            "paper_size": A4,
            "fit_to_pages": (page.pages_wide, 0),
            "repeat_rows": 0,
            **({"repeat_columns": 0} if page.pages_wide > 1 else {}),
            "print_gridlines": True,
            "margins": dict(zip(EDGES, MARGINS, strict=True)),
            "header": f"&C{print_words(page.title)}",
            "footer": f"&L{print_words(page.footnote)}&R{PAGE_OF}" if page.footnote else f"&R{PAGE_OF}",
        },
    )
    return number


def _look(number_format: str | None, align: str, wraps: bool) -> Any:
    look = rust.Format().set_align(align).set_align("vcenter")
    if wraps:
        look = look.set_text_wrap()
    return look.set_num_format(number_format) if number_format else look
