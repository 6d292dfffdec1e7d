"""What a file says: its header, its rows, its cells, whatever an office does around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from panel.errors import UserError
from tests.factories import Stage
from tests.workbooks import ROSTER, Office, Page, counts, errors, outcomes, roster, sentences, table, workbook

ROW = ("城东街道", "东栅社区", "李四", "13811112222", "2026-08-01")


@pytest.fixture
def office(standing: Stage) -> Office:
    """Plans only: nothing here is written."""
    return Office(standing)


def unusable(office: Office, name: str, data: bytes) -> str:
    with pytest.raises(UserError) as problem:
        office.plan(name, data)
    return sentences([problem.value.message])[0]


@pytest.mark.parametrize(
    "labels",
    [
        ROSTER,
        ("所属街道", "社区名称", "联络员姓名", "手机号码", "任职时间"),
        ("街道名称", "所属社区", "社区联络员姓名", "联系电话", "开始日期"),
        ("Street", "Community", "Person's name", "Mobile", "Start of term"),
        ("街 道", "社\n区", "＊姓名", "手机（必填）", "【起始时间】"),
        ("street", "community", "name", "mobile", "start_on"),
    ],
    ids=lambda labels: labels[2].strip(),
)
def test_any_label_of_a_column_is_understood(office: Office, labels: Sequence[str]) -> None:
    made = office.plan("liaison", table(labels, ROW))
    (row,) = made.rows
    assert not errors(made)
    assert (row.values["name"], row.values["mobile"], str(row.values["start_on"])) == (
        "李四",
        "13811112222",
        "2026-08-01",
    )
    assert row.values["community_id"] == office.stage.inside["community"]
    assert made.ignored_columns == []


def test_columns_in_any_order_and_between_others(office: Office) -> None:
    made = office.plan("liaison", table(("序号", "姓名", "微信", "社区"), (1, "李四", "lisi", "东栅社区")))
    assert counts(made) == {"new": 1}
    assert made.ignored_columns == ["序号", "微信"]


def test_a_header_of_two_rows(office: Office) -> None:
    data = table(
        ("社区联络员花名册",),
        ("序号", "街道", "社区", "联络员", None, "备注"),
        (None, None, None, "姓名", "手机", None),
        (1, "城东街道", "东栅社区", "李四", "13811112222", "新任"),
        merged=("A1:F1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "F2:F3"),
    )
    (row,) = office.plan("liaison", data).rows
    assert (row.number, row.values["name"], row.values["mobile"], row.values["note"]) == (
        4,
        "李四",
        "13811112222",
        "新任",
    )


def test_what_is_printed_around_the_rows_is_no_data(office: Office) -> None:
    data = table(
        ("社区联络员花名册",),
        ("填报单位：综合行政执法局", None, None, None, "2026年5月6日"),
        (),
        ROSTER,
        ROW,
        (),
        ("社区联络员花名册",),
        ROSTER,
        ("城西街道", "西马桥社区", "王五", "13811113333", "2026-08-01"),
        ("合计", None, "2人"),
        ("注：如有变动，请及时上报。",),
        ("填表人：张三", None, "审核人：李四", None, "负责人（签字）："),
    )
    made = office.plan("liaison", data)
    assert outcomes(made) == {5: "new", 9: "new"}
    assert not errors(made)


def test_a_merged_cell_stands_for_each_of_its_rows(office: Office) -> None:
    data = table(
        ("街道", "名称", "户数"),
        ("城东街道", "甲社区", 1),
        (None, "乙社区", 2),
        (None, None, None),
        ("城西街道", "甲社区", 3),
        merged=("A2:A4",),
    )
    made = office.plan("community", data)
    assert outcomes(made) == {2: "new", 3: "new", 5: "new"}
    streets = [row.values["street_id"] for row in made.rows]
    assert streets == [office.stage.inside["street"], office.stage.inside["street"], office.stage.outside["street"]]


def test_a_numbered_line_without_anything_else_is_no_row(office: Office) -> None:
    data = table(("序号", *ROSTER), (1, *ROW), (2, None, None), (3, None, None), merged=("B2:B4",))
    assert outcomes(office.plan("liaison", data)) == {2: "new"}


def test_a_sheet_may_be_called_like_the_street_of_its_rows(office: Office) -> None:
    data = workbook(
        {
            "城东街道": Page([("名称", "户数"), ("甲社区", 5)]),
            "城西街道": Page([("户数", "名称"), (6, "甲社区")]),
        }
    )
    made = office.plan("community", data)
    assert counts(made) == {"new": 2}
    streets = [row.values["street_id"] for row in made.rows]
    assert streets == [office.stage.inside["street"], office.stage.outside["street"]]


def test_every_sheet_counts_and_those_that_cannot_be_read_are_named(office: Office) -> None:
    data = workbook(
        {
            "一": Page([ROSTER, ROW]),
            "二": Page([("社区", "姓名"), ("西马桥社区", "王五")]),
            "空": Page([]),
            "说明": Page([("本表由各社区填写",)]),
            "缺": Page([("社区", "手机"), ("东栅社区", "13811112222")]),
            "旧": Page([ROSTER, ROW], hidden=True),
        }
    )
    made = office.plan("liaison", data)
    assert [(row.sheet, row.number) for row in made.rows] == [("一", 2), ("二", 2)]
    assert made.skipped_sheets == ["旧", "说明", "缺"]
    assert sentences(made.warnings) == ["Sheet “缺” is not read: it has no column 姓名."]


def test_a_missing_required_column_is_said_before_any_row(office: Office) -> None:
    assert "no column 姓名" in unusable(office, "liaison", table(("社区", "手机"), ("没有的社区", "1")))
    assert "no column 街道" in unusable(office, "community", table(("名称", "户数"), ("甲社区", 1)))
    said = unusable(office, "checklistitem", table(("编码", "类别"), ("ZF03", "养殖")))
    assert all(label in said for label in ("名称", "清单", "时限"))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (table(), "empty"),
        (table((None, " "), ()), "empty"),
        (table(ROSTER), "no row of data"),
        (table(ROSTER, ("合计",)), "no row of data"),
        (table(("一些文字",), (1, 2, 3)), "no header was found"),
        (table(("日期", "天气"), ("2026-07-15", "晴")), "no header was found"),
    ],
)
def test_a_file_without_rows_of_this_table_is_one_sentence(office: Office, data: bytes, sentence: str) -> None:
    assert sentence in unusable(office, "liaison", data)


def test_a_table_of_another_kind_says_what_is_missing(office: Office) -> None:
    communities = table(("所属街道", "社区名称", "户数"), ("城东街道", "东栅社区", 5))
    assert "no column 姓名" in unusable(office, "liaison", communities)


def test_dirty_cells_are_read(office: Office) -> None:
    data = roster(
        ("城东街道\u3000", "\u00a0东栅社区 ", "李  四", "138 1111-2222", "2026.8.1"),
        ("城西街道", "西马桥", "\u3000王五\u00a0", 13811113333.0, 46235),
    )
    made = office.plan("liaison", data)
    assert not errors(made)
    assert [row.values["name"] for row in made.rows] == ["李四", "王五"]
    assert [row.values["mobile"] for row in made.rows] == ["13811112222", "13811113333"]
    assert {str(row.values["start_on"]) for row in made.rows} == {"2026-08-01"}


def test_every_fault_of_a_row_is_told_at_once_at_its_cell(office: Office) -> None:
    data = table(("社区", "姓名", "性别", "手机", "起始时间"), ("没有的社区", None, "男生", "1380573", "2026年13月1日"))
    made = office.plan("liaison", data)
    assert [(row, column) for row, column, _message in errors(made)] == [
        (2, "性别"),
        (2, "手机"),
        (2, "起始时间"),
        (2, "社区"),
        (2, "姓名"),
    ]
    assert {error.index for error in made.rows[0].errors} == {0, 1, 2, 3, 4}


def test_a_row_has_the_number_that_excel_shows(office: Office) -> None:
    data = table((), (), ("花名册",), ROSTER, (), ROW)
    assert outcomes(office.plan("liaison", data)) == {6: "new"}


def test_words_to_be_read_in_place_of_others(office: Office) -> None:
    """What a suggestion that was accepted does."""
    data = roster(("城西街道", "西马乔社区", "李四", None, None))
    (error,) = office.plan("liaison", data).rows[0].errors
    assert (error.column, error.suggestion) == ("社区", "西马桥社区")
    again = office.plan("liaison", data, replace={"community": {error.value: error.suggestion}})
    assert counts(again) == {"new": 1}
    assert again.rows[0].values["community_id"] == office.stage.outside["community"]


@pytest.mark.parametrize("text", ["<b>", "{n}", "%s", "'; DROP TABLE liaison; --", "&amp;", "a\\b", "🐔"])
def test_strange_text_is_text(office: Office, text: Any) -> None:
    made = office.plan("liaison", table(("社区", "姓名", "备注"), ("东栅社区", text, text), (text, "王五", text)))
    assert (made.rows[0].values["name"], made.rows[0].values["note"]) == (text, text)
    assert errors(made) == [(3, "社区", f"There is no Community “{text}”.")]
