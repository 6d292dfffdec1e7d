"""A report by the keyboard alone: on a phone by the liaison, at a desk by the office."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

import models
from tests.browser.conftest import Site, Visit, scrolls_sideways

pytestmark = pytest.mark.browser

#: More keys of Tab than any way through the form takes.
MOST_TABS = 80


def tab_to(page: Page, selector: str) -> None:
    """Tab until the control has the focus."""
    for _n in range(MOST_TABS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    message = f"{selector} can't be reached by Tab"
    raise AssertionError(message)


def send(page: Page) -> str:
    tab_to(page, ".report .save .go")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/case/details/**")
    found = re.search(r"[A-Z]+-\d{4}-\d{6}", page.get_by_role("status").first.inner_text())
    assert found is not None
    return found[0]


def test_a_liaison_reports_by_keys_on_a_phone(visit: Visit) -> None:
    page = visit("liaison", phone=True, at="/report")
    expect(page.locator(".staff")).to_contain_text("联络员：")
    tab_to(page, "#f-place")
    page.keyboard.type("东升路 8 号门口")
    tab_to(page, "#f-description")
    page.keyboard.type("楼下有人养鸡，天没亮就打鸣")
    expect(page.locator(".pick-item").first).to_be_visible()
    tab_to(page, ".pick-item input")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    assert page.locator(".pick-item input:checked").get_attribute("value")
    tab_to(page, "[name=urgency]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#f-urgency-urgent")).to_be_checked()
    tab_to(page, "[name=anonymous]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#f-name")).to_be_visible()
    tab_to(page, "#f-name")
    page.keyboard.type("陈某某")
    assert not scrolls_sideways(page)
    assert send(page)
    expect(page.locator(".way .now b")).to_have_text("已上报")


def test_what_is_typed_before_the_script_is_here_counts(visit: Visit) -> None:
    page = visit("liaison", phone=True, early=True)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/static/report\..*js"), hold)
    page.goto("/report", wait_until="commit")
    page.get_by_role("textbox", name="问题描述").fill("楼下有人养鸡，天没亮就打鸣")
    expect(page.locator(".pick-item")).to_have_count(0)
    assert held
    for route in held:
        route.continue_()
    expect(page.locator(".pick-item").first).to_be_visible()
    expect(page.locator(".unsaved")).not_to_be_empty()


def test_the_office_registers_by_keys_and_back_makes_no_second_case(visit: Visit, site: Site) -> None:
    with site.session() as session:
        name = session.scalars(select(models.Community.name).order_by(models.Community.id)).first()
        before = len(session.scalars(select(models.Case.id)).all())
    assert name is not None
    page = visit("office", at="/report")
    expect(page.get_by_role("button", name="登记案件")).to_be_visible()
    # Past the menu by the link that is there for it.
    tab_to(page, ".skip")
    page.keyboard.press("Enter")
    tab_to(page, "#f-community")
    page.keyboard.type(name)
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".staff")).to_contain_text("今日派驻队员：")
    tab_to(page, "#f-place")
    page.keyboard.type("河边")
    tab_to(page, "#f-description")
    page.keyboard.type("路面塌陷")
    tab_to(page, "[name=anonymous]")
    page.keyboard.press("ArrowRight")
    number = send(page)
    page.go_back()
    tab_to(page, ".report .save .go")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert number
    with site.session() as session:
        assert len(session.scalars(select(models.Case.id)).all()) == before + 1
