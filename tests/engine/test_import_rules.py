"""Rosters by the rules: keys, succession, terms, assignments, what an empty cell means."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from panel.errors import UserError
from panel.i18n import using_locale
from panel.kinds import today
from panel.security.policy import AccessDenied
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, outcomes, roster, sentences, table


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def all_of(office: Office, name: str) -> list[Any]:
    with office.stage.session() as session:
        model = getattr(models, name)
        return list(session.execute(sa.select(model).order_by(model.id)).scalars())


def one(office: Office, name: str) -> Any:
    return office.stage.get(name.lower(), office.stage.inside[name.lower()])


# Keys: what a row is about.


def test_the_same_key_twice_fails_the_later_row_and_names_the_earlier(office: Office) -> None:
    data = roster(
        ("城东街道", "东栅社区", "李四", "13811112222", "2026-08-01"),
        ("城东街道", "东栅", "李 四", "13811113333", "2026-08-01"),
        ("城东街道", "东栅社区居委会", "李四", "13811114444", "2026-08-01"),
    )
    made = office.run("liaison", data, good_rows=True)
    assert outcomes(made) == {2: "new", 3: "failed", 4: "failed"}
    said = "The same record stands in row 2 already; that row counts."
    assert errors(made) == [(3, "", said), (4, "", said)]
    assert all_of(office, "Liaison")[-1].mobile == "13811112222"


def test_two_ways_of_calling_one_record_are_the_same_key(office: Office) -> None:
    with office.stage.session() as session:
        session.get_one(models.Community, office.stage.inside["community"]).alias_names = "东栅新村、栅堰"
    data = table(
        ("街道", "名称", "户数"), ("城东街道", "东栅", 5), ("城东街道", "栅堰", 6), ("城东街道", "栅堰社区", 7)
    )
    made = office.plan("community", data)
    assert outcomes(made) == {2: "changed", 3: "failed", 4: "failed"}


def test_an_absent_column_and_an_empty_cell_leave_what_is_stored(office: Office) -> None:
    before = one(office, "Liaison")
    data = table(("社区", "姓名", "手机", "职务", "备注"), ("东栅社区", "胡秀珍", None, "副主任", " "))
    made = office.run("liaison", data)
    assert counts(made) == {"changed": 1}
    after = one(office, "Liaison")
    assert (after.post, after.mobile, after.start_on) == ("副主任", before.mobile, before.start_on)
    assert counts(office.run("liaison", data)) == {"unchanged": 1}


def test_a_changed_row_shows_what_was_and_what_will_be(office: Office) -> None:
    made = office.plan("liaison", roster(("城东街道", "东栅社区", "胡秀珍", "13811112222", "2025年9月4日")))
    (row,) = made.rows
    assert [(str(f.name), before, after) for f, before, after in row.changes] == [  # type: ignore[union-attr]
        ("mobile", "13800001111", "13811112222"),
        ("start_on", "2025-09-03", "2025-09-04"),
    ]


def test_another_way_of_writing_a_name_renames_nothing(office: Office) -> None:
    data = table(("街道", "名称"), ("城东街道", "东栅社区居委会"), ("城西街道", "西马桥"))
    assert counts(office.run("community", data)) == {"unchanged": 2}
    assert one(office, "Community").name == "东栅社区"


def test_existing_records_may_be_left_as_they_are(office: Office) -> None:
    data = table(
        ("社区", "姓名", "手机", "联居队员"),
        ("东栅社区", "胡秀珍", "13811112222", "何志远"),
        ("西马桥社区", "马晓燕", "13900002222", None),
    )
    made = office.run("liaison", data, skip_existing=True)
    assert counts(made) == {"skipped": 1, "unchanged": 1}
    assert one(office, "Liaison").mobile == "13800001111"
    assert len(all_of(office, "Assignment")) == 2


def test_a_community_is_known_by_street_and_name(office: Office) -> None:
    data = table(("街道", "名称", "户数"), ("城东街道", "西马桥社区", 5), ("城西街道", "西马桥", 6))
    made = office.run("community", data)
    assert outcomes(made) == {2: "new", 3: "changed"}


def test_an_officer_is_known_by_badge_else_by_name_and_squad(office: Office) -> None:
    badge = office.stage.get("officer", office.stage.inside["officer"]).badge_no
    data = table(
        ("姓名", "分队", "执法证号", "手机"),
        ("沈建平", "城西分队", badge, "13811110001"),
        ("沈大海", "南湖分队", None, "13811110002"),
        ("何大海", None, None, "13811110003"),
        ("沈大海", "城西分队", None, "13811110004"),
        ("新队员", None, "X1", "13811110005"),
    )
    assert sentences([question.text for question in office.plan("officer", data).questions]) == [
        "The squad changes from 南湖分队 to 城西分队."
    ]
    made = office.run("officer", data, confirmed=frozenset({"2"}))
    assert outcomes(made) == {2: "changed", 3: "changed", 4: "changed", 5: "new", 6: "new"}
    assert office.stage.get("officer", office.stage.inside["officer"]).squad_id == office.stage.outside["squad"]
    assert counts(office.run("officer", data)) == {"unchanged": 5}


def test_an_officer_whose_name_two_have_needs_the_badge(office: Office) -> None:
    office.stage.add("officer", name="沈建平", squad_id=office.stage.inside["squad"], badge_no="B7")
    made = office.plan("officer", table(("姓名", "手机"), ("沈建平", "13811112222")))
    assert errors(made) == [(2, "", "There are 2 officers of this name. Give the badge number.")]


def test_a_badge_is_added_to_the_officer_who_has_none(office: Office) -> None:
    data = table(("姓名", "分队", "证号"), ("沈大海", "南湖分队", "NEW-1"))
    assert counts(office.run("officer", data)) == {"changed": 1}
    assert office.stage.get("officer", office.stage.inside["second_officer"]).badge_no == "NEW-1"


@pytest.mark.parametrize(("name", "label"), [("street", "街道"), ("squad", "分队名称"), ("department", "部门")])
def test_a_street_squad_or_department_is_known_by_its_name(office: Office, name: str, label: str) -> None:
    known = office.stage.get(name, office.stage.inside[name]).name
    data = table((label,), (f" {known[:2]} {known[2:]}",), ("新的",))
    assert outcomes(office.run(name, data)) == {2: "unchanged", 3: "new"}
    assert counts(office.run(name, data)) == {"unchanged": 2}


# Terms and succession.


def test_a_new_liaison_without_a_date_starts_today(office: Office) -> None:
    office.stage.add("community", name="甲社区")
    office.run("liaison", table(("社区", "姓名"), ("甲社区", "李四")))
    assert all_of(office, "Liaison")[-1].start_on == today()


def test_a_successor_is_one_new_row_and_ends_the_predecessors_term(office: Office) -> None:
    data = roster(("城东街道", "东栅社区", "李四", "13811112222", "2026-08-01"))
    planned = office.plan("liaison", data)
    assert counts(planned) == {"new": 1}
    assert planned.rows[0].succeeds
    assert sentences(planned.rows[0].notes) == [
        "Predecessor 胡秀珍 ends on 2026-07-31.",
        "The account liaison of whoever leaves stays active: deactivate it on the page “Handover”.",
        "李四 takes over: Open cases 1.",
    ]
    made = office.run("liaison", data)
    assert counts(made) == {"new": 1}
    assert one(office, "Liaison").end_on == date(2026, 7, 31)
    assert all_of(office, "Liaison")[-1].end_on is None
    assert counts(office.run("liaison", data)) == {"unchanged": 1}


def test_a_successor_without_a_date_follows_today(office: Office) -> None:
    office.run("liaison", table(("社区", "姓名"), ("东栅社区", "李四")))
    assert one(office, "Liaison").end_on == today() - timedelta(days=1)


@pytest.mark.parametrize("start", ["2025-09-03", "2025-01-01"])
def test_a_successor_cannot_begin_before_the_predecessor(office: Office, start: str) -> None:
    made = office.plan("liaison", roster(("城东街道", "东栅社区", "李四", None, start)))
    said = "胡秀珍 has been in office since 2025-09-03; a successor can't begin before that."
    assert errors(made) == [(2, "起始时间", said)]


def test_of_two_active_ones_for_one_community_in_one_file_one_is_taken(office: Office) -> None:
    data = roster(
        ("城东街道", "东栅社区", "李四", None, "2026-08-01"),
        ("城东街道", "东栅社区", "王五", None, "2026-09-01"),
        ("城西街道", "西马桥社区", "赵六", None, "2026-08-01"),
        ("城西街道", "西马桥社区", "马晓燕", None, None),
    )
    made = office.plan("liaison", data, good_rows=True)
    assert outcomes(made) == {2: "new", 3: "failed", 4: "failed", 5: "unchanged"}
    assert errors(made) == [
        (3, "", "Row 2 names an active liaison of this community already."),
        (4, "", "Row 5 names an active liaison of this community already."),
    ]
    asked = sentences([question.text for question in made.questions])
    assert asked == ["Others stand here for this community too (rows 3). Is this one the liaison?"], (
        "it may be a list of all staff"
    )
    office.run("liaison", data, good_rows=True, confirmed=frozenset({"2"}))
    assert office.stage.get("liaison", office.stage.outside["liaison"]).end_on is None


@pytest.mark.database
def test_a_failed_successor_ends_nobodys_term(office: Office) -> None:
    data = table(("社区", "姓名", "手机", "起始时间", "账号"), ("东栅社区", "李四", None, "2026-08-01", "liaison"))
    made = office.run("liaison", data, good_rows=True)
    assert counts(made) == {"failed": 1}
    assert one(office, "Liaison").end_on is None


def test_who_leaves_and_who_follows_may_stand_in_one_file(office: Office) -> None:
    data = table(
        ("社区", "姓名", "起始时间", "离任时间"),
        ("东栅社区", "胡秀珍", "2025-09-03", "2026-06-30"),
        ("东栅社区", "李四", "2026-07-01", "至今"),
    )
    assert counts(office.run("liaison", data)) == {"changed": 1, "new": 1}
    assert one(office, "Liaison").end_on == date(2026, 6, 30)
    assert counts(office.run("liaison", data)) == {"unchanged": 2}


def test_an_ended_term_is_known_by_its_first_or_last_day(office: Office) -> None:
    ended = {"name": "胡秀珍", "start_on": date(2020, 1, 1), "end_on": date(2021, 12, 31)}
    id_ = office.stage.add("liaison", **ended)
    labels = ("社区", "姓名", "起始时间", "离任时间", "备注")
    first = table(labels, ("东栅社区", "胡秀珍", "2020-01-01", None, "甲"))
    last = table(labels, ("东栅社区", "胡秀珍", None, "2021-12-31", "乙"))
    other = table(labels, ("东栅社区", "胡秀珍", "2022-01-01", "2022-12-31", "丙"))
    assert counts(office.run("liaison", first)) == {"changed": 1}
    assert office.stage.get("liaison", id_).note == "甲"
    assert counts(office.run("liaison", last)) == {"changed": 1}
    assert office.stage.get("liaison", id_).note == "乙"
    assert counts(office.run("liaison", other)) == {"new": 1}
    assert one(office, "Liaison").note is None


def test_a_term_that_ends_before_it_begins_fails_at_the_preview(office: Office) -> None:
    data = table(("社区", "姓名", "起始时间", "离任时间"), ("东栅社区", "李四", "2026-08-01", "2026-07-31"))
    ((row, _column, said),) = errors(office.plan("liaison", data))
    assert (row, said) == (2, "The term ends before it begins.")


def test_one_person_in_two_communities_is_a_warning(office: Office) -> None:
    office.stage.add("community", name="甲社区")
    office.stage.add("community", name="乙社区")
    data = table(("社区", "姓名", "手机"), ("甲社区", "李四", "13811112222"), ("乙社区", "李四", "138 1111 2222"))
    made = office.plan("liaison", data)
    assert counts(made) == {"new": 2}
    assert sentences(made.warnings) == ["李四 stands in more than one community (rows 2、3)."]
    alone = office.plan("liaison", table(("社区", "姓名", "手机"), ("甲社区", "胡秀珍", "13800001111")))
    assert sentences(alone.rows[0].notes) == ["胡秀珍 is in office in another community as well."]


# The officer on a roster.

ON_DUTY = ("社区", "姓名", "联居队员", "起始时间")


def test_the_officer_on_a_roster_gets_a_dated_assignment(office: Office) -> None:
    community = office.stage.add("community", name="甲社区")
    data = table(ON_DUTY, ("甲社区", "李四", "沈建平", "2026-06-01"))
    made = office.run("liaison", data)
    assert sentences(made.rows[0].notes) == ["沈建平 is assigned to the community from 2026-06-01."]
    new = all_of(office, "Assignment")[-1]
    assert (new.community_id, new.officer_id) == (community, office.stage.inside["officer"])
    assert (new.start_on, new.end_on) == (date(2026, 6, 1), None)
    assert counts(office.run("liaison", data)) == {"unchanged": 1}


def test_another_officer_on_a_roster_follows_the_one_assigned(office: Office) -> None:
    made = office.run("liaison", table(ON_DUTY, ("东栅社区", "胡秀珍", "何志远", None)))
    assert counts(made) == {"changed": 1}
    (change,) = made.rows[0].changes
    assert change[1:] == ("沈建平", "何志远")
    assert office.stage.get("assignment", office.stage.inside["assignment"]).end_on == today() - timedelta(days=1)
    new = all_of(office, "Assignment")[-1]
    assert (new.officer_id, new.start_on) == (office.stage.outside["officer"], today())
    assert counts(office.run("liaison", table(ON_DUTY, ("东栅社区", "胡秀珍", "何志远", None)))) == {"unchanged": 1}


def test_the_officer_who_is_assigned_already_stays(office: Office) -> None:
    assert counts(office.run("liaison", table(ON_DUTY, ("东栅社区", "胡秀珍", "沈建平", None)))) == {"unchanged": 1}
    assert len(all_of(office, "Assignment")) == 2


@pytest.mark.parametrize("who", ["无此人", "张三、李四", "沈建平"])
def test_an_officer_who_is_not_exactly_one_is_named_and_the_row_is_good(office: Office, who: str) -> None:
    office.stage.add("officer", name="沈建平", badge_no="B7")
    office.stage.add("community", name="甲社区")
    made = office.run("liaison", table(ON_DUTY, ("甲社区", "李四", who, None)))
    assert counts(made) == {"new": 1}
    (said,) = sentences(made.warnings)
    assert said.startswith("Row 2: ")
    assert who in said
    assert said.endswith("No officer was assigned.")
    assert len(all_of(office, "Assignment")) == 2


def test_an_officer_out_of_service_is_not_assigned(office: Office) -> None:
    office.stage.add("officer", name="王退休", active=False)
    office.stage.add("community", name="甲社区")
    made = office.run("liaison", table(ON_DUTY, ("甲社区", "李四", "王退休", None)))
    assert "The list of officers has no “王退休”. No officer was assigned." in sentences(made.warnings)[0]


def test_an_assignment_that_begins_later_is_left_alone(office: Office) -> None:
    community = office.stage.add("community", name="甲社区")
    later = {"community_id": community, "officer_id": office.stage.inside["officer"]}
    office.stage.add("assignment", **later, start_on=today() + timedelta(days=5), end_on=None)
    made = office.run("liaison", table(ON_DUTY, ("甲社区", "李四", "何志远", None)))
    assert counts(made) == {"new": 1}
    assert "begins today or later" in sentences(made.warnings)[0]


# Assignments of their own.


def test_an_assignment_is_known_by_community_officer_and_day(office: Office) -> None:
    labels = ("社区", "执法队员", "起始日期", "结束日期")
    same = table(labels, ("东栅社区", "沈建平", "2025-01-06", None))
    assert counts(office.run("assignment", same)) == {"unchanged": 1}
    assert counts(office.run("assignment", table(labels[:2], ("东栅社区", "沈建平")))) == {"unchanged": 1}
    ended = table(
        labels, ("东栅社区", "沈建平", "2025-01-06", "2026-07-31"), ("东栅社区", "何志远", "2026-08-01", None)
    )
    assert counts(office.run("assignment", ended)) == {"changed": 1, "new": 1}


@pytest.mark.database
def test_assignments_may_not_overlap_in_the_file_or_with_what_is_stored(office: Office) -> None:
    labels = ("社区", "执法队员", "起始日期", "结束日期")
    office.stage.add("community", name="甲社区")
    data = table(
        labels,
        ("甲社区", "沈建平", "2026-01-01", "2026-06-30"),
        ("甲社区", "何志远", "2026-06-30", None),
        ("东栅社区", "何志远", "2026-08-01", None),
        ("甲社区", "何志远", "2026-07-01", None),
    )
    made = office.plan("assignment", data)
    assert outcomes(made) == {2: "new", 3: "failed", 4: "failed", 5: "new"}


# All or nothing, or the good rows.


@pytest.mark.database
def test_one_failed_row_means_that_nothing_is_written(office: Office) -> None:
    data = roster(
        ("城东街道", "东栅社区", "李四", "13811112222", "2026-08-01"), ("城西街道", "西马桥社区", "王五", "1", None)
    )
    with pytest.raises(UserError):
        office.run("liaison", data)
    assert len(all_of(office, "Liaison")) == 2
    assert one(office, "Liaison").end_on is None
    assert counts(office.run("liaison", data, good_rows=True)) == {"new": 1, "failed": 1}


@pytest.mark.database
def test_values_that_must_be_unique_are_told_at_their_cell(office: Office) -> None:
    badge = office.stage.get("officer", office.stage.inside["officer"]).badge_no
    data = table(("姓名", "证号", "账号"), ("甲", "N1", "officer"), ("乙", "N2", "viewer"), ("丙", "N3", "viewer"))
    made = office.plan("officer", data)
    assert errors(made) == [
        (2, "账号", "Another record has this Account already."),
        (4, "账号", "Row 3 has the same value."),
    ]
    assert counts(office.plan("officer", table(("姓名", "证号"), ("改名", badge)))) == {"changed": 1}


@pytest.mark.database
def test_what_the_database_would_refuse_is_told_at_the_preview(office: Office) -> None:
    number = one(office, "Case").case_no
    data = table(
        ("案件编号", "类别", "执法队员", "第二名队员", "文书号", "金额（元）"),
        (number, "当场处罚", "沈建平", "沈大海", "罚 1 号", 200),
        (number, "当场处罚", "沈建平", None, "罚 2 号", 200),
        (number, "劝导", "沈建平", None, None, 200),
    )
    made = office.plan("action", data)
    assert [message for _row, _column, message in errors(made)] == [
        "Inspection and penalty need two officers.",
        "Only a penalty has an amount.",
    ]


@pytest.mark.database
def test_moments_are_compared_across_zones(office: Office) -> None:
    """What is stored is UTC, what is typed is the office's time. The case was accepted at 06:00 there, 22:00 here.

    The time of the report is locked by then, which is said only where the two moments stand in order.
    """
    number, day = one(office, "Case").case_no, today().isoformat()
    labels = ("案件编号", "社区", "问题描述", "上报时间")
    before = table(labels, (number, "东栅社区", "养鸡扰民", f"{day} 05:30"))
    ((_row, _column, said),) = errors(office.plan("case", before))
    assert said.startswith("It stays from acceptance on.")
    after = table(labels, (number, "东栅社区", "养鸡扰民", f"{day} 06:30"))
    ((_row, _column, said),) = errors(office.plan("case", after))
    assert said == "It can't be accepted before it was reported."


@pytest.mark.database
def test_a_comma_that_separates_no_thousands_fails_its_row(office: Office) -> None:
    """1,99 is not 199; the same holds for a cell of a workbook as for a form."""
    data = table(("街道", "名称", "户数"), ("城东街道", "东栅社区", "1,99"), ("城西街道", "西马桥社区", "1，999"))
    made = office.run("community", data, good_rows=True)
    assert outcomes(made) == {2: "failed", 3: "changed"}
    assert [(row, name) for row, name, _said in errors(made)] == [(2, "户数")]
    assert "thousands" in errors(made)[0][2]


@pytest.mark.database
def test_values_that_must_be_unique_together_are_told_at_the_preview(office: Office) -> None:
    """Also where they are not the key by which a row finds its record: here the record's number does."""
    stage = office.stage
    first, second, third, fourth = (stage.add("surveyentry", address=f"东塔路 {n} 号") for n in (1, 2, 3, 4))
    data = table(
        ("记录号", "地址"),
        (first, "东塔路 2 号"),
        (second, "东塔路 2 号"),
        (third, "东塔路 9 号"),
        (fourth, "东塔路 9 号"),
    )
    with using_locale("en"):
        made = office.plan("surveyentry", data)
    labels = "Community, Kind, Address"
    assert [(row, said) for row, _column, said in errors(made)] == [
        (2, f"Shop 东塔路 2 号 has the same {labels} already."),
        (5, f"Row 4 has the same {labels}."),
    ]
    assert outcomes(made) == {2: "failed", 3: "unchanged", 4: "changed", 5: "failed"}


def test_a_record_outside_ones_area_is_not_named(office: Office) -> None:
    stage = office.stage
    with stage.session() as session:
        theirs = session.get_one(models.Community, stage.outside["community"]).name
    inside = stage.inside["visit"]
    with stage.session() as session:
        day = session.get_one(models.Visit, inside).planned_on + timedelta(7)
        session.add(models.Visit(planned_on=day, community_id=stage.outside["community"]))
    data = table(("记录号", "计划日期", "社区"), (inside, day, theirs))
    with pytest.raises(AccessDenied) as refused:
        Office(stage, "officer").plan("visit", data)
    assert theirs not in str(refused.value.message), "who may not import is refused whole"
