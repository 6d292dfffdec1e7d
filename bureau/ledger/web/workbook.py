"""The monthly ledger as a workbook to print and sign: the cases, their summary with a chart, figures by community."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from bureau.ledger.rows import COLUMNS, CORRECTED, LedgerRow
from bureau.ledger.submission import Correction
from bureau.ledger.totals import TOTAL, LedgerCounts, Totals
from bureau.ledger.web import totals_sheet
from bureau.printing import pen as printing
from bureau.printing.paper import CENTRE, CODE, DATE, LEFT, TEXT, Heading, Value, height_of, letters
from bureau.printing.pen import Pen
from models import Basis
from panel.sheets import lines_of

SHEET = "案件台账"
CORRECTIONS = "更正（已上报台账中的案件，上报后有变更的内容）"
#: How the first cell of a list's subtotal ends.
SUBTOTAL = "小计"

#: Width and style of each printed column.
LAYOUT: tuple[tuple[float, str], ...] = (
    (4.2, CENTRE),
    (12.2, CODE),
    (13.2, DATE),
    (8.2, CENTRE),
    (6.9, CENTRE),
    (8.4, CENTRE),
    (12, LEFT),
    (3.9, CENTRE),
    (11, LEFT),
    (20, TEXT),
    (5.3, CENTRE),
    (5.3, CENTRE),
    (6.9, CENTRE),
    (6.9, CENTRE),
    (6.9, CENTRE),
    (18, TEXT),
    (13.2, DATE),
    (13.2, DATE),
    # Below it stands a number of the totals, such as 12件.
    (5, CENTRE),
    (13.2, DATE),
    (6.9, CENTRE),
    (6.9, CENTRE),
)
#: From where to where the parts of the correction rows reach, counted from 0.
CORRECTION_SPANS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 9), (10, 21))
#: Of each printed column.
ROOM = tuple(letters(width) for width, _style in LAYOUT)


def write(
    target: Path | IO[bytes],
    heading: Heading,
    rows: Iterable[LedgerRow],
    corrections: Sequence[Correction] = (),
    basis: Basis = Basis.ACCEPTED,
) -> Totals:
    """Write the ledger, row by row as they come, then what they add up to. Gives what was counted."""
    book = printing.book(heading)
    tally = Totals()
    styles = [style for _width, style in LAYOUT]
    pen = Pen(book, SHEET, [width for width, _style in LAYOUT], header_rows=3)
    pen.head(heading)
    pen.row(COLUMNS, ["header"] * len(COLUMNS), height=30)
    for row in rows:
        tally.add(row)
        cells = row.cells()
        most = max(lines_of(value, room) for value, room in zip(cells, ROOM, strict=True) if isinstance(value, str))
        pen.row(cells, styles, height=height_of(most))
    kinds = tally.lists()
    for kind in kinds if len(kinds) > 1 else ():
        _totals(pen, (kind or totals_sheet.NO_LIST).removesuffix("清单") + SUBTOTAL, tally.figures_of(kind=kind), 31)
    _totals(pen, TOTAL, tally.figures, 24)
    _corrections(pen, corrections)
    pen.signatures(heading)
    pen.done()
    totals_sheet.summary(book, heading, tally)
    totals_sheet.communities(book, heading, tally, basis)
    book.save(target)
    return tally


def _totals(pen: Pen, label: str, figures: LedgerCounts, height: float) -> None:
    """Labels and plain numbers side by side: nothing to work out, nothing to go wrong."""
    values: list[Value] = [label]
    styles = ["total"]
    for name, number in figures.printed():
        values += [name, number]
        styles += ["label", "count"]
    blank = pen.width - len(values)
    pen.row([*values, *[None] * blank], [*styles, *["total"] * blank], height=height)


def _corrections(pen: Pen, corrections: Sequence[Correction]) -> None:
    if not corrections:
        return
    pen.spans([(0, pen.width - 1, CORRECTIONS)], "section", height=22)
    labels = (COLUMNS[0], *CORRECTED)
    pen.spans([(a, b, label) for (a, b), label in zip(CORRECTION_SPANS, labels, strict=True)], "header")
    for number, one in enumerate(corrections, 1):
        values: tuple[Value, ...] = (number, one.case_no, one.month, one.column, one.before or None, one.after or None)
        parts = [(a, b, value) for (a, b), value in zip(CORRECTION_SPANS, values, strict=True)]
        most = max(lines_of(str(value), letters(sum(pen.widths[a : b + 1]))) for a, b, value in parts if value)
        pen.spans(parts, "left", height=height_of(most))
