"""Locked columns and rows: what is finished stays. A column or a table declares from when on (panel.fields.Lock).

The session checks every flush and the bulk writer every statement, so that a form, an import and a step are held
alike, whatever the actor's permissions. A step that may change what is locked does so inside unlocked(). The system's
own work isn't held, unless inside everybody_held(): an import writes what its preview promises, whoever runs it.
Requirements, rules that read other tables, are checked at the same places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.chunks import chunks
from panel.fields import Field, Lock, Requirement, all_fields
from panel.i18n import Message
from panel.security import audit
from panel.security.policy import SYSTEM, AccessDenied
from panel.security.proposed import BATCH, ColumnRecorder, proposed_rows

#: Names of what may be changed nevertheless, in session.info: "case" or "case.source".
_UNLOCKED = "unlocked"
#: unlocked(session, EVERYTHING): for an undo, which takes back what was written whole.
EVERYTHING = "*"
#: Set in session.info while the system is held too.
_EVERYBODY = "everybody_held"

Held = Mapping[int, frozenset[Lock]]


class Locked(AccessDenied):
    """The value, or the whole row, stays as it is. `field` is the name of the column, "" for the row."""

    def __init__(self, why: Message, field: str = "") -> None:
        super().__init__(why)
        self.field = field


class Unmet(AccessDenied):
    """A written row breaks a requirement of its table, shown at `field`."""

    def __init__(self, requirement: Requirement) -> None:
        super().__init__(requirement.message)
        self.field = requirement.field


@contextmanager
def unlocked(session: Session, *names: str) -> Iterator[None]:
    """Let the session change these columns ("case.source"), or all of a table ("case"), although they are locked."""
    before = session.info.get(_UNLOCKED, frozenset())
    session.info[_UNLOCKED] = before | set(names)
    try:
        yield
    finally:
        session.info[_UNLOCKED] = before


@contextmanager
def everybody_held(session: Session) -> Iterator[None]:
    """Hold the session by locks and requirements even if it acts as the system."""
    before = session.info.get(_EVERYBODY, False)
    session.info[_EVERYBODY] = True
    try:
        yield
        session.flush()
    finally:
        session.info[_EVERYBODY] = before


def is_bound(session: Session) -> bool:
    """Whether rules hold the session at all: not the system's own work, nor an undo."""
    free: frozenset[str] = session.info.get(_UNLOCKED, frozenset())
    return EVERYTHING not in free and (session.info.get("actor") != SYSTEM or bool(session.info.get(_EVERYBODY)))


def _is_held(session: Session, model: type[Base], name: str = "") -> bool:
    """Whether the session is bound by locks of this column, or of this table."""
    names: frozenset[str] = session.info.get(_UNLOCKED, frozenset())
    table = model.__tablename__
    return is_bound(session) and not names & {table, f"{table}.{name}"}


def of_model(model: type[Base]) -> tuple[Lock, ...]:
    """The locks of a table: those of its rows first, then those of its columns."""
    columns = (f.locked for f in all_fields(model) if f.locked is not None)
    return tuple(dict.fromkeys((*model.__locked__, *columns)))


def of_field(model: type[Base], field: Field) -> tuple[Lock, ...]:
    """The locks that cover a column."""
    if field.readonly:
        return ()
    return (*model.__locked__, *((field.locked,) if field.locked is not None else ()))


def reason(model: type[Base], field: Field, held: Collection[Lock]) -> Message | None:
    """Why a column stays as it is, by the locks that hold; None if it may be changed."""
    return next((lock.why for lock in of_field(model, field) if lock in held), None)


def row_reason(model: type[Base], held: Collection[Lock]) -> Message | None:
    """Why a whole row stays as it is; None if something of it may be changed."""
    return next((lock.why for lock in model.__locked__ if lock in held), None)


def holding(session: Session, model: type[Base], ids: Collection[int]) -> Held:
    """The locks that hold for each row as stored. One statement for each batch, none for a table without locks.
    Flushes nothing."""
    locks, columns = of_model(model), model.__table__.c
    held: dict[int, frozenset[Lock]] = dict.fromkeys(ids, frozenset())
    if not locks:
        return held
    marks = [case((lock.when(columns), 1), else_=0) for lock in locks]
    for chunk in chunks(ids):
        statement = select(columns.id, *marks).where(columns.id.in_(chunk))
        for id_, *flags in session.connection().execute(statement):
            held[id_] = frozenset(lock for lock, flag in zip(locks, flags, strict=True) if flag)
    return held


