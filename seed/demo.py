"""Demo data: the made-up district with two years of cases in every state."""

from __future__ import annotations

import heapq
import random
from collections import Counter as Tally
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any, cast

from sqlalchemy import Table, insert, inspect
from sqlalchemy.orm import Session

from bureau.calendar import deadlines
from bureau.cases import events, numbering
from bureau.mediation.mediation import SERIES
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
from panel.search import text_index
from seed import district, mondays, reference, sample_cases
from seed.case_builder import CaseBuilder
from seed.case_rows import CaseRows
from seed.draws import Draws
from seed.papers import Papers
from seed.world import World

DAYS = 730
#: Days of the recent cases, which partly are in open states, and their least number.
RECENT_DAYS = 30
RECENT_LEAST = 40
CHUNK = 2000
#: The name of a made-up bureau.
UNIT = "演示区综合行政执法局"
#: Of its people a few have accounts, one for each role.
ACCOUNTS_ASIDE = "accounts roles"

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
    """Add the reference data, the district with its accounts, and `cases` cases up to now; flush without commit.

    `password_hash` is the hashed password of every new account, `secret` the key of the phone hashes. The same `seed`
    at the same moment gives the same data. Run again, it adds missing reference data and district records, but no
    cases. Returns the number of added rows by table."""
    now = kinds.now().replace(second=0, microsecond=0)
    rng = random.Random(seed)  # noqa: S311 - made-up data, nothing to keep secret
    added = Tally(reference.load(session))
    added.update(district.build(session, rng, deadlines.local_day(now), password_hash))
    if cases and not settings.get(session, "demo"):
        settings.put(session, "demo", True)
        settings.put(session, "first_steps_aside", ACCOUNTS_ASIDE)
        settings.put(session, "unit_name", settings.get(session, "unit_name") or UNIT)
        draws = Draws(World.load(session), rng, secret)
        added.update(_cases(session, draws, now, cases))
        added.update(mondays.build(session, draws, now, seed))
        _index(session)
    return dict(added)


def _index(session: Session) -> None:
    """Index the words of the cases, which bulk inserts leave out; a database without migrations has no index."""
    connection = session.connection()
    if inspect(connection).has_table("text_index"):
        text_index.rebuild(connection, Case)


