"""Checks of rows at the preview: what a constraint of the database or the actor's permissions would refuse later is
reported at its row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Integer,
    MetaData,
    UniqueConstraint,
    cast,
    column,
    create_engine,
    select,
    tuple_,
    values,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from panel.base import UNSCOPED, Base, display
from panel.chunks import chunks
from panel.fields import Field, fields
from panel.i18n import _
from panel.imports.plans import PendingRecord, Plan, PlanRow
from panel.imports.rules import OUTSIDE
from panel.security.policy import Permission, table_of
from panel.security.session import actor_of, permitted, policy_of
from panel.store.db_errors import explain

MISSING = _("This must be filled in.")
#: Rows whose scope is checked in one statement.
SCOPE_BATCH = 500


def require(plan: Plan, rows: Iterable[PlanRow], required: Sequence[Field]) -> None:
    """Fail rows that leave one of the `required` fields empty."""
    for row in rows:
        faulty = {error.index for error in row.errors}
        for declared in required:
            if declared.attr in row.values or declared.attr in row.masked:
                continue
            part = plan.part_of(row)
            if not part.text(row, declared.name) and part.index_of(declared.name) not in faulty - {None}:
                plan.fail(row, declared.name, MISSING)


def check_constraints(plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Fail rows that violate a CHECK constraint, by inserting them into a scratch table in memory."""
    table = table_of(plan.model)
    if not rows or not any(isinstance(c, CheckConstraint) for c in table.constraints):
        return
    defaults = {f.attr: f.default for f in fields(plan.model) if f.default is not None and not callable(f.default)}
    with _scratch_table(plan.model) as (connection, columns):
        for row in rows:
            record = {**row.stored, **row.values} if row.id is not None else {**defaults, **row.values}
            bound = {name: _sqlite_value(value) for name, value in record.items() if name in columns}
            names, marks = ", ".join(f'"{name}"' for name in bound), ", ".join("?" for _name in bound)
            try:
                connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(bound.values()))  # noqa: S608 - our own names
            except sqlite3.IntegrityError as error:
                name, message = explain(IntegrityError("", {}, error), plan.model)
                plan.fail(row, name, message)


@contextmanager
def _scratch_table(model: type[Base]) -> Iterator[tuple[sqlite3.Connection, set[str]]]:
    """An empty SQLite copy of a table with its CHECK constraints only, and the names of its writable columns."""
    table = table_of(model)
    copy = table.to_metadata(MetaData(naming_convention=table.metadata.naming_convention))
    copy.constraints = {c for c in copy.constraints if isinstance(c, CheckConstraint)}
    for column_copy in copy.columns:
        column_copy.foreign_keys.clear()
        column_copy.nullable, column_copy.unique = True, None
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(str(CreateTable(copy).compile(dialect=engine.dialect)))
        yield raw, {c.name for c in copy.columns if c.computed is None} - {"id"}
    engine.dispose()


def _sqlite_value(value: Any) -> Any:
    """A value as SQLite's driver accepts it; moments as UTC text, so that they compare in order of time."""
    if isinstance(value, PendingRecord):
        return -1
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if value is None or isinstance(value, int | float | bytes):
        return value
    return str(getattr(value, "value", value))


