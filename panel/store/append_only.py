"""Database triggers that protect append-only tables."""

from __future__ import annotations

from sqlalchemy import Connection, text

from panel.base import Base


def create_append_only_triggers(connection: Connection) -> None:
    """Create triggers that refuse updates and deletions in append-only tables. Idempotent. Run it after every
    migration, since a table that a migration rebuilds on SQLite loses them."""
    tables = [m.local_table.name for m in Base.registry.mappers if m.class_.__append_only__]  # type: ignore[attr-defined]
    if connection.dialect.name == "sqlite":
        for table in tables:
            for verb in ("UPDATE", "DELETE"):
                connection.execute(text(f'DROP TRIGGER IF EXISTS "keep_{table}_{verb.lower()}"'))
                connection.execute(
                    text(
                        f'CREATE TRIGGER "keep_{table}_{verb.lower()}" BEFORE {verb} ON "{table}" '
                        f"BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
                    )
                )
        return
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION keep_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME; END $$"
        )
    )
    for table in tables:
        connection.execute(text(f'DROP TRIGGER IF EXISTS "keep_{table}" ON "{table}"'))
        connection.execute(
            text(
                f'CREATE TRIGGER "keep_{table}" BEFORE UPDATE OR DELETE OR TRUNCATE ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION keep_append_only()"
            )
        )
