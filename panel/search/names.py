"""Names of referenced records in the actor's scope."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, display
from panel.chunks import chunks
from panel.fields import field_named
from panel.i18n import _
from panel.security.policy import Permission, model_of, table_of
from panel.security.session import actor_of, policy_of

#: Stands for a record outside the reader's scope. An import reads it as an empty cell.
NOT_VISIBLE = _("not visible")

#: Names by table and id.
Names = dict[tuple[str, int], str]


def visible_names(session: Session, ids_by_table: Mapping[str, Collection[int]]) -> Names:
    """The names of records, without those outside the actor's scope. `ids_by_table` has their ids by table. One
    statement for each table and chunk of ids."""
    names: Names = {}
    for table, ids in ids_by_table.items():
        model = model_of(table)
        columns = table_of(model).c
        shown = [f for name in model.__display__ if (f := field_named(model, name)) and not f.reference]
        statement = select(columns.id, *(columns[f.attr] for f in shown))
        condition = policy_of(session).criterion(actor_of(session), Permission.READ, model, columns)
        if condition is not None:
            statement = statement.where(condition)
        for chunk in chunks(sorted(ids)):
            for id_, *values in session.execute(statement.where(columns.id.in_(chunk)), execution_options=UNSCOPED):
                words = [f.kind.format(v) for f, v in zip(shown, values, strict=True) if v not in (None, "")]
                names[table, id_] = " ".join(words) or f"#{id_}"
    return names


def name_of(target: Any) -> str:
    """The name of a referenced record; `target` is None if it is outside the reader's scope."""
    return display(target) if target is not None else str(NOT_VISIBLE)
