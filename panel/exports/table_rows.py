"""The rows of a table as cells that any file can hold: read in one streamed statement inside the reader's scope, and
converted a column at a time, which costs a fraction of record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Select, asc, desc, select, type_coerce
from sqlalchemy.orm import Session, joinedload, load_only
from sqlalchemy.types import NULLTYPE

from panel.base import Base, display, in_files, written_by
from panel.fields import Field, all_fields, table_of_links
from panel.i18n import Message
from panel.imports.matching import is_masked
from panel.imports.rules import RECORD_NO, parent_references
from panel.kinds import ZONE, Choice, Data, Flag, Kind, Moment
from panel.search.listing import order
from panel.search.names import NOT_VISIBLE
from panel.security.policy import model_of
from panel.security.session import actor_of, policy_of
from panel.sheets import text_cell

#: Rows held in memory at a time while a table is written.
CHUNK = 500
#: Names of referenced records kept while a table is written.
MAX_NAMES = 20_000

Values = Sequence[Any]
Convert = Callable[[Values], Values]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an exported table: a field, the place of a reference (`above`), or the record's number."""

    label: Message
    field: Field | None = None
    above: Field | None = None

    @property
    def name(self) -> str:
        """What the column is called in an address or a command."""
        if self.field is None:
            return "id"
        return f"{self.field.name}.{self.above.name}" if self.above else self.field.name


def columns(model: type[Base]) -> list[Column]:
    """What a table is exported as, so that importing it again changes nothing: every field, a column that places a
    reference before it, and a record number where no key identifies every row."""
    declared = [f for f in all_fields(model) if not isinstance(f.kind, Data)]
    places = {reference.name: above for reference, above in parent_references(model)}
    keyed = any(f.key for f in declared) and not model.__numbered__
    found = [] if keyed else [Column(RECORD_NO)]
    seen: set[str] = set()
    for f in declared:
        if f.name in places and places[f.name].name not in seen:
            seen.add(places[f.name].name)
            found.append(Column(places[f.name].label, f, places[f.name]))
        found.append(Column(f.label, f))
    return found


def rows(
    session: Session,
    model: type[Base],
    shown: Sequence[Column],
    where: Sequence[ColumnElement[bool]],
    *,
    sort: str = "",
    clear: bool = False,
) -> Iterator[tuple[Any, ...]]:
    """The rows that the session's actor reaches and the conditions leave, in the order of the list: numbers and dates
    as such, everything else as text, personal data masked as on screen, or all of it `clear`."""
    actor = actor_of(session)
    hidden = actor.system or policy_of(session).sees_masked(actor, model)
    taken: dict[str, int] = {"id": 0}
    wanted: list[Any] = [type_coerce(model.id, NULLTYPE)]
    types: list[Any] = [None]
    made: list[tuple[int, Convert]] = []
    names = {f.name: _Names(session, f, _place(shown, f)) for f in _references(shown)}
    for column in shown:
        f = column.field
        if f is not None and not f.many and f.attr not in taken:
            taken[f.attr] = len(wanted)
            attribute = getattr(model, f.attr)
            wanted.append(type_coerce(attribute, NULLTYPE))
            # What its type makes of a choice or a moment would only be undone again.
            types.append(None if isinstance(f.kind, Choice | Flag | Moment) else attribute.type)
        if f is None:
            made.append((0, _same))
        elif f.many:
            made.append((0, _Linked(session, model, f).names))
        elif f.reference:
            made.append((taken[f.attr], names[f.name].places if column.above else names[f.name].names))
        else:
            made.append((taken[f.attr], _converter(f, masked=not clear and is_masked(f, hidden=hidden))))
    column, downwards = order(model, sort)
    turn = desc if downwards else asc
    statement = select(*wanted).where(*where).order_by(turn(column), turn(model.id))
    for part in _driven(session, statement, types):
        yield from zip(*(convert(part[index]) for index, convert in made), strict=True)


def _driven(session: Session, statement: Select[Any], types: Sequence[Any]) -> Iterator[list[Values]]:
    """The columns of a statement, some rows at a time: those with a type as it makes them, a column at once, the others
    as the driver gives them. The scope is on the statement; what the session does to each row after that is left out,
    which saves half of the time."""
    result: Any = session.execute(statement, execution_options={"yield_per": CHUNK})
    dialect = session.get_bind().dialect
    try:
        driven: CursorResult[Any] = result.raw
        assert driven.cursor is not None
        makers = [
            type_ and type_.dialect_impl(dialect).result_processor(dialect, described[1])
            for type_, described in zip(types, driven.cursor.description, strict=True)
        ]
        while part := driven.fetchmany(CHUNK):
            yield [
                list(map(make, values)) if make else values
                for make, values in zip(makers, zip(*part, strict=True), strict=True)
            ]
    finally:
        result.close()


def _references(shown: Sequence[Column]) -> list[Field]:
    return list({c.field.name: c.field for c in shown if c.field is not None and c.field.reference}.values())


def _place(shown: Sequence[Column], reference: Field) -> Field | None:
    return next((c.above for c in shown if c.above is not None and c.field == reference), None)


