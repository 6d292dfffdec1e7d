"""Bulk writes: many rows in few statements, with the same checks of scope, versions and audit as an ORM flush.

Bulk statements fire no flush events, which do this for the ORM. So all other code must write in bulk through here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from sqlalchemy import Table, bindparam, column, delete, func, insert, select, update
from sqlalchemy import table as table_clause
from sqlalchemy.orm import Session

from panel import progress
from panel.base import Base, Record, name_key
from panel.fields import Field, all_fields, fields, links
from panel.kinds import now
from panel.security import audit, creation, earlier, ended, locks, watches
from panel.security.earlier import Kept
from panel.security.hashes import hashes
from panel.security.policy import AccessDenied, Permission, model_of, table_of
from panel.security.records import AuditAction
from panel.security.session import actor_of, policy_of, require
from panel.store import links as stored_links

#: Rows that are prepared and written at a time, to bound memory; between batches progress is reported, where a job can
#: be cancelled.
BATCH_SIZE = 1_000
#: Empty values of a column and of a many() field.
NONE: tuple[Any, ...] = (None, ())
#: SQLite's table of the highest id that each AUTOINCREMENT table has ever had.
_SEQUENCE = table_clause("sqlite_sequence", column("name"), column("seq"))


class StaleRow(Exception):  # noqa: N818 - shown to the user as a sentence
    """Somebody changed one of the rows since they were read. The caller's transaction must be rolled back."""


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of a record that was read at `version`; `before` are the values replaced."""

    id: int
    version: int
    values: Mapping[str, Any]
    before: Mapping[str, Any]


def add(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], note: str = "") -> list[int]:
    """Insert rows, given as attribute → value, and return their ids in order. Raises AccessDenied."""
    if not rows:
        return []
    _allow(session, Permission.CREATE, model)
    ids: list[int] = []
    numbers = _free_ids(session, table_of(model))
    for start in range(0, len(rows), BATCH_SIZE):
        progress.report(progress.WRITING, start, len(rows))
        ids += _add(session, model, rows[start : start + BATCH_SIZE], numbers, note)
    _check_added(session, model, ids, rows)
    return ids


def _check_added(session: Session, model: type[Base], ids: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> None:
    """Apply the checks of new rows. Raises AccessDenied or RowRefused."""
    _check_scope(session, model, Permission.CREATE, ids, rows)
    locks.check_written(session, model, ids, added=ids)
    creation.check(session, model, dict.fromkeys(ids))
    ended.check_written(session, model, dict(zip(ids, rows, strict=True)))
    watches.note_rows(session, model, ids)


def add_again(session: Session, model: type[Base], row: Mapping[str, Any], note: str) -> None:
    """Insert a deleted row again, with its id and who made it when, one version later than it had. Raises AccessDenied,
    RowRefused, or IntegrityError if the database refuses it."""
    _allow(session, Permission.CREATE, model)
    id_, version = row["id"], row["version"] + 1
    given = {**row, "version": version, "updated_at": now(), "updated_by_id": actor_of(session).user_id}
    session.connection().execute(insert(table_of(model)).values(**_with_derived(session, model, given)))
    for f in links(model):
        stored_links.write(session, model, f, {id_: ((), row.get(f.attr) or ())})
    created, belongs_to = _created(all_fields(model), row), audit.about(model, id_, row)
    audit.write_many(session, [(AuditAction.CREATE, model, id_, version, created, note, belongs_to)])
    _check_added(session, model, [id_], [row])


def _add(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], numbers: Iterator[int] | None, note: str
) -> list[int]:
    """Insert rows with their links and write their audit entries."""
    actor = actor_of(session)
    full = [_with_derived(session, model, row) for row in rows]
    if issubclass(model, Record):
        for row in full:
            row["created_by_id"] = row["updated_by_id"] = actor.user_id
    table = table_of(model)
    ids = [0] * len(full)
    for group in _by_shape(full):
        for index, id_ in zip(group, _insert(session, table, [full[i] for i in group], numbers), strict=True):
            ids[index] = id_
    for f in links(model):
        linked = {id_: ((), row[f.attr]) for id_, row in zip(ids, rows, strict=True) if row.get(f.attr)}
        stored_links.write(session, model, f, linked)
    declared = all_fields(model)
    audit.write_many(
        session,
        [
            (AuditAction.CREATE, model, id_, 1, _created(declared, row), note, audit.about(model, id_, row))
            for id_, row in zip(ids, rows, strict=True)
        ],
    )
    return ids


def _free_ids(session: Session, table: Table) -> Iterator[int] | None:
    """The ids of the next rows on SQLite, which returns no ids of a bulk insert; safe because it has one writer at a
    time. Ids of deleted rows are not used again. None for other databases, which return ids."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        return None
    highest = connection.execute(select(func.max(table.c.id))).scalar() or 0
    last = connection.execute(select(_SEQUENCE.c.seq).where(_SEQUENCE.c.name == table.name)).scalar() or 0
    return count(max(highest, last) + 1)


