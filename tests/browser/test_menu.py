"""The menu on a phone, lists as cards, and the way past the log-in page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


def test_on_a_phone_the_menu_stands_behind_its_button(visit: Visit) -> None:
    page = visit("office", phone=True)
    menu, button = page.locator("#menu"), page.get_by_role("button", name="菜单")
    expect(menu).not_to_be_in_viewport()
    button.click()
    expect(menu).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_in_viewport()
    button.click()
    menu.locator("a[href='/admin/case/']").click()
    page.wait_for_url("**/admin/case/")
    expect(menu).not_to_be_in_viewport()


def test_on_a_phone_rows_are_cards_and_acts_stand_at_the_thumb(visit: Visit) -> None:
    page = visit("office", phone=True, at="/admin/case/")
    expect(page.locator("thead")).to_be_hidden()
    cards = page.locator("tbody tr")
    box, following = cards.nth(0).bounding_box(), cards.nth(1).bounding_box()
    assert box is not None
    assert following is not None
    assert following["y"] >= box["y"] + box["height"]
    assert box["width"] <= 360
    expect(page.locator(".acts.thumb")).to_be_in_viewport()


def test_without_a_script_the_menu_opens_as_well(visit: Visit) -> None:
    page = visit("liaison", phone=True, script=False)
    page.get_by_role("button", name="菜单").click()
    expect(page.locator("#menu")).to_be_in_viewport()


def test_a_wrong_password_is_told_on_the_page(visit: Visit) -> None:
    page = visit()
    page.goto("/admin/case/")
    page.get_by_label("账号").fill("office")
    page.get_by_label("密码").fill("not-this-1")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("密码").fill("Test-pass-1")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("案件")
