"""The workbook of a register: title, unit with period, header on every page, rows, total, notes, signatures.

    register_sheet.write(target, "移送台账", heading, [Column("文书号", 14, CODE), …], rows, total="移送 12 件")

Each row has one value for each column; its number is added in front. `Marked` values are bold and red.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from bureau.printing.paper import CENTRE, MARK, Heading, Value, height_of, letters
from panel.sheets import lines_of

NUMBER, TOTAL, NOTE = "序号", "合计", "注"
#: Title, unit with period, header.
HEADER_ROWS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A printed column: its width in characters and the style of its values (paper.CENTRE, TEXT, CODE, DAY …)."""

    label: str
    width: float
    look: str = CENTRE
    #: Merge consecutive cells with the same value.
    joined: bool = False


class Marked(NamedTuple):
    """A value in bold and red."""

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
    """Write a register as one sheet called `name` and return the number of rows. `total` is the text after 合计, by
    default that number; `notes` are lines below it."""
    from bureau.printing import pen as printing  # noqa: PLC0415 - loads openpyxl, which writing alone needs

    book = printing.book(heading)
    all_columns = [Column(NUMBER, 4.6), *columns]
    pen = printing.Pen(book, name, [column.width for column in all_columns], HEADER_ROWS)
    pen.head(heading)
    rooms = [letters(column.width) for column in all_columns]
    labels = [column.label for column in all_columns]
    most = max(lines_of(label, room) for label, room in zip(labels, rooms, strict=True))
    pen.row(labels, ["header"] * len(labels), height=max(30.0, height_of(most)))
    merger = _CellMerger(pen, [at for at, column in enumerate(all_columns) if column.joined])
    count = 0
    for count, row in enumerate(rows, 1):
        values = [count, *(cell.value if isinstance(cell, Marked) else cell or None for cell in row)]
        looks = [column.look + MARK * isinstance(cell, Marked) for column, cell in zip(columns, row, strict=True)]
        most = max((lines_of(v, room) for v, room in zip(values, rooms, strict=True) if isinstance(v, str)), default=1)
        pen.row(merger.take(values), [CENTRE, *looks], height=max(20.0, height_of(most)))
    merger.end()
    pen.spans([(0, 1, TOTAL), (2, pen.width - 1, total or str(count))], "total", height=24)
    for note in notes:
        room = letters(sum(pen.widths))
        pen.spans([(0, pen.width - 1, f"{NOTE}：{note}")], "note", height=height_of(lines_of(note, room - 4)))
    pen.signatures(heading)
    pen.done()
    book.save(target)
    return count


class _CellMerger:
    """Merges consecutive cells of a column with the same value, as long as the columns to the left are merged too."""

    def __init__(self, pen: Any, columns: Sequence[int]) -> None:
        self._pen, self._columns = pen, columns
        self._open: dict[int, tuple[int, Value]] = {}

    def take(self, values: Sequence[Value]) -> list[Value]:
        """The values of the next row, with None where the cell is merged with the one above."""
        at, shown = self._pen.at + 1, list(values)
        for position, column in enumerate(self._columns):
            open_span = self._open.get(column)
            if open_span and open_span[1] == values[column]:
                shown[column] = None
                continue
            for later in self._columns[position:]:
                self._close(later)
                self._open[later] = (at, values[later])
            break
        return shown

    def end(self) -> None:
        for column in self._columns:
            self._close(column)

    def _close(self, column: int) -> None:
        if column in self._open:
            self._pen.join(self._open.pop(column)[0], self._pen.at, column, column)
