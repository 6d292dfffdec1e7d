"""What people do in every story: report, take steps, look at the bell and at their lists."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openpyxl import load_workbook
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from bureau.ledger.rows import COLUMNS, shown
from tests.browser.conftest import choose, scrolls_sideways

NUMBER = re.compile(r"[A-Z]+-\d{4}-\d{6}")
_pictures = count(1)


def look(page: Page, name: str, *, whole: bool = True) -> None:
    """Nothing is wider than the screen; a picture is kept where somebody asks for pictures to look at."""
    assert not scrolls_sideways(page), page.url
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{next(_pictures):03d}-{name}.png", full_page=whole)


def photo(colour: str, name: str) -> dict[str, Any]:
    out = BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def report(page: Page, said: Mapping[str, str], item: str, photos: list[dict[str, Any]], complainant: str) -> str:
    """Reported from the home page in one short form; the number of the case."""
    home(page)
    page.get_by_role("main").get_by_role("link", name="上报案件").click()
    for label, words in said.items():
        page.get_by_role("textbox", name=label).fill(words)
    page.get_by_role("textbox", name="问题描述").press("End")
    page.locator(".pick-item", has_text=item).click()
    page.locator("#f-photos").set_input_files(photos)
    name, phone = complainant.split()
    expect(page.get_by_role("textbox", name="投诉人姓名")).to_be_hidden()
    page.get_by_role("group", name="投诉人").get_by_text("留姓名", exact=True).click()
    page.get_by_role("textbox", name="投诉人姓名").fill(name)
    page.get_by_role("textbox", name="投诉人电话").fill(phone)
    look(page, "report")
    page.get_by_role("button", name="上报案件").click()
    page.wait_for_url("**/admin/case/details/**")
    found = NUMBER.search(page.get_by_role("status").first.inner_text())
    assert found is not None
    stands(page, "已上报")
    for private in (name, phone):
        expect(page.get_by_role("main")).not_to_contain_text(private)
    return found[0]


def stands(page: Page, status: str) -> None:
    """Where the case stands, on its way."""
    expect(page.locator(".way .now b")).to_have_text(status)


def find(page: Page, number: str) -> None:
    """Open the case by its number, as the search above every page does it (test_records types into that)."""
    page.goto(f"/find/?q={number}")
    opened(page, number)


def opened(page: Page, words: str) -> None:
    """Something else has been opened, whose heading says so, and is there to its end."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)
    page.wait_for_load_state()


def home(page: Page) -> None:
    """The home page, where whoever has just come is already."""
    if urlsplit(page.url).path != "/":
        page.goto("/")


def begin(page: Page, step: str) -> None:
    """Open the form of a step from the page of the case; what is done more seldom stands behind 更多."""
    link = page.locator(".acts").get_by_role("link", name=step, exact=True)
    if not link.is_visible():
        page.locator(".acts summary").click()
    link.click()
    opened(page, step)


def finish(page: Page, step: str, status: str) -> None:
    """Take the step, and see where the case stands then."""
    page.locator(".save").get_by_role("button", name=step, exact=True).click()
    page.wait_for_url("**/admin/case/details/**")
    stands(page, status)
    expect(page.locator(".time li").first).to_contain_text(step)
    page.wait_for_load_state()


def take(page: Page, step: str, status: str, **given: str) -> None:
    """A step whose form is filled in by the names of its boxes: text is typed, a choice is picked by what it reads."""
    begin(page, step)
    fill(page, **given)
    look(page, step)
    finish(page, step, status)


def fill(page: Page, **given: str) -> None:
    for name, words in given.items():
        box = page.locator(f"#f-{name}")
        if box.evaluate("one => one.tagName") == "SELECT":
            box.select_option(label=words)
        else:
            box.fill(words)


def dispatch(page: Page, to: str) -> None:
    begin(page, "派遣")
    if page.get_by_role("button", name="清空").is_visible():
        page.get_by_role("button", name="清空").click()
    choose(page, "承办人", to, to)
    look(page, "dispatch")
    finish(page, "派遣", "已派遣")


def told(page: Page, kind: str, number: str) -> None:
    """The bell shows that something has come: the notice is there, and opens the case."""
    home(page)
    page.locator(".unseen").click()
    line = page.locator(".notices li", has_text=number).filter(has_text=kind)
    expect(line).to_have_count(1)
    look(page, "notices", whole=False)
    line.get_by_role("button", name=number).click()
    opened(page, number)


def tile(page: Page, label: str) -> int:
    """The number on a tile of the home page."""
    home(page)
    return int(page.locator(".tiles a", has_text=label).locator("b").inner_text().replace(",", ""))


def part(page: Page, table: str) -> None:
    """Open the part of the case page with these records, if it has any."""
    tab = page.locator(".part-links").get_by_role("link", name=re.compile(f"^{table}"))
    if tab.count():
        tab.click()


def add(page: Page, table: str, title: str = "") -> None:
    """Begin a record that belongs to the case; a table without any stands in the line of empty ones. `title` is that of
    the form, where it isn't the usual one."""
    part(page, table)
    there = page.locator("section", has=page.get_by_role("heading", name=re.compile(f"^{table}")))
    empty = page.locator(".blanks > span", has_text=re.compile(f"^{table}"))
    there.or_(empty).get_by_role("link", name="新增").click()
    opened(page, title or table)


def save(page: Page, label: str = "保存") -> None:
    """Send the form, and wait for what it leads to."""
    with page.expect_navigation():
        page.locator(".save").get_by_role("button", name=label, exact=True).click()


def fact(page: Page, label: str) -> Locator:
    """A value on the page of a record, by its label."""
    return page.locator("dt", has_text=re.compile(f"^{re.escape(label)}$")).locator("xpath=following-sibling::dd[1]")


def ledger_row(page: Page, number: str, month: str, basis: str, folder: Path) -> dict[str, str]:
    """The case's row in a month's ledger as the office downloads it, as printed; the page shows the case too."""
    page.goto("/ledgers")
    page.get_by_label("月份").select_option(month)
    page.get_by_label("口径").select_option(label=basis)
    page.get_by_role("button", name="查询").click()
    page.wait_for_url(f"**month={month}**")
    expect(page.get_by_role("main")).to_contain_text(number)
    look(page, "ledger")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载", exact=True).first.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    rows = load_workbook(file).worksheets[0].iter_rows(min_row=4, values_only=True)
    return next(dict(zip(COLUMNS, map(shown, row), strict=False)) for row in rows if row[1] == number)


def register_row(page: Page, register: str, month: str, words: str) -> dict[str, str]:
    """The row of a register that speaks of this, by the labels of its columns."""
    page.goto("/registers")
    page.locator(".chips").get_by_role("link", name=register).click()
    for label in ("起始月份", "截止月份"):
        page.get_by_label(label).select_option(month)
    page.get_by_role("button", name="查询").click()
    page.wait_for_url(f"**month={month}**")
    look(page, register)
    row = page.locator("tbody tr", has_text=words)
    expect(row).to_have_count(1)
    labels = page.locator("thead th").all_inner_texts()
    return dict(zip(map(str.strip, labels), map(str.strip, row.locator("td").all_inner_texts()), strict=True))
