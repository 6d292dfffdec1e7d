"""Benchmark of the page of figures: its processor time compared with plain GROUP BY statements of the same figures
through sqlite3, measured alternately in one process.

Prints ratios, because times depend on the machine. Exit status 1 if a page takes more than 4 times its statements, or
if the two count differently."""

# ruff: noqa: S608 - statements consist of constants of this file
from __future__ import annotations

import argparse
import random
import re
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask.testing import FlaskClient

from bench.pages import fetch, serve
from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.calendar.periods import Span
from bureau.settings import settings
from models import LimitUnit
from panel.kinds import ZONE, now, today

ROUNDS = 5
LIMIT = 4.0
#: Closed cases per thousand that are reopened (half of them closed again), and that are raised elsewhere.
REOPENED, RAISED = 10, 8
STORED = "%Y-%m-%d %H:%M:%S.%f"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=200_000)
    options.add_argument("--database", type=Path, help="where to build it, or to find it again")
    arguments = options.parse_args()
    with TemporaryDirectory() as folder:
        return measure(arguments.database or Path(folder) / "panel.db", arguments.cases)


def measure(file: Path, cases: int) -> int:
    client = serve(file, cases)
    with closing(sqlite3.connect(file)) as database:
        enrich(database)
        day = today()
        first = date(day.year, day.month, 1)
        month = Span(date((first - timedelta(1)).year, (first - timedelta(1)).month, 1), first - timedelta(1))
        year = Span(day - timedelta(365), day)
        queries = [
            ("a month, by squad", month, "squad", "community_id"),
            ("a month, by item", month, "item", "item_id"),
            ("a year, by squad", year, "squad", "community_id"),
            ("a year, by community", year, "community", "community_id"),
            ("a year, by month", year, "month", "month"),
        ]
        highest = 0.0
        print(f"{cases} cases, medians of {ROUNDS}")
        print(f"{'':24}{'plain GROUP BYs':>16}{'the page':>10}{'ratio':>8}")
        for name, span, by, group in queries:
            address = f"/figures?from={span.first}&to={span.last}&by={by}"
            plain = PlainSql(database, span, group)
            plain_time, page_time = alternately(plain.all, partial(fetch, client, address))
            highest = max(highest, page_time / plain_time)
            print(f"{name:24}{plain_time:15.2f}s{page_time:9.2f}s{page_time / plain_time:8.2f}")
        equal = counts_equal(client, database, year)
    print(f"at most {LIMIT:g} times: {'yes' if highest <= LIMIT else 'no'}; counted alike: {'yes' if equal else 'no'}")
    return int(highest > LIMIT or not equal)


