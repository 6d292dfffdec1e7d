"""The page of figures over many cases, timed in process against the plain GROUP BYs of the same figures, sent through
sqlite3 alone, in the same run: processor time of this process, by turns.

Prints ratios, since times are those of a machine. Ends with 1 when a page costs more than 4 times its GROUP BYs, or
when the two don't count the same."""

# ruff: noqa: S608 - statements are put together from pieces of this file alone
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
#: Of the closed cases, how many per thousand were reopened (half of them closed again) and raised elsewhere.
REOPENED, RAISED = 10, 8
STORED = "%Y-%m-%d %H:%M:%S.%f"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=200_000)
    options.add_argument("--database", type=Path, help="where to build it, or to find it again")
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        return measure(given.database or Path(folder) / "panel.db", given.cases)


def measure(file: Path, cases: int) -> int:
    client = serve(file, cases)
    with closing(sqlite3.connect(file)) as database:
        enrich(database)
        day = today()
        first = date(day.year, day.month, 1)
        month = Span(date((first - timedelta(1)).year, (first - timedelta(1)).month, 1), first - timedelta(1))
        year = Span(day - timedelta(365), day)
        asked = [
            ("a month, by squad", month, "squad", "community_id"),
            ("a month, by item", month, "item", "item_id"),
            ("a year, by squad", year, "squad", "community_id"),
            ("a year, by community", year, "community", "community_id"),
            ("a year, by month", year, "month", "month"),
        ]
        worst = 0.0
        print(f"{cases} cases, medians of {ROUNDS}")
        print(f"{'':24}{'plain GROUP BYs':>16}{'the page':>10}{'ratio':>8}")
        for name, span, by, group in asked:
            address = f"/figures?from={span.first}&to={span.last}&by={by}"
            plain = Plain(database, span, group)
            theirs, ours = by_turns(plain.all, partial(fetch, client, address))
            worst = max(worst, ours / theirs)
            print(f"{name:24}{theirs:15.2f}s{ours:9.2f}s{ours / theirs:8.2f}")
        same = agree(client, database, year)
    print(f"at most {LIMIT:g} times: {'yes' if worst <= LIMIT else 'no'}; counted alike: {'yes' if same else 'no'}")
    return int(worst > LIMIT or not same)


def by_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of processor time of two acts, done by turns after a first time that doesn't count."""
    one()
    other()
    times: tuple[list[float], list[float]] = ([], [])
    for _round in range(ROUNDS):
        for act, taken in zip((one, other), times, strict=True):
            begun = time.process_time()
            act()
            taken.append(time.process_time() - begun)
    return statistics.median(times[0]), statistics.median(times[1])


def enrich(database: sqlite3.Connection) -> None:
    """Add what made-up cases lack: some reopened, some raised elsewhere, some with an extension granted. Once."""
    if database.execute("SELECT count(*) FROM caseevent WHERE step = 'reopen'").fetchone()[0]:
        return
    rng = random.Random(7)  # noqa: S311 - made-up data
    closed = database.execute("SELECT id, closed_at FROM \"case\" WHERE status = 'closed' AND NOT historic").fetchall()
    reopened = [one for one in closed if rng.random() * 1000 < REOPENED]
    events: list[tuple[Any, ...]] = []
    again: list[tuple[Any, ...]] = []
    for number, (id_, closed_at) in enumerate(reopened):
        at = datetime.strptime(closed_at, STORED).replace(tzinfo=UTC) + timedelta(days=rng.uniform(1, 30))
        if at > now():
            continue
        events.append((id_, "reopen", "closed", "handling", at.strftime(STORED)))
        later = at + timedelta(days=rng.uniform(1, 10))
        if number % 2 and later < now():
            events.append((id_, "close", "verified", "closed", later.strftime(STORED)))
            again.append(("closed", later.strftime(STORED), id_))
        else:
            again.append(("handling", None, id_))
    database.executemany(
        "INSERT INTO caseevent (case_id, seq, step, from_status, to_status, at, actor_name, payload, previous_hash, "
        "hash) VALUES (?1, (SELECT max(seq) + 1 FROM caseevent WHERE case_id = ?1), ?2, ?3, ?4, ?5, '测量', '{}', '', "
        "'')",
        events,
    )
    database.executemany('UPDATE "case" SET status = ?, closed_at = ? WHERE id = ?', again)
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


#: Seconds of a moment as SQLite stores it, and its local day.
SECONDS = "CAST(strftime('%s', {}) AS INTEGER)"
LOCAL_DAY = "((" + SECONDS + " + 28800) / 86400)"
#: Earlier cases that a case repeats: at the same place, of the same complainant.
REPEATS = """(EXISTS (SELECT 1 FROM "case" e WHERE e.community_id = c.community_id AND e.item_id = c.item_id
  AND e.place = c.place AND e.id <> c.id AND NOT e.historic AND {ended})
OR EXISTS (SELECT 1 FROM caseparty m JOIN caseparty t ON t.phone_hash = m.phone_hash AND t.role = 'complainant'
  JOIN "case" e ON e.id = t.case_id WHERE m.case_id = c.id AND m.role = 'complainant' AND e.item_id = c.item_id
  AND e.id <> c.id AND NOT e.historic AND {ended}))"""
