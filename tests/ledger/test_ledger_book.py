"""The monthly ledger as a workbook, opened by openpyxl as anybody's program would."""

from __future__ import annotations

import html
import zipfile
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

import models
from bureau.cases.ledger_import import LedgerRules
from bureau.ledger.rows import COLUMNS
from bureau.ledger.web import files, totals_sheet, workbook
from bureau.printing import paper
from bureau.settings import settings
from models import Basis, Case
from panel.imports.layout import data_rows, headers, meanings, samples
from panel.imports.layout.vocabulary import known_labels
from panel.sheets import Line, Sheet
from tests.conftest import clock
from tests.factories import Stage
from tests.ledgers import MAY, Course, local, make

TITLE = "南湖区综合行政执法局“综合执法+社区服务管理”案件台账（2026年5月）"


def content(stage: Stage, basis: Basis = Basis.ACCEPTED) -> bytes:
    with stage.session() as session:
        return files.make(session, files.checked_params(session, MAY, basis, None)).content


@pytest.fixture(scope="module")
def written(growing: Stage) -> bytes:
    """Four cases, one of them carried over, in two communities."""
    with clock():
        return _written(growing)


def _written(growing: Stage) -> bytes:
    with growing.session() as session:
        settings.put(session, "unit_name", "南湖区综合行政执法局")
        settings.put(session, "ledger_maker", "周敏")
        settings.put(session, "ledger_head", "何建国")
        department = growing.inside["department"]
    make(growing, Course("04-20 09:00", [("handle", "05-02 09:00"), ("close", "05-03 09:00")]))
    referred = make(growing, Course("05-04 09:30", [("handle", "05-06 10:00"), ("close", "05-07 16:45")]))
    make(growing, Course("05-05 09:30", values={"description": "=1+1", "place": "+8613712345678"}))
    make(growing, Course("05-06 09:30", [("mediate", "05-07 09:00")], side="outside"))
    with growing.session() as session:
        session.add(models.Referral(case_id=referred, department_id=department, sent_at=local("05-05 09:00")))
    return content(growing)


@pytest.fixture
def book(written: bytes) -> Any:
    return load_workbook(BytesIO(written))


@pytest.fixture
def sheet(book: Any) -> Any:
    return book[workbook.SHEET]


def values(row: Any) -> list[Any]:
    return [cell.value for cell in row]


def row_of(sheet: Any, first: str) -> int:
    """The number of the row that begins with these words."""
    return next(row[0].row for row in sheet.iter_rows() if str(row[0].value or "").startswith(first))


def test_there_are_three_sheets(book: Any) -> None:
    assert book.sheetnames == ["案件台账", "统计汇总", "分社区"]


def test_the_title_is_merged_over_all_columns(sheet: Any) -> None:
    assert sheet["A1"].value == TITLE
    assert "A1:V1" in {str(area) for area in sheet.merged_cells.ranges}


def test_row_2_tells_unit_period_and_day(sheet: Any) -> None:
    assert [value for value in values(sheet[2]) if value] == [
        "制表单位：南湖区综合行政执法局",
        "统计周期：2026年5月1日至5月31日（按受理时间）",
        "制表日期：2026年7月15日",
    ]


def test_row_3_is_the_header(sheet: Any) -> None:
    assert values(sheet[3]) == list(COLUMNS)


def test_the_rows_follow(sheet: Any) -> None:
    assert [sheet.cell(row, 1).value for row in range(4, 8)] == [1, 2, 3, 4]
    assert sheet["A8"].value == "合计"
    assert sheet["V4"].value == "上月结转"


def test_totals_equal_the_rows(sheet: Any) -> None:
    total = values(sheet[8])
    pairs = dict(zip(total[1::2], total[2::2], strict=False))
    assert {label: n for label, n in pairs.items() if label} == {
        "受理": 3,
        "应结": 3,
        "结案": 2,
        "按期": 1,
        "移送": 1,
        "调解": 1,
        "未结": 2,
        "上月结转": 1,
    }


def test_signatures_stand_last(sheet: Any) -> None:
    assert [value for value in values(sheet[sheet.max_row]) if value] == [
        "制表人：周敏",
        "审核人：",
        "负责人（签字）：何建国",
    ]


def test_dates_are_dates_and_text_is_text(sheet: Any) -> None:
    for column in "CQRT":
        assert isinstance(sheet[f"{column}4"].value, datetime) or sheet[f"{column}4"].value is None
    assert sheet["C5"].value == datetime(2026, 5, 4, 9, 30)  # noqa: DTZ001 - Excel knows no zones
    assert sheet["C5"].number_format == "yyyy-mm-dd hh:mm"
    assert (sheet["B5"].data_type, sheet["B5"].number_format) == ("s", "@")


