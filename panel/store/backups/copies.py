"""A consistent copy of the database while others write: of SQLite by its online backup, of PostgreSQL by pg_dump, or as
a file of SQLite where there is no pg_dump that can."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.schema import Table

from panel.base import Base
from panel.i18n import Message, _
from panel.search import text_index
from panel.security import keys
from panel.security.transactions import reading
from panel.store.backups import manifest as manifests
from panel.store.backups.errors import BackupError
from panel.store.backups.manifest import PG_SNAPSHOT, SQLITE, Contents

ROWS = 1000


def copy(engine: Engine, target: Path) -> tuple[str, Contents]:
    """Copy the database to a file. Returns what it is, SQLITE or PG_SNAPSHOT, and its contents."""
    if engine.dialect.name == "sqlite":
        _copy_sqlite(Path(str(engine.url.database)), target)
        return SQLITE, _contents(target)
    if tool_problem(engine) is not None:
        _copy_rows(engine, target)
        return SQLITE, _contents(target)
    with reading(), engine.connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        dump = ["pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", "--file", str(target)]
        run_tool(engine, dump)
        return PG_SNAPSHOT, manifests.contents(connection)


def _contents(file: Path) -> Contents:
    with opened(file) as connection:
        return manifests.contents(connection)


def restore_dump(engine: Engine, dump: Path) -> None:
    """Restore a dump into an empty database of PostgreSQL. Raises BackupError."""
    options = ("--no-owner", "--exit-on-error", "--single-transaction")
    run_tool(engine, ["pg_restore", *options, "--dbname", str(engine.url.database), str(dump)])


def _copy_sqlite(database: Path, target: Path) -> None:
    source = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
    made = sqlite3.connect(target)
    try:
        source.backup(made)
        made.execute("PRAGMA journal_mode=DELETE")
        if (line := made.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(line)
    finally:
        made.close()
        source.close()


@contextmanager
def opened(file: Path, like: Engine | None = None) -> Iterator[Connection]:
    """A connection to a copy that is a file of SQLite, in one transaction that is committed at the end. Foreign keys
    are not enforced, since rows come in the order of tables. Its columns use the keys of the engine `like`."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"isolation_level": None}, hide_parameters=True)
    if like is not None:
        keys.use(engine, keys.keys_of(like))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def is_sound(file: Path) -> bool:
    """Whether SQLite finds nothing wrong with the pages of a file."""
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False
    finally:
        connection.close()


def _copy_rows(engine: Engine, target: Path) -> None:
    """Copy every row of PostgreSQL into a file of SQLite, as of one moment."""
    with reading(), engine.connect() as source, opened(target, engine) as made:
        source.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        Base.metadata.create_all(made)
        present = set(inspect(source).get_table_names())
        for table in Base.metadata.sorted_tables:
            if table.name in present:
                _copy_table(source, made, table)
        if "alembic_version" in present:
            version = source.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            made.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            made.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})


def _copy_table(source: Connection, target: Connection, table: Table, without: frozenset[str] = frozenset()) -> None:
    """Copy the rows of a table, leaving out the values of some columns."""
    columns = [column for column in table.columns if column.computed is None]
    statement = select(*columns)
    if "id" in table.c:
        statement = statement.order_by(table.c.id)
    rows = source.execution_options(yield_per=ROWS).execute(statement)
    for chunk in rows.mappings().partitions(ROWS):
        values = [{name: value for name, value in row.items() if name not in without} for row in chunk]
        target.execute(insert(table), values)


def fill_from_rows(engine: Engine, file: Path) -> None:
    """Fill an empty PostgreSQL database with the rows of a file of SQLite, in one transaction. References that point to
    later rows are set at the end."""
    with opened(file, engine) as source, engine.begin() as target:
        Base.metadata.create_all(target)
        done: set[str] = set()
        later: list[tuple[Table, frozenset[str]]] = []
        for table in Base.metadata.sorted_tables:
            pointing = frozenset(
                column.name
                for column in table.columns
                for key in column.foreign_keys
                if key.column.table.name not in done
            )
            _copy_table(source, target, table, pointing)
            done.add(table.name)
            if pointing:
                later.append((table, pointing))
        for table, names in later:
            _set_references(source, target, table, names)
        for table in Base.metadata.sorted_tables:
            if "id" in table.c:
                last = source.execute(
                    text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
                ).scalar()
                if last:
                    target.execute(
                        text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"),
                        {"name": f'"{table.name}"', "last": last},
                    )
        version = source.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        target.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        target.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})
        for model in text_index.indexed():
            text_index.rebuild(target, model)


def _set_references(source: Connection, target: Connection, table: Table, names: frozenset[str]) -> None:
    columns = [table.c[name] for name in sorted(names)]
    for row in source.execute(select(table.c.id, *columns)).mappings():
        values = {column.name: row[column.name] for column in columns if row[column.name] is not None}
        if values:
            target.execute(table.update().where(table.c.id == row["id"]).values(**values))


def tool_problem(engine: Engine) -> Message | None:
    """Why PostgreSQL's pg_dump can't copy this server: it is missing, or older. None for SQLite."""
    if engine.dialect.name == "sqlite":
        return None
    tool = shutil.which("pg_dump")
    if tool is None:
        return _("pg_dump isn't installed: backups hold the rows in a file of SQLite instead, which restore reads.")
    words = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", words)
    with reading(), engine.connect() as connection:
        server = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10000
    if found is None or int(found[1]) < server:
        return _(
            "pg_dump is of version {have}, older than the server's {server}: backups hold the rows in a file of SQLite "
            "instead, which restore reads.",
            have=found[1] if found else "?",
            server=server,
        )
    return None


def run_tool(engine: Engine, command: list[str]) -> None:
    """Run a program of PostgreSQL on the database of an engine. Raises BackupError if it fails."""
    tool = shutil.which(command[0])
    if tool is None:
        raise BackupError(_("{tool} is not installed; it comes with PostgreSQL's client programs.", tool=command[0]))
    url = engine.url
    environment = {
        **os.environ,
        "PGHOST": url.host or str(url.query.get("host", "")),
        "PGPORT": str(url.port or ""),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.database or "",
    }
    environment = {k: v for k, v in environment.items() if v}
    result = subprocess.run([tool, *command[1:]], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed program
    if result.returncode:
        raise BackupError(_("{tool} failed: {error}", tool=command[0], error=result.stderr.strip()[-300:]))
