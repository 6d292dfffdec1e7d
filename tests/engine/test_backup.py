"""A backup is whole, taken while the panel runs, and goes back into an empty place only."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from admin_app import create_app
from bureau.cases.web import photos
from bureau.upkeep.web import backups
from models import Attachment, Case, CaseEvent, Counter, Street
from panel.base import Base
from panel.config import Config
from panel.i18n import Message
from panel.security.session import may_write
from panel.store import disk
from panel.store.backups import copies, manifest, trial
from panel.store.backups.keeping import Retention
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
@contextmanager
def impatient(app: Flask) -> Iterator[None]:
    """New connections of SQLite wait for a writer for half a second."""

    def connected(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=500")

    engine = app.extensions["panel"].db.engine
    engine.dispose()
    sa.event.listen(engine, "connect", connected)
    yield
    sa.event.remove(engine, "connect", connected)
    engine.dispose()


def test_a_backup_is_taken_while_somebody_writes(app: Flask, district: factories.District, tmp_path: Path) -> None:
    file = tmp_path / "backup.file"
    # What the command writes to the log waits for the writer, which doesn't end here.
    with app.app_context(), impatient(app), may_write(), app.extensions["panel"].db.engine.connect() as connection:
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
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "核对完毕，所有数据一致。")
    with empty.app_context(), empty.extensions["panel"].system_session() as session:
        digest = session.get_one(Attachment, one).sha256
    assert photos.store(empty).verify(digest)
    assert photos.store(empty).path(digest, small=True).exists()


def parts_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(file: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file


def nothing_came(empty: Flask, attempt: Result, words: str = "") -> None:
    """The attempt was refused in a sentence, and nothing is left of it."""
    assert (attempt.exit_code, len(attempt.output.strip().splitlines())) == (1, 1), attempt.output
    assert "Traceback" not in attempt.output
    assert words in attempt.output
    with empty.app_context():
        engine = empty.extensions["panel"].db.engine
        assert not sa.inspect(engine).get_table_names()
        engine.dispose()
    folder = Path(empty.instance_path)
    assert {path.name for path in folder.iterdir()} <= {"panel.db"}


def edited(database: bytes, folder: Path, statements: str) -> bytes:
    """A database after statements that its triggers would refuse."""
    file = folder / "edited.db"
    file.write_bytes(database)
    connection = sqlite3.connect(file)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.executescript(statements)
    connection.close()
    data = file.read_bytes()
    file.unlink()
    return data


def test_an_archive_that_is_not_as_it_was_made_does_not_come_in(
    stage: factories.Stage, empty: Flask, backend: str, tmp_path: Path
) -> None:
    """Half of the audit taken away, every password replaced, no attachments, pages damaged, a newer program's: also by
    somebody who writes the list of contents anew."""
    if backend != "sqlite":
        pytest.skip("the archive holds a file of SQLite")
    attached(stage)
    parts = parts_of(_backed_up(stage.app, tmp_path))
    picture = next(name for name in parts if name.startswith("files/") and len(name) == 70)
    database, listed = parts["database"], json.loads(parts["manifest.json"])
    damaged = bytearray(database)
    damaged[4096:40960] = b"?" * 36864
    half = edited(database, tmp_path, "DELETE FROM auditentry WHERE id % 2 = 0")
    passwords = edited(database, tmp_path, "UPDATE user SET password_hash = 'mine'")
    newer = edited(database, tmp_path, "UPDATE alembic_version SET version_num = '9999'")

    def listing(data: bytes, **changed: object) -> dict[str, bytes]:
        values = {**listed, "sha256": sha256(data).hexdigest(), "size": len(data), **changed}
        return {**parts, "database": data, "manifest.json": json.dumps(values, sort_keys=True).encode()}

    without = {name: data for name, data in parts.items() if not name.startswith("files/")}
    wrong: list[tuple[dict[str, bytes], str]] = [
        ({**parts, "database": half}, "数据库已不是原来的"),
        ({**parts, "database": passwords}, "数据库已不是原来的"),
        (listing(half), "清单被改动"),
        (listing(passwords), "清单被改动"),
        (without, "附件文件缺失"),
        ({**without, "manifest.json": listing(database, files={})["manifest.json"]}, "清单被改动"),
        ({**parts, picture: b"another"}, "附件文件已不是原来的"),
        ({**parts, "../../climbed": b"x"}, "已损坏，或不是"),
        ({picture: parts[picture]}, "已损坏，或不是"),
        ({name: data for name, data in parts.items() if not name.startswith("manifest")}, "没有带签章的清单"),
    ]
    for content, words in wrong:
        nothing_came(empty, run(empty, "restore", packed(tmp_path / "bad.zip", content)), words)
    # Even who says that a seal can't be asked for gets what can be compared without it.
    sealed_newly = seal(listing(newer, schema="9999"), stage.app)
    nothing_came(empty, run(empty, "restore", packed(tmp_path / "bad.zip", sealed_newly)), "由更新版本的程序生成")
    broken = seal(listing(bytes(damaged)), stage.app)
    nothing_came(empty, run(empty, "restore", packed(tmp_path / "bad.zip", broken)), "已损坏，或不是")
    counted = seal(listing(half), stage.app)
    nothing_came(empty, run(empty, "restore", packed(tmp_path / "bad.zip", counted)), "auditentry")
    cut = tmp_path / "cut.file"
    cut.write_bytes((tmp_path / "backup.file").read_bytes()[:5000])
    nothing_came(empty, run(empty, "restore", cut))
    assert not (tmp_path.parent / "climbed").exists()


def seal(parts: dict[str, bytes], app: Flask) -> dict[str, bytes]:
    """Parts whose list of contents is sealed by the installation's own key."""
    return {**parts, "manifest.seals": manifest.seal(parts["manifest.json"], app.extensions["panel"].keys())}


