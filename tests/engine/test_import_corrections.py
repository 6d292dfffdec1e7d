"""Cells that are corrected in the preview are read in place of those in the file."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest

from panel.imports.questions import row_key
from tests.factories import Browser, Stage
from tests.workbooks import Office, errors, outcomes, table

ROSTER = ("街道", "社区", "姓名", "手机")
ROWS = [("城东街道", "东栅社区", "李新", "1380573"), ("城东街道", "东栅社区", "王二", "13805730002")]


@pytest.fixture
def office(standing: Stage) -> Office:
    return Office(standing)


def corrected(office: Office, row: int, **texts: str) -> Any:
    cells = {row_key("Sheet1", row): texts}
    return office.plan("liaison", table(ROSTER, *ROWS), cells=cells)


def test_a_corrected_cell_mends_its_row_and_no_other(office: Office) -> None:
    before = office.plan("liaison", table(ROSTER, *ROWS))
    assert outcomes(before)[2] == "failed"
    made = corrected(office, 2, mobile="13805730001")
    assert outcomes(made)[2] == "new"
    assert made.rows[0].values["mobile"] == "13805730001"
    assert [str(note) for note in made.rows[0].notes if "手机" in str(note)] == ["预览时已更正：手机。"]
    assert made.rows[1].values == before.rows[1].values


def test_what_is_corrected_is_checked_as_a_cell_is(office: Office) -> None:
    assert "手机" in str(errors(corrected(office, 2, mobile="139")))


def test_a_column_that_the_file_lacks_can_be_given(office: Office) -> None:
    made = corrected(office, 2, mobile="13805730001", post="副主任")
    assert made.rows[0].values["post"] == "副主任"
    assert "post" not in made.rows[1].values


def preview(browser: Browser, *rows: tuple[str, ...]) -> str:
    sent = browser.post("/admin/liaison/import/", {"file": (BytesIO(table(ROSTER, *rows)), "来件.xlsx")})
    assert sent.status_code == 302, sent.text
    return browser.get(sent.location).text


def correct(browser: Browser, page: str, **values: str) -> str:
    """Send the controls of a preview as they stand, but for some of them."""
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    given = dict(re.findall(r'name="((?:was\.)?cell\.[^"]+)" value="([^"]*)"', page))
    given |= {f"cell.Sheet1!{key}": value for key, value in values.items()}
    done = browser.post("/admin/liaison/import/correct/", {"token": token, **given})
    assert done.status_code == 302
    return browser.get(done.location).text


def test_a_failed_row_is_mended_on_the_page_and_comes_in(stage: Stage) -> None:
    browser = stage.browse("office")
    page = preview(browser, ROWS[0])
    assert 'name="cell.Sheet1!2.mobile" value="1380573"' in page
    mended = correct(browser, page, **{"2.mobile": "13805730001"})
    assert "预览时已更正：手机。" in mended
    before = stage.count("liaison")
    values = dict(re.findall(r'name="(token|digest)" value="([^"]+)"', mended))
    assert browser.post("/admin/liaison/import/apply/", values).status_code == 302
    assert stage.count("liaison") == before + 1


def test_what_is_left_as_it_stands_corrects_nothing(standing: Stage) -> None:
    browser = standing.browse("office")
    assert "预览时已更正" not in correct(browser, preview(browser, ROWS[0]))


def test_a_reference_is_corrected_by_looking_it_up(standing: Stage) -> None:
    browser = standing.browse("office")
    page = preview(browser, ("城东街道", "没有的社区", "李新", "13805730001"))
    assert 'class="lookup"' in page
    mended = correct(browser, page, **{"2.community": str(standing.inside["community"])})
    assert "预览时已更正：社区。" in mended
    assert 'name="cell.' not in mended


def test_nobody_corrects_what_they_may_not_import(standing: Stage) -> None:
    page = preview(standing.browse("office"), ROWS[0])
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    assert standing.browse("viewer").post("/admin/liaison/import/correct/", {"token": token}).status_code == 403