def check_changes(session: Session, model: type[Base], changes: Mapping[int, Iterable[Field]]) -> None:
    """Raise Locked if one of these columns of a stored row stays as it is."""
    bound = {
        id_: fields
        for id_, changed in changes.items()
        if (fields := [f for f in changed if of_field(model, f) and _is_held(session, model, f.name)])
    }
    if not bound:
        return
    held = holding(session, model, bound)
    for id_, fields in bound.items():
        for field in fields:
            if why := reason(model, field, held[id_]):
                raise Locked(why, field.name)


def check_removals(session: Session, model: type[Base], ids: Collection[int]) -> None:
    """Raise Locked if something of one of these rows stays as it is."""
    if not ids or not of_model(model) or not _is_held(session, model):
        return
    for locks in holding(session, model, ids).values():
        for lock in of_model(model):
            if lock in locks:
                raise Locked(lock.why)


def check_written(session: Session, model: type[Base], ids: Collection[int], *, added: Collection[int] = ()) -> None:
    """Raise Locked if one of the rows `added` may not be added, Unmet if one of the written rows breaks a requirement.
    Called after they were written."""
    adding = tuple(lock for lock in model.__locked__ if lock.adding)
    if adding and added and _is_held(session, model):
        columns = model.__table__.c
        for lock in adding:
            for chunk in chunks(added):
                statement = select(columns.id).where(columns.id.in_(chunk), lock.when(columns)).limit(1)
                if session.connection().execute(statement).first() is not None:
                    raise Locked(lock.why)
    if not is_bound(session):
        return
    for requirement in model.__requires__:
        for chunk in chunks(ids):
            columns = model.__table__.c
            statement = select(columns.id).where(columns.id.in_(chunk), requirement.broken(columns)).limit(1)
            if session.connection().execute(statement).first() is not None:
                raise Unmet(requirement)


def before_flush(session: Session, changed: Iterable[Base], deleted: Iterable[Base]) -> None:
    """Check what a flush is about to change and delete, by the rows as stored."""
    by_model: dict[type[Base], dict[int, list[Field]]] = defaultdict(dict)
    for record in changed:
        if of_model(type(record)):
            by_model[type(record)][record.id] = audit.differing_fields(record)
    for model, changes in by_model.items():
        check_changes(session, model, changes)
    gone: dict[type[Base], set[int]] = defaultdict(set)
    for record in deleted:
        gone[type(record)].add(record.id)
    for model, ids in gone.items():
        check_removals(session, model, ids)


def after_flush(session: Session, new: Iterable[Base], changed: Iterable[Base]) -> None:
    """Check rows that a flush has written. A row that now refers to another record counts as added there."""
    added: dict[type[Base], set[int]] = defaultdict(set)
    written: dict[type[Base], set[int]] = defaultdict(set)
    for record in new:
        added[type(record)].add(record.id)
    for record in changed:
        model = type(record)
        if not (model.__locked__ or model.__requires__):
            continue
        written[model].add(record.id)
        if any(f.reference is not None and not f.readonly for f in audit.changed_fields(record)):
            added[model].add(record.id)
    for model in added.keys() | written.keys():
        check_written(session, model, added[model] | written[model], added=added[model])


def has_rules(model: type[Base]) -> bool:
    """Whether broken_rules() has anything to say about a table."""
    return bool(model.__requires__) or any(lock.adding for lock in model.__locked__)


def moves(model: type[Base], attrs: Collection[str]) -> bool:
    """Whether a change of these columns lets a row count as added: if it then refers to another record."""
    return any(f.reference is not None and not f.readonly and f.attr in attrs for f in all_fields(model))


def broken_rules(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, Any]]:
    """What is wrong with rows that aren't stored yet: pairs of the row's index and the adding Lock or the Requirement.
    A value that a row doesn't give is empty."""
    rules: list[Lock | Requirement] = [*(lock for lock in model.__locked__ if lock.adding), *model.__requires__]
    found: list[tuple[int, Any]] = []
    if not rules or not rows:
        return found
    columns = model.__table__.c
    conditions = [rule.when if isinstance(rule, Lock) else rule.broken for rule in rules]
    recorder = ColumnRecorder(columns)
    for condition in conditions:
        condition(recorder)
    for start in range(0, len(rows), BATCH):
        proposed = proposed_rows(session, model, recorder.names, rows[start : start + BATCH])
        marks = [case((condition(proposed), 1), else_=0) for condition in conditions]
        for index, *flags in session.connection().execute(select(proposed.row_, *marks)):
            found += [(start + index, rule) for rule, flag in zip(rules, flags, strict=True) if flag]
    return found
