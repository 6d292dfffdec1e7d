"""A deadline is kept up to and at its moment, and over right after it: wherever the panel says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

import models
from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.calendar.month import Month
from bureau.notices import reminders
from bureau.notices.reminders import Kind
from bureau.registers import referrals
from bureau.registers.referrals import ReferralLine
from models import Case, CaseStatus, LimitUnit, Referral, ReferralStatus
from panel.i18n import using_locale
from tests import steps
from tests.factories import Stage

pytestmark = pytest.mark.database

#: A Friday at half past five, when the office closes; two days after the clock of the tests.
DUE = datetime(2026, 7, 17, 9, 30, tzinfo=UTC)
BOTH = pytest.mark.parametrize(("seconds", "over"), [(0, False), (1, True)])


def at(seconds: int) -> time_machine.travel:
    return time_machine.travel(DUE + timedelta(seconds=seconds), tick=False)


def reminded(stage: Stage, id_: int) -> set[Kind]:
    with stage.session() as session:
        return {one.kind for one in reminders.due(session) if one.case_id == id_}


def listed(stage: Stage, table: str, quick: str, number: str) -> bool:
    return number in stage.browse("office").get(f"/admin/{table}/?is={quick}").text


@BOTH
def test_of_a_case(stage: Stage, seconds: int, *, over: bool) -> None:
    id_ = steps.new_case(stage, CaseStatus.HANDLING, "officer", due_at=DUE)
    number = stage.get("case", id_).case_no
    with at(seconds):
        assert (Kind.OVERDUE in reminded(stage, id_)) is over
        assert listed(stage, "case", "overdue", number) is over
        with stage.session() as session, using_locale("en"):
            calendar, moment = Calendar.load(session), DUE + timedelta(seconds=seconds)
            light = deadlines.light(moment, DUE - timedelta(days=3), DUE, LimitUnit.WORKING_DAY, calendar)
            assert (light == "red") is over
            assert (str(deadlines.words(moment, DUE, None, calendar)) != "Today 17:30") is over
            assert str(deadlines.words(moment, DUE, moment, calendar)) == ("Late" if over else "In time")


def referral(stage: Stage, case: int, **values: Any) -> int:
    with stage.session() as session:
        one = session.scalars(sa.select(Referral).where(Referral.case_id == case)).one()
        one.sent_at = DUE - timedelta(days=3)
        for name, value in values.items():
            setattr(one, name, value)
        return one.id


def line(stage: Stage, case: int) -> ReferralLine:
    """The referral's line in the register of July."""
    with stage.session() as session:
        number = session.get_one(Case, case).case_no
        found = referrals.referrals(session, Month(2026, 7), Month(2026, 7))
    return next(one for one in found if one.case_no == number)


@pytest.mark.parametrize(
    ("due", "late", "kind", "quick"),
    [
        ("sign_due_at", "sign_late", Kind.SIGN_LATE, "unsigned"),
        ("reply_due_at", "reply_late", Kind.REPLY_LATE, "late"),
    ],
)
@BOTH
def test_of_a_department_that_has_not_answered(
    stage: Stage, seconds: int, due: str, late: str, kind: Kind, quick: str, *, over: bool
) -> None:
    id_ = steps.new_case(stage, CaseStatus.REFERRED, "officer", due_at=DUE + timedelta(days=30))
    far = DUE + timedelta(days=10)
    referral(stage, id_, status=ReferralStatus.SENT, **{"sign_due_at": far, "reply_due_at": far} | {due: DUE})
    number = stage.get("case", id_).case_no
    with at(seconds):
        assert reminded(stage, id_) == ({kind} if over else set())
        assert listed(stage, "referral", quick, number) is over
        assert getattr(line(stage, id_), late) is over
        page = stage.browse("office").get("/admin/referral/").text
        assert ("今天 17:30" not in page) is over
        assert ("签收：今天 17:30 前" in page) is (due == "sign_due_at" and not over)


@BOTH
def test_of_a_department_that_has_not_even_signed(stage: Stage, seconds: int, *, over: bool) -> None:
    """Its answer that is late is told instead of its signature."""
    id_ = steps.new_case(stage, CaseStatus.REFERRED, "officer", due_at=DUE + timedelta(days=30))
    referral(stage, id_, status=ReferralStatus.SENT, sign_due_at=DUE - timedelta(days=1), reply_due_at=DUE)
    with at(seconds):
        assert reminded(stage, id_) == {Kind.REPLY_LATE if over else Kind.SIGN_LATE}


@pytest.mark.parametrize(
    ("due", "done", "late"), [("sign_due_at", "signed_at", "sign_late"), ("reply_due_at", "replied_at", "reply_late")]
)
@BOTH
def test_of_a_department_that_has_answered(
    stage: Stage, seconds: int, due: str, done: str, late: str, *, over: bool
) -> None:
    id_ = steps.new_case(stage, CaseStatus.REFERRED, "officer")
    far = DUE + timedelta(days=10)
    answered = DUE + timedelta(seconds=seconds)
    given = {"sign_due_at": far, "reply_due_at": far, "signed_at": DUE - timedelta(days=1), "replied_at": answered}
    kept = referral(stage, id_, status=ReferralStatus.REPLIED, reply="已处理", **given | {due: DUE, done: answered})
    with at(3600):
        assert getattr(line(stage, id_), late) is over
        page = stage.browse("office").get(f"/admin/referral/details/?id={kept}").text
        assert ('class="light r"' in page.partition("<main")[2]) is over


@pytest.mark.parametrize(("days", "due"), [(1, False), (0, True), (-1, True)])
def test_a_suspended_case_is_looked_at_again_from_its_day_on(stage: Stage, days: int, *, due: bool) -> None:
    id_ = steps.new_case(stage, CaseStatus.SUSPENDED, "officer")
    with stage.session() as session:
        change = session.scalars(sa.select(models.DeadlineChange).where(models.DeadlineChange.case_id == id_)).one()
        change.review_on = (DUE + timedelta(days=days)).date()
    with at(0):
        assert (Kind.REVIEW in reminded(stage, id_)) is due
