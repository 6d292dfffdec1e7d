"""From an empty system to a roster: streets, communities, officers and liaisons in four files, corrected in the
preview, without a command and in few clicks."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

import models
from tests.browser.clerk import Clerk
from tests.browser.conftest import Site, Visit
from tests.browser.test_roster import content, count
from tests.workbooks import table

__all__ = ["content"]

pytestmark = pytest.mark.browser

CLICKS = 40
STREETS = table(("街道名称",), ("城东街道",), ("城西街道",))
COMMUNITIES = table(
    ("街道", "社区名称", "户数", "所属分队"),
    ("城东街道", "东栅社区", "2,130户", "一中队"),
    ("城东街道", "新庄社区", 1800, "一中队"),
    ("城西街道", "西塘社区", "一千多", "二中队"),
)
OFFICERS = table(
    ("姓名", "人员类别", "所属分队", "执法证号", "手机"),
    ("秦岭", "执法队员", "一中队", "NH-001", "13805730011"),
    ("韩江", "协管员", "二中队", "", "1380573"),
)
ROSTER = table(
    ("社区", "姓名", "手机", "联居队员"),
    ("东栅社区", "李新", "13805730021", "秦岭"),
    ("新庄社区", "王二", "13805730022", "秦岭"),
    ("西塘社区", "钱七", "138057300", "韩江"),
    ("桐溪社区", "孙小妹", "13805730024", "赵新来"),
)


def test_an_empty_system_comes_to_its_roster(visit: Visit, site: Site, tmp_path: Path) -> None:
    page = visit("office")
    clerk = Clerk(page, tmp_path)
    page.goto("/admin/liaison/import/")
    expect(page.get_by_role("main")).to_contain_text("请先导入：街道、社区")

    clerk.bring("街道", STREETS)
    clerk.confirm("导入 2 行")

    clerk.bring("社区", COMMUNITIES)
    clerk.click(page.get_by_role("link", name="一并新增"))
    page.get_by_role("textbox", name="户数").fill("1050")
    clerk.button("更正")
    expect(page.get_by_text("预览时已更正：户数。")).to_be_visible()
    clerk.confirm("导入 3 行")

    clerk.bring("执法队员", OFFICERS)
    page.get_by_role("textbox", name="手机").fill("13805730012")
    clerk.button("更正")
    clerk.confirm("导入 2 行")

    clerk.bring("社区联络员", ROSTER)
    clerk.click(page.get_by_label("新增社区“桐溪社区”"))
    clerk.choose("街道", "城西", "城西街道")
    clerk.button("新增勾选的")
    clerk.click(page.get_by_label("新增执法队员“赵新来”"))
    clerk.button("新增勾选的")
    page.get_by_role("textbox", name="手机").fill("13805730023")
    clerk.button("更正")
    clerk.confirm("导入 4 行")

    assert clerk.clicks < CLICKS, clerk.clicks
    wanted = {models.Street: 2, models.Squad: 2, models.Community: 4, models.Officer: 3, models.Liaison: 4}
    assert {model: count(site, model) for model in wanted} == wanted
    assert count(site, models.Assignment) == 4
