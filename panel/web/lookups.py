"""Look-up of records by name or pinyin inside the actor's scope, for forms and reference filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask_admin.model.ajax import AjaxModelLoader
from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import joinedload

from panel import ids
from panel.base import UNSCOPED, Base, display
from panel.fields import Personal, field_named, fields
from panel.kinds import narrow, tidy
from panel.search import listing, names, order
from panel.search.names import Named
from panel.security.policy import Permission, model_of
from panel.web.context import current_actor, current_panel

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


def may_only_choose(model: type[Base]) -> bool:
    """Whether the actor may see the names of a table's records, but not read them."""
    policy, actor = current_panel().policy, current_actor()
    return policy.may(actor, Permission.CHOOSE, model) and not policy.may(actor, Permission.READ, model)


def chosen(table: str, id_: object) -> Named | None:
    """The record with an id from a form or address by its name, if the actor may refer to it; else None."""
    model = model_of(table)
    if not may_only_choose(model):
        record = visible(table, id_)
        return Named(record.id, label(record)) if record is not None else None
    valid_id = ids.parse(id_)
    found = names.choices(current_panel().session, model, [model.id == valid_id], limit=1) if valid_id else []
    return found[0] if found else None


def chosen_names(table: str, values: Sequence[str]) -> dict[str, str]:
    """The names of the records with these ids that the actor may refer to, by the text of the id. One statement."""
    model = model_of(table)
    valid = [id_ for value in values if (id_ := ids.parse(value)) is not None]
    if not valid:
        return {}
    if may_only_choose(model):
        found = names.choices(current_panel().session, model, [model.id.in_(valid)], limit=len(valid))
        return {str(one.id): one.label for one in found}
    above = [f.name for f in names.key_references(model)]
    return {str(one.id): label(one) for one in listing.load(current_panel().session, model, valid, above)}


def not_offered(table: str, ids: Sequence[int]) -> list[int]:
    """Those of these ids whose records aren't offered for a new reference. One statement, none for a table that offers
    all its records."""
    model = model_of(table)
    conditions = model.offered()
    if not conditions or not ids:
        return []
    statement = select(model.id).where(model.id.in_(ids), *conditions)
    offered = set(current_panel().session.execute(statement, execution_options=UNSCOPED).scalars())
    return [id_ for id_ in ids if id_ not in offered]


def all_visible(table: str, ids: Sequence[int]) -> list[Any]:
    """The records with these ids that are in the actor's scope."""
    return listing.load(current_panel().session, model_of(table), ids, [])


class SchemaLoader(AjaxModelLoader):
    """Loader of Flask-Admin's look-up for one reference field."""

    def __init__(self, name: str, table: str) -> None:
        super().__init__(name, {})
        self.table = table

    def format(self, model: Any) -> tuple[int, str]:
        return model.id, model.label if isinstance(model, Named) else label(model)

    def get_one(self, pk: Any) -> Any:
        return visible(self.table, pk)

    def get_list(
        self,
        query: str | None,
        offset: int | None = 0,
        limit: int | None = LIMIT,
        *,
        every: bool = False,
        narrowed: Sequence[ColumnElement[bool]] = (),
    ) -> list[Any]:
        model = model_of(self.table)
        where = [*(model.offered_to_filters() if every else model.offered()), *narrowed]
        where += [or_(false(), *_matches(model, word)) for word in narrow(tidy(query)).lower().split()[:5]]
        offset, limit = min(max(offset or 0, 0), MAX_OFFSET), min(max(limit or LIMIT, 1), LIMIT)
        if may_only_choose(model):
            return list(names.choices(current_panel().session, model, where, limit=limit, offset=offset))
        statement = select(model).options(*(joinedload(getattr(model, f.name)) for f in names.key_references(model)))
        column, downwards = order.order(model, "")
        statement = statement.where(*where).order_by(column.desc() if downwards else column, model.id)
        return list(current_panel().session.execute(statement.offset(offset).limit(limit)).unique().scalars())


def _matches(model: type[Base], word: str) -> Iterator[ColumnElement[bool]]:
    """Conditions that a word occurs in the record's searched fields, or, if it has none, in those of its key
    references."""
    columns = [
        getattr(model, f.attr) for f in fields(model) if f.search and not f.reference and f.personal is Personal.NO
    ]
    if "name_key" in model.__mapper__.columns:
        columns.append(model.name_key)  # type: ignore[attr-defined]
    yield from (column.icontains(word, autoescape=True) for column in columns)
    if not columns:
        for reference in names.key_references(model):
            target = getattr(model, reference.name).property.mapper.class_
            if target is model:
                continue
            target_ids = select(target.id).where(or_(false(), *_matches(target, word)))
            yield getattr(model, reference.attr).in_(target_ids)


def label(record: Any) -> str:
    """The name of a record with what tells it apart from others of that name."""
    model = type(record)
    apart = [(f, getattr(record, f.attr)) for name in model.__told_apart_by__ if (f := field_named(model, name))]
    places = [place for f in names.key_references(model) if (place := getattr(record, f.name)) is not None]
    return " · ".join([display(record), *(f.kind.format(value) for f, value in apart), *map(display, places)])
