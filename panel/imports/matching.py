"""Finding records for the words in a file: what a reference means, and which stored row a row is about.

Everything is read unscoped and in a number of statements that doesn't grow with the rows: a row that the actor can't
see must not look new. Rights are checked afterwards, and what is told of a record is told to those who reach it."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from panel.base import Base, written_by
from panel.fields import Field, Personal, field_named, fields
from panel.i18n import Message, _
from panel.imports.plans import Made, PlanRow
from panel.kinds import Code, Invalid, Text, narrow, tidy
from panel.security.policy import Permission, model_of, table_of
from panel.security.session import actor_of, policy_of

UNSCOPED = {"unscoped": True}
#: Ids or texts of one statement: below every database's limit of parameters.
AT_ONCE = 5_000
NEAR = 0.6
#: Answers that are kept for the next row that asks the same.
ANSWERS = 5_000
#: Names that are looked at for a suggestion, and the length of one that can have any.
SUGGESTED, SUGGESTED_LENGTH = 300, 40


def key_of(text: object) -> str:
    """Text as names are compared: narrow, in small letters, without white space. What is so already is given back, and
    takes no memory of its own."""
    plain = narrow(tidy(text))
    low = plain.lower()
    parts = (plain if low == plain else low).split()
    return parts[0] if len(parts) == 1 else "".join(parts)


def chunks(values: Iterable[Any], width: int = 1) -> Iterator[list[Any]]:
    """Values of one statement each; fewer where one takes more than a place in it."""
    wanted, size = list(values), AT_ONCE // width
    for start in range(0, len(wanted), size):
        yield wanted[start : start + size]


def within(session: Session, model: type[Base], action: Permission, ids: Collection[int]) -> Collection[int]:
    """Those of these records to which the actor may do `action`."""
    columns = table_of(model).c
    condition = policy_of(session).criterion(actor_of(session), action, model, columns)
    if condition is None:
        return ids
    found: set[int] = set()
    for part in chunks(ids):
        statement = select(columns.id).where(columns.id.in_(part), condition)
        found |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return found


def displays(session: Session, model: type[Base]) -> dict[int, str]:
    """What people call every record of a table, as display() says it; unscoped, so that no record is kept loaded."""
    columns, parts = table_of(model).c, [field_named(model, name) for name in model.__display__]
    if any(f is None or f.attr not in columns or (f.reference and model_of(f.reference.table) is model) for f in parts):
        return {row[0]: str(row[0]) for row in session.execute(select(columns.id), execution_options=UNSCOPED)}
    known = [f for f in parts if f is not None]
    others = {f.name: displays(session, model_of(f.reference.table)) for f in known if f.reference}
    found = {}
    statement = select(columns.id, *(columns[f.attr] for f in known))
    for id_, *values in session.execute(statement, execution_options=UNSCOPED):
        said = [
            others[f.name].get(value, "") if f.reference else f.kind.format(value)
            for f, value in zip(known, values, strict=True)
            if value is not None
        ]
        found[id_] = " ".join(filter(None, said))
    return found


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing is called so, or more than one is. `suggestion` is what is nearly called so; `creatable` tells that it
    could be added."""

    message: Message
    suggestion: str | None = None
    creatable: bool = False
    several: bool = False


