"""What is wrong with a row that can be read: what the database or the actor's rights would refuse in the end is told
at the preview already, at its row."""

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

from panel.base import Base, display
from panel.fields import Field, fields
from panel.i18n import _
from panel.imports.matching import UNSCOPED, chunks, within
from panel.imports.plans import Made, Plan, PlanRow
from panel.imports.rules import OUTSIDE
from panel.security.policy import Permission, table_of
from panel.security.session import actor_of, policy_of
from panel.store.db_errors import explain

MISSING = _("This must be filled in.")
#: New rows held against a scope in one statement.
SCOPED_AT_ONCE = 500


def require(plan: Plan, rows: Iterable[PlanRow], wanted: Sequence[Field]) -> None:
    """These columns must be filled in."""
    for row in rows:
        faulty = {error.index for error in row.errors}
        for declared in wanted:
            if declared.attr in row.values or declared.attr in row.masked:
                continue
            part = plan.part_of(row)
            if not part.text(row, declared.name) and part.index_of(declared.name) not in faulty - {None}:
                plan.fail(row, declared.name, MISSING)


def hold_constraints(plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Hold each row against the table's CHECKs, in a table of our own."""
    table = table_of(plan.model)
    if not rows or not any(isinstance(c, CheckConstraint) for c in table.constraints):
        return
    absent = {f.attr: f.default for f in fields(plan.model) if f.default is not None and not callable(f.default)}
    with _scratch(plan.model) as (connection, known):
        for row in rows:
            held = {**row.stored, **row.values} if row.id is not None else {**absent, **row.values}
            given = {name: _bare(value) for name, value in held.items() if name in known}
            names, marks = ", ".join(f'"{name}"' for name in given), ", ".join("?" for _name in given)
            try:
                connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(given.values()))  # noqa: S608 - our own names
            except sqlite3.IntegrityError as error:
                name, message = explain(IntegrityError("", {}, error), plan.model)
                plan.fail(row, name, message)


@contextmanager
def _scratch(model: type[Base]) -> Iterator[tuple[sqlite3.Connection, set[str]]]:
    """An empty copy of a table with its CHECKs and nothing else, and the names of its columns."""
    table = table_of(model)
    copy = table.to_metadata(MetaData(naming_convention=table.metadata.naming_convention))
    copy.constraints = {c for c in copy.constraints if isinstance(c, CheckConstraint)}
    for one in copy.columns:
        one.foreign_keys.clear()
        one.nullable, one.unique = True, None
    engine = create_engine("sqlite://")
    with engine.connect() as opened:
        raw = opened.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(str(CreateTable(copy).compile(dialect=engine.dialect)))
        yield raw, {c.name for c in copy.columns if c.computed is None} - {"id"}
    engine.dispose()


def _bare(value: Any) -> Any:
    """A value as SQLite's driver takes it; moments so that later ones compare as greater."""
    if isinstance(value, Made):
        return -1
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if value is None or isinstance(value, int | float | bytes):
        return value
    return str(getattr(value, "value", value))


