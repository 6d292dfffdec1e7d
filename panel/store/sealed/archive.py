"""Old rows of logs leave the database for a sealed file.

Only whole blocks go, after their rows were compared with their seals. The file is complete on the disk before a row of
LogArchive says so; the triggers let go only what such a row covers. The blocks stay, so that the chain is checked as
before, and the file by the digest of each block."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select

from panel.base import Base
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import now, today
from panel.security.keys import keys_of
from panel.security.policy import table_of
from panel.security.session import may_write
from panel.store.sealed.blocks import plain, row_hash, sealed_models, stored_columns
from panel.store.sealed.records import LogArchive, LogBlock

#: What the seal of an archive covers.
COVERED = ("table_name", "first_id", "last_id", "row_count", "file_name", "sha256")
#: Rows that are deleted in one transaction.
BATCH_ROWS = 5000


def archivable() -> list[type[Base]]:
    """The models whose old rows may be archived."""
    return [model for model in sealed_models() if model.__archivable__]


def archive(engine: Engine, folder: Path, before: datetime) -> list[str]:
    """Archive the sealed rows from before a moment; the names of the files that were written. Raises UserError if a
    row isn't as it was sealed."""
    names = []
    for model in archivable():
        table = table_of(model)
        with engine.connect() as connection:
            first, last = archived_to(connection, table.name) + 1, _last(connection, table, before)
        if last >= first:
            names.append(_archive(engine, folder, table, first, last))
        _remove(engine, table)
    return names


def archived_to(connection: Connection, table: str) -> int:
    """The id up to which a table's rows are archived; 0 if none is."""
    archives = table_of(LogArchive).c
    return int(connection.execute(select(func.max(archives.last_id)).where(archives.table_name == table)).scalar() or 0)


def _last(connection: Connection, table: Table, before: datetime) -> int:
    """The last id of the last block all of whose rows are older than a moment."""
    blocks = table_of(LogBlock).c
    newer = connection.execute(select(func.min(table.c.id)).where(table.c.at >= before)).scalar()
    statement = select(func.max(blocks.last_id)).where(blocks.table_name == table.name)
    if newer is not None:
        statement = statement.where(blocks.last_id < newer)
    return int(connection.execute(statement).scalar() or 0)


def _archive(engine: Engine, folder: Path, table: Table, first: int, last: int) -> str:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{table.name}-{first}-{last}-{today():%Y%m%d}.jsonl.gz"
    partial = folder / f".{name}.partial"
    with engine.connect() as connection, gzip.open(partial, "wt", encoding="utf-8") as out:
        count = 0
        for line in _lines(connection, table, first, last):
            out.write(line + "\n")
            count += 1
    partial.chmod(0o600)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    values = {
        "table_name": table.name,
        "first_id": first,
        "last_id": last,
        "row_count": count,
        "file_name": name,
        "sha256": digest_of_file(partial),
    }
    partial.replace(folder / name)
    with may_write(), engine.begin() as connection:
        seal = seal_of(keys_of(engine).log, values)
        connection.execute(insert(table_of(LogArchive)).values(at=now(), seal=seal, **values))
    return name


def _lines(connection: Connection, table: Table, first: int, last: int) -> Iterator[str]:
    """The rows in JSON, each compared with its block."""
    blocks = table_of(LogBlock)
    covered = (blocks.c.table_name == table.name, blocks.c.first_id >= first, blocks.c.last_id <= last)
    for block in connection.execute(select(blocks).where(*covered).order_by(blocks.c.id)).mappings().all():
        names = block["columns"].split(",")
        columns = stored_columns(table, names)
        present = [column.name for column in columns]
        statement = select(*columns).where(table.c.id >= block["first_id"], table.c.id <= block["last_id"])
        rows = connection.execute(statement.order_by(table.c.id)).all()
        digest = hashlib.sha256("".join(row_hash(present, row) for row in rows).encode()).hexdigest()
        if digest != block["digest"]:
            raise UserError(_("The log isn't as it was sealed: nothing is archived. Run: flask --app admin_app check"))
        for row in rows:
            yield json.dumps({n: plain(v) for n, v in zip(present, row, strict=True)}, ensure_ascii=False)


def _remove(engine: Engine, table: Table) -> None:
    """Delete what is archived, in batches, so that nobody waits long."""
    while True:
        with may_write(), engine.begin() as connection:
            last = archived_to(connection, table.name)
            ids: Sequence[int] = (
                connection.execute(select(table.c.id).where(table.c.id <= last).order_by(table.c.id).limit(BATCH_ROWS))
                .scalars()
                .all()
            )
            if not ids:
                return
            connection.execute(delete(table).where(table.c.id <= ids[-1]))


def seal_of(key: str, values: Mapping[str, Any]) -> str:
    """HMAC-SHA256 of what is told of an archive."""
    covered = json.dumps([values[name] for name in COVERED], ensure_ascii=False)
    return hmac.new(key.encode(), covered.encode(), hashlib.sha256).hexdigest()


def digest_of_file(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def unsealed(connection: Connection) -> set[str]:
    """The file names of the rows about archives that the program didn't write as they stand."""
    key = keys_of(connection).log
    rows = connection.execute(select(table_of(LogArchive))).mappings()
    return {row["file_name"] for row in rows if row["seal"] != seal_of(key, dict(row))}


def problems(connection: Connection, folder: Path) -> Iterator[Message]:
    """Archives that aren't as they were made. A file that was taken elsewhere isn't missed."""
    key = keys_of(connection).log
    expected: dict[str, int] = {}
    archives = table_of(LogArchive)
    for row in connection.execute(select(archives).order_by(archives.c.id)).mappings():
        follows = row["first_id"] == expected.get(row["table_name"], 0) + 1
        if not follows or row["seal"] != seal_of(key, dict(row)):
            yield _("Archive {name} was added or changed past the program.", name=row["file_name"])
            return
        expected[row["table_name"]] = row["last_id"]
        file = folder / row["file_name"]
        if file.is_file() and digest_of_file(file) != row["sha256"]:
            yield _("The archive {name} was changed or is damaged.", name=row["file_name"])
