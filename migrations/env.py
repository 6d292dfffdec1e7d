"""Alembic's environment: the application's own engine and declared metadata."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import context
from flask import current_app

from migrations import forms
from panel.base import Base
from panel.schema_state import COMPARED

db = current_app.extensions["panel"].db


def run() -> None:
    """Migrate in one transaction: all of it or nothing."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            with _rebuilding(connection):
                _migrate(connection)
        else:
            _migrate(connection)


@contextmanager
def _rebuilding(connection: sa.Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew: foreign keys are off meanwhile and checked afterwards, and the new
    table goes on counting ids where the old one stopped."""
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    sa.event.listen(sa.Table, "before_create", _never_twice)
    try:
        yield
    finally:
        sa.event.remove(sa.Table, "before_create", _never_twice)
        connection.rollback()
        driver.execute("PRAGMA foreign_keys=ON")


def _never_twice(table: sa.Table, _connection: object, **_options: object) -> None:
    """A rebuilt table is reflected first, and AUTOINCREMENT isn't."""
    if "id" in table.c:
        table.dialect_options["sqlite"]["autoincrement"] = True


def _migrate(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        user_module_prefix="panel.kinds.",
        **COMPARED,
    )
    with context.begin_transaction():
        counted = _counted(connection)
        context.run_migrations()
        there = sa.inspect(connection).get_table_names()
        for name, highest in counted:
            if name in there:
                forms.count_on(connection, name, highest)
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise RuntimeError(f"rows that refer to nothing after the migration: {broken[:5]}")


def _counted(connection: sa.Connection) -> list[tuple[str, int]]:
    """The highest id that each table on SQLite has ever given."""
    if connection.dialect.name != "sqlite" or not sa.inspect(connection).has_table("sqlite_sequence"):
        return []
    return [(name, seq) for name, seq in connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")]


run()
