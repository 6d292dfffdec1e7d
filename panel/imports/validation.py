"""Checks of rows at the preview: what a constraint of the database or the actor's permissions would refuse later is
reported at its row."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CheckConstraint, MetaData, UniqueConstraint, create_engine, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from panel.base import UNSCOPED, Base, display
from panel.chunks import chunks
from panel.fields import Field, Personal, Requirement, all_fields, fields
from panel.i18n import Message, _, listed
from panel.imports.plans import PendingRecord, Plan, PlanRow
from panel.imports.rules import OUTSIDE, Rules
from panel.security import ended, locks, unique
from panel.security.hashes import hashes, sources
from panel.security.policy import Permission, table_of
from panel.security.proposed import BATCH, ColumnRecorder, proposed_rows
from panel.security.session import actor_of, permitted, policy_of
from panel.store.bulk import Edit
from panel.store.db_errors import explain

MISSING = _("This must be filled in.")


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
    defaults = _defaults(plan.model)
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
    sets = {tuple(c.name for c in rule.columns) for rule in table.constraints if isinstance(rule, UniqueConstraint)}
    whole = (index for index in table.indexes if index.unique and index.dialect_options["sqlite"].get("where") is None)
    sets |= {tuple(c.name for c in index.columns) for index in whole}
    for names in sorted(sets):
        _check_unique_set(session, plan, rows, names)


def _check_unique_set(session: Session, plan: Plan, rows: Sequence[PlanRow], names: tuple[str, ...]) -> None:
    typed = set(sources(plan.model, names))
    given = [row for row in rows if row.values.keys() & typed]
    keys = {row: key for row in given if (key := _key(session, plan, row, names)) is not None}
    stored_ids = _stored_ids(session, plan, names, set(keys.values()))
    names_by_id = _record_names(
        session, plan, {stored_ids[key] for row, key in keys.items() if stored_ids.get(key, row.id) != row.id}
    )
    key_fields = [f for f in fields(plan.model) if f.attr in typed]
    labels = listed(str(f.label) for f in key_fields)
    first: dict[tuple[Any, ...], PlanRow] = {}
    for row, key in keys.items():
        name = next((f.name for f in key_fields if f.attr in row.values), None)
        earlier = first.setdefault(key, row)
        other = stored_ids.get(key, row.id)
        if other != row.id and other not in names_by_id:
            # Told when the file is written, where the refusal counts: a preview could be asked any number of times.
            if not unique.tells_of_others(session, plan.model, names):
                plan.fail(row, name, unique.NOT_FREE)
        elif other != row.id and len(names) == 1:
            plan.fail(row, name, _("Another record has this {label} already.", label=key_fields[0].label))
        elif other != row.id:
            plan.fail(
                row, name, _("{record} has the same {labels} already.", record=names_by_id[other or 0], labels=labels)
            )
        elif earlier is not row and len(names) == 1:
            plan.fail(row, name, _("Row {row} has the same value.", row=plan.row_label(earlier, row)))
        elif earlier is not row:
            place = plan.row_label(earlier, row)
            plan.fail(row, name, _("Row {row} has the same {labels}.", row=place, labels=labels))


def _key(session: Session, plan: Plan, row: PlanRow, names: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The values of a unique constraint as the record will have them; None if one is empty or not created yet."""
    defaults = {f.attr: f.default for f in fields(plan.model) if row.id is None and not callable(f.default)}
    new = row.values | hashes(plan.model, row.values, session.info.get("secret", ""))
    key = tuple(v if (v := new.get(name, row.stored.get(name))) is not None else defaults.get(name) for name in names)
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
    the new values of up to BATCH rows a statement."""
    columns = table_of(plan.model).c
    recorder = ColumnRecorder(columns)
    policy, actor = policy_of(session), actor_of(session)
    if policy.criterion(actor, action, plan.model, recorder) is None:
        return
    for start in range(0, len(rows), BATCH):
        chunk = rows[start : start + BATCH]
        data = [{name: _proposed_value(row, name) for name in recorder.names} for row in chunk]
        proposed = proposed_rows(session, plan.model, recorder.names, data)
        condition = policy.criterion(actor, action, plan.model, proposed)
        assert condition is not None
        statement = select(proposed.row_).where(condition)
        inside = set(session.execute(statement, execution_options=UNSCOPED).scalars())
        for i, row in enumerate(chunk):
            if i not in inside:
                row.fail(OUTSIDE)


def _proposed_value(row: PlanRow, name: str) -> Any:
    """The value that a row will have; None for a record that is not created yet, which lies in nobody's scope."""
    value = row.effective(name)
    return None if isinstance(value, PendingRecord) else value


