"""Finding one record by name or pinyin, inside one's scope: for form look-ups and reference filters."""

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

#: Answers are capped: nobody reads on, and a whole table is no answer.
LIMIT = 20
#: No SQL dialect of ours takes a larger offset well, and no one pages that far.
MAX_OFFSET = 10_000


def visible(table: str, id_: object) -> Any:
    """The record of an id as a form or an address gives it, if it lies inside the actor's scope."""
    model, known = model_of(table), ids.parse(id_)
    if known is None:
        return None
    return current_panel().session.execute(select(model).where(model.id == known)).scalar_one_or_none()


def all_visible(table: str, ids: Sequence[int]) -> list[Any]:
    """Those records of these ids that lie inside the actor's scope."""
    return listing.load(current_panel().session, model_of(table), ids, [])


class SchemaLoader(AjaxModelLoader):
    """Answers Flask-Admin's look-up for one reference field."""

    def __init__(self, name: str, table: str) -> None:
        super().__init__(name, {})
        self.table = table

    def format(self, model: Any) -> tuple[int, str]:
        return model.id, label(model)

    def get_one(self, pk: Any) -> Any:
        return visible(self.table, pk)

    def get_list(self, query: str | None, offset: int | None = 0, limit: int | None = LIMIT) -> list[Any]:
        model = model_of(self.table)
        statement = select(model).options(*(joinedload(getattr(model, name)) for name in _placed_by(model)))
        for word in narrow(tidy(query)).lower().split()[:5]:
            statement = statement.where(or_(false(), *_called(model, word)))
        wanted = model.__order__.removeprefix("-")
        column = getattr(model, wanted)
        statement = statement.order_by(column.desc() if model.__order__.startswith("-") else column, model.id)
        statement = statement.offset(min(max(offset or 0, 0), MAX_OFFSET)).limit(min(max(limit or LIMIT, 1), LIMIT))
        return list(current_panel().session.execute(statement).unique().scalars())


def _called(model: type[Base], word: str) -> Iterator[ColumnElement[bool]]:
    """The ways in which a record's own words, or the name of what places it, hold a word."""
    columns = [getattr(model, f.attr) for f in fields(model) if f.search and f.personal is Personal.NO]
    if "name_key" in model.__mapper__.columns:
        columns.append(model.name_key)  # type: ignore[attr-defined]
    yield from (column.icontains(word, autoescape=True) for column in columns)
    if not columns:
        for name in _placed_by(model):
            placing = getattr(model, name).property.mapper.class_
            if placing is model:
                continue
            found = select(placing.id).where(or_(false(), *_called(placing, word)))
            yield getattr(model, f"{name}_id").in_(found)


def _placed_by(model: type[Base]) -> list[str]:
    """References that tell two records of one name apart: the library of a shelf."""
    return [f.name for f in fields(model) if f.reference and f.key]


def label(record: Any) -> str:
    """What people call a record, with what places it."""
    around = [display(place) for name in _placed_by(type(record)) if (place := getattr(record, name)) is not None]
    return " · ".join([display(record), *around])