def hold_unique(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Values, alone or together, that must be unique and stand elsewhere already, in the file or in the database.
    What is unique only under a condition is held by the rules of the table."""
    table = table_of(plan.model)
    sets = {tuple(c.name for c in one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)}
    whole = [one for one in table.indexes if one.unique and one.dialect_options["sqlite"].get("where") is None]
    sets |= {tuple(c.name for c in one.columns) for one in whole}
    for names in sorted(sets):
        _hold_together(session, plan, [row for row in rows if row.values.keys() & set(names)], names)


def _hold_together(session: Session, plan: Plan, rows: Sequence[PlanRow], names: tuple[str, ...]) -> None:
    given = {row: key for row in rows if (key := _key(plan, row, names)) is not None}
    taken = _taken(session, plan, names, set(given.values()))
    called = _called(session, plan, {taken[key] for row, key in given.items() if taken.get(key, row.id) != row.id})
    declared = [f for f in fields(plan.model) if f.attr in names]
    labels = "、".join(str(f.label) for f in declared)
    first: dict[tuple[Any, ...], PlanRow] = {}
    for row, key in given.items():
        name = next((f.name for f in declared if f.attr in row.values), None)
        earlier = first.setdefault(key, row)
        other = taken.get(key, row.id)
        if other != row.id and len(names) == 1:
            plan.fail(row, name, _("Another record has this {label} already.", label=declared[0].label))
        elif other != row.id and other in called:
            plan.fail(row, name, _("{record} has the same {labels} already.", record=called[other], labels=labels))
        elif other != row.id:
            plan.fail(row, name, _("Another record has the same {labels} already.", labels=labels))
        elif earlier is not row and len(names) == 1:
            plan.fail(row, name, _("Row {row} has the same value.", row=plan.place_of(earlier, row)))
        elif earlier is not row:
            place = plan.place_of(earlier, row)
            plan.fail(row, name, _("Row {row} has the same {labels}.", row=place, labels=labels))


def _key(plan: Plan, row: PlanRow, names: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The values that must be unique together, as the record will have them; None if one is empty or not made yet."""
    absent = {f.attr: f.default for f in fields(plan.model) if row.id is None and not callable(f.default)}
    key = tuple(value if (value := row.held(name)) is not None else absent.get(name) for name in names)
    return None if any(value is None or isinstance(value, Made) for value in key) else key


def _taken(session: Session, plan: Plan, names: tuple[str, ...], keys: set[tuple[Any, ...]]) -> dict[Any, int]:
    """The stored record of each key that has one."""
    table = table_of(plan.model)
    columns = [table.c[name] for name in names]
    found: dict[Any, int] = {}
    for some in chunks(keys, len(names)):
        held = columns[0].in_([key[0] for key in some]) if len(names) == 1 else tuple_(*columns).in_(some)
        statement = select(table.c.id, *columns).where(held)
        found |= {tuple(row[1:]): row[0] for row in session.execute(statement, execution_options=UNSCOPED)}
    return found


def _called(session: Session, plan: Plan, ids: set[int]) -> dict[int, str]:
    """What records are called that the actor reaches."""
    return {
        record.id: display(record)
        for some in chunks(ids)
        for record in session.scalars(select(plan.model).where(plan.model.id.in_(some)))
    }


def hold_reach(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """A record outside the actor's area is neither changed nor told of."""
    existing = {row.id for row in rows if row.id is not None}
    reach = within(session, plan.model, Permission.READ, existing)
    for row in rows:
        if row.id is not None and row.id not in reach:
            row.fail(OUTSIDE)
            row.forget()


def hold_rights(session: Session, plan: Plan, rows: Sequence[PlanRow], adding: Permission = Permission.CREATE) -> None:
    """Rights and scope hold for every row that would be written. `adding` is the right that new rows ask for."""
    actor, policy = actor_of(session), policy_of(session)
    new = [row for row in rows if row.id is None]
    changed = [row for row in rows if row.id is not None and row.changes and not plan.options.skip_existing]
    for some, action in ((new, adding), (changed, Permission.EDIT)):
        if not policy.may(actor, action, plan.model):
            for row in some:
                row.fail(_("Your role doesn't allow this."))
    reach = within(session, plan.model, Permission.EDIT, {row.id for row in changed if row.id is not None})
    for row in changed:
        if row.id not in reach and not row.failed:
            row.fail(OUTSIDE)
    for some, action in ((new, adding), (changed, Permission.EDIT)):
        _hold_written(session, plan, action, [row for row in some if not row.failed])


def _hold_written(session: Session, plan: Plan, action: Permission, rows: Sequence[PlanRow]) -> None:
    """What is written must lie inside the actor's area: the values that it will have are held against its condition,
    in one statement for some hundred rows."""
    columns = table_of(plan.model).c
    used = _Used(columns)
    policy, actor = policy_of(session), actor_of(session)
    if policy.criterion(actor, action, plan.model, used) is None:
        return
    shape = [column("row_", Integer), *(column(name, columns[name].type) for name in used.names)]
    for start in range(0, len(rows), SCOPED_AT_ONCE):
        some = rows[start : start + SCOPED_AT_ONCE]
        data = [(i, *(_known(row, name) for name in used.names)) for i, row in enumerate(some)]
        given = values(*shape, name="given").data(data).cte()
        typed = {name: cast(given.c[name], columns[name].type) for name in used.names}
        condition = policy.criterion(actor, action, plan.model, SimpleNamespace(**typed))
        assert condition is not None
        found = select(given.c.row_).where(condition)
        inside = set(session.execute(found, execution_options=UNSCOPED).scalars())
        for i, row in enumerate(some):
            if i not in inside:
                row.fail(OUTSIDE)


def _known(row: PlanRow, name: str) -> Any:
    """A value that a row will have; what is made with the import belongs to nobody's area yet."""
    value = row.held(name)
    return None if isinstance(value, Made) else value


class _Used:
    """Notes which columns a condition looks at."""

    def __init__(self, columns: Any) -> None:
        self._columns = columns
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name not in self.names:
            self.names.append(name)
        return self._columns[name]