class Finder:
    """Finds records of one table by what people call them. Subclass it where names need more rules."""

    #: A missing one can be made from its name alone.
    creatable = False

    def __init__(self, model: type[Base]) -> None:
        self.model = model
        self.names: dict[str, tuple[int, ...]] = {}
        #: What each record is called first, and how its other names are written, by key.
        self.called: dict[int, str] = {}
        self.shown: dict[str, str] = {}
        self.places: dict[int, str] = {}
        #: The records of which the actor may be told; None when it is all of them.
        self.reach: Collection[int] | None = None
        self._known: dict[tuple[str, str], int | Missing] = {}
        self._suggested = 0

    def read(self, session: Session, texts: Collection[str]) -> None:
        """Learn the names of the table, in a fixed number of statements, and which of them the actor reaches."""
        self.load(session, texts)
        if (
            policy_of(session).criterion(actor_of(session), Permission.READ, self.model, table_of(self.model).c)
            is not None
        ):
            self.reach = within(
                session, self.model, Permission.READ, {id_ for ids in self.names.values() for id_ in ids}
            )

    def load(self, session: Session, texts: Collection[str]) -> None:
        """Read names: all of the table, or where it is long, those among the texts of the file."""
        columns = table_of(self.model).c
        wanted = [columns[f.attr] for f in self.naming()]
        for row in session.execute(select(columns.id, *wanted), execution_options=UNSCOPED):
            self.learn(row[0], row[1:])
        if not set(written_by(self.model)) <= {f.attr for f in self.naming()}:
            for id_, name in displays(session, self.model).items():
                self.call(id_, name)

    def naming(self) -> list[Field]:
        """The fields by any of which a record is called."""
        known = fields(self.model)
        named = [f for f in known if f.name == "name"]
        codes = [f for f in known if f.key and not f.reference and f.name != "name" and f.kind.control == "text"]
        return [*named, *codes]

    def learn(self, id_: int, names: Iterable[Any]) -> None:
        """Remember what a record is called."""
        given = [tidy(name) for name in names if name]
        for name in given:
            self.call(id_, name)
        if len(given) > 1:
            self.call(id_, f"{given[1]} {given[0]}")

    def call(self, id_: int, name: str) -> None:
        key = self.key(name)
        held = self.names.get(key, ())
        if key and id_ not in held:
            self.names[key] = (*held, id_)
            if self.called.setdefault(id_, name) is not name and not held:
                self.shown[key] = name

    def key(self, text: str) -> str:
        return key_of(text)

    def place_key(self, text: str) -> str:
        return key_of(text)

    def means(self, text: str, id_: Any) -> bool:
        """Whether this very record is called so, whatever else is."""
        return id_ in self.names.get(self.key(text), ())

    def find(self, text: str, place: str = "") -> int | Missing:
        """The id, or why there is none. `place` is a word that tells two of one name apart."""
        asked = (text, place)
        if (answer := self._known.get(asked)) is None:
            if len(self._known) >= ANSWERS:
                self._known.clear()
            self._known[asked] = answer = self._find(text, place)
        return answer

    def choose(self, found: Sequence[int], place: str) -> Sequence[int]:
        """Of several records of one name, those that are meant."""
        for told in (
            [id_ for id_ in found if self.places.get(id_) == self.place_key(place)] if place else [],
            [id_ for id_ in found if id_ in self.reach] if self.reach is not None else [],
        ):
            if told and len(found) > 1:
                found = told
        return found

    def _find(self, text: str, place: str) -> int | Missing:
        found = self.choose(self.names.get(self.key(text), ()), place)
        if len(found) == 1:
            return found[0]
        label = self.model.__label__
        if found:
            message = _("There are {n} of {label} “{value}”. Say which.", n=len(found), label=label, value=text)
            return Missing(message, several=True)
        if likely := self._nearly(self.key(text)):
            return Missing(
                _("There is no {label} “{value}”. Did you mean {likely}?", label=label, value=text, likely=likely),
                likely,
                self.creatable,
            )
        return Missing(_("There is no {label} “{value}”.", label=label, value=text), None, self.creatable)

    def _nearly(self, key: str) -> str | None:
        """What is nearly called so, of what the actor may be told."""
        if len(key) > SUGGESTED_LENGTH or self._suggested >= SUGGESTED:
            return None
        self._suggested += 1
        told = [k for k, ids in self.names.items() if self.reach is None or any(id_ in self.reach for id_ in ids)]
        near = difflib.get_close_matches(key, told, n=1, cutoff=NEAR)
        return (self.shown.get(near[0]) or self.called[self.names[near[0]][0]]) if near else None


Key = tuple[Any, ...]


