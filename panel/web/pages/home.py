"""The home page."""

from __future__ import annotations

from dataclasses import dataclass, field

from panel.web.pages.parts import Cell, Page, Related, Words


@dataclass(slots=True)
class Tile:
    """A count on the home page with a link to the list of these records. `tone`: "", warn, bad."""

    label: Words
    count: int
    url: str
    tone: str = ""
    note: Words = ""


@dataclass(slots=True)
class SetupStep:
    """A step of the set-up list of a new installation."""

    label: Words
    hint: Words
    url: str
    done: bool


@dataclass(slots=True)
class HomePage(Page):
    tiles: list[Tile] = field(default_factory=list)
    tables: list[Related] = field(default_factory=list)
    setup: list[SetupStep] = field(default_factory=list)
    #: Cards at the right: title, and lines of label and value.
    cards: list[tuple[Words, list[tuple[Words, Cell]]]] = field(default_factory=list)
