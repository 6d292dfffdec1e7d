"""Find stored records for a file: a Finder resolves the names of references, a Matcher finds the record of each row.

Both read unscoped, because a record that the actor can't see must not look new. Rights are checked afterwards, and
messages name only records that the actor may read. The number of statements doesn't grow with the rows."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base, name_attributes
from panel.chunks import chunks
from panel.fields import Field, Personal, field_named, fields
from panel.i18n import Message, _
from panel.imports.plans import PendingRecord, PlanRow
from panel.kinds import OTHER_DOTS, Code, FullName, Invalid, PersonName, Text, tidy
from panel.kinds import key_of as key_of  # noqa: PLC0414 - read from here by most
from panel.security.hashes import hash_of
from panel.security.policy import Permission, model_of, table_of
from panel.security.session import actor_of, permitted, policy_of

#: Lowest similarity (0 to 1) of a suggested name.
MIN_SIMILARITY = 0.6
#: Results of find() that a Finder keeps for later rows with the same text.
CACHE_SIZE = 5_000
#: Suggestions looked for in one file, and the longest text that gets one: the search is slow.
MAX_SUGGESTIONS, MAX_SUGGEST_LENGTH = 300, 40


def display_names(session: Session, model: type[Base]) -> dict[int, str]:
    """The name of every record of a table, by id, as display() words it. Reads columns, so that no record is loaded
    into the session."""
    columns, parts = table_of(model).c, [field_named(model, name) for name in model.__display__]
    if any(f is None or f.attr not in columns or (f.reference and model_of(f.reference.table) is model) for f in parts):
        return {row[0]: str(row[0]) for row in session.execute(select(columns.id), execution_options=UNSCOPED)}
    known = [f for f in parts if f is not None]
    others = {f.name: display_names(session, model_of(f.reference.table)) for f in known if f.reference}
    names = {}
    statement = select(columns.id, *(columns[f.attr] for f in known))
    for id_, *values in session.execute(statement, execution_options=UNSCOPED):
        words = [
            others[f.name].get(value, "") if f.reference else f.kind.format(value)
            for f, value in zip(known, values, strict=True)
            if value is not None
        ]
        names[id_] = " ".join(filter(None, words))
    return names


@dataclass(frozen=True, slots=True)
class Missing:
    """No record has the name, or several have it (`ambiguous`). `suggestion` is a similar name; `creatable` tells
    whether a record of this name could be added."""

    message: Message
    suggestion: str | None = None
    creatable: bool = False
    ambiguous: bool = False


class Finder:
    """Finds records of one table by name. Subclass it where names need more rules."""

    #: Whether a missing record can be created from its name alone.
    creatable = False
    #: Whether a missing record can be added with values that the user gives in the preview.
    addable = False

    def __init__(self, model: type[Base]) -> None:
        self.model = model
        self.names: dict[str, tuple[int, ...]] = {}
        #: The first name of each record by id, and other names as written by their key.
        self.primary_names: dict[int, str] = {}
        self.other_names: dict[str, str] = {}
        self.places: dict[int, str] = {}
        #: Ids of the records that the actor may refer to; None for all.
        self.reach: Collection[int] | None = None
        self._cache: dict[tuple[str, str], int | Missing] = {}
        self._suggestions = 0

    def read(self, session: Session, texts: Collection[str]) -> None:
        """Load the names of the table in a fixed number of statements, and which records the actor may refer to."""
        self.load(session, texts)
        if (
            policy_of(session).criterion(actor_of(session), Permission.CHOOSE, self.model, table_of(self.model).c)
            is not None
        ):
            self.reach = permitted(
                session, self.model, Permission.CHOOSE, {id_ for ids in self.names.values() for id_ in ids}
            )

    def load(self, session: Session, texts: Collection[str]) -> None:
        """Load all names of the table. Subclasses for long tables load only those among `texts`."""
        columns = table_of(self.model).c
        name_columns = [columns[f.attr] for f in self.name_fields()]
        for row in session.execute(select(columns.id, *name_columns), execution_options=UNSCOPED):
            self.add_record(row[0], row[1:])
        if not set(name_attributes(self.model)) <= {f.attr for f in self.name_fields()}:
            for id_, name in display_names(session, self.model).items():
                self.add_name(id_, name)

    def name_fields(self) -> list[Field]:
        """The fields whose value is a name of the record: its name, and text keys such as codes."""
        declared = fields(self.model)
        by_name = [f for f in declared if f.name == "name"]
        by_code = [f for f in declared if f.key and not f.reference and f.name != "name" and f.kind.control == "text"]
        return [*by_name, *by_code]

    def add_record(self, id_: int, names: Iterable[Any]) -> None:
        """Add each of the names, and the second joined with the first ("code name")."""
        texts = [tidy(name) for name in names if name]
        for name in texts:
            self.add_name(id_, name)
        if len(texts) > 1:
            self.add_name(id_, f"{texts[1]} {texts[0]}")

    def add_name(self, id_: int, name: str) -> None:
        key = self.key(name)
        ids = self.names.get(key, ())
        if key and id_ not in ids:
            self.names[key] = (*ids, id_)
            if self.primary_names.setdefault(id_, name) is not name and not ids:
                self.other_names[key] = name

    def key(self, text: str) -> str:
        return key_of(text)

    def label(self, id_: int) -> str:
        """The name of a record as a question offers it."""
        return self.primary_names[id_]

    def asks(self, text: str) -> bool:
        """Whether an import asks what an unknown name means. Otherwise its rows fail."""
        return False

    def place_key(self, text: str) -> str:
        return key_of(text)

    def is_in(self, id_: int, place: str) -> bool:
        """Whether a record lies in the parent of this name."""
        return self.places.get(id_) == self.place_key(place)

    def knows_place(self, name: str) -> bool:
        """Whether a name is that of a parent, as a sheet's name may be."""
        return bool(name) and self.place_key(name) in self.places.values()

    def has_name(self, text: str, id_: Any) -> bool:
        """Whether this record has the name, even if others have it too."""
        return id_ in self.names.get(self.key(text), ())

    def name_in(self, text: str) -> str:
        """The name in a text that is more than a name: in a table of people without the title behind it. "" if there is
        no other name in it."""
        named = field_named(self.model, "name")
        if named is None or not isinstance(named.kind, FullName):
            return ""
        try:
            name = named.kind.parse(text)
        except Invalid:
            return ""
        return name if name and self.key(name) != self.key(text) else ""

    def find(self, text: str, place: str = "") -> int | Missing:
        """The id of the record, or why there is none. `place` is the name of a parent that tells records of one name
        apart."""
        query = (text, place)
        if (match := self._cache.get(query)) is None:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[query] = match = self._find(text, place)
        return match

    def disambiguate(self, ids: Sequence[int], place: str) -> Sequence[int]:
        """Narrow several records of one name to those in `place`, then to those that the actor may read."""
        for preferred in (
            [id_ for id_ in ids if self.is_in(id_, place)] if place else [],
            [id_ for id_ in ids if id_ in self.reach] if self.reach is not None else [],
        ):
            if preferred and len(ids) > 1:
                ids = preferred
        return ids

    def _find(self, text: str, place: str) -> int | Missing:
        ids = self.disambiguate(self.names.get(self.key(text), ()), place)
        if len(ids) == 1:
            return ids[0]
        label = self.model.__label__
        if ids:
            message = _("There are {n} of {label} “{value}”. Say which.", n=len(ids), label=label, value=text)
            return Missing(message, ambiguous=True)
        if suggestion := self._suggest(self.key(text)):
            return Missing(
                _("There is no {label} “{value}”. Did you mean {likely}?", label=label, value=text, likely=suggestion),
                suggestion,
                self.creatable,
            )
        return Missing(_("There is no {label} “{value}”.", label=label, value=text), None, self.creatable)

    def _suggest(self, key: str) -> str | None:
        """The most similar name among the records that the actor may read."""
        if len(key) > MAX_SUGGEST_LENGTH or self._suggestions >= MAX_SUGGESTIONS:
            return None
        self._suggestions += 1
        visible = [k for k, ids in self.names.items() if self.reach is None or any(id_ in self.reach for id_ in ids)]
        near = difflib.get_close_matches(key, visible, n=1, cutoff=MIN_SIMILARITY)
        return (self.other_names.get(near[0]) or self.primary_names[self.names[near[0]][0]]) if near else None