class Matcher:
    """Finds the stored row that a row of the file is about, by the declared key. Subclass it for other rules."""

    def __init__(self, model: type[Base]) -> None:
        self.model = model
        self.stored: dict[Key, Row[Any]] = {}

    def key_fields(self) -> list[Field]:
        return [f for f in fields(self.model) if f.key]

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        """Read the stored rows that any of these could be about."""
        keyed = self.key_fields()
        for found in self.candidates(session, keyed[0].attr, (row.values.get(keyed[0].attr) for row in rows)):
            self.stored[tuple(part(found._mapping[f.attr]) for f in keyed)] = found

    def candidates(self, session: Session, attr: str, values: Iterable[Any]) -> list[Row[Any]]:
        """Stored rows whose column has one of these values; names are compared as people write them."""
        table = table_of(self.model)
        kind = next(f.kind for f in fields(self.model) if f.attr == attr)
        given = {value for value in values if value is not None and not isinstance(value, Made)}
        column: ColumnElement[Any] = table.c[attr]
        if isinstance(kind, Text) and not isinstance(kind, Code):
            column = func.lower(func.replace(column, " ", ""))
            given = {key_of(value) for value in given}
        found: list[Row[Any]] = []
        for some in chunks(sorted(given)):
            found += session.execute(select(table).where(column.in_(some)), execution_options=UNSCOPED).all()
        return found

    def key(self, row: PlanRow) -> Key | None:
        """The key of a row of the file; None if it gives none, so that it is new each time."""
        keyed = self.key_fields()
        if all(row.values.get(f.attr) is None for f in keyed):
            return None
        return tuple(part(row.values.get(f.attr)) for f in keyed)

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        """The stored row, None if there is none, or why it can't be told."""
        key = self.key(row)
        return None if key is None else self.stored.get(key)

    def same(self, field: Field, stored: Any, given: Any) -> bool:
        """Whether a given value says what is stored, in other letters perhaps."""
        return stored is not None and field.key and isinstance(given, str) and key_of(stored) == key_of(given)


def part(value: Any) -> Any:
    """A value as part of a key."""
    return key_of(value) if isinstance(value, str) and not hasattr(value, "label") else value


class AlikeMatcher(Matcher):
    """For a table without a key: a row is about the stored one that has every value it gives, each one once. So the
    same file again changes nothing."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        self.alike: dict[Any, list[Row[Any]]] = defaultdict(list)
        self.declared = {f.attr: f for f in fields(self.model)}
        self.anchor = next((f.attr for f in fields(self.model) if f.reference and f.required), None)
        if self.anchor:
            for found in self.candidates(session, self.anchor, (row.values.get(self.anchor) for row in rows)):
                self.alike[found._mapping[self.anchor]].append(found)

    def key(self, row: PlanRow) -> Key | None:
        return None

    def find(self, row: PlanRow) -> Row[Any] | None:
        same = self.alike.get(row.values.get(self.anchor), []) if self.anchor else []
        for found in same:
            told = {attr: value for attr, value in row.values.items() if attr in self.declared}
            if all(self._says(attr, found, value) for attr, value in told.items()) and all(
                self.declared[attr].kind.mask(found._mapping[attr]) == text for attr, text in row.masked.items()
            ):
                same.remove(found)
                return found
        return None

    def _says(self, attr: str, found: Row[Any], value: Any) -> bool:
        stored = found._mapping[attr]
        return bool(stored == value or as_typed(self.declared[attr], stored) == value)


def as_typed(field: Field, stored: Any) -> Any:
    """What one gets back who types a stored value as it is shown: without what is not shown, such as milliseconds."""
    if stored is None or field.reference:
        return stored
    try:
        return field.kind.parse(field.kind.format(stored))
    except Invalid:
        return stored


def is_masked(field: Field, *, hidden: bool) -> bool:
    """Whether the actor sees this field's values masked; `hidden` for roles to which work phones are masked too."""
    return field.personal is Personal.PRIVATE or (hidden and field.personal is Personal.WORK)
