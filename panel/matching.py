"""Finding records for the words in a file: what a reference means, and which stored row a row is about.

Everything is read unscoped and in a number of statements that doesn't grow with the rows: a row that the actor can't
see must not look new. Rights are checked afterwards, when the row is written."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from panel.access import model_of
from panel.base import Base
from panel.fields import Field, Personal, fields
from panel.kinds import narrow, tidy
from panel.text import Message, _

UNSCOPED = {"unscoped": True}
#: Ids or texts of one statement.
AT_ONCE = 20_000
NEAR = 0.6


def key_of(text: object) -> str:
    """Text as names are compared: narrow, in small letters, without white space."""
    return "".join(narrow(tidy(text)).lower().split())


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing is called so. `suggestion` is what is nearly called so; `creatable` tells that it could be added."""

    message: Message
    suggestion: str | None = None
    creatable: bool = False


class Finder:
    """Finds records of one table by what people call them. Subclass it where names need more rules."""

    #: A missing one can be made from its name alone.
    creatable = False

    def __init__(self, model: type[Base]) -> None:
        self.model = model
        self.names: dict[str, list[int]] = defaultdict(list)
        self.shown: dict[str, str] = {}
        self.places: dict[int, str] = {}

    def load(self, session: Session) -> None:
        """Read the names of the table. One statement."""
        columns = self.model.__table__.c
        wanted = [columns[f.attr] for f in self.naming()]
        for row in session.execute(select(columns.id, *wanted), execution_options=UNSCOPED):
            self.learn(row[0], row[1:])

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
        if key and id_ not in self.names[key]:
            self.names[key].append(id_)
            self.shown.setdefault(key, name)

    def key(self, text: str) -> str:
        return key_of(text)

    def find(self, text: str, place: str = "") -> int | Missing:
        """The id, or why there is none. `place` is a word that tells two of one name apart."""
        found = self.names.get(self.key(text), [])
        if place and len(found) > 1:
            found = [id_ for id_ in found if self.places.get(id_) == key_of(place)] or found
        if len(found) == 1:
            return found[0]
        label = self.model.__label__
        if found:
            return Missing(_("There are {n} of {label} “{value}”. Say which.", n=len(found), label=label, value=text))
        near = difflib.get_close_matches(self.key(text), [k for k, ids in self.names.items() if ids], n=1, cutoff=NEAR)
        if near:
            likely = self.shown[near[0]]
            return Missing(
                _("There is no {label} “{value}”. Did you mean {likely}?", label=label, value=text, likely=likely),
                likely,
                self.creatable,
            )
        return Missing(_("There is no {label} “{value}”.", label=label, value=text), None, self.creatable)


class Matcher:
    """Finds the stored row that a row of the file is about, by the declared key. Subclass it for other rules."""

    def __init__(self, model: type[Base]) -> None:
        self.model = model
        self.stored: dict[tuple[Any, ...], Row[Any]] = {}

    def key_fields(self) -> list[Field]:
        return [f for f in fields(self.model) if f.key]

    def load(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Read the stored rows that any of these could be about."""
        keyed = self.key_fields()
        if not keyed:
            return
        for found in self.candidates(session, keyed[0].attr, {row.get(keyed[0].attr) for row in rows}):
            self.stored[tuple(self.part(found._mapping[f.attr]) for f in keyed)] = found

    def candidates(self, session: Session, attr: str, values: set[Any]) -> list[Row[Any]]:
        """Stored rows whose column has one of these values."""
        table = self.model.__table__
        wanted = [value for value in values if value is not None]
        found: list[Row[Any]] = []
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            statement = select(table).where(table.c[attr].in_(part))
            found += session.execute(statement, execution_options=UNSCOPED).all()
        return found

    def part(self, value: Any) -> Any:
        return key_of(value) if isinstance(value, str) and not hasattr(value, "label") else value

    def key(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The key of a row of the file; None if it gives none, so that it is new each time."""
        keyed = self.key_fields()
        if not keyed or all(values.get(f.attr) is None for f in keyed):
            return None
        return tuple(self.part(values.get(f.attr)) for f in keyed)

    def find(self, values: Mapping[str, Any]) -> Row[Any] | None:
        key = self.key(values)
        return None if key is None else self.stored.get(key)


def placing(model: type[Base]) -> list[tuple[Field, Field]]:
    """(reference, reference of the record it points at) where the latter places the former: a liaison's community
    by its street. Such a column stands in a roster although the table has none of its own."""
    own = {f.name for f in fields(model)}
    found = []
    for field in fields(model):
        if field.reference and field.reference.table != model.__tablename__:
            for above in fields(model_of(field.reference.table)):
                if above.reference and above.key and above.name not in own and above.required:
                    found.append((field, above))
    return found


def is_masked(field: Field, *, hidden: bool) -> bool:
    """Whether the actor sees this field's values masked; `hidden` for roles to which work phones are masked too."""
    return field.personal is Personal.PRIVATE or (hidden and field.personal is Personal.WORK)
