"""A server killed at random moments while people report, step, edit and import: `make soak`.

After each kill the database is looked at and the server started again. Ends with 1 when anything is broken, or when
an answer said "saved" and it isn't. Whatever people do and when the server is killed follows from the seed that is
printed; how far they get until then does not."""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.people import Edited, Notes, Person
from bench.site import Server, Site
from bench.sound import faults, lost
from bench.trail import Start
from bench.visitor import Fault, Gone, Visitor
from bureau.access.roles import LEADER, LIAISON, OFFICE
from panel.jobs.records import Job, JobState

PEOPLE = 6
#: Rows of a file that a request writes, and of one that a job does.
SMALL, LARGE = 60, 2_100
#: One round of so many, the server is killed while it writes a large file, at most so many seconds after it was asked
#: to; else after so many answers to all of them, in the midst of others.
LARGE_EVERY, WRITING = 5, 2.0
ANSWERS, MIDST = (5, 40), 0.15
#: Answers that a log-in takes.
LOG_IN = 4
#: Seconds that a round takes at most, however busy the machine is.
LONGEST = 20
#: Seconds that what waited may take at the end.
SETTLED = 60


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument("--database", default="", help="an empty PostgreSQL database; without it SQLite")
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        site = Site.build(Path(folder), PEOPLE, database_url=given.database)
        found = soak(site, given.rounds, given.seed, print)
    for fault in found:
        print(fault)
    return int(bool(found))


def soak(site: Site, rounds: int, seed: int, say: Callable[[str], object]) -> list[str]:
    """So many rounds of work and kill; gives what was found broken, and ends at the first round that broke anything."""
    say(f"seed {seed}")
    people = [Person(Visitor(account), random.Random(), site.knows) for account in site.accounts]  # noqa: S311
    shared = ("community", people[0].visitor.account.community, "households")
    with site.session() as session:
        start = Start.of(session, shared)
    found: list[str] = []
    for number in range(1, rounds + 1):
        for place, person in enumerate(people):
            person.rng.seed(f"{seed}/{number}/{place}")
        rng = random.Random(f"{seed}/{number}")  # noqa: S311 - not for secrets
        found += _round(Server(site).wait(), people, rng, Round(number, shared))
        notes = Notes()
        for person in people:
            notes += person.notes
        site.quiet()
        with site.session() as session:
            found += [*faults(session, site.store), *lost(session, notes, start)]
        found += site.complaints()
        say(
            f"round {number}: {len(notes.reports)} reports, {notes.steps.total()} steps, {notes.edits.total()} edits, "
            f"{len(notes.imports)} imports confirmed; {'broken' if found else 'all there'}"
        )
        if found:
            return [*found, f"seed {seed}, round {number}"]
    return _settled(site)


@dataclass
class Round:
    """What everybody shares: which round it is, the field that is raised, whether it is over, whether a large file is
    about to be written."""

    number: int
    shared: Edited
    over: threading.Event = field(default_factory=threading.Event)
    writing: threading.Event = field(default_factory=threading.Event)

    @property
    def large(self) -> bool:
        return self.number % LARGE_EVERY == 0


def _round(server: Server, people: list[Person], rng: random.Random, now: Round) -> list[str]:
    """Let everybody work until the server is killed."""
    broken: list[str] = []
    over = now.over

    def work(person: Person, place: int) -> None:
        person.visitor.servers = [server]
        try:
            if not person.visitor.logged_in:
                person.visitor.log_in()
            while not over.is_set():
                _act(person, now, first=place == 0)
        except Gone as error:
            if not over.is_set():
                broken.append(f"the server went away by itself: {error}")
        except Fault as fault:
            if not over.is_set():
                broken.append(str(fault))
        except Exception as error:
            broken.append(repr(error))

    threads = [threading.Thread(target=work, args=given) for given in zip(people, range(len(people)), strict=True)]
    answers = rng.randint(*ANSWERS) + sum(
        person.visitor.answered if person.visitor.logged_in else LOG_IN for person in people
    )
    midst = rng.uniform(0, WRITING if now.large else MIDST)
    for thread in threads:
        thread.start()
    until = time.monotonic() + LONGEST
    while time.monotonic() < until and any(thread.is_alive() for thread in threads):
        if now.writing.is_set() if now.large else sum(person.visitor.answered for person in people) >= answers:
            break
        time.sleep(0.005)
    time.sleep(midst)
    over.set()
    server.kill()
    for thread in threads:
        thread.join()
    return broken


def _act(person: Person, now: Round, *, first: bool) -> None:
    """What somebody does next. One of the office imports small files, the other large ones; both edit."""
    role = person.visitor.account.role
    if role != OFFICE:
        acts = {LIAISON: (person.report, person.remark), LEADER: (person.remark, person.work)}
        person.rng.choice(acts.get(role, (person.report, person.work, person.work)))()
    elif now.large and not first and not now.writing.is_set():
        person.bring_in("大表", LARGE, now.number, now.over.is_set, now.writing.set)
        now.writing.set()
    elif first and person.rng.random() < 0.3:
        person.said += 1
        person.bring_in("小表", SMALL, now.number * 1000 + person.said, now.over.is_set)
    elif person.rng.random() < 0.7:
        person.raise_by_one(*now.shared)
    else:
        person.work()


def _settled(site: Site) -> list[str]:
    """After the last start what waited is done, and nothing seems to be running for ever."""
    server = Server(site).wait()
    until = time.monotonic() + SETTLED
    try:
        while time.monotonic() < until:
            with site.session() as session:
                going = [job.id for job in session.query(Job) if job.state in (JobState.QUEUED, JobState.RUNNING)]
            if not going:
                return []
            time.sleep(0.2)
    finally:
        server.kill()
    return [f"jobs that never end: {going}"]


if __name__ == "__main__":
    sys.exit(main())