def _cases(session: Session, draws: Draws, now: datetime, count: int) -> dict[str, int]:
    today = deadlines.local_day(now)
    teller = CaseBuilder(draws, now)
    recent_count = min(count, max(RECENT_LEAST, count // 17))
    samples = sample_cases.build(teller) if recent_count >= RECENT_LEAST else []
    recent = sorted([*samples, *_recent(teller, recent_count - len(samples))], key=_reported_at)
    first, last = today - timedelta(days=DAYS), today - timedelta(days=RECENT_DAYS)
    moments = draws.moments(count - recent_count, first, last)
    prefix: str = settings.get(session, "case_prefix")
    years = Tally(at.astimezone(ZONE).year for at in [*moments, *map(_reported_at, recent)])
    numbers = {
        year: iter(range(start := numbering.reserve(session, prefix, year, n), start + n)) for year, n in years.items()
    }
    counts: Tally[str] = Tally()
    papers = Papers(session)
    for chunk in _chunks(heapq.merge(_past(teller, moments), recent, key=_reported_at)):
        for rows in chunk:
            year = _reported_at(rows).astimezone(ZONE).year
            number = next(numbers[year])
            rows.number(numbering.case_no(prefix, year, number), number, papers)
        counts.update(_write(session, chunk))
    papers.keep()
    return dict(counts)


def _reported_at(rows: CaseRows) -> datetime:
    reported_at: datetime = rows.case["reported_at"]
    return reported_at


def _chunks(cases: Iterable[CaseRows]) -> Iterator[list[CaseRows]]:
    source = iter(cases)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _past(builder: CaseBuilder, moments: list[datetime]) -> Iterator[CaseRows]:
    """Past cases: of 40 one is rejected and one merged into a recent one, of 80 one is voided; the others are
    closed."""
    latest: deque[CaseRows] = deque(maxlen=12)
    for i, at in enumerate(moments):
        if i % 40 == 19 and latest:
            yield builder.build(at, end=CaseStatus.MERGED, master=builder.rng.choice(latest))
            continue
        end = {7: CaseStatus.REJECTED, 33: CaseStatus.VOIDED}.get(i % 80, CaseStatus.REJECTED if i % 80 == 47 else None)
        rows = builder.build(at, end=end)
        if end is None:
            latest.append(rows)
        yield rows


def _recent(builder: CaseBuilder, count: int) -> Iterator[CaseRows]:
    """Recent cases: six of ten in an open state, a third of them overdue."""
    standing = count * 6 // 10
    for i, stop in zip(range(standing), cycle(OPEN), strict=False):
        yield builder.open_case(stop, overdue=stop != CaseStatus.REPORTED and i // len(OPEN) % 3 == 1)
    today = deadlines.local_day(builder.now)
    for at in builder.draws.moments(
        count - standing, today - timedelta(days=RECENT_DAYS - 1), today - timedelta(days=1)
    ):
        yield builder.build(at)


def _write(session: Session, cases: list[CaseRows]) -> dict[str, int]:
    """Insert cases with their records in a fixed number of statements. Merged ones follow their masters, which give the
    ids."""
    _write_cases(session, [rows for rows in cases if rows.master is None])
    merged = [rows for rows in cases if rows.master is not None]
    for rows in merged:
        rows.case["master_id"] = rows.master.id if rows.master else None
    _write_cases(session, merged)
    chained = [row for rows in cases for row in events.chain(rows.id or 0, rows.events)]
    return {
        "case": len(cases),
        "caseevent": _insert(session, CaseEvent, chained),
        "caseparty": _insert(session, CaseParty, _of(cases, "parties")),
        "action": _insert(session, Action, _of(cases, "actions")),
        "referral": _insert(session, Referral, _of(cases, "referrals")),
        "feedback": _insert(session, Feedback, _of(cases, "feedback")),
        "measurement": _insert(session, Measurement, _of(cases, "measurements")),
        **_write_mediations(session, _of(cases, "mediations")),
        "deadlinechange": _insert(session, DeadlineChange, _of(cases, "changes")),
    }


def _write_mediations(session: Session, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Number mediations in the order of their beginning and agreements in that of their end, and insert them with
    sessions and members."""
    rows.sort(key=lambda row: (row["started_at"], row["case_id"]))
    prefix: str = settings.get(session, "mediation_prefix")
    years = Tally(row["started_at"].astimezone(ZONE).year for row in rows)
    numbers = {
        year: iter(range(first := numbering.reserve(session, prefix, year, n), first + n)) for year, n in years.items()
    }
    for row in rows:
        year = row["started_at"].astimezone(ZONE).year
        row["mediation_no"] = numbering.case_no(prefix, year, next(numbers[year]))
    papers = Papers(session)
    for row in sorted((row for row in rows if row.get("agreement_form") in SERIES), key=lambda row: row["ended_at"]):
        row["agreement_no"] = papers.next_no(row["agreement_form"], row["ended_at"])
    papers.keep()
    sessions = _below(session, Mediation, rows, "sessions", "mediation_id")
    members = _below(session, MediationSession, sessions, "members", "session_id")
    return {
        "mediation": len(rows),
        "mediationsession": len(sessions),
        "mediationmember": _insert(session, MediationMember, members),
    }


def _below(
    session: Session, model: type[Base], rows: list[dict[str, Any]], child_attr: str, reference: str
) -> list[dict[str, Any]]:
    """Insert rows without their child rows in `child_attr`, and return those with the id in column `reference`."""
    table = cast(Table, model.__table__)
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    plain = [{name: value for name, value in row.items() if name != child_attr} for row in rows]
    ids = session.execute(statement, plain, execution_options=UNSCOPED).scalars().all() if rows else []
    return [{**child, reference: id_} for row, id_ in zip(rows, ids, strict=True) for child in row[child_attr]]


def _write_cases(session: Session, cases: list[CaseRows]) -> None:
    """Insert cases and set their ids. Cases without a snapshot are inserted apart: None would be stored as JSON
    null."""
    table = cast(Table, Case.__table__)
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    for accepted in (True, False):
        group = [case_rows for case_rows in cases if ("item_snapshot" in case_rows.case) is accepted]
        if group:
            rows = [case_rows.case for case_rows in group]
            ids = session.execute(statement, rows, execution_options=UNSCOPED).scalars().all()
            for case_rows, id_ in zip(group, ids, strict=True):
                case_rows.id = id_


def _of(cases: list[CaseRows], attr: str) -> list[dict[str, Any]]:
    return [{**row, "case_id": rows.id} for rows in cases for row in getattr(rows, attr)]


def _insert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> int:
    if rows:
        session.execute(insert(cast(Table, model.__table__)), rows, execution_options=UNSCOPED)
    return len(rows)
