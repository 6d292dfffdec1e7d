"""What a set of records is that figures are made from: conditions that count it (bureau/figures/sums.py) and that list
it (bureau/figures/web/record_lists.py), so that a number and the list behind it can't differ."""

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
    """Records that a period is about; what is counted of them is counted in one go."""

    model: type[Base]
    where: Conditions
    #: Whether a record belongs to one month alone.
    additive: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A set of records of a universe, called `name` in addresses: all of it, or those that meet more conditions."""

    name: str
    label: Message
    universe: Universe
    more: Conditions | None = None

    def where(self, terms: Terms) -> Condition:
        return and_(*self.universe.where(terms), *self.besides(terms))

    def besides(self, terms: Terms) -> list[Condition]:
        return self.more(terms) if self.more else []
