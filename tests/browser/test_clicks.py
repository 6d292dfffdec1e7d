"""What daily work costs: every row of the table in docs/ui.md, measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

import models
from bureau.cases import intake
from panel.kinds import now
from tests.browser.clicks import Meter
from tests.browser.conftest import Site, Visit
from tests.browser.stories.moves import begin, finish
from tests.browser.test_dispute import a_case
from tests.workbooks import table

pytestmark = pytest.mark.browser

TWENTY = 20
CALLER = "13905730077"


def reported(site: Site, count: int = TWENTY) -> list[str]:
    """Reports that name their items, of communities with an officer; the numbers of the cases."""
    with site.session() as session:
        items = session.scalars(select(models.ChecklistItem).limit(3)).all()
        places = session.scalars(select(models.Assignment.community_id).where(models.Assignment.end_on.is_(None))).all()
        numbers = []
        for n in range(count):
            case = models.Case(
                community_id=places[n % len(places)],
                item_id=items[n % len(items)].id,
                source=models.Source.LIAISON,
                place=f"东升路{n + 1}号",
                description="楼道里堆着旧家具",
                reported_at=now(),
            )
            intake.register(session, case, None, "测试")
            if not numbers:
                session.add(models.CaseParty(case_id=case.id, name="陈月娥", phone=CALLER))
            numbers.append(case.case_no)
        return numbers


def roster(site: Site, folder: Path) -> Path:
    """A roster with one change: a telephone."""
    with site.session() as session:
        statement = select(models.Liaison).where(models.Liaison.end_on.is_(None)).order_by(models.Liaison.id)
        liaison = session.scalars(statement).first()
        assert liaison is not None
        row = (liaison.community.name, liaison.name, "13905730099")
    file = folder / "roster.xlsx"
    file.write_bytes(table(("社区", "姓名", "手机"), row))
    return file


def test_the_office(site: Site, visit: Visit, tmp_path: Path) -> None:
    numbers, file = reported(site), roster(site, tmp_path)
    meter = Meter(visit("office", at=""), "Office")
    with meter.task("Twenty reports accepted and dispatched, each by its own item and to its own officer", "/") as page:
        page.locator(".tiles a", has_text="待受理").click()
        page.get_by_label("勾选本页全部").check()
        page.get_by_role("button", name="受理", exact=True).click()
        page.locator(".save").get_by_role("button", name="受理", exact=True).click()
        expect(page.get_by_text(f"成功 {TWENTY} 件")).to_be_visible()
        page.get_by_role("button", name=f"派遣：这 {TWENTY} 件").click()
        page.locator(".save").get_by_role("button", name="派遣", exact=True).click()
        expect(page.get_by_text(f"成功 {TWENTY} 件")).to_be_visible()
    with site.session() as session:
        one = session.scalars(select(models.Case.id).where(models.Case.case_no.in_(reported(site, 1)))).one()
    with meter.task("A report accepted, from the page of the case", f"/admin/case/details/?id={one}") as page:
        begin(page, "受理")
        finish(page, "受理", "待派遣")
    with meter.task("A case dispatched, from its page", f"/admin/case/details/?id={one}") as page:
        begin(page, "派遣")
        finish(page, "派遣", "已派遣")
    with meter.task("A case found by its number, from any page", "/ledgers") as page:
        page.keyboard.press("/")
        page.keyboard.type(numbers[0])
        expect(page.get_by_role("option", name=numbers[0])).to_be_visible()
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/case/details/**")
    with meter.task("A caller's case found by their telephone, from any page", "/ledgers") as page:
        page.keyboard.press("/")
        page.keyboard.type(CALLER)
        page.keyboard.press("Enter")
        expect(page.get_by_role("main").get_by_text(numbers[0]).first).to_be_visible()
    with meter.task("The month's ledger", "/") as page:
        page.get_by_role("main").get_by_role("link", name="月度台账").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("台账")
    with meter.task("The roster imported", "/") as page:
        page.get_by_role("link", name="导入花名册").click()
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="读取并预览").click()
        page.get_by_role("button", name="导入 1 行").click()
        page.wait_for_url("**/importbatch/**")


def test_officer_and_leader(site: Site, visit: Visit) -> None:
    case = a_case(site)
    meter = Meter(visit("officer", phone=True, at=""), "Officer")
    with meter.task("My open cases", "/") as page:
        page.locator(".thumbs").get_by_role("link", name="案件").click()
        page.wait_for_url("**/admin/case/**")
    with meter.task("The communities to visit on Monday", "/") as page:
        page.locator(".thumbs").get_by_role("link", name="走访").click()
        page.wait_for_url("**/duty")
    with meter.task("The notices, from any page", "/duty") as page:
        page.get_by_role("link", name="消息提醒").click()
        page.wait_for_url("**/notices/")
    with meter.task("A remark added, from the page of the case", f"/admin/case/details/?id={case}") as page:
        begin(page, "补充说明")
        page.locator("main textarea").first.fill("已约店主明日面谈")
        page.locator(".save").get_by_role("button", name="补充说明").click()
        page.wait_for_url("**/admin/case/details/**")
    with meter.task("Handling done, from the page of the case", f"/admin/case/details/?id={case}") as page:
        begin(page, "处置完成")
        page.locator("#f-outcome").select_option(label="批评教育")
        page.locator("#f-result").fill("外机已移位")
        page.locator("#f-unmeasured").fill("当事人已自行整改")
        finish(page, "处置完成", "待核查")
    meter = Meter(visit("leader", at=""), "Leader")
    with meter.task("The overdue cases of the squad", "/") as page:
        page.locator(".tiles a", has_text="已逾期").click()
        page.wait_for_url("**/admin/case/**")
    with meter.task("The month's figures", "/") as page:
        page.get_by_role("main").get_by_role("link", name="统计分析").click()
        page.wait_for_url("**/figures**")
    with meter.task("The requests that wait for me", "/") as page:
        page.get_by_role("link", name="待我审批").first.click()
        page.wait_for_url("**/approvals**")
    with meter.task("The cases of a community with many due", "/") as page:
        page.locator(".bars a").first.click()
        page.wait_for_url("**/admin/case/**")
    with meter.task("A handled case verified, from its page", f"/admin/case/details/?id={case}") as page:
        begin(page, "核查")
        page.locator("#f-finding").fill("现场已清理")
        finish(page, "核查", "待反馈")


def test_a_liaison(visit: Visit) -> None:
    meter = Meter(visit("liaison", phone=True, at=""), "Liaison")
    with meter.task("A case reported", "/") as page:
        page.get_by_role("main").get_by_role("link", name="上报案件").click()
        page.get_by_role("textbox", name="地点").fill("柳岸花苑 2 幢楼道")
        page.get_by_role("textbox", name="问题描述").fill("楼道里堆着旧家具")
        page.get_by_role("button", name="上报案件").click()
        page.wait_for_url("**/admin/case/details/**")
    with meter.task("A remark added, from the page of the case") as page:
        begin(page, "补充说明")
        page.locator("main textarea").first.fill("占道约两平方米")
        page.locator(".save").get_by_role("button", name="补充说明").click()
        expect(page.locator(".course, .timeline").first).to_contain_text("占道约两平方米")
    with meter.task("What became of my report", "/") as page:
        page.locator("main tr a").first.click()
        page.wait_for_url("**/admin/case/details/**")
    with meter.task("The open cases of my community", "/") as page:
        page.locator(".thumbs").get_by_role("link", name="案件").click()
        page.wait_for_url("**/admin/case/**")
    with meter.task("The notices, from any page") as page:
        page.get_by_role("link", name="消息提醒").click()
        page.wait_for_url("**/notices/")