def _insert(session: Session, table: Table, rows: list[dict[str, Any]], numbers: Iterator[int] | None) -> Sequence[int]:
    """Insert rows that all have the same columns, and return their ids in order."""
    connection = session.connection()
    if numbers is not None:
        ids = list(islice(numbers, len(rows)))
        connection.execute(insert(table), [{**row, "id": id_} for row, id_ in zip(rows, ids, strict=True)])
        return ids
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return connection.execute(statement, rows).scalars().all()


def append(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of an append-only table in one statement. They have no audit entries, being a record themselves.

    Raises AccessDenied if they refer to a record outside the actor's scope."""
    if not model.__append_only__:
        raise TypeError(f"{model.__name__} is not append-only")
    if rows:
        _check_references(session, model, rows)
        session.connection().execute(insert(table_of(model)), [_with_derived(session, model, row) for row in rows])


def _created(declared: Sequence[Field], row: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {f.name: [None, audit.stored_value(f, row[f.attr])] for f in declared if row.get(f.attr) not in NONE}


def edit(session: Session, model: type[Base], edits: Sequence[Edit], note: str = "") -> None:
    """Update rows by id and version. Raises AccessDenied (locks.Locked if a value stays as it is), or StaleRow if one
    was changed or deleted since."""
    if not edits:
        return
    _allow(session, Permission.EDIT, model)
    locks.check_changes(session, model, _changed_fields(model, edits))
    actor, moment = actor_of(session), now()
    table = table_of(model)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    # Sorted by id, so that two transactions that write the same rows can't deadlock.
    for item in sorted(edits, key=lambda item: item.id):
        values = _with_derived(session, model, item.values)
        groups[tuple(sorted(values))].append({**values, "id_": item.id, "version_": item.version})
    for attrs, rows in groups.items():
        statement = (
            update(table)
            .where(table.c.id == bindparam("id_"), table.c.version == bindparam("version_"))
            .values(
                **{attr: bindparam(attr) for attr in attrs},
                version=table.c.version + 1,
                updated_at=moment,
                updated_by_id=actor.user_id,
            )
        )
        if session.connection().execute(statement, rows).rowcount != len(rows):
            raise StaleRow
    for item in edits:
        watches.note(session, model, item.id, item.values)
    for f in links(model):
        changed = {
            item.id: (item.before.get(f.attr) or (), item.values[f.attr]) for item in edits if f.attr in item.values
        }
        stored_links.write(session, model, f, changed)
    _check_scope(
        session,
        model,
        Permission.EDIT,
        [item.id for item in edits],
        [_references_to_check(model, item) for item in edits],
    )
    locks.check_written(session, model, [item.id for item in edits], added=_moved(model, edits))
    if not actor.system:
        creation.check(session, model, {item.id: frozenset(item.values) for item in edits})
    ended.check_written(session, model, {item.id: _new_references(model, item) for item in edits})
    audit.write_many(
        session,
        [
            (
                AuditAction.EDIT,
                model,
                item.id,
                item.version + 1,
                {
                    f.name: [audit.stored_value(f, item.before.get(f.attr)), audit.stored_value(f, item.values[f.attr])]
                    for f in all_fields(model)
                    if f.attr in item.values
                },
                note,
                audit.about(model, item.id, {**item.before, **item.values}),
            )
            for item in edits
        ],
    )
    if audit.keeps(session, model):
        private = [(e, earlier.personal_change(model, e.before, e.values)) for e in edits]
        earlier.keep(session, [Kept(model, e.id, e.version + 1, changed) for e, changed in private if changed])


@dataclass(frozen=True, slots=True)
class Removal:
    """A record to be deleted that was read at `version`; `before` are its values."""

    id: int
    version: int
    before: Mapping[str, Any]


def remove(session: Session, model: type[Base], removals: Sequence[Removal], note: str = "") -> None:
    """Delete rows by id and version. Raises AccessDenied, StaleRow if one was changed or deleted since, or
    IntegrityError if something refers to one."""
    if not removals:
        return
    if model.__append_only__:
        raise TypeError(f"{model.__name__} is append-only")
    _allow(session, Permission.DELETE, model)
    ids = {removal.id for removal in removals}
    require(session, model, Permission.DELETE, ids)
    locks.check_removals(session, model, ids)
    table = table_of(model)
    statement = delete(table).where(table.c.id == bindparam("id_"), table.c.version == bindparam("version_"))
    rows = [{"id_": removal.id, "version_": removal.version} for removal in removals]
    if session.connection().execute(statement, rows).rowcount != len(rows):
        raise StaleRow
    watches.note_rows(session, model, ids)
    declared = all_fields(model)
    audit.write_many(
        session,
        [
            (
                AuditAction.DELETE,
                model,
                removal.id,
                removal.version,
                _deleted(declared, removal.before),
                note,
                audit.about(model, removal.id, removal.before),
            )
            for removal in removals
        ],
    )
    if audit.keeps(session, model) and earlier.is_restorable(model):
        values = ((removal, earlier.row_values(model, removal.before)) for removal in removals)
        earlier.keep(session, [Kept(model, r.id, r.version, row, deleted=True) for r, row in values])


def _deleted(declared: Sequence[Field], row: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {f.name: [audit.stored_value(f, row[f.attr]), None] for f in declared if row.get(f.attr) not in NONE}


def _allow(session: Session, action: Permission, model: type[Base]) -> None:
    if not policy_of(session).may(actor_of(session), action, model):
        raise AccessDenied


def _by_shape(rows: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Indexes of rows grouped by the columns they give; the other columns get the database's defaults."""
    shapes: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        shapes[tuple(sorted(row))].append(index)
    return list(shapes.values())


def _changed_fields(model: type[Base], edits: Sequence[Edit]) -> dict[int, list[Field]]:
    """The fields whose value an edit replaces by another, by the id of the row."""
    declared = all_fields(model)
    return {
        item.id: [f for f in declared if f.attr in item.values and item.values[f.attr] != item.before.get(f.attr)]
        for item in edits
    }


def _moved(model: type[Base], edits: Sequence[Edit]) -> list[int]:
    """The ids of rows that refer to another record after the edit, so that they count as added there."""
    changed = _changed_fields(model, edits)
    return [id_ for id_, differing in changed.items() if any(f.reference and not f.readonly for f in differing)]


def _new_references(model: type[Base], item: Edit) -> dict[str, Any]:
    """The values of an edit that differ from those before, and of many() fields the added links."""
    values = _references_to_check(model, item)
    return {attr: value for attr, value in values.items() if value != item.before.get(attr)}


def _references_to_check(model: type[Base], item: Edit) -> dict[str, Any]:
    """The values of an edit whose references must be checked: of many() fields only the added links."""
    linked_before = {f.attr: item.before.get(f.attr) or () for f in links(model) if f.attr in item.values}
    return {
        **item.values,
        **{attr: set(item.values[attr]).difference(before) for attr, before in linked_before.items()},
    }


def _with_derived(session: Session, model: type[Base], values: Mapping[str, Any]) -> dict[str, Any]:
    """The column values of a row, with those that are derived from others: sort key and keyed hashes."""
    columns = model.__table__.c
    link_attrs = {f.attr for f in links(model)}
    row = {attr: value for attr, value in values.items() if attr not in link_attrs} if link_attrs else dict(values)
    if "name_key" in columns and "name" in row:
        row["name_key"] = name_key(model, row["name"])
    return row | hashes(model, row, session.info.get("secret", ""))


def _check_scope(
    session: Session, model: type[Base], action: Permission, ids: Sequence[int], rows: Sequence[Mapping[str, Any]]
) -> None:
    require(session, model, action, set(ids))
    _check_references(session, model, rows)


def _check_references(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    for field in fields(model):
        if field.reference:
            referenced = {row[field.attr] for row in rows if row.get(field.attr) is not None}
            require(session, model_of(field.reference.table), Permission.CHOOSE, referenced)
    for field in links(model):
        referenced = {id_ for row in rows for id_ in row.get(field.attr) or ()}
        require(session, model_of(field.target or ""), Permission.CHOOSE, referenced)
