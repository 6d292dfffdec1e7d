"""What happened to a case: append-only rows, each sealed with the hash of the one before.

The seal shows a row that was changed, taken out, put in or moved to another case; it can't show that the newest rows
were taken off the end.
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
from panel.imports.matching import chunks

#: What a seal covers, besides the seal before it.
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
    """Add the next event of a case, at this moment unless said otherwise. Flushes before and after.

    `payload` must be JSON and hold ids and masked values only: the row stays when personal data is erased.
    Two at the same time: the second meets the unique (case, seq) and raises IntegrityError."""
    session.flush()
    newest = select(CaseEvent.seq, CaseEvent.hash).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq.desc())
    last = session.execute(newest.limit(1), execution_options={"unscoped": True}).first()
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
    """Rows of one case, in order, with `case_id`, `seq`, `previous_hash` and `hash` filled in; for bulk inserts.
    A row has every column of SEALED but the first two."""
    sealed = []
    for number, row in enumerate(rows, seq):
        full = {**row, "case_id": case_id, "seq": number, "previous_hash": previous}
        full["hash"] = previous = seal(previous, full)
        sealed.append(full)
    return sealed


def follow(session: Session, rows: Mapping[int, Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The next events of many cases, by case, sealed after the last one of each; for bulk inserts."""
    last: dict[int, Any] = {}
    for some in chunks(rows):
        newest = select(func.max(CaseEvent.id)).where(CaseEvent.case_id.in_(some)).group_by(CaseEvent.case_id)
        statement = select(CaseEvent.case_id, CaseEvent.seq, CaseEvent.hash).where(CaseEvent.id.in_(newest))
        last |= {one.case_id: one for one in session.execute(statement, execution_options={"unscoped": True})}
    sealed: list[dict[str, Any]] = []
    for case_id, some_rows in rows.items():
        before = last.get(case_id)
        sealed += chain(case_id, some_rows, seq=before.seq + 1 if before else 1, previous=before.hash if before else "")
    return sealed


def seal(previous: str, row: Mapping[str, Any]) -> str:
    """SHA-256 over the seal before and the row in canonical JSON (sorted keys, moments in UTC), in hexadecimal."""
    values = {name: row[name] for name in SEALED}
    values["at"] = values["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return sha256((previous + _canonical(values)).encode()).hexdigest()


def verify(events: Iterable[Any]) -> int | None:
    """The first number at which the chain of one case is broken, or None. Takes all events of the case,
    or rows of what is sealed with both hashes."""
    previous = ""
    for expected, event in enumerate(sorted(events, key=lambda event: event.seq), 1):
        row = {name: getattr(event, name) for name in SEALED}
        if event.seq != expected or event.previous_hash != previous or event.hash != seal(previous, row):
            return expected
        previous = event.hash
    return None
