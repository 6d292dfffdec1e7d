"""Demo data: a made-up district with two years of cases in every state, for trying the system before the real data."""

from __future__ import annotations

import heapq
import random
from collections import Counter as Tally
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from bureau.calendar import deadlines
from bureau.cases import events, numbering
from bureau.settings import settings
from models import (
    Action,
    Case,
    CaseEvent,
    CaseParty,
    CaseStatus,
    DeadlineChange,
    Feedback,
    Measurement,
    Mediation,
    MediationMember,
    MediationSession,
    Referral,
)
from panel import kinds
from panel.base import UNSCOPED, Base
from panel.kinds import ZONE
from seed import district, mondays, reference, three
from seed.cast import Cast
from seed.life import Life
from seed.teller import Teller
from seed.world import World

DAYS = 730
#: Cases of the last days are partly made for the state they stand in; they are this many at least.
RECENT_DAYS = 30
RECENT_LEAST = 40
CHUNK = 2000
#: A bureau that does not exist.
UNIT = "演示区综合行政执法局"

OPEN = (
    CaseStatus.REPORTED,
    CaseStatus.ACCEPTED,
    CaseStatus.DISPATCHED,
    CaseStatus.HANDLING,
    CaseStatus.REFERRED,
    CaseStatus.MEDIATING,
    CaseStatus.SUSPENDED,
    CaseStatus.HANDLED,
    CaseStatus.VERIFIED,
)


def build(
    session: Session, *, password_hash: str, secret: str, cases: int = 2400, seed: int = 20260112
) -> dict[str, int]:
    """Add the reference data, the district and its accounts, and so many cases up to now; flushes, doesn't commit.

    `password_hash` is the hashed password of every new account, `secret` the key of the phones' hashes; the same
    `seed` at the same moment gives the same district. Run again, it adds what is missing of the reference data and
    the district, and no cases. Returns how many rows of each kind were added."""
    now = kinds.now().replace(second=0, microsecond=0)
    rng = random.Random(seed)  # noqa: S311 - made-up data, nothing to keep secret
    added = Tally(reference.load(session))
    added.update(district.build(session, rng, deadlines.local_day(now), password_hash))
    if cases and not settings.get(session, "demo"):
        settings.put(session, "demo", True)
        settings.put(session, "unit_name", settings.get(session, "unit_name") or UNIT)
        cast_ = Cast(World.load(session), rng, secret)
        added.update(_cases(session, cast_, now, cases))
        added.update(mondays.build(session, cast_, now, seed))
    return dict(added)


