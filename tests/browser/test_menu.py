"""Every role logs in and opens whatever its menu offers, on a desk and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, foreign_words, scrolls_sideways
from tests.factories import ROLE_NAMES

pytestmark = pytest.mark.browser


def addresses(page: Page) -> list[str]:
    """Where the side bar leads."""
    return [link.get_attribute("href") or "" for link in page.locator(".side li a").all()]


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_opens_every_entry_of_its_menu(visit: Visit, role: str) -> None:
    page = visit(role)
    offered = addresses(page)
    assert offered
    for address in offered:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(".side a.on")).to_have_count(1)
        assert not scrolls_sideways(page), address
        assert not foreign_words(page), address


#: Pages behind a list, not the files that one takes from it.
BEHIND = re.compile(r"/(details|new|import|export|compare)/$|^/duty/(rota|\d+)$|^/roster")


def further(page: Page) -> list[str]:
    """Where a list leads: its first record, the form for a new one, import, export."""
    links = page.locator(".head a[href], .acts a[href], td.first a")
    found = links.evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    kinds = {path: address for address in reversed(found) if BEHIND.search(path := address.split("?")[0])}
    return list(kinds.values())


def test_the_pages_behind_every_list_are_whole_and_chinese(visit: Visit) -> None:
    """The office: the first record of each list, its forms, import and export. The browser complains of nothing."""
    page, seen = visit("office"), set()
    for address in addresses(page):
        page.goto(address)
        for behind in further(page):
            if behind in seen:
                continue
            seen.add(behind)
            page.goto(behind)
            expect(page.locator("h1")).to_be_visible()
            assert not scrolls_sideways(page), behind
            assert not foreign_words(page), behind
    assert len(seen) > 60


def test_on_a_phone_the_menu_stands_behind_its_button(visit: Visit) -> None:
    page = visit("office", phone=True)
    menu, button = page.locator("#menu"), page.get_by_role("button", name="菜单")
    expect(menu).not_to_be_in_viewport()
    button.click()
    expect(menu).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_in_viewport()
    button.click()
    menu.get_by_role("link", name="案件", exact=False).first.click()
    page.wait_for_url("**/admin/case/")
    expect(menu).not_to_be_in_viewport()


def test_on_a_phone_rows_are_cards_and_acts_stand_at_the_thumb(visit: Visit) -> None:
    page = visit("office", phone=True)
    page.goto("/admin/case/")
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
