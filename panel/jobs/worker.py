"""Background jobs: long work done by one worker of the server, with progress. A job writes everything or nothing.

    @jobs.kind("export")
    def export(session, context, params):
        for n, row in enumerate(rows):
            context.progress(n, total)              # raises if the owner has cancelled the job
        context.file("cases.xlsx").write_bytes(…)   # offered to the owner on the job's page
        return {"rows": total}                      # "url" is linked on the page, "open": True opens it at once

    id = jobs.enqueue(session, "export", {"table": "book"}, title=_("Export"))   # its page: /jobs/<id>

The function runs in a session whose actor is the owner, with the owner's current roles and scope. Messages of
AccessDenied and UserError are shown to the owner. It must not commit: its writes are committed together with the job's
state. Before it writes it calls context.begin_writing(). Parameters and results are JSON.

Progress and cancel requests are files in the job's folder, not rows, because on SQLite the job may hold the write
lock."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, joinedload

from panel import progress
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import Message, _, using_locale
from panel.jobs.heartbeat import Watch, beating
from panel.jobs.job_store import JobStore
from panel.jobs.records import Job, JobState
from panel.jobs.work import KINDS, Cancelled, Context, Stopped, data_version, kind, read_progress
from panel.kinds import now
from panel.security.accounts import User, roles_in_force
from panel.security.keys import keys_of
from panel.security.policy import AccessDenied, Actor, table_of
from panel.security.session import install_listeners, set_actor, writing
from panel.store.db_errors import is_busy

__all__ = ["ENDED", "Context", "Jobs", "enqueue", "kind", "read_progress"]

log = logging.getLogger(__name__)

#: Seconds between two attempts to become the worker, and between two searches for lost jobs.
RETRY_SECONDS, SEARCH_SECONDS = 5.0, 60.0
#: Time after which a job that waits for a server which is gone isn't waited for any more.
ORPHANED = timedelta(days=1)

ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})
DEFECT = _("Something went wrong. Nothing was written. The administrator finds the details in the log.")
BUSY = _("The database is busy. Nothing was written. Try again in a moment.")
GONE = _("The account is not active any more. Nothing was written.")


def enqueue(
    session: Session, kind: str, params: Mapping[str, Any], *, title: Message | str = "", mark: str = ""
) -> int:
    """Queue a job of the session's actor, commit the session, and return the job's id. While a job of the same kind and
    `mark` waits or runs, its id is returned instead. Raises AccessDenied without an account."""
    jobs = session.info["jobs"]
    assert isinstance(jobs, Jobs)
    return jobs.enqueue(session, kind, params, title=title, mark=mark)


@dataclass
class Jobs(JobStore):
    """The jobs of a panel and their worker. `facts` reads the owner's Actor.facts; `around` is a context manager for
    the work. `url` is that of the queue's Redis server; None for SQLite."""

    facts: Callable[[Any, int, frozenset[str]], Mapping[str, frozenset[int]]]
    url: str | None = None
    around: Callable[[Actor], AbstractContextManager[Any]] = lambda _actor: nullcontext()
    _queue: Any = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _runner: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _hooked: bool = False
    #: The jobs that this process runs, and endings that couldn't be recorded, for example as the database was gone.
    _running: set[int] = field(default_factory=set)
    _unrecorded: set[int] = field(default_factory=set)
    _watch: Watch | None = None

    def enqueue(
        self, session: Session, kind: str, params: Mapping[str, Any], *, title: Message | str = "", mark: str = ""
    ) -> int:
        if kind not in KINDS:
            raise LookupError(kind)
        id_ = self.add(session, kind, params, title=title, mark=mark)
        try:
            self.queue.put(id_)
        except Exception:  # the job is stored; the worker will find it
            log.exception("job %s can't be queued", id_)
        return id_

    # Running jobs.

    @property
    def queue(self) -> Any:
        """The queue. It is opened when first needed, and again after a fork."""
        with self._lock:
            if self._queue is None or self._queue.process != os.getpid():
                # Imported only when needed: the library takes much memory, and most commands don't need it.
                from panel.jobs.queue import Queue  # noqa: PLC0415

                self._queue = Queue(self.root, self.url, self.secret, self.run)
            return self._queue

    def run_pending(self) -> int:
        """Run all waiting jobs in this thread, and return their number."""
        return int(self.queue.drain())

    def run(self, id_: int) -> None:
        """Run a job of this server if it still waits."""
        self._running.add(id_)
        try:
            if self._run(id_):
                self.tidy()
        finally:
            self._running.discard(id_)

    def _run(self, id_: int) -> bool:
        with self.session() as session:
            claim = update(Job).where(Job.id == id_, Job.state == JobState.QUEUED, Job.server.in_(self._own))
            values = {"state": JobState.RUNNING, "started_at": now(), "beat_at": now(), "server": self.server}
            claimed = session.execute(claim.values(values))
            job = session.get(Job, id_) if claimed.rowcount == 1 else None  # type: ignore[attr-defined]
            if job is None:
                return False
            name, locale, owner, params = job.kind, job.locale, job.owner_id, dict(job.params)
        with using_locale(locale):
            started = time.monotonic()
            with beating(self, id_):
                state, message = self._execute(id_, name, owner, params)
            log.info("job %s %s: %s after %.1f s", id_, name, state.value, time.monotonic() - started)
            if state is not JobState.DONE:
                shutil.rmtree(self.root / str(id_) / "files", ignore_errors=True)
                try:
                    self.set_ended(id_, state, str(message))
                except Exception:
                    log.exception("the end of job %s can't be recorded yet", id_)
                    self._unrecorded.add(id_)
                    return False
        return True

    @property
    def _own(self) -> tuple[str, str]:
        """The servers of jobs that this one runs: itself, and none, as of jobs from before there were several."""
        return (self.server, "")

    def _execute(self, id_: int, name: str, owner: int, params: dict[str, Any]) -> tuple[JobState, Message | str]:
        """Run the function of a job and commit its writes with the state. Returns the final state and a message."""
        token = writing.set(False)
        try:
            # One connection for the whole job, because data_version() is per connection.
            with self.engine.connect() as connection, Session(connection) as session:
                install_listeners(session)
                session.info.update(policy=self.policy, secret=keys_of(self.engine).hash, jobs=self)
                version = data_version(session)
                actor = self._actor(session, owner)
                set_actor(session, actor)
                context = Context(id_, actor, self.folder(id_), session, self._stop.is_set, version)
                with self.around(actor), progress.reported_to(lambda m, n, of: context.progress(n, of, m)):
                    context.check()
                    result = KINDS[name](session, context, params)
                    context.check()
                    session.flush()
                    if not writing.get():
                        context.begin_writing()
                    self.set_done(session, id_, result)
                    session.commit()
                    self._after_commit(context)
            return JobState.DONE, ""
        except Cancelled:
            return JobState.CANCELLED, ""
        except Stopped:
            return JobState.INTERRUPTED, ""
        except (AccessDenied, UserError) as problem:
            return JobState.FAILED, problem.message
        except OperationalError as error:
            log.exception("job %s", id_, exc_info=error)
            return JobState.FAILED, BUSY if is_busy(error) else DEFECT
        except Exception:
            log.exception("job %s", id_)
            return JobState.FAILED, DEFECT
        finally:
            writing.reset(token)

    @staticmethod
    def _after_commit(context: Context) -> None:
        for then in context.after_commit:
            try:
                then()
            except Exception:  # the job is committed; leftover files expire
                log.exception("after job %s", context.id)

    def _actor(self, session: Session, owner: int) -> Actor:
        """The owner as an actor with current roles. Raises AccessDenied if the account isn't active."""
        statement = select(User).where(User.id == owner, User.active).options(joinedload(User.roles))
        user = session.execute(statement, execution_options=UNSCOPED).unique().scalar_one_or_none()
        if user is None:
            raise AccessDenied(GONE)
        roles = roles_in_force(user)
        return self.policy.actor(user.name, user.id, roles, self.facts(session, user.id, roles))

    # The worker.

    def start(self) -> None:
        """Start the worker thread. It runs jobs as soon as no other process of this installation does. Idempotent;
        restarted after a fork. Raises UserError if the queue can't be reached."""
        with self._lock:
            if self._runner is not None and self._runner.is_alive():
                return
            self.queue.check()
            self._stop.clear()
            self._runner = threading.Thread(target=self._run_worker, name="jobs", daemon=True)
            self._runner.start()
            if not self._hooked:
                self._hooked = True
                atexit.register(self.stop, 2.0)
                if hasattr(os, "register_at_fork"):
                    os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._runner = None
        if not self._stop.is_set():
            self.start()

    def ask_to_stop(self) -> None:
        """Let a running job end as interrupted at its next check, and begin no other; without waiting for it."""
        self._stop.set()

    def stop(self, seconds: float = 30.0) -> None:
        """Stop the worker. A running job ends as interrupted at its next check. Waits at most `seconds`."""
        self._stop.set()
        if self._runner is not None:
            self._runner.join(seconds)

    def _run_worker(self) -> None:
        lock = None
        while lock is None:
            lock = self._acquire_lock()
            if lock is None and self._stop.wait(RETRY_SECONDS):
                return
        consumer = None
        while not self._stop.is_set():
            try:
                self.recover()
                consumer = self.queue.consume()
                break
            except Exception:
                log.exception("jobs can't be done")
                self._stop.wait(RETRY_SECONDS)
        searched = time.monotonic()
        while not self._stop.wait(RETRY_SECONDS):
            try:
                self.record_endings()
                if time.monotonic() - searched >= SEARCH_SECONDS:
                    searched = time.monotonic()
                    self.find_lost()
                    self.find_dead()
            except Exception:
                log.exception("jobs can't be looked for")
        if consumer is not None:
            consumer.stop(graceful=True)
        lock.close()

    def _acquire_lock(self) -> sqlite3.Connection | None:
        """The lock of the process that runs jobs, or None if another has it. The system releases it when the process
        ends in any way."""
        lock = sqlite3.connect(self.root / "worker.lock", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            return None
        return lock

    def recover(self) -> int:
        """Mark jobs that were running when the last worker of this server ended as interrupted, and queue waiting ones
        again. Returns the number of interrupted jobs, of which nothing was written. Jobs of another server on the same
        database are its own matter as long as they give signs of life."""
        with self.session() as session:
            running = update(Job).where(Job.state == JobState.RUNNING, Job.server.in_(self._own))
            result = session.execute(running.values(state=JobState.INTERRUPTED, ended_at=now()))
            orphaned = update(Job).where(Job.state == JobState.QUEUED, Job.server.not_in(self._own))
            orphaned = orphaned.where(Job.created_at < now() - ORPHANED)
            session.execute(orphaned.values(state=JobState.INTERRUPTED, ended_at=now()))
        self.find_lost()
        self.tidy()
        return int(result.rowcount)  # type: ignore[attr-defined]

    def record_endings(self) -> None:
        """Mark jobs as interrupted whose end couldn't be recorded when they ended."""
        for id_ in list(self._unrecorded):
            self.set_ended(id_, JobState.INTERRUPTED, "")
            self._unrecorded.discard(id_)

    def find_dead(self) -> None:
        """Mark jobs as interrupted that gave no sign of life for long, whichever server they ran on."""
        self._watch = self._watch or Watch(self)
        for id_ in self._watch.interrupt_dead(self._running):
            log.warning("job %s gave no sign of life and was interrupted", id_)

    def find_lost(self) -> None:
        """Queue waiting jobs again if the queue is empty: they may have been lost, or the queue may have been
        unreachable."""
        if self.queue.size():
            return
        with self.engine.connect() as connection:
            table = table_of(Job)
            waiting = select(table.c.id).where(table.c.state == JobState.QUEUED, table.c.server.in_(self._own))
            job_ids = list(connection.execute(waiting.order_by(table.c.id)).scalars())
        for id_ in job_ids:
            self.queue.put(id_)
