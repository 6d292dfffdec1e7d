"""Audit entries of what a flush changes, written in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import insert
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import Session

from panel.base import Base, Via, display
from panel.fields import Field, field_named, fields, links
from panel.kinds import now
from panel.security import earlier
from panel.security.earlier import Kept
from panel.security.records import AuditAction, AuditEntry

_PENDING, _CAUSE, _NOTE = "audit_pending", "audit_cause", "audit_note"


def stored_value(field: Field, value: Any) -> Any:
    """A value in the JSON form of an audit entry; masked if it is personal or encrypted."""
    if value is None:
        return None
    return field.kind.mask(value) if field.masked_in_logs else field.kind.store(value)


def changed_fields(record: Base) -> list[Field]:
    """The fields with a new value since the last flush."""
    state = sa_inspect(record)
    return [f for f in fields(type(record)) if state.attrs[f.attr].history.has_changes()]


def differing_fields(record: Base) -> list[Field]:
    """The fields, many() fields included, whose value differs from the one at the last flush."""
    state = sa_inspect(record)
    differing = []
    for field in changed_fields(record):
        history = state.attrs[field.attr].history
        if (history.deleted[0] if history.deleted else None) != getattr(record, field.attr):
            differing.append(field)
    for field in links(type(record)):
        history = state.attrs[field.attr].history
        if history.added or history.deleted:
            differing.append(field)
    return differing


def added_links(record: Base, field: Field) -> set[int]:
    """The ids that a many() field links newly since the last flush."""
    return set(_ids(sa_inspect(record).attrs[field.attr].history.added))


def _ids(others: Iterable[Any]) -> list[int]:
    return sorted(other.id for other in others if other.id is not None)


def _link_changes(record: Base) -> dict[str, list[Any]]:
    """The linked ids of many() fields before and after, as far as the actor's scope shows them."""
    changes = {}
    for field in links(type(record)):
        history = sa_inspect(record).attrs[field.attr].history
        if history.added or history.deleted:
            before, after = (_ids((*history.unchanged, *others)) for others in (history.deleted, history.added))
            changes[field.name] = [before or None, after or None]
    return changes


def _changes(record: Base, *, created: bool) -> dict[str, list[Any]]:
    state = sa_inspect(record)
    changes: dict[str, list[Any]] = {}
    for field in fields(type(record)):
        history = state.attrs[field.attr].history
        before = history.deleted[0] if history.deleted else None
        after = getattr(record, field.attr)
        if created and after is not None:
            changes[field.name] = [None, stored_value(field, after)]
        elif not created and history.has_changes() and before != after:
            changes[field.name] = [stored_value(field, before), stored_value(field, after)]
    return changes | _link_changes(record)


def collect(session: Session, new: list[Base], changed: list[Base], deleted: list[Base]) -> None:
    """Collect the changes before a flush, while the old values are known."""
    pending = session.info.setdefault(_PENDING, [])
    for record in new:
        if not record.__append_only__:
            pending.append((AuditAction.CREATE, record, _changes(record, created=True), "", None))
    for record in changed:
        if changes := _changes(record, created=False):
            pending.append((AuditAction.EDIT, record, changes, "", _personal_change(session, record)))
    for record in deleted:
        values = {
            field.name: [stored_value(field, value), None]
            for field in fields(type(record))
            if (value := getattr(record, field.attr)) is not None
        }
        values |= {
            field.name: [_ids(others), None] for field in links(type(record)) if (others := getattr(record, field.attr))
        }
        kept = keeps(session, type(record)) and earlier.is_restorable(type(record))
        row = earlier.row_values(type(record), earlier.record_values(session, record)) if kept else None
        pending.append((AuditAction.DELETE, record, values, display_safely(record), row))


def keeps(session: Session, model: type[Base]) -> bool:
    """Whether earlier values are kept of what is changed now: not of a step."""
    return earlier.is_kept(model) and session.info.get(_CAUSE) is None


