"""What the work of a job is given: its context, its folder, and the register of what jobs do."""

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

#: Seconds between two notes of progress, and two looks whether the work is to end.
NOTE = 0.25

Work = Callable[[Session, "Context", dict[str, Any]], "dict[str, Any] | None"]
KINDS: dict[str, Work] = {}


def kind(name: str) -> Callable[[Work], Work]:
    """Register what jobs of this name do."""

    def register(work: Work) -> Work:
        KINDS[name] = work
        return work

    return register


class Cancelled(Exception):  # noqa: N818 - the owner's wish, not an error
    """The owner has cancelled the job; raised where it next looks."""


class Stopped(Exception):  # noqa: N818 - the server's end, not an error
    """The server stops; the job ends as interrupted."""


@dataclass(slots=True)
class Context:
    """What a job's work is given beside its session."""

    id: int
    owner: Actor
    folder: Path
    session: Session
    stopping: Callable[[], bool] = lambda: False
    #: Of the database, when the session began to read.
    version: int | None = None
    #: Called when all is written.
    afterwards: list[Callable[[], object]] = field(default_factory=list)
    _noted: float = 0.0
    _said: str = ""

    def progress(self, done: int, total: int = 0, message: Message | None = None) -> None:
        """Note how far the work is, now and then; raises Cancelled when it is to end here."""
        moment, words = time.monotonic(), str(message or "")
        if moment - self._noted < NOTE and words == self._said:
            return
        self._noted, self._said = moment, words
        self.check()
        note(self.folder, done, total, words)

    def check(self) -> None:
        """Raise if the work is to end: its owner has cancelled it, or the server stops."""
        if (self.folder / "cancel").exists():
            raise Cancelled
        if self.stopping():
            raise Stopped

    def begin_writing(self) -> bool:
        """From here the session may write, and on SQLite nobody else. Its transaction begins anew there; true when
        somebody has written meanwhile, so that what was read before has to be read again."""
        writing.set(True)
        if self.version is None:
            return False
        self.session.rollback()
        return data_version(self.session) != self.version

    def file(self, name: str) -> Path:
        """Where a file of the result is written, by the name that the owner sees."""
        files = self.folder / "files"
        files.mkdir(mode=0o700, exist_ok=True)
        return files / Path(name.replace("\\", "/")).name


def data_version(session: Session) -> int | None:
    """A number that changes when another connection commits; None where one transaction can read first and write
    then."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        return None
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def note(folder: Path, done: int, total: int, message: str) -> None:
    """Put down how far a job is; whoever reads sees the old note or the new one."""
    partial = folder / "progress.new"
    partial.write_text(json.dumps({"done": done, "total": total, "message": message}))
    partial.replace(folder / "progress")


def noted(folder: Path) -> dict[str, Any]:
    """How far a job is."""
    with suppress(OSError, ValueError):
        return dict(json.loads((folder / "progress").read_text()))
    return {"done": 0, "total": 0, "message": ""}
