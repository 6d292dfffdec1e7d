"""Backups by themselves: when they are made, how they are verified, which are kept, what the administrator sees."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from bureau.settings import settings
from bureau.upkeep.web import backups
from panel.exports.records import ExportLog
from panel.jobs import periodic
from panel.kinds import ZONE
from panel.store import disk
from panel.store.backups import archive, keeping
from panel.store.backups.keeping import Entry, Folder, Retention, to_keep
from tests.factories import Stage

MORNING = datetime(2026, 6, 1, 9, tzinfo=ZONE)


@pytest.fixture(autouse=True)
def sqlite_alone(backend: str) -> None:
    if backend != "sqlite":
        pytest.skip("what is copied of PostgreSQL is tried elsewhere")


def entry(day: datetime, *, good: bool | None = True) -> Entry:
    return Entry(f"casework-{day:%Y%m%d-%H%M%S}.zip", good=good)


def test_the_last_good_one_of_each_day_week_and_month_is_kept() -> None:
    with time_machine.travel(MORNING):
        days = [MORNING - timedelta(days=n) for n in range(400)]
        every = [entry(day) for day in days] + [entry(day + timedelta(hours=1)) for day in days[1:]]
        kept = sorted(to_keep(every, Retention(3, 3, 3)), reverse=True)
        assert [name[9:17] for name in kept] == ["20260601", "20260531", "20260530", "20260524", "20260430"]
        assert kept[1].endswith("100000.zip"), "the last one of the day"
        old = entry(MORNING - timedelta(days=500))
        bad = [entry(MORNING - timedelta(days=n), good=False) for n in (0, 3, 9)]
        assert to_keep([old, *bad], Retention(1, 0, 0)) == {old.name, bad[0].name, bad[1].name}


def folder_of(stage: Stage) -> Folder:
    with stage.app.app_context():
        return backups.folder(stage.panel)


def tick(stage: Stage, moment: datetime) -> None:
    with time_machine.travel(moment), stage.app.app_context():
        assert "failed" not in periodic.tick(stage.panel).values()


def test_the_panel_makes_one_each_day_verifies_it_and_copies_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second place"
    second.mkdir()
    monkeypatch.setitem(stage.app.config, "BACKUP_SECOND", second)
    folder = folder_of(stage)
    tick(stage, MORNING)
    tick(stage, MORNING + timedelta(hours=2))
    (first,) = folder.entries()
    assert (first.good, first.second, first.problem) == (True, True, "")
    assert [file.name for file in second.iterdir()] == [first.name]
    assert (folder.path / first.name).stat().st_mode & 0o077 == 0
    tick(stage, MORNING.replace(hour=1) + timedelta(days=1))
    assert len(folder.entries()) == 1, "not before its hour"
    shutil.rmtree(second)
    tick(stage, MORNING.replace(hour=3) + timedelta(days=1))
    latest = folder.entries()[0]
    assert (len(folder.entries()), latest.second, "second place" in latest.second_problem) == (2, False, True)
    with stage.session() as session:
        settings.put(session, "backup_hour", 24)
    tick(stage, MORNING + timedelta(days=5))
    assert len(folder.entries()) == 2


def test_a_copy_that_failed_is_tried_again_until_it_is_there(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "mounted later"
    monkeypatch.setitem(stage.app.config, "BACKUP_SECOND", second)
    folder, administrator = folder_of(stage), stage.browse("administrator")
    tick(stage, MORNING)
    assert [found.good for found in folder.lacking()] == [True]
    assert "第二存放处缺少 1 份完好的备份" in administrator.get("/backups").text
    second.mkdir()
    tick(stage, MORNING + timedelta(minutes=10))
    assert list(second.iterdir()) == [], "not at every look"
    tick(stage, MORNING + timedelta(minutes=16))
    assert ([file.name for file in second.iterdir()], folder.lacking()) == ([folder.entries()[0].name], [])
    home = administrator.get("/").text
    assert "份备份未存入" not in home
    next(second.iterdir()).unlink()
    assert re.search(r'<a class="bad" href="/backups">第二存放处', administrator.get("/").text), "emptied meanwhile"
    answer = stage.app.test_cli_runner().invoke(args=["backups", "copy"])
    assert (answer.exit_code, folder.lacking()) == (0, []), answer.output
    shutil.rmtree(second)
    assert stage.app.test_cli_runner().invoke(args=["backups", "copy"]).exit_code == 1, "it isn't there"
    assert re.search(r'<a class="bad" href="/backups">第二存放处', administrator.get("/").text)


@pytest.mark.parametrize("noticed", ["before", "while copying"])
def test_a_full_second_place_is_told_and_the_first_copy_stays(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noticed: str
) -> None:
    second, real = tmp_path / "second", disk.free
    second.mkdir()
    monkeypatch.setitem(stage.app.config, "BACKUP_SECOND", second)
    if noticed == "before":
        monkeypatch.setattr(disk, "free", lambda folder: 1000 if folder == second else real(folder))
    else:

        def cut_short(_source: Path, target: Path) -> None:
            target.write_bytes(b"the beginning")
            raise OSError(28, "No space left")

        monkeypatch.setattr(keeping.shutil, "copyfile", cut_short)
    tick(stage, MORNING)
    (made,) = folder_of(stage).entries()
    assert (made.good, made.second, folder_of(stage).last_failure()) == (True, False, "")
    assert ("空间不足" if noticed == "before" else "已满") in made.second_problem
    assert list(second.iterdir()) == []
    administrator = stage.browse("administrator")
    page, home = administrator.get("/backups").text, administrator.get("/").text
    assert "第二存放处缺少 1 份完好的备份" in page
    assert re.search(r'<a class="bad" href="/backups">第二存放处可用空间', home)


def test_one_that_fails_is_told_and_tried_again_after_an_hour(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(stage)
    folder.path.mkdir()
    monkeypatch.setattr(archive, "require_room", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    tick(stage, MORNING)
    assert "磁盘已满" in folder.last_failure()
    assert [file.name for file in folder.path.iterdir()] == ["status.json"]
    monkeypatch.undo()
    tick(stage, MORNING + timedelta(minutes=30))
    assert folder.entries() == []
    administrator = stage.browse("administrator")
    assert "最近一次备份失败" in administrator.get("/backups").text
    tick(stage, MORNING + timedelta(minutes=70))
    assert [found.good for found in folder.entries()] == [True]
    assert folder.last_failure() == ""


def tile(stage: Stage) -> str:
    found = re.search(
        r'<a class="(\w*)" href="/backups">(?:距最近完好备份|完好的备份)', stage.browse("administrator").get("/").text
    )
    assert found is not None
    return found[1]


def test_the_administrator_alone_makes_them_takes_them_and_is_warned(stage: Stage) -> None:
    for name in ("office", "security", "auditor"):
        assert stage.browse(name).get("/backups").status_code == 403
        assert stage.browse(name).post("/backups").status_code == 403
        assert stage.browse(name).get("/backups/file?name=x").status_code == 403
        assert "/backups" not in stage.browse(name).get("/").text
    administrator = stage.browse("administrator")
    assert tile(stage) == "bad", "there is none yet"
    asked = administrator.post("/backups")
    assert asked.status_code == 302
    stage.panel.jobs.run_pending()
    assert stage.panel.jobs is not None
    page = administrator.get("/backups").text
    assert ("完好" in page, "未设置第二存放处" in page) == (True, True)
    assert tile(stage) == ""
    folder = folder_of(stage)
    (made,) = folder.entries()
    taken = administrator.get(f"/backups/file?name={made.name}")
    assert taken.status_code == 200
    assert taken.data == (folder.path / made.name).read_bytes()
    with stage.session() as session:
        files = session.execute(sa.select(ExportLog.file_name, ExportLog.actor_name)).all()
    assert made.name in {file for file, _who in files}
    for wrong in ("../panel.db", "status.json", "casework-20200101-000000.zip"):
        assert administrator.get("/backups/file", query_string={"name": wrong}).status_code == 404
    data = bytearray((folder.path / made.name).read_bytes())
    data[200:260] = b"?" * 60
    (folder.path / made.name).write_bytes(data)
    assert folder.verify(made.name).good is False
    assert "校验未通过" in administrator.get("/backups").text
    assert tile(stage) == "bad", "a bad one is none"
    (folder.path / "status.json").write_text("{broken")
    assert folder.entries()[0].good is None


def test_commands_make_list_and_verify(stage: Stage) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = stage.app.test_cli_runner().invoke(args=["backups", *arguments])
        return done.exit_code, done.output

    assert run("verify")[0] == 1
    made = run("make")
    assert (made[0], "已校验" in made[1]) == (0, True), made
    assert run("make", "--if-due")[1].count("casework-") == 0
    assert run("list")[1].count("casework-") == 1
    assert run("verify")[0] == 0
    assert run("verify", "none.zip")[0] == 1
