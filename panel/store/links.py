"""Read and write the links of many() fields without the ORM, for imports and other bulk work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.chunks import chunks
from panel.fields import Field, links, table_of_links


def read(session: Session, model: type[Base], field: Field, owners: Collection[int]) -> dict[int, tuple[int, ...]]:
    """The linked ids of each owner, sorted; owners without links are left out. The scope is not applied."""
    table = table_of_links(model, field)
    targets_by_owner: dict[int, list[int]] = defaultdict(list)
    for chunk in chunks(sorted(owners)):
        statement = select(table).where(table.c.owner_id.in_(chunk))
        for owner, target in session.execute(statement, execution_options=UNSCOPED):
            targets_by_owner[owner].append(target)
    return {owner: tuple(sorted(targets)) for owner, targets in targets_by_owner.items()}


def read_into(session: Session, model: type[Base], stored: Mapping[int, dict[str, Any]]) -> None:
    """Add the linked ids of every many() field to the stored values of records, given by id."""
    for field in links(model):
        linked = read(session, model, field, stored.keys())
        for owner, values in stored.items():
            values[field.attr] = linked.get(owner, ())


def write(
    session: Session,
    model: type[Base],
    field: Field,
    changes: Mapping[int, tuple[Collection[int], Collection[int]]],
) -> None:
    """Change links: for each owner the linked ids (before, after). Permissions and scope are not checked."""
    table = table_of_links(model, field)
    removed, added = [], []
    for owner, (before, after) in changes.items():
        removed += [{"owner": owner, "target": id_} for id_ in set(before) - set(after)]
        added += [{"owner_id": owner, "target_id": id_} for id_ in set(after) - set(before)]
    if removed:
        same_link = and_(table.c.owner_id == bindparam("owner"), table.c.target_id == bindparam("target"))
        session.connection().execute(delete(table).where(same_link), removed)
    if added:
        session.connection().execute(insert(table), added)
