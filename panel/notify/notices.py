"""Notices inside the panel. An account gets one notice for each occasion, and reads only its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message
from panel.kinds import now
from panel.notify.records import Notice, NoticeName
from panel.security.policy import Actor, table_of

#: The program writes notices, whoever acts: they belong to others.


@dataclass(frozen=True, slots=True)
class Kind:
    """The label of a kind of notice and its colour. A kind about many records words their numbers (`words`), and opens
    the list with the named filter `listed`."""

    label: Message
    tone: str = ""
    words: Callable[[Mapping[str, Any]], Message] | None = None
    listed: str = ""


KINDS: dict[str, Kind] = {}


def declare(kinds: Mapping[str, Kind]) -> None:
    """Register kinds of notices by name."""
    KINDS.update(kinds)
    NoticeName.labels.update({name: kind.label for name, kind in kinds.items()})


def row(owner: int, kind: str, mark: str, **values: Any) -> dict[str, Any]:
    """The values of a notice for put() and put_new(). `mark` identifies its occasion. `values` may have `table_name`
    and `record_id` of the record that it is about, or the `numbers` of many records; `actor_name`, `at` (default:
    now), and `read_at` of one that another notice tells."""
    return {
        "owner_id": owner,
        "kind": kind,
        "mark": mark,
        "table_name": values.get("table_name", ""),
        "record_id": values.get("record_id"),
        "numbers": values.get("numbers"),
        "actor_name": values.get("actor_name", ""),
        "at": values.get("at") or now(),
        "read_at": values.get("read_at"),
    }


def put(session: Session, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write notices of new occasions in one statement, and return their number."""
    notices = [dict(row) for row in rows]
    if notices:
        session.execute(insert(table_of(Notice)), notices, execution_options=UNSCOPED)
    return len(notices)


def put_new(session: Session, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the notices whose owner has none of the same mark yet, and return their number."""
    return put(session, new(session, rows))


def new(session: Session, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The notices among `rows` whose owner has none of the same mark yet."""
    by_key = {(notice["owner_id"], notice["mark"]): notice for notice in rows}
    known: set[tuple[int, str]] = set()
    for marks in chunks(sorted({mark for _owner, mark in by_key})):
        statement = select(Notice.owner_id, Notice.mark).where(Notice.mark.in_(marks))
        known |= {(notice.owner_id, notice.mark) for notice in session.execute(statement, execution_options=UNSCOPED)}
    return [notice for key, notice in by_key.items() if key not in known]


def unread(actor: Actor) -> ColumnElement[bool]:
    return (Notice.owner_id == actor.user_id) & Notice.read_at.is_(None)


def read(session: Session, actor: Actor, id_: int | None = None, *, at: datetime | None = None) -> int:
    """Mark one of the actor's unread notices as read, or all of them; returns how many. The caller commits."""
    notice = table_of(Notice).c
    condition = (notice.owner_id == actor.user_id) & notice.read_at.is_(None)
    statement = update(table_of(Notice)).where(condition if id_ is None else condition & (notice.id == id_))
    result = session.execute(statement.values(read_at=at or now()), execution_options=UNSCOPED)
    assert isinstance(result, CursorResult)
    return result.rowcount


def delete_expired(session: Session, days: int) -> None:
    """Delete notices older than `days`."""
    notice = table_of(Notice)
    session.execute(delete(notice).where(notice.c.at < now() - timedelta(days=days)), execution_options=UNSCOPED)
