"""Old logs leave the database for sealed files; what stays is proved as before, and nothing else can be deleted."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bureau.upkeep.web import growth
from panel.exports.records import ExportLog
from panel.imports import row_archive
from panel.imports.records import ImportRow
from panel.kinds import now
from panel.security.policy import table_of
from panel.security.records import AuditEntry
from panel.store import maintenance
from panel.store.sealed import archive, checking, sealing
from panel.store.sealed.records import LogArchive
from tests.factories import Stage

AUDIT, ARCHIVES = table_of(AuditEntry), table_of(LogArchive)


@pytest.fixture
def engine(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 10)
    with stage.app.app_context():
        engine = stage.panel.db.engine
    sealing.seal(engine)
    return engine


def found(engine: Any, folder: Path) -> list[str]:
    with engine.connect() as connection:
        return [str(problem) for problem in checking.problems(connection, None, folder)]


def count(engine: Any, table: Any) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@pytest.mark.database
def test_old_rows_go_to_a_file_and_the_rest_is_proved(engine: Any, tmp_path: Path) -> None:
    before = count(engine, AUDIT)
    assert archive.archive(engine, tmp_path, now() - timedelta(days=400)) == []
    names = archive.archive(engine, tmp_path, now() + timedelta(days=1))
    assert [name for name in names if name.startswith("auditentry-1-")]
    assert (count(engine, AUDIT), found(engine, tmp_path)) == (0, [])
    (file,) = tmp_path.glob("auditentry-*")
    with gzip.open(file, "rt") as lines:
        assert len(lines.readlines()) == before
    assert file.stat().st_mode & 0o077 == 0
    file.write_bytes(file.read_bytes()[:-9])
    assert "已损坏" in found(engine, tmp_path)[0]


@pytest.mark.database
def test_only_what_an_archive_has_can_be_deleted(engine: Any, tmp_path: Path) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(sa.delete(AUDIT).where(AUDIT.c.id == 1))
    forged = {"table_name": "auditentry", "first_id": 1, "last_id": 5, "row_count": 5, "file_name": "x", "sha256": ""}
    with engine.begin() as connection:
        connection.execute(sa.insert(ARCHIVES).values(at=now(), seal="0" * 64, **forged))
        connection.execute(sa.delete(AUDIT).where(AUDIT.c.id <= 5))
    assert "未经本系统" in found(engine, tmp_path)[0]


def test_the_administrator_sees_each_archive_whether_its_seal_holds_and_takes_it(stage: Stage, engine: Any) -> None:
    with stage.app.app_context():
        folder = growth.folder()
    names = archive.archive(engine, folder, now() + timedelta(days=1))
    names += [row_archive.archive(engine, folder, now() + timedelta(days=1)) or ""]
    (folder / "importrow-1-2-20260101.jsonl.gz").write_bytes(b"not ours")
    (folder / "secret.txt").write_text("x")
    for name in ("office", "security", "auditor"):
        assert stage.browse(name).get("/archives").status_code == 403
        assert stage.browse(name).get(f"/archives/file?name={names[0]}").status_code == 403
    administrator = stage.browse("administrator")
    page = administrator.get("/archives").text
    assert [name for name in names if name not in page] == []
    assert (page.count("已校验"), page.count("已损坏"), "secret.txt" in page) == (len(names), 1, False)
    taken = administrator.get(f"/archives/file?name={names[-1]}")
    assert taken.data == (folder / names[-1]).read_bytes()
    with stage.session() as session:
        noted = session.execute(sa.select(ExportLog.table_name, ExportLog.file_name)).all()
    assert ("archive", names[-1]) in noted
    for wrong in ("../panel.db", "secret.txt", "auditentry-7-9-20200101.jsonl.gz"):
        assert administrator.get("/archives/file", query_string={"name": wrong}).status_code == 404
    (folder / names[0]).unlink()
    assert "文件已移存他处" in administrator.get("/archives").text


@pytest.mark.database
def test_the_database_is_kept_quick_and_rows_of_imports_go(stage: Stage, engine: Any, tmp_path: Path) -> None:
    maintenance.optimize(engine)
    assert maintenance.rewrite(engine)
    assert not maintenance.is_loose(engine)
    assert count(engine, table_of(ImportRow))
    assert row_archive.archive(engine, tmp_path, now() - timedelta(days=4000)) is None
    name = row_archive.archive(engine, tmp_path, now() + timedelta(days=1))
    assert name is not None
    assert count(engine, table_of(ImportRow)) == 0
    with gzip.open(tmp_path / name, "rt") as lines:
        assert "seal" in lines.readlines()[-1]