Key = tuple[Any, ...]


class Matcher:
    """Finds the stored record of a row by the declared key. Subclass it for other rules."""

    def __init__(self, model: type[Base]) -> None:
        self.model = model
        self.stored: dict[Key, Row[Any]] = {}

    def key_fields(self) -> list[Field]:
        return [f for f in fields(self.model) if f.key]

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        """Load the stored records that any of these rows could match."""
        keyed = self.key_fields()
        for stored in self.candidates(session, keyed[0].attr, (row.values.get(keyed[0].attr) for row in rows)):
            self.stored[tuple(key_part(stored._mapping[f.attr]) for f in keyed)] = stored

    def candidates(self, session: Session, attr: str, values: Iterable[Any]) -> list[Row[Any]]:
        """Stored records whose column has one of these values; texts are compared by their key_of()."""
        table = table_of(self.model)
        kind = next(f.kind for f in fields(self.model) if f.attr == attr)
        keys = {value for value in values if value is not None and not isinstance(value, PendingRecord)}
        column: ColumnElement[Any] = table.c[attr]
        field = field_named(self.model, attr)
        if field is not None and field.encrypted:
            column = table.c[field.hash_attr]
            keys = {hash_of(field, value, session.info.get("secret", "")) for value in keys}
        elif isinstance(kind, Text) and not isinstance(kind, Code):
            column = func.lower(func.replace(column, " ", ""))
            for dot in OTHER_DOTS if isinstance(kind, PersonName) else "":
                column = func.replace(column, dot, "·")
            keys = {key_of(value) for value in keys}
        rows: list[Row[Any]] = []
        for chunk in chunks(sorted(keys)):
            rows += session.execute(select(table).where(column.in_(chunk)), execution_options=UNSCOPED).all()
        return rows

    def key(self, row: PlanRow) -> Key | None:
        """The key of a row; None if the row gives none of its parts, so that it is always new."""
        keyed = self.key_fields()
        if all(row.values.get(f.attr) is None for f in keyed):
            return None
        return tuple(key_part(row.values.get(f.attr)) for f in keyed)

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        """The stored record, None if there is none, or a message why it can't be determined."""
        key = self.key(row)
        return None if key is None else self.stored.get(key)

    def same(self, field: Field, stored: Any, value: Any) -> bool:
        """Whether a value of a key field in the file equals the stored one but for case, width or white space."""
        return stored is not None and field.key and isinstance(value, str) and key_of(stored) == key_of(value)


