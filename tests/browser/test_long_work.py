"""A large file: its progress shows itself, the preview opens by itself, and whoever leaves is told when it is done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site, Visit
from tests.workbooks import table

pytestmark = pytest.mark.browser
ROWS = 2_500


@pytest.fixture
def working(site: Site) -> Iterator[Site]:
    """The site with its worker, as the server starts it."""
    jobs = site.app.extensions["panel"].jobs
    jobs.start()
    yield site
    jobs.stop()


def test_a_large_import_from_upload_to_batch(working: Site, visit: Visit, tmp_path: Path) -> None:
    with working.session() as session:
        import models

        session.add(models.Street(name="新城街道"))
    file = tmp_path / "大名册.xlsx"
    streets = ["新城街道" if i % 50 else "没有街道" for i in range(ROWS)]
    file.write_bytes(table(("街道", "社区名称"), *[(street, f"新社区{i:05}") for i, street in enumerate(streets)]))
    page = visit("office", at="/admin/community/import/")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="读取并预览").click()
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.wait_for_url("**/import/preview/**")
    page.locator(".chips").get_by_role("link", name="失败 50").click()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="只写入正确的行").click()
    expect(page.locator(".chips .on")).to_contain_text("失败")
    page.get_by_role("button", name=re.compile("导入 2,450 行")).click()
    page.wait_for_url("**/jobs/*")
    page.goto("/")
    marker = page.locator(".unseen")
    for _try in range(30):
        if marker.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    marker.click()
    page.get_by_role("link", name="导入 大名册.xlsx").click()
    expect(page.locator(".note.success")).to_be_visible()
    page.get_by_role("link", name="查看结果").click()
    page.wait_for_url("**/importbatch/details/**")
    expect(page.locator("#content")).to_contain_text("2450")
    expect(page.locator(".unseen")).to_have_count(0)
