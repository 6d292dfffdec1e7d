"""What a template is given: plain values, worded and masked already. A template decides nothing but the look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from panel.i18n import Message

Words = str | Message


@dataclass(slots=True)
class Cell:
    """A value as it is shown. `tone` makes it a tag (good, warn, bad, brand or "" for grey; None is no tag),
    `light` puts a green, yellow or red dot (g, y, r) before it; `below` stands in grey beneath. `outside`: the address
    leads out of the panel."""

    text: str = ""
    url: str | None = None
    tone: str | None = None
    light: str | None = None
    below: list[str] = field(default_factory=list)
    outside: bool = False


@dataclass(slots=True)
class Button:
    """An act: a link, or with `post` a form that posts. `confirm` is asked first."""

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
    """A list's column. `url` sorts by it, if one may; `order` is "", "asc" or "desc"; `wide` lets its text wrap."""

    name: str
    label: Words
    url: str | None = None
    order: str = ""
    wide: bool = False
    number: bool = False


@dataclass(slots=True)
class Row:
    """A list's row: its cells stand in the order of the columns, the first is the link to the record."""

    id: int
    url: str
    cells: list[Cell]


@dataclass(slots=True)
class Chip:
    """A quick filter with its count."""

    label: Words
    url: str
    count: int | None = None
    active: bool = False


@dataclass(slots=True)
class Input:
    """A control of a form or filter. `control`: text, textarea, tel, number, date, datetime-local, select, flag,
    lookup, files (several of them), shown (text that can't be typed). `value` is what stands in it; for a lookup `text`
    is its name."""

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
    maxlength: int | None = None
    lines: int = 1
    step: str | None = None
    #: What the value was when the form was opened, to tell whose change is whose.
    was: str = ""
    #: Shown beside the control when somebody else has meanwhile stored another value.
    theirs: str | None = None
    #: A filter over a span has a second value.
    until: str = ""
    #: Words that are often written here, to copy.
    phrases: list[str] = field(default_factory=list)
    #: Types of file that are offered to choose from.
    accept: str = ""

    @property
    def wide(self) -> bool:
        return self.lines > 1


@dataclass(slots=True)
class Group:
    """Inputs of a form, or values of a record, under a heading."""

    label: Words
    inputs: list[Input] = field(default_factory=list)
    facts: list[tuple[Words, Cell, bool]] = field(default_factory=list)


@dataclass(slots=True)
class Pager:
    """`pages` counts from 1; url(n) leads to page n."""

    page: int
    pages: int
    first: int
    last: int
    count: int
    size: int
    url: Callable[[int], str]
    sizes: list[tuple[int, str]] = field(default_factory=list)

    def near(self) -> list[int | None]:
        """Page numbers worth a link; None stands for a gap."""
        shown = sorted({1, self.pages, *range(max(1, self.page - 2), min(self.pages, self.page + 2) + 1)})
        out: list[int | None] = []
        for number in shown:
            if out and out[-1] is not None and number - out[-1] > 1:
                out.append(None)
            out.append(number)
        return out


@dataclass(slots=True)
class Related:
    """Records that refer to this one."""

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
    """One entry of a record's history."""

    act: Words
    tone: str
    who: str
    at: str
    note: str = ""
    changes: Sequence[Change] = ()
    more: int = 0


@dataclass(slots=True)
class Page:
    """What every page begins with."""

    title: Words
    sub: Words = ""
    tag: Cell | None = None
    buttons: list[Button] = field(default_factory=list)


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
class MenuItem:
    label: Words
    url: str
    icon: str
    active: bool = False
    count: int = 0


@dataclass(slots=True)
class MenuGroup:
    label: Words
    items: list[MenuItem]


@dataclass(slots=True)
class Frame:
    """What stands round every page of somebody logged in."""

    unit: str
    sub: Words
    menu: list[MenuGroup]
    person: str
    roles: str
    banner: Words | None
    search_url: str | None
    search_hint: Words
    locale: str
    locales: dict[str, str]
    #: Background tasks that have ended and were not looked at.
    #: Notices not read yet, and background tasks that have ended and were not looked at: one bell tells both.
    unread: int = 0
    unseen: int = 0

    @property
    def bell(self) -> int:
        return self.unread + self.unseen


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


@dataclass(slots=True)
class UploadPage(Page):
    """Where a workbook is chosen; posts `file`."""

    error: Words | None = None
    cancel_url: str = ""


@dataclass(slots=True)
class ColumnsPage(Page):
    """What each header of a file means: a choice and values below it; posts `column.N`. `needed` are the columns that
    the table can't do without."""

    token: str = ""
    action_url: str = ""
    needed: str = ""
    columns: list[tuple[Input, str]] = field(default_factory=list)
    error: Words | None = None


@dataclass(slots=True)
class UndoRow:
    """A row of an import that goes back, or stays for the reasons given."""

    number: int
    sheet: str
    record: Cell
    what: Cell = field(default_factory=Cell)
    changes: Sequence[Change] = ()
    besides: list[Words] = field(default_factory=list)
    reasons: list[Cell] = field(default_factory=list)


@dataclass(slots=True)
class UndoPage(Page):
    """What taking an import back would do. Without `submit` it can't be; `notice` says why. Of long lists the first
    rows are shown."""

    notice: Words = ""
    refused: bool = False
    staying: list[UndoRow] = field(default_factory=list)
    staying_count: int = 0
    going: list[UndoRow] = field(default_factory=list)
    going_count: int = 0
    also: list[Cell] = field(default_factory=list)
    action_url: str = ""
    digest: str = ""
    submit: Words | None = None
    cancel_url: str = ""


@dataclass(slots=True)
class JobPage(Page):
    """A background task: how far it is while it runs (`progress` has done, total, message), then how it ended.
    `files` are name and address; `expired` when there were some."""

    sentence: Words = ""
    tone: str = ""
    running: bool = False
    progress: Mapping[str, Any] = field(default_factory=dict)
    state_url: str = ""
    files: list[tuple[str, str]] = field(default_factory=list)
    expired: bool = False


@dataclass(slots=True)
class PreviewCell:
    """A cell of a preview: as it will be; with what is stored now if that changes; red if it can't be read."""

    text: str
    before: str = ""
    changed: bool = False
    bad: bool = False


@dataclass(slots=True)
class PreviewRow:
    """`errors` are sentences, each with the link that takes its suggestion."""

    number: int
    outcome: Cell
    sheet: str = ""
    cells: list[PreviewCell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[tuple[str, Button | None]] = field(default_factory=list)


@dataclass(slots=True)
class Choice:
    """A question that a preview leaves open, with its answers as links."""

    label: Words
    answers: list[Chip]


@dataclass(slots=True)
class PreviewPage(Page):
    """What an import would do. Posting `token` and `digest` to `apply_url` does it; without `submit` it can't be."""

    token: str = ""
    digest: str = ""
    apply_url: str = ""
    submit: Words | None = None
    notice: Words = ""
    notes: list[Words] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: list[PreviewRow] = field(default_factory=list)
    pager: Pager | None = None
