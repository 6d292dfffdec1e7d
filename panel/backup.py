"""One-command backup of a running panel, and a restore into an empty place."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy import Engine, inspect

from panel.text import Message, _

_MAGIC = b"SQLite format 3\x00"


class Failed(Exception):  # noqa: N818 - told to the user as a sentence
    """Nothing was changed; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


def backup(engine: Engine, file: Path) -> int:
    """Copy the database into `file`, whole and consistent, while others write. Gives its size in bytes.

    SQLite is copied by its own online backup; PostgreSQL by pg_dump, which must be installed.
    An existing file is kept until the new one is complete.
    """
    if not file.parent.is_dir():
        raise Failed(_("There is no folder {folder}.", folder=file.parent))
    partial = file.with_name(file.name + ".partial")
    if engine.dialect.name == "sqlite":
        source = sqlite3.connect(f"file:{engine.url.database}?mode=ro", uri=True)
        target = sqlite3.connect(partial)
        try:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            healthy = target.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        finally:
            target.close()
            source.close()
        if not healthy:
            raise Failed(_("The copy is damaged; the database itself may be. Nothing was replaced."))
    else:
        _postgres(engine, ["pg_dump", "--format=custom", "--no-owner", "--file", str(partial)])
    partial.replace(file)
    return file.stat().st_size


def restore(engine: Engine, file: Path) -> None:
    """Fill an empty database from a backup. A database that holds anything is never overwritten."""
    if not file.is_file():
        raise Failed(_("There is no file {file}.", file=file))
    if inspect(engine).get_table_names():
        raise Failed(_("This database is not empty. Restore into an empty place: move the old one away first."))
    if engine.dialect.name == "sqlite":
        with file.open("rb") as start:
            if start.read(len(_MAGIC)) != _MAGIC:
                raise Failed(_("{file} is no backup of this database.", file=file))
        engine.dispose()
        target = Path(str(engine.url.database))
        for leftover in (target, *(target.with_name(target.name + end) for end in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
        shutil.copyfile(file, target)
    else:
        _postgres(
            engine, ["pg_restore", "--no-owner", "--exit-on-error", "--dbname", str(engine.url.database), str(file)]
        )


def _postgres(engine: Engine, command: list[str]) -> None:
    tool = shutil.which(command[0])
    if tool is None:
        raise Failed(_("{tool} is not installed; it comes with PostgreSQL's client programs.", tool=command[0]))
    url = engine.url
    environment = {
        **os.environ,
        "PGHOST": url.host or str(url.query.get("host", "")),
        "PGPORT": str(url.port or ""),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.database or "",
    }
    environment = {k: v for k, v in environment.items() if v}
    done = subprocess.run([tool, *command[1:]], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed program
    if done.returncode:
        raise Failed(_("{tool} failed: {error}", tool=command[0], error=done.stderr.strip()[-300:]))
