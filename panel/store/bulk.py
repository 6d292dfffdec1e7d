"""The engine's one bulk writer: many rows in few statements, with the same scope, versions and audit as a flush.

Bulk statements fire no flush event, so nothing else may write in bulk."""

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
from panel.fields import Field, Personal, all_fields, fields, links
from panel.kinds import Mobile, now
from panel.security import audit
from panel.security.policy import AccessDenied, Permission, model_of, table_of
from panel.security.records import AuditAction
from panel.security.session import actor_of, keyed_hash, policy_of, require
from panel.store import links as stored_links

#: Rows that are made ready and written at a time, between two looks whether the work is to end: what they take besides
#: doesn't grow with their number.
BATCH_SIZE = 1_000
#: What stands for no value, of a column and of what is pointed at by many().
NONE: tuple[Any, ...] = (None, ())
#: Where SQLite keeps the highest id that an AUTOINCREMENT table ever held.
_SEQUENCE = table_clause("sqlite_sequence", column("name"), column("seq"))


class StaleRow(Exception):  # noqa: N818 - told to the user as a sentence
    """Somebody changed one of the rows since they were read. The caller's transaction must be rolled back."""


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of a record that was read at `version`; `before` are the values replaced."""

    id: int
    version: int
    values: Mapping[str, Any]
    before: Mapping[str, Any]


def add(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], note: str = "") -> list[int]:
    """Insert rows, given as attribute → value, and return their ids in order."""
    if not rows:
        return []
    _allow(session, Permission.CREATE, model)
    found: list[int] = []
    numbers = _free_ids(session, table_of(model))
    for start in range(0, len(rows), BATCH_SIZE):
        progress.report(progress.WRITING, start, len(rows))
        found += _add(session, model, rows[start : start + BATCH_SIZE], numbers, note)
    _check_scope(session, model, Permission.CREATE, found, rows)
    return found


def _add(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], numbers: Iterator[int] | None, note: str
) -> list[int]:
    """Insert rows and write their audit."""
    actor = actor_of(session)
    full = [_derived(session, model, row) for row in rows]
    if issubclass(model, Record):
        for row in full:
            row["created_by_id"] = row["updated_by_id"] = actor.user_id
    table = table_of(model)
    found = [0] * len(full)
    for group in _by_shape(full):
        for index, id_ in zip(group, _insert(session, table, [full[i] for i in group], numbers), strict=True):
            found[index] = id_
    for f in links(model):
        pointed = {id_: ((), row[f.attr]) for id_, row in zip(found, rows, strict=True) if row.get(f.attr)}
        stored_links.write(session, model, f, pointed)
    declared = all_fields(model)
    audit.write_many(
        session,
        [
            (AuditAction.CREATE, model, id_, 1, _created(declared, row), note)
            for id_, row in zip(found, rows, strict=True)
        ],
    )
    return found


def _free_ids(session: Session, table: Table) -> Iterator[int] | None:
    """The ids of rows to come where they can be told: SQLite gives ids back row by row only, but nobody else writes
    meanwhile. Ids of rows that were deleted are not given again. None where the database gives ids back."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        return None
    highest = connection.execute(select(func.max(table.c.id))).scalar() or 0
    given = connection.execute(select(_SEQUENCE.c.seq).where(_SEQUENCE.c.name == table.name)).scalar() or 0
    return count(max(highest, given) + 1)


def _insert(session: Session, table: Table, rows: list[dict[str, Any]], numbers: Iterator[int] | None) -> Sequence[int]:
    """Insert rows of one shape and return their ids in order."""
    connection = session.connection()
    if numbers is not None:
        found = list(islice(numbers, len(rows)))
        connection.execute(insert(table), [{**row, "id": id_} for row, id_ in zip(rows, found, strict=True)])
        return found
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return connection.execute(statement, rows).scalars().all()


