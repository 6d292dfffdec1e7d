"""The order of a list: by which columns it can be sorted, and the expression for each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, inspect, literal, select
from sqlalchemy.orm import aliased

from panel.base import Base
from panel.fields import Field, Personal, field_named, fields
from panel.kinds import Choice, Data, Label, Link, Text
from panel.search import extra_columns, filters
from panel.security.policy import model_of

#: References that the name of a record is followed by at most.
MOST_STEPS = 3


def sortable(model: type[Base], *, masked: bool = False) -> set[str]:
    """Names of the fields to sort by: those whose order means something, without masked ones."""
    extra = {f.name for f in extra_columns.of(model) if f.extra.order is not None}
    return extra | {f.name for f in fields(model) if _has_order(f) and not filters.is_hidden(f, masked=masked)}


def _has_order(field: Field) -> bool:
    kind = field.kind
    if field.encrypted or isinstance(kind, Data | Link):
        return False
    if field.reference:
        return _name_path(model_of(field.reference.table)) is not None
    return field.sort or not (isinstance(kind, Label) or (isinstance(kind, Text) and kind.lines > 1))


def order(model: type[Base], sort: str) -> tuple[Any, bool]:
    """The expression to sort by and whether it is descending. Names are sorted by pinyin where the table has
    `name_key`, choices in the order of their list, references by the name of their record if it is in the scope."""
    name = sort or model.__order__
    field_name = name.removeprefix("-")
    if field_name == "name" and "name_key" in model.__mapper__.columns:
        field_name = "name_key"
    extra = extra_columns.named(model, field_name) if sort else None
    if extra is not None and extra.order is not None:
        return extra.order(model), name.startswith("-")
    declared = next((f for f in fields(model) if f.name == field_name), None)
    column = getattr(model, declared.attr if declared else field_name)
    if sort and declared is not None and declared.reference:
        column = _name_of(column, model_of(declared.reference.table))
    elif not sort and model.__ended_last__ and (ended := model.is_ended(model)) is not None:
        # One text, so that pages and neighbours compare a single value.
        column = case((ended, literal("1")), else_=literal("0")).concat(column)
    elif sort and declared is not None and isinstance(declared.kind, Choice) and not declared.sort:
        column = case(*((column == choice, n) for n, choice in enumerate(declared.kind.choices)))
    return column, name.startswith("-")


def _name_path(model: type[Base], steps: int = 0) -> list[str] | None:
    """The attributes that lead from a record to the column that its name begins with; None where the name is personal
    or there is none."""
    if "name_key" in model.__mapper__.columns:
        named = field_named(model, "name")
        return ["name_key"] if named is None or named.personal is Personal.NO else None
    field = field_named(model, model.__display__[0])
    if field is None or field.personal is not Personal.NO or field.many:
        return None
    if not field.reference:
        return [field.attr]
    further = _name_path(model_of(field.reference.table), steps + 1) if steps < MOST_STEPS else None
    return [field.attr, *further] if further is not None else None


def _name_of(reference: Any, target: type[Base]) -> Any:
    """The name of the record that a column refers to, as a subselect, which the session puts the reader's scope on."""
    entity = aliased(target)
    path = _name_path(target) or ["id"]
    column = getattr(entity, path[0])
    if len(path) > 1:
        field = field_named(inspect(entity).mapper.class_, path[0])
        assert field is not None
        column = _name_of(column, model_of(field.target or ""))
    return select(column).where(entity.id == reference).correlate_except(entity).scalar_subquery()


def along(entity: Any, *path: str) -> Any:
    """The name of the record that a path of references leads to, as subselects in the reader's scope: of a liaison
    along("community", "street") is the name of the street."""
    declared = field_named(inspect(entity).mapper.class_, path[0])
    assert declared is not None
    reference, target = getattr(entity, declared.attr), model_of(declared.target or "")
    if len(path) == 1:
        return _name_of(reference, target)
    further = aliased(target)
    named = along(further, *path[1:])
    return select(named).where(further.id == reference).correlate_except(further).scalar_subquery()
