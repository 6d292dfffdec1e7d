"""A person isn't ended by a misreading: who leaves is listed, and what is in doubt is asked about row by row."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from panel.errors import UserError
from panel.imports.doubts import MANY_ENDINGS, MOST_QUESTIONS
from panel.imports.plans import Plan
from panel.kinds import today
from tests.factories import Stage
from tests.workbooks import Office, Page, counts, errors, outcomes, sentences, table, workbook

LABELS = ("街道", "社区", "姓名", "手机")
STANDING = "胡秀珍"
LONG_AGO = date(2020, 1, 1)


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def asked(plan: Plan) -> dict[str, list[str]]:
    """What is asked about each row, and the possible answers."""
    return {question.key: [offer.answer for offer in question.offers] for question in plan.questions}


def texts(plan: Plan) -> list[str]:
    return sentences([question.text for question in plan.questions])


def liaisons(stage: Stage) -> list[tuple[str, bool]]:
    """Names of the liaisons of the inner community, and whether they are in office."""
    with stage.session() as session:
        query = sa.select(models.Liaison.name, models.Liaison.end_on).order_by(models.Liaison.id)
        rows = session.execute(query.where(models.Liaison.community_id == stage.inside["community"]))
        return [(name, end is None) for name, end in rows]


def mobile(stage: Stage) -> str:
    return str(stage.get("liaison", stage.inside["liaison"]).mobile)


def test_a_plain_succession_is_listed_and_not_asked_about(office: Office) -> None:
    made = office.plan("liaison", table(LABELS, ("城东街道", "东栅社区", "李四", "13900000001")))
    (ending,) = made.endings
    assert (ending.name, ending.place, ending.until) == (STANDING, "东栅社区", today() - timedelta(days=1))
    assert sentences([ending.why]) == ["李四 follows. 李四 takes over: Open cases 1."]
    assert made.questions == []


def test_the_mobile_of_the_one_in_office_asks_whether_the_name_was_corrected(office: Office) -> None:
    data = table(LABELS, ("城东街道", "东栅社区", "吴秀贞", mobile(office.stage)))
    made = office.plan("liaison", data)
    assert asked(made) == {"Sheet1!2": ["Sheet1!2", "Sheet1!2=corrected", "Sheet1!2=skip"]}
    assert texts(made) == [f"吴秀贞 has the mobile number of {STANDING}. Was the name corrected?"]
    with pytest.raises(UserError):
        office.run("liaison", data)
    assert liaisons(office.stage) == [(STANDING, True)]


@pytest.mark.parametrize("name", ["胡秀贞", "胡珍", "胡秀珍珍"])
def test_a_name_that_differs_in_one_character_is_asked_about_too(office: Office, name: str) -> None:
    made = office.plan("liaison", table(("社区", "姓名"), ("东栅社区", name)))
    assert texts(made) == [f"{name} and {STANDING} differ in one character. Was the name corrected?"]


@pytest.mark.parametrize("name", ["吴秀珍", "胡国珍明", "胡丽华", "珍秀胡", "李四"])
def test_another_name_is_another_person(office: Office, name: str) -> None:
    assert office.plan("liaison", table(("社区", "姓名"), ("东栅社区", name))).questions == []


@pytest.mark.parametrize("said", ["2=corrected", "Sheet1!2=corrected"])
def test_a_corrected_name_leaves_the_person_in_office(office: Office, said: str) -> None:
    before = office.stage.inside["liaison"]
    data = table(LABELS, ("城东街道", "东栅社区", "胡秀贞", "13900000001"))
    made = office.run("liaison", data, confirmed=frozenset({said}))
    assert (counts(made), made.endings, made.questions) == ({"changed": 1}, [], [])
    assert made.rows[0].id == before
    assert liaisons(office.stage) == [("胡秀贞", True)]
    assert mobile(office.stage) == "13900000001"


@pytest.mark.parametrize("said", ["2", "Sheet1!2", "all"])
def test_a_confirmed_row_is_written_as_it_stands(office: Office, said: str) -> None:
    data = table(("社区", "姓名"), ("东栅社区", "胡秀贞"))
    assert counts(office.run("liaison", data, confirmed=frozenset({said}))) == {"new": 1}
    assert liaisons(office.stage) == [(STANDING, False), ("胡秀贞", True)]


def test_a_row_that_is_left_out_fails_and_the_others_are_written(office: Office) -> None:
    data = table(("社区", "姓名"), ("东栅社区", "胡秀贞"), ("西马桥社区", "王新"))
    made = office.run("liaison", data, confirmed=frozenset({"2=skip"}), good_rows=True)
    assert (outcomes(made), [ending.row for ending in made.endings]) == ({2: "failed", 3: "new"}, [3])
    assert errors(made) == [(2, "", "Left out, as was answered.")]
    assert liaisons(office.stage) == [(STANDING, True)]


def test_an_answer_about_one_row_counts_more_than_one_about_all(office: Office) -> None:
    data = table(("社区", "姓名"), ("东栅社区", "胡秀贞"))
    made = office.plan("liaison", data, confirmed=frozenset({"all", "2=skip"}))
    assert outcomes(made) == {2: "failed"}


def test_an_officer_as_a_successor_is_asked_about(office: Office) -> None:
    """The column of the officers may have been taken for that of the liaisons."""
    officer = office.stage.get("officer", office.stage.inside["officer"]).name
    made = office.plan("liaison", table(("社区", "姓名"), ("东栅社区", officer)))
    assert texts(made) == [f"{officer} is an officer. Is the column of names the right one?"]


def test_one_name_for_many_communities_may_be_a_word(office: Office) -> None:
    with office.stage.session() as session:
        street = session.get_one(models.Street, office.stage.inside["street"])
        for n in range(3):
            community = models.Community(name=f"新{n}社区", street=street)
            session.add(models.Liaison(name="赵" + chr(ord("明") + n), community=community, start_on=LONG_AGO))
    made = office.plan("liaison", table(("社区", "姓名"), *((f"新{n}社区", "社区干部") for n in range(3))))
    assert texts(made) == ["社区干部 would take over 3 communities. Is this a name?"] * 3


@pytest.mark.parametrize("street", ["城西街道", "不存在街道"])
def test_a_street_that_is_not_the_communitys_is_asked_about(office: Office, street: str) -> None:
    made = office.plan("liaison", table(LABELS, (street, "东栅社区", "李四", None)))
    assert asked(made) == {"Sheet1!2": ["Sheet1!2", "Sheet1!2=skip"]}
    assert texts(made) == [f"Community “东栅社区” isn't in {street}."]


@pytest.mark.parametrize("street", ["城东", "城东街道办", "城东街道办事处", "南湖区城东街道", "嘉兴市南湖区城东"])
def test_a_street_may_be_written_shorter_or_with_its_district(office: Office, street: str) -> None:
    assert office.plan("liaison", table(LABELS, (street, "东栅社区", "李四", None))).questions == []


def test_a_sheet_named_after_another_street_is_asked_about(office: Office) -> None:
    rows = [("社区", "姓名"), ("东栅社区", "李四")]
    assert texts(office.plan("liaison", workbook({"城西街道": Page(rows)})))
    for name in ("城东街道", "城东", "三月", "名单"):
        assert office.plan("liaison", workbook({name: Page(rows)})).questions == []


def test_what_is_stored_already_is_not_asked_about(office: Office) -> None:
    assert office.plan("liaison", table(LABELS, ("城西街道", "东栅社区", STANDING, None))).questions == []


def test_a_street_of_a_closed_old_case_is_only_noted(office: Office) -> None:
    labels = ("受理时间", "街道", "社区", "问题描述", "办结时间")
    made = office.plan("case", table(labels, ("2025-05-01", "老街道", "东栅社区", "甲", "2025-05-02 10:00")))
    assert (counts(made), made.questions) == ({"new": 1}, [])
    assert "Community “东栅社区” isn't in 老街道." in sentences(made.rows[0].notes)


def test_a_community_that_was_merged_away_is_refused(office: Office) -> None:
    with office.stage.session() as session:
        ended = sa.update(models.Community).where(models.Community.id == office.stage.inside["community"])
        session.execute(ended.values(status=models.CommunityStatus.CLOSED))
    made = office.plan("liaison", table(("社区", "姓名"), ("东栅社区", "李四")))
    assert errors(made) == [(2, "社区", "东栅社区 is no longer in use. Choose another.")]
    report = office.plan("case", table(("社区", "地点", "问题描述"), ("东栅社区", "1 幢", "堆物")))
    assert errors(report) == [(2, "社区", "东栅社区 is merged or closed. Choose another community.")]
    labels = ("受理时间", "社区", "问题描述", "办结时间")
    old = office.plan("case", table(labels, ("2025-05-01", "东栅社区", "甲", "2025-05-02 10:00")))
    assert old.questions == [], "an old case may be of a community of that time"
    assert office.plan("liaison", table(("社区", "姓名"), ("东栅社区", STANDING))).questions == []


@pytest.mark.parametrize("name", ["community", "officer"])
def test_a_changed_squad_is_asked_about(office: Office, name: str) -> None:
    record: Any = office.stage.get(name, office.stage.inside[name])
    data = table(("街道", "名称", "分队"), ("城东街道", record.name, "城西分队"))
    if name == "officer":
        data = table(("姓名", "执法证号", "分队"), (record.name, record.badge_no, "城西分队"))
    assert texts(office.plan(name, data)) == ["The squad changes from 南湖分队 to 城西分队."]
    assert counts(office.run(name, data, confirmed=frozenset({"2"}))) == {"changed": 1}
    assert office.plan(name, data).questions == []


def test_whoever_is_no_longer_in_service_is_listed(office: Office) -> None:
    office.stage.add("officer", name="王退休", badge_no="B77")
    made = office.plan("officer", table(("姓名", "执法证号", "在岗"), ("王退休", "B77", "否")))
    assert [(ending.table, ending.name) for ending in made.endings] == [("officer", "王退休")]


def test_a_last_day_in_the_file_is_listed_with_its_reason(office: Office) -> None:
    data = table(("社区", "姓名", "离任时间"), ("东栅社区", STANDING, "2026-06-30"))
    made = office.plan("liaison", data)
    assert sentences([ending.why for ending in made.endings]) == ["The file gives this last day."]
    (asking,) = made.questions
    assert sentences([asking.text]) == [f"{STANDING} leaves without a successor and still holds: Open cases 1."]
    assert asked(made) == {"Sheet1!2": ["Sheet1!2", "Sheet1!2=skip"]}
    assert office.plan("liaison", data, skip_existing=True).endings == []


def filled(office: Office, count: int) -> list[tuple[str, str]]:
    """Rows of successors in new communities whose liaisons are in office."""
    with office.stage.session() as session:
        street = session.get_one(models.Street, office.stage.inside["street"])
        for n in range(count):
            community = models.Community(name=f"里{n:03}社区", street=street)
            session.add(models.Liaison(name="赵" + chr(ord("明") + n), community=community, start_on=LONG_AGO))
    return [(f"里{n:03}社区", "李" + chr(ord("明") + n)) for n in range(count)]


def test_a_file_that_would_end_very_many_people_is_asked_about_as_a_whole(office: Office) -> None:
    rows = filled(office, MANY_ENDINGS)
    made = office.plan("liaison", table(("社区", "姓名"), *rows))
    assert asked(made) == {"endings": ["endings", "endings=skip"]}
    for said in ("endings", "all"):
        assert office.plan("liaison", table(("社区", "姓名"), *rows), confirmed=frozenset({said})).questions == []
    left = office.plan("liaison", table(("社区", "姓名"), *rows), confirmed=frozenset({"endings=skip"}))
    assert (counts(left), left.endings) == ({"failed": MANY_ENDINGS}, [])
    assert office.plan("liaison", table(("社区", "姓名"), *rows[1:])).questions == [], "seen at a glance"


def test_a_few_of_a_long_roster_are_only_listed(office: Office) -> None:
    rows = filled(office, MANY_ENDINGS)
    with office.stage.session() as session:
        street = session.get_one(models.Street, office.stage.inside["street"])
        session.add_all(models.Community(name=f"外{n:03}社区", street=street) for n in range(2 * MANY_ENDINGS))
    rows += [(f"外{n:03}社区", "王" + chr(ord("明") + n)) for n in range(2 * MANY_ENDINGS)]
    made = office.plan("liaison", table(("社区", "姓名"), *rows))
    assert (len(made.endings), made.questions) == (MANY_ENDINGS, [])


def test_very_many_rows_in_doubt_are_one_question(office: Office) -> None:
    count = MOST_QUESTIONS + 1
    rows = [("东栅社区", "城西街道", f"{n} 幢", "堆物") for n in range(count)]
    data = table(("社区", "街道", "地点", "问题描述"), *rows)
    made = office.plan("case", data)
    assert asked(made) == {"all": ["all", "all=skip"]}
    assert texts(made)[0].startswith(f"{count} rows are in doubt, the first is 2: ")
    assert counts(office.plan("case", data, confirmed=frozenset({"all=skip"}))) == {"failed": count}