def check_locks(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Fail rows that change what is locked, at its column. A private value stays, with a note: whether it differs isn't
    told in a preview (changes.settle()), and an error would refuse files in which it doesn't."""
    model, undecided = plan.model, not actor_of(session).system
    changed = {row.id: row for row in rows if row.id is not None and row.values and not plan.options.skip_existing}
    held = locks.holding(session, model, changed)
    by_attr = {f.attr: f for f in all_fields(model)}
    for id_, row in changed.items():
        left: dict[Message, list[Field]] = defaultdict(list)
        for attr in row.values:
            if attr in by_attr and (why := locks.reason(model, by_attr[attr], held[id_])):
                if undecided and by_attr[attr].personal is Personal.PRIVATE:
                    left[why].append(by_attr[attr])
                else:
                    plan.fail(row, by_attr[attr].name, why)
        for why, kept in left.items():
            _leave(row, kept, why)


def _leave(row: PlanRow, kept: Sequence[Field], why: Message) -> None:
    """Take the values of these columns out of a row, and say so."""
    for declared in kept:
        del row.values[declared.attr]
    row.changes[:] = [change for change in row.changes if change[0] not in kept]
    labels = listed(str(f.label) for f in kept)
    row.notes.append(_("{labels}: not changed by an import. {why}", labels=labels, why=why))


def check_beside(session: Session, plan: Plan, rows: Sequence[PlanRow], rules: Rules) -> None:
    """Fail rows that change or add a record of another table which is locked there, or which would break a requirement
    of that table, at the column that it is read from. A fixed number of statements for each table."""
    edits: dict[type[Base], list[tuple[PlanRow, Edit]]] = defaultdict(list)
    adds: dict[type[Base], list[tuple[PlanRow, Mapping[str, Any]]]] = defaultdict(list)
    for row in rows:
        if row.id is not None and plan.options.skip_existing:
            continue
        for model, edit in row.edits if row.has("edits") else ():
            edits[model].append((row, edit))
        for model, values in row.adds if row.has("adds") else ():
            adds[model].append((row, values))
    for model, changed in edits.items():
        ids = {edit.id for _row, edit in changed}
        held, declared = locks.holding(session, model, ids), {f.attr: f for f in all_fields(model)}
        for row, edit in changed:
            whys = (locks.reason(model, declared[attr], held[edit.id]) for attr in edit.values if attr in declared)
            if why := next((why for why in whys if why), None):
                plan.fail(row, _column_beside(plan, row, rules, model, edit.values), why)
        judged = locks.has_rules(model) or ended.references(model)
        stored = _stored_rows(session, model, ids) if judged else {}
        kept = [(row, edit.values, stored[edit.id]) for row, edit in changed if edit.id in stored]
        _check_proposed_beside(session, plan, rules, model, kept)
    for model, added in adds.items():
        _check_proposed_beside(session, plan, rules, model, [(row, values, _defaults(model)) for row, values in added])


def _check_proposed_beside(
    session: Session,
    plan: Plan,
    rules: Rules,
    model: type[Base],
    records: Sequence[tuple[PlanRow, Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    """Check records of another table as they will be: `records` are the row, its values, and those beneath them."""
    proposed = [
        {**below, **{attr: None if isinstance(value, PendingRecord) else value for attr, value in values.items()}}
        for _row, values, below in records
    ]
    for index, field, why in ended.broken(
        session, model, [(full, values) for full, (_row, values, _below) in zip(proposed, records, strict=True)]
    ):
        row, values, _below = records[index]
        plan.fail(row, _column_beside(plan, row, rules, model, (field.attr, *values)), why)
    for index, rule in locks.broken_rules(session, model, proposed):
        row, values, below = records[index]
        if isinstance(rule, Requirement):
            named = [f.attr for f in all_fields(model) if f.name == rule.field]
            plan.fail(row, _column_beside(plan, row, rules, model, (*named, *values)), rule.message)
        elif "id" not in below or locks.moves(model, values):
            plan.fail(row, _column_beside(plan, row, rules, model, values), rule.why)


def _defaults(model: type[Base]) -> dict[str, Any]:
    return {f.attr: f.default for f in fields(model) if f.default is not None and not callable(f.default)}


def _stored_rows(session: Session, model: type[Base], ids: set[int]) -> dict[int, Mapping[str, Any]]:
    table = table_of(model)
    rows: dict[int, Mapping[str, Any]] = {}
    for chunk in chunks(ids):
        statement = select(table).where(table.c.id.in_(chunk))
        rows |= {row.id: dict(row._mapping) for row in session.execute(statement, execution_options=UNSCOPED)}
    return rows


def _column_beside(plan: Plan, row: PlanRow, rules: Rules, model: type[Base], attrs: Iterable[str]) -> str | None:
    """The first of the columns for these attributes that the file has."""
    part = plan.part_of(row)
    names = [name for attr in attrs if (name := rules.column_of(model, attr)) is not None]
    return next((name for name in names if part.index_of(name) is not None), None)


def check_requirements(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Fail rows that may not be added any more, that begin to refer to what has ended, or that break a requirement of
    the table, by the values that they will have. The database evaluates a batch of rows in one statement."""
    model = plan.model
    written = [row for row in rows if row.id is None or (row.values and not plan.options.skip_existing)]
    defaults = _defaults(model)
    proposed = [
        {
            **(defaults if row.id is None else {}),
            **row.stored,
            **{attr: _proposed_value(row, attr) for attr in row.values},
            "id": row.id,
        }
        for row in written
    ]
    for index, field, why in ended.broken(
        session, model, [(values, row.values) for row, values in zip(written, proposed, strict=True)]
    ):
        plan.fail(written[index], field.name, why)
    for index, rule in locks.broken_rules(session, model, proposed):
        row = written[index]
        if isinstance(rule, Requirement):
            plan.fail(row, rule.field or None, rule.message)
        elif row.id is None or locks.moves(model, row.values):
            row.fail(rule.why)