def key_part(value: Any) -> Any:
    """A value as part of a key: texts by their key_of(), choices and others as they are."""
    return key_of(value) if isinstance(value, str) and not hasattr(value, "label") else value


class FullRowMatcher(Matcher):
    """For tables without a key: a row matches a stored record that equals it in every value the row gives. Each record
    is matched once. So importing the same file again changes nothing."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        self.by_anchor: dict[Any, list[Row[Any]]] = defaultdict(list)
        self.undecided = not actor_of(session).system
        self.declared = {f.attr: f for f in fields(self.model)}
        self.anchor = next((f.attr for f in fields(self.model) if f.reference and f.required), None)
        if self.anchor:
            for stored in self.candidates(session, self.anchor, (row.values.get(self.anchor) for row in rows)):
                self.by_anchor[stored._mapping[self.anchor]].append(stored)

    def key(self, row: PlanRow) -> Key | None:
        return None

    def find(self, row: PlanRow) -> Row[Any] | None:
        """As find_exactly(); but a row that gives a private value in clear counts as new, so that a preview doesn't
        tell whether the value is stored. changes.settle() decides it."""
        if self.undecided and any(
            f.personal is Personal.PRIVATE and row.values.get(attr) is not None for attr, f in self.declared.items()
        ):
            return None
        return self.find_exactly(row)

    def find_exactly(self, row: PlanRow) -> Row[Any] | None:
        candidates = self.by_anchor.get(row.values.get(self.anchor), []) if self.anchor else []
        values = {attr: value for attr, value in row.values.items() if attr in self.declared}
        for stored in candidates:
            if all(self._equals(attr, stored, value) for attr, value in values.items()) and all(
                self.declared[attr].kind.mask(stored._mapping[attr]) == text for attr, text in row.masked.items()
            ):
                candidates.remove(stored)
                return stored
        return None

    def _equals(self, attr: str, row: Row[Any], value: Any) -> bool:
        stored = row._mapping[attr]
        return bool(stored == value or round_trip(self.declared[attr], stored) == value)


def round_trip(field: Field, stored: Any) -> Any:
    """A stored value formatted and parsed again: without what the format leaves out, such as milliseconds."""
    if stored is None or field.reference:
        return stored
    try:
        return field.kind.parse(field.kind.format(stored))
    except Invalid:
        return stored
