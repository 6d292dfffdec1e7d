"""The parties of a case on screen: a row is added, another removed, and the form reopened."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

import models
from tests.browser.conftest import Site, Visit, scrolls_sideways

pytestmark = pytest.mark.browser


def a_case(site: Site) -> str:
    """The form of a case that has one party and isn't accepted yet, so that its complainant isn't locked."""
    party = models.CaseParty
    with site.session() as session:
        alone = select(party.case_id).group_by(party.case_id).having(func.count() == 1)
        reported = select(models.Case.id).where(models.Case.status == models.CaseStatus.REPORTED)
        first = reported.where(models.Case.id.in_(alone)).order_by(models.Case.id).limit(1)
        return f"/admin/case/edit/?id={session.execute(first).scalar_one()}"


def save(page: Page) -> None:
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_url("**/details/**")


@pytest.mark.parametrize("phone", [False, True])
def test_a_party_is_added_and_another_removed(visit: Visit, site: Site, phone: bool) -> None:
    address = a_case(site)
    page = visit("office", phone=phone, at=address)
    rows = page.locator(".child-row")
    expect(rows).to_have_count(1)
    for name in ("周小明", "不要了"):
        page.get_by_role("button", name="增加一行").click()
        rows.last.get_by_role("textbox", name="姓名").fill(name)
    expect(page.locator(".unsaved")).not_to_be_empty()
    rows.last.get_by_role("checkbox", name="移除").click()
    expect(rows).to_have_count(2)
    rows.first.get_by_role("checkbox", name="移除").check()
    assert not scrolls_sideways(page)
    save(page)
    page.goto(address)
    expect(rows).to_have_count(1)
    expect(rows.get_by_role("textbox", name="姓名")).to_have_value("周*")


def test_a_party_is_added_without_script(visit: Visit, site: Site) -> None:
    address = a_case(site)
    page = visit("office", script=False, at=address)
    rows = page.locator(".child-row")
    expect(rows).to_have_count(4)
    rows.nth(2).get_by_role("textbox", name="姓名").fill("周小明")
    save(page)
    page.goto(address)
    expect(rows).to_have_count(5)
