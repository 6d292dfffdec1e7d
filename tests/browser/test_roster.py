"""The office brings its communities and its roster in: preview, failed rows corrected in their workbook, and again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import models
from panel.config import Config
from seed import reference
from tests import factories
from tests.browser.conftest import Site, Visit, filled

pytestmark = pytest.mark.browser

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


@pytest.fixture(scope="session")
def content(plain_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty panel, as it is on the first day: the reference data and an account."""

    def fill(session: Session, panel: Any) -> None:
        reference.load(session)
        factories.account(session, panel, "office", "office")

    return filled(plain_config, tmp_path_factory.mktemp("first-day"), fill)


def count(site: Site, model: type[Any]) -> int:
    with site.session() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def upload(page: Page, table: str, file: Path) -> None:
    page.goto(f"/admin/{table}/import/")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".drop-file")).to_contain_text(file.name)
    page.get_by_role("button", name="读取并预览").click()
    page.wait_for_url("**/import/preview/**")


def chip(page: Page, name: str) -> Locator:
    return page.locator(".chips").get_by_role("link", name=name)


def corrected(file: Path) -> Path:
    """The workbook of failed rows after somebody has put right what its last column complains of."""
    book = load_workbook(file)
    sheet = book.worksheets[0]
    rows = list(sheet.iter_rows())
    header = next(row for row in rows if "手机" in [cell.value for cell in row])
    column = {cell.value: cell.column - 1 for cell in header}
    reasons = []
    for row in rows[header[0].row :]:
        reasons.append(str(row[column["失败原因"]].value))
        if row[column["手机"]].value == "1380573":
            row[column["手机"]].value = "13805731234"
        if row[column["社区"]].value == "北板乔社区":
            row[column["社区"]].value = "北板桥社区"
    assert ["手机" in reason for reason in reasons] == [True, False]
    assert ["社区" in reason for reason in reasons] == [False, True]
    book.save(file)
    return file


def test_communities_and_roster_come_in(visit: Visit, site: Site, tmp_path: Path) -> None:
    page = visit("office")
    upload(page, "community", SAMPLES / "communities.xls")
    page.get_by_role("link", name="一并新增").click()
    expect(chip(page, "新增")).to_contain_text("15")
    assert count(site, models.Community) == 0
    page.get_by_role("button", name="导入 15 行").click()
    page.wait_for_url("**/importbatch/**")
    assert (count(site, models.Community), count(site, models.Street), count(site, models.Squad)) == (15, 3, 2)

    upload(page, "liaison", SAMPLES / "liaison-roster.xlsx")
    expect(chip(page, "新增")).to_contain_text("13")
    expect(chip(page, "失败")).to_contain_text("2")
    chip(page, "失败").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("td.bad")).to_have_text(["1380573", "北板乔社区"])
    with page.expect_download() as download:
        page.get_by_role("link", name="下载失败行").click()
    assert download.value.suggested_filename == "liaison-roster失败行.xlsx"
    failed = tmp_path / "failed.xlsx"
    download.value.save_as(failed)
    assert count(site, models.Liaison) == 0
    page.get_by_role("button", name="导入 13 行，跳过 2 行").click()
    page.wait_for_url("**/importbatch/**")
    assert count(site, models.Liaison) == 13

    upload(page, "liaison", corrected(failed))
    expect(chip(page, "新增")).to_contain_text("2")
    page.get_by_role("button", name="导入 2 行").click()
    page.wait_for_url("**/importbatch/**")
    assert count(site, models.Liaison) == 15
    page.get_by_role("link", name="查看列表").click()
    page.wait_for_url("**/admin/liaison/")
    expect(page.locator("tbody tr")).to_have_count(15)
    end_the_rest(page, site, corrected(failed))


def end_the_rest(page: Page, site: Site, roster: Path) -> None:
    """Whoever is in office and not on the roster is chosen by one tick, and leaves by one button."""
    page.goto("/admin/liaison/compare/")
    page.locator("input[type=file]").set_input_files(roster)
    page.locator("main form button").last.click()
    page.wait_for_url("**/compare/result/**")
    leaving = page.locator('input[name="left"]').count()
    assert leaving > 1
    page.get_by_label("全选").check()
    expect(page.locator('input[name="left"]:checked')).to_have_count(leaving)
    page.get_by_role("button", name="将选中的人员设为离任").click()
    page.wait_for_url("**/admin/liaison/**")
    with site.session() as session:
        ended = select(func.count()).where(models.Liaison.end_on.is_not(None))
        assert session.execute(ended).scalar_one() == leaving


def test_what_a_file_lacks_is_told_before_anything_is_read(visit: Visit) -> None:
    page = visit("office", at="/admin/liaison/import/")
    page.get_by_role("button", name="读取并预览").click()
    expect(page.get_by_role("alert")).to_be_visible()
    text = {"name": "联络员.txt", "mimeType": "text/plain", "buffer": "姓名".encode()}
    page.locator("input[type=file]").set_input_files(text)
    expect(page.locator(".drop-file")).to_contain_text(".xlsx")
    page.get_by_role("button", name="读取并预览").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_preview_that_is_suggested_a_name_takes_it(visit: Visit, site: Site) -> None:
    """A misspelt community is corrected by a link in the preview, without touching the file."""
    page = visit("office")
    upload(page, "community", SAMPLES / "communities.xls")
    page.get_by_role("link", name="一并新增").click()
    page.get_by_role("button", name="导入 15 行").click()
    page.wait_for_url("**/importbatch/**")
    upload(page, "liaison", SAMPLES / "liaison-roster.xlsx")
    page.get_by_role("link", name="北板桥社区").click()
    expect(chip(page, "失败")).to_contain_text("1")
    expect(chip(page, "新增")).to_contain_text("14")
    assert count(site, models.Liaison) == 0