def append(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of an append-only table on the actor's behalf, in one statement: they are a record themselves, so
    that the audit keeps none of them. What they refer to must lie inside the actor's scope."""
    if not model.__append_only__:
        raise TypeError(f"{model.__name__} is not append-only")
    if rows:
        _check_references(session, model, rows)
        session.connection().execute(insert(table_of(model)), [_derived(session, model, row) for row in rows])


def _created(declared: Sequence[Field], row: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {f.name: [None, audit.stored_value(f, row[f.attr])] for f in declared if row.get(f.attr) not in NONE}


def edit(session: Session, model: type[Base], edits: Sequence[Edit], note: str = "") -> None:
    """Update rows by id and version; StaleRow if one of them is no longer what was read."""
    if not edits:
        return
    _allow(session, Permission.EDIT, model)
    actor, moment = actor_of(session), now()
    table = table_of(model)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    # In the order of ids: two who write the same rows wait one for the other, and not each for the other.
    for one in sorted(edits, key=lambda edit: edit.id):
        values = _derived(session, model, one.values)
        groups[tuple(sorted(values))].append({**values, "id_": one.id, "version_": one.version})
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
    for f in links(model):
        changed = {one.id: (one.before.get(f.attr) or (), one.values[f.attr]) for one in edits if f.attr in one.values}
        stored_links.write(session, model, f, changed)
    _check_scope(session, model, Permission.EDIT, [one.id for one in edits], [_new(model, one) for one in edits])
    audit.write_many(
        session,
        [
            (
                AuditAction.EDIT,
                model,
                one.id,
                one.version + 1,
                {
                    f.name: [audit.stored_value(f, one.before.get(f.attr)), audit.stored_value(f, one.values[f.attr])]
                    for f in all_fields(model)
                    if f.attr in one.values
                },
                note,
            )
            for one in edits
        ],
    )


@dataclass(frozen=True, slots=True)
class Removal:
    """A record to be deleted that was read at `version`; `before` are its values."""

    id: int
    version: int
    before: Mapping[str, Any]


def remove(session: Session, model: type[Base], gone: Sequence[Removal], note: str = "") -> None:
    """Delete rows by id and version; StaleRow if one of them is no longer what was read. What still refers to one of
    them makes the database refuse."""
    if not gone:
        return
    if model.__append_only__:
        raise TypeError(f"{model.__name__} is append-only")
    _allow(session, Permission.DELETE, model)
    require(session, model, Permission.DELETE, {one.id for one in gone})
    table = table_of(model)
    statement = delete(table).where(table.c.id == bindparam("id_"), table.c.version == bindparam("version_"))
    rows = [{"id_": one.id, "version_": one.version} for one in gone]
    if session.connection().execute(statement, rows).rowcount != len(rows):
        raise StaleRow
    declared = all_fields(model)
    audit.write_many(
        session,
        [(AuditAction.DELETE, model, one.id, one.version, _deleted(declared, one.before), note) for one in gone],
    )


def _deleted(declared: Sequence[Field], row: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {f.name: [audit.stored_value(f, row[f.attr]), None] for f in declared if row.get(f.attr) not in NONE}


def _allow(session: Session, action: Permission, model: type[Base]) -> None:
    if not policy_of(session).may(actor_of(session), action, model):
        raise AccessDenied


def _by_shape(rows: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Indexes of rows that give the same columns: the others keep the database's defaults."""
    shapes: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        shapes[tuple(sorted(row))].append(index)
    return list(shapes.values())


def _new(model: type[Base], one: Edit) -> dict[str, Any]:
    """The values of an edit, of what the record points at by many() only what is new: the rest it kept."""
    kept = {f.attr: one.before.get(f.attr) or () for f in links(model) if f.attr in one.values}
    return {**one.values, **{attr: set(one.values[attr]).difference(before) for attr, before in kept.items()}}


def _derived(session: Session, model: type[Base], given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row, with those that the program keeps beside others."""
    columns = model.__table__.c
    apart = {f.attr for f in links(model)}
    row = {attr: value for attr, value in given.items() if attr not in apart} if apart else dict(given)
    if "name_key" in columns and "name" in row:
        row["name_key"] = name_key(model, row["name"])
    for field in fields(model):
        if field.personal is Personal.PRIVATE and isinstance(field.kind, Mobile) and field.attr in row:
            value = row[field.attr]
            if f"{field.attr}_hash" in columns:
                row[f"{field.attr}_tail"] = value[-4:] if value else None
                row[f"{field.attr}_hash"] = keyed_hash(value, session.info.get("secret", "")) if value else None
    return row


def _check_scope(
    session: Session, model: type[Base], action: Permission, ids: Sequence[int], rows: Sequence[Mapping[str, Any]]
) -> None:
    require(session, model, action, set(ids))
    _check_references(session, model, rows)


def _check_references(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    for field in fields(model):
        if field.reference:
            pointed = {row[field.attr] for row in rows if row.get(field.attr) is not None}
            require(session, model_of(field.reference.table), Permission.READ, pointed)
    for field in links(model):
        pointed = {id_ for row in rows for id_ in row.get(field.attr) or ()}
        require(session, model_of(field.target or ""), Permission.READ, pointed)
