"""Check the sealed logs: the chain of blocks, their rows, rows between them, and the file of heads.

Each check names the first false block or row; what follows it in the same chain or table can't be judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select

from panel.base import Base
from panel.i18n import Message, _
from panel.kinds import Moment, now
from panel.security.keys import fingerprint, keys_of
from panel.security.policy import table_of
from panel.store.sealed import archive, heads
from panel.store.sealed.blocks import MARK, digest_of, marked_rows, row_hash, seal_of, sealed_models, stored_columns
from panel.store.sealed.records import LogBlock


def problems(connection: Connection, file: Path | None = None, archives: Path | None = None) -> Iterator[Message]:
    """What doesn't agree, a sentence each. `file` is the file of heads, `archives` the folder of the archives."""
    chain = list(_chain(connection))
    if chain:
        yield from chain
        return
    if file is not None:
        yield from _heads(connection, file)
    if archives is not None:
        yield from archive.problems(connection, archives)
    for model in sealed_models():
        yield from _rows(connection, model)


def _chain(connection: Connection) -> Iterator[Message]:
    """The first block that doesn't follow from the one before."""
    key, previous = keys_of(connection).log, ""
    statement = select(table_of(LogBlock)).order_by(table_of(LogBlock).c.id)
    for row in connection.execute(statement).mappings():
        if row["key_name"] != fingerprint(key):
            yield _(
                "The logs were sealed by another key than this installation has; nothing can be said about them. "
                "Put back the file log_key of the instance folder, or the setting LOG_KEY."
            )
            return
        if row["previous"] != previous or row["seal"] != seal_of(key, previous, dict(row)):
            yield _(
                "The chain of sealed logs is broken at block {number} ({time}): it, or a block before it, was "
                "changed or removed.",
                number=row["id"],
                time=Moment().format(row["at"]),
            )
            return
        previous = row["seal"]


def _heads(connection: Connection, file: Path) -> Iterator[Message]:
    """Heads in the file that the table of blocks doesn't have any more."""
    blocks = table_of(LogBlock).c
    stored = dict(connection.execute(select(blocks.id, blocks.seal)).all())
    lines = list(heads.lines(file))
    accepted = max((i for i, line in enumerate(lines) if line.accepted), default=0)
    for line in lines[accepted:]:
        if stored.get(line.head.block) != line.head.seal:
            yield _(
                "The logs lack what they had on {day}: block {number} of {file} is missing. They were cut off, or "
                "an older backup was restored; after a restoration accept it by: flask --app admin_app logs accept",
                day=line.at[:10],
                number=line.head.block,
                file=file.name,
            )
            return
    oldest = connection.execute(select(func.min(blocks.at))).scalar()
    if not lines and oldest is not None and (now() - oldest).days >= 2:
        yield _("The file {file} with the daily heads of the logs is missing.", file=file)


def _rows(connection: Connection, model: type[Base]) -> Iterator[Message]:
    """The first row of a table that was changed, removed, or added between sealed ones."""
    table, blocks = table_of(model), table_of(LogBlock)
    last = archive.archived_to(connection, table.name)
    if (back := connection.execute(select(func.min(table.c.id)).where(table.c.id <= last)).scalar()) is not None:
        yield _row_problem(model, back, _("stands although it was archived"))
        return
    kept = (blocks.c.table_name == table.name, blocks.c.first_id > last)
    statement = select(blocks).where(*kept).order_by(blocks.c.id)
    for block in connection.execute(statement).mappings().all():
        between = select(func.min(table.c.id)).where(table.c.id > last, table.c.id < block["first_id"])
        if (added := connection.execute(between).scalar()) is not None:
            yield _row_problem(model, added, _("was added after those around it were sealed"))
            return
        if (false := _false_row(connection, table, block)) is not None:
            yield _row_problem(model, *false)
            return
        last = block["last_id"]


def _false_row(connection: Connection, table: Table, block: Mapping[Any, Any]) -> tuple[int, Message] | None:
    """The first row of a block that isn't as it was sealed, with what became of it."""
    names = block["columns"].split(",")
    columns = stored_columns(table, names)
    present = [column.name for column in columns]
    statement = select(*columns).where(table.c.id >= block["first_id"], table.c.id <= block["last_id"])
    hashes = {row[0]: row_hash(present, row) for row in connection.execute(statement.order_by(table.c.id))}
    if len(hashes) == block["row_count"] and digest_of(hashes.values()) == block["digest"]:
        return None
    marked = marked_rows(block)
    for id_ in sorted({*marked, *hashes}):
        if id_ not in hashes:
            return id_, _("was removed")
        if id_ not in marked:
            return id_, _("was added after those around it were sealed")
        if hashes[id_][:MARK] != marked[id_]:
            return id_, _("was changed")
    return block["first_id"], _("or one after it was changed")


def _row_problem(model: type[Base], id_: int, what: Message) -> Message:
    return _("{table}: row {id} {what}.", table=model.__labels__, id=id_, what=what)


def unsealed(connection: Connection) -> dict[str, int]:
    """The number of rows that aren't sealed yet, by table name; tables without any are left out."""
    blocks, counts = table_of(LogBlock), {}
    ends = select(blocks.c.table_name, func.max(blocks.c.last_id)).group_by(blocks.c.table_name)
    last = dict(connection.execute(ends).all())
    for model in sealed_models():
        table = table_of(model)
        rest = select(func.count()).where(table.c.id > last.get(table.name, 0))
        if count := connection.execute(rest).scalar_one():
            counts[table.name] = count
    return counts
