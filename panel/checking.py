"""What is wrong with a row that can be read: what the database or the actor's rights would refuse in the end is told
at the preview already, at its row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import CheckConstraint, Integer, MetaData, UniqueConstraint, cast, column, create_engine, select, values
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from panel.access import Action, table_of
from panel.base import Base
from panel.fields import Field, field_named, fields
from panel.integrity import explain
from panel.matching import UNSCOPED, chunks, within
from panel.plans import Made, Plan, PlanRow
from panel.resolving import OUTSIDE
from panel.session import actor_of, policy_of
from panel.text import _

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
        yield raw, {c.name for c in copy.columns} - {"id"}
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
    """Values that must be unique and stand elsewhere already, in the file or in the database."""
    table = table_of(plan.model)
    single = {c.columns[0].name for c in table.constraints if isinstance(c, UniqueConstraint) and len(c.columns) == 1}
    single |= {i.columns[0].name for i in table.indexes if i.unique and len(i.columns) == 1 and not i.info}
    for attr in sorted(single):
        given = [row for row in rows if row.values.get(attr) is not None and not isinstance(row.values[attr], Made)]
        held = table.c[attr]
        taken: dict[Any, int] = {}
        for some in chunks({row.values[attr] for row in given}):
            statement = select(held, table.c.id).where(held.in_(some))
            taken |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
        declared = field_named(plan.model, attr)
        assert declared is not None
        first: dict[Any, PlanRow] = {}
        for row in given:
            value = row.values[attr]
            earlier = first.setdefault(value, row)
            if taken.get(value, row.id) != row.id:
                plan.fail(row, declared.name, _("Another record has this {label} already.", label=declared.label))
            elif earlier is not row:
                place = plan.place_of(earlier, row)
                plan.fail(row, declared.name, _("Row {row} has the same value.", row=place))


def hold_reach(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """A record outside the actor's area is neither changed nor told of."""
    existing = {row.id for row in rows if row.id is not None}
    reach = within(session, plan.model, Action.READ, existing)
    for row in rows:
        if row.id is not None and row.id not in reach:
            row.fail(OUTSIDE)
            row.forget()


def hold_rights(session: Session, plan: Plan, rows: Sequence[PlanRow], adding: Action = Action.CREATE) -> None:
    """Rights and scope hold for every row that would be written. `adding` is the right that new rows ask for."""
    actor, policy = actor_of(session), policy_of(session)
    new = [row for row in rows if row.id is None]
    changed = [row for row in rows if row.id is not None and row.changes and not plan.options.skip_existing]
    for some, action in ((new, adding), (changed, Action.EDIT)):
        if not policy.may(actor, action, plan.model):
            for row in some:
                row.fail(_("Your role doesn't allow this."))
    reach = within(session, plan.model, Action.EDIT, {row.id for row in changed if row.id is not None})
    for row in changed:
        if row.id not in reach and not row.failed:
            row.fail(OUTSIDE)
    for some, action in ((new, adding), (changed, Action.EDIT)):
        _hold_written(session, plan, action, [row for row in some if not row.failed])


def _hold_written(session: Session, plan: Plan, action: Action, rows: Sequence[PlanRow]) -> None:
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
