"""The month in words: from the declared figures, with chosen cases, in a template that the office may replace."""

from __future__ import annotations

import html
from io import BytesIO

import pytest
from docx import Document
from werkzeug.datastructures import FileStorage

from bureau.briefing.web import template
from models import Case, CaseStatus
from panel.errors import UserError
from tests import steps
from tests.factories import ROLE_NAMES, Browser, Stage


def words(content: bytes) -> str:
    document = Document(BytesIO(content))
    cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def docx(*lines: str) -> bytes:
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    target = BytesIO()
    document.save(target)
    return target.getvalue()


def put(browser: Browser, content: bytes, name: str = "本局简报.docx") -> str:
    given = {**browser.form("/briefing"), "file": FileStorage(BytesIO(content), filename=name)}
    given.pop("restore", None)
    return html.unescape(browser.post("/briefing", given, follow_redirects=True).text)


def test_the_document_tells_counts_figures_and_chosen_cases(stage: Stage) -> None:
    told = {"description": "张三家楼下养鸡，电话13712345678", "title": "养鸡"}
    id_ = steps.new_case(stage, CaseStatus.CLOSED, "officer", **told)
    month = f"{stage.get('case', id_).reported_at:%Y-%m}"
    found = words(stage.browse("office").get(f"/briefing/file?month={month}&case1={id_}").data)
    for part in ("工作简报", "上报", "环比", "按期结案率", "1．养鸡", "东栅社区反映"):
        assert part in found
    assert "13712345678" not in found
    assert "—" in found, "there is no month before"


def test_a_month_without_cases_is_told_as_well(standing: Stage) -> None:
    told = words(standing.browse("office").get("/briefing/file?month=2019-01").data)
    assert "上报0件" in told
    assert "各社区均按期办结" in told


def test_a_case_outside_the_area_is_not_told(stage: Stage) -> None:
    outside = stage.get("case", stage.outside["case"])
    with stage.session() as session:
        session.get_one(Case, outside.id).title = "城西的事"
    for person, may in (("office", True), ("leader", False)):
        told = words(stage.browse(person).get(f"/briefing/file?month=2026-06&case1={outside.id}").data)
        assert ("城西的事" in told) is may


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_writes_it_and_who_replaces_its_template(standing: Stage, role: str) -> None:
    browser = standing.browse(role)
    may = 200 if role in ("office", "leader") else 403
    assert [browser.get(address).status_code for address in ("/briefing", "/briefing/file?month=2026-06")] == [may, may]
    assert browser.get("/briefing/template").status_code == (200 if role == "office" else 403)


def test_the_office_replaces_the_template_and_takes_the_own_one_again(stage: Stage) -> None:
    browser = stage.browse("office")
    assert "本局简报.docx" in put(browser, docx("{{ 单位 }}{{ 月份 }}通报", "{{ 数量[0].件数 }}"))
    assert "2026年6月通报" in words(browser.get("/briefing/file?month=2026-06").data)
    browser.post("/briefing", {**browser.form("/briefing"), "restore": "1"})
    assert "工作简报" in words(browser.get("/briefing/file?month=2026-06").data)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no zip", "不是 Word 文档"),
        (docx("{{ 密码 }}"), "密码"),
        (docx("{{ 单位.__class__.__mro__ }}"), "无法生成"),
        (docx("{% for 项 in 指标 %}{{ 项.名称 }}"), "无法生成"),
        (docx("{% for 项 in 指标 %}{{ 项.没有 }}{% endfor %}"), "没有"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(standing: Stage, content: bytes, problem: str) -> None:
    assert problem in put(standing.browse("office"), content)
    assert "工作简报" in words(standing.browse("office").get("/briefing/file?month=2026-06").data)


def test_a_template_reaches_nothing_but_its_words() -> None:
    for reach in ("单位.__class__", "''.__class__.__base__.__subclasses__()", "指标.__init__.__globals__"):
        with pytest.raises(UserError):
            template.check(docx(f"{{{{ {reach} }}}}"), template.sample())
