"""The migrations make exactly the schema that is declared, from nothing, on either database."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from flask import Flask

import admin_app
from bureau.upkeep.web.commands import MIGRATIONS, migrate
from models import Street
from panel import migrations, schema_state
from panel.base import Base
from panel.config import Config
from panel.store import bulk


@pytest.mark.database
def test_the_declared_schema_and_the_migrated_one_are_the_same(app: Flask, panel: Any) -> None:
    with panel.db.engine.connect() as connection:
        assert schema_state.differences(connection) == []
    migrations.check(MIGRATIONS)  # leaves with an error where a migration would find anything


@pytest.mark.database
def test_developers_ask_alembic_by_commands(app: Flask) -> None:
    """On the panel's own database; what Alembic refuses is a sentence."""
    runner = app.test_cli_runner()
    answers = {
        name: runner.invoke(args=["db", *name.split()]) for name in ("upgrade", "check", "current", "show nosuch")
    }
    assert [answer.exit_code for answer in answers.values()] == [0, 0, 0, 1]
    assert answers["current"].output.strip() == f"{ScriptDirectory(MIGRATIONS).get_current_head()} (head)"
    assert answers["show nosuch"].output == "Can't locate revision identified by 'nosuch'\n"


@pytest.mark.database
def test_every_declared_table_and_no_other_is_there(panel: Any) -> None:
    there = set(sa.inspect(panel.db.engine).get_table_names()) - {"alembic_version"}
    assert there == set(Base.metadata.tables)


@pytest.mark.database
@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_every_constraint_has_a_name(panel: Any, table: str) -> None:
    inspector = sa.inspect(panel.db.engine)
    found = [
        *inspector.get_check_constraints(table),
        *inspector.get_unique_constraints(table),
        *inspector.get_foreign_keys(table),
    ]
    if panel.db.engine.dialect.name != "sqlite":  # there AUTOINCREMENT leaves the primary key no name
        found.append(inspector.get_pk_constraint(table))
    assert all(constraint["name"] for constraint in found)
    declared = {str(c.name) for c in Base.metadata.tables[table].constraints if isinstance(c, sa.CheckConstraint)}
    names = {constraint["name"] for constraint in inspector.get_check_constraints(table)}
    assert {name if name.startswith(f"ck_{table}_") else f"ck_{table}_{name}" for name in declared} == names


