"""Queries of lists: filters, search, order and page as SQL over a declared table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, asc, desc, func, or_, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from panel import ids
from panel.base import Base
from panel.fields import Field, Personal, all_fields, fields, table_of_links
from panel.i18n import Message
from panel.kinds import Amount, Choice, Data, Day, Flag, Invalid, Label, Moment, Time, Whole, narrow, tidy
from panel.security.policy import Actor

PAGE_SIZE = 50
PAGE_SIZES = (20, 50, 100, 200)
#: Characters of a filter value or search; longer ones are cut.
MAX_VALUE = 200

Condition = Callable[[Actor], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Quick:
    """A predefined filter, shown as a chip with its count unless `counted` is false; in the address `?is=name`."""

    label: Message
    condition: Condition
    counted: bool = True


@dataclass(slots=True)
class Query:
    """The query of a list's address. `values` are the filters as texts, by "field", "field.from", "field.to"
    (inclusive) or "field.empty" ("1" or "0"); `quick` is the name of a Quick; `problems` are messages for invalid
    filters, by field."""

    values: dict[str, list[str]] = field(default_factory=dict)
    search: str = ""
    quick: str = ""
    sort: str = ""
    page: int = 1
    size: int = PAGE_SIZE
    problems: dict[str, Message] = field(default_factory=dict)


def filterable(model: type[Base], *, masked: bool = False) -> list[Field]:
    """The fields to filter by. Masked fields are excluded, since filtering would reveal their values."""
    return [f for f in all_fields(model) if f.filter and not isinstance(f.kind, Data) and not _hidden(f, masked)]


def searchable(model: type[Base], *, masked: bool = False) -> list[Field]:
    return [f for f in fields(model) if f.search and not _hidden(f, masked)]


def sortable(model: type[Base], *, masked: bool = False) -> set[str]:
    """Names of the fields to sort by, without masked ones."""
    return {f.name for f in fields(model) if f.sort and not _hidden(f, masked)}


def _hidden(field: Field, masked: bool) -> bool:
    return field.personal is Personal.PRIVATE or (masked and field.personal is not Personal.NO)


def is_span(field: Field) -> bool:
    """Whether the field is filtered by a range, from – to."""
    return isinstance(field.kind, Day | Moment | Time | Whole | Amount)


def read(model: type[Base], arguments: Mapping[str, Sequence[str]], *, masked: bool = False) -> Query:
    """Parse the arguments of an address. Unknown or invalid arguments are ignored."""

    def first(name: str) -> str:
        values = arguments.get(name) or [""]
        return tidy(values[0])[:MAX_VALUE]

    query = Query(search=first("q"), quick=first("is"))
    for declared in filterable(model, masked=masked):
        for suffix in ("", ".from", ".to", ".empty") if is_span(declared) else ("", ".empty"):
            values = [tidy(v)[:MAX_VALUE] for v in arguments.get(declared.name + suffix, ())]
            if values := [v for v in values if v]:
                query.values[declared.name + suffix] = values[:20]
    sort = first("sort")
    if sort.removeprefix("-") in sortable(model, masked=masked):
        query.sort = sort
    query.page = ids.number(first("page"), 1)
    size = ids.number(first("size"), PAGE_SIZE)
    query.size = size if size in PAGE_SIZES else PAGE_SIZE
    return query


def conditions(
    model: type[Base], query: Query, quick: Mapping[str, Quick], actor: Actor, *, masked: bool = False
) -> list[ColumnElement[bool]]:
    """The query's filters and search as SQL conditions. An invalid filter matches nothing and is added to
    query.problems."""
    result: list[ColumnElement[bool]] = []
    for declared in filterable(model, masked=masked):
        try:
            result += _filter(model, declared, query)
        except Invalid as problem:
            query.problems[declared.name] = problem.message
            result.append(model.id.in_([]))
    if query.quick in quick:
        result.append(quick[query.quick].condition(actor))
    result += _search(model, query.search, masked=masked)
    return result


def points_at(model: type[Base], declared: Field, ids: Sequence[int] | None = None) -> ColumnElement[bool]:
    """The condition that a many() field links one of the records `ids`, or any record; counting only links to records
    in the actor's scope."""
    table, target = table_of_links(model, declared), model.__mapper__.relationships[declared.attr].mapper.class_
    reached = select(target.id) if ids is None else select(target.id).where(target.id.in_(ids))
    return model.id.in_(select(table.c.owner_id).where(table.c.target_id.in_(reached)))


def _filter_links(model: type[Base], declared: Field, query: Query) -> list[ColumnElement[bool]]:
    result = []
    if empty := query.values.get(f"{declared.name}.empty"):
        has_links = points_at(model, declared)
        result.append(~has_links if empty[0] == "1" else has_links)
    if texts := query.values.get(declared.name):
        result.append(points_at(model, declared, declared.kind.parse(texts)))
    return result


