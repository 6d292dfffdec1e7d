"""Rows that aren't stored yet as columns of a statement, so that the database evaluates a condition on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Integer, cast, column, type_coerce, values
from sqlalchemy.orm import Session

from panel.base import Base

#: Rows of one statement.
BATCH = 500


class ColumnRecorder:
    """Stands in for a table's columns and records which of them a condition reads."""

    def __init__(self, columns: Any) -> None:
        self._columns = columns
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name not in self.names:
            self.names.append(name)
        return self._columns[name]


def proposed_rows(session: Session, model: type[Base], names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Any:
    """Up to BATCH rows, given as attribute → value, as the columns `names` of a table expression; the column `row_` is
    a row's index."""
    columns: Any = model.__table__.c
    shape = [column("row_", Integer), *(column(name, columns[name].type) for name in names)]
    data = [(index, *(row.get(name) for name in names)) for index, row in enumerate(rows)]
    table = values(*shape, name="proposed").data(data).cte()
    # SQLite would make a number of a text that is cast to a moment.
    typed: Any = type_coerce if session.connection().dialect.name == "sqlite" else cast
    return SimpleNamespace(row_=table.c.row_, **{name: typed(table.c[name], columns[name].type) for name in names})
