"""The two lists to look things up in."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

import models
from bureau.checklists import items
from models import LimitUnit, ListKind
from panel.kinds import today
from panel.security.policy import Permission
from seed import reference
from tests.factories import ROLE_NAMES, Browser, Stage, counted, granted


@pytest.fixture(scope="module")
def lists(growing: Stage) -> Stage:
    """With all items of the two lists."""
    with growing.session() as session:
        reference.load(session)
    return growing


def codes(browser: Browser, address: str) -> list[str]:
    return re.findall(r'<span class="below">((?:ZF|FW)\d\d)', browser.get(address).text)


@pytest.mark.framed
@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_reads_the_items_reads_the_lists(lists: Stage, role: str) -> None:
    may = granted(role, Permission.READ, "checklistitem")
    browser = lists.browse(role)
    assert browser.get("/lists").status_code == (200 if may else 403)
    assert ("/lists" in browser.menu()) is may


def test_everything_is_there_enforcement_first(lists: Stage) -> None:
    found = codes(lists.browse("liaison"), "/lists")
    assert len(found) == 38
    assert found == sorted(found, key=lambda code: (code[:2] != "ZF", code))


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("/lists?q=油烟", ["ZF20"]),
        ("/lists?q=zf20", ["ZF20"]),
        ("/lists?q=jinggai", ["FW13"]),
        ("/lists?q=养犬管理条例 第六条", ["ZF06"]),
        ("/lists?q=消防救援", ["FW05", "FW06"]),
        ("/lists?list=service&category=纠纷", ["FW15"]),
        ("/lists?list=enforcement&q=噪声", ["ZF22", "ZF23"]),
        ("/lists?category=养殖", ["ZF03"]),
        ("/lists?q=没有这种事项xyz", []),
    ],
)
def test_searched_by_word_list_and_category(lists: Stage, address: str, wanted: list[str]) -> None:
    assert codes(lists.browse("officer"), address) == wanted


def test_everyday_words_show_what_is_alike(lists: Stage) -> None:
    browser = lists.browse("officer")
    assert "FW03" in codes(browser, "/lists?q=僵尸车")
    assert "僵尸车" in html.unescape(browser.get("/lists?q=僵尸车").text)


def test_nonsense_in_the_address_is_left_out(lists: Stage) -> None:
    browser = lists.browse("officer")
    assert len(codes(browser, "/lists?list=nothing")) == 38
    assert browser.get("/lists?q=" + "%" * 3000).status_code == 200
    assert "<script>" not in browser.get("/lists?q=<script>&category=<script>").text.split("</head>")[1]


def test_an_item_says_what_one_needs_to_know(lists: Stage) -> None:
    page = html.unescape(lists.browse("liaison").get("/lists?q=ZF23").text)
    for words in ("商业设备噪声", "执法清单", "本局", "3 个工作日", "需检测", "可调解"):
        assert words in page
    page = html.unescape(lists.browse("liaison").get("/lists?q=ZF04").text)
    assert "《嘉兴市养犬管理条例》第十五条" in page


@pytest.mark.parametrize(("role", "may"), [("liaison", True), ("officer", True), ("office", True), ("viewer", False)])
def test_report_this_leads_to_the_short_report(lists: Stage, role: str, may: bool) -> None:
    browser = lists.browse(role)
    links = re.findall(r'href="(/report\?item=\d+)"', browser.get("/lists?q=ZF20").text)
    assert len(links) == may
    for link in links:
        assert "餐饮油烟未净化" in browser.get(link).text


def test_the_page_costs_the_same_however_many_items_there_are(stage: Stage) -> None:
    browser = stage.browse("officer")
    browser.get("/lists")
    with stage.app.app_context():
        engine = stage.panel.db.engine
    numbers = []
    for _time in range(2):
        with counted(engine) as sent:
            browser.get("/lists")
        numbers.append(len(sent))
        with stage.session() as session:
            reference.load(session)
    assert numbers[0] == numbers[1]


def test_the_newest_version_in_force_counts(stage: Stage) -> None:
    day = today()
    with stage.session() as session:
        first = session.get_one(models.ChecklistItem, stage.inside["checklistitem"])
        values = {"code": first.code, "list_kind": ListKind.SERVICE, "limit_value": 1}
        session.add(models.ChecklistItem(**values, name="第二版", version_no=2))
        session.add(models.ChecklistItem(**values, name="第三版", version_no=3, valid_from=day + timedelta(1)))
        over = {**values, "code": "ZF99", "name": "已失效", "valid_until": day - timedelta(1)}
        session.add(models.ChecklistItem(**over))
        session.flush()
        assert [item.name for item in items.current(session, day) if item.code == first.code] == ["第二版"]
        later = items.current(session, day + timedelta(1))
        assert [item.name for item in later if item.code == first.code] == ["第三版"]
        assert "ZF99" not in {item.code for item in items.current(session, day)}
        assert "ZF99" in {item.code for item in items.current(session, day - timedelta(1))}


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (3, LimitUnit.WORKING_DAY, "3 个工作日"),
        (4, LimitUnit.OFFICE_HOUR, "4 个工作时"),
        (2, LimitUnit.CLOCK_HOUR, "2 小时（昼夜连续）"),
    ],
)
def test_a_limit_in_words(value: int, unit: LimitUnit, words: str) -> None:
    assert str(items.limit_words(value, unit)) == words
