"""What a column means: by its label, the labels above it and the columns beside it. What isn't sure is a doubt, never a
silent choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.imports.layout import data_rows, headers, mapping, meanings, samples
from panel.imports.layout.headers import Doubt, Header
from panel.imports.rules import CLOCK
from panel.sheets import Line, Sheet
from tests.engine.test_headers import KNOWN, REGISTRY, as_sheet
from tests.factories import MODELS

N = None
LIAISON = ("东栅社区", "邵翠芳", "13800000001")
Rows = Sequence[Sequence[Any]]


def read(table: str, rows: Rows, answers: dict[int, str] | None = None) -> tuple[Header, Sheet]:
    """The header of rows with everything that is doubted about it."""
    sheet, known = as_sheet(rows), KNOWN[table]
    header = headers.find(sheet, known)
    assert header is not None
    values = samples.below(sheet.lines[header.first :], len(header.labels))
    meanings.assign(header, known, values, answers or {})
    missing = known.required - set(header.columns.values())
    rules = REGISTRY.rules_of(MODELS[table])
    header.doubts += mapping.propose(
        MODELS[table], rules, header, values=values, known=known, answered=answers or {}, missing=sorted(missing)
    )
    return header, sheet


def columns(table: str, *rows: Sequence[Any]) -> dict[str, str]:
    """What each column of a clear file means, by its letter."""
    header, _sheet = read(table, rows)
    assert header.doubts == []
    return {chr(65 + index): name for index, name in header.columns.items()}


def doubts(table: str, *rows: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    """What is asked about, by letter, with what each column may mean."""
    return {chr(65 + doubt.index): doubt.names for doubt in read(table, rows)[0].doubts}


def lines(table: str, *rows: Sequence[Any]) -> tuple[list[str], dict[int, str]]:
    """The places of the rows that are read, and the reasons of those that are left out."""
    header, sheet = read(table, rows)
    result = data_rows.Reader(sheet, header, KNOWN[table], ()).read()
    data_rows.settle_lone(result, "", lambda _text: None, lambda _name: 0)
    return [row.place for row in result.rows], {left.row: left.why.msgid for left in result.left_out}


@pytest.mark.parametrize("whose", ["联居队员", "执法队员", "联居执法队员信息", "包联队员基本情况"])
def test_a_group_tells_whose_a_name_and_a_telephone_are(whose: str) -> None:
    above = ["序号", "社区", whose, N, "社区联络员", N, "备注"]
    below = [N, N, "姓名", "手机", "姓名", "手机", N]
    row = [1, "东栅社区", "严立群", "13900000001", "邵翠芳", "13800000001", "无"]
    assert columns("liaison", above, below, row) == {"B": "community", "E": "name", "F": "mobile", "G": "note"}


def test_the_order_of_groups_makes_no_difference() -> None:
    above = ["社区", "联络员", N, N, "执法队员", N, N]
    below = [N, "姓名", "职务", "联系电话", "姓名", "执法证号", "联系电话"]
    row = ["东栅社区", "邵翠芳", "主任", "13800000001", "严立群", "YS01", "13900000001"]
    assert columns("liaison", above, below, row) == {"A": "community", "B": "name", "C": "post", "D": "mobile"}


def test_a_group_that_names_nobody_tells_nothing() -> None:
    above = ["社区", "姓名", "联系方式", N, "任职情况", N]
    below = [N, N, "手机", "座机", "上任日期", "职务"]
    row = ["东栅社区", "邵翠芳", "13800000001", "0573-82710000", "2022-03-01", "主任"]
    assert columns("liaison", above, below, row) == {
        "A": "community", "B": "name", "C": "mobile", "D": "telephone", "E": "start_on", "F": "post"
    }  # fmt: skip


def test_a_header_may_have_three_rows() -> None:
    rows = (
        ["序号", "社区", "联居队员", N, N, "社区联络员", N, N],
        [N, N, "姓名", "联系方式", N, "姓名", "联系方式", N],
        [N, N, N, "手机", "短号", N, "手机", "座机"],
        [1, "东栅社区", "严立群", "13900000001", "61", "邵翠芳", "13800000001", "0573-82710000"],
    )
    assert columns("liaison", *rows) == {"B": "community", "F": "name", "G": "mobile", "H": "telephone"}


def test_a_predecessor_is_nobody_of_the_roster() -> None:
    above = ["社区", "原联络员", N, "现联络员", N]
    below = [N, "姓名", "手机", "姓名", "手机"]
    row = ["东栅社区", "张三", "13800000001", "李四", "13900000001"]
    assert columns("liaison", above, below, row) == {"A": "community", "D": "name", "E": "mobile"}


def test_a_name_under_somebody_unknown_is_asked_about() -> None:
    rows = (["社区", "网格长", N], [N, "姓名", "手机"], ["东栅社区", "张三", "13800000001"])
    assert doubts("liaison", *rows) == {"B": ("name", "officer", "")}


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        (["社区", "联居队员", "联系电话", "联络员", "联系电话"], {1: "officer", 3: "name", 4: "mobile"}),
        (["社区", "联络员", "联系电话", "联居队员", "联系电话"], {1: "name", 2: "mobile", 3: "officer"}),
        (["社区", "联居队员", "手机", "联络员姓名", "联系电话"], {1: "officer", 3: "name", 4: "mobile"}),
        (["社区", "分管领导", "联系电话", "联络员", "联系电话"], {3: "name", 4: "mobile"}),
        (["社区", "联络员", "联络员电话", "联居队员", "队员电话"], {1: "name", 2: "mobile", 3: "officer"}),
    ],
)
def test_a_telephone_is_that_of_the_person_to_its_left(labels: list[str], meant: dict[int, str]) -> None:
    row = ["东栅社区", "严立群", "13900000001", "邵翠芳", "13800000001"]
    assert read("liaison", [labels, row])[0].columns == {0: "community"} | meant
    assert doubts("liaison", labels, row) == {}


@pytest.mark.parametrize("person", ["联居队员", "包片领导"])
def test_the_only_telephone_beside_somebody_else_is_asked_about(person: str) -> None:
    rows = (["社区", "联络员", person, "联系电话"], ["东栅社区", "邵翠芳", "严立群", "13900000001"])
    assert doubts("liaison", *rows) == {"D": ("", "mobile")}


def test_a_telephone_of_the_liaison_is_none_of_the_complainant() -> None:
    rows = (["社区", "联络员", "联系电话", "问题描述"], ["东栅社区", "张三", "13800000001", "楼道堆物"])
    assert doubts("case", *rows) == {"C": ("", "complainant_phone")}


def test_the_prescribed_roster_asks_nothing() -> None:
    labels = ["序号", "街道", "社区", "姓名", "性别", "职务", "手机", "办公电话", "联居队员", "起始时间", "备注"]
    row = [1, "城东街道", "东栅社区", "邵翠芳", "女", "主任", "13800000001", "0573-82710000", "严立群", "2022-03-01", N]
    assert columns("liaison", labels, row)["J"] == "start_on"


def test_two_columns_that_claim_one_field_are_asked_about() -> None:
    labels = ["社区", "姓名", "手机", "联系电话"]
    assert doubts("liaison", labels, [*LIAISON, "13900000001"]) == {"D": ("", "mobile")}
    assert doubts("liaison", labels, [*LIAISON, "0573-82710000"]) == {"D": ("telephone", "", "mobile")}


def test_numbered_columns_claim_one_field() -> None:
    rows = (["社区", "联络员1", "手机1", "联络员2", "手机2"], [*LIAISON, "李四", "13900000001"])
    assert doubts("liaison", *rows) == {"D": ("", "name"), "E": ("", "mobile")}


def test_two_columns_that_say_the_same_are_one() -> None:
    assert doubts("liaison", ["社区", "姓名", "手机", "联系电话"], [*LIAISON, LIAISON[2]]) == {}


def test_an_empty_column_is_not_asked_about() -> None:
    assert doubts("liaison", ["社区", "姓名", "手机", "联系电话", "到岗日期"], [*LIAISON, N, N]) == {}


@pytest.mark.parametrize(
    ("label", "value", "names"),
    [
        ("到岗日期", "2022-03-01", ("start_on", "")),
        ("本人手机号码", "13800000002", ("mobile", "")),
        ("身份", "女", ("gender", "")),
        ("号码", "13800000002", ("mobile", "")),
        ("血型", "A", ()),
        ("出生年月", "1980-01-01", ()),
        ("入党时间", "2001-07-01", ()),
        ("身份证号", "330402198001011234", ()),
    ],
)
def test_an_unknown_column_is_asked_about_if_it_probably_means_something(
    label: str, value: str, names: tuple[str, ...]
) -> None:
    found = doubts("liaison", ["社区", "姓名", label], ["东栅社区", "邵翠芳", value])
    assert found == ({"C": names} if names else {})


def test_nothing_is_proposed_that_the_values_contradict() -> None:
    rows = (["社区", "性别情况", "职务"], ["东栅社区", "邵翠芳", "主任"])
    assert doubts("liaison", *rows) == {"B": ("name", "")}


def test_day_and_clock_side_by_side_are_one_moment() -> None:
    labels = ["受理日期", "受理时间", "社区", "问题描述", "办结日期", "时间"]
    row = ["2025-05-03", "9:30", "东栅社区", "楼道堆物", "2025-05-04", "下午3点"]
    assert columns("case", labels, row) == {
        "A": "accepted_at", "B": "accepted_at" + CLOCK, "C": "community",
        "D": "description", "E": "closed_at", "F": "closed_at" + CLOCK,
    }  # fmt: skip


def test_a_group_and_a_label_make_one_word() -> None:
    above = ["社区", "问题描述", "受理情况", N, "投诉人信息", N]
    below = [N, N, "日期", "时间", "姓名", "联系方式"]
    row = ["东栅社区", "楼道堆物", "2025-05-03", "9:30", "张三", "13800000001"]
    assert columns("case", above, below, row) == {
        "A": "community", "B": "description", "C": "accepted_at", "D": "accepted_at" + CLOCK,
        "E": "complainant", "F": "complainant_phone",
    }  # fmt: skip


def test_a_bare_day_is_asked_about() -> None:
    rows = (["时间", "社区", "问题描述"], ["2025-05-03", "东栅社区", "楼道堆物"])
    assert doubts("case", *rows)["A"][0] == "reported_at"


@pytest.mark.parametrize(
    "labels",
    [
        ["序号", "社区", "姓名", "手机", "序号", "社区", "姓名", "手机"],
        ["社区", "联络员", "电话", N, "社区", "联络员", "电话"],
        ["社区", "姓名", "手机", "备注", "社区", "姓名", "手机"],
    ],
)
def test_a_table_beside_the_first_is_read_too(labels: list[str | None]) -> None:
    first = labels.index("社区")
    second = labels.index("社区", first + 1)
    rows: list[list[Any]] = [[N] * len(labels) for _row in range(2)]
    for place, values in ((first, LIAISON), (second, ("西马桥社区", "李四", "13800000002"))):
        rows[0][place : place + 3] = values
    rows[1][first : first + 3] = ("采菱社区", "王五", "13800000003")
    places, left_out = lines("liaison", labels, *rows)
    assert (places, left_out) == (["Sheet1!2", f"Sheet1!{chr(65 + second)}2", "Sheet1!3"], {})


def test_a_table_of_something_else_beside_the_first_is_not_read() -> None:
    labels = ["社区", "姓名", "手机", N, "分队", "队员", "手机"]
    row = [*LIAISON, N, "南湖分队", "严立群", "13900000001"]
    assert lines("liaison", labels, row) == (["Sheet1!2"], {})


def test_a_block_below_with_another_order_is_read_by_its_own_header() -> None:
    header, sheet = read(
        "liaison", [["社区", "姓名", "手机"], LIAISON, ["姓名", "手机", "社区"], ["李四", "13900000001", "采菱社区"]]
    )
    result = data_rows.Reader(sheet, header, KNOWN["liaison"], ()).read()
    assert [row.cells for row in result.rows] == [list(LIAISON), ["采菱社区", "李四", "13900000001"]]
    assert [left.row for left in result.left_out] == [3]
    assert len(result.warnings) == 1


def test_a_block_below_of_another_table_is_left_out() -> None:
    rows = (["社区", "姓名", "手机"], LIAISON, ["队员姓名", "执法证号", "所属分队"], ["严立群", "YS01", "南湖分队"])
    assert lines("liaison", *rows) == (["Sheet1!2"], {3: "another table", 4: "another table"})


def test_what_the_user_says_goes_by_the_place_of_a_column() -> None:
    rows = [["社区", "姓名", "手机", "姓名", "手机"], ["东栅社区", "严立群", "13900000001", "邵翠芳", "13800000001"]]
    header, _sheet = read("liaison", rows, {1: "", 3: "name", 4: "mobile"})
    assert (header.columns, header.doubts) == ({0: "community", 3: "name", 4: "mobile"}, [])


# ---- any roster in any layout ----

PEOPLE = st.tuples(
    st.sampled_from(["东栅社区", "采菱社区", "荷风社区", "听雨社区"]),
    st.sampled_from(["邵翠芳", "盛惠英", "陆立群", "章翠芳", "欧阳修文"]),
    st.integers(0, 99).map(lambda n: f"138000000{n:02}"),
)
OFFICERS = st.tuples(
    st.sampled_from(["严立群", "邵美华", "计慧敏"]), st.integers(0, 99).map(lambda n: f"139000000{n:02}")
)
LIAISON_WORDS, OFFICER_WORDS = ("社区联络员", "联络员", "联络员信息"), ("联居队员", "执法队员", "联居队员情况")
PHONES = ("手机", "手机号码", "联系电话", "电话")


@st.composite
def rosters(draw: st.DrawFn) -> tuple[list[list[Any]], list[tuple[str, str, str]]]:
    """A roster of liaisons with their officers, in any order of columns, with or without groups; and the people."""
    people = draw(st.lists(st.tuples(PEOPLE, OFFICERS), min_size=1, max_size=4))
    grouped = draw(st.booleans())
    phone = draw(st.sampled_from(PHONES))
    liaison_word, officer_word = (
        draw(st.sampled_from(LIAISON_WORDS[: 3 if grouped else 2])),
        draw(st.sampled_from(OFFICER_WORDS[: 3 if grouped else 1])),
    )
    blocks = draw(st.permutations(["community", "liaison", "officer", "number"]))
    with_phones = {"liaison": draw(st.booleans()), "officer": draw(st.booleans())}
    upper: list[Any] = []
    lower: list[Any] = []
    rows: list[list[Any]] = [[] for _person in people]
    for block in blocks:
        if block in ("community", "number"):
            upper.append("社区" if block == "community" else "序号")
            lower.append(N)
        else:
            word = liaison_word if block == "liaison" else officer_word
            upper += [word, N] if with_phones[block] else [word]
            lower += ["姓名", phone] if with_phones[block] else ["姓名"]
            if not grouped:
                lower[-1 - with_phones[block] :] = [N, N] if with_phones[block] else [N]
                if with_phones[block]:
                    upper[-1] = phone
        for number, (row, (person, officer)) in enumerate(zip(rows, people, strict=True), 1):
            if block == "community":
                row.append(person[0])
            elif block == "number":
                row.append(number)
            else:
                values = person[1:] if block == "liaison" else officer
                row.extend(values if with_phones[block] else values[:1])
    titles = draw(st.sampled_from([[], [["联居联勤人员花名册"]]]))
    table = [*titles, upper, *([lower] if grouped else []), *rows]
    expected = [(p[0], p[1], p[2] if with_phones["liaison"] else "") for p, _officer in people]
    return table, expected


@settings(max_examples=100)
@given(rosters())
def test_no_officer_is_read_as_a_liaison_in_any_layout(
    drawn: tuple[list[list[Any]], list[tuple[str, str, str]]],
) -> None:
    """Every row that is read is that of a known person, or something is asked about the columns."""
    rows, expected = drawn
    header, sheet = read("liaison", rows)
    if header.doubts:
        return
    at = {name: index for index, name in header.columns.items()}
    result = data_rows.Reader(sheet, header, KNOWN["liaison"], ()).read()
    found = [
        (row.cells[at["community"]], row.cells[at["name"]], row.cells[at["mobile"]] if "mobile" in at else "")
        for row in result.rows
    ]
    assert found == expected


CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "东栅社区",
            "邵翠芳",
            "13800000001",
            "合计",
            "合计：3人",
            "小计",
            "备注：无",
            "填表人：张三",
            "共2人",
            "第1页",
            "2026年5月1日",
        ]
    ),
    st.text(max_size=8),
    st.integers(0, 10**6),
)


@settings(max_examples=100)
@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=8))
def test_every_row_is_read_or_named_with_a_reason(rows: list[list[Any]]) -> None:
    """Only blank rows, and rows with nothing but a number, are neither."""
    header, _sheet = read("liaison", [["序号", "社区", "姓名", "手机"], [1, *LIAISON]])
    body = [Line(n, [cell or None for cell in row]) for n, row in enumerate(rows, 3)]
    sheet = Sheet("Sheet1", [Line(1, list(header.labels)), Line(2, [1, *LIAISON]), *body])
    result = data_rows.Reader(sheet, header, KNOWN["liaison"], ()).read()
    data_rows.settle_lone(result, "", lambda _text: None, lambda _name: 0)
    named = {row.number for row in result.rows} | {left.row for left in result.left_out}
    for line in body:
        shown = [text for cell in line.cells if (text := samples.shown(cell))]
        bare = len(shown) == 1 and shown[0].replace(".", "").isdecimal() and samples.shown(line.cells[0]) == shown[0]
        assert line.number in named or not shown or bare


def test_a_doubt_names_a_column() -> None:
    (doubt,) = read("liaison", [["社区", "姓名", "到岗日期"], ["东栅社区", "邵翠芳", "2022-03-01"]])[0].doubts
    assert isinstance(doubt, Doubt)
    assert doubt.index == 2
