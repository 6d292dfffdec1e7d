"""Sections of the case page that other slices add: tables, a warning, a hint at the next step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from bureau.cases.steps import Step
from models import Case
from panel.i18n import Message
from panel.web.features import Site
from panel.web.pages import Button, Related, Words


class Loaded(Protocol):
    """The data that a slice has read for a case. `known` caches values for Step.possible. A `filled` section replaces
    one of the page's related tables."""

    known: dict[str, Any]

    @property
    def filled(self) -> bool: ...


@dataclass(slots=True)
class Section:
    """`hint` names the next step and `button` opens it; `warning` says what is missing."""

    tables: list[Related] = field(default_factory=list)
    warning: Message | str = ""
    hint: Words = ""
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class SectionSource:
    """A slice's section. `tables` names the tables that it shows, so that the page doesn't show them twice."""

    tables: tuple[str, ...]
    load: Callable[[Case], Loaded]
    show: Callable[[Case, Any, Iterable[Step]], Section]


@dataclass(frozen=True, kw_only=True)
class CaseSite(Site):
    """The site of a feature that adds sections and buttons to the case page."""

    sections: tuple[SectionSource, ...] = ()
    buttons: tuple[ButtonSource, ...] = ()


#: Gives a button of the case page; None for a case that has none.
ButtonSource = Callable[[Case], Button | None]

SOURCES: list[SectionSource] = []
BUTTONS: list[ButtonSource] = []


def collect(sites: Iterable[Site]) -> None:
    """Add the sections of these sites to SOURCES and their buttons to BUTTONS."""
    for site in sites:
        if isinstance(site, CaseSite):
            SOURCES.extend(source for source in site.sections if source not in SOURCES)
            BUTTONS.extend(source for source in site.buttons if source not in BUTTONS)
