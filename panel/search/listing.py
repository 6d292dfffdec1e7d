"""Queries of lists: filters, search, order and page as SQL over a declared table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, asc, desc, false, func, inspect, or_, select, true
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from panel import ids
from panel.base import Base
from panel.fields import Field, all_fields, fields
from panel.i18n import Message
from panel.kinds import Data, Invalid, tidy
from panel.search import decrypted, extra_columns, filters, grams, order, text_match
from panel.security.policy import Actor, model_of
from panel.security.session import actor_of

PAGE_SIZE = 50
PAGE_SIZES = (20, 50, 100, 200)
#: Characters of a filter value or search; longer ones are cut.
MAX_VALUE = 200
#: Characters of a sealed number.
MAX_SEALED = 400
#: Columns that an address can choose.
MAX_COLUMNS = 60
#: Pixels of a column whose width is chosen.
LEAST_WIDTH, MOST_WIDTH = 40, 800
#: Found by a search, so many records are cheaper to read in the order of the list until a page is full than to look up
#: and sort. A condition inside coalesce() makes SQLite do so.
COMMON = 1_000

Condition = Callable[[Actor], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Quick:
    """A declared view: a condition, shown as a chip with its count unless `counted` is false; in the address
    `?is=name`. `query` is what the chip adds to the address, such as `sort=-start_on` or `columns=name,post`."""

    label: Message
    condition: Condition
    counted: bool = True
    query: str = ""


@dataclass(slots=True)
class Query:
    """The query of a list's address. `values` are the filters as texts, by "field" and the suffixes of
    panel/search/filters.py; `quick` is the name of a Quick; `columns` are the names of the chosen columns, in their
    order, none for the usual ones; `view` names the saved view that was opened; `problems` are messages for invalid
    filters, by field; `unknown` are names of columns that there are not."""

    values: dict[str, list[str]] = field(default_factory=dict)
    search: str = ""
    quick: str = ""
    sort: str = ""
    page: int = 1
    size: int = PAGE_SIZE
    columns: tuple[str, ...] = ()
    #: The widths of columns in pixels, by name; the others are as wide as their contents.
    widths: dict[str, int] = field(default_factory=dict)
    view: str = ""
    #: A private number that is searched for, sealed, and what panel/search/private_numbers.py makes of it: the number,
    #: its masked form, the condition (None finds nothing) and what there is to say.
    sealed: str = ""
    sealed_number: str = ""
    sealed_shown: str = ""
    sealed_where: ColumnElement[bool] | None = None
    sealed_note: Message | None = None
    #: The conditions that conditions() made of the search.
    searched: list[ColumnElement[bool]] = field(default_factory=list)
    problems: dict[str, Message] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def arguments(self, **changed: Any) -> dict[str, Any]:
        """The arguments of the address, with some changed; without those that are as usual."""
        arguments: dict[str, Any] = {
            "view": self.view,
            "q": self.search,
            "sealed": self.sealed,
            "is": self.quick,
            "columns": ",".join(self.columns),
            "widths": widths_text(self.widths),
            "sort": self.sort,
            "page": self.page,
            "size": self.size,
            **self.values,
            **changed,
        }
        usual = {"page": 1, "size": PAGE_SIZE}
        return {name: value for name, value in arguments.items() if value and value != usual.get(name)}

    def names(self) -> list[str]:
        """The names of the filters in use, without suffixes."""
        return list(dict.fromkeys(filters.split(key)[0] for key in self.values if not key.endswith(".or")))


def searchable(model: type[Base], *, masked: bool = False) -> list[Field]:
    return [f for f in fields(model) if f.search and not filters.is_hidden(f, masked=masked)]


def read(model: type[Base], arguments: Mapping[str, Sequence[str]], *, masked: bool = False) -> Query:
    """Parse the arguments of an address. Unknown or invalid ones are left out; `unknown` names the columns among
    them."""

    def first(name: str) -> str:
        values = arguments.get(name) or [""]
        return tidy(values[0])[:MAX_VALUE]

    query = Query(search=first("q"), quick=first("is"), view=first("view"))
    query.sealed = (arguments.get("sealed") or [""])[0][:MAX_SEALED]
    for declared in filters.filterable(model, masked=masked):
        given: dict[str, list[str]] = {}
        for suffix in filters.suffixes(declared):
            values = [tidy(v)[:MAX_VALUE] for v in arguments.get(declared.name + suffix, ())]
            if values := [v for v in values if v]:
                given[suffix] = values[:20]
        if given.get(".or", ["1"])[0] not in filters.GROUPS or given.keys() == {".or"}:
            del given[".or"]
        query.values |= {declared.name + suffix: values for suffix, values in given.items()}
    sort = first("sort")
    if sort.removeprefix("-") in order.sortable(model, masked=masked):
        query.sort = sort
    chosen = [tidy(name)[:MAX_VALUE] for text in arguments.get("columns", ()) for name in text.split(",")]
    chosen = list(dict.fromkeys(name for name in chosen if name))[:MAX_COLUMNS]
    known = {f.name for f in (*all_fields(model), *extra_columns.of(model)) if not isinstance(f.kind, Data)}
    query.columns = tuple(name for name in chosen if name in known)
    query.widths = {name: width for name, width in _widths(arguments.get("widths", ())) if name in known}
    query.unknown = [name for name in chosen if name not in known]
    query.page = ids.number(first("page"), 1)
    size = ids.number(first("size"), PAGE_SIZE)
    query.size = size if size in PAGE_SIZES else PAGE_SIZE
    return query


def widths_text(widths: Mapping[str, int]) -> str:
    """Widths for an address: name-120,post-80."""
    return ",".join(f"{name}-{width}" for name, width in widths.items())


def width(text: str | None) -> int:
    """A width that was typed, within what a column may have; 0 for none."""
    number = ids.number(text, 0)
    return min(max(number, LEAST_WIDTH), MOST_WIDTH) if number else 0


def _widths(texts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The widths of an address, at most MAX_COLUMNS."""
    for part in [part for text in texts for part in text.split(",")][:MAX_COLUMNS]:
        name, _sign, number = tidy(part).rpartition("-")
        if pixels := width(number):
            yield name, pixels


