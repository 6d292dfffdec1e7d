"""Set-up of sessions. Listeners of the session apply the actor's scope to every statement, check permissions and locks
at every flush, and write the audit.

A session has its actor and policy in `session.info`. Without an actor it reads and writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, Select, event, false, inspect, select
from sqlalchemy.orm import ORMExecuteState, RelationshipDirection, Session, UOWTransaction
from sqlalchemy.sql.expression import SelectBase, TableClause, TextClause

from panel.base import UNSCOPED, Base, Record, name_key
from panel.chunks import chunks
from panel.fields import links
from panel.kinds import now, today
from panel.security import audit, creation, ended, locks, watches
from panel.security.criterion import Look, Scope
from panel.security.hashes import hash_of, hashed_fields
from panel.security.hashes import keyed_hash as keyed_hash  # noqa: PLC0414 - read from here by most
from panel.security.policy import NOBODY, SYSTEM, AccessDenied, Actor, OutOfScope, Permission, Policy, Role, model_of
from panel.security.transactions import may_write as may_write  # noqa: PLC0414 - read from here by most
from panel.security.transactions import writing as writing  # noqa: PLC0414 - see above


def actor_of(session: Session) -> Actor:
    actor = session.info.get("actor", NOBODY)
    assert isinstance(actor, Actor)
    return actor


def policy_of(session: Session) -> Policy:
    policy = session.info["policy"]
    assert isinstance(policy, Policy)
    return policy


def set_actor(session: Session, actor: Actor) -> None:
    """Set the actor of a session."""
    session.info["actor"] = actor
    session.info.pop("scope", None)


@contextmanager
def elevated(session: Session, name: str = "") -> Iterator[None]:
    """Let the session write without checks of permissions and scope, for actions that a rule of the bureau allows the
    actor. The audit still names the actor, by a fuller `name` if given. The caller must have checked every reference
    against their scope."""
    actor = actor_of(session)
    session.flush()
    set_actor(session, replace(actor, name=name or actor.name, system=True))
    try:
        yield
        session.flush()
    finally:
        set_actor(session, actor)


def exempt_reference(session: Session, record: Base, attr: str) -> None:
    """Exempt a reference from the scope check of the next flush, because a rule of the bureau set it, not the user."""
    session.info.setdefault("exempt_reference", []).append((record, attr))


def _scope_of(session: Session) -> Scope:
    """The actor's scope: a condition for each table that the actor doesn't read completely; cached."""
    scope: Scope | None = session.info.get("scope")
    if scope is None:
        actor, policy = actor_of(session), session.info.get("policy")
        roles = tuple(policy.roles_of(actor)) if policy else ()
        facts = tuple(sorted((name, tuple(sorted(ids))) for name, ids in actor.facts.items()))
        scope = _conditions_of(policy, roles, actor.name, actor.user_id, actor.roles, facts, today())
        session.info["scope"] = scope
    return scope


@lru_cache(maxsize=256)
def _conditions_of(
    policy: Policy | None,
    _roles: tuple[Role, ...],
    name: str,
    user_id: int | None,
    role_names: frozenset[str],
    facts: tuple[tuple[str, tuple[int, ...]], ...],
    _day: date,
) -> Scope:
    """The scope of an actor, given in parts because its facts, a mapping, have no hash. It is built once and not for
    each request: that took longer than most statements. The roles and the day are part of the key, because a policy's
    roles can be exchanged and a condition may compare with today."""
    actor = Actor(name, user_id, role_names, {fact: frozenset(ids) for fact, ids in facts})
    conditions = []
    for mapper in Base.registry.mappers:
        model = mapper.class_
        condition = policy.criterion(actor, Permission.READ, model) if policy else false()
        if condition is not None:
            conditions.append((model, condition))
    return Scope(conditions)


def _refuse_unscoped(statement: Any) -> None:
    """Raise PermissionError if the statement reads mapped tables without the ORM."""
    if unscoped := _unscoped_tables(statement):
        raise PermissionError(f"read past the ORM without a scope: {', '.join(sorted(unscoped))}")


_REFUSE_UNSCOPED = Look(_refuse_unscoped)


def _unscoped_tables(statement: Any) -> set[str]:
    """Mapped tables that a statement reads without the ORM, so that no scope can be applied; "text" for textual SQL.

    Each subselect is checked by itself: the entity of the outer one doesn't cover its bare tables."""
    unscoped: set[str] = set()
    selects = [statement]
    while selects:
        scoped: set[str] = set()
        other: set[str] = set()
        elements = list(selects.pop().get_children())
        while elements:
            element = elements.pop()
            entity = getattr(element, "_annotations", {}).get("parententity")
            if isinstance(element, SelectBase):
                selects.append(element)
                continue
            if _is_text(element):
                unscoped.add("text")
            elif entity is not None:
                scoped.add(entity.mapper.class_.__tablename__)
            elif name := _table_name(element):
                other.add(name)
            elements += element.get_children()
        if bare := other - scoped:
            unscoped |= bare & {mapper.class_.__tablename__ for mapper in Base.registry.mappers}
    return unscoped


