"""The archives of an installation: what left the database for sealed files, and whether each is as it was written.

Archives of logs stand in a table of the database; those of import rows and of ledger drafts are their files alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine, select

from bureau.ledger import draft_archive
from models import LedgerDraft
from panel.i18n import Message, _
from panel.imports import row_archive
from panel.imports.records import ImportRow
from panel.kinds import ZONE
from panel.security.keys import keys_of
from panel.security.policy import model_of, table_of
from panel.store.sealed import archive
from panel.store.sealed.records import LogArchive

_NAME = re.compile(r"(\w+)-(\d+)-(\d+)-(\d{8})\.(?:jsonl\.gz|zip)")
#: How the seal of a file is verified, by the table of what it holds. Raises or is false where it isn't as written.
_SEALS = {ImportRow.__tablename__: row_archive.is_sealed, LedgerDraft.__tablename__: draft_archive.is_sealed}


@dataclass(frozen=True, slots=True)
class Archive:
    """A file of rows `first` to `last` of a table. `size` is None if the file isn't in the folder; `problem` says what
    is wrong with it."""

    name: str
    label: Message | str
    first: int
    last: int
    at: datetime
    rows: int | None
    size: int | None
    problem: Message | None


def known(engine: Engine, folder: Path) -> list[Archive]:
    """All archives, the latest first."""
    archives = table_of(LogArchive)
    with engine.connect() as connection:
        told = {row["file_name"]: row for row in connection.execute(select(archives)).mappings()}
        wrong = archive.unsealed(connection)
    found = []
    for row in told.values():
        file = folder / row["file_name"]
        size = file.stat().st_size if file.is_file() else None
        problem = None
        if row["file_name"] in wrong:
            problem = _("It was added or changed past the program.")
        elif size is not None and _digest(file, *_stamp(file)) != row["sha256"]:
            problem = _("The file was changed or is damaged.")
        span = (row["first_id"], row["last_id"])
        found.append(Archive(file.name, _label(row["table_name"]), *span, row["at"], row["row_count"], size, problem))
    key = keys_of(engine).log
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _NAME.fullmatch(file.name)
        if match is None or file.name in told:
            continue
        at = datetime.fromtimestamp(file.stat().st_mtime, ZONE)
        problem = None if _is_sealed(file, match[1], key, *_stamp(file)) else _("The file was changed or is damaged.")
        if match[1] not in _SEALS:
            problem = _("No archive of this name was made here.")
        span = (int(match[2]), int(match[3]))
        found.append(Archive(file.name, _label(match[1]), *span, at, None, file.stat().st_size, problem))
    return sorted(found, key=lambda entry: (entry.at, entry.name), reverse=True)


def _label(table: str) -> Message | str:
    try:
        return model_of(table).__labels__
    except LookupError:
        return table


def _stamp(file: Path) -> tuple[int, int]:
    """What changes with a file, so that one that didn't isn't read again."""
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@lru_cache(1000)
def _digest(file: Path, _size: int, _changed: int) -> str:
    return archive.digest_of_file(file)


@lru_cache(1000)
def _is_sealed(file: Path, table: str, key: str, _size: int, _changed: int) -> bool:
    verify = _SEALS.get(table)
    return verify is not None and verify(file, key)
