"""Columns of lists that a table doesn't have: they tell what belongs to each record, such as the street of a person's
community. They are chosen, ordered and exported like its own; an import reads none of them.

A slice declares them in its feature. `values` reads all records of a page in a number of statements that doesn't grow
with them, by the session's actor, so that a file never says more than the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from panel.base import Base
from panel.fields import Field
from panel.i18n import Message
from panel.kinds import Text
from panel.security.policy import Permission
from panel.security.session import actor_of, policy_of


@dataclass(frozen=True, slots=True)
class Value:
    """What a column says of a record: a text, the record that it names, and what stands in grey below it."""

    text: str
    table: str = ""
    id: int = 0
    below: str = ""

    @property
    def line(self) -> str:
        return " ".join(filter(None, (self.text, self.below)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExtraColumn:
    """A column that stands behind the one named `after`. `order` gives the expression to sort a table by, `reads` are
    the tables that the reader must be allowed to read; without `usual` it is shown when it is chosen only."""

    name: str
    label: Message
    after: str
    values: Callable[[Session, Sequence[int]], Mapping[int, Value]]
    order: Callable[[type[Base]], Any] | None = None
    reads: tuple[type[Base], ...] = ()
    usual: bool = True


_DECLARED: dict[str, tuple[Field, ...]] = {}


def declare(model: type[Base], *columns: ExtraColumn) -> None:
    """Declare the extra columns of a table."""
    _DECLARED[model.__tablename__] = tuple(
        Field(kind=Text(80), label=c.label, name=c.name, readonly=True, filter=False, listed=c.usual, extra=c)
        for c in columns
    )


def of(model: type[Base]) -> tuple[Field, ...]:
    """The extra columns of a table, as fields without an attribute."""
    return _DECLARED.get(model.__tablename__, ())


def named(model: type[Base], name: str) -> ExtraColumn | None:
    return next((field.extra for field in of(model) if field.name == name), None)


def among(model: type[Base], fields: Sequence[Field]) -> list[Field]:
    """The fields with the extra columns at their places."""
    result: list[Field] = []
    for field in fields:
        result += [field, *(one for one in of(model) if one.extra.after == field.name)]
    return result


def is_seen(session: Session, field: Field) -> bool:
    """Whether the actor may have an extra column; other fields are decided elsewhere."""
    policy, actor = policy_of(session), actor_of(session)
    return field.extra is None or all(policy.may(actor, Permission.READ, model) for model in field.extra.reads)
