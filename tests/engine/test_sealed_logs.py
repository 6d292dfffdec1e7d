"""Logs are sealed in blocks; whoever changes them past the program is found out, and the first false row is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from panel.security import keys
from panel.security.policy import table_of
from panel.security.records import AuditEntry
from panel.store import append_only
from panel.store.sealed import blocks, checking, heads, sealing
from panel.store.sealed.records import LogBlock
from panel.web.system.log_work import heads_file, seal_and_write
from tests.factories import Stage

AUDIT = table_of(AuditEntry)


@pytest.fixture
def engine(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The engine of a district whose logs are sealed in blocks of ten, with the head in its file."""
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 10)
    with stage.app.app_context():
        seal_and_write(stage.panel)
        engine = stage.panel.db.engine
    yield engine
    heads_file(stage.app).unlink(missing_ok=True)


def found(stage: Stage, engine: Any) -> list[str]:
    with engine.connect() as connection:
        return [str(problem) for problem in checking.problems(connection, heads_file(stage.app))]


def unguarded(engine: Any, *statements: Any) -> None:
    """Write as somebody who owns the database and has taken the triggers away."""
    with engine.begin() as connection:
        for table in append_only.append_only_tables():
            if connection.dialect.name == "sqlite":
                for name in append_only.sqlite_triggers(table):
                    connection.execute(sa.text(f'DROP TRIGGER "{name}"'))
            else:
                connection.execute(sa.text(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'))
        for statement in statements:
            connection.execute(statement)


def copied(id_: int, new: int) -> Any:
    names = [column.name for column in AUDIT.c if column.name != "id"]
    row = sa.select(sa.literal(new), *(AUDIT.c[name] for name in names)).where(AUDIT.c.id == id_)
    return sa.insert(AUDIT).from_select(["id", *names], row)


BLOCKS = table_of(LogBlock)
#: What somebody does to the database, and what is said of it.
DEEDS: list[tuple[Any, str]] = [
    (lambda: [sa.update(AUDIT).where(AUDIT.c.id == 13).values(actor_name="别人")], "审计日志第 13 号记录被改动"),
    (lambda: [sa.update(AUDIT).where(AUDIT.c.id >= 15).values(note="改")], "审计日志第 15 号记录被改动"),
    (lambda: [sa.delete(AUDIT).where(AUDIT.c.id == 12)], "审计日志第 12 号记录被删除"),
    (lambda: [sa.delete(AUDIT).where(AUDIT.c.id == 12), copied(13, 12)], "审计日志第 12 号记录被改动"),
    (lambda: [sa.update(BLOCKS).where(BLOCKS.c.id == 2).values(row_count=9)], "日志封存链在第 2 块"),
    (lambda: [sa.delete(BLOCKS).where(BLOCKS.c.id == 2)], "日志封存链在第 3 块"),
    # The end of the log with its blocks: only the file outside the database tells.
    (
        lambda: [
            sa.delete(AUDIT).where(AUDIT.c.id > 10),
            sa.delete(BLOCKS).where(BLOCKS.c.id > 1),
        ],
        "当时的日志现已不全",
    ),
]


@pytest.mark.database
@pytest.mark.parametrize(("deed", "sentence"), DEEDS)
def test_whoever_changes_a_log_is_found_out(stage: Stage, engine: Any, deed: Any, sentence: str) -> None:
    assert found(stage, engine) == []
    unguarded(engine, *deed())
    (problem,) = found(stage, engine)
    assert sentence in problem


@pytest.mark.database
def test_rows_are_sealed_once_and_later_ones_follow(stage: Stage, engine: Any) -> None:
    with engine.connect() as connection:
        before = heads.current(connection)
        assert checking.unsealed(connection) == {}
    assert sealing.seal(engine) == 0
    stage.browse("office").post("/admin/street/new/", {"name": "新街道"})
    with engine.connect() as connection:
        assert checking.unsealed(connection)["auditentry"] >= 1
    with stage.app.app_context():
        assert seal_and_write(stage.panel) >= 1
    assert found(stage, engine) == []
    days = [line.head for line in heads.lines(heads_file(stage.app))]
    assert days[0] == before
    assert len(days) == 2
    assert heads_file(stage.app).stat().st_mode & 0o777 == 0o600


def test_a_restored_backup_is_accepted_with_a_reason(stage: Stage, engine: Any) -> None:
    file = heads_file(stage.app)
    file.write_text(f"{file.read_text()}2026-05-11T08:00:00+0800 9999 {'0' * 64}\n")
    assert "第 9999 块" in found(stage, engine)[0]
    runner = stage.app.test_cli_runner()
    assert runner.invoke(args=["check"]).exit_code == 1
    assert runner.invoke(args=["logs", "accept", "--reason", "恢复 5 月 10 日的备份"]).exit_code == 0
    assert found(stage, engine) == []
    with engine.connect() as connection:
        notes = connection.execute(sa.select(AUDIT.c.note).order_by(AUDIT.c.id.desc()).limit(1)).scalar_one()
    assert "恢复 5 月 10 日的备份" in notes


def test_another_key_is_told_and_blames_nobody(stage: Stage, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own = keys.keys_of(engine)
    keys.use(engine, keys.Keys(log="another", hash=own.hash, data=own.data))
    try:
        (problem,) = found(stage, engine)
    finally:
        keys.use(engine, own)
    assert "log_key" in problem


def test_the_hash_of_a_row_depends_on_no_order_and_on_no_empty_column() -> None:
    row = [1, "甲", None, {"b": [None, 1.5], "a": "乙"}]
    other = [1, {"a": "乙", "b": [None, 1.5]}, "甲"]
    assert blocks.row_hash(["id", "x", "y", "z"], row) == blocks.row_hash(["id", "z", "x"], other)


@pytest.mark.database
def test_a_replacement_is_refused_like_a_change(stage: Stage, engine: Any) -> None:
    """INSERT OR REPLACE deletes what is in its way without the triggers of a deletion."""
    names = ", ".join(f'"{column.name}"' for column in AUDIT.c)
    sqlite = engine.dialect.name == "sqlite"
    changed = names.replace('"note"', "'x'")
    ending = "" if sqlite else "ON CONFLICT (id) DO UPDATE SET note = 'x'"
    verb = "INSERT OR REPLACE" if sqlite else "INSERT"
    statement = f"{verb} INTO auditentry ({names}) SELECT {changed} FROM auditentry WHERE id = 1 {ending}"
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(sa.text(statement))


def test_a_replacement_by_another_unique_value_is_refused_too(stage: Stage, engine: Any) -> None:
    columns = [column.name for column in BLOCKS.c if column.name != "id"]
    names = ", ".join(f'"{column}"' for column in columns)
    statement = f"INSERT OR REPLACE INTO logblock ({names}) SELECT {names} FROM logblock WHERE id = 1"
    with engine.connect() as connection, pytest.raises(IntegrityError, match="UNIQUE constraint failed"):
        connection.execute(sa.text(statement))


@pytest.mark.database
@pytest.mark.parametrize("deed", ["drop", "alter"])
def test_a_missing_or_altered_trigger_is_told(stage: Stage, engine: Any, deed: str) -> None:
    with engine.begin() as connection:
        assert list(append_only.trigger_problems(connection)) == []
        if engine.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TRIGGER keep_loginlog_delete"))
            if deed == "alter":
                connection.execute(
                    sa.text("CREATE TRIGGER keep_loginlog_delete BEFORE DELETE ON loginlog BEGIN SELECT 1; END")
                )
        else:
            connection.execute(sa.text("ALTER TABLE loginlog DISABLE TRIGGER keep_loginlog"))
        (problem,) = append_only.trigger_problems(connection)
    assert "loginlog" in str(problem)