def _filter(model: type[Base], declared: Field, query: Query) -> list[ColumnElement[bool]]:
    if declared.many:
        return _filter_links(model, declared, query)
    column = getattr(model, declared.attr)
    kind, values = declared.kind, query.values
    result: list[ColumnElement[bool]] = []
    if empty := values.get(f"{declared.name}.empty"):
        result.append(column.is_(None) if empty[0] == "1" else column.is_not(None))
    for suffix in (".from", ".to"):
        if texts := values.get(declared.name + suffix):
            bound = kind.parse(texts[0])
            result.append(column >= bound if suffix == ".from" else _until(column, kind, texts[0], bound))
    texts = values.get(declared.name, [])
    if not texts:
        return result
    if isinstance(kind, Moment):
        result.append(or_(*(_at(column, kind, value) for value in texts)))
    elif isinstance(kind, Choice | Label | Flag | Day | Time | Whole | Amount) or declared.reference:
        result.append(column.in_([kind.parse(value) for value in texts]))
    else:
        result.append(or_(*(column.icontains(narrow(value), autoescape=True) for value in texts)))
    return result


def _at(column: Any, kind: Moment, text: str) -> ColumnElement[bool]:
    """The condition for a moment, or for a whole day if the text has no time."""
    bound = kind.parse(text)
    return and_(column >= bound, _until(column, kind, text, bound))


def _until(column: Any, kind: Any, text: str, bound: Any) -> ColumnElement[bool]:
    """The condition for an inclusive end: the last microsecond of the day if a moment's text has no time."""
    if isinstance(kind, Moment) and not re.search(r"[:：时点]", text):
        bound = bound.replace(hour=23, minute=59, second=59, microsecond=999_999)
    result: ColumnElement[bool] = column <= bound
    return result


def _search(model: type[Base], search: str, *, masked: bool) -> list[ColumnElement[bool]]:
    """Conditions that each of the first five words occurs in a searchable field or in the pinyin of the name."""
    columns = [getattr(model, f.attr) for f in searchable(model, masked=masked)]
    if "name_key" in model.__mapper__.columns:
        columns.append(model.name_key)  # type: ignore[attr-defined]
    if not columns:
        return []
    return [
        or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in narrow(search).split()[:5]
    ]


def order(model: type[Base], sort: str) -> tuple[Any, bool]:
    """The column to sort by and whether it is descending. Names are sorted by pinyin where the table has `name_key`."""
    name = sort or model.__order__
    field_name = name.removeprefix("-")
    if field_name == "name" and "name_key" in model.__mapper__.columns:
        field_name = "name_key"
    declared = next((f for f in fields(model) if f.name == field_name), None)
    return getattr(model, declared.attr if declared else field_name), name.startswith("-")


@dataclass(frozen=True, slots=True)
class Slice:
    """The ids of a page; the number of all records; the page's number, from 1; the number of pages; the page size."""

    ids: list[int]
    count: int
    page: int
    pages: int
    size: int


def page(session: Session, model: type[Base], where: list[ColumnElement[bool]], query: Query) -> Slice:
    """The ids of a page, in two statements. The page number is clamped to those that exist. Pages of the second half
    are read in reverse order from the end, so that the last page is as fast as the first."""
    count = session.execute(select(func.count()).select_from(model).where(*where)).scalar_one()
    pages = max(1, -(-count // query.size))
    number = min(max(query.page, 1), pages)
    offset = (number - 1) * query.size
    length = min(query.size, count - offset)
    column, downwards = order(model, query.sort)
    backwards = offset > count // 2
    if backwards:
        offset = count - offset - length
        downwards = not downwards
    direction = desc if downwards else asc
    ids: Select[Any] = select(model.id).where(*where).order_by(direction(column), direction(model.id))
    if column.key == "id":
        ids = select(model.id).where(*where).order_by(direction(model.id))
    page_ids = list(session.execute(ids.limit(max(length, 0)).offset(offset)).scalars())
    return Slice(page_ids[::-1] if backwards else page_ids, count, number, pages, query.size)


def loading(model: type[Base], names: Sequence[str]) -> list[Any]:
    """Load options for relationships: a join for one record, a further statement for many. The records that the name
    of a target consists of are joined too."""
    options = []
    for name in names:
        relation = model.__mapper__.relationships[name]
        attribute = getattr(model, name)
        option = selectinload(attribute) if relation.uselist else joinedload(attribute)
        target = relation.mapper
        parts = [part for part in target.class_.__display__ if part in target.relationships]
        options.append(option.options(*(joinedload(getattr(target.class_, part)) for part in parts)))
    return options


def load(session: Session, model: type[Base], ids: Sequence[int], references: Sequence[str]) -> list[Any]:
    """The records with these ids, in their order, with the named relationships. The number of statements is fixed."""
    if not ids:
        return []
    statement = select(model).where(model.id.in_(ids)).options(*loading(model, references))
    records = {record.id: record for record in session.execute(statement).unique().scalars()}
    return [records[id_] for id_ in ids if id_ in records]


def all_of(where: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """All conditions joined by AND; true if there are none."""
    return and_(true(), *where)


def counts(session: Session, queries: Sequence[tuple[type[Base], ColumnElement[bool]]]) -> list[int]:
    """The number of records that meet each condition, in one statement."""
    if not queries:
        return []
    columns = [
        select(func.count()).select_from(model).where(condition).correlate(None).scalar_subquery().label(f"n{i}")
        for i, (model, condition) in enumerate(queries)
    ]
    return list(session.execute(select(*columns)).one())
