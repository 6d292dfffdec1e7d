"""The functions that jobs run, by name, and the context that each is given."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from panel.i18n import Message
from panel.security.policy import Actor
from panel.security.session import writing

#: Least seconds between two writes of progress, at which cancelling is checked too.
INTERVAL = 0.25

Work = Callable[[Session, "Context", dict[str, Any]], "dict[str, Any] | None"]
KINDS: dict[str, Work] = {}


def kind(name: str) -> Callable[[Work], Work]:
    """Register the function that jobs of this name run."""

    def register(work: Work) -> Work:
        KINDS[name] = work
        return work

    return register


class Cancelled(Exception):  # noqa: N818 - not an error
    """The owner has cancelled the job; raised by Context.check() and progress()."""


class Stopped(Exception):  # noqa: N818 - not an error
    """The server stops, so the job ends as interrupted; raised like Cancelled."""


@dataclass(slots=True)
class Context:
    """What the function of a job is given beside its session and parameters."""

    id: int
    owner: Actor
    folder: Path
    session: Session
    stopping: Callable[[], bool] = lambda: False
    #: data_version() when the session began to read.
    version: int | None = None
    #: Called after the commit.
    after_commit: list[Callable[[], object]] = field(default_factory=list)
    _reported_at: float = 0.0
    _last_message: str = ""

    def progress(self, done: int, total: int = 0, message: Message | None = None) -> None:
        """Write the progress, at most every INTERVAL seconds. `total` 0 means unknown. Raises Cancelled or Stopped."""
        moment, words = time.monotonic(), str(message or "")
        if moment - self._reported_at < INTERVAL and words == self._last_message:
            return
        self._reported_at, self._last_message = moment, words
        self.check()
        write_progress(self.folder, done, total, words)

    def check(self) -> None:
        """Raise Cancelled if the owner has cancelled the job, Stopped if the server stops."""
        if (self.folder / "cancel").exists():
            raise Cancelled
        if self.stopping():
            raise Stopped

    def begin_writing(self) -> bool:
        """Let the session write. On SQLite this begins a new transaction, which locks out other writers.

        Returns whether another transaction has committed since the session began to read: then the work must read its
        data again."""
        writing.set(True)
        if self.version is None:
            return False
        self.session.rollback()
        return data_version(self.session) != self.version

    def file(self, name: str) -> Path:
        """The path to write a file of the result to, by the name that the owner sees."""
        files = self.folder / "files"
        files.mkdir(mode=0o700, exist_ok=True)
        return files / Path(name.replace("\\", "/")).name


def data_version(session: Session) -> int | None:
    """SQLite's number that changes when another connection commits; None for other databases, where a transaction can
    first read and then write."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        return None
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def write_progress(folder: Path, done: int, total: int, message: str) -> None:
    """Write the progress of a job. The file is replaced at once, so that a reader sees the old or the new state."""
    partial = folder / "progress.new"
    partial.write_text(json.dumps({"done": done, "total": total, "message": message}))
    partial.replace(folder / "progress")


def read_progress(folder: Path) -> dict[str, Any]:
    """The progress of a job: done, total (0 for unknown), message."""
    with suppress(OSError, ValueError):
        return dict(json.loads((folder / "progress").read_text()))
    return {"done": 0, "total": 0, "message": ""}
