"""Benchmark of pages over many cases, compared with the raw SQL of the same page in the same process.

Prints ratios, because times depend on the machine. Exit status 1 if the last list page takes more than 1.5 times the
first."""

from __future__ import annotations

import argparse
import re
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask.testing import FlaskClient

from admin_app import create_app
from bureau.upkeep.web.commands import migrate
from panel.config import Config
from panel.search.listing import PAGE_SIZE
from seed import demo

PASSWORD = "Bench-pass-1"  # noqa: S105 - of a database that is thrown away
ROUNDS = 9
LIMIT = 1.5


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=200_000)
    options.add_argument("--database", type=Path, help="where to build it, or to find it again")
    arguments = options.parse_args()
    with TemporaryDirectory() as folder:
        file = arguments.database or Path(folder) / "panel.db"
        return measure(file, arguments.cases)


def measure(file: Path, cases: int) -> int:
    client = serve(file, cases)
    count = int(sqlite3.connect(file).execute('SELECT count(*) FROM "case"').fetchone()[0])
    last = -(-count // PAGE_SIZE)
    newest = int(sqlite3.connect(file).execute('SELECT max(id) FROM "case"').fetchone()[0])
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        first_raw = median(lambda: raw_page(raw, "DESC"))
        last_raw = median(lambda: raw_page(raw, "ASC"))
    pages = {
        "first list page": "/admin/case/",
        "page in the middle": f"/admin/case/?page={last // 2}",
        "last list page": f"/admin/case/?page={last}",
        "filtered by state": "/admin/case/?status=closed",
        "filtered by community": "/admin/case/?community=1",
        "overdue": "/admin/case/?is=overdue",
        "search": "/admin/case/?q=电动车",
        "details": f"/admin/case/details/?id={newest}",
        "edit form": f"/admin/case/edit/?id={newest}",
        "home": "/",
    }
    times = {name: median(partial(fetch, client, address)) for name, address in pages.items()}
    first = times["first list page"]
    print(f"{count} cases, medians of {ROUNDS}")
    print(f"{'':24}{'to its raw SQL':>16}{'to the first page':>20}")
    for name, duration in times.items():
        raw_time = {"first list page": first_raw, "last list page": last_raw}.get(name)
        print(f"{name:24}{f'{duration / raw_time:.1f}' if raw_time else '':>16}{duration / first:>20.2f}")
    by_time = times["last list page"] / first
    by_raw = (times["last list page"] / last_raw) / (first / first_raw)
    print(f"last to first page: {by_time:.2f} by time, {by_raw:.2f} by their ratios to the raw SQL; at most {LIMIT}")
    return int(max(by_time, by_raw) > LIMIT)


def serve(file: Path, cases: int) -> FlaskClient:
    """A client logged in as the office; builds the database if it doesn't exist."""
    app = create_app(
        Config(instance=file.parent, database_url=f"sqlite:///{file}", secret_key="of no worth", password_cost=1)  # noqa: S106
    )
    panel = app.extensions["panel"]
    with app.app_context():
        migrate(panel)
        with panel.system_session() as session:
            hashed = panel.passwords.hash(PASSWORD)
            demo.build(session, cases=cases, password_hash=hashed, secret="of no worth")  # noqa: S106
    client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    assert token
    response = client.post("/login", data={"csrf_token": token[1], "username": "office", "password": PASSWORD})
    assert response.status_code == 302, response.status
    return client


def fetch(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status}"


def raw_page(database: sqlite3.Connection, turn: str) -> list[Any]:
    """The least that the list needs: the count, the ids, the rows with their references."""
    database.execute('SELECT count(*) FROM "case"').fetchone()
    ids = [
        row[0]
        for row in database.execute(
            f'SELECT id FROM "case" ORDER BY reported_at {turn}, id {turn} LIMIT {PAGE_SIZE}'  # noqa: S608 - no input
        )
    ]
    marks = ", ".join("?" * len(ids))
    return database.execute(
        f"""SELECT c.*, community.*, checklistitem.*, lead.*, handler.* FROM "case" AS c
        LEFT JOIN community ON community.id = c.community_id
        LEFT JOIN checklistitem ON checklistitem.id = c.item_id
        LEFT JOIN officer AS lead ON lead.id = c.lead_officer_id
        LEFT JOIN officer AS handler ON handler.id = c.handler_id
        WHERE c.id IN ({marks})""",  # noqa: S608 - no input
        ids,
    ).fetchall()


def median(action: Callable[[], Any]) -> float:
    """The median time of an action in seconds, after a warm-up."""
    action()
    times = []
    for _round in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
