"""Parts of pages: cells, buttons, lists, controls, history, and the base class Page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from panel.i18n import Message

Words = str | Message


@dataclass(slots=True)
class Cell:
    """A value as it is shown. `tone` makes it a tag: good, warn, bad, brand or "" for grey; None for no tag. `light`
    puts a green, yellow or red dot (g, y, r) before it. `below` are lines in grey. `outside`: the link leaves the
    panel."""

    text: str = ""
    url: str | None = None
    tone: str | None = None
    light: str | None = None
    below: list[str] = field(default_factory=list)
    outside: bool = False
    #: (name, address) of the records in a cell of several.
    links: list[tuple[str, str | None]] = field(default_factory=list)


@dataclass(slots=True)
class Button:
    """A link, or with `post` a form that posts `values`. `confirm` is a question to ask first."""

    label: Words
    url: str
    icon: str = ""
    primary: bool = False
    danger: bool = False
    post: bool = False
    confirm: Words | None = None
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Column:
    """A column of a list. `url` sorts by it, if that is possible; `order` is "", "asc" or "desc"; `wide`: its text
    wraps."""

    name: str
    label: Words
    url: str | None = None
    order: str = ""
    wide: bool = False
    number: bool = False
    #: The fields of its cells that can be edited on the row, separated by spaces.
    inline: str = ""
    #: Its width in pixels, if one is chosen.
    width: int = 0


@dataclass(slots=True)
class Row:
    """A row of a list: cells in the order of the columns. The first cell links to the record."""

    id: int
    url: str
    cells: list[Cell]
    #: The form of the record, if it may be edited.
    edit_url: str = ""
    #: The form of a new record that is filled in from this one.
    copy_url: str = ""


@dataclass(slots=True)
class Chip:
    """A link that selects a filter or choice, with a count."""

    label: Words
    url: str
    count: int | None = None
    active: bool = False


@dataclass(slots=True)
class Input:
    """A control of a form or filter. `control`: text, textarea, tel, number, date, datetime-local, select, flag, lookup
    (one record: `value` is its id, `text` its name), many (several records: `chosen`), files, or shown (read-only
    `text`)."""

    name: str
    label: Words
    control: str
    value: str = ""
    text: str = ""
    help: Words | None = None
    required: bool = False
    errors: list[str] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    lookup_url: str | None = None
    chosen: list[tuple[str, str]] = field(default_factory=list)
    maxlength: int | None = None
    lines: int = 1
    step: str | None = None
    #: The value when the form was opened, to find conflicting changes of two editors.
    was: str = ""
    #: The value that another editor has stored meanwhile, if it differs.
    theirs: str | None = None
    #: The end of a range filter.
    until: str = ""
    #: Frequent texts, offered for copying.
    phrases: list[str] = field(default_factory=list)
    #: File types that the browser offers (the HTML attribute accept).
    accept: str = ""
    #: The value is shown because it stays as it is; `help` says why.
    locked: bool = False
    #: Shown only while another control has one of these values: its name and the values.
    only_if: tuple[str, tuple[str, ...]] | None = None

    @property
    def wide(self) -> bool:
        return self.lines > 1


@dataclass(slots=True)
class FilterInput(Input):
    """A control of a filter. `values` are those in use; `periods` are offered for days, `period` is in use; `empty` is
    "1" or "0" or not asked for; `group` is the number of its alternatives, if it has any; `aside`: it stands behind
    the others, since few need it."""

    values: list[str] = field(default_factory=list)
    periods: list[tuple[str, Words]] = field(default_factory=list)
    period: str = ""
    may_be_empty: bool = False
    empty: str = ""
    group: str = ""
    in_use: bool = False
    aside: bool = False


@dataclass(slots=True)
class ColumnOption:
    """A column that can be chosen; `note` says below which other one it stands."""

    name: str
    label: Words
    shown: bool
    note: Words = ""
    width: int = 0


@dataclass(slots=True)
class ViewItem:
    """A saved view in the menu of views. `note` says with whom it is shared, `opens` for whom the list opens so."""

    id: int
    name: str
    url: str
    note: Words = ""
    opens: Words = ""
    mine: bool = False
    active: bool = False
    may_change: bool = False
    role: str = ""


@dataclass(slots=True)
class ViewMenu:
    """The saved views of a list, and the form that saves the present one: `arguments` is its query. `changed`: it isn't
    that of the view `active` any more. `roles` are those it may be shared with."""

    items: list[ViewItem] = field(default_factory=list)
    active: ViewItem | None = None
    changed: bool = False
    arguments: str = ""
    save_url: str = ""
    roles: list[tuple[str, Words]] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """Inputs of a form, or `facts` of a record (label, cell, whether it is wide), under a heading."""

    label: Words
    inputs: list[Input] = field(default_factory=list)
    facts: list[tuple[Words, Cell, bool]] = field(default_factory=list)


@dataclass(slots=True)
class Pager:
    """Links to the pages of a list. Pages count from 1; `first` and `last` are row numbers; url(n) is the address of
    page n."""

    page: int
    pages: int
    first: int
    last: int
    count: int
    size: int
    url: Callable[[int], str]
    sizes: list[tuple[int, str]] = field(default_factory=list)

    def near(self) -> list[int | None]:
        """The page numbers to link: first, last and those near the present one; None for a gap."""
        shown = sorted({1, self.pages, *range(max(1, self.page - 2), min(self.pages, self.page + 2) + 1)})
        out: list[int | None] = []
        for number in shown:
            if out and out[-1] is not None and number - out[-1] > 1:
                out.append(None)
            out.append(number)
        return out


@dataclass(slots=True)
class Related:
    """A table of records that refer to the shown one."""

    label: Words
    count: int
    url: str
    columns: list[Column]
    rows: list[Row]
    add_url: str | None = None


@dataclass(slots=True)
class Change:
    label: Words
    before: str
    after: str


@dataclass(slots=True)
class HistoryItem:
    """An entry of a record's history."""

    act: Words
    tone: str
    who: str
    at: str
    note: str = ""
    changes: Sequence[Change] = ()
    more: int = 0
    #: Where the change can be taken back, or why it can't.
    back_url: str = ""
    stays: Words = ""


@dataclass(slots=True)
class Place:
    """Where a page stands: the pages above it, its own name, and with `ordered` the addresses of the records before and
    after it in the list that it was opened from, "" at an end. The first crumb is where Esc leads."""

    crumbs: list[Chip]
    last: Words = ""
    ordered: bool = False
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class Page:
    """Base class of the data of pages."""

    title: Words
    sub: Words = ""
    tag: Cell | None = None
    #: Tabs of one place in the menu: pages that belong together.
    places: list[Chip] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    place: Place | None = None
