"""Rows of a roster that may name no liaison, or another one than is meant, are asked about; plain ones are not."""

from __future__ import annotations

import pytest

from panel.imports.plans import Plan
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, sentences, table

LABELS = ("社区", "姓名", "手机")
STANDING, OTHER = "胡秀珍", "马晓燕"


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def texts(plan: Plan) -> list[str]:
    return sentences([question.text for question in plan.questions])


@pytest.mark.parametrize("note", ["已于2026年6月离职", "退休，由王五接任", "调往城西街道"])
def test_a_remark_that_tells_of_a_leaving_is_asked_about(office: Office, note: str) -> None:
    made = office.plan("liaison", table(("社区", "姓名", "备注"), ("东栅社区", STANDING, note)))
    assert texts(made) == [f"The remark “{note}” may say that {STANDING} has left."]
    assert office.plan("liaison", table(("社区", "姓名", "备注"), ("东栅社区", STANDING, "退休返聘"))).questions == []


def test_a_telephone_without_its_area_code_is_no_change(office: Office) -> None:
    labels = ("社区", "姓名", "办公电话")
    office.run("liaison", table(labels, ("东栅社区", STANDING, "0573-82710001")))
    assert counts(office.plan("liaison", table(labels, ("东栅社区", STANDING, "82710001")))) == {"unchanged": 1}
    assert counts(office.plan("liaison", table(labels, ("东栅社区", STANDING, "82710002")))) == {"changed": 1}


NO_NAMES = [
    "见附件",
    "同荷花",
    "街道代管",
    "未报",
    "由书记兼任",
    "新招聘中",
    "人员未到位",
    "值班室",
    "章伟改为李四",
    "王某",
    "XXX",
]


@pytest.mark.parametrize("name", [*NO_NAMES, "马冬梅（代）", "马冬（拟任）"])
def test_words_in_place_of_a_successor_are_asked_about(standing: Stage, name: str) -> None:
    made = Office(standing).plan("liaison", table(LABELS, ("东栅社区", name, "13900000001")))
    assert texts(made) == [f"“{name}” may not be the name of whoever is in office."]


@pytest.mark.parametrize("name", ["李四", "欧阳娜娜", "阿依·古丽", "李未央", "司空明", "招娣", "𠮷田䶮", "王😀"])
def test_a_name_is_not_asked_about(standing: Stage, name: str) -> None:
    assert Office(standing).plan("liaison", table(LABELS, ("东栅社区", name, None))).questions == []


@pytest.mark.parametrize("name", ["胡秀珍→李四", "①李四", "李四√", "李四？", "李四=", "李四*"])
def test_signs_are_no_part_of_a_name(standing: Stage, name: str) -> None:
    made = Office(standing).plan("liaison", table(LABELS, ("东栅社区", name, None)))
    assert [column for _row, column, _text in errors(made)] == ["姓名"]


def test_a_successor_from_another_community_is_asked_about(standing: Stage) -> None:
    """The column of communities may have been sorted alone."""
    office, said = Office(standing), [f"{OTHER} is in office in another community as well."]
    for mobile in ("13900002222", None):
        assert texts(office.plan("liaison", table(LABELS, ("东栅社区", OTHER, mobile)))) == said
    assert office.plan("liaison", table(LABELS, ("东栅社区", OTHER, "13900000009"))).questions == [], "of the same name"
    both = table(LABELS, ("西马桥社区", OTHER, None), ("东栅社区", OTHER, "13900002222"))
    assert office.plan("liaison", both).questions == [], "the file says so itself"


def test_the_mobile_of_another_communitys_liaison_is_asked_about(standing: Stage) -> None:
    made = Office(standing).plan("liaison", table(LABELS, ("东栅社区", STANDING, "13900002222")))
    assert texts(made) == ["The liaison of another community has the mobile number 13900002222."]


@pytest.mark.parametrize(
    ("name", "start", "asked"),
    [(STANDING, "2026-08-01", True), ("李四", "2030-01-01", True), ("李四", "2026-08-01", False)],
)
def test_a_term_that_begins_far_ahead_is_asked_about(standing: Stage, name: str, start: str, asked: bool) -> None:
    made = Office(standing).plan("liaison", table(("社区", "姓名", "任职时间"), ("东栅社区", name, start)))
    assert bool(made.questions) is asked
