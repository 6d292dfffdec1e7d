"""Work that comes round by itself: each piece behind a row of its own, so that several processes may each try it and
one of them does it.

    periodic.register(panel, "visits.plan", timedelta(hours=1), plan_visits)

Claim, work and mark are one transaction: work that fails, or a server that dies over it, leaves the row as it was, and
the next round tries again. On SQLite nobody else writes meanwhile, so a piece of work is short and idempotent, and
leaves at once when there is nothing to do.
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

#: Between two rounds of a server, and before its first one.
ROUND, FIRST = timedelta(minutes=5), timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Work:
    """Done at most once in `every`, among all processes; `run` is given a session of the system's and doesn't
    commit. What it may give is called after the commit, outside any transaction: there is time for slow work."""

    name: str
    every: timedelta
    run: Callable[[Session], Any]


class Host(Protocol):
    """What has periodic work: the assembled panel."""

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
    """Have `run` called with a system session whenever `every` has gone by since it last succeeded."""
    if name in host.periodic:
        raise ValueError(f"periodic work {name} is registered twice")
    host.periodic[name] = Work(name, every, run)


def tick(host: Host, *, force: bool = False) -> dict[str, Result]:
    """Do what is due, each piece in a transaction of its own; `force` does all of it. Inside an application context."""
    due = set(host.periodic) if force else _due(host)
    return {work.name: _do(host, work, force=force) for work in list(host.periodic.values()) if work.name in due}


def _due(host: Host) -> set[str]:
    """What seems due; asked without locking anything, since mostly nothing is."""
    engine = host.db.engine
    with Session(engine) as session:
        ran = {run.name: run.ran_at for run in session.execute(select(PeriodicRun)).scalars()}
    return {
        work.name for work in host.periodic.values() if (at := ran.get(work.name)) is None or at <= now() - work.every
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
    log.info("periodic work done: %s", work.name, extra={"work": work.name})
    return Result.DONE


def _claimed(session: Session, work: Work, *, force: bool) -> bool:
    """Whether this process is the one: it changed the row, which stays locked until the work is committed."""
    known = select(PeriodicRun.id).where(PeriodicRun.name == work.name)
    if session.execute(known).first() is None:
        try:
            with session.begin_nested():
                session.execute(insert(PeriodicRun).values(name=work.name))
        except IntegrityError:
            log.debug("another process came first: %s", work.name)
    claim = update(PeriodicRun).where(PeriodicRun.name == work.name).values(ran_at=now())
    if not force:
        claim = claim.where(or_(PeriodicRun.ran_at.is_(None), PeriodicRun.ran_at <= now() - work.every))
    result: Any = session.execute(claim, execution_options={"synchronize_session": False})
    return bool(result.rowcount)


class Ticker:
    """A thread of the server's that does what is due, round by round."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._rounds, name="periodic", daemon=True)

    def start(self) -> Ticker:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Returns once the piece of work at hand is done."""
        self._stopped.set()
        self._thread.join()

    def _rounds(self) -> None:
        pause = FIRST
        while not self._stopped.wait(pause.total_seconds()):
            pause = ROUND
            try:
                with self._host.app.app_context():
                    tick(self._host)
            except Exception:
                log.exception("a round of periodic work failed")
