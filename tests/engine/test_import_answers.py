"""Questions on the preview page: answered, answered again, remembered, forgotten; what the main button says."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

import models
from panel.imports.records import WordMap
from panel.security.policy import Permission
from panel.web.imports import preview_state
from tests.engine.test_import_jobs import after
from tests.engine.test_import_pages import confirm, preview, upload
from tests.factories import ROLES_BY_NAME, Browser, Stage
from tests.workbooks import table

CASE = ("社区", "地点", "问题描述", "来源", "投诉人")
REPORTS = table(
    CASE, ("东栅社区", "1 幢", "楼道堆物", "网格上报", None), ("东栅社区", "2 幢", "毁绿", "居民投诉", "匿名")
)
MISSPELT = table(("社区", "姓名"), ("东栅社区", "胡秀贞"))


def button(page: str) -> str:
    """What the main button of the page says."""
    found = re.search(r'<(?:a|button) class="btn go"[^>]*>([^<]+)</(?:a|button)>', page)
    assert found is not None
    return html.unescape(found[1])


def form(page: str) -> dict[str, Any]:
    """The hidden values of the form of questions."""
    inside = page.partition('<form id="questions"')[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', inside))


def options(page: str, number: int = 0) -> dict[str, str]:
    """The possible answers to a question, as (label, value)."""
    select = re.search(rf'<select class="form-control" name="answer\.{number}".*?</select>', page, re.DOTALL)
    if select is not None:
        return {html.unescape(label): value for value, label in re.findall(r'value="(\d+)">([^<]+)', select[0])}
    radios = re.findall(rf'name="answer\.{number}" value="(\d+)"> ([^<]+)<', page)
    return {html.unescape(label): value for value, label in radios}


def give(browser: Browser, name: str, page: str, **answers: str) -> str:
    """The preview after some answers."""
    sent = browser.post(f"/admin/{name}/import/answer/", {**form(page), **answers})
    assert sent.status_code == 302
    shown = browser.get(sent.location)
    assert shown.status_code == 200
    return shown.text


def one(number: int, value: str) -> dict[str, str]:
    return {f"answer.{number}": value}


def test_a_word_is_answered_on_the_page_and_remembered(stage: Stage) -> None:
    browser = stage.browse("office")
    _address, page = preview(browser, "case", REPORTS)
    assert button(page) == "先回答 1 个问题"
    assert 'name="digest"' not in page
    page = give(browser, "case", page, **one(0, options(page)["巡查发现"]))
    assert button(page) == "导入 2 行"
    assert "来源“网格上报”按“巡查发现”读取。" in page
    assert confirm(browser, "case", page).status_code == 302
    _address, page = preview(browser, "case", table(CASE, ("东栅社区", "3 幢", "堆物", "网格上报", None)))
    assert "以前的文件中已回答" in page
    assert button(page) == "导入 1 行"
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    sent = browser.post("/admin/case/import/forget/", {"token": token[1], "name": "source", "word": "网格上报"})
    assert button(browser.get(sent.location).text) == "先回答 1 个问题"
    with stage.session() as session:
        assert not session.execute(sa.select(WordMap)).all()


def test_an_answer_can_be_given_again_before_anything_is_written(stage: Stage) -> None:
    browser = stage.browse("office")
    _address, page = preview(browser, "case", REPORTS)
    page = give(browser, "case", page, **one(0, options(page)["巡查发现"]))
    again = re.search(r'<a class="btn" href="([^"]+)">重新回答</a>', page)
    assert again is not None
    page = browser.get(html.unescape(again[1])).text
    assert button(page) == "先回答 1 个问题"
    page = give(browser, "case", page, **one(0, options(page)["这 1 行不导入"]))
    assert button(page) == "导入 1 行，跳过 1 行"


def test_a_form_sent_without_an_answer_asks_again(stage: Stage) -> None:
    browser = stage.browse("office")
    _address, page = preview(browser, "case", REPORTS)
    for value in ("", "99", "-1", "²", "x"):
        assert button(give(browser, "case", page, **one(0, value))) == "先回答 1 个问题"


def test_who_leaves_is_listed_and_a_doubt_is_ticked(stage: Stage) -> None:
    browser = stage.browse("office")
    _address, page = preview(browser, "liaison", MISSPELT)
    assert "1 人将离任" in page
    assert "胡秀贞与胡秀珍仅一字之差，是否为更正姓名？" in page
    assert list(options(page)) == ["胡秀贞接任胡秀珍", "胡秀珍更正姓名为胡秀贞", "不导入此行"]
    assert re.search(r"需核对 <b>1</b>", page)
    corrected = give(browser, "liaison", page, **one(0, "1"))
    assert "人将离任" not in corrected
    assert button(corrected) == "导入 1 行"
    assert "1 行已核对。" in corrected
    assert confirm(browser, "liaison", corrected).status_code == 302
    stored = stage.get("liaison", stage.inside["liaison"])
    assert (stored.name, stored.end_on) == ("胡秀贞", None)


def test_a_plain_succession_is_listed_and_asks_nothing(stage: Stage) -> None:
    _address, page = preview(stage.browse("office"), "liaison", table(("社区", "姓名"), ("东栅社区", "李四")))
    assert "1 人将离任" in page
    assert "李四接任。" in page
    assert button(page) == "导入 1 行"


def test_all_rows_shown_are_confirmed_by_one_button(stage: Stage) -> None:
    browser = stage.browse("office")
    labels = ("街道", *CASE)
    rows = [("城西街道", "东栅社区", f"{n} 幢", "堆物", "居民投诉", "匿名") for n in range(4)]
    _address, page = preview(browser, "case", table(labels, *rows))
    assert button(page) == "先回答 4 个问题"
    page = give(browser, "case", page, **one(2, "1"), all="1")
    assert button(page) == "导入 3 行，跳过 1 行"


def test_whoever_leaves_in_doubt_needs_an_answer_each(stage: Stage) -> None:
    browser = stage.browse("office")
    labels = ("街道", "社区", "姓名", "职务")
    rows = [("城西街道", "东栅社区", "李四", None), ("城东街道", "西马桥社区", "马晓燕", "书记")]
    _address, page = preview(browser, "liaison", table(labels, *rows))
    assert button(page) == "先回答 2 个问题"
    assert button(give(browser, "liaison", page, all="1")) == "先回答 1 个问题"


def test_a_word_that_is_open_is_not_settled_by_the_button_for_rows(stage: Stage) -> None:
    browser = stage.browse("office")
    _address, page = preview(browser, "case", REPORTS)
    assert button(give(browser, "case", page, all="1")) == "先回答 1 个问题"


def test_a_large_file_is_planned_again_by_a_job(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_state, "LARGE", 1)
    browser = stage.browse("office")

    sent = upload(browser, "case", REPORTS)
    page = browser.get(after(stage, browser, sent.location)["go"]).text
    assert button(page) == "先回答 1 个问题"
    posted = browser.post("/admin/case/import/answer/", {**form(page), **one(0, options(page)["巡查发现"])})
    waiting = browser.get(posted.location)
    page = browser.get(after(stage, browser, waiting.location)["go"]).text
    assert button(page) == "导入 2 行"
    told = after(stage, browser, confirm(browser, "case", page).location)
    assert "/admin/importbatch/details/" in told["go"]


def test_whoever_may_import_no_more_answers_no_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = stage.browse("office")
    _address, page = preview(browser, "liaison", MISSPELT)
    role = ROLES_BY_NAME["office"]
    grants = {**role.grants, models.Liaison: role.grants[models.Liaison] - {Permission.IMPORT}}
    with monkeypatch.context() as patched:
        patched.setitem(stage.panel.policy.roles, "office", replace(role, grants=grants))
        for name in ("answer", "forget"):
            assert browser.post(f"/admin/liaison/import/{name}/", {**form(page), **one(0, "1")}).status_code == 403
    assert button(give(browser, "liaison", page, **one(0, "1"))) == "导入 1 行"
