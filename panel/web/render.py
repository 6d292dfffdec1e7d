"""A record's values as cells, masked as the reader may see them."""

from __future__ import annotations

from typing import Any

from flask import g, url_for

from panel.base import display
from panel.fields import Field, Personal
from panel.kinds import Choice, Data, Flag, Link, Moment, Text
from panel.search.names import name_of
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell

#: Text longer than this is cut in a list; the details show it whole.
LIST_LENGTH = 36


def is_masked(field: Field, model: type[Any]) -> bool:
    """Whether the reader sees this field's values masked."""
    if field.personal is Personal.PRIVATE:
        return True
    return field.personal is Personal.WORK and current_panel().policy.sees_masked(current_actor(), model)


def text_of(field: Field, record: Any) -> str:
    """A value in words, as a form or cell shows it."""
    value = getattr(record, field.attr)
    if value is None:
        return ""
    revealed = g.get("revealed") == (type(record).__tablename__, record.id)
    if is_masked(field, type(record)) and not revealed:
        return field.kind.mask(value)
    if field.many:
        return "、".join(display(target) for target in value)
    if field.reference:
        target = getattr(record, field.name)
        return name_of(target)
    if isinstance(field.kind, Moment):
        # Seconds matter to Excel and the audit, not to a reader.
        value = value.replace(second=0, microsecond=0)
    return field.kind.format(value)


def cell(field: Field, record: Any, *, linked: bool = False, cut: bool = False) -> Cell:
    """A value as it is shown in a list (cut) or on the details page (linked)."""
    value = getattr(record, field.attr)
    if value is None or value == []:
        return Cell()
    text = text_of(field, record)
    if isinstance(field.kind, Choice) and any(choice.tone for choice in field.kind.choices):
        return Cell(text, tone=field.kind.choices.of(value).tone)
    if isinstance(field.kind, Flag):
        return Cell(text, tone="good") if value else Cell(text)
    if isinstance(field.kind, Data):
        return Cell("")
    if cut and len(text) > LIST_LENGTH:
        text = text[: LIST_LENGTH - 1] + "…"
    found = Cell(text)
    if isinstance(field.kind, Link) and not is_masked(field, type(record)):
        found.url, found.outside = _followed(value), True
    if linked and field.many:
        found.links = [(display(target), record_url(field.many.table, target.id)) for target in value]
    if linked and field.reference and getattr(record, field.name) is not None:
        found.url = record_url(field.reference.table, value)
    return found


def _followed(address: str) -> str | None:
    """An address that may be followed: what a program stored past Link.parse() might be a script."""
    return address if address.startswith(("http://", "https://")) else None


def record_url(table: str, id_: int) -> str | None:
    """The address of a record's page, if it has one that the reader may open."""
    panel = current_panel()
    view = panel.views.get(table)
    if view is None or not panel.policy.may(current_actor(), Permission.READ, view.model):
        return None
    return url_for(f"{table}.details_view", id=id_)


def is_wide(field: Field) -> bool:
    """Whether a list lets the column's text wrap."""
    kind = field.kind
    return field.many is not None or (isinstance(kind, Text) and (kind.lines > 1 or kind.length > 100))
