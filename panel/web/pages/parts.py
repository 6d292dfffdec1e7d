"""What pages consist of: cells, buttons, lists, controls, history, and what every page begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
    #: Several records, each with its address, that the text names together.
    links: list[tuple[str, str | None]] = field(default_factory=list)


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
    lookup, many (records, of which `chosen` are), files (several of them), shown (text that can't be typed). `value` is
    what stands in it; for a lookup `text` is its name."""

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
