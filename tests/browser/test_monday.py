"""A Monday in a community, on a phone: check in, note what stands there, turn it into a case, check out."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, select

import models
from models import Visit as Planned
from models import VisitStatus
from panel.kinds import now, today
from panel.security.accounts import User
from tests.browser.conftest import Site, Visit, scrolls_sideways

pytestmark = pytest.mark.browser

ADDRESS = "东门菜场后巷 12 号"


def plan(site: Site) -> tuple[int, str]:
    """A visit of the officer's for today, whatever day that is: the pages keep the real clock."""
    with site.session() as session:
        user = select(User.id).where(User.username == "officer").scalar_subquery()
        officer = session.execute(select(models.Officer).where(models.Officer.user_id == user)).scalar_one()
        assigned = select(models.Assignment).where(
            models.Assignment.officer_id == officer.id, models.Assignment.end_on.is_(None)
        )
        community = session.execute(assigned.order_by(models.Assignment.id)).scalars().first()
        assert community is not None
        session.execute(
            delete(Planned).where(Planned.community_id == community.community_id, Planned.planned_on == today())
        )
        visit = Planned(community_id=community.community_id, planned_on=today(), officer_id=officer.id)
        session.add(visit)
        session.flush()
        return visit.id, community.community.name


def picture(page: Page, name: str) -> None:
    """Kept where somebody asks for pictures to look at."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def big_enough(page: Page) -> bool:
    """Whether every button of the page can be met with a thumb."""
    heights = page.locator("main .btn:visible").evaluate_all("all => all.map(one => one.offsetHeight)")
    return bool(heights) and min(heights) >= 40


def test_a_monday_on_a_phone(visit: Visit, site: Site) -> None:
    id_, community = plan(site)
    page = visit("officer", phone=True, at="/duty")
    card = page.locator(".visit", has_text=community).first
    picture(page, "mondays")
    assert not scrolls_sideways(page)
    assert big_enough(page)
    card.get_by_role("button", name="签到").click()
    page.wait_for_url(f"**/duty/{id_}")
    expect(page.get_by_role("status")).to_contain_text(community)

    page.get_by_role("group", name="类别").get_by_text("家禽饲养", exact=True).click()
    page.get_by_role("textbox", name="地址").fill(ADDRESS)
    page.get_by_role("textbox", name="对象").fill("钱四海")
    page.get_by_label("数量").fill("4")
    page.get_by_role("button", name="登记").click()
    row = page.locator(".stand", has_text=ADDRESS)
    expect(row).to_contain_text("钱*")
    expect(row).to_contain_text("4")
    picture(page, "visit")
    assert not scrolls_sideways(page)
    assert big_enough(page)
    row.get_by_role("button", name="转案").click()
    row = page.locator(".stand", has_text=ADDRESS)
    number = row.get_by_role("link").inner_text()
    assert re.fullmatch(r"[A-Z]+-\d{4}-\d{6}", number)

    page.locator("#f-content").fill("走访菜场，核对商铺")
    page.locator("#f-findings").fill("后巷有人养鸡")
    page.get_by_role("button", name="签退").click()
    expect(page.get_by_role("button", name="签退")).to_have_count(0)
    picture(page, "left")
    assert not scrolls_sideways(page)

    with site.session() as session:
        held = session.get_one(Planned, id_)
        assert held.status is VisitStatus.DONE
        assert held.left_at is not None
        assert now() - held.left_at < timedelta(minutes=5)
        assert (held.content, held.findings) == ("走访菜场，核对商铺", "后巷有人养鸡")
        case = session.execute(select(models.Case).where(models.Case.case_no == number)).scalar_one()
        assert (case.visit_id, case.source, case.place) == (id_, models.Source.VISIT, ADDRESS)
        (entry,) = [row for row in session.scalars(select(models.SurveyEntry)) if row.address == ADDRESS]
        assert (entry.case_id, entry.quantity, entry.verified_on) == (case.id, 4, today())
