"""Unique values: a refusal tells that a record has the value, also one outside the area of whoever typed it. So it
says no more than that and is counted for each account; after so many a day, free values are refused as well
(panel/security/comparisons.py)."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from sqlalchemy import UniqueConstraint, or_, select
from sqlalchemy.orm import Session

from panel.base import Base, Via
from panel.fields import fields
from panel.i18n import _
from panel.security import comparisons
from panel.security.creation import RowRefused
from panel.security.hashes import sources
from panel.security.policy import Permission, model_of, table_of
from panel.security.session import actor_of, policy_of
from panel.security.watches import Watch

NOT_FREE = _(
    "This can't be saved with these values. Check the numbers and names that must be unique, or ask the office."
)
SPENT = _(
    "Too many numbers or names of yours were in use already: {n} within a day. Nothing with such a value can be saved "
    "until tomorrow; ask the office.",
    n=comparisons.MOST,
)


def tells_of_others(session: Session, model: type[Base], columns: Collection[str]) -> bool:
    """Whether a record that the actor doesn't read may have the same values in these unique columns. Not if they hold
    the reference that the scope of the table follows: then it would belong to the same record as the actor's."""
    path = model.__scope__
    if isinstance(path, Via) and path.attr in columns:
        return False
    return policy_of(session).criterion(actor_of(session), Permission.READ, model) is not None


def watches() -> list[Watch]:
    """A watch for each table with unique columns that people type, by which the limit holds for every door."""
    found = []
    for mapper in Base.registry.mappers:
        if attrs := _typed(mapper.class_):
            found.append(Watch(mapper.class_, attrs, partial(_check, mapper.class_.__tablename__), rows=True))
    return found


def _typed(model: type[Base]) -> frozenset[str]:
    """The columns that people type of the unique sets of a table that records of different areas may share. A table
    without a scope is refused later."""
    table = table_of(model)
    sets = [{c.name for c in rule.columns} for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    sets += [{c.name for c in index.columns} for index in table.indexes if index.unique]
    typed = {f.attr for f in fields(model) if not f.readonly}
    path = getattr(model, "__scope__", None)
    shared = [names for names in sets if not (isinstance(path, Via) and path.attr in names)]
    return frozenset(typed & set(sources(model, set().union(*shared))))


def _check(name: str, session: Session, ids: Collection[int]) -> None:
    """Refuse new and changed records with unique values of an account that had too many refused."""
    model = model_of(name)
    if not tells_of_others(session, model, ()) or not comparisons.refusals_are_spent(session):
        return
    columns = table_of(model).c
    filled = or_(*(columns[attr].is_not(None) for attr in sorted(_typed(model))))
    if session.connection().execute(select(columns.id).where(columns.id.in_(ids), filled).limit(1)).first():
        raise RowRefused(model, [("", SPENT)])