def check_unique(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Fail rows that violate a unique constraint or index, against the database and within the file. Partial indexes
    are left to the rules of the table."""
    table = table_of(plan.model)
    sets = {
        tuple(c.name for c in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    }
    whole = [
        constraint
        for constraint in table.indexes
        if constraint.unique and constraint.dialect_options["sqlite"].get("where") is None
    ]
    sets |= {tuple(c.name for c in constraint.columns) for constraint in whole}
    for names in sorted(sets):
        _check_unique_set(session, plan, [row for row in rows if row.values.keys() & set(names)], names)


def _check_unique_set(session: Session, plan: Plan, rows: Sequence[PlanRow], names: tuple[str, ...]) -> None:
    keys = {row: key for row in rows if (key := _key(plan, row, names)) is not None}
    stored_ids = _stored_ids(session, plan, names, set(keys.values()))
    names_by_id = _record_names(
        session, plan, {stored_ids[key] for row, key in keys.items() if stored_ids.get(key, row.id) != row.id}
    )
    key_fields = [f for f in fields(plan.model) if f.attr in names]
    labels = "、".join(str(f.label) for f in key_fields)
    first: dict[tuple[Any, ...], PlanRow] = {}
    for row, key in keys.items():
        name = next((f.name for f in key_fields if f.attr in row.values), None)
        earlier = first.setdefault(key, row)
        other = stored_ids.get(key, row.id)
        if other != row.id and len(names) == 1:
            plan.fail(row, name, _("Another record has this {label} already.", label=key_fields[0].label))
        elif other != row.id and other in names_by_id:
            plan.fail(row, name, _("{record} has the same {labels} already.", record=names_by_id[other], labels=labels))
        elif other != row.id:
            plan.fail(row, name, _("Another record has the same {labels} already.", labels=labels))
        elif earlier is not row and len(names) == 1:
            plan.fail(row, name, _("Row {row} has the same value.", row=plan.row_label(earlier, row)))
        elif earlier is not row:
            place = plan.row_label(earlier, row)
            plan.fail(row, name, _("Row {row} has the same {labels}.", row=place, labels=labels))


def _key(plan: Plan, row: PlanRow, names: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The values of a unique constraint as the record will have them; None if one is empty or not created yet."""
    defaults = {f.attr: f.default for f in fields(plan.model) if row.id is None and not callable(f.default)}
    key = tuple(value if (value := row.effective(name)) is not None else defaults.get(name) for name in names)
    return None if any(value is None or isinstance(value, PendingRecord) for value in key) else key


def _stored_ids(session: Session, plan: Plan, names: tuple[str, ...], keys: set[tuple[Any, ...]]) -> dict[Any, int]:
    """The id of the stored record of each key that has one."""
    table = table_of(plan.model)
    columns = [table.c[name] for name in names]
    ids: dict[Any, int] = {}
    for chunk in chunks(keys, len(names)):
        condition = columns[0].in_([key[0] for key in chunk]) if len(names) == 1 else tuple_(*columns).in_(chunk)
        statement = select(table.c.id, *columns).where(condition)
        ids |= {tuple(row[1:]): row[0] for row in session.execute(statement, execution_options=UNSCOPED)}
    return ids


def _record_names(session: Session, plan: Plan, ids: set[int]) -> dict[int, str]:
    """The names of the records among `ids` that the actor may read."""
    return {
        record.id: display(record)
        for chunk in chunks(ids)
        for record in session.scalars(select(plan.model).where(plan.model.id.in_(chunk)))
    }


def check_reach(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Fail rows whose existing record is outside the actor's scope, and drop what was read of it."""
    existing = {row.id for row in rows if row.id is not None}
    reach = permitted(session, plan.model, Permission.READ, existing)
    for row in rows:
        if row.id is not None and row.id not in reach:
            row.fail(OUTSIDE)
            row.discard_match()


def check_rights(
    session: Session, plan: Plan, rows: Sequence[PlanRow], create_permission: Permission = Permission.CREATE
) -> None:
    """Fail rows that the actor may not write: by permission, and by scope before and after the change.
    `create_permission` is the permission that new rows need."""
    actor, policy = actor_of(session), policy_of(session)
    new = [row for row in rows if row.id is None]
    changed = [row for row in rows if row.id is not None and row.changes and not plan.options.skip_existing]
    for affected, action in ((new, create_permission), (changed, Permission.EDIT)):
        if not policy.may(actor, action, plan.model):
            for row in affected:
                row.fail(_("Your role doesn't allow this."))
    reach = permitted(session, plan.model, Permission.EDIT, {row.id for row in changed if row.id is not None})
    for row in changed:
        if row.id not in reach and not row.failed:
            row.fail(OUTSIDE)
    for affected, action in ((new, create_permission), (changed, Permission.EDIT)):
        _check_scope(session, plan, action, [row for row in affected if not row.failed])


def _check_scope(session: Session, plan: Plan, action: Permission, rows: Sequence[PlanRow]) -> None:
    """Fail rows that would lie outside the actor's scope: the condition of the scope is evaluated by the database on
    the new values of up to SCOPE_BATCH rows a statement."""
    columns = table_of(plan.model).c
    recorder = _ColumnRecorder(columns)
    policy, actor = policy_of(session), actor_of(session)
    if policy.criterion(actor, action, plan.model, recorder) is None:
        return
    shape = [column("row_", Integer), *(column(name, columns[name].type) for name in recorder.names)]
    for start in range(0, len(rows), SCOPE_BATCH):
        chunk = rows[start : start + SCOPE_BATCH]
        data = [(i, *(_scope_value(row, name) for name in recorder.names)) for i, row in enumerate(chunk)]
        proposed = values(*shape, name="proposed").data(data).cte()
        typed = {name: cast(proposed.c[name], columns[name].type) for name in recorder.names}
        condition = policy.criterion(actor, action, plan.model, SimpleNamespace(**typed))
        assert condition is not None
        statement = select(proposed.c.row_).where(condition)
        inside = set(session.execute(statement, execution_options=UNSCOPED).scalars())
        for i, row in enumerate(chunk):
            if i not in inside:
                row.fail(OUTSIDE)


def _scope_value(row: PlanRow, name: str) -> Any:
    """The value that a row will have; None for a record that is not created yet, which lies in nobody's scope."""
    value = row.effective(name)
    return None if isinstance(value, PendingRecord) else value


class _ColumnRecorder:
    """Stands in for a table's columns and records which of them a condition reads."""

    def __init__(self, columns: Any) -> None:
        self._columns = columns
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name not in self.names:
            self.names.append(name)
        return self._columns[name]
