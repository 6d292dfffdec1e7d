"""The generated pages of a table: list, form, details, and what is asked before something goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from panel.web.pages.parts import (
    Button,
    Cell,
    Chip,
    Column,
    Group,
    HistoryItem,
    Input,
    Page,
    Pager,
    Related,
    Row,
    Words,
)


@dataclass(slots=True)
class ListPage(Page):
    """`filters` are all that can be filtered by; `active` those in force, each with the address that drops it."""

    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    filters: list[Input] = field(default_factory=list)
    active: list[Chip] = field(default_factory=list)
    pager: Pager | None = None
    search: str | None = None
    search_hint: Words = ""
    clear_url: str = ""
    list_url: str = ""
    actions: list[Button] = field(default_factory=list)
    action_url: str = ""
    keep: dict[str, str] = field(default_factory=dict)
    empty: Words = ""
    empty_button: Button | None = None


@dataclass(slots=True)
class FormPage(Page):
    """`conflict` tells who changed the record meanwhile; the inputs concerned carry `theirs`."""

    groups: list[Group] = field(default_factory=list)
    errors: list[tuple[str, Words, str]] = field(default_factory=list)
    conflict: Words | None = None
    version: int | None = None
    cancel_url: str = ""
    return_url: str = ""
    submit: Words = ""
    can_add_another: bool = False
    related: list[Related] = field(default_factory=list)
    history: list[HistoryItem] = field(default_factory=list)

    @property
    def carries_files(self) -> bool:
        return any(made.control == "files" for group in self.groups for made in group.inputs)


@dataclass(slots=True)
class DetailsPage(Page):
    groups: list[Group] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    history: list[HistoryItem] = field(default_factory=list)


@dataclass(slots=True)
class ConfirmPage(Page):
    """Asks before what can't be undone, and says what happens. Posting `values` to `action_url` does it."""

    sentences: list[Words] = field(default_factory=list)
    items: list[Cell] = field(default_factory=list)
    action_url: str = ""
    values: list[tuple[str, str]] = field(default_factory=list)
    submit: Words = ""
    cancel_url: str = ""
    #: Why it can't be done; then there is no button.
    blocked: Words | None = None
