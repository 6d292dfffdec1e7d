"""What the words of a file mean: communities by street, name and alias, officers, items, cases; what may be created."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from panel.imports.plans import Outcome
from tests import factories
from tests.factories import Stage
from tests.workbooks import Office, Page, counts, errors, outcomes, sentences, table, workbook


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


@pytest.fixture
def twins(office: Office) -> tuple[int, int]:
    """Two communities of one name, in either street."""
    sides = (office.stage.inside, office.stage.outside)
    inside, outside = (office.stage.add("community", name="百花社区", street_id=side["street"]) for side in sides)
    return inside, outside


def pointed(plan: Any, attr: str = "community_id") -> list[Any]:
    return [row.values.get(attr) for row in plan.rows]


@pytest.mark.database
@pytest.mark.parametrize(
    "text", ["东栅社区", "东栅", "东栅居委会", "东栅社区居委会", "东栅社区居民委员会", "东 栅", "栅堰", "栅堰社区"]
)
def test_a_community_is_found_with_any_ending_and_by_its_aliases(office: Office, text: str) -> None:
    with office.stage.session() as session:
        session.get_one(models.Community, office.stage.inside["community"]).alias_names = "栅堰、老东栅"
    made = office.plan("liaison", table(("社区", "姓名"), (text, "李四")))
    assert pointed(made) == [office.stage.inside["community"]]


def test_a_name_that_two_streets_have_needs_the_street(office: Office, twins: tuple[int, int]) -> None:
    made = office.plan("liaison", table(("社区", "姓名"), ("百花社区", "李四")))
    assert errors(made) == [(2, "社区", "There are 2 of Community “百花社区”. Say which.")]
    assert made.ignored_columns == []


def test_the_street_qualifies_from_its_own_column(office: Office, twins: tuple[int, int]) -> None:
    data = table(("街道", "社区", "姓名"), ("城西街道", "百花", "李四"), ("城东街道", "百花社区", "王五"))
    made = office.plan("liaison", data)
    assert pointed(made) == list(reversed(twins))
    assert made.ignored_columns == []


def test_the_street_qualifies_from_a_merged_cell(office: Office, twins: tuple[int, int]) -> None:
    data = table(
        ("街道", "社区", "姓名"),
        ("城东街道", "东栅社区", "李四"),
        (None, "百花社区", "王五"),
        ("城西街道", "百花社区", "赵六"),
        merged=("A2:A3",),
    )
    assert pointed(office.plan("liaison", data))[1:] == list(twins)


def test_the_street_qualifies_from_the_sheets_name(office: Office, twins: tuple[int, int]) -> None:
    rows = [("社区", "姓名"), ("百花社区", "李四")]
    made = office.plan("liaison", workbook({"城西街道": Page(rows), "城东街道": Page(rows)}))
    assert pointed(made) == list(reversed(twins))


def test_a_street_that_the_community_is_not_in_is_remarked(office: Office) -> None:
    made = office.plan("liaison", table(("街道", "社区", "姓名"), ("城西街道", "东栅社区", "李四")))
    assert counts(made) == {"new": 1}
    assert "Community “东栅社区” isn't in 城西街道." in sentences(made.rows[0].notes)


@pytest.mark.database
def test_only_streets_squads_and_departments_are_created(office: Office) -> None:
    data = table(("名称", "街道", "分队"), ("甲社区", "新街道", "新分队"), ("乙社区", "新 街道", "新分队"))
    refused = office.plan("community", data)
    assert {name: sorted(names) for name, names in refused.creatable.items()} == {
        "street": ["新街道"],
        "squad": ["新分队"],
    }
    assert counts(refused) == {"failed": 2}
    made = office.run("community", data, create_missing=True)
    assert counts(made) == {"new": 2}
    assert made.creating == {"street": ["新街道"], "squad": ["新分队"]}
    assert (office.stage.count("street"), office.stage.count("squad")) == (3, 3)
    nobody = office.plan("liaison", table(("社区", "姓名"), ("新社区", "李四")), create_missing=True)
    assert counts(nobody) == {"failed": 1}
    items = table(("编码", "名称", "清单", "时限", "牵头部门"), ("FW99", "新事项", "服务清单", 3, "新部门"))
    assert office.run("checklistitem", items, create_missing=True).creating == {"department": ["新部门"]}


def test_nothing_is_created_for_a_row_that_is_not_written(office: Office) -> None:
    data = table(("名称", "街道", "户数"), ("甲社区", "新街道", "很多"), ("东栅社区", "城东街道", 9))
    made = office.run("community", data, create_missing=True, good_rows=True)
    assert (counts(made), made.creating) == ({"changed": 1, "failed": 1}, {})
    squad = table(("名称", "街道", "分队"), ("东栅社区", "城东街道", "新分队"))
    assert office.run("community", squad, create_missing=True, skip_existing=True).creating == {}
    assert (office.stage.count("street"), office.stage.count("squad")) == (2, 2)


def test_a_name_too_long_to_be_created_fails_at_its_cell(office: Office) -> None:
    data = table(("名称", "街道"), ("甲社区", "很长的街道" * 9))
    assert errors(office.plan("community", data, create_missing=True)) == [
        (2, "街道", "Too long: 45 characters, at most 40 are allowed.")
    ]


@pytest.mark.database
def test_a_near_miss_is_answered_with_what_may_be_meant(office: Office) -> None:
    data = table(("社区", "姓名"), ("西马乔社区", "李四"), ("完全不同社区", "王五"))
    made = office.plan("liaison", data)
    assert [row.errors[0].suggestion for row in made.rows] == ["西马桥社区", None]
    assert errors(made)[0][2] == "There is no Community “西马乔社区”. Did you mean 西马桥社区?"


@pytest.mark.database
@pytest.mark.parametrize("text", ["沈建平", "B4沈建平", "沈建平(B4沈建平)", "沈建平（南湖分队）", "沈 建平"])
def test_an_officer_is_found_by_name_badge_or_both(office: Office, text: str) -> None:
    made = office.plan("assignment", table(("社区", "联居队员", "起始日期"), ("东栅社区", text, "2025-01-06")))
    assert counts(made) == {"unchanged": 1}


def test_an_item_is_found_by_code_or_name_and_the_newest_version_is_meant(office: Office) -> None:
    values = {"code": "ZF03", "name": "饲养家禽", "version_no": 2}
    newest = office.stage.add("checklistitem", **values)
    labels = ("社区", "问题描述", "清单事项")
    rows = [("东栅社区", "养鸡", text) for text in ("ZF03", "饲养家禽", "ZF03 饲养家禽", "zf03")]
    made = office.plan("case", table(labels, *rows))
    assert pointed(made, "item_id") == [newest] * 4


def test_a_text_that_also_means_what_is_stored_changes_nothing(office: Office) -> None:
    """A case keeps the version that it was judged by; of two officers of one name it keeps its own."""
    office.stage.add("checklistitem", code="ZF03", name="饲养家禽", version_no=2)
    office.stage.add("officer", name="沈建平")
    case = office.stage.get("case", office.stage.inside["case"])
    labels = ("案件编号", "社区", "问题描述", "清单事项", "主办队员")
    data = table(labels, (case.case_no, "东栅社区", case.description, "ZF03", "沈建平"))
    assert counts(office.plan("case", data)) == {"unchanged": 1}
    other = office.plan("case", table(labels, (None, "东栅社区", "另一件", "ZF03", "沈建平")))
    assert errors(other) == [(2, "主办队员", "There are 2 of Officer “沈建平”. Say which.")]


def test_a_used_item_that_changes_gets_its_next_version(office: Office) -> None:
    data = table(("编码", "名称", "清单", "时限"), ("ZF03", "饲养家禽", "执法清单", 5))
    made = office.run("checklistitem", data)
    assert counts(made) == {"changed": 1}
    assert "version 2 is added" in sentences(made.rows[0].notes)[0]
    with office.stage.session() as session:
        statement = sa.select(models.ChecklistItem).where(models.ChecklistItem.code == "ZF03").order_by("version_no")
        old, new = session.execute(statement).scalars()
    assert (old.id, old.limit_value, old.version_no) == (office.stage.inside["checklistitem"], 3, 1)
    assert (new.limit_value, new.version_no, new.category) == (5, 2, "养殖")
    assert counts(office.run("checklistitem", data)) == {"unchanged": 1}


def test_an_unused_item_is_changed_itself(office: Office) -> None:
    id_ = office.stage.add("checklistitem", code="FW01", name="乱设摊")
    data = table(("编码", "名称", "清单", "时限"), ("FW01", "小区内部乱设摊", "服务清单", 1))
    assert counts(office.run("checklistitem", data)) == {"changed": 1}
    assert office.stage.get("checklistitem", id_).name == "小区内部乱设摊"


def test_a_referral_is_known_by_its_document_number(office: Office) -> None:
    with office.stage.session() as session:
        session.get_one(models.Referral, office.stage.inside["referral"]).document_no = "移字1号"
    number = office.stage.get("case", office.stage.inside["case"]).case_no
    labels = ("文书号", "案件编号", "协同部门", "协同事项")
    made = office.run("referral", table(labels, ("移字 1 号", number, "公安交警", "请清理")))
    assert counts(made) == {"changed": 1}
    assert office.stage.get("referral", office.stage.inside["referral"]).request == "请清理"
    other = office.stage.get("case", office.stage.outside["case"]).case_no
    moved = office.plan("referral", table(labels, ("移字1号", other, "公安交警", None)))
    assert errors(moved)[0][1:] == ("案件编号", "A referral stays with its case and department.")


def test_a_referral_without_a_number_is_known_by_case_department_and_day(office: Office) -> None:
    with office.stage.session() as session:
        community = session.get_one(models.Community, office.stage.inside["community"])
        officer = session.get_one(models.Officer, office.stage.inside["officer"])
        item = session.get_one(models.ChecklistItem, office.stage.inside["checklistitem"])
        case = factories.case(session, community, second=officer, item=item)
        case.reported_at -= timedelta(days=14)
    labels = ("案件编号", "协同部门", "发出时间", "协同事项")
    data = table(labels, (case.case_no, "公安交警", "2026-07-06 09:00", "请协助"))
    first = office.run("referral", data)
    assert counts(first) == {"new": 1}
    stored = office.stage.get("referral", first.rows[0].id or 0)
    assert stored.sign_due_at is not None
    assert stored.sign_due_at.date() == date(2026, 7, 8)
    later = table(labels, (case.case_no, "公安交警", "2026-07-06 15:00", "请尽快协助"))
    assert counts(office.run("referral", later)) == {"changed": 1}
    another = office.plan("referral", table(labels, (case.case_no, "公安交警", "2026-07-09", "又一件")))
    assert errors(another) == [(2, "协同部门", "This case already has an open referral to this department.")]


def test_a_document_number_is_added_to_the_referral_that_has_none(office: Office) -> None:
    number = office.stage.get("case", office.stage.inside["case"]).case_no
    made = office.run("referral", table(("文书号", "案件编号", "协同部门"), ("移字9号", number, "公安交警")))
    assert counts(made) == {"changed": 1}
    assert office.stage.get("referral", office.stage.inside["referral"]).document_no == "移字9号"


def test_a_new_case_is_registered_as_if_reported_on_a_page(office: Office) -> None:
    labels = ("社区", "问题描述", "上报时间", "地点", "清单事项")
    data = table(
        labels,
        ("东栅社区", "楼道堆放杂物，影响通行", "2026-07-02 09:00", "1幢", "ZF03"),
        ("东栅社区", "夜间噪声", "2026-07-01 09:00", "2幢", None),
    )
    made = office.run("case", data)
    assert counts(made) == {"new": 2}
    first, second = (office.stage.get("case", row.id or 0) for row in made.rows)
    assert int(first.case_no[-6:]) == int(second.case_no[-6:]) + 1
    assert (first.title, first.status, first.source) == (
        "楼道堆放杂物",
        models.CaseStatus.REPORTED,
        models.Source.OTHER,
    )
    assert (first.liaison_id, first.lead_officer_id) == (office.stage.inside["liaison"], office.stage.inside["officer"])
    with office.stage.session() as session:
        statement = sa.select(models.CaseEvent.step).where(models.CaseEvent.case_id == first.id)
        assert list(session.execute(statement).scalars()) == ["report"]
    assert counts(office.run("case", data)) == {"unchanged": 2}


def test_a_case_number_that_nobody_gave_out_fails(office: Office) -> None:
    made = office.plan("case", table(("案件编号", "社区", "问题描述"), ("NH-1999-000001", "东栅社区", "养鸡")))
    assert errors(made) == [(2, "", "There is no case with this number. Leave the number empty for a new case.")]


def test_the_item_of_an_accepted_case_stays(office: Office) -> None:
    office.stage.add("checklistitem", code="FW07", name="邻里噪声")
    case = office.stage.get("case", office.stage.inside["case"])
    labels = ("案件编号", "社区", "问题描述", "清单事项")
    made = office.plan("case", table(labels, (case.case_no, "东栅社区", case.description, "FW07")))
    assert errors(made)[0][:2] == (2, "清单事项")


def test_auxiliary_staff_decide_no_penalty(office: Office) -> None:
    office.stage.add("officer", name="辅助", kind=models.OfficerKind.AUXILIARY)
    case = office.stage.get("case", office.stage.inside["case"])
    labels = ("案件编号", "类别", "执法队员", "第二名队员")
    made = office.plan("action", table(labels, (case.case_no, "当场处罚", "沈建平", "辅助")))
    assert errors(made) == [(2, "第二名队员", "Auxiliary staff can't decide a penalty.")]


@pytest.mark.database
def test_rows_of_a_table_without_a_key_are_known_by_all_they_say(office: Office) -> None:
    """So the same file again changes nothing."""
    number = office.stage.get("case", office.stage.inside["case"]).case_no
    data = table(
        ("案件", "类别", "执法队员", "处置情况", "时间"),
        (number, "劝导", "沈建平", "上门", "2026-07-14 09:00"),
        (number, "教育", "沈建平", "宣传", "2026-07-14 10:00"),
    )
    assert counts(office.run("action", data)) == {"new": 2}
    assert counts(office.run("action", data)) == {"unchanged": 2}
    twice = table(*[tuple(cell) for cell in (("案件", "类别", "处置情况"), *[(number, "劝导", "上门")] * 2)])
    assert outcomes(office.plan("action", twice)) == {2: "unchanged", 3: "new"}


def test_a_record_number_says_which_record_is_meant(office: Office) -> None:
    id_ = office.stage.inside["action"]
    labels = ("记录号", "处置情况")
    made = office.run("action", table(labels, (id_, "当面告知")))
    assert counts(made) == {"changed": 1}
    assert office.stage.get("action", id_).note == "当面告知"
    wrong = office.plan("action", table(labels, (999_999, "甲"), ("²", "乙"), ("一", "丙"), (id_, "丁"), (id_, "戊")))
    assert [row.outcome for row in wrong.rows].count(Outcome.FAILED) == 4
    assert [row for row, _column, _message in errors(wrong)] == [2, 3, 4, 6]
