"""Notices inside the panel: each account is told of an occasion once, and reads its own alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.i18n import Message
from panel.imports.matching import chunks
from panel.kinds import now
from panel.notify.records import Notice, NoticeName
from panel.security.policy import Actor, table_of

#: The program writes notices, whoever acts: they belong to others.


@dataclass(frozen=True, slots=True)
class Kind:
    """What people call a kind of notice, and its tone."""

    label: Message
    tone: str = ""


KINDS: dict[str, Kind] = {}


def declare(kinds: Mapping[str, Kind]) -> None:
    """Have notices of these kinds."""
    KINDS.update(kinds)
    NoticeName.labels.update({name: kind.label for name, kind in kinds.items()})


def row(owner: int, kind: str, mark: str, **values: Any) -> dict[str, Any]:
    """A notice for put() and put_new(): `table_name`, `record_id` and `actor_name` say of what."""
    return {
        "owner_id": owner,
        "kind": kind,
        "mark": mark,
        "table_name": values.get("table_name", ""),
        "record_id": values.get("record_id"),
        "actor_name": values.get("actor_name", ""),
        "at": values.get("at") or now(),
    }


def put(session: Session, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write notices whose occasion is a new one, in one statement."""
    written = [dict(one) for one in rows]
    if written:
        session.execute(insert(table_of(Notice)), written, execution_options=UNSCOPED)
    return len(written)


def put_new(session: Session, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write those notices of which their owner hasn't been told yet."""
    wanted = {(one["owner_id"], one["mark"]): one for one in rows}
    known: set[tuple[int, str]] = set()
    for marks in chunks(sorted({mark for _owner, mark in wanted})):
        found = select(Notice.owner_id, Notice.mark).where(Notice.mark.in_(marks))
        known |= {(one.owner_id, one.mark) for one in session.execute(found, execution_options=UNSCOPED)}
    return put(session, [one for key, one in wanted.items() if key not in known])


def unread(actor: Actor) -> ColumnElement[bool]:
    return (Notice.owner_id == actor.user_id) & Notice.read_at.is_(None)


def read(session: Session, actor: Actor, id_: int | None = None, *, at: datetime | None = None) -> int:
    """Note that somebody has read one of their notices, or all of them. The caller commits."""
    notice = table_of(Notice).c
    mine = (notice.owner_id == actor.user_id) & notice.read_at.is_(None)
    statement = update(table_of(Notice)).where(mine if id_ is None else mine & (notice.id == id_))
    found = session.execute(statement.values(read_at=at or now()), execution_options=UNSCOPED)
    assert isinstance(found, CursorResult)
    return found.rowcount


def delete_expired(session: Session, days: int) -> None:
    """Throw away what is older than so many days."""
    notice = table_of(Notice)
    session.execute(delete(notice).where(notice.c.at < now() - timedelta(days=days)), execution_options=UNSCOPED)
