"""A set of records that figures count. The same conditions count it (bureau/figures/sums.py) and list it
(bureau/figures/web/record_lists.py), so that a number and its list can't differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_

from bureau.figures.terms import Terms
from panel.base import Base
from panel.i18n import Message

Condition = ColumnElement[bool]
Conditions = Callable[[Terms], list[Condition]]


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """The records of a period. All parts of a universe are counted in one statement."""

    model: type[Base]
    where: Conditions
    #: Whether a record belongs to one month only.
    additive: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The records of a universe that meet more conditions; `name` stands in addresses."""

    name: str
    label: Message
    universe: Universe
    more: Conditions | None = None

    def where(self, terms: Terms) -> Condition:
        return and_(*self.universe.where(terms), *self.besides(terms))

    def besides(self, terms: Terms) -> list[Condition]:
        return self.more(terms) if self.more else []
