"""Upkeep of the database file: statistics for its planner, and the file rewritten without the rests of old rows.

PostgreSQL does both by itself (autovacuum); only statistics are renewed there."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Engine

from panel.i18n import Message, _

#: Rows that SQLite looks at for the statistics of an index.
SAMPLE = 1000
#: Empty pages below which rewriting isn't worth it.
LOOSE_PAGES = 1000


def optimize(engine: Engine) -> None:
    """Renew the statistics. Short: SQLite analyses what has grown, from a sample."""
    if engine.dialect.name == "sqlite":
        _run(engine, f"PRAGMA analysis_limit={SAMPLE}", "PRAGMA optimize=0x10002")
    else:
        _run(engine, "ANALYZE")


def rewrite_obstacle(engine: Engine) -> Message | None:
    """Why the file can't be rewritten now; None if it can. It needs twice its size for a while."""
    file = Path(str(engine.url.database))
    if engine.dialect.name != "sqlite" or not file.is_file():
        return None
    needed, free = 2 * file.stat().st_size, shutil.disk_usage(file.parent).free
    if needed < free:
        return None
    return _(
        "Too little room to rewrite the database: {need} MB are needed, {free} MB are free.",
        need=needed // 2**20 + 1,
        free=free // 2**20,
    )


def is_loose(engine: Engine) -> bool:
    """Whether a tenth of SQLite's file, and 1,000 pages or more, are empty."""
    if engine.dialect.name != "sqlite":
        return False
    with engine.connect() as connection:
        empty = connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
    return empty >= LOOSE_PAGES and empty * 10 >= pages


def rewrite(engine: Engine) -> bool:
    """Rewrite SQLite's file, so that deleted and replaced values are nowhere in it; nobody else can write meanwhile.
    False without enough room."""
    if engine.dialect.name != "sqlite":
        return True
    if rewrite_obstacle(engine) is not None:
        return False
    _run(engine, "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
    return True


def _run(engine: Engine, *statements: str) -> None:
    """Execute statements that can't be part of a transaction."""
    raw = engine.raw_connection()
    try:
        if engine.dialect.name != "sqlite":
            raw.rollback()
            raw.driver_connection.autocommit = True  # type: ignore[union-attr]
        cursor = raw.cursor()
        for statement in statements:
            cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()
        cursor.close()
        if engine.dialect.name != "sqlite":
            raw.driver_connection.autocommit = False  # type: ignore[union-attr]
    finally:
        raw.close()