def test_an_archive_under_another_key_or_without_a_seal_comes_in_only_on_purpose(
    app: Flask, district: factories.District, config: Config, backend: str, tmp_path: Path
) -> None:
    if backend != "sqlite":
        pytest.skip("the archive holds a file of SQLite")
    file, folder = _backed_up(app, tmp_path), tmp_path / "another"
    folder.mkdir()
    other = replace(
        config, instance=folder, database_url=f"sqlite:///{folder / 'panel.db'}", secret_key="a key of another place"
    )
    refused = run(create_app(other), "restore", file)
    assert (refused.exit_code, "其他密钥" in refused.output) == (1, True), refused.output
    assert list(folder.glob("panel.db*")) == []
    assert run(create_app(other), "restore", file, "--unsealed").exit_code == 0
    plain = tmp_path / "plain.db"
    plain.write_bytes(parts_of(file)["database"])
    own = replace(other, instance=tmp_path, secret_key=config.secret_key, database_url=f"sqlite:///{tmp_path / 'n.db'}")
    assert run(create_app(own), "restore", plain).exit_code == 1
    assert run(create_app(own), "restore", plain, "--unsealed").exit_code == 0
    assert plain.exists()
    assert names(create_app(own)) == names(app)


def test_a_backup_of_values_under_another_data_key_does_not_come_in(
    config: Config, backend: str, tmp_path: Path
) -> None:
    """Though the other keys fit: nobody could read its telephones. One sentence, and nothing is left."""
    if backend != "sqlite":
        pytest.skip("the archive holds a file of SQLite")

    def place(name: str, key: str) -> Flask:
        folder = tmp_path / name
        folder.mkdir()
        url = f"sqlite:///{folder / 'panel.db'}"
        return create_app(replace(config, instance=folder, database_url=url, data_key=key * 64))

    source, other, file = place("source", "a"), place("other", "b"), tmp_path / "keyed.zip"
    assert run(source, "setup").exit_code == 0
    assert run(source, "backup", file).exit_code == 0
    refused = run(other, "restore", file)
    assert refused.exit_code == 1
    assert "DATA_KEY" in refused.output
    assert len(refused.output.strip().splitlines()) == 1, refused.output
    assert list((tmp_path / "other").glob("panel.db*")) == []
    assert run(place("same", "a"), "restore", file).exit_code == 0


def test_an_encrypted_backup_asks_for_its_key(
    stage: factories.Stage, empty: Flask, backend: str, tmp_path: Path
) -> None:
    attached(stage)
    key, other, file = tmp_path / "backup.key", tmp_path / "other.key", tmp_path / "backup.enc"
    for made in (key, other):
        assert run(stage.app, "backups", "key", made).exit_code == 0
    assert run(stage.app, "backups", "key", key).exit_code == 1, "a key is never overwritten"
    assert key.stat().st_mode & 0o077 == 0
    assert run(stage.app, "backup", file, "--key-file", key).exit_code == 0
    assert b"SQLite" not in file.read_bytes()
    assert not zipfile.is_zipfile(file)
    if backend == "sqlite":
        nothing_came(empty, run(empty, "restore", file), "BACKUP_KEY_FILE")
        nothing_came(empty, run(empty, "restore", file, "--key-file", other), "无法解密")
        nothing_came(empty, run(empty, "restore", file, "--key-file", tmp_path / "none"), "密钥文件")
        (tmp_path / "cut.enc").write_bytes(file.read_bytes()[:-100])
        nothing_came(empty, run(empty, "restore", tmp_path / "cut.enc", "--key-file", key), "无法解密")
    assert run(empty, "restore", file, "--key-file", key).exit_code == 0
    assert names(empty) == names(stage.app)


