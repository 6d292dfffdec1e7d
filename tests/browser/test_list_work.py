"""Work in a list, with its clicks counted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.clicks import Meter
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


def test_a_phone_is_changed_in_the_list_and_fifty_records_are_walked_through(visit: Visit) -> None:
    meter = Meter(visit("office", at=""), "Office")
    with meter.task("A liaison's telephone changed, and back in the list", "/admin/liaison/?sort=-start_on") as page:
        cell = page.locator('td[data-edit^="mobile"]').first
        row = cell.locator("xpath=..").get_attribute("id")
        before = cell.inner_text()
        cell.click()
        page.get_by_role("textbox", name="手机", exact=True).fill("13900139001")
        page.keyboard.press("Enter")
        expect(cell).to_contain_text("13900139001")
        expect(page.locator(".row-done")).to_contain_text("已保存")
    expect(page).to_have_url(re.compile(r"/admin/liaison/\?sort=-start_on$"))
    page.get_by_role("button", name="撤销").click()
    expect(cell).to_contain_text(before.split("\n")[0])
    # By keyboard alone: Esc leaves what was; a wrong number stays in the cell with its reason; Tab goes on.
    cell.focus()
    page.keyboard.press("Enter")
    mobile = page.get_by_role("textbox", name="手机", exact=True)
    mobile.fill("1")
    page.keyboard.press("Enter")
    expect(page.locator(".inline-edit .error")).to_be_visible()
    page.keyboard.press("Escape")
    expect(cell).to_be_focused()
    expect(cell).to_contain_text(before.split("\n")[0])
    page.keyboard.press("Enter")
    mobile.press("Tab")
    expect(page.get_by_role("textbox", name="办公电话")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".inline-edit input[name=field]").first).to_have_value("post")
    page.keyboard.press("Escape")
    # A record of the list: the next one is one click away, Ctrl+S saves and Esc leads back to the row.
    page.locator(f"#{row} td.first a").first.click()
    name = page.get_by_role("heading", level=1).inner_text()
    with meter.task("The next of fifty records"):
        page.locator("a[rel=next]").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text(name)
    page.locator("a[rel=prev]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.get_by_role("link", name="编辑", exact=True).click()
    page.wait_for_load_state("load")
    page.get_by_role("textbox", name="职务").fill("书记")
    page.keyboard.press("Control+s")
    expect(page).to_have_url(re.compile(rf"sort=-start_on#{row}$"))
    expect(page.locator(f"#{row}")).to_be_in_viewport()
    page.locator(f"#{row} td.first a").first.click()
    # A click returns when the answer begins to come; keys mean something once the page is whole.
    page.wait_for_url("**/details/**", wait_until="load")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(rf"#{row}$"))
