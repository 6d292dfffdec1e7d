"""Alembic's environment: the application's own engine and declared metadata."""

from __future__ import annotations

from alembic import context
from flask import current_app

from panel.base import Base

db = current_app.extensions["migrate"].db


def run() -> None:
    """Migrate online; on SQLite tables are rebuilt, with foreign keys off meanwhile and checked afterwards."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        _migrate(connection)
        if connection.dialect.name == "sqlite":
            connection.rollback()
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


def _migrate(connection: object) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        user_module_prefix="panel.kinds.",
    )
    with context.begin_transaction():
        context.run_migrations()


run()