def _personal_change(session: Session, record: Base) -> dict[str, list[Any]] | None:
    """The personal values that a flush changes, as [before, after] by field name."""
    if not keeps(session, type(record)):
        return None
    before, after = {}, {}
    for field in changed_fields(record):
        history = sa_inspect(record).attrs[field.attr].history
        before[field.attr] = history.deleted[0] if history.deleted else None
        after[field.attr] = getattr(record, field.attr)
    return earlier.personal_change(type(record), before, after)


def display_safely(record: Base) -> str:
    """The name of a record if it can be built without loading more and holds nothing encrypted, else its number."""
    loaded = sa_inspect(record).dict
    named = [field_named(type(record), name) for name in record.__display__]
    if any(f is not None and f.encrypted for f in named) or not all(name in loaded for name in record.__display__):
        return f"#{record.id}"
    return display(record)


def write(session: Session) -> None:
    """Write the collected changes after the flush, when the ids are known, in one statement."""
    pending = session.info.pop(_PENDING, [])
    if not pending:
        return
    write_many(
        session,
        [
            (
                action,
                type(record),
                record.id,
                getattr(record, "version", None),
                changes,
                session.info.get(_NOTE) or note,
                about(type(record), record.id, sa_inspect(record).dict),
            )
            for action, record, changes, note, _kept in pending
        ],
    )
    earlier.keep(
        session,
        [
            Kept(type(record), record.id, record.version, kept, deleted=action is AuditAction.DELETE)
            for action, record, _changes, _note, kept in pending
            if kept is not None
        ],
    )


#: Action, model, id and version of the record, its changes (before and after by field name), a note, and the record
#: that it belongs to.
Entry = tuple[AuditAction, type[Base], int, int | None, dict[str, list[Any]], str, str | None]


def about(model: type[Base], id_: int, values: Mapping[str, Any]) -> str | None:
    """The record that a row belongs to, as "table:id": the one that its scope follows, or the row itself. None if
    `values` don't give it."""
    if not isinstance(model.__scope__, Via):
        return f"{model.__tablename__}:{id_}"
    parent = values.get(model.__scope__.attr)
    reference = next((f.target for f in fields(model) if f.attr == model.__scope__.attr), None)
    return None if parent is None or reference is None else f"{reference}:{parent}"


@contextmanager
def caused_by(session: Session, cause: str) -> Iterator[None]:
    """Record changes inside the block as parts of an act, such as a step."""
    before = session.info.get(_CAUSE)
    session.info[_CAUSE] = cause
    try:
        yield
    finally:
        session.info[_CAUSE] = before


@contextmanager
def noted(session: Session, text: str) -> Iterator[None]:
    """Give the entries of what is flushed inside the block this note."""
    before = session.info.get(_NOTE)
    session.info[_NOTE] = text
    try:
        yield
    finally:
        session.info[_NOTE] = before


def write_many(session: Session, entries: Sequence[Entry]) -> None:
    """Write audit entries in one statement, as the session's actor."""
    actor = session.info.get("actor")
    rows = [
        {
            "at": now(),
            "actor_id": actor.user_id if actor else None,
            "actor_name": actor.name if actor else "",
            "action": action,
            "table_name": model.__tablename__,
            "record_id": record_id,
            "record_version": version,
            "note": note[:300],
            "changes": changes,
            "about": belongs_to,
            "cause": session.info.get(_CAUSE),
        }
        for action, model, record_id, version, changes, note, belongs_to in entries
    ]
    if rows:
        session.connection().execute(insert(AuditEntry.__table__), rows)  # type: ignore[arg-type]


def note(session: Session, action: AuditAction, table: str, record_id: int | None, text: str) -> None:
    """Record an action that changes no row, such as a reveal."""
    actor = session.info["actor"]
    session.connection().execute(
        insert(AuditEntry.__table__),  # type: ignore[arg-type]
        [
            {
                "at": now(),
                "actor_id": actor.user_id,
                "actor_name": actor.name,
                "action": action,
                "table_name": table,
                "record_id": record_id,
                "note": text[:300],
                "changes": {},
            }
        ],
    )
