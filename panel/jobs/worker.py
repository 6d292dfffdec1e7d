"""Long work, done off the request by one worker of the server, with progress; all of it is written or nothing.

    @jobs.kind("export")
    def export(session, context, params):
        for n, row in enumerate(rows):
            context.progress(n, total)              # ends the work here when its owner has cancelled it
        context.file("cases.xlsx").write_bytes(…)   # offered on the job's page to its owner
        return {"rows": total}                      # {"url": …} is linked on the page, {"open": True} opens it at once

    id = jobs.enqueue(session, "export", {"table": "book"}, title=_("Export"))   # its page: /jobs/<id>

The work runs in a session whose actor is the owner, with the roles and rows as of then: it checks rights as a request
does (`AccessDenied` and `UserError` are told to the owner). It must not commit: the session's writes and "done" are
committed together. A session that is to write calls `context.begin_writing()` first. Parameters and results are plain
JSON.

How far it is and the wish to cancel stand as files in the job's folder, not in the database: on SQLite the worker may
be the only one who can write there."""

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
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, joinedload

from panel import progress
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import Message, _, using_locale
from panel.jobs.job_store import JobStore
from panel.jobs.records import Job, JobState
from panel.jobs.work import KINDS, Cancelled, Context, Stopped, data_version, kind, read_progress
from panel.kinds import now
from panel.security.accounts import User
from panel.security.policy import AccessDenied, Actor, table_of
from panel.security.session import install_listeners, set_actor, writing
from panel.store.db_errors import is_busy

__all__ = ["ENDED", "Context", "Jobs", "enqueue", "kind", "read_progress"]

log = logging.getLogger(__name__)

#: Seconds until another process takes over, and between two looks for what was lost.
TAKE_OVER, LOST = 5.0, 60.0

ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})
DEFECT = _("Something went wrong. Nothing was written. The administrator finds the details in the log.")
BUSY = _("The database is busy. Nothing was written. Try again in a moment.")
GONE = _("The account is not active any more. Nothing was written.")


def enqueue(
    session: Session, kind: str, params: Mapping[str, Any], *, title: Message | str = "", mark: str = ""
) -> int:
    """Ask for a job on behalf of the session's actor, and commit the session. Gives the job's id. Asked for again
    under the same `mark` while it waits or runs, it is the same job."""
    jobs = session.info["jobs"]
    assert isinstance(jobs, Jobs)
    return jobs.enqueue(session, kind, params, title=title, mark=mark)


