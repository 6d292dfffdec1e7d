"""The schema that migrations make, drawn up from their own texts without a database.

0001 and 0002 were changed several times after installations had been made with them. What such a database lacks is told
by comparing it with what their last texts make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import conv

VERSIONS = Path(__file__).parent / "versions"
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Drawing:
    """Stands in for Alembic's `op`: what is created is put into `metadata` instead of a database."""

    f = staticmethod(conv)

    def __init__(self, metadata: sa.MetaData, table: sa.Table | None = None) -> None:
        self.metadata = metadata
        self.table = table

    @staticmethod
    def get_bind() -> Any:
        """A connection that does nothing."""
        return sa.create_mock_engine("sqlite://", lambda *_statement, **_options: None)

    def create_table(self, name: str, *items: Any) -> None:
        sa.Table(name, self.metadata, *items)

    @contextmanager
    def batch_alter_table(self, name: str, **_options: Any) -> Iterator[Drawing]:
        yield Drawing(self.metadata, self.metadata.tables[name])

    def add_column(self, column: sa.Column[Any]) -> None:
        self.table.append_column(column)

    def create_index(self, name: str, columns: list[str], **options: Any) -> None:
        sa.Index(name, *[self.table.c[column] for column in columns], **options)

    def create_check_constraint(self, name: str, condition: str) -> None:
        self.table.append_constraint(sa.CheckConstraint(condition, name=name))

    def create_foreign_key(
        self, name: str, target: str, columns: list[str], target_columns: list[str], **options: Any
    ) -> None:
        targets = [f"{target}.{column}" for column in target_columns]
        self.table.append_constraint(sa.ForeignKeyConstraint(columns, targets, name=name, **options))


def drawn(*files: str) -> sa.MetaData:
    """The schema after these migrations, which are named by file, from nothing."""
    metadata = sa.MetaData(naming_convention=NAMES)
    for name in files:
        spec = spec_from_file_location(f"drawn_{name.removesuffix('.py')}", VERSIONS / name)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        module.op = Drawing(metadata)
        module.upgrade()
    return metadata


def count_on(connection: sa.Connection, name: str, highest: int) -> None:
    """Let ids of a table on SQLite begin after `highest`."""
    known = sa.text("SELECT 1 FROM sqlite_sequence WHERE name = :name")
    if connection.execute(known, {"name": name}).first() is None:
        connection.execute(sa.text("INSERT INTO sqlite_sequence VALUES (:name, 0)"), {"name": name})
    higher = sa.text("UPDATE sqlite_sequence SET seq = max(seq, :highest) WHERE name = :name")
    connection.execute(higher, {"highest": highest, "name": name})
