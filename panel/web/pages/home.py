"""The home page."""

from __future__ import annotations

from dataclasses import dataclass, field

from panel.web.pages.parts import Cell, Page, Related, Words


@dataclass(slots=True)
class Tile:
    """A count on the home page; equals the list behind its link. `tone`: "", warn, bad."""

    label: Words
    count: int
    url: str
    tone: str = ""
    note: Words = ""


@dataclass(slots=True)
class SetupStep:
    """A line of the first-run list."""

    label: Words
    hint: Words
    url: str
    done: bool


@dataclass(slots=True)
class HomePage(Page):
    tiles: list[Tile] = field(default_factory=list)
    tables: list[Related] = field(default_factory=list)
    setup: list[SetupStep] = field(default_factory=list)
    #: Cards at the right: title, then lines of label and value.
    cards: list[tuple[Words, list[tuple[Words, Cell]]]] = field(default_factory=list)
