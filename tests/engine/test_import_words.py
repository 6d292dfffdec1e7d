"""Words of a file that nobody knows: asked about once for all rows, answered, remembered, forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

import models
from panel.errors import UserError
from panel.imports import words
from panel.imports.plans import Plan
from panel.imports.questions import Question
from panel.imports.records import WordMap
from panel.security.policy import Permission
from tests.factories import ROLES_BY_NAME, Stage
from tests.workbooks import Office, counts, errors, outcomes, sentences, table

CASE = ("社区", "地点", "问题描述", "来源")


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def reports(*sources: str) -> bytes:
    return table(CASE, *[("东栅社区", f"{n} 幢", "楼道堆物", source) for n, source in enumerate(sources, 1)])


def asked(plan: Plan) -> dict[str, Question]:
    return {question.key: question for question in plan.questions}


def answers(question: Question) -> list[str]:
    return [offer.answer for offer in question.offers]


@pytest.mark.parametrize("word", ["12345热线", "市民热线", "热线", "12345", "12345 hotline"])
def test_a_common_word_means_its_choice(office: Office, word: str) -> None:
    made = office.plan("case", reports(word))
    assert [row.values["source"] for row in made.rows] == [models.Source.HOTLINE]
    assert not made.questions


def test_an_unknown_word_of_a_choice_is_one_question_for_all_its_rows(office: Office) -> None:
    made = office.plan("case", reports("网格上报", "巡查发现", "网格上报"))
    assert outcomes(made) == {2: "failed", 3: "new", 4: "failed"}
    question = asked(made)["source:网格上报"]
    assert (question.column, question.header, question.row) == ("D", "来源", None)
    assert answers(question) == [*(source.value for source in models.Source), "", words.LEAVE_OUT]
    assert sentences([question.text]) == ["Source “网格上报”: what does it mean? (2 rows, the first is 2)"]


def test_nothing_is_written_while_a_word_is_asked_about(office: Office) -> None:
    before = office.stage.count("case")
    with pytest.raises(UserError):
        office.run("case", reports("网格上报", "居民投诉"), good_rows=True)
    assert office.stage.count("case") == before


@pytest.mark.database
def test_an_answer_counts_for_every_row_and_is_remembered(office: Office) -> None:
    made = office.run("case", reports("网格上报", "网格上报"), replace={"source": {"网格上报": "patrol"}})
    assert [row.values["source"] for row in made.rows] == [models.Source.PATROL] * 2
    later = office.plan("case", table(CASE, ("东栅社区", "9 幢", "占道", "网格上报")))
    assert [row.values["source"] for row in later.rows] == [models.Source.PATROL]
    assert later.used_words == {("source", "网格上报"): "patrol"}
    other = office.plan("case", reports("网格上报"), replace={"source": {"网格上报": "other"}})
    assert [row.values["source"] for row in other.rows] == [models.Source.OTHER], "an answer given now counts more"


def test_a_remembered_answer_is_replaced_by_a_later_one_and_can_be_forgotten(office: Office) -> None:
    for n, meaning in enumerate(("patrol", "superior")):
        data = table(CASE, ("东栅社区", f"{n} 幢", "占道", "网格上报"))
        office.run("case", data, replace={"source": {"网格上报": meaning}})
    with office.stage.session() as session:
        assert session.execute(sa.select(WordMap.word, WordMap.meaning)).all() == [("网格上报", "superior")]
        words.forget(session, models.Case, "source", "网格上报")
    assert "source:网格上报" in asked(office.plan("case", reports("网格上报")))


def test_a_cell_can_be_left_empty_or_its_rows_left_out(office: Office) -> None:
    data = table(("社区", "姓名", "性别"), ("东栅社区", "李新", "未知"), ("西马桥社区", "王新", "女"))
    assert answers(asked(office.plan("liaison", data))["gender:未知"]) == ["male", "female", "", words.LEAVE_OUT]
    empty = office.plan("liaison", data, replace={"gender": {"未知": ""}})
    assert (counts(empty), empty.questions) == ({"new": 2}, [])
    left = office.run("liaison", data, replace={"gender": {"未知": words.LEAVE_OUT}}, good_rows=True)
    assert (outcomes(left), left.questions) == ({2: "failed", 3: "new"}, [])
    assert "gender:未知" in asked(office.plan("liaison", data)), "what is left out is not remembered"


def test_yes_and_no_are_a_closed_list_too(office: Office) -> None:
    data = table(("姓名", "在岗"), ("新队员", "借调"))
    (question,) = office.plan("officer", data).questions
    assert (question.key, answers(question)[:2]) == ("active:借调", ["是", "否"])
    made = office.plan("officer", data, replace={"active": {"借调": "否"}})
    assert [row.values["active"] for row in made.rows] == [False]


def test_a_row_that_fails_for_another_reason_asks_nothing(office: Office) -> None:
    data = table(("社区", "姓名", "性别", "手机"), ("东栅社区", "李新", "未知", "1380573"))
    made = office.plan("liaison", data)
    assert (len(errors(made)), made.questions) == (2, [])


def test_a_column_of_free_text_is_no_list_of_words(office: Office) -> None:
    many = office.plan("case", reports(*(f"来源{n}" for n in range(words.MOST_WORDS + 1))))
    assert (counts(many), many.questions) == ({"failed": words.MOST_WORDS + 1}, [])
    long = office.plan("case", reports("据居民反映该处长期堆放杂物影响通行请尽快安排人员到场处理为盼谢谢"))
    assert (counts(long), long.questions) == ({"failed": 1}, [])


@pytest.mark.parametrize("name", ["南湖中队", "南湖", "南湖中队/望河", "南湖大队二中队"])
def test_a_squad_that_is_like_another_is_asked_about(office: Office, name: str) -> None:
    data = table(("姓名", "分队"), ("新队员", name))
    for options in ({}, {"create_missing": True}):
        question = asked(office.plan("officer", data, **options))[f"squad:{name}"]
        assert answers(question)[0] == "南湖分队"
        assert answers(question)[-3:] == [name, "", words.LEAVE_OUT]


def test_the_answer_names_the_squad_or_adds_it(office: Office) -> None:
    data = table(("姓名", "分队"), ("新队员", "南湖中队"))
    known = office.plan("officer", data, replace={"squad": {"南湖中队": "南湖分队"}})
    assert [row.values["squad_id"] for row in known.rows] == [office.stage.inside["squad"]]
    added = office.run("officer", data, replace={"squad": {"南湖中队": "南湖中队"}})
    assert added.creating == {"squad": ["南湖中队"]}
    with office.stage.session() as session:
        assert not session.execute(sa.select(WordMap)).all(), "the squad is there now: nothing to remember"
    assert counts(office.plan("officer", data)) == {"unchanged": 1}


@pytest.mark.parametrize("name", ["桐溪分队", "城北分队", "机动中队"])
def test_a_squad_like_no_other_is_simply_not_there(office: Office, name: str) -> None:
    made = office.plan("officer", table(("姓名", "分队"), ("新队员", name)))
    assert (made.questions, made.creatable) == ([], {"squad": [name]})
    assert counts(office.plan("officer", table(("姓名", "分队"), ("新队员", name)), create_missing=True)) == {"new": 1}


def test_whoever_may_not_add_a_squad_is_not_offered_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    role = ROLES_BY_NAME["office"]
    grants = {**role.grants, models.Squad: frozenset({Permission.READ})}
    monkeypatch.setitem(stage.panel.policy.roles, "office", replace(role, grants=grants))
    data = table(("名称", "街道", "分队"), ("甲社区", "城东街道", "南湖中队"))
    question = asked(Office(stage, "office").plan("community", data))["squad:南湖中队"]
    assert "南湖中队" not in answers(question)


def test_an_item_that_nobody_knows_is_asked_about_with_the_likeliest_first(office: Office) -> None:
    office.stage.add("checklistitem", code="FW07", name="邻里噪声")
    labels = ("社区", "地点", "问题描述", "清单事项")
    data = table(labels, ("东栅社区", "1 幢", "夜里吵", "噪声扰邻"))
    question = asked(office.plan("case", data))["item:噪声扰邻"]
    assert (answers(question)[0], str(question.offers[0].label)) == ("FW07", "FW07 邻里噪声")
    made = office.run("case", data, replace={"item": {"噪声扰邻": "FW07"}})
    assert counts(made) == {"new": 1}
    assert counts(office.plan("case", table(labels, ("东栅社区", "2 幢", "夜里吵", "噪声扰邻")))) == {"new": 1}


def test_a_misspelt_community_fails_in_its_row_with_what_may_be_meant(office: Office) -> None:
    """It names a place and is no word of a list: each row is corrected by itself."""
    made = office.plan("liaison", table(("社区", "姓名"), ("西马乔社区", "李四")))
    assert (made.questions, made.rows[0].errors[0].suggestion) == ([], "西马桥社区")
    data = table(("社区", "姓名"), ("西马乔社区", "李四"))
    office.run("liaison", data, replace={"community": {"西马乔社区": "西马桥社区"}})
    with office.stage.session() as session:
        assert not session.execute(sa.select(WordMap)).all(), "a slip of the pen is not remembered"


def old(**cells: Any) -> bytes:
    usual = {"受理时间": "2025-05-01", "社区": "东栅社区", "问题描述": "夜间噪声", "办结时间": "2025-05-02 10:00"}
    given = {**usual, **cells}
    return table(tuple(given), tuple(given.values()))


@pytest.mark.database
def test_a_closed_old_case_keeps_the_words_of_its_item_and_source(office: Office) -> None:
    data = old(事项="噪音扰民", 来源="网格上报")
    made = office.run("case", data)
    assert (counts(made), made.questions) == ({"new": 1}, [])
    case = office.stage.get("case", made.rows[0].id or 0)
    assert (case.item_id, case.item_name) == (None, "噪音扰民")
    assert (case.source, case.source_name) == (models.Source.OTHER, "网格上报")
    assert sentences(made.rows[0].notes)[:2] == [
        "Checklist item 噪音扰民: kept as written.",
        "Source 网格上报: kept as written.",
    ]
    assert counts(office.run("case", data)) == {"unchanged": 1}


def test_two_old_cases_of_a_day_differ_by_their_items_words(office: Office) -> None:
    labels = ("受理时间", "社区", "问题描述", "事项", "办结时间")
    rows = [("2025-05-01", "东栅社区", "甲", item, "2025-05-02 10:00") for item in ("噪音扰民", "僵尸车")]
    assert counts(office.run("case", table(labels, *rows))) == {"new": 2}
    assert counts(office.run("case", table(labels, *rows))) == {"unchanged": 2}


def test_an_open_old_case_is_asked_about(office: Office) -> None:
    made = office.plan("case", old(事项="噪音扰民", 来源="网格上报", 办结时间=None))
    assert set(asked(made)) == {"item:噪音扰民", "source:网格上报"}


def test_an_answer_about_an_item_counts_for_closed_old_cases_too(office: Office) -> None:
    made = office.run("case", old(事项="噪音扰民"), replace={"item": {"噪音扰民": "ZF03"}})
    case = office.stage.get("case", made.rows[0].id or 0)
    assert (case.item_id, case.item_name) == (office.stage.inside["checklistitem"], None)