def test_nothing_is_a_formula(book: Any, sheet: Any) -> None:
    assert [c for s in book for row in s.iter_rows() for c in row if c.data_type == "f"] == []
    row = next(row for row in sheet.iter_rows(min_row=4) if row[9].value == "=1+1")
    assert (row[9].data_type, row[6].data_type, row[6].value) == ("s", "s", "+8613712345678")


def test_what_is_empty_stays_empty(sheet: Any) -> None:
    assert [c.coordinate for row in sheet.iter_rows() for c in row if c.value in ("", "—", "None", "-")] == []


@pytest.mark.parametrize(("name", "rows"), [("案件台账", 3), ("统计汇总", 4), ("分社区", 3)])
def test_it_is_set_up_for_printing(book: Any, name: str, rows: int) -> None:
    sheet = book[name]
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (int(sheet.page_setup.fitToWidth), int(sheet.page_setup.fitToHeight)) == (1, 0)
    assert sheet.print_title_rows == f"$1:${rows}"
    assert sheet.freeze_panes == f"A{rows + 1}"
    assert sheet.oddFooter.center.text == "第 &P 页/共 &N 页"


def test_every_cell_of_the_table_has_a_border_and_room(sheet: Any) -> None:
    for row in sheet.iter_rows(min_row=3, max_row=8):
        assert all(cell.border.left.style == cell.border.bottom.style == "thin" for cell in row)
        assert all(cell.alignment.wrap_text for cell in row if row[0].row < 8)
    assert all(sheet.column_dimensions[column].width > 3 for column in "ABCDEFGHIJKLMNOPQRSTUV")
    assert sheet.row_dimensions[4].height > 12


def test_long_text_makes_the_row_higher(growing: Stage) -> None:
    with growing.session() as session:
        heading = paper.Heading("题", "局", "期", MAY.start.date(), ("", "", ""))
        (row, *_rest) = files.ledger.rows(session, MAY, Basis.ACCEPTED)
        target = BytesIO()
        row.description = "长" * 300
        workbook.write(target, heading, [row])
    sheet = load_workbook(target)[workbook.SHEET]
    assert 300 < sheet.row_dimensions[4].height <= 409


def test_the_summary_counts_communities_by_items(book: Any) -> None:
    sheet = book["统计汇总"]
    table = [values(row) for row in sheet.iter_rows(min_row=3)]
    assert table[0] == ["序号", "街道", "社区", "执法清单", None, "合计"]
    assert table[1] == [None, None, None, "饲养家禽", "小计", None]
    assert sorted(row[1:] for row in table[2:4]) == [
        ["城东街道", "东栅社区", 3, 3, 3],
        ["城西街道", "西马桥社区", 1, 1, 1],
    ]
    assert table[4] == ["合计", None, None, 4, 4, 4]


def test_the_summary_has_a_native_chart_of_the_lists(written: bytes, book: Any) -> None:
    (chart,) = book["统计汇总"]._charts
    assert (type(chart).__name__, chart.grouping) == ("BarChart", "stacked")
    (series,) = chart.series
    assert series.val.numRef.f == "'统计汇总'!$E$5:$E$6"
    assert series.cat.numRef.f == "'统计汇总'!$C$5:$C$6"
    assert series.tx.v == "执法清单"
    text = "".join(_parts(written))
    assert "各社区案件数（按清单）" in text


def test_a_chart_without_room_below_its_table_has_a_sheet_of_its_own(
    written: bytes, growing: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals_sheet, "PAGE", 200)
    with clock():
        book = load_workbook(BytesIO(content(growing)))
    assert book.sheetnames == ["案件台账", "统计汇总", "统计图", "分社区"]
    assert not book["统计汇总"]._charts
    (chart,) = book["统计图"]._charts
    assert chart.series[0].val.numRef.f.startswith("'统计汇总'!")


def test_each_community_has_its_figures(book: Any) -> None:
    sheet = book["分社区"]
    header = values(sheet[3])
    lines = {row[2].value or row[0].value: dict(zip(header, values(row), strict=True)) for row in sheet.iter_rows(4)}
    east, west, total = lines["东栅社区"], lines["西马桥社区"], lines["合计"]
    assert [east[k] for k in ("受理", "上月结转", "应结", "结案", "按期", "未结", "移送")] == [2, 1, 2, 2, 1, 1, 1]
    assert [east["结案率"], east["按期结案率"]] == [0.5, 0.5]
    assert [west["调解"], west["结案"], west["结案率"]] == [1, None, 0]
    assert [total["受理"], total["未结"], total["作废并案"]] == [3, 2, 0]
    assert sheet["N4"].number_format == "0.0%"


