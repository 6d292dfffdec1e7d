"""What the work of a job is given: its context, its folder, and the register of what jobs do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from panel.access import Actor
from panel.session import writing
from panel.text import Message

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
    _noted: float = 0.0

    def progress(self, done: int, total: int = 0, message: Message | None = None) -> None:
        """Note how far the work is, now and then; raises Cancelled when it is to end here."""
        moment = time.monotonic()
        if moment - self._noted < NOTE:
            return
        self._noted = moment
        self.check()
        note(self.folder, done, total, str(message or ""))

    def check(self) -> None:
        """Raise if the work is to end: its owner has cancelled it, or the server stops."""
        if (self.folder / "cancel").exists():
            raise Cancelled
        if self.stopping():
            raise Stopped

    def begin_writing(self) -> None:
        """End the reading so far: from here the session's transaction may write, and on SQLite is the only one that
        can. What was read before may have changed meanwhile."""
        self.session.rollback()
        writing.set(True)

    def file(self, name: str) -> Path:
        """Where a file of the result is written, by the name that the owner sees."""
        files = self.folder / "files"
        files.mkdir(mode=0o700, exist_ok=True)
        return files / Path(name.replace("\\", "/")).name


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
