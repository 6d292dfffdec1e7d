"""Pages of papers, and blocks made from the declared columns of records, masked for the reader."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask import render_template
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from bureau.printing.documents import Document, Fact, Facts, Grid, contents
from panel.base import Base
from panel.fields import Field, field_named, fields, links
from panel.i18n import _
from panel.kinds import ZONE, Data, Mobile, Moment, Text
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.downloads import noting_print
from panel.web.pages import Button, Page, Words
from panel.web.render import is_wide, text_of

#: More columns than this don't fit on A4: each record is a table of facts then.
MOST_COLUMNS = 7
#: Characters of a text that may stand beside another fact.
SHORT = 18

Reword = Callable[[str], str]


@dataclass(slots=True)
class PrintPage(Page):
    """A page of papers to print. `links` and `remarks` stand in the bar above, on the screen alone; `footer` on every
    printed page."""

    documents: list[Document] = field(default_factory=list)
    back_url: str = ""
    links: list[Button] = field(default_factory=list)
    remarks: list[Words] = field(default_factory=list)
    footer: Words = ""


def render(page: PrintPage, table: str) -> Any:
    """The page, which the export log names as one about `table`."""
    noting_print(table, str(page.title))
    return render_template("printing/paper.html", page=page)


def facts(record: Any, *names: str, words: Reword | None = None) -> list[Fact]:
    """The named columns of a record as facts, empty ones too. `words` rewords free texts."""
    declared = [field_named(type(record), name) for name in names]
    return [_fact(record, column, words, wide=True) for column in declared if column is not None]


def all_facts(record: Any, without: Collection[str] = (), words: Reword | None = None) -> list[Fact]:
    """Every declared column of a record that holds something, short ones two in a row."""
    filled = [
        _fact(record, column, words)
        for column in fields(type(record))
        if column.name not in without and not isinstance(column.kind, Data) and getattr(record, column.attr) is not None
    ]
    return [fact for fact in filled if fact.text]


def _fact(record: Any, column: Field, words: Reword | None, *, wide: bool | None = None) -> Fact:
    text = text_of(column, record)
    if words is not None and isinstance(column.kind, Text):
        text = words(text)
    return Fact(column.label, text, wide=len(text) > SHORT if wide is None else wide)


def tables(model: type[Base], records: Sequence[Any], without: Collection[str] = ("case",)) -> list[Facts | Grid]:
    """The records as one table of their filled columns, or a table of facts each if that would be too wide."""
    if not records:
        return []
    columns = [
        column
        for column in fields(model)
        if column.name not in without
        and not isinstance(column.kind, Data)
        and any(getattr(record, column.attr) not in (None, "") for record in records)
    ]
    if len(columns) > MOST_COLUMNS:
        return [
            Facts(all_facts(record, without), caption=_("{label} {n}", label=model.__label__, n=number))
            for number, record in enumerate(records, 1)
        ]
    rows = [[text_of(column, record) for column in columns] for record in records]
    widths = [_width(column) for column in columns] if any(is_wide(column) for column in columns) else ()
    return [Grid([column.label for column in columns], rows, caption=model.__labels__, widths=widths)]


def _width(column: Field) -> int:
    """The millimetres of a column beside one that takes what is left."""
    if is_wide(column):
        return 0
    return 30 if isinstance(column.kind, Mobile) else 26 if isinstance(column.kind, Moment) else 22


def readable(model: type[Base]) -> bool:
    return current_panel().policy.may(current_actor(), Permission.READ, model)


def with_references(model: Any) -> Select[Any]:
    """A statement that reads records with those that they refer to, so that their number costs no statements."""
    related = [joinedload(getattr(model, column.name)) for column in fields(model) if column.reference]
    linked = [selectinload(getattr(model, column.attr)) for column in links(model)]
    return select(model).options(*related, *linked)


def file_contents(documents: Sequence[Document]) -> Document:
    """The table of contents of these documents (卷内目录)."""
    head = [_("No."), _("Document no."), _("Title of the paper"), _("Date"), _("Sheet no."), _("Remark")]
    return contents(documents, _("Contents of the file"), head)


def day_words(at: datetime | date | None) -> str:
    """A day as papers write it: 2026 年 7 月 15 日. "" for None."""
    if at is None:
        return ""
    day = at.astimezone(ZONE).date() if isinstance(at, datetime) else at
    return str(_("{year}-{month}-{day}", year=day.year, month=day.month, day=day.day))


def day_number(at: datetime | date | None) -> str:
    """A day as tables write it: 2026-07-15. "" for None."""
    if at is None:
        return ""
    return (at.astimezone(ZONE).date() if isinstance(at, datetime) else at).isoformat()