def test_a_rate_of_nothing_is_no_rate(growing: Stage) -> None:
    with growing.session() as session:
        made = files.make(session, files.checked_params(session, MAY.plus(-24), Basis.CLOSED, None))
    sheet = load_workbook(BytesIO(made.content))["分社区"]
    assert [values(sheet[3])[-1], values(sheet[4])[-1]] == ["按期率", "—"]


def test_both_lists_have_a_subtotal_that_adds_up(growing: Stage) -> None:
    with growing.session() as session:
        heading = paper.Heading("题", "局", "期", MAY.start.date(), ("", "", ""))
        (first, second, *_rest) = files.ledger.rows(session, MAY, Basis.ACCEPTED)
        second.list_kind, second.item = "服务清单", "小区内部乱堆放"
        target = BytesIO()
        workbook.write(target, heading, [first, second, second])
    book = load_workbook(target)
    sheet = book[workbook.SHEET]
    printed = [values(sheet[row]) for row in (7, 8, 9)]
    assert [row[0] for row in printed] == ["执法小计", "服务小计", "合计"]
    numbers = [[n for n in row if isinstance(n, int)][:7] for row in printed]
    assert [sum(pair) for pair in zip(*numbers[:2], strict=True)] == numbers[2]
    header = values(book["统计汇总"][3])
    assert [header[3], header[5]] == ["执法清单", "服务清单"]
    assert values(book["统计汇总"][5])[3:] == [1, 1, 2, 2, 3]
    assert rows_of_import(sheet) == 3


def rows_of_import(sheet: Any) -> int:
    """How many rows of a written ledger an import takes for data."""
    known = known_labels(Case, LedgerRules(Case))
    written = Sheet(sheet.title, [Line(row[0].row, [cell.value for cell in row]) for row in sheet.iter_rows()])
    header = headers.find(written, known)
    assert header is not None
    values_below = samples.below(written.lines[header.first :], len(header.labels))
    meanings.assign(header, known, values_below, {})
    assert header.doubts == []
    return len(data_rows.Reader(written, header, known, ()).read().rows)


def test_a_ledger_of_nothing_is_whole(growing: Stage) -> None:
    with growing.session() as session:
        wanted = files.checked_params(session, MAY.plus(-24), Basis.ACCEPTED, None)
        made = files.make(session, wanted)
    book = load_workbook(BytesIO(made.content))
    assert values(book["案件台账"][3]) == list(COLUMNS)
    assert values(book["案件台账"][4])[:3] == ["合计", "受理", 0]
    assert made.rows == 0
    assert row_of(book["统计汇总"], "合计") == 5


def test_control_characters_do_not_break_the_file(growing: Stage) -> None:
    heading = paper.Heading("题\x01", "局", "期", MAY.start.date(), ("", "", ""))
    target = BytesIO()
    workbook.write(target, heading, [])
    assert load_workbook(target)["案件台账"]["A1"].value == "题"


def test_titles_and_names_come_from_the_settings(growing: Stage) -> None:
    with growing.session() as session:
        settings.put(session, "ledger_title", "联居联勤台账")
        made = files.make(session, files.checked_params(session, MAY, Basis.CLOSED, growing.inside["squad"]))
        settings.put(session, "ledger_title", None)
    assert load_workbook(BytesIO(made.content))["案件台账"]["A1"].value == (
        "南湖区综合行政执法局南湖分队联居联勤台账（2026年5月）"
    )
    assert made.name == "南湖区综合行政执法局南湖分队案件台账2026年5月（按结案）.xlsx"


def test_no_private_value_stands_anywhere_in_the_file(growing: Stage) -> None:
    id_ = make(growing, Course("03-04 09:00"))
    with growing.session() as session:
        session.add(models.CaseParty(case_id=id_, name="司马相如", phone="13912349999", address="某某路 1 号"))
        session.flush()
        made = files.make(session, files.checked_params(session, MAY.plus(-2), Basis.ACCEPTED, None))
    text = "".join(_parts(made.content))
    assert "司*" in text
    assert "司马" not in text
    assert "13912349999" not in text


def _parts(content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for name in archive.namelist():
            yield html.unescape(archive.read(name).decode("utf-8", "replace"))
