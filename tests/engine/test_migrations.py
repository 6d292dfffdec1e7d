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
from panel.search import text_index
from panel.security.transactions import reading
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
    indexes = text_index.tables()
    assert there - indexes == set(Base.metadata.tables)
    assert "case_words" in there


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
    "versions/0007_receipts_of_forms.py": "7a7842db634848abb6415ed920c96701b75e53187cf9b1133d7fdda163bbfa64",
    "versions/0008_other_words_of_items.py": "3b1635b1e7b51f261ae9cd767303f0acb0655f0d7b35f703b60a426aefbfe470",
    "versions/0009_papers.py": "7cf292dfbbcac938d8867a5723bd322a8b9469511859e246c6ab693053d26a76",
    "versions/0010_orders_of_the_hotline.py": "b128fc6b4d21f3de917f474049518f20733316a30d8b12fe096cf6abefc55349",
    "versions/0011_deputies.py": "120dec4541dbc22074c9de86f90309c6e87e474d18b920c4bb2aca7072219282",
    "versions/0012_templates_of_papers.py": "5a97bba3780f34bd8d2f8b959fc51aa1beb012e0131e4d5787a5650be127a588",
    "versions/0013_referrals_and_performance.py": "af9f32d6d1f19093943433883b9d502788019ff09f72a1f2e7e74a48e1cc7cb5",
    "versions/0014_corrected_feedback.py": "124b3e3246666009038b7a7982dd6e2914c4d310fe40ea166268111b5ddd8194",
    "versions/0015_asked_by_deputies.py": "0948a9c88db14488553c39d373afb494ac927aa720bfe4e24683eb1ac9c149d6",
    "versions/0016_servers_of_jobs.py": "a16646644ec833b393d5afcb312add3a0cc4b5451560a3a0bb9f24938fc44987",
    "versions/0017_answers_to_forms.py": "c5fd99187f906f7fc56ab4abab9b4d9d245093226273af917b76cafc077ef1ec",
    "versions/0018_sealed_logs.py": "5ac575bce6e931a0d2bfe06c0015e60888f529d48a000b0c9353dda4ff15eab5",
    "versions/0019_proposals.py": "c660c557083c7fe190b393d888483ea334dc5e1ffa5979d3aab341bb2e8ed629",
    "versions/0020_encrypted_values.py": "6b58cf357882bba42fd7872aabfc43299cd2545423ca0c11d9b6f48660d9d069",
    "versions/0021_sessions_and_tries.py": "3f3fb9b194b64f20d1f9412423f019177bbccad55d128bef39b21c0c2ceb98a9",
    "versions/0022_saved_views.py": "cf3ea5800c56e2b36cc5f931d8da4d3359cfe1eec5c116b7bda75b8a127ccd88",
    "versions/0023_second_factors_by_data_key.py": "995fa1e5e4e6a5dc06a863681e389026ca8b8b0d03ea7a947e501af386244fa7",
    "versions/0024_survey_addresses.py": "2fac0ff6618f261191a8b402ce24a11b4bc4a20873617e651d1398e5ee7539f2",
    "versions/0025_earlier_values.py": "bab9a8f336ece1f33ce0301f17d0f8ba4014a7138fff9e784a3daa4060ac77d3",
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
        names = [c.name for c in Base.metadata.tables["deadlinechange"].constraints]
        assert names.count("ck_deadlinechange_change_kind") == 1, "the comparison changed what is declared"
        connection.rollback()


def test_every_connection_to_sqlite_holds_foreign_keys_and_syncs_with_the_log(config: Config) -> None:
    """As setup makes a database and as it is opened again: foreign keys on, WAL, synchronous FULL unless set."""
    for synchronous, value in (("FULL", 2), ("FULL", 2), ("NORMAL", 1)):
        url = f"sqlite:///{config.instance / 'new.db'}"
        app = admin_app.create_app(replace(config, database_url=url, synchronous=synchronous))
        assert app.test_cli_runner().invoke(args=["setup"]).exit_code == 0
        with app.app_context():
            engine = app.extensions["panel"].db.engine
            with reading(), engine.connect() as one, engine.connect() as other:
                for connection in (one, other):
                    pragmas = ("foreign_keys", "journal_mode", "synchronous")
                    found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
                    assert found == [1, "wal", value]
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


def test_a_sqlite_that_is_too_old_is_named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older systems bring one; without this, the first write would fail in the middle of a page."""
    with app.app_context(), app.extensions["panel"].db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            return
        monkeypatch.setattr(schema_state.sqlite3, "sqlite_version_info", (3, 31, 1))
        problem = schema_state.migration_obstacle(connection, MIGRATIONS)
    assert problem is not None
    assert "3.35" in str(problem)
