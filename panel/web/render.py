"""Values of records as texts and cells, masked for the reader."""

from __future__ import annotations

from typing import Any

from flask import g, url_for

from panel.base import display
from panel.fields import Field, Personal
from panel.kinds import Choice, Data, Flag, Link, Moment, Text
from panel.search.names import NOT_VISIBLE, visible_names
from panel.security.policy import Permission, model_of
from panel.web.context import current_actor, current_panel
from panel.web.lookups import may_only_choose
from panel.web.pages import Cell

#: Characters of a text in a list; longer ones are cut.
LIST_LENGTH = 36


def is_masked(field: Field, model: type[Any]) -> bool:
    """Whether the reader sees the field's values masked."""
    if field.personal is Personal.PRIVATE:
        return True
    return field.personal is Personal.WORK and current_panel().policy.sees_masked(current_actor(), model)


def text_of(field: Field, record: Any) -> str:
    """A value as text, as forms and cells show it."""
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
        return display(target) if target is not None else _chosen_name(field.reference.table, value)
    if isinstance(field.kind, Moment):
        # Seconds are kept for exports and the audit, but not shown.
        value = value.replace(second=0, microsecond=0)
    return field.kind.format(value)


def _chosen_name(table: str, id_: int) -> str:
    """The name of a record that isn't read: by the right to choose it, which few tables have, in a statement of its
    own."""
    named = visible_names(current_panel().session, {table: {id_}}) if may_only_choose(model_of(table)) else {}
    return named.get((table, id_)) or str(NOT_VISIBLE)


def cell(field: Field, record: Any, *, linked: bool = False, cut: bool = False) -> Cell:
    """A value as a cell. `cut` shortens texts, for lists; `linked` adds links to records, for the details page."""
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
    result = Cell(text)
    if isinstance(field.kind, Link) and not is_masked(field, type(record)):
        result.url, result.outside = _safe_link(value), True
    if linked and field.many:
        result.links = [(display(target), record_url(field.many.table, target.id)) for target in value]
    if linked and field.reference and getattr(record, field.name) is not None:
        result.url = record_url(field.reference.table, value)
    return result


def _safe_link(address: str) -> str | None:
    """A stored web address if it is safe as a link: a value that didn't pass Link.parse() might be a script."""
    return address if address.startswith(("http://", "https://")) else None


def record_url(table: str, id_: int) -> str | None:
    """The address of a record's page, if the reader may open it."""
    panel = current_panel()
    view = panel.views.get(table)
    if view is None or not panel.policy.may(current_actor(), Permission.READ, view.model):
        return None
    return url_for(f"{table}.details_view", id=id_)


def is_wide(field: Field) -> bool:
    """Whether the column's text wraps in lists."""
    kind = field.kind
    return field.many is not None or (isinstance(kind, Text) and (kind.lines > 1 or kind.length > 100))
