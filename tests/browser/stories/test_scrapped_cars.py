"""Three scrapped cars on a car park: an item of the service list, referred to the traffic police at once, cleared
together with them; three parking spaces are won."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

import models
from bureau.cases import events
from tests.browser.conftest import Site, Visit, choose
from tests.browser.stories import moves
from tests.browser.stories.conftest import Clock
from tests.browser.stories.office import CAST, Cast
from tests.browser.windows import DESKTOP

pytestmark = pytest.mark.browser

PLACE = "柳岸花苑东门停车场"
ITEM = "疑似报废机动车占用公共停车资源"
SAID = {"地点": PLACE, "问题描述": "三辆落满灰尘的僵尸车停了半年多，轮胎瘪了，占着公共车位"}
NAME, PHONE = "欧阳素琴", "13805730032"
PAPER = "联移〔2026〕131号"
REQUEST = f"请核查三辆车的车主信息并共同清理。联系人{NAME}，电话{PHONE}"
JOINED = "交警大队、执法中队、社区、物业"
REPLY = "三辆车均已联系车主，当日全部拖离"
RESULT = "会同交警清理三辆报废车，腾出车位三个，已重新划线"
ANSWER = "三辆报废车已拖走，车位已恢复使用"


def test_three_parking_spaces_are_won(visit: Visit, site: Site, clock: Clock, tmp_path: Path) -> None:
    who = CAST
    photos = [moves.photo(colour, f"车辆{n}.jpg") for n, colour in enumerate(("red", "green", "blue"), 1)]
    number = moves.report(visit("liaison", phone=True), SAID, ITEM, photos, f"{NAME} {PHONE}")

    clock(7, 13, 9, 5)
    office = visit("office")
    accept(office, number, who)
    clock(7, 13, 9, 20)
    refer(visit("officer", phone=True), number)
    slip(office, number)

    clock(7, 14, 10, 0)
    arrange(visit("office", at=""), visit("officer", phone=True, at=""), number)
    clock(7, 16, 15, 0)
    office, officer = visit("office", at=""), visit("officer", phone=True)
    answered(office, number)
    cleared(officer, number)
    clock(7, 16, 16, 30)
    verify(visit("leader"), number)
    clock(7, 17, 9, 0)
    office = visit("office")
    close(office, number)
    came_back(visit("liaison", phone=True), number)

    register(office, number, who)
    in_the_ledger(office, number, who, tmp_path)
    course(site, number)


def accept(page: Page, number: str, who: Cast) -> None:
    """The service list says who leads, and how long it may take."""
    assert moves.tile(page, "待受理") >= 1
    moves.look(page, "office-home")
    page.locator(".tiles a", has_text="待受理").click()
    page.get_by_role("link", name=number, exact=True).click()
    moves.begin(page, "受理")
    expect(page.locator("main").get_by_role("combobox", name="清单事项")).to_have_value(re.compile(ITEM))
    for words in ("服务清单", "15 个工作日", "公安交警"):
        expect(page.locator(".fixed-by")).to_contain_text(words)
    moves.look(page, "accept")
    moves.finish(page, "受理", "待派遣")
    expect(moves.fact(page, "到期时间")).to_contain_text("08-03 17:30")
    moves.dispatch(page, who.officer)


def refer(page: Page, number: str) -> None:
    """The officer is told, and refers the case the moment that he begins."""
    moves.told(page, "派给您", number)
    moves.take(page, "开始处置", "处置中")
    moves.begin(page, "移送")
    choose(page, "协同部门", "jiaojing", "公安交警")
    page.get_by_label("类型").select_option(label="联动协调")
    page.get_by_label("文书号").fill(PAPER)
    page.get_by_label("协同事项").fill(REQUEST)
    moves.look(page, "refer")
    moves.finish(page, "移送", "移送协同中")
    moves.look(page, "referred")


def slip(page: Page, number: str) -> None:
    """The paper for the traffic police, as it is printed, names nobody who complained."""
    moves.find(page, number)
    stands_on_one_screen(page, "移送协同", PAPER)
    page.get_by_role("link", name=PAPER).click()
    page.get_by_role("link", name="打印函件").click()
    paper = page.locator(".paper")
    for words in (
        number,
        "公安交警",
        PAPER,
        "请核查三辆车的车主信息并共同清理",
        "2026-07-15 17:30",
        "2026-07-27 17:30",
    ):
        expect(paper).to_contain_text(words)
    for private in (NAME, PHONE):
        expect(paper).not_to_contain_text(private)
    expect(page.get_by_role("button", name="打印")).to_be_visible()
    moves.look(page, "slip")


def stands_on_one_screen(page: Page, part: str, link: str) -> None:
    """What and where, the light, the course and the parts of a case, each a press away, on 1366 × 768."""
    for words in (".head .tag", ".head .light", ".way .now", ".facts", ".part-links", ".course"):
        expect(page.locator(words).first).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name=link)).to_be_hidden()
    moves.part(page, part)
    expect(page.get_by_role("link", name=link)).to_be_in_viewport()
    assert page.evaluate("scrollY") < 8, "no jump"
    assert page.evaluate("document.querySelector('.case').getBoundingClientRect().bottom") <= DESKTOP["height"]


def arrange(office: Page, officer: Page, number: str) -> None:
    """Signed for in time; a day for clearing together, and who comes."""
    moves.find(office, number)
    moves.take(office, "部门签收", "移送协同中")
    moves.find(officer, number)
    planned = {"joint_on": "2026-07-16", "joint_state": "计划"}
    moves.take(officer, "登记联合行动", "移送协同中", **planned, joint_members=JOINED)
    expect(officer.locator(".time li").first).to_contain_text(JOINED)


def answered(page: Page, number: str) -> None:
    moves.find(page, number)
    moves.take(page, "部门反馈", "处置中", reply=REPLY, quantity="3", quantity_unit="个车位")
    done = {"joint_on": "2026-07-16", "joint_state": "已开展"}
    moves.take(page, "登记联合行动", "处置中", **done, joint_members=JOINED)


def cleared(page: Page, number: str) -> None:
    """Told of the reply; what was won stands in the form already."""
    moves.told(page, "部门已反馈", number)
    moves.begin(page, "处置完成")
    expect(page.locator("#f-quantity")).to_have_value("3")
    expect(page.locator("#f-quantity_unit")).to_have_value("个车位")
    page.get_by_label("处置方式").select_option(label="联动协调")
    page.get_by_label("结果").fill(RESULT)
    page.locator("input[type=file]").set_input_files([moves.photo("white", "空车位.jpg")])
    moves.look(page, "handle")
    moves.finish(page, "处置完成", "待核查")
    expect(moves.fact(page, "成果数量")).to_have_text("3")
    expect(moves.fact(page, "成果单位")).to_have_text("个车位")
    expect(page.locator("#attachments").get_by_role("img")).to_have_count(4)


def verify(page: Page, number: str) -> None:
    assert moves.tile(page, "待核查") >= 1
    moves.look(page, "leader-home")
    page.locator(".tiles a", has_text="待核查").click()
    page.get_by_role("link", name=number, exact=True).click()
    moves.take(page, "核查", "待反馈", finding="现场已清空并划线")


def close(page: Page, number: str) -> None:
    assert moves.tile(page, "待反馈") >= 1
    """Closed once both have been told, and not before."""
    moves.find(page, number)
    moves.begin(page, "反馈结案")
    moves.save(page, "反馈结案")
    expect(page.locator(".note.danger").first).to_contain_text("联络员")
    given = {"liaison_content": ANSWER, "complainant_content": ANSWER, "satisfaction": "满意"}
    moves.fill(page, **given)
    moves.finish(page, "反馈结案", "已结案")


def came_back(page: Page, number: str) -> None:
    moves.told(page, "反馈", number)
    page.goto("/")
    expect(page.locator("tr", has_text=number)).to_contain_text(ANSWER)
    moves.look(page, "came-back")


def register(page: Page, number: str, who: Cast) -> None:
    row = moves.register_row(page, "移送台账", "2026-07", number)
    wanted = {
        "文书号": PAPER,
        "移送日期": "2026-07-13",
        "类型": "联动协调",
        "协同部门": "公安交警",
        "社区": who.community,
        "事项": ITEM,
        "应签收": "2026-07-15",
        "签收": "2026-07-14",
        "应反馈": "2026-07-27",
        "反馈": "2026-07-16",
        "反馈内容/退回原因": f"{REPLY}；参加单位：{JOINED}；成果：3 个车位",
        "联合行动日期": "2026-07-16",
        "状态": "已反馈",
        "备注": "",
    }
    assert {label: row[label] for label in wanted} == wanted
    assert NAME not in "".join(row.values())


def course(site: Site, number: str) -> None:
    """Every step is in the chain, which is whole, under the name of whoever took it."""
    with site.session() as session:
        case = select(models.Case.id).where(models.Case.case_no == number).scalar_subquery()
        told = select(models.CaseEvent).where(models.CaseEvent.case_id == case).order_by(models.CaseEvent.seq)
        events_told = list(session.scalars(told))
        assert events.verify(events_told) is None
        steps = [event.step for event in events_told]
        assert steps == [
            "report",
            "accept",
            "dispatch",
            "start",
            "refer",
            "sign",
            "joint",
            "reply",
            "joint",
            "handle",
            "verify",
            "close",
        ]
        assert len({event.actor_id for event in events_told}) == 4


def in_the_ledger(page: Page, number: str, who: Cast, folder: Path) -> None:
    row = moves.ledger_row(page, number, "2026-07", "按办结时间", folder)
    wanted = {
        "案件编号": number,
        "受理时间": "2026-07-13 09:05",
        "来源": "联络员上报",
        "街道": who.street,
        "社区": who.community,
        "地点": PLACE,
        "清单类别": "服务清单",
        "事项": ITEM,
        "问题描述": SAID["问题描述"],
        "投诉人(脱敏)": "欧*",
        "联络员": who.liaison,
        "主办队员": who.officer,
        "处置方式": "联动协调",
        "协同部门": "公安交警",
        "处理结果": RESULT,
        "到期时间": "2026-08-03 17:30",
        "办结时间": "2026-07-17 09:00",
        "是否按期": "是",
        "反馈时间": "2026-07-17 09:00",
        "满意度": "满意",
        "备注": "",
    }
    assert row.pop("序号").isdecimal()
    assert row == wanted
