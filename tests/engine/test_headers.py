"""Finding the header: under whatever stands above it, in whatever order and dress its labels come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin_app import FEATURES
from bureau.upkeep.imports import keep_days
from panel.fields import fields
from panel.i18n import in_every_locale
from panel.imports.layout import data_rows, headers, meanings, samples
from panel.imports.layout.headers import Header
from panel.imports.layout.labels import ColumnLabels
from panel.imports.layout.vocabulary import known_labels
from panel.imports.rules import importable
from panel.sheets import Line, Sheet
from panel.web import features
from tests.factories import MODELS

REGISTRY = features.registry(FEATURES, keep_days)
IMPORTABLE = [name for name, model in MODELS.items() if importable(model)]
KNOWN: dict[str, ColumnLabels] = {
    name: known_labels(MODELS[name], REGISTRY.rules_of(MODELS[name])) for name in IMPORTABLE
}
LIAISON = KNOWN["liaison"]

TITLES = st.lists(
    st.one_of(
        st.just([]),
        st.just(["社区联络员花名册"]),
        st.just(["填报单位：综合行政执法局", None, None, "填报日期：2026年5月6日"]),
        st.lists(st.one_of(st.none(), st.text(max_size=12), st.integers(), st.dates()), max_size=3),
    ),
    max_size=5,
)


def labels_of(table: str) -> dict[str, list[str]]:
    """Every label that a column of a table is declared with."""
    found = {}
    for f in fields(MODELS[table]):
        own = [*sorted(in_every_locale(f.label)), *f.aliases, f.name]
        prefixed = [f"{prefix}{label}" for prefix in in_every_locale(MODELS[table].__label__) for label in own[:-1]]
        belonging = [f"所属{label}" for label in own[:-1]] if f.reference else []
        found[f.name] = [*own, *[label for label in (*prefixed, *belonging) if KNOWN[table].meaning(label) == f.name]]
    return found


@st.composite
def dressed(draw: st.DrawFn, label: str) -> str:
    """A label as it may stand in a file: with spaces and line breaks between its characters, stars and brackets
    around it, a remark behind, full-width letters."""
    if label.isascii():
        return draw(st.sampled_from([label, label.upper(), f"{label} *", f" {label}\n", f"{label} (required)"]))
    spread = draw(st.sampled_from(["", " ", "\u3000", "\n"])).join(label)
    around = draw(st.sampled_from(["{}", "{}*", "＊{}", "【{}】", "{}：", "{}（必填）", "{}\n(如有)", "\u00a0{} "]))
    return str(around.format(spread))


@st.composite
def sheets(draw: st.DrawFn) -> tuple[str, Sheet, dict[int, str], int]:
    """A sheet with titles above a header in any order: the table, the sheet, what each column means, where."""
    table = draw(st.sampled_from(IMPORTABLE))
    known = labels_of(table)
    names = draw(st.lists(st.sampled_from(sorted(known)), min_size=min(4, len(known)), unique=True))
    row: list[Any] = [draw(dressed(draw(st.sampled_from(known[name])))) for name in names]
    columns = list(names)
    for _number in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(row)))
        row.insert(place, draw(st.sampled_from(["序号", None, "身份证", "微信号"])))
        columns.insert(place, "")
    above = draw(TITLES)
    rows = [*above, row, ["1", *["某"] * (len(row) - 1)]]
    meant = {index: name for index, name in enumerate(columns) if name}
    return table, as_sheet(rows), meant, len(above)


def as_sheet(rows: Sequence[Sequence[Any]]) -> Sheet:
    width = max((len(row) for row in rows), default=0)
    lines = [Line(n, [cell or None for cell in (*row, *[None] * (width - len(row)))]) for n, row in enumerate(rows, 1)]
    return Sheet("Sheet1", lines)


def read(sheet: Sheet, known: ColumnLabels, answers: Mapping[int, str] | None = None) -> Header | None:
    """The header of a sheet with what its columns mean."""
    header = headers.find(sheet, known)
    if header is not None:
        values = samples.below(sheet.lines[header.first :], len(header.labels))
        meanings.assign(header, known, values, answers or {})
    return header


def find(*rows: Sequence[Any], known: ColumnLabels = LIAISON, answers: Mapping[int, str] | None = None) -> Header:
    found = read(as_sheet(rows), known, answers)
    assert found is not None
    return found


def numbers(sheet: Sheet, header: Header, known: ColumnLabels) -> list[int]:
    return [row.number for row in data_rows.Reader(sheet, header, known, ()).read().rows]


def data(header: Header, *rows: Sequence[Any], known: ColumnLabels = LIAISON) -> list[bool]:
    """Whether each of these rows, below the header, is data."""
    sheet = as_sheet(rows)
    found = numbers(sheet, replace(header, first=0), known)
    return [line.number in found for line in sheet.lines]


@settings(max_examples=100)
@given(sheets())
def test_a_header_is_found_in_any_order_and_dress(drawn: tuple[str, Sheet, dict[int, str], int]) -> None:
    table, sheet, meant, place = drawn
    header = read(sheet, KNOWN[table])
    assert header is not None
    assert header.columns == meant
    assert header.rows == [place + 1]
    assert numbers(sheet, header, KNOWN[table]) == [sheet.lines[-1].number]


@settings(max_examples=100)
@given(
    st.sampled_from(IMPORTABLE),
    st.lists(
        st.lists(
            st.one_of(st.none(), st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.dates()),
            max_size=6,
        ),
        max_size=8,
    ),
)
def test_whatever_stands_in_a_sheet_it_has_a_header_or_none(table: str, rows: list[list[Any]]) -> None:
    sheet = as_sheet(rows)
    header = read(sheet, KNOWN[table])
    if header is not None:
        data_rows.Reader(sheet, header, KNOWN[table], ()).read()


@pytest.mark.parametrize("table", IMPORTABLE)
def test_every_declared_label_means_its_own_column(table: str) -> None:
    wrong = {
        label: KNOWN[table].meaning(label)
        for name, labels in labels_of(table).items()
        for label in labels
        if KNOWN[table].meaning(label) != name
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("table", "label", "column"),
    [
        ("street", "街道名称", "name"),
        ("squad", "分队", "name"),
        ("department", "部门", "name"),
        ("community", "社区", "name"),
        ("community", "所属街道", "street"),
        ("community", "所属分队", "squad"),
        ("community", "分队", "squad"),
        ("liaison", "联络员", "name"),
        ("liaison", "联络员姓名", "name"),
        ("liaison", "社区名称", "community"),
        ("liaison", "所属社区", "community"),
        ("liaison", "所在社区", "community"),
        ("liaison", "街道", "community/street"),
        ("liaison", "所属街道", "community/street"),
        ("liaison", "联居队员", "officer"),
        ("liaison", "手机号码", "mobile"),
        ("liaison", "固定电话", "telephone"),
        ("liaison", "任职时间", "start_on"),
        ("officer", "证号", "badge_no"),
        ("officer", "执法证编号", "badge_no"),
        ("officer", "队员姓名", "name"),
        ("checklistitem", "事项编码", "code"),
        ("checklistitem", "事项名称", "name"),
        ("checklistitem", "清单类别", "list_kind"),
        ("case", "上报时间", "reported_at"),
        ("case", "发生时间", "reported_at"),
        ("case", "日期", "reported_at"),
        ("case", "时间", None),
        ("case", "来访日期", "reported_at"),
        ("case", "完成日期", "closed_at"),
        ("case", "承诺完成时间", "due_at"),
        ("case", "位置描述", "place"),
        ("case", "问题描述", "description"),
        ("case", "纠纷简要情况", "description"),
        ("case", "街道", "community/street"),
        ("referral", "案件编号", "case"),
        ("referral", "部门", "department"),
        ("action", "案件编号", "case"),
        ("community", "序号", None),
        ("liaison", "身份证号", None),
        ("liaison", "现联络员", "name"),
        ("liaison", "原联络员", None),
    ],
)
def test_a_label_means_what_the_office_means_by_it(table: str, label: str, column: str | None) -> None:
    assert KNOWN[table].meaning(label) == column


def test_of_two_row_headers_the_lower_label_counts() -> None:
    header = find(
        ["花名册"],
        ["序号", "社区", "联络员", None, None, "备注"],
        [None, None, "姓名", "手机", "微信", None],
        [1, "东塔社区", "张三", "13800000000", "zs", None],
    )
    assert header.columns == {1: "community", 2: "name", 3: "mobile", 5: "note"}
    assert header.labels == ["序号", "社区", "姓名", "手机", "微信", "备注"]
    assert (header.first, header.ignored) == (3, ["序号", "微信"])


def test_a_name_below_the_word_for_an_officer_is_not_read_unasked() -> None:
    header = find(
        ["社区", "联络员", None, "联居队员", None],
        [None, "姓名", "手机", "姓名", "手机"],
        ["东塔社区", "张三", "13800000000", "李四", "13900000000"],
    )
    assert header.columns == {0: "community", 1: "name", 2: "mobile"}
    assert header.unread == {3: "officer"}


def test_the_upper_row_counts_where_the_lower_is_empty() -> None:
    header = find(
        ["街道", "社区", None, "联系方式", None],
        [None, None, "姓名", "手机", "办公电话"],
        ["城东街道", "东塔社区", "张三", "13800000000", None],
    )
    assert header.columns == {0: "community/street", 1: "community", 2: "name", 3: "mobile", 4: "telephone"}


def test_a_header_printed_again_in_one_row_does_not_outweigh_the_two_rows_at_the_top() -> None:
    header = find(
        ["2026年花名册"],
        ["序号", "基本情况", None, "联系方式", None, "备注"],
        [None, "社区", "姓名", "手机", "起始时间", None],
        [1, "东塔社区", "张三", "13800000000", "2026.5.1", None],
        [None, "社区", "姓名", "手机", "起始时间", "备注"],
    )
    assert (header.first, sorted(header.columns)) == (3, [1, 2, 3, 4, 5])


def test_a_first_row_of_data_is_no_second_header() -> None:
    header = find(["社区", "姓名", "职务"], ["东塔社区", "张三", "联络员"], ["东栅社区", "李四", "联络员"])
    assert header.first == 1


def test_the_weightier_label_wins_a_column() -> None:
    """An alias doesn't take the column from its own label further right; the other one is named."""
    header = find(["社区", "姓名", "联系电话", "手机"], ["东塔社区", "张三", "82711111", "13800000000"])
    assert (header.columns[3], header.ignored) == ("mobile", ["联系电话"])


