"""Events of a case: append-only rows, each sealed with a hash that covers the hash of the row before.

verify() detects rows that were changed, deleted, inserted or moved to another case. It can't detect that the newest
rows were deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Case, CaseEvent, CaseStatus
from panel import kinds
from panel.base import UNSCOPED
from panel.chunks import chunks

#: Columns that a hash covers, besides the hash before it.
SEALED = ("case_id", "seq", "at", "step", "from_status", "to_status", "actor_id", "actor_name", "opinion", "payload")

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def append(  # noqa: PLR0917 - a row of the table, in its order
    session: Session,
    case: Case,
    step: str,
    from_status: CaseStatus | None,
    to_status: CaseStatus,
    actor_id: int | None,
    actor_name: str,
    opinion: str | None = None,
    payload: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> CaseEvent:
    """Add the next event of a case; `at` is now by default. Flushes before and after.

    `payload` must be JSON and hold ids and masked values only: the row stays when personal data is erased. Of two
    transactions that add the same number, the second raises IntegrityError (unique case and seq)."""
    session.flush()
    newest = select(CaseEvent.seq, CaseEvent.hash).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq.desc())
    last = session.execute(newest.limit(1), execution_options=UNSCOPED).first()
    row = {
        "at": at or kinds.now(),
        "step": step,
        "from_status": from_status,
        "to_status": to_status,
        "actor_id": actor_id,
        "actor_name": actor_name,
        "opinion": opinion,
        "payload": dict(payload or {}),
    }
    (sealed,) = chain(case.id, [row]) if last is None else chain(case.id, [row], seq=last.seq + 1, previous=last.hash)
    event = CaseEvent(**sealed)
    session.add(event)
    session.flush()
    return event


def chain(case_id: int, rows: Iterable[Mapping[str, Any]], *, seq: int = 1, previous: str = "") -> list[dict[str, Any]]:
    """Consecutive events of one case with `case_id`, `seq`, `previous_hash` and `hash` filled in, for bulk inserts.

    Each row needs the columns of SEALED except the first two. `seq` is the number of the first row, `previous` the hash
    of the event before it."""
    sealed = []
    for number, row in enumerate(rows, seq):
        values = {**row, "case_id": case_id, "seq": number, "previous_hash": previous}
        values["hash"] = previous = seal(previous, values)
        sealed.append(values)
    return sealed


def follow(session: Session, rows: Mapping[int, Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The next events of many cases, by case id, each chain continued from the last event stored; for bulk inserts."""
    last: dict[int, Any] = {}
    for batch in chunks(rows):
        newest = select(func.max(CaseEvent.id)).where(CaseEvent.case_id.in_(batch)).group_by(CaseEvent.case_id)
        statement = select(CaseEvent.case_id, CaseEvent.seq, CaseEvent.hash).where(CaseEvent.id.in_(newest))
        last |= {row.case_id: row for row in session.execute(statement, execution_options=UNSCOPED)}
    sealed: list[dict[str, Any]] = []
    for case_id, new_rows in rows.items():
        before = last.get(case_id)
        sealed += chain(case_id, new_rows, seq=before.seq + 1 if before else 1, previous=before.hash if before else "")
    return sealed


def seal(previous: str, row: Mapping[str, Any]) -> str:
    """The hash of an event, in hexadecimal: SHA-256 over the hash before and the row in canonical JSON (sorted keys,
    times in UTC)."""
    values = {name: row[name] for name in SEALED}
    values["at"] = values["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return sha256((previous + _canonical(values)).encode()).hexdigest()


def verify(events: Iterable[Any]) -> int | None:
    """The first `seq` at which the chain of one case is broken, or None.

    Takes all events of the case, or rows with the columns of SEALED and both hashes."""
    previous = ""
    for expected, event in enumerate(sorted(events, key=lambda event: event.seq), 1):
        row = {name: getattr(event, name) for name in SEALED}
        if event.seq != expected or event.previous_hash != previous or event.hash != seal(previous, row):
            return expected
        previous = event.hash
    return None
