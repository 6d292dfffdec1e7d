"""Words in place of a value, and characters that nobody sees: alike in every column and table."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.fields import fields
from panel.i18n import using_locale
from panel.imports.rules import RECORD_NO, importable
from panel.kinds import Day, Flag, FullName, Invalid, Moment, PersonName, Whole, Word, printable, tidy, visible, word_of
from tests.engine.test_kinds import DECLARED_KINDS, read
from tests.factories import MODELS, Stage
from tests.workbooks import Office, counts, errors, outcomes, sentences, table

NOTHING = ("无", "/", "／", "\\", "-", "—", "——", "--", "N/A", "n/a", "暂无", "空", "（无）", "无。", " 无 ")
VACANT = ("暂缺", "空缺", "待定", "缺", "（空缺）")
ABOVE = ("〃", "同上", "″", "（同上）", '"')
#: Where Unicode has them; the planes between are letters of Chinese, or empty.
MARKS = [
    chr(code)
    for code in itertools.chain(range(0x20000), range(0xE0000, 0xE1000))
    if unicodedata.category(chr(code)) in ("Cf", "Cc") and not chr(code).isspace()
] + ["\ufe0e", "\ufe0f", "\u034f"]
ROSTER = ("社区", "姓名", "性别", "职务", "手机", "办公电话", "起始时间", "备注")
KNOWN = ("东栅社区", "胡秀珍")


@pytest.fixture(scope="module")
def office(standing: Stage) -> Office:
    return Office(standing)


def notes(plan: Any) -> dict[int, str]:
    return {row.number: " ".join(sentences(row.notes)) for row in plan.rows if row.notes}


@pytest.mark.parametrize(
    ("words", "meaning"), [(NOTHING, Word.NOTHING), (VACANT, Word.VACANT), (ABOVE, Word.ABOVE)], ids=str
)
def test_a_word_in_place_of_a_value_is_known_however_it_is_typed(words: tuple[str, ...], meaning: Word) -> None:
    assert {word: word_of(tidy(word)) for word in words} == dict.fromkeys(words, meaning)


@pytest.mark.parametrize(
    "text", ["", "无锡", "空调", "张三", "0", "1", "x", "A/B", "同上路", "-1", "2-3", "缺水", "No. 1"]
)
def test_what_only_begins_like_such_a_word_is_a_value(text: str) -> None:
    assert word_of(text) is None


def test_every_control_and_format_character_is_invisible_but_white_space() -> None:
    assert [mark for mark in MARKS if visible(mark)] == []
    assert visible("\t\n\v\f\r 甲") == "\t\n\v\f\r 甲"


def test_what_a_workbook_refuses_is_not_printable() -> None:
    refused = re.compile(r"[\000-\010]|[\013-\014]|[\016-\037]")
    assert [code for code in range(0x400) if refused.search(printable(chr(code)))] == []
    assert printable("第一行\v第二行\f\x1c") == "第一行\n第二行\n"


@settings(max_examples=200)
@given(kind=st.sampled_from(DECLARED_KINDS), text=st.text(max_size=20), data=st.data())
def test_a_value_with_invisible_marks_equals_the_value_without(kind: Any, text: str, data: st.DataObject) -> None:
    marks = data.draw(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(MARKS)), max_size=5))
    marked = text
    for place, mark in marks:
        marked = marked[:place] + mark + marked[place:]
    if kind.control != "data":
        assert read(kind, marked) == read(kind, text)


@settings(max_examples=30)
@given(data=st.data())
def test_a_word_for_nothing_leaves_what_is_stored_in_any_optional_column(office: Office, data: st.DataObject) -> None:
    optional = [f for f in fields(MODELS["liaison"]) if not f.required and not f.readonly]
    words = st.sampled_from([*NOTHING, "〃", "同上"])
    given_words = {str(f.label): data.draw(words) for f in data.draw(st.lists(st.sampled_from(optional), min_size=1))}
    made = office.plan("liaison", table(("社区", "姓名", *given_words), (*KNOWN, *given_words.values())))
    assert counts(made) == {"unchanged": 1}, errors(made)
    told = " ".join(str(note) for note in made.rows[0].notes)
    assert all(label in told for label in given_words)


IMPORTABLE = [name for name, model in MODELS.items() if importable(model)]


@pytest.mark.parametrize("name", IMPORTABLE)
def test_in_every_table_words_for_nothing_change_no_record(office: Office, name: str) -> None:
    """In all optional columns at once, and in half of them, another word in each."""
    optional = [f for f in fields(MODELS[name]) if not f.required and not f.readonly and not isinstance(f.kind, Flag)]
    words = itertools.cycle(NOTHING)
    for columns in (optional, optional[::2]):
        if columns:
            row = [str(office.stage.inside[name]), *itertools.islice(words, len(columns))]
            made = office.plan(name, table((str(RECORD_NO), *(str(f.label) for f in columns)), row))
            assert counts(made) == {"unchanged": 1}, errors(made)


def test_a_word_for_nothing_clears_where_empty_cells_clear(office: Office) -> None:
    made = office.plan("liaison", table(("社区", "姓名", "手机"), (*KNOWN, "/")), clear=True)
    assert made.rows[0].values == {"mobile": None}


def test_in_a_column_that_must_be_filled_in_such_a_word_is_no_value(office: Office) -> None:
    made = office.plan("liaison", table(("社区", "姓名"), ("无", "王五"), ("东栅社区", "/"), ("〃", "王五")))
    assert [(row, column) for row, column, _text in errors(made)] == [(2, "社区"), (3, "姓名")]
    assert {message for _row, _column, message in errors(made)} == {"This must be filled in."}


@pytest.mark.parametrize("word", VACANT)
def test_a_vacant_post_is_neither_a_person_nor_the_end_of_one(office: Office, word: str) -> None:
    made = office.plan("liaison", table(ROSTER, ("东栅社区", word, None, None, "待定", None, "待定", "有人了再报")))
    assert outcomes(made) == {2: "skipped"}
    assert not made.rows[0].edits
    assert "the post is vacant" in notes(made)[2]


def test_a_roster_with_vacant_posts_and_ditto_marks_changes_nothing_the_second_time(stage: Stage) -> None:
    office = Office(stage)
    rows = (("东栅社区", "王五", "主任"), ("西马桥社区", "暂缺", "〃"), ("〃", "李四", "〃"))
    data = table(("社区", "姓名", "职务"), *rows)
    assert outcomes(office.run("liaison", data)) == {2: "new", 3: "skipped", 4: "new"}
    assert outcomes(office.run("liaison", data)) == {2: "unchanged", 3: "skipped", 4: "unchanged"}


def test_nobody_in_an_optional_column_of_people_is_empty(office: Office) -> None:
    made = office.plan("department", table(("名称", "联系人", "电话"), ("新部门", "待定", "暂缺")))
    assert set(made.rows[0].values) == {"name"}
    case = office.plan(
        "case", table(("社区", "地点", "问题描述", "主办队员"), ("东栅社区", "3 幢", "楼道堆物", "待定"))
    )
    assert counts(case) == {"new": 1}
    assert "待定" in notes(case)[2]


def test_a_note_may_say_that_something_is_vacant(office: Office) -> None:
    made = office.plan("liaison", table(("社区", "姓名", "备注"), (*KNOWN, "待定")))
    assert made.rows[0].values == {"note": "待定"}


def test_as_above_is_the_cell_above_also_in_a_row_of_its_own(office: Office) -> None:
    rows = (
        ("东栅社区", "王五", "女", "主任", "13800000001", None, "2026-05-01", "代"),
        ("〃", "〃", "同上", "〃", "″", "〃", "同上", "同上"),
    )
    made = office.plan("liaison", table(ROSTER, *rows))
    first, second = made.rows
    assert second.cells == first.cells
    assert "As in row 2 above: 社区“东栅社区”、姓名“王五”" in notes(made)[3]
    assert "办公电话“〃”" in notes(made)[3]


def test_as_above_repeats_what_cannot_be_read_as_well(office: Office) -> None:
    made = office.plan("liaison", table(("社区", "姓名", "手机"), ("东栅社区", "王五", "123"), ("〃", "李四", "〃")))
    assert [(row, column) for row, column, _text in errors(made)][:2] == [(2, "手机"), (3, "手机")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("邵翠芳（主任）", "邵翠芳"),
        ("盛惠英（兼）", "盛惠英"),
        ("戴玉兰/副主任", "戴玉兰"),
        ("戴玉兰副主任", "戴玉兰"),
        ("王小明 兼 社区书记", "王小明"),
        ("张三书记、主任", "张三"),
        ("张三（主任", "张三"),
        ("阿依·古丽（网格员）", "阿依·古丽"),
    ],
)
def test_a_title_behind_a_name_is_no_part_of_it(text: str, name: str) -> None:
    value, note, _unit = FullName().read(text)
    assert (value, note is not None) == (name, True)


@pytest.mark.parametrize(
    "name", ["张三", "张  三", "欧阳 娜娜", "张和平", "周和平安", "（张三）", "John Smith", "𠮷 田", "李兼明"]
)
def test_a_plain_name_needs_no_note(name: str) -> None:
    assert FullName().read(name).note is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((f"张三{sign}李四", "Two names") for sign in ("、", "/", "，", "；", " ", "\n", "和", "（主任）", " 、")),
        ("张三丰 李四", "Two names"),
        ("章翠芳 15400010004", "no digits"),
        ("姚美华１５４", "no digits"),
        ("王主任", "no full name"),
        ("书记", "no full name"),
        ("李先生", "no full name"),
        *((word, "nobody's name") for word in ("无", "暂缺", "同上", "-")),
    ],
)
def test_a_cell_that_holds_more_or_less_than_a_name_is_refused_in_one_sentence(text: str, reason: str) -> None:
    with using_locale("en"), pytest.raises(Invalid, match=reason):
        FullName().parse(text)


def test_a_complainant_or_a_shop_is_called_as_people_call_them() -> None:
    for name in ("王先生", "张三、李四", "7天便利店", "王主任"):
        assert PersonName().parse(name) == name


@pytest.mark.parametrize(
    ("kind", "raw", "note"),
    [
        (Day(), "2021年5月", "names no day"),
        (Day(), 2021.5, "names no day"),
        (Day(), "26.5.1", "read as 2026-05-01"),
        (Day(), "46143", "read as 2026-05-01"),
        (Moment(), "26.5.1 9:30", "read as 2026-05-01"),
        (Whole(measure="户"), "1,200人", "read as 1200"),
    ],
)
def test_what_is_not_told_in_full_is_read_with_a_note(kind: Any, raw: Any, note: str) -> None:
    with using_locale("en"):
        assert note in str(kind.read(raw).note)


def test_a_note_stands_at_the_row_with_its_column(office: Office) -> None:
    made = office.plan("liaison", table(("社区", "姓名", "起始时间"), ("东栅社区", "王五", "2026年5月")))
    assert notes(made)[2].startswith("起始时间: “2026年5月” names no day; it is read as 2026-05-01.")


def test_a_limit_and_its_unit_are_read_from_one_cell(office: Office) -> None:
    labels = ("编码", "名称", "清单", "时限")
    cells = (("X1", "甲", "服务清单", "1个工作日"), ("X2", "乙", "服务清单", "24小时"), ("X3", "丙", "服务", "3天"))
    made = office.plan("checklistitem", table(labels, *cells, ("X4", "丁", "服务", "5个月")))
    values = [(row.values.get("limit_value"), row.values.get("limit_unit")) for row in made.rows[:3]]
    assert values == [(1, "d"), (24, "eh"), (3, "d")]
    assert sorted(notes(made)) == [3, 4]
    assert [(row, column) for row, column, _text in errors(made)] == [(5, "时限")]


def test_a_unit_that_two_cells_tell_otherwise_is_refused(office: Office) -> None:
    labels = ("编码", "名称", "清单", "时限", "时限单位")
    made = office.plan("checklistitem", table(labels, ("X1", "甲", "服务", "1个工作日", "紧急工作时")))
    assert [(row, column) for row, column, _text in errors(made)] == [(2, "时限")]


@pytest.mark.parametrize(
    "text", ["暂 缺", "空　缺", "暂缺（待选举）", "待补选", "尚未配备", "岗位空缺", "人员待定", "暂无人选", "缺编"]
)
def test_a_post_is_vacant_however_it_is_said(text: str) -> None:
    assert word_of(tidy(text)) is Word.VACANT


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("主任邵翠芳", "邵翠芳"),
        ("社区书记：邵翠芳", "邵翠芳"),
        ("书记 邵翠芳", "邵翠芳"),
        ("邵翠芳，女", "邵翠芳"),
        ("邵翠芳 女", "邵翠芳"),
    ],
)
def test_a_post_in_front_of_a_name_and_a_gender_behind_it_are_no_part_of_it(text: str, name: str) -> None:
    assert FullName().parse(text) == name


def test_a_title_behind_the_name_of_a_referenced_person_is_no_part_of_it(office: Office) -> None:
    made = office.plan(
        "case", table(("社区", "地点", "问题描述", "主办队员"), ("东栅社区", "3 幢", "楼道堆物", "沈建平（副队长）"))
    )
    assert counts(made) == {"new": 1}
    assert made.rows[0].values["lead_officer_id"] == office.stage.inside["officer"]
    assert "“沈建平（副队长）” is read as 沈建平." in notes(made)[2]
    same = office.plan("liaison", table(("社区", "姓名", "联居队员"), (*KNOWN, "沈建平 队长")))
    assert (counts(same), same.warnings, same.rows[0].adds) == ({"unchanged": 1}, [], [])


def test_the_officer_beside_a_vacant_post_is_named(office: Office) -> None:
    made = office.plan("liaison", table(("社区", "姓名", "联居队员"), ("东栅社区", "暂缺", "沈建平")))
    assert "Row 2: The post of the liaison is vacant. No officer was assigned." in sentences(made.warnings)
    assert "1 vacant post is skipped: row 2." in sentences(made.warnings)


def test_dots_in_names_are_one_dot_in_references_too(stage: Stage) -> None:
    with stage.session() as session:
        session.get_one(MODELS["officer"], stage.inside["officer"]).name = "阿依•古丽"
    for dot in "·•・．":
        labels = ("社区", "地点", "问题描述", "主办队员")
        made = Office(stage).plan("case", table(labels, ("东栅社区", "3 幢", "楼道堆物", f"阿依{dot}古丽")))
        assert counts(made) == {"new": 1}, dot
        officers = table(("姓名", "所属分队"), (f"阿依{dot}古丽", None))
        assert counts(Office(stage).plan("officer", officers)) == {"unchanged": 1}, dot
