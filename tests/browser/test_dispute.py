"""A dispute from the measurement to the performance: within the limit, mediated in three sessions, agreed, kept; the
paper that both sign."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

import models
from bureau.cases import intake
from bureau.cases.state import stepping
from models import CaseStatus
from panel.kinds import now, today
from panel.security.accounts import User
from tests.browser.conftest import Site, Visit, choose, scrolls_sideways

pytestmark = pytest.mark.browser

SHOP, NEIGHBOUR = "慕容海天", "上官月英"
AGREEMENT = f"{SHOP}将冷库外机由北侧移至南侧，加装减振垫；{NEIGHBOUR}提供施工方便。"


def a_case(site: Site) -> tuple[int, str, str]:
    """A cold store's fan, handled by the officer: the case's id, and the names of the officer and of a colleague."""
    with site.session() as session:
        user = select(User.id).where(User.username == "officer").scalar_subquery()
        officer = session.scalars(select(models.Officer).where(models.Officer.user_id == user)).one()
        mine = select(models.Assignment.community_id).where(models.Assignment.officer_id == officer.id)
        community = session.scalars(
            select(models.Community).where(models.Community.id.in_(mine)).order_by(models.Community.id)
        ).first()
        item = session.scalars(select(models.ChecklistItem).where(models.ChecklistItem.code == "ZF23")).one()
        colleague = session.scalars(
            select(models.Officer).where(models.Officer.squad_id == officer.squad_id, models.Officer.id != officer.id)
        ).first()
        assert community is not None
        assert colleague is not None
        case = models.Case(
            community_id=community.id,
            source=models.Source.RESIDENT,
            place="东升路18号冷库",
            description="冷库外机日夜轰鸣，楼上住户无法休息",
            reported_at=now() - timedelta(hours=3),
        )
        intake.register(session, case, None, "测试")
        intake.accept(session, case, item)
        case.handler_id = officer.id
        with stepping():
            case.status = CaseStatus.HANDLING
        session.add(models.CaseParty(case_id=case.id, name=NEIGHBOUR))
        session.flush()
        volunteer = session.scalars(
            select(models.Volunteer).where(models.Volunteer.community_id == community.id, models.Volunteer.is_mediator)
        ).first()
        assert volunteer is not None
        return case.id, colleague.name, volunteer.name


def step(page: Page, case: int, name: str) -> None:
    page.goto(f"/admin/case/details/?id={case}")
    address = f'.acts a[href*="step={name}"]'
    if not page.locator(address).first.is_visible():
        page.get_by_text("更多").click()
    page.locator(address).first.click()
    page.wait_for_url(re.compile(f"step={name}"))


def send(page: Page, label: str) -> None:
    page.locator("form.record").get_by_role("button", name=label, exact=True).click()


def measure(page: Page, case: int, officer: str, colleague: str) -> None:
    page.goto(f"/admin/case/details/?id={case}")
    page.locator(".blanks > span", has_text="检测记录").get_by_role("link", name="新增").click()
    page.get_by_label("点位").fill("冷库北侧边界外1米")
    page.get_by_label("实测").fill("39.5")
    page.get_by_label("仪器编号").fill("AWA5688-01")
    page.get_by_label("检定有效期").fill(f"{today() + timedelta(90)}")
    choose(page, "执法队员", officer, officer)
    choose(page, "第二名队员", colleague, colleague)
    send(page, "登记检测")
    expect(page.get_by_text("未超标").first).to_be_visible()
    expect(page.get_by_text("可转调解")).to_be_visible()


def mediate(page: Page, case: int, mediator: str) -> None:
    """Begun from the hint of the case page, in three sessions, to an agreement."""
    page.locator(".note").get_by_role("link", name="转调解").click()
    page.get_by_label("执法难以处理的原因").fill("实测未超标，无执法依据")
    expect(page.get_by_label("甲方")).to_have_value("上*")
    page.get_by_label("乙方").fill(SHOP)
    page.get_by_label("纠纷类型").select_option(label="噪声")
    page.get_by_label("争议情况").fill("冷库外机噪声")
    send(page, "转调解")
    expect(page.locator(".head").get_by_text("调解中")).to_be_visible()

    for who, minutes in (("仅甲方", "希望移机"), ("仅乙方", "愿意协商费用"), ("双方", "就移机达成一致")):
        step(page, case, "session")
        page.get_by_label("到场方").select_option(label=who)
        page.get_by_label("调解记录").fill(minutes)
        choose(page, "社区志愿者", mediator, mediator)
        send(page, "登记调解场次")
    step(page, case, "end_mediation")
    page.get_by_label("调解结果").select_option(label="达成协议")
    send(page, "调解结束")
    expect(page.locator(".errors")).to_contain_text("协议内容")
    page.get_by_label("协议内容").fill(AGREEMENT)
    page.get_by_label("协议形式").select_option(label="和解协议")
    page.get_by_label("履行期限").fill(f"{today() + timedelta(10)}")
    send(page, "调解结束")


def print_agreement(page: Page, tmp_path: Path) -> None:
    """Masked as it comes; in clear for a reason."""
    page.locator(".part-links").get_by_role("link", name=re.compile("^调解")).click()
    page.get_by_role("link", name=re.compile("^TJ-")).click()
    for words in ("第 1 场", "第 2 场", "第 3 场", "就移机达成一致", "上*", "慕*"):
        expect(page.locator("main")).to_contain_text(words)
    assert not scrolls_sideways(page)
    page.screenshot(path=tmp_path / "mediation.png", full_page=True)
    page.get_by_role("link", name="打印协议书").click()
    expect(page.locator(".paper")).not_to_contain_text(SHOP)
    expect(page.locator(".paper")).to_contain_text("乙方将冷库外机由北侧移至南侧")
    page.get_by_role("link", name="显示双方姓名").click()
    page.get_by_label("原因").fill("双方当面签字")
    page.get_by_role("button", name="查看明文").click()
    for words in (SHOP, NEIGHBOUR, "乙方将冷库外机由北侧移至南侧"):
        expect(page.locator(".paper")).to_contain_text(words)
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    printed = page.pdf(path=tmp_path / "agreement.pdf", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    page.emulate_media(media="screen")


def follow_up(page: Page, case: int) -> None:
    step(page, case, "perform")
    page.get_by_label("履行情况").select_option(label="已履行")
    page.get_by_label("回访情况").fill("外机已移至南侧，噪声消除")
    send(page, "协议回访")
    step(page, case, "handle")
    page.get_by_label("处置方式").select_option(label="调解")
    page.get_by_label("结果").fill("外机北移南，双方满意")
    send(page, "处置完成")
    expect(page.locator(".head").get_by_text("待核查")).to_be_visible()


def test_from_the_measurement_to_the_performance(site: Site, visit: Visit, tmp_path: Path) -> None:
    case, colleague, mediator = a_case(site)
    page = visit("officer")
    measure(page, case, me(site), colleague)
    mediate(page, case, mediator)
    print_agreement(page, tmp_path)
    follow_up(page, case)
    with site.session() as session:
        made = session.scalars(select(models.Mediation).where(models.Mediation.case_id == case)).one()
        assert made.performance is models.Performance.PERFORMED
        assert (made.party_a, made.party_b) == (NEIGHBOUR, SHOP)
        sessions = select(models.MediationSession.session_no).where(models.MediationSession.mediation_id == made.id)
        assert sorted(session.scalars(sessions)) == [1, 2, 3]


def me(site: Site) -> str:
    with site.session() as session:
        user = select(User.id).where(User.username == "officer").scalar_subquery()
        return session.scalars(select(models.Officer.name).where(models.Officer.user_id == user)).one()


@pytest.mark.parametrize("phone", [False, True])
def test_a_session_is_recorded_on_a_phone_too(site: Site, visit: Visit, phone: bool) -> None:
    case, _colleague, _mediator = a_case(site)
    page = visit("officer", phone=phone)
    step(page, case, "mediate")
    assert not scrolls_sideways(page)
    page.get_by_label("执法难以处理的原因").fill("相邻纠纷")
    page.get_by_label("乙方").fill(SHOP)
    page.get_by_label("纠纷类型").select_option(label="噪声")
    page.get_by_label("争议情况").fill("冷库外机噪声")
    send(page, "转调解")
    step(page, case, "session")
    assert not scrolls_sideways(page)
    page.get_by_label("调解记录").fill("双方陈述")
    send(page, "登记调解场次")
    expect(page.locator("main")).to_contain_text("登记调解场次")