def _is_text(element: Any) -> bool:
    """Whether an element is textual SQL; the "*" of `count(*)` isn't."""
    return isinstance(element, TextClause) or (getattr(element, "is_literal", False) and element.name != "*")


def _table_name(element: Any) -> str:
    """The name of the bare table that an element is, or is a column of; "" for none."""
    table = element if isinstance(element, TableClause) else getattr(element, "table", None)
    if isinstance(table, TableClause) and "parententity" not in table._annotations:
        return table.name
    return ""


def _scope(state: ORMExecuteState) -> None:
    """Apply the actor's scope to a statement. Raises PermissionError if that isn't possible."""
    session = state.session
    if actor_of(session).system or UNSCOPED.items() <= state.execution_options.items():
        return
    if state.is_column_load:
        return
    if not state.is_orm_statement or not state.is_select:
        raise PermissionError("a statement that no scope can be put on: mark it unscoped, or act as the system")
    scope = _scope_of(session)
    if state.is_relationship_load:
        # What a record loads later has been given the scope of the record's statement.
        if scope not in state.statement._with_options:
            state.statement = state.statement.options(scope)
    elif isinstance(state.statement, Select):
        state.statement = state.statement.options(scope, _REFUSE_UNSCOPED)
    else:
        _refuse_unscoped(state.statement)
        state.statement = state.statement.options(scope)


def _derive_hashes(session: Session, record: Base) -> None:
    """Set the keyed hashes of the values that changed."""
    for name, field in hashed_fields(type(record)).items():
        if inspect(record).attrs[field.attr].history.has_changes():
            setattr(record, name, hash_of(field, getattr(record, field.attr), session.info.get("secret", "")))


def _before_flush(session: Session, _context: UOWTransaction, _instances: object) -> None:
    actor = actor_of(session)
    policy = session.info.get("policy")
    _expire_self_references(session)
    changed = [record for record in session.dirty if session.is_modified(record)]
    for action, records in (
        (Permission.CREATE, list(session.new)),
        (Permission.EDIT, changed),
        (Permission.DELETE, list(session.deleted)),
    ):
        for record in records:
            if not actor.system:
                model = type(record)
                if policy is None or not (policy.may(actor, action, model) or _is_program_write(model, action)):
                    raise AccessDenied
            if action is Permission.DELETE:
                continue
            if isinstance(record, Record):
                record.updated_at, record.updated_by_id = now(), actor.user_id
                if action is Permission.CREATE:
                    record.created_by_id = actor.user_id
            if "name_key" in type(record).__mapper__.columns:
                record.name_key = name_key(type(record), record.name)  # type: ignore[attr-defined]
            _derive_hashes(session, record)
    if not actor.system:
        _require_all(session, Permission.EDIT, changed)
        _require_all(session, Permission.DELETE, list(session.deleted))
    locks.before_flush(session, changed, session.deleted)
    for record in changed:
        watches.note(session, type(record), record.id, (f.attr for f in audit.changed_fields(record)))
    watches.note_records(session, session.deleted)
    audit.collect(session, list(session.new), changed, list(session.deleted))