def alternately(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median processor time in seconds of two actions, run alternately after a warm-up."""
    first()
    second()
    times: tuple[list[float], list[float]] = ([], [])
    for _round in range(ROUNDS):
        for action, samples in zip((first, second), times, strict=True):
            start = time.process_time()
            action()
            samples.append(time.process_time() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def enrich(database: sqlite3.Connection) -> None:
    """Add reopened cases, cases raised elsewhere and granted extensions to the demo data, once."""
    if database.execute("SELECT count(*) FROM caseevent WHERE step = 'reopen'").fetchone()[0]:
        return
    rng = random.Random(7)  # noqa: S311 - made-up data
    closed = database.execute("SELECT id, closed_at FROM \"case\" WHERE status = 'closed' AND NOT historic").fetchall()
    reopened = [case for case in closed if rng.random() * 1000 < REOPENED]
    events: list[tuple[Any, ...]] = []
    updates: list[tuple[Any, ...]] = []
    for index, (id_, closed_at) in enumerate(reopened):
        at = datetime.strptime(closed_at, STORED).replace(tzinfo=UTC) + timedelta(days=rng.uniform(1, 30))
        if at > now():
            continue
        events.append((id_, "reopen", "closed", "handling", at.strftime(STORED)))
        later = at + timedelta(days=rng.uniform(1, 10))
        if index % 2 and later < now():
            events.append((id_, "close", "verified", "closed", later.strftime(STORED)))
            updates.append(("closed", later.strftime(STORED), id_))
        else:
            updates.append(("handling", None, id_))
    database.executemany(
        "INSERT INTO caseevent (case_id, seq, step, from_status, to_status, at, actor_name, payload, previous_hash, "
        "hash) VALUES (?1, (SELECT max(seq) + 1 FROM caseevent WHERE case_id = ?1), ?2, ?3, ?4, ?5, '测量', '{}', '', "
        "'')",
        events,
    )
    database.executemany('UPDATE "case" SET status = ?, closed_at = ? WHERE id = ?', updates)
    raised = [(at, id_) for id_, at in closed if rng.random() * 1000 < RAISED]
    database.executemany(
        "UPDATE \"case\" SET raised_to = '12345', raised_at = datetime(?, '+20 days') || '.000000' WHERE id = ?", raised
    )
    database.execute(
        "INSERT INTO deadlinechange (case_id, kind, status, reason, asked_at, asked_by, for_office, version, "
        "created_at, updated_at) SELECT id, 'extension', 'approved', '等待', accepted_at, '测量', 0, 1, accepted_at, "
        'accepted_at FROM "case" WHERE accepted_at IS NOT NULL AND id % 40 = 3'
    )
    database.commit()


#: SQL for the seconds and the local day of a stored moment.
SECONDS = "CAST(strftime('%s', {}) AS INTEGER)"
LOCAL_DAY = "((" + SECONDS + " + 28800) / 86400)"
#: SQL condition: an earlier case at the same place or of the same complainant.
REPEATS = """(EXISTS (SELECT 1 FROM "case" e WHERE e.community_id = c.community_id AND e.item_id = c.item_id
  AND e.place = c.place AND e.id <> c.id AND NOT e.historic AND {ended})
OR EXISTS (SELECT 1 FROM caseparty m JOIN caseparty t ON t.phone_hash = m.phone_hash AND t.role = 'complainant'
  JOIN "case" e ON e.id = t.case_id WHERE m.case_id = c.id AND m.role = 'complainant' AND e.item_id = c.item_id
  AND e.id <> c.id AND NOT e.historic AND {ended}))"""
ENDED = """(e.status = 'closed' AND e.closed_at <= c.reported_at AND {s[c.reported_at]} - {s[e.closed_at]} <= {window}
  OR e.id IN (SELECT case_id FROM caseevent WHERE step = 'reopen') AND EXISTS (SELECT 1 FROM caseevent k
    WHERE k.case_id = e.id AND k.step = 'close' AND k.at <= c.reported_at
    AND {s[c.reported_at]} - {s[k.at]} <= {window}))"""
#: SQL for reopened cases with a closure in the period.
RECLOSED = """SELECT a.case_id FROM caseevent a WHERE a.step = 'reopen' AND EXISTS (SELECT 1 FROM caseevent k
  WHERE k.case_id = a.case_id AND k.to_status = 'closed' AND k.from_status <> 'closed' AND k.at >= :start
  AND k.at < :end {more})"""
#: SQL condition: a member of these forces mediated in the case.
MEDIATED = """EXISTS (SELECT 1 FROM mediation m JOIN mediationsession s ON s.mediation_id = m.id
  JOIN mediationmember p ON p.session_id = s.id WHERE m.case_id = c.id AND p.force IN ({}))"""


class PlainSql:
    """Plain GROUP BY statements of every figure, for one period and grouping, run through sqlite3."""

    def __init__(self, database: sqlite3.Connection, span: Span, group: str) -> None:
        self._database, self._group = database, group
        calendar = Calendar(dict(_calendar_days(database)))
        window = settings.DECLARED["repeat_days"].default * 86_400
        days = settings.DECLARED["feedback_days"].default
        self._values = {
            "start": _stored(span.start),
            "end": _stored(span.end),
            "first": span.first.isoformat(),
            "last": min(span.last, today()).isoformat(),
            "today": today().isoformat(),
            "now": _stored(now()),
            "window": window,
        }
        # The feedback deadline of each day, as a table.
        database.execute("CREATE TEMP TABLE IF NOT EXISTS told_by (day INTEGER PRIMARY KEY, until TEXT)")
        database.execute("DELETE FROM told_by")
        for n in range((span.last - span.first).days + 1):
            at = span.start + timedelta(days=n)
            until = deadlines.due(at, days, LimitUnit.WORKING_DAY, calendar)
            number = (at.astimezone(ZONE).date() - date(1970, 1, 1)).days
            database.execute("INSERT INTO told_by VALUES (?, ?)", (number, _stored(until)))

    def all(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            name: self._database.execute(statement, self._values).fetchall()
            for name, statement in self.statements().items()
        }

    def statements(self) -> dict[str, str]:
        """The statements by name; the first column of each is the group."""

        def grouped(columns: str, source: str, where: str, moment: str, case: str = "c") -> str:
            group = f"{case}.{self._group}"
            if self._group == "month":
                group = f"strftime('%Y-%m', {moment}, '+8 hours')" if moment else "''"
            elif case == "v" and self._group != "community_id":
                group = "''"
            return f"SELECT {group}, {columns} FROM {source} WHERE {where} GROUP BY 1"

        def within(column: str) -> str:
            return f"{column} >= :start AND {column} < :end"

        cases, fed_back = (
            '"case" c',
            "f.case_id = c.id AND f.target = 'liaison' AND f.at >= substr(c.handled_at, 1, 16)",
        )
        handled = f"{within('c.handled_at')} AND c.status <> 'voided'"
        ended = ENDED.format(s=_Seconds(), window=":window")
        more = f"AND k.at <= c.raised_at AND {_Seconds()['c.raised_at']} - {_Seconds()['k.at']} <= :window"
        return {
            "due": grouped(
                "count(*), count(CASE WHEN c.status = 'closed' THEN 1 END), "
                "count(CASE WHEN c.status = 'closed' AND c.closed_at <= c.due_at THEN 1 END), "
                "count(CASE WHEN c.id IN (SELECT case_id FROM caseevent WHERE step = 'rework') THEN 1 END), "
                "count(CASE WHEN c.id IN (SELECT case_id FROM deadlinechange WHERE kind = 'extension' "
                "AND status = 'approved') THEN 1 END)",
                cases,
                f"{within('c.due_at')} AND c.status NOT IN ('suspended', 'voided', 'merged', 'rejected')",
                "c.due_at",
            ),
            "handled": grouped(
                "count(*), count(c.accepted_at), "
                f"count(CASE WHEN {LOCAL_DAY.format('c.handled_at')} <= {LOCAL_DAY.format('c.reported_at')} + 1 "
                "THEN 1 END), "
                f"count(CASE WHEN {mediated('mediator', 'volunteer')} AND (c.source = 'liaison' OR EXISTS (SELECT 1 "
                "FROM visit v WHERE v.id = c.visit_id AND v.liaison_id IS NOT NULL) OR "
                f"{mediated('community')}) AND (EXISTS (SELECT 1 FROM action a WHERE a.case_id = c.id AND a.officer_id "
                f"IS NOT NULL) OR {mediated('enforcement')}) THEN 1 END), "
                "count(CASE WHEN NOT c.historic AND (EXISTS (SELECT 1 FROM told_by d WHERE d.day = "
                f"{LOCAL_DAY.format('c.handled_at')} AND d.until < :now) OR EXISTS (SELECT 1 FROM feedback f WHERE "
                f"{fed_back})) THEN 1 END), "
                f"count(CASE WHEN NOT c.historic AND EXISTS (SELECT 1 FROM feedback f WHERE {fed_back} AND f.at <= "
                f"(SELECT d.until FROM told_by d WHERE d.day = {LOCAL_DAY.format('c.handled_at')})) THEN 1 END)",
                cases,
                handled,
                "c.handled_at",
            ),
            "durations": grouped(
                f"{LOCAL_DAY.format('c.accepted_at')}, {LOCAL_DAY.format('c.handled_at')}, count(*)",
                cases,
                f"{handled} AND c.accepted_at IS NOT NULL",
                "c.handled_at",
            )
            + ", 2, 3",
            "closed": grouped(
                "count(*), count(CASE WHEN c.raised_at IS NULL OR NOT (c.status = 'closed' AND "
                f"{within('c.closed_at')} AND c.raised_at >= c.closed_at AND {_Seconds()['c.raised_at']} - "
                f"{_Seconds()['c.closed_at']} <= :window) AND c.id NOT IN ({RECLOSED.format(more=more)}) THEN 1 END)",
                cases,
                f"c.id IN (SELECT o.id FROM \"case\" o WHERE {within('o.closed_at')} AND o.status NOT IN ('rejected', "
                f"'merged', 'voided') UNION ALL {RECLOSED.format(more='')}) AND c.status <> 'voided'",
                "c.closed_at",
            ),
            "reported": grouped(
                f"count(*), count(CASE WHEN {REPEATS.format(ended=ended)} THEN 1 END)",
                cases,
                f"{within('c.reported_at')} AND c.status NOT IN ('voided', 'rejected') AND NOT c.historic",
                "c.reported_at",
            ),
            "visits": grouped(
                "count(*), count(CASE WHEN v.status <> 'exempt' THEN 1 END), count(CASE WHEN v.status IN ('done', "
                "'made_up') THEN 1 END), count(CASE WHEN v.status = 'done' THEN 1 END)",
                "visit v",
                "v.planned_on >= :first AND v.planned_on <= :last",
                "v.planned_on",
                "v",
            ),
            "feedback": grouped(
                "count(*), count(CASE WHEN f.satisfaction IN ('satisfied', 'fairly') THEN 1 END)",
                'feedback f JOIN "case" c ON c.id = f.case_id',
                f"{within('f.at')} AND f.satisfaction IN ('satisfied', 'fairly', 'unsatisfied') AND NOT c.historic",
                "f.at",
            ),
            "referrals": grouped(
                "count(*), count(CASE WHEN r.sign_due_at IS NOT NULL AND (r.signed_at IS NOT NULL OR r.replied_at IS "
                "NOT NULL OR r.sign_due_at < :now) THEN 1 END), count(CASE WHEN coalesce(r.signed_at, r.replied_at) <= "
                "r.sign_due_at THEN 1 END), count(CASE WHEN r.status = 'replied' THEN 1 END), count(CASE WHEN r.status "
                "= 'returned' THEN 1 END)",
                'referral r JOIN "case" c ON c.id = r.case_id',
                within("r.sent_at"),
                "r.sent_at",
            ),
            "mediations": grouped(
                "count(*), count(CASE WHEN m.status = 'agreed' THEN 1 END)",
                'mediation m JOIN "case" c ON c.id = m.case_id',
                f"{within('m.ended_at')} AND m.status IN ('agreed', 'failed')",
                "m.ended_at",
            ),
            "sessions": grouped(
                "count(*)",
                'mediationsession s JOIN mediation m ON m.id = s.mediation_id JOIN "case" c ON c.id = m.case_id',
                f"{within('m.ended_at')} AND m.status IN ('agreed', 'failed')",
                "m.ended_at",
            ),
            "agreements": grouped(
                "count(*), count(CASE WHEN m.performance = 'performed' THEN 1 END)",
                'mediation m JOIN "case" c ON c.id = m.case_id',
                "m.perform_by >= :first AND m.perform_by <= :last AND m.status = 'agreed' AND (m.performance IN "
                "('performed', 'breached') OR m.perform_by < :today)",
                "m.perform_by",
            ),
        }


class _Seconds(dict[str, str]):
    """SQL for the seconds of a column, by column."""

    def __missing__(self, column: str) -> str:
        return SECONDS.format(column)


def mediated(*forces: str) -> str:
    """The SQL condition that a member of these forces mediated."""
    return MEDIATED.format(", ".join(f"'{force}'" for force in forces))


def _stored(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(STORED)


def _calendar_days(database: sqlite3.Connection) -> list[tuple[date, bool]]:
    rows = database.execute("SELECT day, is_work FROM calendarday")
    return [(date.fromisoformat(day), bool(work)) for day, work in rows]


def counts_equal(client: FlaskClient, database: sqlite3.Connection, span: Span) -> bool:
    """Whether the page shows the sums of the GROUP BY statements for the whole period; prints differences."""
    page = client.get(f"/figures?from={span.first}&to={span.last}&by=none").text
    page_counts = {
        name: int(n.replace(",", "")) for name, n in re.findall(r"is=figure\.(\w+)\.[^\"]*\"[^>]*>([\d,]+)<", page)
    }
    counts = PlainSql(database, span, "community_id").all()
    differences = []
    for name, parts in PARTS_BY_STATEMENT.items():
        sums = [sum(row[position] for row in counts[name]) for position in range(1, len(parts) + 1)]
        differences += [
            (part, page_counts.get(part, 0), n)
            for part, n in zip(parts, sums, strict=True)
            if page_counts.get(part, 0) != n
        ]
    for part, page_count, sql_count in differences:
        print(f"{part}: the page says {page_count}, SQL says {sql_count}")
    return not differences


#: The parts counted by each statement, in the order of its columns.
PARTS_BY_STATEMENT: dict[str, Sequence[str]] = {
    "due": ("due", "due_closed", "due_in_time", "due_reworked", "due_extended"),
    "handled": ("handled", "handled_accepted", "handled_next_day", "handled_by_three", "to_tell", "told_in_time"),
    "closed": ("closed", "not_raised"),
    "reported": ("reported", "repeated"),
    "visits": ("visits", "visits_owed", "visits_held", "visits_monday"),
    "feedback": ("asked", "satisfied"),
    "referrals": ("sent", "to_sign", "signed_in_time", "replied", "returned"),
    "mediations": ("mediated", "agreed"),
    "sessions": ("sessions",),
    "agreements": ("promised", "performed"),
}


if __name__ == "__main__":
    sys.exit(main())
