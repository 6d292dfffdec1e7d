"""The page of a batch says what became of the import: rows that failed, people who left, officers not assigned."""

from __future__ import annotations

import html
import re

import pytest

from tests.factories import Stage
from tests.workbooks import Office, table

LABELS = ("社区", "姓名", "手机", "联居队员")
ROSTER = table(
    LABELS,
    ("东栅社区", "李四", "13805730001", "无此人"),
    ("西马桥社区", "王五", "1380573", None),
)


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def result(office: Office, person: str = "office") -> str:
    answer = office.stage.browse(person).get(f"/admin/importbatch/details/?id={office.ran[-1]}")
    assert answer.status_code == 200
    return answer.text


def cards(page: str) -> dict[str, str]:
    """The tables of the page by their headings."""
    return dict(re.findall(r"<h2>([^<]+)<span class=\"count\">(.*?)</section>", page, re.DOTALL))


@pytest.mark.database
def test_it_names_failed_rows_people_who_left_and_officers_not_assigned(office: Office) -> None:
    office.run("liaison", ROSTER, good_rows=True)
    found = cards(result(office))
    assert "手机应为 11 位" in found["未导入的行"]
    left = office.stage.inside["liaison"]
    assert f'href="/admin/liaison/details/?id={left}"' in found["已离任人员"]
    assert "胡秀珍" in found["已离任人员"]
    assert "联居队员“无此人”未登记派驻" in found["说明"]
    assert "/admin/importbatch/undo/" in result(office)


def test_the_list_behind_it_shows_the_failed_rows_alone(office: Office) -> None:
    office.run("liaison", ROSTER, good_rows=True)
    link = re.search(r'href="([^"]+)"', cards(result(office))["未导入的行"])
    assert link is not None
    page = office.stage.browse("office").get(html.unescape(link[1])).text
    assert "手机应为 11 位" in page
    assert "未登记派驻" not in page


def test_a_last_day_and_a_service_that_ended_are_told_too(office: Office) -> None:
    leaving = table(("社区", "姓名", "离任时间"), ("东栅社区", "胡秀珍", "2026-06-30"))
    office.run("liaison", leaving, confirmed=frozenset({"2"}))
    assert "胡秀珍" in cards(result(office))["已离任人员"]
    office.stage.add("officer", name="王退休", badge_no="B77")
    office.run("officer", table(("姓名", "执法证号", "在岗"), ("王退休", "B77", "否")))
    assert "王退休" in cards(result(office))["已离任人员"]
    other = table(("社区", "姓名", "备注"), ("西马桥社区", "马晓燕", "新备注"))
    office.run("liaison", other)
    assert "已离任人员" not in cards(result(office))


@pytest.mark.parametrize("person", ["viewer", "officer", "liaison"])
def test_whoever_imports_nothing_sees_no_result(office: Office, person: str) -> None:
    office.run("liaison", ROSTER, good_rows=True)
    address = f"/admin/importbatch/details/?id={office.ran[-1]}"
    assert office.stage.browse(person).get(address).status_code == 403