def _cases(session: Session, cast_: Cast, now: datetime, count: int) -> dict[str, int]:
    today = deadlines.local_day(now)
    teller = Teller(cast_, now)
    recent_count = min(count, max(RECENT_LEAST, count // 17))
    stories = three.tell(teller) if recent_count >= RECENT_LEAST else []
    recent = sorted([*stories, *_recent(teller, recent_count - len(stories))], key=_reported_at)
    first, last = today - timedelta(days=DAYS), today - timedelta(days=RECENT_DAYS)
    moments = cast_.moments(count - recent_count, first, last)
    prefix: str = settings.get(session, "case_prefix")
    years = Tally(at.astimezone(ZONE).year for at in [*moments, *map(_reported_at, recent)])
    numbers = {
        year: iter(range(start := numbering.reserve(session, prefix, year, n), start + n)) for year, n in years.items()
    }
    written: Tally[str] = Tally()
    for chunk in _chunks(heapq.merge(_past(teller, moments), recent, key=_reported_at)):
        for life in chunk:
            year = _reported_at(life).astimezone(ZONE).year
            number = next(numbers[year])
            life.number(numbering.case_no(prefix, year, number), number)
        written.update(_write(session, chunk))
    return dict(written)


def _reported_at(life: Life) -> datetime:
    found: datetime = life.case["reported_at"]
    return found


def _chunks(lives: Iterable[Life]) -> Iterator[list[Life]]:
    source = iter(lives)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _past(teller: Teller, moments: list[datetime]) -> Iterator[Life]:
    """Cases that took their course; of forty one is rejected, one merged into another shortly before it, and of eighty
    one voided."""
    near: deque[Life] = deque(maxlen=12)
    for i, at in enumerate(moments):
        if i % 40 == 19 and near:
            yield teller.tell(at, end=CaseStatus.MERGED, like=teller.rng.choice(near))
            continue
        end = {7: CaseStatus.REJECTED, 33: CaseStatus.VOIDED}.get(i % 80, CaseStatus.REJECTED if i % 80 == 47 else None)
        life = teller.tell(at, end=end)
        if end is None:
            near.append(life)
        yield life


def _recent(teller: Teller, count: int) -> Iterator[Life]:
    """Cases of the last days: six of ten made to stand in an open state, one in three of those overdue."""
    standing = count * 6 // 10
    for i, stop in zip(range(standing), cycle(OPEN), strict=False):
        yield teller.open_case(stop, overdue=stop != CaseStatus.REPORTED and i // len(OPEN) % 3 == 1)
    today = deadlines.local_day(teller.now)
    for at in teller.cast.moments(count - standing, today - timedelta(days=RECENT_DAYS - 1), today - timedelta(days=1)):
        yield teller.tell(at)


def _write(session: Session, lives: list[Life]) -> dict[str, int]:
    """Write lives in a fixed number of statements. Merged ones come last, when their masters have ids."""
    _write_cases(session, [life for life in lives if life.master is None])
    merged = [life for life in lives if life.master is not None]
    for life in merged:
        life.case["master_id"] = life.master.id if life.master else None
    _write_cases(session, merged)
    chained = [row for life in lives for row in events.chain(life.id or 0, life.events)]
    return {
        "case": len(lives),
        "caseevent": _insert(session, CaseEvent, chained),
        "caseparty": _insert(session, CaseParty, _of(lives, "parties")),
        "action": _insert(session, Action, _of(lives, "actions")),
        "referral": _insert(session, Referral, _of(lives, "referrals")),
        "feedback": _insert(session, Feedback, _of(lives, "feedback")),
        "measurement": _insert(session, Measurement, _of(lives, "measurements")),
        **_write_mediations(session, _of(lives, "mediations")),
        "deadlinechange": _insert(session, DeadlineChange, _of(lives, "changes")),
    }


def _write_mediations(session: Session, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Insert mediations, numbered in the order in which they began, with their sessions and whoever mediated."""
    rows.sort(key=lambda row: (row["started_at"], row["case_id"]))
    prefix: str = settings.get(session, "mediation_prefix")
    years = Tally(row["started_at"].astimezone(ZONE).year for row in rows)
    numbers = {
        year: iter(range(first := numbering.reserve(session, prefix, year, n), first + n)) for year, n in years.items()
    }
    for row in rows:
        year = row["started_at"].astimezone(ZONE).year
        row["mediation_no"] = numbering.case_no(prefix, year, next(numbers[year]))
    sessions = _below(session, Mediation, rows, "sessions", "mediation_id")
    members = _below(session, MediationSession, sessions, "members", "session_id")
    return {
        "mediation": len(rows),
        "mediationsession": len(sessions),
        "mediationmember": _insert(session, MediationMember, members),
    }


def _below(
    session: Session, model: type[Base], rows: list[dict[str, Any]], part: str, attr: str
) -> list[dict[str, Any]]:
    """Insert rows; what belongs to them comes back with their ids."""
    table = cast(Table, model.__table__)
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    plain = [{name: value for name, value in row.items() if name != part} for row in rows]
    ids = session.execute(statement, plain, execution_options=UNSCOPED).scalars().all() if rows else []
    return [{**below, attr: id_} for row, id_ in zip(rows, ids, strict=True) for below in row[part]]


def _write_cases(session: Session, lives: list[Life]) -> None:
    """Insert cases and note their ids. Those without a snapshot go apart: None in it would be stored as JSON's null."""
    table = cast(Table, Case.__table__)
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    for accepted in (True, False):
        part = [life for life in lives if ("item_snapshot" in life.case) is accepted]
        if part:
            rows = [life.case for life in part]
            ids = session.execute(statement, rows, execution_options=UNSCOPED).scalars().all()
            for life, id_ in zip(part, ids, strict=True):
                life.id = id_


def _of(lives: list[Life], part: str) -> list[dict[str, Any]]:
    return [{**row, "case_id": life.id} for life in lives for row in getattr(life, part)]


def _insert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> int:
    if rows:
        session.execute(insert(cast(Table, model.__table__)), rows, execution_options=UNSCOPED)
    return len(rows)
