"""Backup of a running panel with its files, and restore into an empty database.

A backup is a ZIP archive with the database and each file, named by its SHA-256. The database is copied first. Every
file that its rows name is there for the copy, because a file is stored before its row and deleted a day after it.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from sqlalchemy import Engine, inspect

from panel.i18n import Message, _
from panel.store.files import SMALL, Store

_MAGIC = b"SQLite format 3\x00"
#: Names inside the archive: of the database, and the folder of the files.
DATABASE, FILES = "database", "files/"
_FILE = re.compile(rf"{FILES}([0-9a-f]{{64}})({re.escape(SMALL)})?")


class BackupError(Exception):
    """The backup or restore failed and changed nothing; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


def backup(engine: Engine, file: Path, store: Store) -> int:
    """Write a consistent backup to `file` while others write, and return its size in bytes. Raises BackupError.

    SQLite is copied by its online backup, PostgreSQL by pg_dump, which must be installed. An existing file is replaced
    only when the new one is complete.
    """
    if not file.parent.is_dir():
        raise BackupError(_("There is no folder {folder}.", folder=file.parent))
    partial = file.with_name(file.name + ".partial")
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        copy = Path(folder) / DATABASE
        _copy(engine, copy)
        try:
            with ZipFile(partial, "w") as archive:
                partial.chmod(0o600)
                archive.write(copy, DATABASE, ZIP_DEFLATED, 3)
                for path in store.files():  # not compressed: pictures are already
                    archive.write(path, FILES + path.name)
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    return file.stat().st_size


def _copy(engine: Engine, target: Path) -> None:
    """Copy the database to a file."""
    if engine.dialect.name != "sqlite":
        _postgres(engine, ["pg_dump", "--format=custom", "--no-owner", "--file", str(target)])
        return
    source = sqlite3.connect(f"file:{engine.url.database}?mode=ro", uri=True)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        healthy = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    finally:
        copy.close()
        source.close()
    if not healthy:
        raise BackupError(_("The copy is damaged; the database itself may be. Nothing was replaced."))


def restore(engine: Engine, file: Path, store: Store) -> None:
    """Restore database and files from a backup. Raises BackupError, also if the database isn't empty. `file` may be an
    old backup, which is a copy of the database alone."""
    if not file.is_file():
        raise BackupError(_("There is no file {file}.", file=file))
    if inspect(engine).get_table_names():
        raise BackupError(_("This database is not empty. Restore into an empty place: move the old one away first."))
    with _unpacked(file, store) as database:
        _fill(engine, database, file)


@contextmanager
def _unpacked(file: Path, store: Store) -> Iterator[Path]:
    """Restore the files of a backup, checking their SHA-256, and yield the path of its unpacked database."""
    with file.open("rb") as start:
        is_zip = start.read(2) == b"PK"
    if not is_zip:
        yield file
        return
    damaged = _("{file} is damaged or no backup of this panel.", file=file)
    store.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.folder.parent) as folder:
        try:
            with ZipFile(file) as archive:
                names = archive.namelist()
                if DATABASE not in names or not all(name == DATABASE or _FILE.fullmatch(name) for name in names):
                    raise BackupError(damaged)
                database = Path(archive.extract(DATABASE, folder))
                for name in names:
                    if match := _FILE.fullmatch(name):
                        data = archive.read(name)
                        if match[2] is None and sha256(data).hexdigest() != match[1]:
                            raise BackupError(damaged)
                        store.write(store.path(match[1], small=match[2] is not None), data)
        except BadZipFile as error:
            raise BackupError(damaged) from error
        yield database


def _fill(engine: Engine, database: Path, file: Path) -> None:
    if engine.dialect.name == "sqlite":
        with database.open("rb") as start:
            if start.read(len(_MAGIC)) != _MAGIC:
                raise BackupError(_("{file} is no backup of this database.", file=file))
        engine.dispose()
        target = Path(str(engine.url.database))
        for leftover in (target, *(target.with_name(target.name + end) for end in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
        shutil.copyfile(database, target)
    else:
        _postgres(
            engine, ["pg_restore", "--no-owner", "--exit-on-error", "--dbname", str(engine.url.database), str(database)]
        )


def _postgres(engine: Engine, command: list[str]) -> None:
    tool = shutil.which(command[0])
    if tool is None:
        raise BackupError(_("{tool} is not installed; it comes with PostgreSQL's client programs.", tool=command[0]))
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
    result = subprocess.run([tool, *command[1:]], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed program
    if result.returncode:
        raise BackupError(_("{tool} failed: {error}", tool=command[0], error=result.stderr.strip()[-300:]))
