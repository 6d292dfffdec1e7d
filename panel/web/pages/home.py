"""The home page."""

from __future__ import annotations

from dataclasses import dataclass, field

from panel.web.pages.parts import Button, Cell, Page, Related, Words


@dataclass(slots=True)
class Tile:
    """A count on the home page with a link to the list of these records. `tone`: "", warn, bad."""

    label: Words
    count: int
    url: str
    tone: str = ""
    note: Words = ""
    #: Whether the tone shows where the count is 0 too.
    always: bool = False


@dataclass(slots=True)
class SetupStep:
    """A step of the set-up list of a new installation: where it is taken, with further links, or else by whom; how many
    there are, and what is lacking. `aside`: the office needs it not now."""

    label: Words
    hint: Words
    done: bool
    url: str = ""
    who: Words = ""
    count: Words = ""
    number: int = 0
    aside: bool = False
    lacks: list[Words] = field(default_factory=list)
    acts: list[Button] = field(default_factory=list)


@dataclass(slots=True)
class SetupList:
    """The set-up list as a page shows it: its steps, how many are over, how many of them are set aside, and the page
    that shows all."""

    steps: list[SetupStep] = field(default_factory=list)
    summary: Words = ""
    aside: Words = ""
    url: str = ""
    #: Whether some steps aren't shown.
    hides: bool = False


@dataclass(slots=True)
class Alert:
    """A sentence above everything else, and what to do about it."""

    text: Words
    button: Button | None = None
    tone: str = "warn"


@dataclass(slots=True)
class HomePage(Page):
    alerts: list[Alert] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)
    tables: list[Related] = field(default_factory=list)
    setup: SetupList = field(default_factory=SetupList)
    #: Cards at the right: title, and lines of label and value.
    cards: list[tuple[Words, list[tuple[Words, Cell]]]] = field(default_factory=list)
