"""Cells that are corrected in the preview are read in place of those in the file."""

from __future__ import annotations

from typing import Any

import pytest

from panel.imports.questions import row_key
from tests.factories import Stage
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
