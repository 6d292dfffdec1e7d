"""The page of columns: every column of the file by its place, what it may mean, and which rows are read."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import pytest

from panel.web.imports import preview_state
from tests.factories import Browser, Stage, form_values
from tests.workbooks import table

N = None
PEOPLE = ("东栅社区", "王五", "13800001234", "13900001234")
TWO_PHONES = (("社区", "姓名", "联系电话", "联系电话"), PEOPLE)
GROUPS = (
    ("分队", "联居队员", N, "联系社区", "社区联络员", N, N),
    (N, "姓名", "手机", N, "姓名", "职务", "手机"),
    ("南湖分队", "严立群", "13900000001", "东栅社区", "王五", "主任", "13800001234"),
)
POST = "/admin/liaison/import/columns/"


@pytest.fixture
def office(stage: Stage) -> Browser:
    return stage.browse("office")


def send(browser: Browser, *rows: tuple[Any, ...], name: str = "liaison") -> str:
    """Upload a workbook; the address that follows."""
    file = (io.BytesIO(table(*rows)), "名单.xlsx")
    return str(browser.post(f"/admin/{name}/import/", {"file": file}).location)


def opened(browser: Browser, *rows: tuple[Any, ...], name: str = "liaison") -> str:
    """The page of columns of an uploaded workbook, opened by hand if nothing is asked."""
    address = send(browser, *rows, name=name)
    page = browser.get(address).text
    if "/import/columns/" not in address:
        page = browser.get(html.unescape(re.findall(r'href="([^"]*/import/columns/[^"]*)"', page)[0])).text
    return page


def choices(page: str, index: int) -> list[str]:
    control = re.search(rf'<select[^>]*name="column\.{index}".*?</select>', page, re.S)
    assert control is not None
    return re.findall(r'<option value="([^"]*)"', control[0])


def test_a_doubt_opens_the_page_with_a_proposal(office: Browser) -> None:
    address = send(office, *TWO_PHONES)
    assert "/import/columns/" in address
    page = office.get(address).text
    assert "有 1 处需要您确认" in page
    assert len(re.findall(r'<tr class="asked', page)) == 1
    assert all(value in page for value in PEOPLE)
    values = form_values(page)
    assert [values[f"column.{index}"] for index in range(4)] == ["community", "name", "mobile", ""]


def test_an_answer_is_remembered_by_headers_their_order_and_groups(office: Browser) -> None:
    values = form_values(office.get(send(office, *TWO_PHONES)).text)
    sent = office.post(POST, {**values, "column.2": "", "column.3": "mobile"})
    preview = office.get(sent.location).text
    assert "13900001234" in preview
    assert "13800001234" not in preview
    done = dict(re.findall(r'name="(token|digest)" value="([^"]+)"', preview))
    assert office.post("/admin/liaison/import/apply/", done).status_code == 302
    assert "/import/preview/" in send(office, *TWO_PHONES)
    assert "/import/columns/" in send(
        office, ("姓名", "社区", "联系电话", "联系电话"), ("王五", *PEOPLE[:1], *PEOPLE[2:])
    )


def test_every_column_is_listed_with_its_letter_group_and_samples(office: Browser) -> None:
    page = opened(office, *GROUPS)
    rows = re.findall(r'<td class="first">(\w)</td>\s*<th scope="row">(.*?)</th>', page, re.S)
    labels = [(letter, re.sub(r"<[^>]*>", "", label)) for letter, label in rows]
    assert labels == [
        ("A", "分队"), ("B", "联居队员 › 姓名"), ("C", "联居队员 › 手机"), ("D", "联系社区"),
        ("E", "社区联络员 › 姓名"), ("F", "社区联络员 › 职务"), ("G", "社区联络员 › 手机"),
    ]  # fmt: skip
    assert "严立群" in page
    assert "属于“联居队员”" in page
    assert "officer" in choices(page, 1)


def test_two_columns_of_the_same_text_are_two_choices(office: Browser) -> None:
    values = form_values(opened(office, *GROUPS))
    names = [values[f"column.{index}"] for index in range(7)]
    assert names == ["", "", "", "community", "name", "post", "mobile"]
    sent = office.post(POST, {**values, "column.1": "name", "column.2": "mobile", "column.4": "", "column.6": ""})
    preview = office.get(sent.location).text
    assert "严立群" in preview
    assert "王五" not in preview


def test_one_field_for_two_columns_is_refused(office: Browser) -> None:
    values = form_values(opened(office, *GROUPS))
    wrong = office.post(POST, {**values, "column.1": "name"})
    assert wrong.status_code == 422
    assert "只保留一列" in wrong.text or "不能" in wrong.text


def test_a_clear_file_passes_the_page_over_and_it_stays_in_reach(office: Browser) -> None:
    rows = (("社区", "姓名", "手机"), PEOPLE[:3])
    assert "/import/preview/" in send(office, *rows)
    page = opened(office, *rows)
    assert "处需要您确认" not in page
    sent = office.post(POST, form_values(page))
    assert "王五" in office.get(sent.location).text


def test_every_column_that_an_import_takes_is_offered(office: Browser) -> None:
    page = opened(office, ("社区", "诉求事由", "办结时间"), ("东栅社区", "楼道堆物", "2025-05-04"), name="case")
    offered = choices(page, 1)
    assert {"accepted_at", "closed_at", "list_kind", "complainant", "complainant_phone", "community/street"} <= set(
        offered
    )
    assert {"status", "handled_at"}.isdisjoint(offered)


def test_the_row_of_the_header_can_be_chosen(office: Browser) -> None:
    rows = (
        ("社区", "姓名", "手机", "职务"),
        ("小区", "联络人", "电话", "备注"),
        ("东栅社区", "王五", "13800001234", "新"),
    )
    page = opened(office, *rows)
    values = form_values(page)
    assert values["header_row"] == "1"
    sent = office.post(POST, {**values, "header_row": "2", "act": "header"})
    chosen = form_values(office.get(sent.location).text)
    assert chosen["header_row"] == "2"
    assert chosen["column.3"] == "note"


def test_rows_that_are_not_read_are_named_and_can_be_taken_in(office: Browser) -> None:
    rows = (("社区", "姓名", "手机"), PEOPLE[:3], ("合计", "1人", N), ("填表人：张三", N, N))
    preview = office.get(send(office, *rows)).text
    assert "3 行：1 行读取，2 行未读取（3、4：合计、签字）" in preview
    assert "填表人：张三" in preview
    links = [html.unescape(link) for link in re.findall(r'href="([^"]*)">读取此行', preview)]
    assert len(links) == 2
    taken = office.get(links[1]).text
    assert "3 行：2 行读取，1 行未读取（3：合计）" in taken
    assert "不读取" in taken


def test_a_large_file_is_asked_about_before_its_job(office: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_state, "LARGE", 1)
    address = send(office, *TWO_PHONES)
    assert "/import/columns/" in address
    values = form_values(office.get(address).text)
    sent = office.post(POST, {**values, "column.3": ""})
    assert "/jobs/" in office.get(sent.location).location
