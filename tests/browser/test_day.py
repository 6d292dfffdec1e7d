"""The whole day of a case: reported on a phone, accepted, dispatched, referred, answered, handled, verified, fed back,
closed; and the month's ledger in which every cell of it is right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from sqlalchemy import select

import models
from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases import events
from bureau.ledger.rows import COLUMNS
from models import LimitUnit
from panel.kinds import ZONE
from panel.security.accounts import User
from tests.browser.conftest import Site, Visit, choose, scrolls_sideways
from tests.browser.stories.moves import begin, finish
from tests.browser.windows import DESKTOP

pytestmark = pytest.mark.browser

PLACE = "东门停车场 12 号车位"
DESCRIPTION = "一辆积满灰尘的僵尸车停了半年多，占着公共车位，居民无处停车"
ITEM = "疑似报废机动车占用公共停车资源"
COMPLAINANT, PHONE = "陈月娥", "13805730001"
REQUEST = f"请查明车主并依法清理。联系人{COMPLAINANT}，电话{PHONE}"
RESULT = "交警联系车主后拖离，腾出车位一个"


@dataclass
class Place:
    """Where it happens and who is who there."""

    community: str
    street: str
    liaison: str
    officer: str


def place(site: Site) -> Place:
    with site.session() as session:
        user = select(User.id).where(User.username == "liaison").scalar_subquery()
        liaison = session.execute(select(models.Liaison).where(models.Liaison.user_id == user)).scalar_one()
        user = select(User.id).where(User.username == "officer").scalar_subquery()
        officer = session.execute(select(models.Officer).where(models.Officer.user_id == user)).scalar_one()
        community = liaison.community
        return Place(community.name, community.street.name, liaison.name, officer.name)


def open_case(page: Page, number: str) -> None:
    page.goto(f"/admin/case/?q={number}")
    page.get_by_role("link", name=number, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)


def report(page: Page, where: Place) -> str:
    """A liaison reports on a phone; the number of the case."""
    page.get_by_role("main").get_by_role("link", name="上报案件").click()
    expect(page.get_by_text(where.community)).to_be_visible()
    assert not scrolls_sideways(page)
    page.get_by_role("textbox", name="地点").fill(PLACE)
    page.get_by_role("textbox", name="问题描述").press_sequentially(DESCRIPTION)
    page.locator(".pick-item", has_text=ITEM).click()
    expect(page.get_by_role("textbox", name="投诉人姓名")).to_be_hidden()
    page.get_by_role("group", name="投诉人").get_by_text("留姓名", exact=True).click()
    page.get_by_role("textbox", name="投诉人姓名").fill(COMPLAINANT)
    page.get_by_role("textbox", name="投诉人电话").fill(PHONE)
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="上报案件").click()
    page.wait_for_url("**/admin/case/details/**")
    told = page.get_by_role("status").inner_text()
    found = re.search(r"[A-Z]+-\d{4}-\d{6}", told)
    assert found is not None
    expect(page.locator(".way .now b")).to_have_text("已上报")
    expect(page.get_by_role("main")).not_to_contain_text(COMPLAINANT)
    expect(page.get_by_role("main")).not_to_contain_text(PHONE)
    assert not scrolls_sideways(page)
    return found[0]


def test_from_report_to_ledger(visit: Visit, site: Site, tmp_path: Path) -> None:
    where = place(site)
    number = report(visit("liaison", phone=True), where)

    office = visit("office")
    open_case(office, number)
    begin(office, "受理")
    expect(office.locator("main").get_by_role("combobox", name="清单事项")).to_have_value(re.compile(ITEM))
    finish(office, "受理", "待派遣")
    begin(office, "派遣")
    office.get_by_role("button", name="清空").click()
    choose(office, "承办人", where.officer, where.officer)
    finish(office, "派遣", "已派遣")

    officer = visit("officer")
    open_case(officer, number)
    begin(officer, "开始处置")
    finish(officer, "开始处置", "处置中")
    begin(officer, "移送")
    choose(officer, "协同部门", "jiaojing", "公安交警")
    officer.locator("#f-document_no").fill("联移〔2026〕88号")
    officer.locator("#f-request").fill(REQUEST)
    finish(officer, "移送", "移送协同中")
    check_slip(officer, number)
    open_case(officer, number)
    begin(officer, "部门反馈")
    officer.locator("#f-reply").fill("已通知车主，车辆拖离")
    finish(officer, "部门反馈", "处置中")
    begin(officer, "处置完成")
    officer.locator("#f-outcome").select_option(label="联动协调")
    officer.locator("#f-result").fill(RESULT)
    officer.locator("#f-quantity").fill("1")
    finish(officer, "处置完成", "待核查")
    expect(officer.locator(".acts").get_by_role("link", name="核查", exact=True)).to_have_count(0)

    leader = visit("leader")
    open_case(leader, number)
    begin(leader, "核查")
    leader.locator("#f-finding").fill("现场已清理，车位已恢复使用")
    finish(leader, "核查", "待反馈")

    open_case(office, number)
    begin(office, "反馈结案")
    office.locator(".save").get_by_role("button", name="反馈结案").click()
    expect(office.locator(".note.danger").first).to_contain_text("联络员")
    office.locator("#f-liaison_content").fill("车辆已拖离")
    office.locator("#f-complainant_content").fill("车辆已拖离，感谢反映")
    office.locator("#f-satisfaction").select_option(label="满意")
    finish(office, "反馈结案", "已结案")

    check_course(site, number)
    check_ledger(office, site, number, where, tmp_path)


def stands_on_one_screen(page: Page, part: str, link: str) -> None:
    """What and where, the light, the course and the parts of a case, each a press away, on 1366 × 768."""
    page.reload()  # without the message of the last step
    for words in (".head .tag", ".head .light", ".way .now", ".facts", ".part-links", ".course"):
        expect(page.locator(words).first).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name=link)).to_be_hidden()
    page.locator(".part-links").get_by_role("link", name=part).click()
    expect(page.get_by_role("link", name=link)).to_be_in_viewport()
    assert page.evaluate("scrollY") < 8, "no jump"
    assert page.evaluate("document.querySelector('.case').getBoundingClientRect().bottom") <= DESKTOP["height"]


def check_slip(page: Page, number: str) -> None:
    """The paper for the traffic police names the case, and nobody."""
    stands_on_one_screen(page, "移送协同", "联移〔2026〕88号")
    page.get_by_role("link", name="联移〔2026〕88号").click()
    page.get_by_role("link", name="打印函件").click()
    paper = page.locator(".paper")
    expect(paper).to_contain_text(number)
    expect(paper).to_contain_text("公安交警")
    expect(paper).to_contain_text("请查明车主并依法清理")
    expect(paper).not_to_contain_text(COMPLAINANT)
    expect(paper).not_to_contain_text(PHONE)
    expect(page.get_by_role("button", name="打印")).to_be_visible()


def check_course(site: Site, number: str) -> None:
    with site.session() as session:
        case = session.execute(select(models.Case).where(models.Case.case_no == number)).scalar_one()
        statement = select(models.CaseEvent).where(models.CaseEvent.case_id == case.id).order_by(models.CaseEvent.seq)
        told = list(session.execute(statement).scalars())
        assert events.verify(told) is None
        steps = ["report", "accept", "dispatch", "start", "refer", "reply", "handle", "verify", "close"]
        assert [event.step for event in told] == steps
        assert len({event.actor_id for event in told}) == 4


def minute(moment: datetime | None) -> datetime:
    """As the ledger prints it."""
    assert moment is not None
    return moment.astimezone(ZONE).replace(second=0, microsecond=0, tzinfo=None)


def expected(site: Site, number: str, where: Place) -> dict[str, Any]:
    """What the ledger's cells have to say, but for the number of the row."""
    with site.session() as session:
        case = session.execute(select(models.Case).where(models.Case.case_no == number)).scalar_one()
        assert case.accepted_at is not None
        calendar = office_calendar(session)
        due = deadlines.due(case.accepted_at, 15, LimitUnit.WORKING_DAY, calendar)
        told = session.execute(select(models.Feedback.at).where(models.Feedback.case_id == case.id)).scalars().all()
        assert len(told) == 2
        return {
            "案件编号": number,
            "受理时间": minute(case.accepted_at),
            "来源": "联络员上报",
            "街道": where.street,
            "社区": where.community,
            "地点": PLACE,
            "清单类别": "服务清单",
            "事项": ITEM,
            "问题描述": DESCRIPTION,
            "投诉人(脱敏)": "陈*",
            "联络员": where.liaison,
            "主办队员": where.officer,
            "处置方式": "联动协调",
            "协同部门": "公安交警",
            "处理结果": RESULT,
            "到期时间": minute(due),
            "办结时间": minute(case.closed_at),
            "是否按期": "是",
            "反馈时间": minute(max(told)),
            "满意度": "满意",
            "备注": None,
        }


def check_ledger(page: Page, site: Site, number: str, where: Place, folder: Path) -> None:
    wanted = expected(site, number, where)
    month = f"{wanted['受理时间']:%Y-%m}"
    page.goto("/ledgers")
    page.get_by_label("月份").select_option(month)
    page.get_by_role("button", name="查询").click()
    page.wait_for_url(f"**month={month}**")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载", exact=True).first.click()
    assert "案件台账" in download.value.suggested_filename
    file = folder / "ledger.xlsx"
    download.value.save_as(file)
    sheet = load_workbook(file).worksheets[0]
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert rows[0][: len(COLUMNS)] == COLUMNS
    found = next(dict(zip(COLUMNS, row, strict=False)) for row in rows if row[1] == number)
    assert isinstance(found.pop("序号"), int)
    assert found == wanted
