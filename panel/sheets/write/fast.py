"""The faster writer of long tables, an optional dependency. It writes the same cells as openpyxl; docs/benchmarks.md
has the times."""

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

#: Excel adds 5 pixels to a column's width; in characters of 7 pixels.
PADDING = 5 / 7
#: The number format of times of day: the library would write them as text, so they are written as fractions of a day.
CLOCK, DAY = Time.excel, timedelta(days=1)
EDGES = ("left", "right", "top", "bottom", "header", "footer")


def fits(header: Sequence[str]) -> bool:
    """Whether the library is installed and the labels are unique: it identifies columns by them."""
    return rust is not None and 0 < len(header) == len(set(header))


def write(target: Path | IO[bytes], page: Page, title: str) -> int:
    """Write a page of ready rows, at least one, and return the number of rows."""
    head = rust.Format().set_bold().set_pattern("solid").set_background_color(f"#{HEAD_COLOUR}")
    head = head.set_align("center").set_align("vcenter").set_text_wrap()
    number = 0
    clocks = [label for label, look in zip(page.header, page.column_styles(), strict=True) if look[0] == CLOCK]

    def records() -> Iterator[dict[str, Any]]:
        nonlocal number
        for row in page.rows:
            number += 1
            cells = dict(zip(page.header, row, strict=True))
            for label in clocks:
                if isinstance(value := cells[label], time):
                    cells[label] = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second) / DAY
            yield cells

    last = [{**dict.fromkeys(page.header), page.header[0]: page.footnote}] if page.footnote else []
    rust.write_worksheet(
        chain(records(), last),
        str(target) if isinstance(target, Path) else cast(BinaryIO, target),
        sheet_name=title,
        freeze_row=1,
        # The library's range would take in the footnote, which sorting would then move.
        autofilter=page.filtered and not page.footnote,
        header_format=head,
        row_heights={0: page.header_height()},
        column_formats=[_look(*look) for look in page.column_styles()],
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
