"""Data of the generated pages of a table: list, form, details, confirmation."""

from __future__ import annotations

from dataclasses import dataclass, field

from panel.i18n import _
from panel.web.pages.parts import (
    Button,
    Cell,
    Chip,
    Column,
    ColumnOption,
    FilterInput,
    Group,
    HistoryItem,
    Input,
    Page,
    Pager,
    Related,
    Row,
    ViewMenu,
    Words,
)


@dataclass(slots=True)
class ListPage(Page):
    """A list. `filters` are all controls; `active` are the active filters, each with the address without it."""

    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    filters: list[FilterInput] = field(default_factory=list)
    active: list[Chip] = field(default_factory=list)
    pager: Pager | None = None
    search: str | None = None
    search_hint: Words = ""
    #: Where the search box is posted to, if what is typed must stand in no address.
    search_url: str = ""
    clear_url: str = ""
    list_url: str = ""
    actions: list[Button] = field(default_factory=list)
    action_url: str = ""
    #: The most records of one act.
    most: int = 0
    keep: dict[str, str] = field(default_factory=dict)
    #: Filters of which one must be met, by groups of their chips.
    either: list[list[Chip]] = field(default_factory=list)
    #: Columns to choose from, those shown first in their order; what goes with the choice; the address without one.
    column_options: list[ColumnOption] = field(default_factory=list)
    column_keep: list[tuple[str, str]] = field(default_factory=list)
    usual_columns_url: str = ""
    views: ViewMenu | None = None
    #: What the address asked for in vain.
    notes: list[Words] = field(default_factory=list)
    #: What an empty list says and offers.
    empty: Words = ""
    empty_buttons: list[Button] = field(default_factory=list)


@dataclass(slots=True)
class ChildRow:
    """A row of a child table in a form. The names of its controls begin with `prefix`. A stored row has a `version`.
    `errors` and `note` concern the whole row."""

    prefix: str
    number: int
    inputs: list[Input]
    version: int | None = None
    removable: bool = False
    removed: bool = False
    errors: list[str] = field(default_factory=list)
    note: Words = ""

    @property
    def stored(self) -> bool:
        return self.version is not None


@dataclass(slots=True)
class ChildTable:
    """The rows of a child table in a form, at most `most`; with `more` there are others, which `url` lists too.

    If rows may be added, `template` is the empty row that the script copies, and `blank` are empty rows for a browser
    without JavaScript."""

    label: Words
    row_label: Words
    rows: list[ChildRow] = field(default_factory=list)
    template: ChildRow | None = None
    blank: list[ChildRow] = field(default_factory=list)
    most: int = 0
    more: bool = False
    url: str = ""
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class FormPage(Page):
    """A form. `conflict` is the message that somebody has changed the record meanwhile; the inputs have `theirs`.
    `blocked` says why there is nothing to send: it stands in the place of the form. `beside` are facts of the record
    that stand beside the form."""

    groups: list[Group] = field(default_factory=list)
    errors: list[tuple[str, Words, str]] = field(default_factory=list)
    conflict: Words | None = None
    version: int | None = None
    #: The one-time token of the form; a new one if empty.
    token: str = ""
    cancel_url: str = ""
    return_url: str = ""
    submit: Words = ""
    blocked: Words = ""
    #: What the form was filled in from.
    note: Words = ""
    can_add_another: bool = False
    beside: list[Group] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    history: list[HistoryItem] = field(default_factory=list)
    child_tables: list[ChildTable] = field(default_factory=list)

    def collect_errors(self) -> None:
        """Set `errors` to those of all inputs and rows: (name of the control, its label, message)."""
        errors: list[tuple[str, Words, str]] = []
        errors += [(i.name, i.label, i.errors[0]) for group in self.groups for i in group.inputs if i.errors]
        for table in self.child_tables:
            errors += [("", table.label, error) for error in table.errors]
            for row in table.rows:
                where = {"label": table.row_label, "n": row.number}
                errors += [("", _("{label} row {n}:", **where), error) for error in row.errors]
                errors += [
                    (i.name, _("{label} row {n}, {column}:", **where, column=i.label), i.errors[0])
                    for i in row.inputs
                    if i.errors
                ]
        self.errors = errors

    @property
    def carries_files(self) -> bool:
        return any(input_.control == "files" for group in self.groups for input_ in group.inputs)


@dataclass(slots=True)
class DetailsPage(Page):
    """A record. `history_url` is the page of its whole history, if it is longer than the one shown."""

    groups: list[Group] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    history: list[HistoryItem] = field(default_factory=list)
    history_url: str = ""


@dataclass(slots=True)
class HistoryPage(Page):
    """The whole history of a record, by pages."""

    history: list[HistoryItem] = field(default_factory=list)
    older_url: str = ""


@dataclass(slots=True)
class DeletedRow:
    """A deleted record with its values, masked as in the audit trail."""

    name: str
    label: Words
    at: str
    who: str
    facts: list[tuple[Words, str]] = field(default_factory=list)
    restore_url: str = ""


@dataclass(slots=True)
class DeletedPage(Page):
    """The deleted records of a table, the latest first."""

    rows: list[DeletedRow] = field(default_factory=list)
    older_url: str = ""


@dataclass(slots=True)
class RestorePage(FormPage):
    """What is restored: the record, and what was deleted with it."""

    rows: list[DeletedRow] = field(default_factory=list)


@dataclass(slots=True)
class BackLine:
    """A field of a change that is taken back: its value now and the earlier one, or `why` it stays."""

    name: str
    label: Words
    now: str = ""
    back: str = ""
    why: Words = ""


@dataclass(slots=True)
class TakeBackPage(FormPage):
    """What taking a change back sets back, and what it leaves out."""

    lines: list[BackLine] = field(default_factory=list)


@dataclass(slots=True)
class ConfirmPage(Page):
    """A confirmation of an action that can't be undone. Posting `values` to `action_url` does it."""

    sentences: list[Words] = field(default_factory=list)
    items: list[Cell] = field(default_factory=list)
    action_url: str = ""
    values: list[tuple[str, str]] = field(default_factory=list)
    submit: Words = ""
    cancel_url: str = ""
    #: Why the action isn't possible; then there is no button.
    blocked: Words | None = None
