"""A list made one's own in a browser: columns by keyboard and mouse, filters of several values, kept as a view."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, scrolls_sideways

pytestmark = pytest.mark.browser


def heads(page: Page) -> list[str]:
    page.wait_for_load_state()
    return [text.strip() for text in page.locator("th[scope=col]").all_inner_texts() if text.strip()]


def test_a_list_is_made_ones_own_and_kept(visit: Visit) -> None:
    page = visit("office", at="/admin/liaison/")
    assert heads(page)[:2] == ["姓名", "社区"]
    page.locator("summary").get_by_text("列", exact=True).click()
    # By keyboard: the second column one place up, twice, and the server isn't asked meanwhile.
    page.get_by_role("checkbox", name="职务").uncheck()
    page.get_by_role("button", name="社区 上移", exact=True).press("Enter")
    page.keyboard.press("Enter")
    # By mouse: the end of the term before everything.
    row = page.locator("[data-sorts] li")
    row.filter(has_text="离任日期").drag_to(row.first, target_position={"x": 40, "y": 2})
    page.get_by_role("button", name="确定", exact=True).click()
    expect(page.locator("th[scope=col]").nth(0)).to_contain_text("离任日期")
    assert heads(page)[:3] == ["离任日期", "社区", "姓名"]
    # A filter of two values, one of which is looked up; then the search keeps them.
    page.locator(".filters > summary").click()
    page.get_by_role("group", name="性别").get_by_role("checkbox", name="男").check()
    page.get_by_role("group", name="性别").get_by_role("checkbox", name="女").check()
    page.get_by_role("combobox", name="任职日期：时间段").select_option("今年")
    page.get_by_role("button", name="查询").click()
    expect(page.locator(".chip.on", has_text="性别：男、女")).to_be_visible()
    expect(page.locator(".chip.on", has_text="任职日期：今年")).to_be_visible()
    # Kept under a name, and opened again from the menu of views.
    page.locator(".views > summary").click()
    page.get_by_role("textbox", name="将当前列表另存为视图").fill("今年到任")
    page.get_by_role("button", name="保存视图").click()
    expect(page.get_by_text("视图“今年到任”已保存。")).to_be_visible()
    page.goto("/admin/liaison/?view=none")
    assert heads(page)[0] == "姓名"
    page.locator(".views > summary").click()
    page.get_by_role("link", name="今年到任").click()
    expect(page.locator(".views > summary")).to_contain_text("今年到任")
    assert heads(page)[:3] == ["离任日期", "社区", "姓名"]
    assert not scrolls_sideways(page)
    # A width by keyboard and one by mouse stand in the address, and the focus stays on the header.
    page.locator("th[data-column=name] a").focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile("widths=name-"))
    expect(page.locator("th[data-column=name] a")).to_be_focused()
    edge = page.locator("th[data-column=community] .size").bounding_box()
    assert edge is not None
    page.mouse.move(edge["x"] + 4, edge["y"] + 8)
    page.mouse.down()
    page.mouse.move(edge["x"] + 64, edge["y"] + 8, steps=3)
    page.mouse.up()
    expect(page).to_have_url(re.compile("community-"))
    assert page.locator("th[data-column=community]").get_attribute("width") is not None
    expect(page.locator(".views > summary")).to_contain_text("今年到任")
