"""What the words of an old ledger say of the state of a case, and what is asked where they don't fit its days."""

from __future__ import annotations

from typing import Any

import pytest

from models import CaseStatus
from tests.factories import Stage
from tests.workbooks import Office, sentences, table

LABELS = ("受理时间", "社区", "地点", "问题描述", "处理结果", "办结时间", "是否办结")
DAY, CLOSED = "2026-05-04", "2026-05-06"


def plan(stage: Stage, result: Any, closed: Any, word: Any = None, accepted: Any = DAY) -> Any:
    return Office(stage).plan("case", table(LABELS, (accepted, "东栅社区", "1 幢", "堆物", result, closed, word)))


@pytest.mark.parametrize("result", ["正在办理", "办理中", "在办", "未办结", "尚未处理", "待处理", "调解中。"])
def test_a_result_that_tells_of_work_under_way_leaves_the_case_to_be_handled(standing: Stage, result: str) -> None:
    made = plan(standing, result, None)
    assert (made.rows[0].values["status"], made.questions) == (CaseStatus.ACCEPTED, [])


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (None, CaseStatus.HANDLED),
        ("/", CaseStatus.HANDLED),
        ("否", CaseStatus.ACCEPTED),
        ("未办结", CaseStatus.ACCEPTED),
        ("正在化解", CaseStatus.ACCEPTED),
    ],
)
def test_the_word_for_the_state_says_whether_a_case_is_handled(standing: Stage, word: Any, state: CaseStatus) -> None:
    made = plan(standing, "上门劝导", None, word)
    assert (made.rows[0].values["status"], made.questions) == (state, [])


@pytest.mark.parametrize("word", ["是", "已办结", "已结案", "√", "按期办结"])
def test_a_closed_case_without_a_day_of_closing_is_asked_about(standing: Stage, word: str) -> None:
    asked = sentences([question.text for question in plan(standing, "上门劝导", None, word).questions])
    assert asked == [f"“{word}”, but there is no day of closing. The case would stay open."]
    assert plan(standing, "上门劝导", CLOSED, word).questions == []


def test_a_result_that_tells_of_the_closing_alone_is_asked_about(standing: Stage) -> None:
    assert plan(standing, "已办结", None).questions
    assert not plan(standing, "已办结", CLOSED).questions
    assert not plan(standing, "已清理", None).questions


@pytest.mark.parametrize(("result", "word"), [("上门劝导", "否"), ("正在办理", None)])
def test_an_open_case_with_a_day_of_closing_is_asked_about(standing: Stage, result: str, word: Any) -> None:
    asked = sentences([question.text for question in plan(standing, result, CLOSED, word).questions])
    assert asked == [f"“{word or result}”, but there is a day of closing. The case would be closed."]


@pytest.mark.parametrize(("accepted", "asked"), [("2016-05-04", True), ("1926-05-04", True), ("2025-05-04", False)])
def test_a_closing_years_after_acceptance_is_asked_about(standing: Stage, accepted: str, asked: bool) -> None:
    assert bool(plan(standing, "已清理", CLOSED, accepted=accepted).questions) is asked
