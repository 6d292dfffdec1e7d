"""Storage of jobs: a row for each, and a folder with its progress, its cancel request and its files."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from panel import ids
from panel.i18n import Message, current_locale
from panel.jobs.records import Job, JobState
from panel.jobs.work import Stopped
from panel.kinds import now
from panel.security.policy import AccessDenied, Policy, table_of
from panel.security.session import actor_of, may_write, system_session, writing

#: Days after which the files of a job are deleted, and days after which its row is.
FILE_DAYS, JOB_DAYS = 7, 90


@dataclass
class JobStore:
    """The jobs of a panel in its database and below its instance folder."""

    engine: Engine
    policy: Policy
    secret: str
    instance: Path

    @property
    def root(self) -> Path:
        """The folder of all jobs. Only this account can read it, since results hold personal data."""
        folder = self.instance / "jobs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @cached_property
    def server(self) -> str:
        """The id of this instance folder, made at first. Several servers may share a database: each runs the jobs whose
        files are in its own folder."""
        file = self.root / "server"
        with suppress(FileExistsError), file.open("x") as new:
            new.write(secrets.token_hex(8))
        return file.read_text().strip()[:32]

    def folder(self, id_: int) -> Path:
        """The folder of a job; created if missing."""
        folder = self.root / str(id_)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def add(
        self, session: Session, kind: str, params: Mapping[str, Any], *, title: Message | str = "", mark: str = ""
    ) -> int:
        """Store a job of the session's actor, commit the session, and return the job's id. If a job of the same kind
        and `mark` waits or runs, its id is returned instead. Raises AccessDenied without an account."""
        actor = actor_of(session)
        if actor.user_id is None:
            raise AccessDenied
        if not writing.get():
            session.rollback()  # a transaction that has read can't begin to write on SQLite
        with may_write():
            table = table_of(Job)
            connection = session.connection()
            same_job = select(table.c.id).where(
                table.c.owner_id == actor.user_id,
                table.c.kind == kind,
                table.c.mark == mark,
                table.c.state.in_([JobState.QUEUED, JobState.RUNNING]),
            )
            id_ = connection.execute(same_job).scalar() if mark else None
            if id_ is None:
                values = {
                    "kind": kind,
                    "title": str(title)[:200],
                    "owner_id": actor.user_id,
                    "owner_name": actor.name[:80],
                    "locale": current_locale(),
                    "server": self.server,
                    "mark": mark,
                    "params": dict(params),
                }
                id_ = int(connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one())
                shutil.rmtree(self.root / str(id_), ignore_errors=True)
            session.commit()
        return int(id_)

    def cancel(self, id_: int) -> None:
        """Request that a job ends, which it does at its next check. Doesn't use the database, which the job may have
        locked."""
        (self.folder(id_) / "cancel").touch()

    def cancelling(self, id_: int) -> bool:
        return (self.root / str(id_) / "cancel").exists()

    def files(self, id_: int) -> list[Path]:
        """The files of a job's result."""
        files = self.root / str(id_) / "files"
        return sorted(files.iterdir()) if files.is_dir() else []

    def mark_seen(self, id_: int) -> None:
        """Record that the owner has seen how a job ended."""
        with self.session() as session:
            statement = update(Job).where(Job.id == id_, Job.seen_at.is_(None))
            session.execute(statement.values(seen_at=now()), execution_options={"synchronize_session": False})

    def set_done(self, session: Session, id_: int, result: dict[str, Any] | None) -> None:
        """Mark a running job as done, in the transaction of its work. Raises Stopped if it isn't running any more."""
        table = table_of(Job)
        statement = update(table).where(table.c.id == id_, table.c.state == JobState.RUNNING)
        values = {"state": JobState.DONE, "ended_at": now(), "result": result}
        if session.connection().execute(statement.values(values)).rowcount != 1:
            raise Stopped  # another process has marked it as interrupted

    def set_ended(self, id_: int, state: JobState, message: str) -> None:
        """Mark a running job as ended with another state, and the message for its owner."""
        with self.session() as session:
            statement = update(Job).where(Job.id == id_, Job.state == JobState.RUNNING)
            session.execute(statement.values(state=state, ended_at=now(), message=message[:1000]))

    def beat(self, id_: int) -> None:
        """Record that a job is alive."""
        with self.session() as session:
            statement = update(Job).where(Job.id == id_, Job.state == JobState.RUNNING)
            session.execute(statement.values(beat_at=now()), execution_options={"synchronize_session": False})

    def interrupt(self, id_: int, beat: datetime | None) -> bool:
        """Mark a running job as interrupted unless it has given a sign of life since `beat`."""
        with self.session() as session:
            same = Job.beat_at.is_(None) if beat is None else Job.beat_at == beat
            statement = update(Job).where(Job.id == id_, Job.state == JobState.RUNNING, same)
            result: Any = session.execute(statement.values(state=JobState.INTERRUPTED, ended_at=now()))
        return bool(result.rowcount)

    def tidy(self) -> None:
        """Delete expired files and rows."""
        limit = time.time() - FILE_DAYS * 86400
        for folder in self.root.iterdir():
            if folder.is_dir() and ids.parse(folder.name) and folder.stat().st_mtime < limit:
                shutil.rmtree(folder, ignore_errors=True)
        with self.session() as session:
            session.execute(delete(Job).where(Job.ended_at < now() - timedelta(days=JOB_DAYS)))

    def session(self) -> AbstractContextManager[Session]:
        """A system session in one writing transaction."""
        return system_session(self.engine, self.policy, self.secret)
