"""A register as a workbook to print and sign: whatever rows there are, under a title, a line that tells of whom and
when, and a header on every page.

    registerbook.write(target, "移送台账", heading, [Column("文书号", 14, CODE), …], rows, total="移送 12 件")

Rows come without their number, which stands first, and one value for each column. `Marked` makes a value stand out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from bureau.printing.paper import CENTRE, MARK, Heading, Value, height_of, letters
from panel.sheets import lines_of

NUMBER, TOTAL, NOTE = "序号", "合计", "注"
#: Title, unit and period, header.
HEADER_ROWS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A printed column: its width in letters and the look of its values (paper.CENTRE, TEXT, CODE, DAY …)."""

    label: str
    width: float
    look: str = CENTRE
    #: Cells one below the other that say the same are one cell.
    joined: bool = False


class Marked(NamedTuple):
    """A value that must not be overlooked."""

    value: Value


Cell = Value | Marked


def write(
    target: Path | IO[bytes],
    name: str,
    heading: Heading,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    *,
    total: str = "",
    notes: Sequence[str] = (),
) -> int:
    """Write a register as one sheet called `name`. `total` stands behind 合计 in the table's last line, `notes` below
    it. Gives the number of rows."""
    from bureau.printing import pen as printing  # noqa: PLC0415 - and openpyxl with it, when a register is written

    book = printing.book(heading)
    all_columns = [Column(NUMBER, 4.6), *columns]
    pen = printing.Pen(book, name, [column.width for column in all_columns], HEADER_ROWS)
    pen.head(heading)
    rooms = [letters(column.width) for column in all_columns]
    labels = [column.label for column in all_columns]
    most = max(lines_of(label, room) for label, room in zip(labels, rooms, strict=True))
    pen.row(labels, ["header"] * len(labels), height=max(30.0, height_of(most)))
    joining = _Joining(pen, [at for at, column in enumerate(all_columns) if column.joined])
    count = 0
    for count, row in enumerate(rows, 1):
        values = [count, *(cell.value if isinstance(cell, Marked) else cell or None for cell in row)]
        looks = [column.look + MARK * isinstance(cell, Marked) for column, cell in zip(columns, row, strict=True)]
        most = max(lines_of(v, room) for v, room in zip(values, rooms, strict=True) if isinstance(v, str))
        pen.row(joining.take(values), [CENTRE, *looks], height=max(20.0, height_of(most)))
    joining.end()
    pen.spans([(0, 1, TOTAL), (2, pen.width - 1, total or str(count))], "total", height=24)
    for note in notes:
        room = letters(sum(pen.widths))
        pen.spans([(0, pen.width - 1, f"{NOTE}：{note}")], "note", height=height_of(lines_of(note, room - 4)))
    pen.signatures(heading)
    pen.done()
    book.save(target)
    return count


class _Joining:
    """Joins the cells of a column that say the same, as long as those to the left of it do."""

    def __init__(self, pen: Any, columns: Sequence[int]) -> None:
        self._pen, self._columns = pen, columns
        self._open: dict[int, tuple[int, Value]] = {}

    def take(self, values: Sequence[Value]) -> list[Value]:
        """The values of the row that comes next, less those that the cell above says already."""
        at, found = self._pen.at + 1, list(values)
        for place, column in enumerate(self._columns):
            begun = self._open.get(column)
            if begun and begun[1] == values[column]:
                found[column] = None
                continue
            for later in self._columns[place:]:
                self._close(later)
                self._open[later] = (at, values[later])
            break
        return found

    def end(self) -> None:
        for column in self._columns:
            self._close(column)

    def _close(self, column: int) -> None:
        if column in self._open:
            self._pen.join(self._open.pop(column)[0], self._pen.at, column, column)
