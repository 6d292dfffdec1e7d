"""Soak test: a server is killed at random moments while users report, take steps, edit and import; `make soak`.

After each kill the database is checked and the server started again. Exit status 1 if anything is inconsistent or a
confirmed change is missing. Actions and moments of the kills follow from the printed seed; how far the users get does
not."""

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
#: Rows of a file imported by a request, and of one imported by a job.
SMALL, LARGE = 60, 2_100
#: In every LARGE_EVERY-th round the server is killed up to WRITE_DELAY seconds after the import of a large file was
#: requested; else up to KILL_DELAY seconds after a random number of answers.
LARGE_EVERY, WRITE_DELAY = 5, 2.0
ANSWERS, KILL_DELAY = (5, 40), 0.15
#: Number of answers during a log-in.
LOG_IN = 4
#: Most seconds of a round.
MAX_SECONDS = 20
#: Most seconds for the remaining jobs at the end.
SETTLED = 60


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument("--database", default="", help="an empty PostgreSQL database; without it SQLite")
    arguments = options.parse_args()
    with TemporaryDirectory() as folder:
        site = Site.build(Path(folder), PEOPLE, database_url=arguments.database)
        problems = soak(site, arguments.rounds, arguments.seed, print)
    for problem in problems:
        print(problem)
    return int(bool(problems))


def soak(site: Site, rounds: int, seed: int, output: Callable[[str], object]) -> list[str]:
    """Run rounds of work and kill up to the first problem, and return the problems found."""
    output(f"seed {seed}")
    people = [Person(Visitor(account), random.Random(), site.knows) for account in site.accounts]  # noqa: S311
    shared = ("community", people[0].visitor.account.community, "households")
    with site.session() as session:
        start = Start.of(session, shared)
    problems: list[str] = []
    for number in range(1, rounds + 1):
        for index, person in enumerate(people):
            person.rng.seed(f"{seed}/{number}/{index}")
        rng = random.Random(f"{seed}/{number}")  # noqa: S311 - not for secrets
        problems += _round(Server(site).wait(), people, rng, RoundState(number, shared))
        notes = Notes()
        for person in people:
            notes += person.notes
        site.quiet()
        with site.session() as session:
            problems += [*faults(session, site.store), *lost(session, notes, start)]
        problems += site.complaints()
        output(
            f"round {number}: {len(notes.reports)} reports, {notes.steps.total()} steps, {notes.edits.total()} edits, "
            f"{len(notes.imports)} imports confirmed; {'broken' if problems else 'all there'}"
        )
        if problems:
            return [*problems, f"seed {seed}, round {number}"]
    return _unfinished_jobs(site)


@dataclass
class RoundState:
    """State of a round, shared by its users: the field to increase, `over` at its end, `writing` when a large import
    begins."""

    number: int
    shared: Edited
    over: threading.Event = field(default_factory=threading.Event)
    writing: threading.Event = field(default_factory=threading.Event)

    @property
    def large(self) -> bool:
        return self.number % LARGE_EVERY == 0


def _round(server: Server, people: list[Person], rng: random.Random, state: RoundState) -> list[str]:
    """Let everybody work until the server is killed; returns the problems found."""
    broken: list[str] = []
    stop = state.over

    def work(person: Person, place: int) -> None:
        person.visitor.servers = [server]
        try:
            if not person.visitor.logged_in:
                person.visitor.log_in()
            while not stop.is_set():
                _next_action(person, state, first=place == 0)
        except Gone as error:
            if not stop.is_set():
                broken.append(f"the server went away by itself: {error}")
        except Fault as fault:
            if not stop.is_set():
                broken.append(str(fault))
        except Exception as error:
            broken.append(repr(error))

    threads = [threading.Thread(target=work, args=args) for args in zip(people, range(len(people)), strict=True)]
    answers = rng.randint(*ANSWERS) + sum(
        person.visitor.answered if person.visitor.logged_in else LOG_IN for person in people
    )
    delay = rng.uniform(0, WRITE_DELAY if state.large else KILL_DELAY)
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline and any(thread.is_alive() for thread in threads):
        if state.writing.is_set() if state.large else sum(person.visitor.answered for person in people) >= answers:
            break
        time.sleep(0.005)
    time.sleep(delay)
    stop.set()
    server.kill()
    for thread in threads:
        thread.join()
    return broken


def _next_action(person: Person, state: RoundState, *, first: bool) -> None:
    """Run a random action by role. One office user imports small files, the other one large files; both edit."""
    role = person.visitor.account.role
    if role != OFFICE:
        acts = {LIAISON: (person.report, person.remark), LEADER: (person.remark, person.work)}
        person.rng.choice(acts.get(role, (person.report, person.work, person.work)))()
    elif state.large and not first and not state.writing.is_set():
        person.bring_in("大表", LARGE, state.number, state.over.is_set, state.writing.set)
        state.writing.set()
    elif first and person.rng.random() < 0.3:
        person.said += 1
        person.bring_in("小表", SMALL, state.number * 1000 + person.said, state.over.is_set)
    elif person.rng.random() < 0.7:
        person.raise_by_one(*state.shared)
    else:
        person.work()


def _unfinished_jobs(site: Site) -> list[str]:
    """Start the server once more and wait for the remaining jobs; a problem for jobs that don't end."""
    server = Server(site).wait()
    deadline = time.monotonic() + SETTLED
    try:
        while time.monotonic() < deadline:
            with site.session() as session:
                unfinished = [job.id for job in session.query(Job) if job.state in (JobState.QUEUED, JobState.RUNNING)]
            if not unfinished:
                return []
            time.sleep(0.2)
    finally:
        server.kill()
    return [f"jobs that never end: {unfinished}"]


if __name__ == "__main__":
    sys.exit(main())
