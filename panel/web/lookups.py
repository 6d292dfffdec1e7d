"""Look-up of records by name or pinyin inside the actor's scope, for forms and reference filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask_admin.model.ajax import AjaxModelLoader
from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import joinedload

from panel import ids
from panel.base import Base, display
from panel.fields import Personal, fields
from panel.kinds import narrow, tidy
from panel.search import listing
from panel.security.policy import model_of
from panel.web.context import current_panel

#: The most records of an answer.
LIMIT = 20
#: The largest offset: larger ones are slow in SQL.
MAX_OFFSET = 10_000


def visible(table: str, id_: object) -> Any:
    """The record with an id from a form or address, if it is in the actor's scope; else None."""
    model, valid_id = model_of(table), ids.parse(id_)
    if valid_id is None:
        return None
    return current_panel().session.execute(select(model).where(model.id == valid_id)).scalar_one_or_none()


def all_visible(table: str, ids: Sequence[int]) -> list[Any]:
    """The records with these ids that are in the actor's scope."""
    return listing.load(current_panel().session, model_of(table), ids, [])


class SchemaLoader(AjaxModelLoader):
    """Loader of Flask-Admin's look-up for one reference field."""

    def __init__(self, name: str, table: str) -> None:
        super().__init__(name, {})
        self.table = table

    def format(self, model: Any) -> tuple[int, str]:
        return model.id, label(model)

    def get_one(self, pk: Any) -> Any:
        return visible(self.table, pk)

    def get_list(self, query: str | None, offset: int | None = 0, limit: int | None = LIMIT) -> list[Any]:
        model = model_of(self.table)
        statement = select(model).options(*(joinedload(getattr(model, name)) for name in _key_references(model)))
        for word in narrow(tidy(query)).lower().split()[:5]:
            statement = statement.where(or_(false(), *_matches(model, word)))
        order_name = model.__order__.removeprefix("-")
        column = getattr(model, order_name)
        statement = statement.order_by(column.desc() if model.__order__.startswith("-") else column, model.id)
        statement = statement.offset(min(max(offset or 0, 0), MAX_OFFSET)).limit(min(max(limit or LIMIT, 1), LIMIT))
        return list(current_panel().session.execute(statement).unique().scalars())


def _matches(model: type[Base], word: str) -> Iterator[ColumnElement[bool]]:
    """Conditions that a word occurs in the record's searched fields, or, if it has none, in those of its key
    references."""
    columns = [getattr(model, f.attr) for f in fields(model) if f.search and f.personal is Personal.NO]
    if "name_key" in model.__mapper__.columns:
        columns.append(model.name_key)  # type: ignore[attr-defined]
    yield from (column.icontains(word, autoescape=True) for column in columns)
    if not columns:
        for name in _key_references(model):
            target = getattr(model, name).property.mapper.class_
            if target is model:
                continue
            target_ids = select(target.id).where(or_(false(), *_matches(target, word)))
            yield getattr(model, f"{name}_id").in_(target_ids)


def _key_references(model: type[Base]) -> list[str]:
    """Names of the key references, which tell records of one name apart: the library of a shelf."""
    return [f.name for f in fields(model) if f.reference and f.key]


def label(record: Any) -> str:
    """The name of a record with the names of its key references."""
    places = [display(place) for name in _key_references(type(record)) if (place := getattr(record, name)) is not None]
    return " · ".join([display(record), *places])
