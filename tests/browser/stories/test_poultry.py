"""Chickens on a landing: the liaison reports them, the officer comes on his Monday and persuades, they are gone the
next day, and whoever complained is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, choose
from tests.browser.stories import moves
from tests.browser.stories.conftest import Clock
from tests.browser.stories.office import CAST, Cast

pytestmark = pytest.mark.browser

PLACE = "菱荷苑 6 幢 2 单元 3 楼平台"
ITEM = "建成区饲养家禽家畜"
SAID = {"地点": PLACE, "问题描述": "楼道平台纸箱里养着三只鸡，清晨打鸣，异味很重"}
COMPLAINANT = "申屠玉梅 13805730021"
RESULT = "上门劝导后，住户次日将三只鸡送回乡下，楼道已清扫"
ANSWER = "三只鸡已送走，楼道已清扫消毒"


def test_chickens_are_gone_the_next_day(visit: Visit, clock: Clock, tmp_path: Path) -> None:
    who = CAST
    liaison = visit("liaison", phone=True)
    moves.look(liaison, "liaison-home")
    number = moves.report(liaison, SAID, ITEM, [moves.photo("brown", "平台.jpg")], COMPLAINANT)
    expect(liaison.locator("#attachments").get_by_role("img", name="平台.jpg")).to_be_visible()
    moves.look(liaison, "liaison-case")

    clock(7, 13, 9, 10)
    officer = visit("officer", phone=True)
    accept(officer, number, who)
    persuade(officer, number, who)

    clock(7, 14, 9, 20)
    officer = visit("officer", phone=True)
    done(officer, number)

    clock(7, 14, 10, 5)
    office = visit("office")
    feed_back(office, number)

    clock(7, 14, 10, 30)
    came_back(visit("liaison", phone=True), number)
    in_the_ledger(office, number, who, tmp_path)


def accept(page: Page, number: str, who: Cast) -> None:
    """Waiting on the officer's home page; accepted and dispatched to himself, with the deadline that the list fixes."""
    assert moves.tile(page, "待受理") >= 1
    moves.look(page, "officer-home")
    page.locator(".tiles a", has_text="待受理").click()
    page.get_by_role("link", name=number, exact=True).click()
    moves.begin(page, "受理")
    expect(page.locator(".fixed-by")).to_contain_text("3 个工作日")
    moves.look(page, "accept")
    moves.finish(page, "受理", "待派遣")
    expect(moves.fact(page, "到期时间")).to_contain_text("07-16 17:30")
    moves.dispatch(page, who.officer)


def persuade(page: Page, number: str, who: Cast) -> None:
    """On his Monday in the community: the poultry goes into the survey, the talk into the records of the case."""
    page.goto("/duty")
    page.locator(".visit", has_text=who.community).get_by_role("button", name="签到").click()
    page.get_by_role("group", name="类别").get_by_text("家禽饲养", exact=True).click()
    page.get_by_role("textbox", name="地址").fill(PLACE)
    page.get_by_label("数量").fill("3")
    page.get_by_role("button", name="登记").click()
    expect(page.locator(".stand", has_text=PLACE)).to_contain_text("3")
    page.locator("#f-content").fill("与联络员一同上门，劝导住户处理家禽")
    page.get_by_role("button", name="签退").click()
    expect(page.get_by_role("button", name="签退")).to_have_count(0)
    moves.look(page, "visit")

    moves.find(page, number)
    moves.take(page, "开始处置", "处置中")
    moves.add(page, "处置记录")
    page.get_by_label("类别").select_option(label="劝导")
    choose(page, "执法队员", who.officer, who.officer)
    page.get_by_label("处置情况").fill("与联络员上门，讲明市区不得饲养家禽")
    moves.look(page, "action")
    moves.save(page)
    moves.find(page, number)
    expect(page.locator("section", has_text="处置记录").first).to_contain_text("劝导")


def done(page: Page, number: str) -> None:
    """The next morning nothing is there any more: a photo of it, and the result."""
    page.locator(".tiles a", has_text="我经办").click()
    page.get_by_role("link", name=number, exact=True).click()
    moves.begin(page, "处置完成")
    page.get_by_label("处置方式").select_option(label="劝导")
    page.get_by_label("结果").fill(RESULT)
    page.locator("input[type=file]").set_input_files([moves.photo("gray", "清扫后.jpg")])
    moves.look(page, "handle")
    moves.finish(page, "处置完成", "待核查")
    for phase, name in (("处置前", "平台.jpg"), ("处置后", "清扫后.jpg")):
        expect(page.locator("#attachments").get_by_role("heading", name=phase)).to_be_visible()
        expect(page.locator("#attachments").get_by_role("img", name=name)).to_be_visible()
    expect(page.locator(".acts").get_by_role("link", name="核查", exact=True)).to_have_count(0)
    moves.look(page, "handled")


def feed_back(page: Page, number: str) -> None:
    """The office is told that there is something to verify, does so, and tells both."""
    moves.told(page, "待核查", number)
    moves.take(page, "核查", "待反馈", finding="联络员复看，平台已清空")
    moves.take(
        page,
        "反馈结案",
        "已结案",
        liaison_content=ANSWER,
        complainant_channel="电话",
        complainant_content=ANSWER,
        satisfaction="满意",
    )
    expect(page.locator("section", has_text="反馈回访").first).to_contain_text("满意")
    moves.look(page, "closed")


def came_back(page: Page, number: str) -> None:
    """At the liaison's bell, and among what she reported."""
    moves.told(page, "反馈", number)
    page.goto("/")
    row = page.locator("tr", has_text=number)
    expect(row).to_contain_text("已结案")
    expect(row).to_contain_text(ANSWER)
    moves.look(page, "came-back")


def in_the_ledger(page: Page, number: str, who: Cast, folder: Path) -> None:
    row = moves.ledger_row(page, number, "2026-07", "按受理时间", folder)
    wanted = {
        "来源": "联络员上报",
        "社区": who.community,
        "清单类别": "执法清单",
        "事项": ITEM,
        "投诉人(脱敏)": "申*",
        "联络员": who.liaison,
        "主办队员": who.officer,
        "处置方式": "劝导",
        "处理结果": RESULT,
        "到期时间": "2026-07-16 17:30",
        "办结时间": "2026-07-14 10:05",
        "是否按期": "是",
        "满意度": "满意",
        "备注": "",
    }
    assert {label: row[label] for label in wanted} == wanted
