"""Compare the schema of the database with the declared one, and say what to do if they differ.

Alembic compares tables, columns, indexes and keys. Added here are the text of CHECK constraints, so that a new member
of a closed list is noticed, and AUTOINCREMENT on SQLite."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.ddl._autogen import ComparisonResult
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.ddl.sqlite import SQLiteImpl
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Table, inspect, text

from panel.base import Base
from panel.i18n import Message, _
from panel.search import text_index


def _is_declared(name: str | None, kind: str, _parents: object) -> bool:
    """Whether Alembic compares what has this name in the database; the tables of text indexes are made by setup."""
    return kind != "table" or name not in text_index.tables()


#: Options of Alembic's comparison, also for migrations/env.py.
COMPARED: dict[str, Any] = {
    "include_name": _is_declared,
    "compare_type": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
}
#: The first SQLite that returns the rows it writes.
OLDEST_SQLITE = (3, 35)
#: The most differences that a message names.
NAMED = 3


class SQLite(SQLiteImpl):
    """Alembic on SQLite: a migration is one transaction, and CHECK constraints are compared by text."""

    __dialect__ = "sqlite"
    transactional_ddl = True

    def compare_check_constraint(self, metadata_constraint: Any, reflected_constraint: Any) -> ComparisonResult:
        return _result(_declared(self, metadata_constraint), str(reflected_constraint.sqltext))


class PostgreSQL(PostgresqlImpl):
    """Alembic on PostgreSQL. The server stores CHECK constraints in its own wording, so the declared one is compared in
    the server's wording too."""

    __dialect__ = "postgresql"

    def compare_check_constraint(self, metadata_constraint: Any, reflected_constraint: Any) -> ComparisonResult:
        assert self.connection is not None
        condition = _declared(self, metadata_constraint)
        table = self.dialect.identifier_preparer.format_table(metadata_constraint.table)
        with self.connection.begin_nested() as savepoint:
            for statement in (
                f"CREATE TEMPORARY TABLE declared_checks (LIKE {table})",
                f"ALTER TABLE declared_checks ADD CONSTRAINT declared CHECK ({condition})",
            ):
                self.connection.exec_driver_sql(statement.replace("%", "%%"))
            query = (
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conname = 'declared' AND conrelid = 'pg_temp.declared_checks'::regclass"
            )
            stored = self.connection.execute(text(query)).scalar_one()
            savepoint.rollback()
        return _result(str(stored).removeprefix("CHECK "), str(reflected_constraint.sqltext))


def _declared(impl: Any, constraint: CheckConstraint) -> str:
    compiler = impl.dialect.ddl_compiler(impl.dialect, None).sql_compiler
    return str(compiler.process(constraint.sqltext, include_table=False, literal_binds=True))


def _result(declared: str, stored: str) -> ComparisonResult:
    if _plain(declared) == _plain(stored):
        return ComparisonResult.Equal()
    return ComparisonResult.Different(f"{stored} to {declared}")


def _plain(condition: str) -> str:
    """A condition without white space, brackets and PostgreSQL's casts, which differ after a dump and restore."""
    return re.sub(r"::(character varying|\w+)|[\s()\[\]]|\"", "", condition)


def differences(connection: Connection) -> list[Any]:
    """The differences of the database from the declared schema: Alembic's operations, then names of tables without
    AUTOINCREMENT."""
    context = MigrationContext.configure(connection, opts=COMPARED)
    declared = {table: set(table.constraints) for table in Base.metadata.tables.values()}
    found = [*compare_metadata(context, Base.metadata), *_without_autoincrement(connection)]
    # A CHECK that is made of declared columns joins their table, as those do that Alembic makes of differences.
    for table, constraints in declared.items():
        table.constraints &= constraints
    return found


def _without_autoincrement(connection: Connection) -> Iterator[str]:
    """Names of tables on SQLite without AUTOINCREMENT, which would use the id of a deleted row again."""
    if connection.dialect.name != "sqlite":
        return
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    for name, sql in connection.execute(query):
        if "id" in getattr(Base.metadata.tables.get(name), "columns", ()) and "AUTOINCREMENT" not in sql.upper():
            yield name


def missing_columns(connection: Connection) -> list[str]:
    """Declared tables and columns that the database lacks. Fast enough for every start."""
    present = {
        name: {c["name"] for c in columns} for (_s, name), columns in inspect(connection).get_multi_columns().items()
    }
    missing = []
    for table in Base.metadata.sorted_tables:
        if table.name not in present:
            missing.append(table.name)
        else:
            missing += [f"{table.name}.{c.name}" for c in table.columns if c.name not in present[table.name]]
    return missing


def versions(directory: str) -> list[str]:
    """The versions of the schema that the migrations in `directory` know."""
    return [str(revision.revision) for revision in ScriptDirectory(directory).walk_revisions()]


def migration_obstacle(connection: Connection, directory: str) -> Message | None:
    """Why the migrations in `directory` can't be applied: SQLite is too old, the database is newer, or not made by
    them. None if they can."""
    if connection.dialect.name == "sqlite" and sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return _(
            "The SQLite of this Python is too old: it is {have}, the program needs {need}. Build Python with a newer "
            "SQLite (README.zh-CN.md says how), or use PostgreSQL.",
            have=sqlite3.sqlite_version,
            need=".".join(map(str, OLDEST_SQLITE)),
        )
    script = ScriptDirectory(directory)
    version, head = revision_of(connection), script.get_current_head()
    if version is None:
        if set(inspect(connection).get_table_names()) & set(Base.metadata.tables):
            return _("The database holds tables of this name that setup did not make. Use another database.")
        return None
    if version not in {revision.revision for revision in script.walk_revisions()}:
        return _(
            "The database is newer than this program: it has version {have}, the program knows {head}. "
            "Install the newer program.",
            have=version,
            head=head,
        )
    return None


def problem(connection: Connection, directory: str, *, quick: bool = False) -> Message | None:
    """What is wrong with the schema and what to do; None if nothing is. `quick` compares only the version, tables and
    columns."""
    if message := migration_obstacle(connection, directory):
        return message
    version, head = revision_of(connection), ScriptDirectory(directory).get_current_head()
    if version is None:
        return _("The database is not set up yet. Run: flask --app admin_app setup")
    if version != head:
        return _(
            "The database is older than this program: it has version {have}, the program needs {head}. "
            "Make a backup, then run: flask --app admin_app setup",
            have=version,
            head=head,
        )
    names = missing_columns(connection) if quick else list(dict.fromkeys(map(_name, differences(connection))))
    if not names:
        return None
    return _(
        "The tables of the database differ from what this program declares: {what}. "
        "If you changed a declaration, write a migration (docs/architecture.md); "
        "otherwise restore the last backup, or ask whoever maintains the program.",
        what=", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else ""),
    )


def revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _name(difference: Any) -> str:
    """The name of what a difference concerns: a table, or table.column, table.index or table.constraint."""
    if isinstance(difference, list):  # changes of one column
        return _name(difference[0])
    if isinstance(difference, str):
        return difference
    kind, *rest = difference
    if kind.endswith("_column") or kind.startswith("modify_"):
        return f"{rest[1]}.{getattr(rest[2], 'name', rest[2])}"
    if isinstance(rest[0], Table):
        return str(rest[0].name)
    return f"{rest[0].table.name}.{rest[0].name}"
