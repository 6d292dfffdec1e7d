"""Parts of the case page that other slices give: tables, a warning, and a hint at what comes next."""

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
    """What a slice has read for a case. `known` keeps what steps would otherwise read again; a section that is `filled`
    takes the place of one of the other tables of the page."""

    known: dict[str, Any]

    @property
    def filled(self) -> bool: ...


@dataclass(slots=True)
class Section:
    """`hint` says what comes next, `button` leads there; `warning` says what is missing."""

    tables: list[Related] = field(default_factory=list)
    warning: Message | str = ""
    hint: Words = ""
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class SectionSource:
    """`tables` names the tables whose records the section shows, so that the page doesn't show them twice."""

    tables: tuple[str, ...]
    load: Callable[[Case], Loaded]
    show: Callable[[Case, Any, Iterable[Step]], Section]


@dataclass(frozen=True, kw_only=True)
class CaseSite(Site):
    """Pages of a feature that shows parts of the case page."""

    sections: tuple[SectionSource, ...] = ()


SOURCES: list[SectionSource] = []


def collect(sites: Iterable[Site]) -> None:
    """Take the parts of the case page from every site that has some."""
    for one in sites:
        if isinstance(one, CaseSite):
            SOURCES.extend(source for source in one.sections if source not in SOURCES)
