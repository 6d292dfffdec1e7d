"""Values of records as texts and cells, masked for the reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, url_for
from markupsafe import Markup
from sqlalchemy import select

from panel.base import UNSCOPED, display
from panel.errors import UserError
from panel.fields import Field, Personal
from panel.i18n import listed
from panel.kinds import Choice, Data, Flag, Invalid, Link, Moment, Text
from panel.search.names import NOT_VISIBLE, Names, visible_names
from panel.security.policy import AccessDenied, Permission, model_of, table_of
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


def is_masked_in(field: Field, record: Any) -> bool:
    """Whether the reader sees the field's value in this record masked. Of an account with a masked role and another one
    the record decides: one statement for all records of its table that are loaded."""
    if not is_masked(field, type(record)):
        return False
    return field.personal is Personal.PRIVATE or record.id not in _clear_ids(type(record), record.id)


def _clear_ids(model: type[Any], id_: int) -> set[int]:
    """The ids of the loaded records of a table whose work phones the reader sees, by the roles that aren't masked."""
    session, actor = current_panel().session, current_actor()
    asked, clear = g.setdefault("clear_rows", {}).setdefault(model, (set(), set()))
    if id_ not in asked:
        loaded = {id_, *(record.id for record in session.identity_map.values() if type(record) is model)} - asked
        asked |= loaded
        columns = table_of(model).c
        condition = current_panel().policy.clear_rows(actor, model, columns)
        statement = select(columns.id).where(columns.id.in_(loaded))
        statement = statement if condition is None else statement.where(condition)
        clear |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return clear


def text_of(field: Field, record: Any) -> str:
    """A value as text, as forms and cells show it."""
    value = getattr(record, field.attr)
    if value is None:
        return ""
    if field.personal is not Personal.NO:
        revealed = g.get("revealed") == (type(record).__tablename__, record.id)
        if not revealed and is_masked_in(field, record):
            return field.kind.mask(value)
    if field.many:
        return listed(display(target) for target in value)
    if field.reference:
        target = getattr(record, field.name)
        return display(target) if target is not None else _chosen_name(field.reference.table, value)
    if isinstance(field.kind, Moment):
        # Seconds are kept for exports and the audit, but not shown.
        value = value.replace(second=0, microsecond=0)
    return field.kind.format(value)


def sentence(error: UserError | Invalid | AccessDenied) -> Markup:
    """The sentence of an error, with a link to where the user can do what it asks for."""
    text = Markup.escape(str(error.message))
    way = error.way if isinstance(error, UserError) else None
    if way is None or not (way.allowed or current_panel().offers(way.endpoint)):
        return text
    return Markup('{} <a href="{}">{}</a>').format(text, url_for(way.endpoint, **way.values), str(way.label))


def _chosen_name(table: str, id_: int) -> str:
    """The name of a record that isn't read: by the right to choose it, which few tables have, in a statement of its
    own unless name_chosen() has read it."""
    if not may_only_choose(model_of(table)):
        return str(NOT_VISIBLE)
    known: Names = g.setdefault("chosen_names", {})
    if (table, id_) not in known:
        known |= {(table, id_): "", **visible_names(current_panel().session, {table: {id_}})}
    return known[table, id_] or str(NOT_VISIBLE)


def name_chosen(records: Sequence[Any], shown: Sequence[Field]) -> None:
    """Read the names of what these records refer to and the actor may only choose, in a statement for each table."""
    ids: dict[str, set[int]] = {}
    for field in shown:
        if field.reference and may_only_choose(model_of(field.reference.table)):
            named = (getattr(record, field.attr) for record in records)
            ids.setdefault(field.reference.table, set()).update(id_ for id_ in named if id_ is not None)
    for table, wanted in ids.items():
        known: Names = g.setdefault("chosen_names", {})
        names = visible_names(current_panel().session, {table: wanted})
        known |= {**{(table, id_): "" for id_ in wanted}, **names}


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
    if isinstance(field.kind, Link) and not is_masked_in(field, record):
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
    # Lists ask for each row: the address of a table's pages is built once a request.
    addresses: dict[str, str] = g.setdefault("details_addresses", {})
    if table not in addresses:
        addresses[table] = url_for(f"{table}.details_view")
    return f"{addresses[table]}?id={id_}"


def is_wide(field: Field) -> bool:
    """Whether the column's text wraps in lists."""
    kind = field.kind
    return field.many is not None or (isinstance(kind, Text) and (kind.lines > 1 or kind.length > 100))
