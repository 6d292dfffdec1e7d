"""Columns of a list that a table doesn't have: they follow a column of it, and tell of what belongs to each record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from panel.i18n import Message
from panel.web.pages import Cell, Column, ListPage


@dataclass(frozen=True, slots=True)
class ExtraColumns:
    """Columns behind the one named `after`, shown while that one is. `cells` gets all records of the page, and gives a
    cell of each column for each record; its number of statements doesn't grow with the records."""

    after: str
    #: The name and the label of each.
    columns: tuple[tuple[str, Message], ...]
    cells: Callable[[Sequence[Any]], Sequence[Sequence[Cell]]]


def add(page: ListPage, records: Sequence[Any], extras: Sequence[ExtraColumns]) -> None:
    """Add the columns to a list without a choice of columns."""
    for extra in extras:
        at = next((n for n, column in enumerate(page.columns, 1) if column.name == extra.after), None)
        if at is None:
            continue
        page.columns[at:at] = [Column(name, label) for name, label in extra.columns]
        for row, cells in zip(page.rows, extra.cells(records) if records else (), strict=True):
            row.cells[at:at] = cells
