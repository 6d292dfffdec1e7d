"""A dispute is turned to mediation and sat on, at a desk and on a phone. All of its way is a story (cold store)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

import models
from bureau.cases import intake
from bureau.cases.state import stepping
from models import CaseStatus
from panel.kinds import now
from panel.security.accounts import User
from tests.browser.conftest import Site, Visit, scrolls_sideways

pytestmark = pytest.mark.browser

SHOP, NEIGHBOUR = "慕容海天", "上官月英"


def a_case(site: Site) -> int:
    """A cold store's fan, handled by the officer."""
    with site.session() as session:
        user = select(User.id).where(User.username == "officer").scalar_subquery()
        officer = session.scalars(select(models.Officer).where(models.Officer.user_id == user)).one()
        mine = select(models.Assignment.community_id).where(models.Assignment.officer_id == officer.id)
        community = session.scalars(
            select(models.Community).where(models.Community.id.in_(mine)).order_by(models.Community.id)
        ).first()
        item = session.scalars(select(models.ChecklistItem).where(models.ChecklistItem.code == "ZF23")).one()
        assert community is not None
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
        return case.id


def step(page: Page, case: int, name: str) -> None:
    page.goto(f"/admin/case/details/?id={case}")
    address = f'.acts a[href*="step={name}"]'
    if not page.locator(address).first.is_visible():
        page.get_by_text("更多").click()
    page.locator(address).first.click()
    page.wait_for_url(re.compile(f"step={name}"))


def send(page: Page, label: str) -> None:
    with page.expect_navigation():
        page.locator("form.record").get_by_role("button", name=label, exact=True).click()


@pytest.mark.parametrize("phone", [False, True])
def test_a_session_is_recorded_on_a_phone_too(site: Site, visit: Visit, phone: bool) -> None:
    case = a_case(site)
    page = visit("officer", phone=phone, at="")
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
