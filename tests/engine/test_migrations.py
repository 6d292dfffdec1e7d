"""The migrations make exactly the schema that is declared, from nothing, on either database."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import check

from bureau.upkeep.web.commands import MIGRATIONS
from panel.base import Base


def test_the_declared_schema_and_the_migrated_one_are_the_same(app: Flask, panel: Any) -> None:
    with panel.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    check(directory=MIGRATIONS)  # leaves with an error where a migration would find anything


def test_every_declared_table_and_no_other_is_there(panel: Any) -> None:
    there = set(sa.inspect(panel.db.engine).get_table_names()) - {"alembic_version"}
    assert there == set(Base.metadata.tables)


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_every_constraint_has_a_name(panel: Any, table: str) -> None:
    inspector = sa.inspect(panel.db.engine)
    found = [
        *inspector.get_check_constraints(table),
        *inspector.get_unique_constraints(table),
        *inspector.get_foreign_keys(table),
        inspector.get_pk_constraint(table),
    ]
    assert all(constraint["name"] for constraint in found)
    declared = {str(c.name) for c in Base.metadata.tables[table].constraints if isinstance(c, sa.CheckConstraint)}
    names = {constraint["name"] for constraint in inspector.get_check_constraints(table)}
    assert {name if name.startswith(f"ck_{table}_") else f"ck_{table}_{name}" for name in declared} == names


def test_a_set_up_repeated_changes_nothing(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert runner.invoke(args=["setup"]).exit_code == 0
    again = runner.invoke(args=["setup"])
    assert again.exit_code == 0
    assert "清单事项 0 项" in again.stdout
