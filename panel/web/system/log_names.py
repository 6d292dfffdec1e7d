"""The names of the records that the logs are about, as far as the reader may know them."""

from __future__ import annotations

from collections import defaultdict

from flask import g
from sqlalchemy import literal, select, union_all

from panel.base import UNSCOPED
from panel.i18n import _
from panel.search.names import visible_names
from panel.security.accounts import LoginLog, User
from panel.security.policy import Permission, model_of, table_of
from panel.security.records import AuditEntry
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell
from panel.web.render import record_url


def record_cell(entry: AuditEntry) -> Cell:
    """The record of an entry by its name, or by its number for whoever may not know the name; a deleted one keeps its
    number and is said to be deleted. One statement for all entries that are loaded, and one for each table of which
    the reader may know names."""
    if entry.record_id is None:
        return Cell()
    key = (entry.table_name, entry.record_id)
    asked, stored, names = g.setdefault("log_names", (set(), set(), {}))
    if key not in asked:
        loaded = [other for other in current_panel().session.identity_map.values() if isinstance(other, AuditEntry)]
        wanted = {(e.table_name, e.record_id) for e in (*loaded, entry) if e.record_id is not None} - asked
        asked |= wanted
        stored |= _stored(wanted)
        names |= _names(wanted & stored)
    if key in stored:
        return Cell(names.get(key) or f"#{entry.record_id}", url=record_url(*key))
    return Cell(f"#{entry.record_id}", below=[str(_("Deleted since"))] if _is_table(entry.table_name) else [])


def person_cell(entry: LoginLog) -> Cell:
    """Who logged in, by their name; the user name alone where there is no such account. One statement for all entries
    that are loaded."""
    if entry.user_id is None:
        return Cell(entry.username)
    names: dict[tuple[str, int], str] = g.setdefault("login_names", {})
    if ("user", entry.user_id) not in names:
        loaded = [other for other in current_panel().session.identity_map.values() if isinstance(other, LoginLog)]
        ids = {e.user_id for e in (*loaded, entry) if e.user_id is not None}
        names |= dict.fromkeys((("user", id_) for id_ in ids), "")
        if current_panel().policy.may(current_actor(), Permission.CHOOSE, User):
            names |= visible_names(current_panel().session, {"user": ids})
    name = names["user", entry.user_id]
    return Cell(name, below=[entry.username]) if name else Cell(entry.username)


def _is_table(name: str) -> bool:
    try:
        return bool(model_of(name))
    except LookupError:
        return False


def _grouped(keys: set[tuple[str, int]]) -> dict[str, set[int]]:
    ids: dict[str, set[int]] = defaultdict(set)
    for table, id_ in keys:
        if _is_table(table):
            ids[table].add(id_)
    return ids


def _stored(keys: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those that still are, in one statement: nothing but ids is read, of whatever table."""
    parts = []
    for table, ids in sorted(_grouped(keys).items()):
        columns = table_of(model_of(table)).c
        parts.append(select(literal(table), columns.id).where(columns.id.in_(ids)))
    if not parts:
        return set()
    return {
        (table, id_) for table, id_ in current_panel().session.execute(union_all(*parts), execution_options=UNSCOPED)
    }


def _names(keys: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    panel, actor = current_panel(), current_actor()
    ids = {t: ids for t, ids in _grouped(keys).items() if panel.policy.may(actor, Permission.CHOOSE, model_of(t))}
    return visible_names(panel.session, ids)
