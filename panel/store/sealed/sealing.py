"""Seal the rows that no block covers yet.

Rows are read and hashed without a lock; only the insertion of the finished block is a writing transaction. On
PostgreSQL ids are given before their transactions end, so a lock that lasts for one statement finds the id up to which
every row is there or never will be."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from panel.kinds import now
from panel.security.keys import fingerprint, keys_of
from panel.security.policy import table_of
from panel.security.session import may_write
from panel.store.sealed.blocks import BLOCK_ROWS, digest_of, marks_of, row_hash, seal_of, sealed_models, stored_columns
from panel.store.sealed.records import LogBlock

log = logging.getLogger(__name__)

#: How long a table's writers are waited for on PostgreSQL; after that it is sealed by the next round.
LOCK_WAIT = "2s"


def seal(engine: Engine) -> int:
    """Seal every row that isn't sealed, and return the number of rows. Needs no transaction of the caller."""
    return sum(_seal_table(engine, table_of(model)) for model in sealed_models())


def _seal_table(engine: Engine, table: Table) -> int:
    count = 0
    with engine.connect() as connection:
        last = last_sealed(connection, table.name)
    with engine.connect() as connection:
        settled = _settled(connection, table)
    while last < settled:
        with engine.connect() as connection:
            block = _next_block(connection, table, last, settled)
        if block is None or not _insert(engine, block):
            break
        last, count = block["last_id"], count + block["row_count"]
    return count


def last_sealed(connection: Connection, table: str) -> int:
    """The id of a table's last sealed row; 0 if none is."""
    block = table_of(LogBlock).c
    statement = select(func.max(block.last_id)).where(block.table_name == table)
    return int(connection.execute(statement).scalar() or 0)


def _settled(connection: Connection, table: Table) -> int:
    """The highest id below which no transaction under way adds a row; 0 if its writers must be waited for too long."""
    highest = select(func.max(table.c.id))
    if connection.dialect.name == "sqlite":
        return int(connection.execute(highest).scalar() or 0)
    try:
        with connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
            connection.execute(text(f'LOCK TABLE "{table.name}" IN SHARE MODE'))
            return int(connection.execute(highest).scalar() or 0)
    except OperationalError:
        log.info("sealing waits for writers of %s", table.name, extra={"table": table.name})
        return 0


def _next_block(connection: Connection, table: Table, last: int, settled: int) -> dict[str, Any] | None:
    """The block of a table's next rows, without its seal; None if there are none."""
    columns = stored_columns(table)
    names = [column.name for column in columns]
    statement = select(*columns).where(table.c.id > last, table.c.id <= settled).order_by(table.c.id)
    rows = connection.execute(statement.limit(BLOCK_ROWS)).all()
    if not rows:
        return None
    ids, hashes = [row[0] for row in rows], [row_hash(names, row) for row in rows]
    return {
        "at": now(),
        "table_name": table.name,
        "first_id": ids[0],
        "last_id": ids[-1],
        "row_count": len(ids),
        "columns": ",".join(names),
        "digest": digest_of(hashes),
        "marks": marks_of(ids, hashes),
    }


def _insert(engine: Engine, block: dict[str, Any]) -> bool:
    """Add a block to the chain. False if another process did so meanwhile."""
    key, blocks = keys_of(engine).log, table_of(LogBlock)
    newest = select(blocks.c.seal).order_by(blocks.c.id.desc()).limit(1)
    try:
        with may_write(), engine.begin() as connection:
            previous = connection.execute(newest).scalar() or ""
            block |= {"key_name": fingerprint(key), "previous": previous}
            connection.execute(insert(blocks).values(**block, seal=seal_of(key, previous, block)))
    except IntegrityError:
        log.debug("another process sealed %s first", block["table_name"])
        return False
    return True
