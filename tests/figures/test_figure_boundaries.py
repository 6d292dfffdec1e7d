"""What is counted on the very limit of a figure, and what is not: each limit from both sides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

import models
from bureau.calendar.periods import Span
from bureau.figures import sums
from bureau.figures.groups import Grouping, ReportQuery
from models import FeedbackTarget, MediationStatus, Performance, ReferralStatus
from tests.factories import Stage
from tests.ledgers import Course, local, make

pytestmark = pytest.mark.database

MAY = Span(date(2026, 5, 1), date(2026, 5, 31))
SECOND = timedelta(seconds=1)


def told(stage: Stage, figure: str, span: Span = MAY) -> tuple[int | None, int]:
    """How many of how many."""
    with stage.session() as session:
        value = sums.table(session, ReportQuery(span), Grouping.WHOLE).total.values[figure]
    return value.part, value.whole


def handled(stage: Stage, at: str, *more: tuple[str, str], accepted: str = "05-02 09:00") -> int:
    return make(stage, Course(accepted, [("handle", at), *more]))


@pytest.mark.parametrize(("closed", "in_time"), [("05-07 09:00", 1), ("05-07 09:01", 0)])
def test_closed_at_the_deadline_is_in_time(stage: Stage, closed: str, in_time: int) -> None:
    handled(stage, "05-03 09:00", ("close", closed))
    assert told(stage, "closing_in_time") == (in_time, 1)


@pytest.mark.parametrize(
    ("at", "counted"), [("04-30 23:59", 0), ("05-01 00:00", 1), ("05-31 23:59", 1), ("06-01 00:00", 0)]
)
def test_a_period_is_its_days_from_midnight_to_midnight(stage: Stage, at: str, counted: int) -> None:
    handled(stage, at, accepted="04-20 09:00")
    assert told(stage, "next_day")[1] == counted


@pytest.mark.parametrize(("at", "solved"), [("05-03 23:59", 1), ("05-04 00:00", 0)])
def test_the_next_day_ends_at_midnight(stage: Stage, at: str, solved: int) -> None:
    handled(stage, at)
    assert told(stage, "next_day") == (solved, 1)


def feedback(stage: Stage, case: int, at: datetime) -> None:
    with stage.session() as session:
        session.add(models.Feedback(case_id=case, target=FeedbackTarget.LIAISON, at=at, content="已告知"))


@pytest.mark.parametrize(
    ("at", "in_time"),
    [
        # Handled on a Wednesday at ten; one working day later the office closes at half past five.
        (local("05-07 17:30"), (1, 1)),
        (local("05-07 17:30") + SECOND, (0, 1)),
        (local("05-06 10:00"), (1, 1)),
        (local("05-06 09:59"), (0, 1)),
    ],
)
def test_feedback_is_in_time_from_the_handling_to_the_close_of_the_day(
    stage: Stage, at: datetime, in_time: tuple[int, int]
) -> None:
    feedback(stage, handled(stage, "05-06 10:00"), at)
    assert told(stage, "feedback") == in_time


@pytest.mark.parametrize(("later", "owed"), [(timedelta(), 0), (SECOND, 1)])
def test_feedback_is_owed_once_its_limit_is_over(stage: Stage, later: timedelta, owed: int) -> None:
    july = Span(date(2026, 7, 20), date(2026, 7, 31))
    handled(stage, "07-20 10:00", accepted="07-15 12:00")
    with time_machine.travel(local("07-21 17:30") + later, tick=False):
        assert told(stage, "feedback", july) == (0, owed)


def referral(stage: Stage, **values: Any) -> None:
    with stage.session() as session:
        given = {"case_id": stage.inside["case"], "department_id": stage.inside["department"]}
        given |= {"sent_at": local("05-04 09:00"), "reply": "已处理", "sign_due_at": local("05-06 17:30")}
        session.add(models.Referral(**given | values))


@pytest.mark.parametrize("done", ["signed_at", "replied_at"])
@pytest.mark.parametrize(("later", "in_time"), [(timedelta(), 1), (SECOND, 0)])
def test_signed_for_or_answered_at_the_limit_is_in_time(
    stage: Stage, done: str, later: timedelta, in_time: int
) -> None:
    moment = local("05-06 17:30") + later
    referral(stage, status=ReferralStatus.REPLIED, **{"replied_at": moment} | {done: moment})
    assert told(stage, "signing") == (in_time, 1)


@pytest.mark.parametrize(("later", "over"), [(timedelta(), 0), (SECOND, 1)])
def test_what_nobody_signs_for_counts_once_its_limit_is_over(stage: Stage, later: timedelta, over: int) -> None:
    with stage.session() as session:
        session.delete(session.get_one(models.Referral, stage.inside["referral"]))
    due = datetime(2026, 7, 17, 9, 30, tzinfo=UTC)
    referral(stage, status=ReferralStatus.SENT, reply=None, sign_due_at=due)
    with time_machine.travel(due + later, tick=False):
        assert told(stage, "signing") == (0, over)


@pytest.mark.parametrize(
    ("by", "owed"),
    [(date(2026, 7, 15), 0), (date(2026, 7, 14), 1), (date(2026, 7, 1), 1), (date(2026, 6, 30), 0)],
)
def test_an_agreement_is_owed_from_the_day_after_its_last_day(stage: Stage, by: date, owed: int) -> None:
    with stage.session() as session:
        session.add(
            models.Mediation(
                mediation_no="TJ-2026-900001",
                case_id=stage.inside["case"],
                party_a="张三",
                party_b="李四",
                dispute="冷库外机噪声",
                status=MediationStatus.AGREED,
                agreement="移机",
                perform_by=by,
                performance=Performance.PENDING,
            )
        )
    assert told(stage, "performance", Span(date(2026, 7, 1), date(2026, 7, 15))) == (0, owed)