@pytest.mark.database
def test_a_set_up_repeated_changes_nothing(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert runner.invoke(args=["setup"]).exit_code == 0
    again = runner.invoke(args=["setup"])
    assert again.exit_code == 0
    assert "清单事项 0 项" in again.stdout


#: Migrations that installations have been made with. What comes next is a new file; these never change again.
FROZEN = {
    "forms.py": "3d9ebf2d7fe2a41aac7618cda515ebcf79f8f73a529dafffb5e5617c86dc7fe5",
    "versions/0001_first_schema.py": "6efa972e3a640dc883b889b7dfb2b73cab3f4288801bd5abbbf1ddd8c20b977f",
    "versions/0002_duty_disputes_and_long_work.py": "319b2a42360abf225e319d3030f2ac3797e7b8745470fb52c53c163bd453154a",
    "versions/0003_export_log.py": "23a4c5068aa7bbdae7eea625fa89add8ad20d40f9a229c3051862140d248946f",
    "versions/0004_whole_and_never_twice.py": "78d677c3a0b685d080b7cdbf9531bfd344b6e8b038d77fcb0bd0e696cd999f85",
    "versions/0005_words_of_files.py": "cd0c42264cac82d31cf2794b8feb0d6fa98ec8425cdf3163c369077ebd4eb910",
    "versions/0006_landlines_of_parties.py": "3bf8fc4d3586a14a3c40c807b47f55335188986e65812775b3ef7946ef07a7ab",
}


def test_a_migration_that_has_landed_is_not_changed() -> None:
    folder = Path(MIGRATIONS)
    stored = {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in (folder / "forms.py", *folder.glob("versions/*.py"))
    }
    assert stored == FROZEN, "write a new migration, and add its hash here"


@pytest.mark.database
def test_an_id_is_never_given_twice(panel: Any) -> None:
    """Neither by a form, nor in bulk, nor after a table was rebuilt by a migration."""
    given = []
    with panel.system_session() as session:
        given += bulk.add(session, Street, [{"name": "一街"}, {"name": "二街"}])
    for name in ("三街", "四街"):
        with panel.system_session() as session:
            session.delete(session.get_one(Street, given[-1]))
        with panel.system_session() as session:
            session.add(one := Street(name=name))
            session.flush()
            given.append(one.id)
    with panel.system_session() as session:
        session.delete(session.get_one(Street, given[-1]))
    with panel.system_session() as session:
        given += bulk.add(session, Street, [{"name": "五街"}])
    assert given == sorted(set(given))


@pytest.mark.parametrize("table", ["street", "user", "auditentry"])
def test_a_table_that_forgets_its_ids_is_noticed(panel: Any, table: str) -> None:
    with panel.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        with Operations(MigrationContext.configure(connection)).batch_alter_table(table, recreate="always"):
            pass
        assert schema_state.differences(connection) == [table]
        connection.rollback()


@pytest.mark.database
def test_a_check_with_another_text_is_noticed(panel: Any) -> None:
    with panel.db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        operations = Operations(MigrationContext.configure(connection, opts={"target_metadata": Base.metadata}))
        with operations.batch_alter_table("deadlinechange", table_kwargs={"sqlite_autoincrement": True}) as batch:
            batch.drop_constraint("change_kind", type_="check")
            batch.create_check_constraint("change_kind", "kind IN ('extension', 'suspension')")
        found = schema_state.differences(connection)
        assert [kind for kind, *_rest in found] == ["remove_constraint", "add_constraint"]
        connection.rollback()


def test_every_connection_to_sqlite_holds_foreign_keys_and_syncs_with_the_log(config: Config) -> None:
    """As setup makes a database and as it is opened again: foreign keys on, WAL, synchronous NORMAL."""
    for _opened in range(2):
        app = admin_app.create_app(replace(config, database_url=f"sqlite:///{config.instance / 'new.db'}"))
        assert app.test_cli_runner().invoke(args=["setup"]).exit_code == 0
        with app.app_context():
            engine = app.extensions["panel"].db.engine
            with engine.connect() as one, engine.connect() as other:
                for connection in (one, other):
                    pragmas = ("foreign_keys", "journal_mode", "synchronous")
                    assert [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas] == [1, "wal", 1]
            engine.dispose()


def test_a_migration_that_fails_leaves_everything_as_it_was(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _stamp(panel, "0003")
    engine = panel.db.engine
    before = sorted(sa.inspect(engine).get_table_names())
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE VIEW "new_visit" AS SELECT 1')
    with pytest.raises(sa.exc.OperationalError):
        migrate(panel)
    assert sorted(sa.inspect(engine).get_table_names()) == before
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0003"


def _stamp(panel: Any, version: str) -> None:
    with panel.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


SAID = {
    "older": (lambda panel: _stamp(panel, "0002"), "数据库版本较旧"),
    "newer": (lambda panel: _stamp(panel, "9999"), "数据库版本比程序新"),
    "lacking": (
        lambda panel: _run(panel, "ALTER TABLE department DROP COLUMN contact"),
        "department.contact。如修改过表的声明，请编写迁移（见 docs/architecture.md）；否则请恢复最近的备份",
    ),
}


def _run(panel: Any, statement: str) -> None:
    with panel.db.engine.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.database
@pytest.mark.parametrize("state", sorted(SAID))
def test_a_schema_that_does_not_fit_is_said_in_one_sentence(
    app: Flask, config: Config, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command check, and by a server, which doesn't start."""
    spoil, words = SAID[state]
    with app.app_context():
        spoil(app.extensions["panel"])
        app.extensions["panel"].db.engine.dispose()
    answer = app.test_cli_runner().invoke(args=["check"])
    assert answer.exit_code == 1
    assert words in answer.output
    assert len(answer.output.strip().splitlines()) == 1
    monkeypatch.setattr(admin_app.Config, "read", staticmethod(lambda: config))
    with pytest.raises(SystemExit, match=words):
        admin_app.wsgi()


@pytest.mark.database
@pytest.mark.parametrize("state", ["newer", "lacking"])
def test_what_setup_can_not_mend_it_says(app: Flask, state: str) -> None:
    with app.app_context():
        SAID[state][0](app.extensions["panel"])
    answer = app.test_cli_runner().invoke(args=["setup"])
    assert answer.exit_code == 1
    assert SAID[state][1] in answer.output
    assert len(answer.output.strip().splitlines()) == 1


@pytest.mark.database
def test_check_notices_what_the_program_could_do_without(app: Flask) -> None:
    with app.app_context():
        _run(app.extensions["panel"], "DROP INDEX ix_case_repeats")
    answer = app.test_cli_runner().invoke(args=["check"])
    assert answer.exit_code == 1
    assert "case.ix_case_repeats" in answer.output


def test_an_empty_database_says_what_to_do_and_no_library_says_more(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = replace(config, database_url=f"sqlite:///{config.instance / 'empty.db'}")
    monkeypatch.setattr(admin_app.Config, "read", staticmethod(lambda: empty))
    with pytest.raises(SystemExit, match="setup"):
        admin_app.wsgi()
    assert capsys.readouterr() == ("", "")
