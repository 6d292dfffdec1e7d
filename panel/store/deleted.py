"""Deleted records that can be restored: those whose values are kept (panel/security/earlier.py), as far as the actor
may add and delete rows with these values. A record comes back with its id; ids are never given twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base, Via
from panel.fields import Field, all_fields, fields
from panel.security import earlier
from panel.security.policy import Actor, Permission, model_of, parent, table_of
from panel.security.proposed import BATCH, ColumnRecorder, proposed_rows
from panel.security.records import EarlierValues
from panel.security.session import actor_of, policy_of
from panel.store import bulk

_KEPT = table_of(EarlierValues)


@dataclass(frozen=True, slots=True)
class DeletedRecord:
    """A deleted record: its values by attribute, and when and by whom it was deleted. `kept` is the id of what is kept;
    `act` is shared by what was deleted with it."""

    kept: int
    model: type[Base]
    values: Mapping[str, Any]
    at: datetime
    who: str
    act: str

    @property
    def id(self) -> int:
        return int(self.values["id"])


def may_restore(session: Session, model: type[Base]) -> bool:
    """Whether deleted records of a table can be restored, and the actor may add and delete there by one role."""
    actor = _restoring(session, model)
    return earlier.is_restorable(model) and (actor.system or bool(actor.roles))


def _restoring(session: Session, model: type[Base]) -> Actor:
    """The actor with those of its roles that may add and delete."""
    policy = policy_of(session)
    return policy.narrowed(policy.narrowed(actor_of(session), Permission.DELETE, model), Permission.CREATE, model)


def latest(
    session: Session, model: type[Base], *, before: int | None = None, limit: int = 50
) -> tuple[list[DeletedRecord], int | None]:
    """The records that were deleted last and that the actor may restore, and `before` for the page after; None for the
    last page. Reads on until a page is full or nothing is left."""
    found: list[DeletedRecord] = []
    while True:
        statement = _statement(model).order_by(_KEPT.c.id.desc()).limit(BATCH)
        rows = _read(session, statement if before is None else statement.where(_KEPT.c.id < before))
        for item in _in_scope(session, model, [_item(model, row) for row in rows]):
            if len(found) == limit:
                return found, found[-1].kept
            found.append(item)
        if len(rows) < BATCH:
            return found, None
        before = rows[-1].id


def find(session: Session, model: type[Base], kept: int) -> DeletedRecord | None:
    """A deleted record of a table, if the actor may restore it."""
    items = [_item(model, row) for row in _read(session, _statement(model).where(_KEPT.c.id == kept))]
    return next(iter(_in_scope(session, model, items)), None)


def gone_with(session: Session, record: DeletedRecord) -> list[DeletedRecord]:
    """What was deleted by the same act and refers to a deleted record, what refers to that, and so on."""
    pointing: dict[str, list[Field]] = {}
    for mapper in Base.registry.mappers:
        model = mapper.class_
        if earlier.is_restorable(model):
            pointing[model.__tablename__] = [f for f in fields(model) if f.reference]
    statement = _columns().where(_KEPT.c.deleted, _KEPT.c.act == record.act, _KEPT.c.id != record.kept)
    rows = _read(session, statement.where(_KEPT.c.table_name.in_(pointing)).order_by(_KEPT.c.id))
    rest = [_item(model_of(row.table_name), row) for row in rows]
    found: list[DeletedRecord] = []
    known = {(record.model.__tablename__, record.id)}
    while True:
        more = [
            item
            for item in rest
            if any((f.target, item.values.get(f.attr)) in known for f in pointing[item.model.__tablename__])
        ]
        if not more:
            return found
        found += more
        known = {(item.model.__tablename__, item.id) for item in more}
        rest = [item for item in rest if item not in more]


def is_reached(session: Session, item: DeletedRecord, restored: Sequence[DeletedRecord]) -> bool:
    """Whether the actor may restore a record: it lies in their scope, or will by what is restored before it."""
    if not may_restore(session, item.model):
        return False
    path = item.model.__scope__
    if isinstance(path, Via):
        above = parent(item.model), item.values.get(path.attr)
        if above in {(other.model, other.id) for other in restored}:
            return True
    return bool(_in_scope(session, item.model, [item]))


def missing(session: Session, item: DeletedRecord, restored: Sequence[DeletedRecord] = ()) -> list[Field]:
    """The fields of a deleted record that refer to records which aren't there any more, nor among those restored before
    it."""
    there = {(other.model.__tablename__, other.id) for other in restored} | {(item.model.__tablename__, item.id)}
    gone = []
    for f in all_fields(item.model):
        value = item.values.get(f.attr)
        wanted = set(value if f.many else [value]) - {None} if f.target and value is not None else set()
        wanted -= {id_ for table, id_ in there if table == f.target}
        if wanted:
            target = table_of(model_of(f.target or ""))
            statement = select(target.c.id).where(target.c.id.in_(wanted))
            if len(set(session.connection().execute(statement).scalars())) < len(wanted):
                gone.append(f)
    return gone


def restore(session: Session, item: DeletedRecord, note: str) -> None:
    """Add a deleted record again, and forget what was kept of its deletion. The caller commits, or rolls back what
    bulk.add_again() raises."""
    bulk.add_again(session, item.model, item.values, note)
    session.connection().execute(delete(_KEPT).where(_KEPT.c.id == item.kept))


def _columns() -> Select[Any]:
    names = ("id", "table_name", "version", "kept", "at", "actor_name", "act")
    return select(*(_KEPT.c[name] for name in names))


def _statement(model: type[Base]) -> Select[Any]:
    return _columns().where(_KEPT.c.table_name == model.__tablename__, _KEPT.c.deleted)


def _read(session: Session, statement: Select[Any]) -> Sequence[Row[Any]]:
    return session.execute(statement, execution_options=UNSCOPED).all()


def _item(model: type[Base], row: Row[Any]) -> DeletedRecord:
    return DeletedRecord(row.id, model, earlier.load_row(model, row.kept), row.at, row.actor_name, row.act)


def _in_scope(session: Session, model: type[Base], items: Sequence[DeletedRecord]) -> list[DeletedRecord]:
    """Those of these records that would lie in the actor's scope if they were there, to be added and deleted."""
    policy, actor = policy_of(session), _restoring(session, model)
    if not (actor.system or actor.roles) or not items:
        return []
    recorder = ColumnRecorder(table_of(model).c)
    if policy.criterion(actor, Permission.CREATE, model, recorder) is None:
        return list(items)
    proposed = proposed_rows(session, model, recorder.names, [item.values for item in items])
    condition: Any = policy.criterion(actor, Permission.CREATE, model, proposed)
    indexes = session.connection().execute(select(proposed.row_).where(condition)).scalars()
    return [items[index] for index in sorted(indexes)]