ROSTER = ("序号", "街道", "社区", "姓名", "手机")


@pytest.mark.parametrize(
    "row",
    [
        (),
        ("合计", None, None, "15人"),
        ("合 计", None, None, 15),
        ("小计：", None, 3),
        (None, None, "合计", 15),
        (99, "城东街道", "小计", 15),
        ("注：联络员如有变动，请及时上报。",),
        ("注1、本表一式两份",),
        ("备注：无",),
        ("说明：略",),
        ("填表人：张三", None, None, "审核人：李四"),
        ("制 表 人：", None, None, "负责人（签字）："),
        ("填报日期：2026年5月6日",),
        ("单位（盖章）：",),
        ("示例：1", "城东街道", "东塔社区", "张三"),
        ("Example: 1", "城东街道", "东塔社区", "张三"),
        ROSTER,
        ("序 号", "街　道", "社 区", "姓名*", "手机"),
        ("社区联络员花名册",),
        (12,),
        (12, None, None, None, None, "有备注"),
    ],
    ids=str,
)
def test_what_is_no_data_is_left_out(row: Sequence[Any]) -> None:
    header = find(("社区联络员花名册",), ROSTER)
    assert data(header, row) == [False]


@pytest.mark.parametrize(
    "row",
    [
        (1, "城东街道", "东塔社区", "张三", "13800000000"),
        (None, None, None, "张三", None),
        (1, None, "合作社区", "计三", None),
        (1, None, "东塔社区", "注册", "无"),
    ],
    ids=str,
)
def test_what_is_data_stays(row: Sequence[Any]) -> None:
    assert data(find(ROSTER), row) == [True]


def test_a_text_that_merely_begins_like_a_footer_stays() -> None:
    header = find(["问题描述", "社区", "地点"], known=KNOWN["case"])
    for text in ("累计三次投诉噪声", "总数不清的流动摊点", "负责人拒不整改", "联系人不在家"):
        assert data(header, (text, "东塔社区", "1幢"), known=KNOWN["case"]) == [True]


def test_a_value_that_only_a_merged_cell_gives_makes_no_row() -> None:
    header = find(ROSTER)
    line = Line(9, [12, "城东街道", None, None, None], frozenset({1}))
    assert not numbers(Sheet("Sheet1", [line]), replace(header, first=0), LIAISON)


def test_a_single_column_is_a_table_too() -> None:
    header = find(["街道名称"], known=KNOWN["street"])
    rows = (["城东街道"], ["街道名称"], ["合计"])
    assert data(header, *rows, known=KNOWN["street"]) == [True, False, False]
