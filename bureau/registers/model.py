"""A register: what is asked for, what it holds, and how it is declared: printed columns, and whence its rows come."""

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
    """Which register: from one month to another or as of a day, of one street, of one community or of all that one
    reaches."""

    first: Month
    last: Month
    day: date
    street: int | None = None
    street_name: str = ""
    community: int | None = None
    community_name: str = ""

    @property
    def place(self) -> str:
        """Whose register it is, in words; "" for all."""
        return self.street_name + self.community_name


@dataclass(frozen=True, slots=True)
class Filled:
    """What a register holds."""

    rows: Sequence[Sequence[Cell]]
    total: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """A register: what people call it, its printed columns, and whence its rows come."""

    name: str
    #: As it is printed, and as the page calls it.
    title: str
    label: Message
    help: Message
    #: Whose export right one needs.
    model: type[Base]
    columns: Sequence[Column]
    fill: Callable[[Session, RegisterRequest], Filled]
    #: As of a day, or else of months.
    by_day: bool = False
    #: Kept for each community, so that one alone can be printed.
    by_community: bool = False