class _Names:
    """What the records are called that a column refers to. Each is looked up once, under the reader's scope: one that
    isn't found is not visible."""

    def __init__(self, session: Session, reference: Field, place: Field | None) -> None:
        assert reference.reference is not None
        self.session, self.model, self.place = session, model_of(reference.reference.table), place
        self.known: dict[int | None, tuple[str | None, str | None]] = {None: (None, None)}

    def names(self, ids: Values) -> Values:
        self._look_up(ids)
        return [self.known[id_][0] for id_ in ids]

    def places(self, ids: Values) -> Values:
        self._look_up(ids)
        return [self.known[id_][1] for id_ in ids]

    def _look_up(self, ids: Values) -> None:
        missing = set(ids) - self.known.keys()
        if not missing:
            return
        if len(self.known) > MAX_NAMES:
            self.known = {None: (None, None)}
            missing = set(ids) - self.known.keys()
        mapper = self.model.__mapper__
        called = [name for name in written_by(self.model) if name in mapper.attrs]
        options: list[Any] = [load_only(*(getattr(self.model, n) for n in called if n in mapper.column_attrs))]
        options += [joinedload(getattr(self.model, n)) for n in called if n in mapper.relationships]
        if self.place is not None:
            options.append(joinedload(getattr(self.model, self.place.name)))
        statement = select(self.model).where(self.model.id.in_(missing)).options(*options)
        self.known.update(dict.fromkeys(missing, (str(NOT_VISIBLE), None)))
        for record in self.session.execute(statement).unique().scalars():
            above = getattr(record, self.place.name) if self.place is not None else None
            place = text_cell(display(above)) if above is not None else None
            self.known[record.id] = (text_cell(in_files(record)), place)


class _Linked:
    """What the records are called that a record points at by many(): those that the reader reaches, in one cell."""

    def __init__(self, session: Session, model: type[Base], field: Field) -> None:
        self.session, self.table = session, table_of_links(model, field)
        self.target = model_of(field.target or "")
        self.called: dict[int, str] = {}

    def names(self, owners: Values) -> Values:
        column, downwards = order(self.target, "")
        turn = desc if downwards else asc
        statement = (
            select(self.table.c.owner_id, self.target.id)
            .join(self.target, self.target.id == self.table.c.target_id)
            .where(self.table.c.owner_id.in_(owners))
            .order_by(turn(column), self.target.id)
        )
        found: dict[int, list[int]] = {}
        for owner, id_ in self.session.execute(statement):
            found.setdefault(owner, []).append(id_)
        self._look_up({id_ for ids in found.values() for id_ in ids})
        return [text_cell("、".join(self.called[id_] for id_ in found.get(owner, ()))) for owner in owners]

    def _look_up(self, ids: set[int]) -> None:
        if len(self.called) > MAX_NAMES:
            self.called = {}
        statement = select(self.target).where(self.target.id.in_(ids.difference(self.called)))
        self.called |= {record.id: in_files(record) for record in self.session.execute(statement).scalars()}


def _same(values: Values) -> Values:
    return values


def _converter(f: Field, *, masked: bool) -> Convert:
    """How a column's values become cells."""
    if masked:
        return _each(f.kind.mask)
    if isinstance(f.kind, Choice):
        labels = {choice.value: str(choice.label) for choice in f.kind.choices}
        return lambda values: list(map(labels.get, values, values))
    if isinstance(f.kind, Flag):
        words = {None: None, True: f.kind.format(True), False: f.kind.format(False)}
        return lambda values: list(map(words.__getitem__, values))
    if isinstance(f.kind, Moment):
        return _moments
    if type(f.kind).format is not Kind.format:
        return _formatted(f.kind)
    return _text


def _each(act: Callable[[Any], str]) -> Convert:
    return lambda values: [None if value is None else text_cell(act(value)) for value in values]


def _formatted(kind: Kind) -> Convert:
    """Text in its kind's words, numbers and days as they are."""

    def convert(values: Values) -> Values:
        if any(isinstance(value, str) for value in values):
            return [text_cell(kind.format(value)) if isinstance(value, str) else value for value in values]
        return [value.isoformat() if _too_early(value) else value for value in values]

    return convert


def _too_early(value: Any) -> bool:
    """A day before any that a workbook knows."""
    return isinstance(value, date) and value.year < 1900


def _text(values: Values) -> Values:
    """Text that a cell can hold. What nearly always is fit already is looked at all at once."""
    found = [value for value in values if value is not None]
    if not found or not isinstance(found[0], str):
        return values
    if "".join(found).replace("\n", "").isprintable() and max(map(len, found)) < 2_000 and "" not in found:
        return values
    return [text_cell(value) if value is not None else None for value in values]


#: Since then the office's clock has been ahead of UTC by the same.
STEADY, AHEAD = datetime(1992, 1, 1), timedelta(hours=8)  # noqa: DTZ001 - UTC, as it is stored


def _moments(values: Values) -> Values:
    """The office's local time to the second, by a sum where that is the same: a fraction of the cost."""
    found = [value for value in values if value is not None]
    if not found:
        return values
    if isinstance(found[0], str):
        if min(found) >= STEADY.isoformat(" "):
            read = datetime.fromisoformat
            return [None if value is None else read(value[:19]) + AHEAD for value in values]
        values = [None if value is None else datetime.fromisoformat(value) for value in values]
    return [None if value is None else _moment(value) for value in values]


def _moment(value: datetime) -> Any:
    plain = value.replace(microsecond=0)
    if plain >= STEADY:
        return plain + AHEAD
    found = plain.replace(tzinfo=UTC).astimezone(ZONE).replace(tzinfo=None)
    return str(found) if found.year < 1900 else found
