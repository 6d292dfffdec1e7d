"""The very moments at which a month's ledger says something else: each from both sides."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

import models
from bureau.calendar.month import Month
from bureau.cases.state import stepping
from models import Basis, CaseStatus
from tests.factories import Stage
from tests.ledgers import JUNE, MAY, Course, local, make, of, rows

pytestmark = pytest.mark.database

#: The last minute of May, and the first moment of June.
LAST, FIRST = "05-31 23:59", "06-01 00:00"


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize(("closed", "on_time"), [("05-07 09:00", "是"), ("05-07 09:01", "否")])
def test_a_case_closed_at_its_deadline_is_in_time(stage: Stage, basis: Basis, closed: str, on_time: str) -> None:
    id_ = make(stage, Course("05-02 09:00", [("handle", "05-03 09:00"), ("close", closed)], days=5))
    assert of(rows(stage, MAY, basis), id_).on_time == on_time


@pytest.mark.parametrize(
    ("accepted", "month", "on_time", "in_month"),
    [
        ("05-26 23:59", MAY, "否", True),
        ("05-27 00:00", MAY, "", False),
        ("05-27 00:00", JUNE, "否", True),
        ("05-26 23:59", JUNE, "否", False),
    ],
)
def test_a_deadline_at_midnight_belongs_to_the_month_that_begins(
    stage: Stage, accepted: str, month: Month, on_time: str, *, in_month: bool
) -> None:
    id_ = make(stage, Course(accepted, days=5))
    row = of(rows(stage, month), id_)
    assert (row.on_time, row.due_in_month) == (on_time, in_month)


@pytest.mark.parametrize(("seconds", "on_time"), [(0, ""), (1, "否")])
def test_in_a_month_that_runs_a_deadline_is_over_a_moment_after_it(stage: Stage, seconds: int, on_time: str) -> None:
    id_ = make(stage, Course("07-14 09:30", days=5))
    with time_machine.travel(local("07-19 09:30") + timedelta(seconds=seconds), tick=False):
        assert of(rows(stage, Month(2026, 7)), id_).on_time == on_time


@pytest.mark.parametrize(("at", "told"), [(LAST, True), (FIRST, False)])
def test_what_happens_at_the_end_of_a_month_belongs_to_it_and_at_midnight_to_the_next(
    stage: Stage, at: str, *, told: bool
) -> None:
    id_ = make(stage, Course("05-30 09:00", [("handle", at)]))
    with stage.session() as session:
        session.add_all(
            [
                models.Referral(case_id=id_, department_id=stage.inside["department"], sent_at=local(at)),
                models.Feedback(case_id=id_, target=models.FeedbackTarget.LIAISON, at=local(at), content="已告知"),
            ]
        )
    row = of(rows(stage), id_)
    assert (row.outcome, bool(row.result)) == (("劝导", True) if told else ("", False))
    assert (row.departments, row.fed_back_at) == (("公安交警", local(at)) if told else ("", None))


@pytest.mark.parametrize(
    ("at", "standing", "remark"), [(LAST, CaseStatus.VOIDED, "作废"), (FIRST, CaseStatus.HANDLING, "在办")]
)
def test_a_case_that_ends_at_midnight_was_open_when_the_month_ended(
    stage: Stage, at: str, standing: CaseStatus, remark: str
) -> None:
    id_ = make(stage, Course("05-30 09:00", [("void", at)]))
    row = of(rows(stage), id_)
    assert (row.standing, row.remark) == (standing, remark)


@pytest.mark.parametrize(("at", "there"), [(LAST, False), (FIRST, True)])
def test_a_case_that_ends_at_midnight_is_carried_over(stage: Stage, at: str, *, there: bool) -> None:
    id_ = make(stage, Course("05-20 09:00", [("handle", "05-21 09:00"), ("close", at)]))
    found = [row for row in rows(stage, JUNE) if row.case_id == id_]
    assert [(row.carried, row.closed_at) for row in found] == ([(True, local(at))] if there else [])


@pytest.mark.parametrize(
    ("at", "due", "remark"),
    [(LAST, "06-03 23:59", "05-31重启；在办"), (FIRST, "05-07 09:00", "")],
    ids=["last", "first"],
)
def test_a_case_reopened_at_midnight_keeps_the_deadline_of_its_closure_in_the_month_before(
    stage: Stage, at: str, due: str, remark: str
) -> None:
    id_ = make(stage, Course("05-02 09:00", [("close", "05-05 09:00"), ("reopen", at)]))
    row = of(rows(stage), id_)
    assert (row.due_at, row.remark) == (local(due), remark)
    assert row.closed_at == (None if remark else local("05-05 09:00"))


@pytest.mark.parametrize(
    ("at", "remark", "reopened", "carried"),
    [(LAST, "上月结转；在办", False, True), (FIRST, "06-01重启；在办", True, False)],
)
def test_a_case_reopened_at_midnight_is_reopened_in_the_month_that_begins(
    stage: Stage, at: str, remark: str, *, reopened: bool, carried: bool
) -> None:
    id_ = make(stage, Course("05-02 09:00", [("close", "05-05 09:00"), ("reopen", at)]))
    row = of(rows(stage, JUNE), id_)
    assert (row.remark, row.reopened, row.carried) == (remark, reopened, carried)


@pytest.mark.parametrize(("at", "month"), [(LAST, MAY), (FIRST, JUNE)])
def test_an_old_case_is_closed_in_the_month_of_the_time_that_it_carries(stage: Stage, at: str, month: Month) -> None:
    id_ = make(stage, Course("05-02 09:00", values={"historic": True}))
    with stage.session() as session, stepping():
        case = session.get_one(models.Case, id_)
        case.status, case.closed_at = CaseStatus.CLOSED, local(at)
    found = [each for each in (MAY, JUNE) if any(row.case_id == id_ for row in rows(stage, each, Basis.CLOSED))]
    assert found == [month]
