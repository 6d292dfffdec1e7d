"""Rows of a table as cells for a file.

They are read by one streamed statement under the actor's scope, and converted column by column, which is much faster
than record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Select, asc, desc, select, type_coerce
from sqlalchemy.orm import Session, joinedload, load_only
from sqlalchemy.types import NULLTYPE

from panel.base import Base, display, name_attributes, name_in_files
from panel.fields import Field, all_fields, table_of_links
from panel.i18n import Message
from panel.imports.rules import RECORD_NO, parent_references
from panel.kinds import ZONE, Choice, Data, Flag, Kind, Moment
from panel.search import extra_columns
from panel.search.extra_columns import ExtraColumn
from panel.search.names import NOT_VISIBLE, names_in_files
from panel.search.order import order
from panel.security.masking import is_masked
from panel.security.policy import Permission, model_of
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
    """A column of an exported table: a field; a key reference of the record that the field refers to (`above`), such as
    the library of a shelf; or, without a field, the record number."""

    label: Message
    field: Field | None = None
    above: Field | None = None

    @property
    def name(self) -> str:
        """The column's name in an address or a command."""
        if self.field is None:
            return "id"
        return f"{self.field.name}.{self.above.name}" if self.above else self.field.name


def columns(model: type[Base]) -> list[Column]:
    """The columns of an export, such that importing the file again changes nothing: every field; before a reference the
    column that tells records of one name apart; and the record number if no key identifies every row."""
    declared = [f for f in all_fields(model) if not isinstance(f.kind, Data)]
    places = {reference.name: above for reference, above in parent_references(model)}
    keyed = any(f.key for f in declared) and not model.__numbered__
    result = [] if keyed else [Column(RECORD_NO)]
    placed: set[str] = set()
    for f in declared:
        if f.name in places and places[f.name].name not in placed:
            placed.add(places[f.name].name)
            result.append(Column(places[f.name].label, f, places[f.name]))
        result.append(Column(f.label, f))
    return result


def extras(model: type[Base]) -> list[Column]:
    """The columns of a list that the table doesn't have. They are exported when they are chosen; an import reads
    none."""
    return [Column(f.label, f) for f in extra_columns.of(model)]


def rows(
    session: Session,
    model: type[Base],
    shown: Sequence[Column],
    where: Sequence[ColumnElement[bool]],
    *,
    sort: str = "",
    clear: bool = False,
) -> Iterator[tuple[Any, ...]]:
    """The rows that meet the conditions and lie in the actor's scope, in the order of the list.

    Numbers, days and moments keep their type; everything else is text. Personal data is masked as on the pages, unless
    `clear`."""
    actor = actor_of(session)
    hidden = actor.system or policy_of(session).sees_masked(actor, model)
    positions: dict[str, int] = {"id": 0}
    selected: list[Any] = [type_coerce(model.id, NULLTYPE)]
    types: list[Any] = [None]
    conversions: list[tuple[int, Convert]] = []
    names = {f.name: _Names(session, f, _place(shown, f)) for f in _references(shown)}
    for column in shown:
        f = column.field
        if f is not None and not (f.many or f.extra) and f.attr not in positions:
            positions[f.attr] = len(selected)
            attribute = getattr(model, f.attr)
            selected.append(type_coerce(attribute, NULLTYPE))
            # The converters of these kinds work on the stored value: skip the column type's conversion.
            types.append(None if isinstance(f.kind, Choice | Flag | Moment) else attribute.type)
        if f is None:
            conversions.append((0, _unchanged))
        elif f.extra:
            conversions.append((0, _extra_texts(session, f.extra)))
        elif f.many:
            conversions.append((0, _LinkNames(session, model, f).names))
        elif f.reference:
            conversions.append((positions[f.attr], names[f.name].places if column.above else names[f.name].names))
        else:
            conversions.append((positions[f.attr], _converter(f, masked=not clear and is_masked(f, hidden=hidden))))
    column, downwards = order(model, sort)
    direction = desc if downwards else asc
    statement = select(*selected).where(*where).order_by(direction(column), direction(model.id))
    for part in _raw_columns(session, statement, types):
        yield from zip(*(convert(part[index]) for index, convert in conversions), strict=True)


def _raw_columns(session: Session, statement: Select[Any], types: Sequence[Any]) -> Iterator[list[Values]]:
    """Yield the columns of CHUNK rows at a time: converted by their type, or as the driver returns them if it is None.

    The session adds the scope to the statement, but its processing of each row is bypassed: that takes half of the
    time."""
    result: Any = session.execute(statement, execution_options={"yield_per": CHUNK})
    dialect = session.get_bind().dialect
    try:
        cursor: CursorResult[Any] = result.raw
        assert cursor.cursor is not None
        processors = [
            type_ and type_.dialect_impl(dialect).result_processor(dialect, description[1])
            for type_, description in zip(types, cursor.cursor.description, strict=True)
        ]
        while part := cursor.fetchmany(CHUNK):
            yield [
                list(map(process, values)) if process else values
                for process, values in zip(processors, zip(*part, strict=True), strict=True)
            ]
    finally:
        result.close()


def _references(shown: Sequence[Column]) -> list[Field]:
    return list({c.field.name: c.field for c in shown if c.field is not None and c.field.reference}.values())