@pytest.mark.database
def test_without_a_tool_of_postgresql_the_rows_themselves_are_kept_and_come_back(
    stage: factories.Stage, empty: Flask, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older pg_dump is told of before anything is copied, in the user's language."""
    if backend != "postgresql":
        pytest.skip("SQLite needs no tool")
    attached(stage)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n")
    (tools / "pg_dump").chmod(0o755)
    file = tmp_path / "backup.file"
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
    done = run(stage.app, "backup", file)
    assert (done.exit_code, "版本 9" in done.output) == (0, True), (done.output, done.exception)
    assert parts_of(file)["database"].startswith(b"SQLite format 3")
    monkeypatch.setenv("PATH", "/nowhere")
    back = run(empty, "restore", file)
    assert back.exit_code == 0, back.output
    assert run(empty, "check").output.strip().endswith("核对完毕，所有数据一致。")
    with stage.session() as session, empty.app_context(), empty.extensions["panel"].system_session() as other:
        for table in Base.metadata.sorted_tables:
            rows = [sorted(map(repr, one.connection().execute(sa.select(table)))) for one in (session, other)]
            assert rows[0] == rows[1] or table.name == "exportlog", table.name
        fresh = Street(name="新的街道")
        other.add(fresh)
        other.flush()
        assert fresh.id > other.execute(sa.select(sa.func.max(Street.id)).where(Street.id != fresh.id)).scalar_one()


def test_broken_pages_are_told_in_a_sentence(app: Flask, backend: str, tmp_path: Path) -> None:
    if backend != "sqlite":
        pytest.skip("a server looks after its own pages")
    file = Path(sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database or "")
    with app.app_context():
        app.extensions["panel"].db.engine.dispose()
    data = bytearray(file.read_bytes())
    data[40960:] = b"?" * (len(data) - 40960)
    file.write_bytes(data)
    for command in (("check",), ("backup", tmp_path / "b.zip")):
        told = run(app, *command)
        assert (told.exit_code, len(told.output.strip().splitlines())) == (1, 1), told.output
        assert "数据库已损坏" in told.output
    assert list(tmp_path.glob("b.zip*")) == []


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own, which only the administrator of the machine can make."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:  # noqa: S603
        pytest.skip("no disk can be made here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)  # noqa: S603, S607


def test_a_full_disk_is_told_and_nothing_is_left_behind(
    stage: factories.Stage, config: Config, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend != "sqlite":
        pytest.skip("a server has a disk of its own")
    attached(stage)
    file = _backed_up(stage.app, tmp_path)
    with small_disk(tmp_path / "small", 2) as small:
        (small / "old.zip").write_bytes(b"the one before")
        with (small / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while disk.free(small) > 24_000:
                filler.write(b"?" * 4096)
        before = {path.name for path in small.iterdir()}
        for asked in (True, False):  # found out before anything is written, or in the middle of it
            if not asked:
                monkeypatch.setattr("panel.store.backups.archive.require_room", lambda *_: None)
            told = run(stage.app, "backup", small / "old.zip")
            assert (told.exit_code, len(told.output.strip().splitlines())) == (1, 1), told.output
            assert "MB" in told.output
            assert {path.name for path in small.iterdir()} == before
        assert (small / "old.zip").read_bytes() == b"the one before"
        into = replace(config, instance=small, database_url=f"sqlite:///{small / 'panel.db'}")
        refused = run(create_app(into), "restore", file)
        assert (refused.exit_code, len(refused.output.strip().splitlines())) == (1, 1), refused.output
        assert {path.name for path in small.iterdir()} == before


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


@pytest.mark.database
def test_a_dump_of_postgresql_is_verified_by_a_restore_on_trial(
    app: Flask, backend: str, district: factories.District, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend != "postgresql":
        pytest.skip("a file of SQLite is compared row by row")
    with app.app_context():
        panel = app.extensions["panel"]
        folder = backups.folder(panel)
        good = folder.make(Retention())
        assert (good.good, good.problem, trial.problem(panel.db.engine)) == (True, "", None)
        with monkeypatch.context() as lost:
            lost.setattr(copies, "restore_dump", lambda *_given: None)
            assert folder.verify(good.name).good is False, "nothing has come back"
            assert "试恢复" in folder.entries()[0].problem
        with panel.db.engine.connect() as connection:
            left = connection.exec_driver_sql("SELECT datname FROM pg_database").scalars().all()
        assert not [name for name in left if name.startswith("casework_trial")]
        with monkeypatch.context() as forbidden:
            forbidden.setattr(trial, "problem", lambda _engine: Message("may not"))
            assert folder.verify(good.name).good is True, "by its hashes alone, as the page says"
