"""The workbook of a monthly ledger: cases, summary with a chart, figures by community."""

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
CORRECTIONS = "更正（已报送台账中的案件，报送后有变更的内容）"
#: Suffix of a list's subtotal label.
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
    # Wide enough for a number of the total row, such as 12件.
    (5, CENTRE),
    (13.2, DATE),
    (6.9, CENTRE),
    (6.9, CENTRE),
)
#: First and last column of each part of a correction row, counted from 0.
CORRECTION_SPANS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 9), (10, 21))
#: Characters that fit into a line of each column.
ROOM = tuple(letters(width) for width, _style in LAYOUT)


def write(
    target: Path | IO[bytes],
    heading: Heading,
    rows: Iterable[LedgerRow],
    corrections: Sequence[Correction] = (),
    basis: Basis = Basis.ACCEPTED,
) -> Totals:
    """Write the workbook row by row, then its totals, and return the totals."""
    book = printing.book(heading)
    totals = Totals()
    styles = [style for _width, style in LAYOUT]
    pen = Pen(book, SHEET, [width for width, _style in LAYOUT], header_rows=3)
    pen.head(heading)
    pen.row(COLUMNS, ["header"] * len(COLUMNS), height=30)
    for row in rows:
        totals.add(row)
        cells = row.cells()
        most = max(lines_of(value, room) for value, room in zip(cells, ROOM, strict=True) if isinstance(value, str))
        pen.row(cells, styles, height=height_of(most))
    kinds = totals.lists()
    for kind in kinds if len(kinds) > 1 else ():
        _totals(pen, (kind or totals_sheet.NO_LIST).removesuffix("清单") + SUBTOTAL, totals.figures_of(kind=kind), 31)
    _totals(pen, TOTAL, totals.figures, 24)
    _corrections(pen, corrections)
    pen.signatures(heading)
    pen.done()
    totals_sheet.summary(book, heading, totals)
    totals_sheet.communities(book, heading, totals, basis)
    book.save(target)
    return totals


def _totals(pen: Pen, label: str, figures: LedgerCounts, height: float) -> None:
    """A total row: pairs of label and plain number, without formulas."""
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
    for number, correction in enumerate(corrections, 1):
        values: tuple[Value, ...] = (
            number,
            correction.case_no,
            correction.month,
            correction.column,
            correction.before or None,
            correction.after or None,
        )
        spans = [(a, b, value) for (a, b), value in zip(CORRECTION_SPANS, values, strict=True)]
        most = max(lines_of(str(value), letters(sum(pen.widths[a : b + 1]))) for a, b, value in spans if value)
        pen.spans(spans, "left", height=height_of(most))
