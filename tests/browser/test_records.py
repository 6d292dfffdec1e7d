"""A record's life on screen: added with look-ups, changed, searched for, deleted after a question."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

import models
from tests.browser.conftest import Site, Visit, choose, scrolls_sideways

pytestmark = pytest.mark.browser


def count(site: Site, name: str) -> int:
    with site.session() as session:
        statement = select(func.count()).select_from(models.Community).where(models.Community.name == name)
        return session.execute(statement).scalar_one()


def add_community(page: Page, name: str) -> None:
    page.goto("/admin/community/")
    page.get_by_role("link", name="新增社区").click()
    page.get_by_role("textbox", name="名称", exact=True).fill(name)
    choose(page, "街道", "hh", "鹤湖街道")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def test_a_record_is_added_changed_and_deleted(visit: Visit, site: Site) -> None:
    page = visit("office")
    add_community(page, "试点社区")
    page.get_by_role("link", name="编辑").click()
    households = page.get_by_role("spinbutton", name="户数")
    households.fill("1234")
    expect(page.locator(".unsaved")).not_to_be_empty()
    choose(page, "分队", "nanhu", "南湖分队")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_role("definition").filter(has_text="1234")).to_be_visible()
    expect(page.get_by_role("link", name="南湖分队")).to_be_visible()
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("试点社")
    expect(page.get_by_role("option", name="试点社区")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("试点社区")
    page.get_by_role("link", name="删除").click()
    expect(page.get_by_text("可在列表的“已删除”中恢复")).to_be_visible()
    assert count(site, "试点社区") == 1
    page.get_by_role("button", name="删除", exact=True).click()
    page.wait_for_url("**/admin/community/")
    assert count(site, "试点社区") == 0


def test_a_look_up_takes_up_what_was_typed_before_its_script(visit: Visit) -> None:
    page = visit("office", early=True)
    held: list[Route] = []

    def with_late_script(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</body>", '<script src="/late.js"></script></body>'))

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/admin/community/new/**", with_late_script)
    page.route("**/late.js", hold)
    page.goto("/admin/community/new/", wait_until="commit")
    page.locator("main").get_by_role("combobox", name="街道").fill("hh")
    assert len(held) == 1
    expect(page.get_by_role("listbox")).to_have_count(0)
    for route in held:
        route.fulfill(body="", content_type="text/javascript")
    page.get_by_role("listbox").get_by_role("option", name="鹤湖街道").click()
    expect(page.locator("main").get_by_role("combobox", name="街道")).to_have_value("鹤湖街道")


def test_ticked_records_are_deleted_after_a_question(visit: Visit, site: Site) -> None:
    page = visit("office")
    for name in ("试点甲社区", "试点乙社区"):
        add_community(page, name)
    page.goto("/admin/community/?q=试点")
    page.get_by_role("checkbox", name="勾选本页全部").check()
    expect(page.locator(".bulk-bar .ticked")).to_contain_text("2")
    page.locator(".bulk-bar").get_by_role("button", name="删除").click()
    expect(page.locator(".ask li")).to_have_count(2)
    page.get_by_role("button", name="删除", exact=True).click()
    expect(page.locator(".empty")).to_be_visible()
    assert count(site, "试点甲社区") == 0


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(visit: Visit) -> None:
    page = visit("office", at="/admin/liaison/new/")
    page.get_by_role("textbox", name="姓名", exact=True).fill("陆小曼")
    page.get_by_role("textbox", name="手机", exact=True).fill("1380000")
    page.get_by_role("button", name="保存", exact=True).click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("手机")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="手机").click()
    mobile = page.get_by_role("textbox", name="手机", exact=True)
    expect(mobile).to_be_focused()
    expect(mobile).to_have_value("1380000")
    expect(page.get_by_role("textbox", name="姓名", exact=True)).to_have_value("陆小曼")


def test_a_lookup_is_worked_by_keyboard_alone(visit: Visit) -> None:
    page = visit("office", at="/admin/community/new/")
    street = page.locator("main").get_by_role("combobox", name="街道")
    street.press_sequentially("jiedao")
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options.first).to_be_visible()
    street.press("ArrowDown")
    street.press("Enter")
    expect(options).to_have_count(0)
    chosen = street.input_value()
    assert chosen.endswith("街道")
    street.press_sequentially("xyz")
    expect(page.get_by_text("没有找到")).to_be_visible()
    street.press("Escape")
    expect(street).to_have_value(chosen)
    # Tab takes the only match, and an unknown text stays where it is, keeps the form from being sent, and is told.
    street.fill(chosen[:-2])
    street.press("Tab")
    expect(street).to_have_value(chosen)
    street.fill("无此街道")
    street.press("Tab")
    expect(street).to_have_value("无此街道")
    expect(page.get_by_text("输入的文字没有对应的唯一记录")).to_be_visible()
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page).to_have_url(re.compile("/new/"))
    expect(street).to_have_value("无此街道")


def test_a_case_is_found_by_the_search_above_every_page(visit: Visit, site: Site) -> None:
    with site.session() as session:
        number = session.execute(select(models.Case.case_no).order_by(models.Case.id).limit(1)).scalar_one()
    page = visit("office")
    page.keyboard.press("/")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)


def test_a_form_is_filled_in_on_a_phone(visit: Visit, site: Site) -> None:
    page = visit("office", phone=True)
    add_community(page, "掌上社区")
    assert not scrolls_sideways(page)
    assert count(site, "掌上社区") == 1
