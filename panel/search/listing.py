"""Which records a list shows: filters, search, order and page, as statements over a declared model."""

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
#: What the filter that a person can't see through may be given: more is cut off, not refused.
MAX_VALUE = 200

Condition = Callable[[Actor], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Quick:
    """A named filter, offered as a chip: `?is=name`. `roles` limits the chip to some roles; the filter itself is
    harmless, since it only narrows."""

    label: Message
    condition: Condition
    counted: bool = True


@dataclass(slots=True)
class Query:
    """What the address of a list asks for. `values` are the filters as given, `problems` those that can't be read."""

    values: dict[str, list[str]] = field(default_factory=dict)
    search: str = ""
    quick: str = ""
    sort: str = ""
    page: int = 1
    size: int = PAGE_SIZE
    problems: dict[str, Message] = field(default_factory=dict)


def filterable(model: type[Base], *, masked: bool = False) -> list[Field]:
    """Fields one may filter by: never by what one can't see, or the filter would tell it."""
    return [f for f in all_fields(model) if f.filter and not isinstance(f.kind, Data) and not _hidden(f, masked)]


def searchable(model: type[Base], *, masked: bool = False) -> list[Field]:
    return [f for f in fields(model) if f.search and not _hidden(f, masked)]


def sortable(model: type[Base], *, masked: bool = False) -> set[str]:
    """Names of the fields one may sort by."""
    return {f.name for f in fields(model) if f.sort and not _hidden(f, masked)}


def _hidden(field: Field, masked: bool) -> bool:
    return field.personal is Personal.PRIVATE or (masked and field.personal is not Personal.NO)


def is_span(field: Field) -> bool:
    """Whether the field is filtered by a span, from – to."""
    return isinstance(field.kind, Day | Moment | Time | Whole | Amount)


def read(model: type[Base], arguments: Mapping[str, Sequence[str]], *, masked: bool = False) -> Query:
    """The query that an address's arguments ask for. What makes no sense is left out, never an error."""

    def one(name: str) -> str:
        given = arguments.get(name) or [""]
        return tidy(given[0])[:MAX_VALUE]

    query = Query(search=one("q"), quick=one("is"))
    for declared in filterable(model, masked=masked):
        for suffix in ("", ".from", ".to", ".empty") if is_span(declared) else ("", ".empty"):
            given = [tidy(v)[:MAX_VALUE] for v in arguments.get(declared.name + suffix, ())]
            if given := [v for v in given if v]:
                query.values[declared.name + suffix] = given[:20]
    sort = one("sort")
    if sort.removeprefix("-") in sortable(model, masked=masked):
        query.sort = sort
    query.page = ids.number(one("page"), 1)
    size = ids.number(one("size"), PAGE_SIZE)
    query.size = size if size in PAGE_SIZES else PAGE_SIZE
    return query


def conditions(
    model: type[Base], query: Query, quick: Mapping[str, Quick], actor: Actor, *, masked: bool = False
) -> list[ColumnElement[bool]]:
    """The query's filters as conditions; one that can't be read matches nothing and is noted in `query.problems`."""
    found: list[ColumnElement[bool]] = []
    for declared in filterable(model, masked=masked):
        try:
            found += _filter(model, declared, query)
        except Invalid as problem:
            query.problems[declared.name] = problem.message
            found.append(model.id.in_([]))
    if query.quick in quick:
        found.append(quick[query.quick].condition(actor))
    found += _search(model, query.search, masked=masked)
    return found


def points_at(model: type[Base], declared: Field, ids: Sequence[int] | None = None) -> ColumnElement[bool]:
    """The condition that a record points, by many(), at one of these, or at any; only at what the reader reaches."""
    table, target = table_of_links(model, declared), model.__mapper__.relationships[declared.attr].mapper.class_
    reached = select(target.id) if ids is None else select(target.id).where(target.id.in_(ids))
    return model.id.in_(select(table.c.owner_id).where(table.c.target_id.in_(reached)))


def _filter_links(model: type[Base], declared: Field, query: Query) -> list[ColumnElement[bool]]:
    found = []
    if empty := query.values.get(f"{declared.name}.empty"):
        some = points_at(model, declared)
        found.append(~some if empty[0] == "1" else some)
    if given := query.values.get(declared.name):
        found.append(points_at(model, declared, declared.kind.parse(given)))
    return found


def _filter(model: type[Base], declared: Field, query: Query) -> list[ColumnElement[bool]]:
    if declared.many:
        return _filter_links(model, declared, query)
    column = getattr(model, declared.attr)
    kind, values = declared.kind, query.values
    found: list[ColumnElement[bool]] = []
    if empty := values.get(f"{declared.name}.empty"):
        found.append(column.is_(None) if empty[0] == "1" else column.is_not(None))
    for suffix in (".from", ".to"):
        if given := values.get(declared.name + suffix):
            bound = kind.parse(given[0])
            found.append(column >= bound if suffix == ".from" else _until(column, kind, given[0], bound))
    given = values.get(declared.name, [])
    if not given:
        return found
    if isinstance(kind, Moment):
        found.append(or_(*(_at(column, kind, value) for value in given)))
    elif isinstance(kind, Choice | Label | Flag | Day | Time | Whole | Amount) or declared.reference:
        found.append(column.in_([kind.parse(value) for value in given]))
    else:
        found.append(or_(*(column.icontains(narrow(value), autoescape=True) for value in given)))
    return found


def _at(column: Any, kind: Moment, given: str) -> ColumnElement[bool]:
    """At a moment, or at any moment of a day."""
    bound = kind.parse(given)
    return and_(column >= bound, _until(column, kind, given, bound))


def _until(column: Any, kind: Any, given: str, bound: Any) -> ColumnElement[bool]:
    """Up to and with the last moment of a day, where only the day is given."""
    if isinstance(kind, Moment) and not re.search(r"[:：时点]", given):
        bound = bound.replace(hour=23, minute=59, second=59, microsecond=999_999)
    result: ColumnElement[bool] = column <= bound
    return result


def _search(model: type[Base], search: str, *, masked: bool) -> list[ColumnElement[bool]]:
    """Every word must stand in some searchable field, or in the pinyin of the name."""
    columns = [getattr(model, f.attr) for f in searchable(model, masked=masked)]
    if "name_key" in model.__mapper__.columns:
        columns.append(model.name_key)  # type: ignore[attr-defined]
    if not columns:
        return []
    return [
        or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in narrow(search).split()[:5]
    ]


def order(model: type[Base], sort: str) -> tuple[Any, bool]:
    """The column to sort by and whether downwards; a name is sorted by its pinyin, where there is a key for that."""
    name = sort or model.__order__
    wanted = name.removeprefix("-")
    if wanted == "name" and "name_key" in model.__mapper__.columns:
        wanted = "name_key"
    declared = next((f for f in fields(model) if f.name == wanted), None)
    return getattr(model, declared.attr if declared else wanted), name.startswith("-")


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of ids, with where it stands in the whole."""

    ids: list[int]
    count: int
    page: int
    pages: int
    size: int


def page(session: Session, model: type[Base], where: list[ColumnElement[bool]], query: Query) -> Slice:
    """The ids of a page, in two statements. The page number is clamped. Pages of the second half are read from the
    end, so that the last page costs what the first does."""
    count = session.execute(select(func.count()).select_from(model).where(*where)).scalar_one()
    pages = max(1, -(-count // query.size))
    number = min(max(query.page, 1), pages)
    offset = (number - 1) * query.size
    wanted = min(query.size, count - offset)
    column, downwards = order(model, query.sort)
    backwards = offset > count // 2
    if backwards:
        offset = count - offset - wanted
        downwards = not downwards
    turn = desc if downwards else asc
    ids: Select[Any] = select(model.id).where(*where).order_by(turn(column), turn(model.id))
    if column.key == "id":
        ids = select(model.id).where(*where).order_by(turn(model.id))
    found = list(session.execute(ids.limit(max(wanted, 0)).offset(offset)).scalars())
    return Slice(found[::-1] if backwards else found, count, number, pages, query.size)


def loading(model: type[Base], names: Sequence[str]) -> list[Any]:
    """Load options for relationships: one record with its own, many in a statement of their own."""
    found = [(getattr(model, name), model.__mapper__.relationships[name].uselist) for name in names]
    return [selectinload(attribute) if several else joinedload(attribute) for attribute, several in found]


def load(session: Session, model: type[Base], ids: Sequence[int], references: Sequence[str]) -> list[Any]:
    """Records by id in the order given, with the named relationships, in a fixed number of statements."""
    if not ids:
        return []
    statement = select(model).where(model.id.in_(ids)).options(*loading(model, references))
    found = {record.id: record for record in session.execute(statement).unique().scalars()}
    return [found[id_] for id_ in ids if id_ in found]


def all_of(where: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Conditions as one; none of them is every record."""
    return and_(true(), *where)


def counts(session: Session, wanted: Sequence[tuple[type[Base], ColumnElement[bool]]]) -> list[int]:
    """How many records meet each condition, all in one statement."""
    if not wanted:
        return []
    columns = [
        select(func.count()).select_from(model).where(condition).correlate(None).scalar_subquery().label(f"n{i}")
        for i, (model, condition) in enumerate(wanted)
    ]
    return list(session.execute(select(*columns)).one())
