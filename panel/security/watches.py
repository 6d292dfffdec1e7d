"""Rules about changed records that hold at the end of a transaction, by whichever way it was written.

A watch names columns of a table. A flush and a bulk edit note the records in which one of them changed; the rule gets
their ids before the commit, when everything that belongs to the act is written. It looks at what is stored then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from panel.base import Base
from panel.security import creation

#: Raises UserError; the caller of the commit then rolls back.
Rule = Callable[[Session, Collection[int]], None]
_NOTED = "watched"


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule about the records of a table in which one of these columns changed; with `rows`, also about those that
    were added or deleted."""

    model: type[Base]
    attrs: frozenset[str]
    rule: Rule
    rows: bool = False


def _watches(session: Session, model: type[Base]) -> list[Watch]:
    policy = session.info.get("policy")
    return [watch for watch in policy.watches if watch.model is model] if policy is not None else []


def note(session: Session, model: type[Base], id_: int, attrs: Iterable[str]) -> None:
    """Note a change of these columns of a record, for the end of the transaction."""
    changed = set(attrs)
    for watch in _watches(session, model):
        if watch.attrs & changed:
            session.info.setdefault(_NOTED, defaultdict(set))[watch].add(id_)


def note_rows(session: Session, model: type[Base], ids: Iterable[int]) -> None:
    """Note rows that were added or deleted."""
    for watch in _watches(session, model):
        if watch.rows:
            session.info.setdefault(_NOTED, defaultdict(set))[watch].update(ids)


def note_records(session: Session, records: Iterable[Any]) -> None:
    for record in records:
        note_rows(session, type(record), [record.id])


def check(session: Session) -> None:
    """Apply the rules of the end to what was written so far, those of new rows first (panel/security/creation.py).
    Raises UserError or RowRefused."""
    session.flush()
    creation.check_commit(session)
    noted = session.info.get(_NOTED) or {}
    for watch, ids in list(noted.items()):
        watch.rule(session, set(ids))
    session.info.pop(_NOTED, None)


def _before_commit(session: Session) -> None:
    if not session.in_nested_transaction():
        check(session)


def _forget(session: Session) -> None:
    """Forget the changes of a transaction that was rolled back; those before a savepoint stay, because the rules look
    at what is stored."""
    if not session.in_nested_transaction():
        session.info.pop(_NOTED, None)
        creation.forget(session)


def install(session: Any) -> None:
    event.listen(session, "before_commit", _before_commit)
    event.listen(session, "after_rollback", _forget)
