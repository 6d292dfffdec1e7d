"""The declaration of a register, its parameters and its content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from bureau.calendar.month import Month
from bureau.printing.register_sheet import Cell, Column
from panel.base import Base
from panel.i18n import Message


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """The parameters of a register: months `first` to `last`, or `day`; a street, a community, or the actor's scope."""

    first: Month
    last: Month
    day: date
    street: int | None = None
    street_name: str = ""
    community: int | None = None
    community_name: str = ""

    @property
    def place(self) -> str:
        """The names of street and community; "" for all."""
        return self.street_name + self.community_name


@dataclass(frozen=True, slots=True)
class Filled:
    """The content of a register."""

    rows: Sequence[Sequence[Cell]]
    total: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """A register: its names, its printed columns, and the function that reads its content."""

    name: str
    #: The printed title, in Chinese.
    title: str
    label: Message
    help: Message
    #: The table whose export right the actor needs.
    model: type[Base]
    columns: Sequence[Column]
    #: Reads personal values masked; see panel/security/masking.py.
    fill: Callable[[Session, RegisterRequest], Filled]
    #: Whether it is as of a day, instead of months.
    by_day: bool = False
    #: Whether it can be printed for one community.
    by_community: bool = False