def conditions(
    session: Session, model: type[Base], query: Query, quick: Mapping[str, Quick], *, masked: bool = False
) -> list[ColumnElement[bool]]:
    """The query's filters and search as SQL conditions; filters of one "or" group as one. An invalid filter matches
    nothing and is added to query.problems."""
    result: list[ColumnElement[bool]] = []
    groups: dict[str, list[ColumnElement[bool]]] = {}
    for declared in filters.filterable(model, masked=masked):
        try:
            parts = filters.conditions(model, declared, query.values)
        except Invalid as problem:
            query.problems[declared.name] = problem.message
            parts = [false()]
        group = query.values.get(f"{declared.name}.or", [""])[0]
        if parts and group:
            groups.setdefault(group, []).append(and_(*parts))
        else:
            result += parts
    result += [or_(*parts) for parts in groups.values()]
    if query.quick in quick:
        result.append(quick[query.quick].condition(actor_of(session)))
    if query.sealed:
        result.append(false() if query.sealed_where is None else query.sealed_where)
    query.searched = search(session, model, query.search, masked=masked)
    return [*result, *query.searched]


def search(session: Session, model: type[Base], words: str, *, masked: bool) -> list[ColumnElement[bool]]:
    """Conditions that each of the first five words occurs in a searchable field, in the pinyin of the name, or in those
    of a record that a searchable reference points at, inside the reader's scope."""
    if not searchable(model, masked=masked):
        return []
    encrypted = [f for f in searchable(model, masked=masked) if f.encrypted]
    return [
        or_(_contains(model, word, masked=masked), *(decrypted.holding(session, model, f, word) for f in encrypted))
        for word in grams.words(words)
    ]


def _contains(entity: Any, word: str, *, masked: bool, referred: bool = False) -> ColumnElement[bool]:
    """The condition that a word occurs in a record of a mapped class or an alias of one. Records that it refers to are
    looked up in subselects, which read the reader's scope alone; those that a `referred` one refers to, where its
    `__found_by__` names them."""
    model = inspect(entity).mapper.class_
    searched = searchable(model, masked=masked)
    if model.__text_index__:
        found = [text_match.contains(entity, model, word, masked=masked)]
    else:
        attrs = [f.attr for f in searched if not f.reference and not f.encrypted]
        attrs += ["name_key"] if "name_key" in model.__mapper__.columns else []
        found = [getattr(entity, attr).icontains(word, autoescape=True) for attr in attrs]
    for one in searched:
        if one.reference and (not referred or one.name in model.__found_by__):
            target = aliased(model_of(one.reference.table))
            named = select(target.id).where(_contains(target, word, masked=masked, referred=True))
            found.append(getattr(entity, one.attr).in_(named))
    return or_(false(), *found)


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
    column, downwards = order.order(model, query.sort)
    backwards = offset > count // 2
    if backwards:
        offset = count - offset - length
        downwards = not downwards
    direction = desc if downwards else asc
    if count > COMMON:
        where = [func.coalesce(one, false()) if any(one is found for found in query.searched) else one for one in where]
    ids: Select[Any] = select(model.id).where(*where).order_by(direction(column), direction(model.id))
    if getattr(column, "key", "") == "id":
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


def first_ids(session: Session, model: type[Base], where: list[ColumnElement[bool]], most: int) -> list[int]:
    """The ids of the records that meet the conditions, at most so many."""
    return list(session.execute(select(model.id).where(*where).order_by(model.id).limit(most)).scalars())


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