@dataclass
class Jobs(JobStore):
    """The jobs of a panel, and the worker that does them. `facts` gives the ids that an
    owner's scopes are made of, `around` what the work runs inside."""

    facts: Callable[[Any, int, frozenset[str]], Mapping[str, frozenset[int]]]
    url: str | None = None
    around: Callable[[Actor], AbstractContextManager[Any]] = lambda _actor: nullcontext()
    _queue: Any = None
    _making: threading.RLock = field(default_factory=threading.RLock)
    _runner: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _hooked: bool = False

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

    # Doing.

    @property
    def queue(self) -> Any:
        """The queue, opened when it is first needed: after a fork, if there is one."""
        with self._making:
            if self._queue is None or self._queue.process != os.getpid():
                # Its library takes a tenth of the memory of a command that needs none of it.
                from panel.jobs.queue import Queue  # noqa: PLC0415

                self._queue = Queue(self.root, self.url, self.secret, self.run)
            return self._queue

    def run_pending(self) -> int:
        """Do what is waiting, here and now; gives how many jobs that were."""
        return int(self.queue.drain())

    def run(self, id_: int) -> None:
        """Do one job, if it still waits."""
        with self.session() as session:
            mine = update(Job).where(Job.id == id_, Job.state == JobState.QUEUED)
            claimed = session.execute(mine.values(state=JobState.RUNNING, started_at=now()))
            job = session.get(Job, id_) if claimed.rowcount == 1 else None  # type: ignore[attr-defined]
            if job is None:
                return
            name, locale, owner, params = job.kind, job.locale, job.owner_id, dict(job.params)
        with using_locale(locale):
            begun = time.monotonic()
            state, message = self._work(id_, name, owner, params)
            log.info("job %s %s: %s after %.1f s", id_, name, state.value, time.monotonic() - begun)
            if state is not JobState.DONE:
                shutil.rmtree(self.root / str(id_) / "files", ignore_errors=True)
                self.set_ended(id_, state, str(message))
        self.tidy()

    def _work(self, id_: int, name: str, owner: int, params: dict[str, Any]) -> tuple[JobState, Message | str]:
        """Do the work and commit it together with "done"; or say what became of it instead."""
        token = writing.set(False)
        try:
            # One connection throughout: whether somebody else has written is known of a connection.
            with self.engine.connect() as connection, Session(connection) as session:
                install_listeners(session)
                session.info.update(policy=self.policy, secret=self.secret, jobs=self)
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
                    self._tidy_up_after(context)
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
    def _tidy_up_after(context: Context) -> None:
        for then in context.after_commit:
            try:
                then()
            except Exception:  # all is written; what is left lying goes by its age
                log.exception("after job %s", context.id)

    def _actor(self, session: Session, owner: int) -> Actor:
        """The owner as of now."""
        statement = select(User).where(User.id == owner, User.active).options(joinedload(User.roles))
        user = session.execute(statement, execution_options=UNSCOPED).unique().scalar_one_or_none()
        if user is None:
            raise AccessDenied(GONE)
        roles = frozenset(role.role for role in user.roles)
        return Actor(user.name, user.id, roles, self.facts(session, user.id, roles))

    # The worker.

    def start(self) -> None:
        """Do jobs in threads of this process from now on, unless another process of this installation does; then as
        soon as that one ends. Idempotent; survives a fork."""
        with self._making:
            if self._runner is not None and self._runner.is_alive():
                return
            self.queue.check()
            self._stop.clear()
            self._runner = threading.Thread(target=self._keep_running, name="jobs", daemon=True)
            self._runner.start()
            if not self._hooked:
                self._hooked = True
                atexit.register(self.stop, 2.0)
                if hasattr(os, "register_at_fork"):
                    os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._making = threading.RLock()
        self._runner = None
        if not self._stop.is_set():
            self.start()

    def stop(self, seconds: float = 30.0) -> None:
        """Stop doing jobs; one that runs ends as interrupted at its next look."""
        self._stop.set()
        if self._runner is not None:
            self._runner.join(seconds)

    def _keep_running(self) -> None:
        lock = None
        while lock is None:
            lock = self._only_one()
            if lock is None and self._stop.wait(TAKE_OVER):
                return
        consumer = None
        while not self._stop.is_set():
            try:
                self.recover()
                consumer = self.queue.consume()
                break
            except Exception:
                log.exception("jobs can't be done")
                self._stop.wait(TAKE_OVER)
        while not self._stop.wait(LOST):
            try:
                self.find_lost()
            except Exception:
                log.exception("jobs can't be looked for")
        if consumer is not None:
            consumer.stop(graceful=True)
        lock.close()

    def _only_one(self) -> sqlite3.Connection | None:
        """The lock of the one process that does jobs; the system frees it however that process ends."""
        lock = sqlite3.connect(self.root / "worker.lock", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            return None
        return lock

    def recover(self) -> int:
        """At the start of the worker: what was running then was interrupted, and nothing of it was written; what
        waits is put on the queue again. Gives how many were interrupted."""
        with self.session() as session:
            running = update(Job).where(Job.state == JobState.RUNNING)
            found = session.execute(running.values(state=JobState.INTERRUPTED, ended_at=now()))
        self.find_lost()
        self.tidy()
        return int(found.rowcount)  # type: ignore[attr-defined]

    def find_lost(self) -> None:
        """Put on the queue again what waits while the queue is empty: it may have been lost, or not been reached."""
        if self.queue.size():
            return
        with self.engine.connect() as connection:
            table = table_of(Job)
            waiting = select(table.c.id).where(table.c.state == JobState.QUEUED).order_by(table.c.id)
            found = list(connection.execute(waiting).scalars())
        for id_ in found:
            self.queue.put(id_)