def _expire_self_references(session: Session) -> None:
    """Expire unchanged loaded references to the own table. Otherwise the unit of work finds no order for records that
    refer to themselves or to each other, although their foreign keys are set already."""
    for record in (*session.dirty, *session.deleted):
        state = inspect(record)
        for relation in state.mapper.relationships:
            to_own_table = relation.direction is RelationshipDirection.MANYTOONE and relation.mapper is state.mapper
            if to_own_table and relation.key in state.dict and not state.attrs[relation.key].history.has_changes():
                session.expire(record, [relation.key])


def _require_all(session: Session, action: Permission, records: list[Base]) -> None:
    """Raise OutOfScope unless the actor may do `action` to all records as stored. Checked before the flush, so that a
    change can't bring a record into the scope."""
    ids_by_model: dict[type[Base], set[int]] = defaultdict(set)
    for record in records:
        ids_by_model[type(record)].add(record.id)
    for model, ids in ids_by_model.items():
        require(session, model, action, ids)


def _is_program_write(model: type[Base], action: Permission) -> bool:
    """Whether an action needs no permission: the program inserts rows of append-only tables on the actor's behalf."""
    return model.__append_only__ and action is Permission.CREATE


def _after_flush(session: Session, _context: UOWTransaction) -> None:
    """Check that written rows lie inside the actor's scope and refer only to records inside it; write the audit."""
    actor = actor_of(session)
    exempt = session.info.pop("exempt_reference", ())
    if not actor.system:
        written: dict[tuple[type[Base], Permission], set[int]] = defaultdict(set)
        targets: dict[type[Base], set[int]] = defaultdict(set)
        for record in session.new | session.dirty:
            model = type(record)
            if model.__append_only__ or (record not in session.new and not session.is_modified(record)):
                continue
            written[model, Permission.CREATE if record in session.new else Permission.EDIT].add(record.id)
            for field in audit.changed_fields(record):
                if (record, field.attr) in exempt:
                    continue
                if field.reference and (id_ := getattr(record, field.attr)) is not None:
                    targets[model_of(field.reference.table)].add(id_)
            for field in links(model):
                if field.target and (added := audit.added_links(record, field)):
                    targets[model_of(field.target)] |= added
        for (model, action), ids in written.items():
            require(session, model, action, ids)
        for model, ids in targets.items():
            require(session, model, Permission.CHOOSE, ids)
    watches.note_records(session, session.new)
    locks.after_flush(session, session.new, [record for record in session.dirty if session.is_modified(record)])
    creation.after_flush(session, actor.system)
    ended.after_flush(session)
    audit.write(session)


def require(session: Session, model: type[Base], action: Permission, ids: set[int]) -> None:
    """Raise OutOfScope unless the actor may do `action` to all these rows, as stored now."""
    if len(permitted(session, model, action, ids)) != len(ids):
        raise OutOfScope


def permitted(session: Session, model: type[Base], action: Permission, ids: Collection[int]) -> Collection[int]:
    """The ids of the rows to which the actor may do `action`, as stored now. Flushes nothing."""
    columns = model.__table__.c
    condition = policy_of(session).criterion(actor_of(session), action, model, columns)
    if condition is None:
        return ids
    permitted_ids: set[int] = set()
    for chunk in chunks(ids):
        statement = select(columns.id).where(columns.id.in_(chunk), condition)
        permitted_ids |= set(session.connection().execute(statement).scalars())
    return permitted_ids


def install_listeners(session: Any) -> None:
    """Install the listeners for scope, permissions, watches and audit on a session class, factory or scoped session."""
    event.listen(session, "do_orm_execute", _scope)
    event.listen(session, "before_flush", _before_flush)
    event.listen(session, "after_flush", _after_flush)
    watches.install(session)


@contextmanager
def system_session(engine: Engine, policy: Policy | None = None, secret: str = "") -> Iterator[Session]:
    """A new session that acts as the system, in one writing transaction that is committed at the end."""
    with may_write(), Session(engine) as session:
        install_listeners(session)
        session.info.update(policy=policy, secret=secret)
        set_actor(session, SYSTEM)
        yield session
        session.commit()
