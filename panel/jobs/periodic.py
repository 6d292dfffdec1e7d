"""Periodic work. Each piece has a row in the database, so that of several processes only one does it.

    periodic.register(panel, "visits.plan", timedelta(hours=1), plan_visits)

Claiming the row and the work are one transaction: if the work fails or the server dies, the row is unchanged and the
next round tries again. On SQLite the transaction locks out other writers. So the work must be short and idempotent,
and return at once if there is nothing to do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel.jobs.records import PeriodicRun
from panel.kinds import now

log = logging.getLogger(__name__)

#: Time between two rounds, and from the start of the server to the first.
ROUND, FIRST = timedelta(minutes=5), timedelta(seconds=15)
#: Work that was done so far in the future was done by a clock that was wrong: it is due.
AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work, done at most once in `every` by all processes together. `run` is given a system session and must
    not commit. It may return a function, which is called after the commit, for slow work outside the transaction."""

    name: str
    every: timedelta
    run: Callable[[Session], Any]


class Host(Protocol):
    """The panel, as far as periodic work needs it."""

    app: Any
    db: Any
    periodic: dict[str, Work]

    def system_session(self) -> AbstractContextManager[Session]: ...


class Result(StrEnum):
    DONE = "done"
    #: Not due, or another process was faster.
    LEFT = "left"
    FAILED = "failed"


def register(host: Host, name: str, every: timedelta, run: Callable[[Session], Any]) -> None:
    """Have `run` called with a system session once `every` has passed since its last success. Raises ValueError for a
    name in use."""
    if name in host.periodic:
        raise ValueError(f"periodic work {name} is registered twice")
    host.periodic[name] = Work(name, every, run)


def tick(host: Host, *, force: bool = False, stopping: Callable[[], bool] = lambda: False) -> dict[str, Result]:
    """Do all work that is due, or all work if `force`; each piece in its own transaction. Needs an application
    context. No further piece is begun once `stopping`."""
    due = set(host.periodic) if force else _due(host)
    results = {}
    for work in list(host.periodic.values()):
        if stopping():
            break
        if work.name in due:
            results[work.name] = _do(host, work, force=force)
    return results


def _due(host: Host) -> set[str]:
    """Names of the work that is due. Takes no lock, since usually nothing is; _claimed() checks again."""
    engine = host.db.engine
    with Session(engine) as session:
        ran_at = {run.name: run.ran_at for run in session.execute(select(PeriodicRun)).scalars()}
    return {
        work.name
        for work in host.periodic.values()
        if (at := ran_at.get(work.name)) is None or not now() - work.every < at <= now() + AHEAD
    }


def _do(host: Host, work: Work, *, force: bool) -> Result:
    try:
        with host.system_session() as session:
            if not _claimed(session, work, force=force):
                return Result.LEFT
            after = work.run(session)
        if callable(after):
            after()
    except Exception:
        log.exception("periodic work failed: %s", work.name, extra={"work": work.name})
        return Result.FAILED
    log.debug("periodic work done: %s", work.name, extra={"work": work.name})  # PeriodicRun holds the time
    return Result.DONE


def _claimed(session: Session, work: Work, *, force: bool) -> bool:
    """Claim the work by updating its row, which stays locked until the commit. False if another process did it."""
    known = select(PeriodicRun.id).where(PeriodicRun.name == work.name)
    if session.execute(known).first() is None:
        try:
            with session.begin_nested():
                session.execute(insert(PeriodicRun).values(name=work.name))
        except IntegrityError:
            log.debug("another process came first: %s", work.name)
    claim = update(PeriodicRun).where(PeriodicRun.name == work.name).values(ran_at=now())
    if not force:
        ran_at, at = PeriodicRun.ran_at, now()
        claim = claim.where(or_(ran_at.is_(None), ran_at <= at - work.every, ran_at > at + AHEAD))
    result: Any = session.execute(claim, execution_options={"synchronize_session": False})
    return bool(result.rowcount)


class Ticker:
    """The server's thread that does periodic work, round by round."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._rounds, name="periodic", daemon=True)

    def start(self) -> Ticker:
        self._thread.start()
        return self

    def ask_to_stop(self) -> None:
        """Let the thread end after the present piece of work, without waiting for it."""
        self._stopped.set()

    def stop(self, seconds: float | None = None) -> None:
        """Stop the thread; waits for the present piece of work, at most `seconds`."""
        self._stopped.set()
        self._thread.join(seconds)

    def _rounds(self) -> None:
        pause = FIRST
        while not self._stopped.wait(pause.total_seconds()):
            pause = ROUND
            try:
                with self._host.app.app_context():
                    tick(self._host, stopping=self._stopped.is_set)
            except Exception:
                log.exception("a round of periodic work failed")
