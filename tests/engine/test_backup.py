"""A backup is whole, taken while the panel runs, and goes back into an empty place only."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from admin_app import create_app
from bureau.cases.web import photos
from models import Attachment, Case, CaseEvent, Counter, Street
from panel.config import Config
from panel.security.session import may_write
from tests import factories
from tests.cases.test_attachments import attached


@pytest.fixture(autouse=True)
def tools(app: Flask, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client programs that belong to the running PostgreSQL."""
    if backend == "postgresql":
        with app.app_context(), app.extensions["panel"].db.engine.connect() as connection:
            folder = connection.execute(sa.text("SELECT setting FROM pg_config WHERE name = 'BINDIR'")).scalar_one()
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def empty(config: Config, backend: str, tmp_path: Path) -> Iterator[Flask]:
    """An installation without a database, or with an empty one."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    url = sa.make_url(config.database_url)
    if backend == "sqlite":
        url = url.set(database=str(folder / "panel.db"))
    else:
        server = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        url = url.set(database=f"{url.database}_back")
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {url.database}"))
        server.dispose()
    app = create_app(replace(config, instance=folder, database_url=url.render_as_string(hide_password=False)))
    yield app
    with app.app_context():
        app.extensions["panel"].db.engine.dispose()


def run(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=[str(one) for one in arguments])


def names(app: Flask) -> list[str]:
    with app.app_context(), app.extensions["panel"].system_session() as session:
        return sorted(session.execute(sa.select(Street.name)).scalars())


@pytest.mark.database
def test_what_was_backed_up_comes_back(app: Flask, empty: Flask, district: factories.District, tmp_path: Path) -> None:
    file = tmp_path / "backup.file"
    done = run(app, "backup", file)
    assert (done.exit_code, file.exists()) == (0, True), done.output
    back = run(empty, "restore", file)
    assert back.exit_code == 0, back.output
    assert names(empty) == names(app) == ["城东街道", "城西街道"]
    with empty.app_context(), empty.extensions["panel"].system_session() as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Case)).scalar_one() == 2
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            session.connection().execute(sa.text("DELETE FROM caseevent"))
        session.rollback()


@pytest.mark.database
def test_a_backup_is_taken_while_somebody_writes(app: Flask, district: factories.District, tmp_path: Path) -> None:
    file = tmp_path / "backup.file"
    with app.app_context(), may_write(), app.extensions["panel"].db.engine.connect() as connection:
        connection.execute(sa.insert(Street.__table__).values(name="未提交街道"))  # type: ignore[arg-type]
        assert run(app, "backup", file).exit_code == 0
        connection.rollback()
    assert file.stat().st_size > 1000


@pytest.mark.database
def test_a_database_that_holds_anything_is_not_overwritten(
    app: Flask, district: factories.District, tmp_path: Path
) -> None:
    file = tmp_path / "backup.file"
    assert run(app, "backup", file).exit_code == 0
    refused = run(app, "restore", file)
    assert refused.exit_code == 1
    assert "不是空的" in refused.output
    assert names(app) == ["城东街道", "城西街道"]


@pytest.mark.database
def test_a_failure_is_one_sentence(app: Flask, empty: Flask, tmp_path: Path) -> None:
    nowhere = run(app, "backup", tmp_path / "no" / "folder" / "file")
    missing = run(empty, "restore", tmp_path / "none.file")
    for refused in (nowhere, missing):
        assert refused.exit_code == 1
        assert len(refused.output.strip().splitlines()) == 1
        assert "Traceback" not in refused.output


@pytest.mark.database
def test_attachments_come_back_with_the_database(stage: factories.Stage, empty: Flask, tmp_path: Path) -> None:
    one, file = attached(stage), tmp_path / "backup.file"
    assert run(stage.app, "backup", file).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    assert run(empty, "restore", file).exit_code == 0
    done = run(empty, "check")
    assert (done.exit_code, done.output.strip()) == (0, "核对完毕，所有数据一致。")
    with empty.app_context(), empty.extensions["panel"].system_session() as session:
        digest = session.get_one(Attachment, one).sha256
    assert photos.store(empty).verify(digest)
    assert photos.store(empty).path(digest, small=True).exists()


def test_a_backup_that_was_tampered_with_is_refused(stage: factories.Stage, empty: Flask, tmp_path: Path) -> None:
    attached(stage)
    file, bad = tmp_path / "backup.file", tmp_path / "bad.file"
    run(stage.app, "backup", file)
    with zipfile.ZipFile(file) as good:
        parts = {name: good.read(name) for name in good.namelist()}
    picture = next(name for name in parts if name.startswith("files/") and len(name) == 70)
    climbing = {"../../climbed": b"x", "database": parts["database"]}
    for content in ({**parts, picture: b"another"}, climbing, {picture: parts[picture]}):
        with zipfile.ZipFile(bad, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        refused = run(empty, "restore", bad)
        assert (refused.exit_code, len(refused.output.strip().splitlines())) == (1, 1)
        with empty.app_context():
            assert not sa.inspect(empty.extensions["panel"].db.engine).get_table_names()
    assert not (tmp_path.parent / "climbed").exists()
    cut = tmp_path / "cut.file"
    cut.write_bytes(file.read_bytes()[:5000])
    assert run(empty, "restore", cut).exit_code == 1


def test_a_backup_of_the_database_alone_still_comes_back(
    app: Flask, empty: Flask, district: factories.District, config: Config, tmp_path: Path
) -> None:
    with zipfile.ZipFile(_backed_up(app, tmp_path)) as archive:
        plain = Path(archive.extract("database", tmp_path))
    assert run(empty, "restore", plain).exit_code == 0
    assert names(empty) == names(app)


def _backed_up(app: Flask, folder: Path) -> Path:
    file = folder / "backup.file"
    assert run(app, "backup", file).exit_code == 0
    return file


@pytest.mark.database
def test_what_does_not_agree_is_told(stage: factories.Stage) -> None:
    store, first = photos.store(stage.app), attached(stage)
    assert run(stage.app, "check").exit_code == 0
    with stage.session() as session:
        number = session.get_one(Case, stage.inside["case"]).case_no
        path = store.path(session.get_one(Attachment, first).sha256)
    good = path.read_bytes()

    def told() -> str:
        answer = run(stage.app, "check")
        assert (answer.exit_code, "Traceback" in answer.output) == (1, False)
        return answer.output

    path.write_bytes(b"another picture")
    assert f"{number}：附件“现场.jpg”的文件已被改动。" in told()
    path.unlink()
    assert f"{number}：附件“现场.jpg”的文件缺失。" in told()
    path.write_bytes(good)
    stray = store.path("0" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left behind")
    os.utime(stray, (0, 0))
    assert "不属于任何附件" in told()
    shutil.rmtree(stray.parent)
    with stage.session() as session:
        counter = session.scalars(sa.select(Counter).where(Counter.year == 2026)).one()
        counter.last += 1
        missing = f"NH-2026-{counter.last:06d}"
    assert f"编号 {missing} 已发出" in told()
    with stage.session() as session:
        session.scalars(sa.select(Counter).where(Counter.year == 2026)).one().last -= 2
    assert "以后会重号" in told()
    with stage.session() as session:
        session.scalars(sa.select(Counter).where(Counter.year == 2026)).one().last += 1
        case = session.get_one(Case, stage.inside["case"])
        event = session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == case.id)).first()
        assert event is not None
        extra = {c.name: getattr(event, c.name) for c in CaseEvent.__table__.c if c.name != "id"}
        session.execute(sa.insert(CaseEvent), [{**extra, "seq": 40}])
    assert f"{number}：流转记录在第 " in told()
