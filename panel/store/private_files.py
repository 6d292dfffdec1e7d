"""The instance folder is read by the account that runs the panel and by nobody else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from panel.i18n import Message, _

#: Rights of the group and of others.
OTHERS = 0o077


def protect(folder: Path) -> None:
    """Take the rights of others from the folder and what stands in it, and from what this process makes hereafter.
    SQLite's journals get the rights of the database. What can't be changed, check() tells."""
    if os.name != "posix":
        return
    os.umask(OTHERS)
    for path in _open_to_others(folder):
        with suppress(OSError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)


def problems(folder: Path) -> Iterator[Message]:
    """What in the folder others may read or enter."""
    for path in _open_to_others(folder) if os.name == "posix" else ():
        yield _("Other accounts of this machine can open {path}. Run: chmod go-rwx {path}", path=path)


def _open_to_others(folder: Path) -> list[Path]:
    """The folder and its entries that others have rights to. A folder that is closed protects all below it."""
    paths = [folder, *folder.iterdir()] if folder.is_dir() else []
    return [path for path in paths if path.exists() and path.stat().st_mode & OTHERS]
