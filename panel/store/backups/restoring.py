"""Restore into an empty installation: unpack beside it, compare, then put everything in place by renaming."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import Engine, inspect

from panel.i18n import _
from panel.security.keys import fingerprint
from panel.security.transactions import reading
from panel.store.backups import archive, copies
from panel.store.backups import manifest as manifests
from panel.store.backups.archive import Place, Unpacked
from panel.store.backups.errors import BackupError, told
from panel.store.backups.manifest import PG_DUMP
from panel.store.files import Store
from panel.store.fingerprints import REPLACEABLE


def restore(place: Place, file: Path, known: Collection[str], *, unsealed: bool = False) -> None:
    """Restore database and files from an archive. `known` are the versions of the schema that this program can bring up
    to date. Raises BackupError, also if the database isn't empty; then nothing is left behind."""
    if not _is_empty(place.engine):
        raise BackupError(_("This database is not empty. Restore into an empty place: move the old one away first."))
    with archive.unpacked(place, file, unsealed=unsealed) as content, told(place.folder):
        _check_version(content, file, known)
        if not unsealed:
            _check_keys(content, place, file)
        _put_files(content.store, place.store)
        if place.engine.dialect.name == "sqlite":
            _put_sqlite(place.engine, content, file)
        else:
            _fill_postgresql(place.engine, content)


def _is_empty(engine: Engine) -> bool:
    """Whether there is no table. A file of SQLite that isn't there is not made."""
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return True
    with reading():
        empty = not inspect(engine).get_table_names()
    engine.dispose()
    return empty


def _check_version(content: Unpacked, file: Path, known: Collection[str]) -> None:
    if content.manifest is not None:
        version = content.manifest.schema
    elif _is_sqlite(content.database):
        with copies.opened(content.database) as connection:
            version = manifests.contents(connection)[0]
    else:
        return
    if version and version not in known:
        raise BackupError(
            _(
                "{file} was made by a newer program: its database has version {have}, this program knows {newest}. "
                "Install the newer program, then restore.",
                file=file,
                have=version,
                newest=max(known),
            )
        )


def _check_keys(content: Unpacked, place: Place, file: Path) -> None:
    """Refuse an archive of values that this installation's keys don't fit, before anything is put in place."""
    for name, known in content.manifest.keys.items() if content.manifest is not None else ():
        if name not in REPLACEABLE and fingerprint(place.keys.get(name, "")) != known:
            raise BackupError(
                _(
                    "{file} was made with another key {name}, without which what it protects can't be read. Put that "
                    "key in place first: its file “{key}”, or {name}.",
                    file=file,
                    name=name,
                    key=name.lower(),
                )
            )


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as start:
        return start.read(16) == b"SQLite format 3\x00"


def _put_sqlite(engine: Engine, content: Unpacked, file: Path) -> None:
    if not _is_sqlite(content.database):
        raise BackupError(
            _("{file} holds a dump of PostgreSQL, and this installation uses SQLite: set DATABASE_URL.", file=file)
        )
    engine.dispose()
    target = Path(str(engine.url.database))
    for leftover in (target, *(target.with_name(target.name + end) for end in ("-wal", "-shm"))):
        leftover.unlink(missing_ok=True)
    if content.database.parent == file.parent:  # a copy of a database alone, which stays where it is
        partial = target.with_name(target.name + ".partial")
        partial.write_bytes(content.database.read_bytes())
        partial.replace(target)
    else:
        content.database.replace(target)
    target.chmod(0o600)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _fill_postgresql(engine: Engine, content: Unpacked) -> None:
    manifest = content.manifest
    if _is_sqlite(content.database):
        copies.fill_from_rows(engine, content.database)
    else:
        copies.restore_dump(engine, content.database)
    if manifest is not None:
        with reading(), engine.connect() as connection:
            found = manifests.difference(manifest, connection) if manifest.kind != PG_DUMP else None
        if found:
            with engine.begin() as connection:
                connection.exec_driver_sql("DROP SCHEMA public CASCADE")
                connection.exec_driver_sql("CREATE SCHEMA public")
            raise BackupError(_("The database isn't as it was backed up: {what}. It was emptied again.", what=found))


def _put_files(source: Store, target: Store) -> None:
    """Move the files in place. They are put before the database, so that none of its rows lacks one; files that no row
    names are cleared after a day."""
    for path in source.files():
        digest = path.name[:64]
        goal = target.path(digest, small=len(path.name) > 64)
        for folder in (target.folder, goal.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.replace(goal)
