"""The history of a record: its audit entries in the reader's language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from panel.base import UNSCOPED, Base
from panel.fields import Field, Personal, all_fields
from panel.i18n import Message, _, listed
from panel.kinds import ERASED, Moment
from panel.search.names import NOT_VISIBLE, visible_names
from panel.security.policy import SYSTEM, model_of
from panel.security.records import AuditEntry
from panel.web.context import current_panel
from panel.web.pages import Change, HistoryItem

SHOWN = 12
#: Entries of a page of the whole history.
PAGE = 50

#: Where the change of an entry can be taken back, or else why it can't; both "" if nothing is to be said.
Way = Callable[[AuditEntry], tuple[str, Message | str]]


def of_record(record: Base, way: Way | None = None) -> list[HistoryItem]:
    """The latest changes of a record, newest first. The number of statements is fixed."""
    return of_entries(record, entries(type(record).__tablename__, record.id), way)


def of_entries(record: Base, audit_entries: list[AuditEntry], way: Way | None = None) -> list[HistoryItem]:
    """Entries of a record as history items, without what it held before it was anonymised."""
    shown = items(audit_entries, type(record), way)
    if getattr(record, "erased_at", None) is not None:
        _hide_erased(shown, type(record))
    return shown


def _hide_erased(shown: list[HistoryItem], model: type[Base]) -> None:
    """Show nothing of the private values that a record had before it was anonymised, not even masked."""
    private = {str(f.label) for f in all_fields(model) if f.personal is Personal.PRIVATE}
    for item in shown:
        for change in item.changes:
            if str(change.label) in private:
                change.before = ERASED if change.before else ""
                change.after = ERASED if change.after else ""


def entries(table: str, record_id: int, limit: int = SHOWN, before: int | None = None) -> list[AuditEntry]:
    """The latest audit entries of a record, or those from before an entry. Unscoped: the caller has read the record
    under the actor's scope."""
    statement = (
        select(AuditEntry)
        .where(AuditEntry.table_name == table, AuditEntry.record_id == record_id)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(AuditEntry.id < before)
    return list(current_panel().session.execute(statement, execution_options=UNSCOPED).scalars())


def items(audit_entries: list[AuditEntry], model: type[Base] | None, way: Way | None = None) -> list[HistoryItem]:
    """Audit entries as history items. `model` is their model; None if they are of several tables."""
    shown: list[tuple[AuditEntry, list[tuple[str, Field | None, Any, Any]]]] = []
    ids_by_table: dict[str, set[int]] = defaultdict(set)
    for entry in audit_entries:
        fields_by_name = (
            {f.name: f for f in all_fields(model or _model(entry.table_name))}
            if model or _model(entry.table_name)
            else {}
        )
        lines = []
        # Of a new record the values stand on the page itself.
        for name, (before, after) in entry.changes.items() if entry.action != "create" else ():
            field = fields_by_name.get(name)
            if field and field.target:
                referenced = (before, after) if field.reference else (*(before or ()), *(after or ()))
                ids_by_table[field.target] |= {value for value in referenced if isinstance(value, int)}
            lines.append((name, field, before, after))
        shown.append((entry, lines))
    names = visible_names(current_panel().session, ids_by_table)
    clock = Moment()
    ways = [("", "") if way is None else way(entry) for entry, _lines in shown]
    return [
        HistoryItem(
            act=entry.action.label,
            tone=entry.action.tone,
            who=str(who(entry.actor_name)),
            at=clock.format(entry.at.replace(second=0)),
            note=entry.note,
            changes=[
                Change(field.label if field else name, show(field, before, names), show(field, after, names))
                for name, field, before, after in lines
            ],
            back_url=back_url,
            stays=stays,
        )
        for (entry, lines), (back_url, stays) in zip(shown, ways, strict=True)
    ]


def who(name: str) -> Message | str:
    """The name of an actor, translated if it is the system."""
    return _("the system") if name == SYSTEM.name else name


def _model(table: str) -> Any:
    try:
        return model_of(table)
    except LookupError:
        return None


def show(field: Field | None, value: Any, names: dict[tuple[str, int], str]) -> str:
    """A value of an entry as text. `names` are those of visible_names()."""
    if value is None or value == "":
        return ""
    if field is None:
        return str(value)
    if field.reference:
        return names.get((field.reference.table, value), str(NOT_VISIBLE))
    if field.many:
        linked = [names.get((field.many.table, id_), str(NOT_VISIBLE)) for id_ in value]
        return listed(dict.fromkeys(linked))
    if isinstance(value, str) and "*" in value:
        return value
    return field.kind.show(value)
