"""Names of records that the actor may refer to: those in scope of a role that reads the table or chooses from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base, display, name_attributes, written_name
from panel.chunks import chunks
from panel.fields import Field, field_named, fields
from panel.i18n import _
from panel.search import order
from panel.security.policy import Permission, model_of, table_of
from panel.security.session import actor_of, policy_of

#: Stands for a record outside the reader's scope. An import reads it as an empty cell.
NOT_VISIBLE = _("not visible")

#: Names by table and id.
Names = dict[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Named:
    """A record as whoever may only choose it sees it: its name, with what tells records of one name apart."""

    id: int
    label: str


def _choosable(session: Session, model: type[Base], shown: Sequence[Field]) -> Select[Any]:
    """The ids and these columns of the records that the actor may refer to; to be executed unscoped."""
    columns = table_of(model).c
    statement = select(columns.id, *(columns[f.attr] for f in shown))
    condition = policy_of(session).criterion(actor_of(session), Permission.CHOOSE, model, columns)
    return statement if condition is None else statement.where(condition)


def _words(shown: Sequence[Field], values: Sequence[Any]) -> str:
    return " ".join(f.kind.format(v) for f, v in zip(shown, values, strict=True) if v not in (None, ""))


def visible_names(session: Session, ids_by_table: Mapping[str, Collection[int]]) -> Names:
    """The names of records, without those outside the actor's scope. `ids_by_table` has their ids by table. One
    statement for each table and chunk of ids."""
    names: Names = {}
    for table, ids in ids_by_table.items():
        model = model_of(table)
        shown = [f for name in model.__display__ if (f := field_named(model, name)) and not f.reference]
        statement = _choosable(session, model, shown)
        for chunk in chunks(sorted(ids)):
            rows = session.execute(statement.where(table_of(model).c.id.in_(chunk)), execution_options=UNSCOPED)
            names |= {(table, id_): _words(shown, values) or f"#{id_}" for id_, *values in rows}
    return names


def names_in_files(session: Session, model: type[Base], ids: Collection[int]) -> dict[int, str]:
    """The names in files of records that the actor may choose, for tables whose names consist of own columns."""
    shown = [f for name in name_attributes(model) if (f := field_named(model, name)) and not f.reference]
    names: dict[int, str] = {}
    for chunk in chunks(sorted(ids)):
        statement = _choosable(session, model, shown).where(table_of(model).c.id.in_(chunk))
        for id_, *values in session.execute(statement, execution_options=UNSCOPED):
            texts = {f.name: "" if v is None else f.kind.format(v) for f, v in zip(shown, values, strict=True)}
            names[id_] = written_name(model, texts) or " ".join(filter(None, map(texts.get, model.__display__)))
    return names


def choices(
    session: Session, model: type[Base], where: Sequence[ColumnElement[bool]], *, limit: int, offset: int = 0
) -> list[Named]:
    """Records that the actor may choose, in the order of the list. Nothing but their names is read. A fixed number of
    statements."""
    shown = [f for name in model.__display__ if (f := field_named(model, name)) and not f.reference]
    told = [f for name in model.__told_apart_by__ if (f := field_named(model, name))]
    above = key_references(model)
    column, downwards = order.order(model, "")
    statement = _choosable(session, model, [*shown, *told, *above]).where(*where)
    statement = statement.order_by(column.desc() if downwards else column, table_of(model).c.id)
    rows = session.execute(statement.limit(limit).offset(offset), execution_options=UNSCOPED).all()
    own = len(shown) + len(told)
    ids: dict[str, set[int]] = defaultdict(set)
    for _id, *values in rows:
        for f, value in zip(above, values[own:], strict=True):
            ids[f.target or ""] |= {value} - {None}
    places = visible_names(session, ids)
    result = []
    for id_, *values in rows:
        words = [_words(shown, values[: len(shown)]) or f"#{id_}"]
        words += [f.kind.format(value) for f, value in zip(told, values[len(shown) : own], strict=True)]
        words += [places.get((f.target or "", value), "") for f, value in zip(above, values[own:], strict=True)]
        result.append(Named(id_, " · ".join(filter(None, words))))
    return result


def key_references(model: type[Base]) -> list[Field]:
    """The key references, which tell records of one name apart: the library of a shelf."""
    return [f for f in fields(model) if f.reference and f.key]


def name_of(target: Any) -> str:
    """The name of a referenced record; `target` is None if it is outside the reader's scope."""
    return display(target) if target is not None else str(NOT_VISIBLE)
