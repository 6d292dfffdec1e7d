"""Large files: planned and written by jobs, all of it or nothing; a preview reads the rows of its page alone."""

from __future__ import annotations

import html
import re
import sqlite3
from typing import Any

import pytest
import sqlalchemy as sa

from panel.imports import importing, stored_plan
from panel.imports.undo import import_undo
from panel.jobs import work
from panel.jobs.records import Job, JobState
from panel.web.imports import preview_state
from tests.engine.test_import_pages import confirm, preview, upload
from tests.factories import MODELS, Browser, Stage, form_values
from tests.workbooks import roster

pytestmark = pytest.mark.database

HEAD = ("城东街道", "东栅社区")
SMALL = [(*HEAD, "李新", "13805730001", "2026-01-01"), (*HEAD, "王明", "1380573", "2026-01-02")]


def communities(n: int, *, wrong: int = 0) -> bytes:
    """A file of so many new communities, and of some rows that fail."""
    from tests.workbooks import table

    good = [("城东街道", f"新社区{i:05}") for i in range(n)]
    return table(("街道", "社区名称"), *good, *[("城中街", f"新社区{i:05}") for i in range(n, n + wrong)])


def count_calls(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[int]:
    calls: list[int] = []
    real = getattr(module, name)

    def counting(*given: Any, **named: Any) -> Any:
        calls.append(1)
        return real(*given, **named)

    monkeypatch.setattr(module, name, counting)
    return calls


def after(stage: Stage, browser: Browser, address: str) -> Any:
    """What a waiting page is told once the jobs are done."""
    assert re.fullmatch(r"/jobs/\d+", address)
    stage.panel.jobs.run_pending()
    return browser.get(address.replace("/jobs/", "/jobs/ajax/")).json


def job(stage: Stage, address: str) -> Job:
    with stage.session() as session:
        return session.get_one(Job, int(address.rpartition("/")[2]))


def test_a_large_file_is_planned_and_written_by_jobs(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, before = stage.browse("office"), stage.count("community")
    sent = upload(browser, "community", communities(5_000, wrong=60))
    assert "进行" in browser.get(sent.location).text or "等待" in browser.get(sent.location).text
    told = after(stage, browser, sent.location)
    assert told["ended"]
    assert told["go"].startswith("/admin/community/import/preview/?token=")
    planned, read = count_calls(monkeypatch, importing, "plan"), count_calls(monkeypatch, stored_plan, "row_of")
    page = browser.get(told["go"]).text
    assert "5,060" in page
    assert len(re.findall(r"新社区\d+", page)) == 50
    last = browser.get(told["go"] + "&page=102").text
    assert "新社区05059" in last
    failed = browser.get(told["go"] + "&show=failed&page=2").text
    assert len(re.findall(r'<td class="first"', failed)) == 10
    assert (len(planned), len(read)) == (0, 50 + 10 + 10)
    # What is chosen now leads back to the rows that are shown; it does not plan anew.
    good = next(html.unescape(a) for a in re.findall(r'href="([^"]+)"', failed) if "show=failed&amp;page=2" in a)
    assert "show=failed&page=2" in good
    good = next(
        html.unescape(a) for a, w in re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', failed) if w == "只写入正确的行"
    )
    chosen = browser.get(good).text
    assert planned == []
    done = confirm(browser, "community", chosen)
    assert stage.count("community") == before
    told = after(stage, browser, done.location)
    assert told["go"].startswith("/admin/importbatch/details/?id=")
    assert stage.count("community") == before + 5_000
    assert "5,000" in browser.get(told["go"]).text or "5000" in browser.get(told["go"]).text
    assert browser.get("/jobs/").text.count("已完成") == 2
    assert not list((stage.panel.jobs.instance / "imports").iterdir())


def ready(stage: Stage, browser: Browser, data: bytes) -> str:
    """The preview of a file that counts as large."""
    sent = upload(browser, "community", data)
    return browser.get(after(stage, browser, sent.location)["go"]).text


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any file is large."""
    monkeypatch.setattr(preview_state, "LARGE", 0)
    monkeypatch.setattr(work, "INTERVAL", 0.0)


@pytest.mark.usefixtures("few")
def test_what_changed_since_the_preview_is_told_by_the_job_and_shown_anew(stage: Stage) -> None:
    browser, before = stage.browse("office"), stage.count("community")
    page = ready(stage, browser, communities(3))
    with stage.session() as session:
        session.add(MODELS["community"](name="新社区00001", street_id=stage.inside["street"]))
    done = confirm(browser, "community", page)
    told = after(stage, browser, done.location)
    assert (told["ended"], told["go"]) == (True, "")
    assert "预览之后数据已有变化" in told["sentence"]
    assert stage.count("community") == before + 1
    shown = browser.get(done.location).text
    back = re.search(r'href="(/admin/community/import/preview/[^"]+)"', shown)
    assert back is not None
    again = confirm(browser, "community", browser.get(html.unescape(back[1])).text)
    assert after(stage, browser, again.location)["go"]
    assert stage.count("community") == before + 3


@pytest.mark.usefixtures("few")
def test_a_cancelled_import_writes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, before = stage.browse("office"), stage.count("community")
    done = confirm(browser, "community", ready(stage, browser, communities(3)))
    real = importing.apply

    def cancelled_when_written(*given: Any, **named: Any) -> None:
        real(*given, **named)
        assert browser.post(f"{done.location}/cancel").status_code == 302

    monkeypatch.setattr(importing, "apply", cancelled_when_written)
    told = after(stage, browser, done.location)
    assert job(stage, done.location).state is JobState.CANCELLED
    assert "未写入" in told["sentence"]
    assert stage.count("community") == before
    assert stage.count("importbatch") == 1


@pytest.mark.usefixtures("few")
def test_many_rows_are_undone_by_a_job_while_others_write(
    stage: Stage, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, before = stage.browse("office"), stage.count("community")
    done = confirm(browser, "community", ready(stage, browser, communities(3)))
    undo = after(stage, browser, done.location)["go"].replace("details", "undo")
    page = browser.get(undo).text
    assert "后台任务" in page
    told = after(stage, browser, browser.post(undo, {"digest": "another"}).location)
    assert (told["go"], "未撤销任何内容" in told["sentence"]) == ("", True)
    real = import_undo.run

    def others_write(*given: Any, **named: Any) -> int:
        if backend == "sqlite":
            other = sqlite3.connect(sa.make_url(stage.app.config["SQLALCHEMY_DATABASE_URI"]).database or "", timeout=0)
            other.execute("UPDATE officer SET version = version + 1")
            other.commit()
            other.close()
        return real(*given, **named)

    monkeypatch.setattr(import_undo, "run", others_write)
    told = after(stage, browser, browser.post(undo, form_values(page)).location)
    assert "已撤销" in browser.get(told["go"]).text
    assert stage.count("community") == before
    assert "已经撤销" in browser.post(undo, {"digest": "again"}).text


def test_some_hundred_rows_are_planned_at_once_and_written_by_a_job(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_state, "WRITTEN_AT_ONCE", 1)
    browser, before = stage.browse("office"), stage.count("community")
    _address, page = preview(browser, "community", communities(3))
    done = confirm(browser, "community", page)
    assert after(stage, browser, done.location)["go"].startswith("/admin/importbatch/details/?id=")
    assert stage.count("community") == before + 3


@pytest.mark.usefixtures("few")
def test_a_right_taken_away_meanwhile_holds(stage: Stage) -> None:
    from sqlalchemy import delete

    from panel.security.accounts import UserRole

    browser, before = stage.browse("office"), stage.count("community")
    done = confirm(browser, "community", ready(stage, browser, communities(3)))
    with stage.session() as session:
        session.execute(delete(UserRole).where(UserRole.user_id == stage.district.users["office"]))
    stage.panel.jobs.run_pending()
    assert job(stage, done.location).state is JobState.FAILED
    assert stage.count("community") == before


def test_a_preview_is_planned_once_and_keeps_the_place_where_a_suggestion_is_taken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = stage.browse("office")
    planned = count_calls(monkeypatch, importing, "plan")
    rows = [("城西街道", "西马乔社区", f"李{chr(0x5F20 + i)}", f"138057301{i:02}", "2026-01-01") for i in range(60)]
    address, _page = preview(browser, "liaison", roster(*SMALL, *rows))
    for more in ("", "&page=2", "&show=failed", "&show=failed&page=2"):
        page = browser.get(address + more).text
    assert len(planned) == 1
    (link, *_more) = [html.unescape(a) for a in re.findall(r'class="fault">[^<]*<a href="([^"]+)"', page)]
    assert link.endswith("&show=failed&page=2")
    browser.get(link)
    browser.get(link)
    assert len(planned) == 2
