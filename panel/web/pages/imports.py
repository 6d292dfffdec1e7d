"""The pages of an import: upload, columns, preview, undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from panel.web.pages.parts import Button, Cell, Change, Chip, Column, Input, Page, Pager, Words


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