ENDED = """(e.status = 'closed' AND e.closed_at <= c.reported_at AND {s[c.reported_at]} - {s[e.closed_at]} <= {window}
  OR e.id IN (SELECT case_id FROM caseevent WHERE step = 'reopen') AND EXISTS (SELECT 1 FROM caseevent k
    WHERE k.case_id = e.id AND k.step = 'close' AND k.at <= c.reported_at
    AND {s[c.reported_at]} - {s[k.at]} <= {window}))"""
#: A closure in the period of a case that was reopened.
RECLOSED = """SELECT a.case_id FROM caseevent a WHERE a.step = 'reopen' AND EXISTS (SELECT 1 FROM caseevent k
  WHERE k.case_id = a.case_id AND k.to_status = 'closed' AND k.from_status <> 'closed' AND k.at >= :start
  AND k.at < :end {more})"""
#: Somebody of these forces mediated in the case.
MEDIATED = """EXISTS (SELECT 1 FROM mediation m JOIN mediationsession s ON s.mediation_id = m.id
  JOIN mediationmember p ON p.session_id = s.id WHERE m.case_id = c.id AND p.force IN ({}))"""


class Plain:
    """The GROUP BYs of every figure as somebody would type them, for one period and one breakdown; through sqlite3."""

    def __init__(self, database: sqlite3.Connection, span: Span, group: str) -> None:
        self._database, self._group = database, group
        calendar = Calendar(dict(_days(database)))
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
        # What must be told by when, day by day: a table of its own, as nobody would type it into a statement.
        database.execute("CREATE TEMP TABLE IF NOT EXISTS told_by (day INTEGER PRIMARY KEY, until TEXT)")
        database.execute("DELETE FROM told_by")
        for n in range((span.last - span.first).days + 1):
            at = span.start + timedelta(days=n)
            until = deadlines.due(at, days, LimitUnit.WORKING_DAY, calendar)
            number = (at.astimezone(ZONE).date() - date(1970, 1, 1)).days
            database.execute("INSERT INTO told_by VALUES (?, ?)", (number, _stored(until)))

    def all(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self._database.execute(made, self._values).fetchall() for name, made in self.statements().items()}

    def statements(self) -> dict[str, str]:
        """By what they count; each row begins with its group."""

        def grouped(what: str, source: str, where: str, moment: str, case: str = "c") -> str:
            group = f"{case}.{self._group}"
            if self._group == "month":
                group = f"strftime('%Y-%m', {moment}, '+8 hours')" if moment else "''"
            elif case == "v" and self._group != "community_id":
                group = "''"
            return f"SELECT {group}, {what} FROM {source} WHERE {where} GROUP BY 1"

        def within(column: str) -> str:
            return f"{column} >= :start AND {column} < :end"

        cases, told = '"case" c', "f.case_id = c.id AND f.target = 'liaison' AND f.at >= substr(c.handled_at, 1, 16)"
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
                f"{told})) THEN 1 END), "
                f"count(CASE WHEN NOT c.historic AND EXISTS (SELECT 1 FROM feedback f WHERE {told} AND f.at <= (SELECT "
                f"d.until FROM told_by d WHERE d.day = {LOCAL_DAY.format('c.handled_at')})) THEN 1 END)",
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
    """The seconds of a column."""

    def __missing__(self, column: str) -> str:
        return SECONDS.format(column)


def mediated(*forces: str) -> str:
    """Somebody of these forces mediated."""
    return MEDIATED.format(", ".join(f"'{force}'" for force in forces))


def _stored(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(STORED)


def _days(database: sqlite3.Connection) -> list[tuple[date, bool]]:
    rows = database.execute("SELECT day, is_work FROM calendarday")
    return [(date.fromisoformat(day), bool(work)) for day, work in rows]


def agree(client: FlaskClient, database: sqlite3.Connection, span: Span) -> bool:
    """Whether the page shows, of the whole period, the numbers that the GROUP BYs add up to."""
    page = client.get(f"/figures?from={span.first}&to={span.last}&by=none").text
    shown = {
        name: int(n.replace(",", "")) for name, n in re.findall(r"is=figure\.(\w+)\.[^\"]*\"[^>]*>([\d,]+)<", page)
    }
    found = Plain(database, span, "community_id").all()
    wrong = []
    for name, parts in COUNTED.items():
        sums = [sum(row[place] for row in found[name]) for place in range(1, len(parts) + 1)]
        wrong += [(part, shown.get(part, 0), n) for part, n in zip(parts, sums, strict=True) if shown.get(part, 0) != n]
    for part, ours, theirs in wrong:
        print(f"{part}: the page says {ours}, SQL says {theirs}")
    return not wrong


#: The parts that each statement counts, in the order of its columns.
COUNTED: dict[str, Sequence[str]] = {
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
