"""Signs of life of jobs, and the search for those that are dead.

A job that runs changes `beat_at` of its row. Whoever sees that it hasn't changed for a while, by a clock of their own
that nobody sets, takes the job for dead: its server was switched off, or its database was gone when it ended. The
clocks of two servers needn't agree.

On SQLite a job gives no sign but its start: a commit of another connection makes an import plan anew, and while the job
writes nobody else can. So it is given hours there, unless this installation's own worker knows better."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select

from panel.jobs.job_store import JobStore
from panel.jobs.records import Job, JobState
from panel.security.policy import table_of

log = logging.getLogger(__name__)

#: Seconds between two signs of life.
BEAT_SECONDS = 15.0
#: Seconds without one after which a job of another server is dead; and on SQLite.
PATIENCE, SQLITE_PATIENCE = 180.0, 7200.0


@contextmanager
def beating(store: JobStore, id_: int) -> Iterator[None]:
    """Give signs of life of a job meanwhile."""
    if store.engine.dialect.name == "sqlite":
        yield
        return
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                store.beat(id_)
            except Exception as error:  # the database is gone or busy: the job itself will tell
                log.debug("no sign of life of job %s: %s", id_, error)

    threading.Thread(target=beat, name=f"job {id_}", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


class Watch:
    """The running jobs as they were seen."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._since: dict[tuple[int, datetime | None], float] = {}

    def interrupt_dead(self, alive: set[int]) -> list[int]:
        """Mark jobs as interrupted that gave no sign of life for long; `alive` are this process's own. Returns their
        ids."""
        engine, moment = self._store.engine, time.monotonic()
        patience = SQLITE_PATIENCE if engine.dialect.name == "sqlite" else PATIENCE
        table = table_of(Job).c
        with engine.connect() as connection:
            running = connection.execute(select(table.id, table.beat_at).where(table.state == JobState.RUNNING)).all()
        seen = {(row.id, row.beat_at): moment for row in running if row.id not in alive}
        self._since = {key: self._since.get(key, since) for key, since in seen.items()}
        dead = [key for key, since in self._since.items() if moment - since >= patience]
        return [id_ for id_, beat in dead if self._store.interrupt(id_, beat)]
