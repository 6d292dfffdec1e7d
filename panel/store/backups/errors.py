"""What goes wrong with backups, in a sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from panel.i18n import Message, _
from panel.store import disk
from panel.store.db_errors import is_full

BROKEN = _(
    "The database is damaged: pages of its file can't be read. Nothing was replaced. Keep a copy of the file, and "
    "restore the last good backup."
)


class BackupError(Exception):
    """The backup or restore failed and changed nothing; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Raise BackupError in place of errors of the disk and of SQLite. `folder` is where the block writes."""
    try:
        yield
    except sqlite3.Error as error:
        if "disk is full" in str(error) or disk.is_empty(folder):
            raise BackupError(_no_room(folder)) from error
        if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
            raise BackupError(_("The file of the database can't be opened: {error}", error=error)) from error
        raise BackupError(BROKEN) from error
    except OSError as error:
        if is_full(error):
            raise BackupError(_no_room(folder)) from error
        raise BackupError(
            _("{file} can't be read or written: {error}", file=error.filename or folder, error=error.strerror or error)
        ) from error


def _no_room(folder: Path) -> Message:
    return _(
        "The disk of {folder} is full: {free} MB are free. Nothing was left behind. Make room, then try again.",
        folder=folder,
        free=disk.free(folder) // disk.MEGABYTE,
    )


def require_room(folder: Path, needed: int) -> None:
    """Raise BackupError unless so many bytes are free."""
    if (free := disk.free(folder)) < needed:
        raise BackupError(
            _(
                "{folder} has too little room: about {needed} MB are needed, {free} MB are free. Nothing was written.",
                folder=folder,
                needed=max(1, needed // disk.MEGABYTE),
                free=free // disk.MEGABYTE,
            )
        )
