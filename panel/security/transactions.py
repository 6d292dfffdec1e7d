"""Engines and their transactions: how a commit reaches the disk, and how long a transaction waits for the write lock.

SQLite has one writer at a time. A request that waits for the lock occupies a thread of the server, so both its time and
the number of requests that wait are limited: others can go on reading while somebody holds the lock. On PostgreSQL
nobody knows before which row a request will wait for, so the number of requests that write at a time is limited."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

#: Seconds that jobs and commands wait for the write lock.
BUSY_SECONDS = 30.0
#: Seconds that a request waits by default.
PAGE_SECONDS = 5.0
#: The part of these seconds that a request waits that finds all places taken, and the spare places taken too.
CROWDED, FULL_UP = 0.6, 0.1
#: Compiled statements that an engine keeps. Each role has statements of its own for each page: SQLAlchemy's 500 are
#: forgotten before they are used again, and compiling one takes longer than most statements run.
STATEMENTS = 2000
#: Values of SQLite's `synchronous`: FULL syncs each commit to the disk, NORMAL only the checkpoints of the log.
FULL, NORMAL = "FULL", "NORMAL"

#: Set for requests and commands that may write. On SQLite their transactions then begin with the write lock: one that
#: reads first and writes later fails at once ("database is locked") if another commits in between.
writing: ContextVar[bool] = ContextVar("writing", default=False)

#: Where a connection of PostgreSQL keeps its place in a queue.
_PLACE = "place"


@dataclass
class WriteQueue:
    """The requests that wait for SQLite's write lock, or that write to PostgreSQL: at most `places`, each waiting for
    at most `seconds`. Others wait as long as these get on; when nobody has got the lock (PostgreSQL: committed) for a
    while, somebody holds it for long, and they are refused. So even then some threads are free."""

    places: int = 4
    seconds: float = PAGE_SECONDS
    _changed: threading.Condition = field(default_factory=threading.Condition)
    #: Since when each place is taken, and who waits for one.
    _waiting: dict[object, float] = field(default_factory=dict)
    _spare: set[object] = field(default_factory=set)
    #: When somebody in the queue last got the lock.
    _progress: float = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, for the block that takes the lock. Raises OperationalError as of a locked database if
        there is none."""
        me = self.take()
        try:
            yield
            self._progress = time.monotonic()
        finally:
            self.leave(me)

    def take(self) -> object:
        """Take a place, and return what leave() needs. Raises OperationalError as place() does."""
        me, begun = object(), time.monotonic()
        with self._changed:
            part = CROWDED if len(self._spare) < max(1, self.places // 2) else FULL_UP
            self._spare.add(me)
            try:
                while len(self._waiting) >= self.places:
                    since = max(self._progress, min(self._waiting.values()))
                    left = min(since + part * self.seconds, begun + self.seconds) - time.monotonic()
                    if left <= 0:
                        raise OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError("database is locked"))
                    self._changed.wait(left)
            finally:
                self._spare.discard(me)
            self._waiting[me] = time.monotonic()
        return me

    def leave(self, place: object, *, done: bool = False) -> None:
        """Leave a place; `done`, having got on."""
        with self._changed:
            if done:
                self._progress = time.monotonic()
            self._waiting.pop(place, None)
            self._changed.notify_all()


#: The queue of a request; None in jobs and commands, which wait for BUSY_SECONDS.
queue: ContextVar[WriteQueue | None] = ContextVar("queue", default=None)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Hardly wait for the write lock in the block, for what a page that is read writes besides."""
    token = queue.set(WriteQueue(places=1000, seconds=0.2))
    try:
        yield
    finally:
        queue.reset(token)


@contextmanager
def reading() -> Iterator[None]:
    """Take no write lock in the block."""
    token = writing.set(False)
    try:
        yield
    finally:
        writing.reset(token)


@contextmanager
def may_write() -> Iterator[None]:
    """Set `writing` for the block."""
    token = writing.set(True)
    try:
        yield
    finally:
        writing.reset(token)


def engine_options(url: str | URL) -> dict[str, Any]:
    """Options of create_engine() for a database URL. Parameters are hidden in errors, because these go to the log."""
    common = {"hide_parameters": True, "query_cache_size": STATEMENTS}
    if make_url(url).get_backend_name() == "sqlite":
        # The driver's implicit BEGIN comes too late for savepoints and reads; configure() emits BEGIN instead.
        return {"connect_args": {"timeout": BUSY_SECONDS, "isolation_level": None}, **common}
    # As many connections as threads ask for, whose number is a setting.
    return {"pool_pre_ping": True, "max_overflow": -1, **common}


def configure(engine: Engine, synchronous: str = FULL) -> None:
    """Configure the connections and transactions of an engine. Whether a commit waits for the disk is PostgreSQL's own
    setting."""
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine, NORMAL if synchronous == NORMAL else FULL)
    else:
        _configure_postgresql(engine)


def _configure_postgresql(engine: Engine) -> None:
    """A request that writes has a place of its queue until its transaction ends; whatever a request does, it waits for
    a lock no longer than its queue says."""

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        places = queue.get()
        if places is None:
            return
        if writing.get():
            connection.info[_PLACE] = places, places.take()
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(places.seconds * 1000)}")

    @event.listens_for(engine, "commit")
    def committed(connection: Connection) -> None:
        _leave(connection.info, done=True)

    @event.listens_for(engine, "rollback")
    def rolled_back(connection: Connection) -> None:
        _leave(connection.info)

    @event.listens_for(engine.pool, "checkin")
    @event.listens_for(engine.pool, "invalidate")
    def returned(_connection: Any, record: Any, *_error: Any) -> None:
        _leave(record.info)


def _leave(info: dict[Any, Any], *, done: bool = False) -> None:
    if _PLACE in info:
        places, place = info.pop(_PLACE)
        places.leave(place, done=done)


def _configure_sqlite(engine: Engine, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        if not writing.get():
            connection.exec_driver_sql("BEGIN")
            return
        places = queue.get()
        seconds = places.seconds if places is not None else BUSY_SECONDS
        if connection.info.get("busy_seconds", BUSY_SECONDS) != seconds:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(seconds * 1000)}")
            connection.info["busy_seconds"] = seconds
        with places.place() if places is not None else nullcontext():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