def _place(shown: Sequence[Column], reference: Field) -> Field | None:
    return next((c.above for c in shown if c.above is not None and c.field == reference), None)


class _Names:
    """Looks up the names of referenced records, once each. Records outside the actor's scope are "not visible"."""

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
        names = [name for name in name_attributes(self.model) if name in mapper.attrs]
        options: list[Any] = [load_only(*(getattr(self.model, n) for n in names if n in mapper.column_attrs))]
        options += [joinedload(getattr(self.model, n)) for n in names if n in mapper.relationships]
        if self.place is not None:
            options.append(joinedload(getattr(self.model, self.place.name)))
        statement = select(self.model).where(self.model.id.in_(missing)).options(*options)
        self.known.update(dict.fromkeys(missing, (str(NOT_VISIBLE), None)))
        if not policy_of(self.session).may(actor_of(self.session), Permission.READ, self.model):
            names_by_id = names_in_files(self.session, self.model, {id_ for id_ in missing if id_ is not None})
            self.known.update({id_: (text_cell(name), None) for id_, name in names_by_id.items()})
            return
        for record in self.session.execute(statement).unique().scalars():
            above = getattr(record, self.place.name) if self.place is not None else None
            place = text_cell(display(above)) if above is not None else None
            self.known[record.id] = (text_cell(name_in_files(record)), place)


class _LinkNames:
    """Looks up the names of the records that a many() field links: those in the actor's scope, joined in one cell."""

    def __init__(self, session: Session, model: type[Base], field: Field) -> None:
        self.session, self.table = session, table_of_links(model, field)
        self.target = model_of(field.target or "")
        self.known: dict[int, str] = {}

    def names(self, owners: Values) -> Values:
        column, downwards = order(self.target, "")
        direction = desc if downwards else asc
        statement = (
            select(self.table.c.owner_id, self.target.id)
            .join(self.target, self.target.id == self.table.c.target_id)
            .where(self.table.c.owner_id.in_(owners))
            .order_by(direction(column), self.target.id)
        )
        target_ids: dict[int, list[int]] = {}
        for owner, id_ in self.session.execute(statement):
            target_ids.setdefault(owner, []).append(id_)
        self._look_up({id_ for ids in target_ids.values() for id_ in ids})
        return [text_cell("、".join(self.known[id_] for id_ in target_ids.get(owner, ()))) for owner in owners]

    def _look_up(self, ids: set[int]) -> None:
        if len(self.known) > MAX_NAMES:
            self.known = {}
        statement = select(self.target).where(self.target.id.in_(ids.difference(self.known)))
        self.known |= {record.id: name_in_files(record) for record in self.session.execute(statement).scalars()}


def _extra_texts(session: Session, extra: ExtraColumn) -> Convert:
    def texts(ids: Values) -> Values:
        known = extra.values(session, ids)
        return [text_cell(known[id_].line) if id_ in known else None for id_ in ids]

    return texts


def _unchanged(values: Values) -> Values:
    return values


def _converter(f: Field, *, masked: bool) -> Convert:
    """The function that converts a column's values to cells."""
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


def _each(format: Callable[[Any], str]) -> Convert:
    return lambda values: [None if value is None else text_cell(format(value)) for value in values]


def _formatted(kind: Kind) -> Convert:
    """A converter that formats texts by their kind and keeps numbers and days."""

    def convert(values: Values) -> Values:
        if any(isinstance(value, str) for value in values):
            return [text_cell(kind.format(value)) if isinstance(value, str) else value for value in values]
        return [value.isoformat() if _too_early(value) else value for value in values]

    return convert


def _too_early(value: Any) -> bool:
    """Whether a value is a day before 1900, which a workbook can't hold."""
    return isinstance(value, date) and value.year < 1900


def _text(values: Values) -> Values:
    """Texts as text_cell() makes them. Most need no change: they are checked together, which is faster."""
    texts = [value for value in values if value is not None]
    if not texts or not isinstance(texts[0], str):
        return values
    if "".join(texts).replace("\n", "").isprintable() and max(map(len, texts)) < 2_000 and "" not in texts:
        return values
    return [text_cell(value) if value is not None else None for value in values]


#: Since this moment local time has had a fixed offset from UTC.
FIXED_OFFSET_SINCE, OFFSET = datetime(1992, 1, 1), timedelta(hours=8)  # noqa: DTZ001 - UTC, as it is stored


def _moments(values: Values) -> Values:
    """Moments in local time to the second. Adding the fixed offset is much faster than converting the zone."""
    moments = [value for value in values if value is not None]
    if not moments:
        return values
    if isinstance(moments[0], str):
        if min(moments) >= FIXED_OFFSET_SINCE.isoformat(" "):
            read = datetime.fromisoformat
            return [None if value is None else read(value[:19]) + OFFSET for value in values]
        values = [None if value is None else datetime.fromisoformat(value) for value in values]
    return [None if value is None else _moment(value) for value in values]


def _moment(value: datetime) -> Any:
    plain = value.replace(microsecond=0)
    if plain >= FIXED_OFFSET_SINCE:
        return plain + OFFSET
    local = plain.replace(tzinfo=UTC).astimezone(ZONE).replace(tzinfo=None)
    return str(local) if local.year < 1900 else local
