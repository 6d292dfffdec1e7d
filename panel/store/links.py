"""What records point at by many(), read and written past the ORM: for files, whose rows are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.fields import Field, links, table_of_links

#: Ids of one statement: below every database's limit of parameters.
BATCH_SIZE = 5_000


def read(session: Session, model: type[Base], field: Field, owners: Collection[int]) -> dict[int, tuple[int, ...]]:
    """The ids that each of these records points at, unscoped; a record that points at none is not there."""
    table, wanted = table_of_links(model, field), sorted(owners)
    found: dict[int, list[int]] = defaultdict(list)
    for start in range(0, len(wanted), BATCH_SIZE):
        statement = select(table).where(table.c.owner_id.in_(wanted[start : start + BATCH_SIZE]))
        for owner, target in session.execute(statement, execution_options=UNSCOPED):
            found[owner].append(target)
    return {owner: tuple(sorted(targets)) for owner, targets in found.items()}


def read_into(session: Session, model: type[Base], stored: Mapping[int, dict[str, Any]]) -> None:
    """Put what records point at beside their columns."""
    for field in links(model):
        found = read(session, model, field, stored.keys())
        for owner, values in stored.items():
            values[field.attr] = found.get(owner, ())


def write(
    session: Session,
    model: type[Base],
    field: Field,
    changes: Mapping[int, tuple[Collection[int], Collection[int]]],
) -> None:
    """Make records point at other ones than before: (before, after) by record."""
    table = table_of_links(model, field)
    gone, new = [], []
    for owner, (before, after) in changes.items():
        gone += [{"owner": owner, "target": id_} for id_ in set(before) - set(after)]
        new += [{"owner_id": owner, "target_id": id_} for id_ in set(after) - set(before)]
    if gone:
        same = and_(table.c.owner_id == bindparam("owner"), table.c.target_id == bindparam("target"))
        session.connection().execute(delete(table).where(same), gone)
    if new:
        session.connection().execute(insert(table), new)
