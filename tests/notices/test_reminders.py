"""Who is reminded of which case: by light, by how long it is over, by what the office has set."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.notices import reminders
from bureau.notices.reminders import Kind
from bureau.settings import settings
from models import Case, CaseStatus
from panel.kinds import now, today
from tests import steps
from tests.factories import Stage, counted

pytestmark = pytest.mark.database

S = CaseStatus


def told(stage: Stage, id_: int) -> dict[Kind, set[str]]:
    """What is due of a case, with the names of the accounts."""
    names = {user: name for name, user in stage.district.users.items()}
    with stage.session() as session:
        return {
            one.kind: {names.get(user, "") for user in one.users}
            for one in reminders.due(session)
            if one.case_id == id_
        }


def case(stage: Stage, due: timedelta, status: CaseStatus = S.HANDLING, handler: str = "officer", **given: Any) -> int:
    return steps.new_case(stage, status, handler, due_at=now() + due, **given)


def test_yellow_goes_to_the_handler_red_to_the_leader_as_well(stage: Stage) -> None:
    assert told(stage, case(stage, timedelta(days=30))) == {}
    assert told(stage, case(stage, timedelta(minutes=10))) == {Kind.DUE_SOON: {"officer"}}
    assert told(stage, case(stage, -timedelta(minutes=10))) == {Kind.OVERDUE: {"officer", "leader"}}


def test_so_long_over_it_goes_to_office_and_head(stage: Stage) -> None:
    id_ = case(stage, -timedelta(days=10))
    assert told(stage, id_)[Kind.SUPERVISED] == {"office", "viewer"}
    for key, value in (("supervise_days", 20), ("remind_leader", False), ("remind_soon", False)):
        with stage.session() as session:
            settings.put(session, key, value)
    assert told(stage, id_) == {Kind.OVERDUE: {"officer"}}
    assert told(stage, case(stage, timedelta(minutes=10))) == {}
    with stage.session() as session:
        settings.put(session, "supervise_days", 0)
    assert Kind.SUPERVISED not in told(stage, id_)


def test_before_anybody_handles_it_the_lead_officer_is_told(stage: Stage) -> None:
    assert told(stage, case(stage, timedelta(minutes=10), S.ACCEPTED, "")) == {Kind.DUE_SOON: {"officer"}}
    assert told(stage, case(stage, timedelta(minutes=10), S.HANDLING, "nobody")) == {Kind.DUE_SOON: {"officer"}}


def test_a_standing_clock_reminds_of_nothing_but_the_review(stage: Stage) -> None:
    id_ = case(stage, -timedelta(days=10), S.SUSPENDED)
    assert told(stage, id_) == {}
    with stage.session() as session:
        change = session.scalars(sa.select(models.DeadlineChange).where(models.DeadlineChange.case_id == id_)).one()
        change.review_on = today()
    assert told(stage, id_) == {Kind.REVIEW: {"officer", "leader"}}
    assert told(stage, case(stage, -timedelta(days=10), S.CLOSED)) == {}


def test_a_late_answer_is_told_with_its_referral(stage: Stage) -> None:
    id_ = case(stage, timedelta(days=30), S.REFERRED)
    assert told(stage, id_) == {}
    with stage.session() as session:
        referral = session.scalars(sa.select(models.Referral).where(models.Referral.case_id == id_)).one()
        referral.reply_due_at = now() - timedelta(hours=1)
        expected = referral.id
    assert told(stage, id_) == {Kind.REPLY_LATE: {"officer"}}
    with stage.session() as session:
        assert [one.about for one in reminders.due(session) if one.case_id == id_] == [expected]
    late = stage.browse("office").get("/admin/referral/?is=late").text
    with stage.session() as session:
        assert session.get_one(Case, id_).case_no in late
    for who in ("office", "leader", "officer", "viewer"):
        assert "/admin/referral/?is=late" in stage.browse(who).get("/").text


def test_a_department_that_has_not_signed_is_told_until_its_answer_is_late_too(stage: Stage) -> None:
    id_ = case(stage, timedelta(days=30), S.REFERRED)

    def change(**given: Any) -> None:
        with stage.session() as session:
            referral = session.scalars(sa.select(models.Referral).where(models.Referral.case_id == id_)).one()
            for name, value in given.items():
                setattr(referral, name, value)

    over, ahead = now() - timedelta(hours=1), now() + timedelta(days=1)
    change(sent_at=now() - timedelta(days=3), sign_due_at=over, reply_due_at=ahead)
    assert told(stage, id_) == {Kind.SIGN_LATE: {"officer"}}
    page = stage.browse("office").get("/admin/referral/?is=unsigned").text
    assert stage.get("case", id_).case_no in page
    for shown in (page, stage.browse("office").get(f"/admin/case/details/?id={id_}").text):
        assert "签收已逾期 1 小时" in shown
    for who in ("office", "officer"):
        assert "/admin/referral/?is=unsigned" in stage.browse(who).get("/").text
    with stage.session() as session:
        settings.put(session, "remind_sign", False)
    assert told(stage, id_) == {}
    with stage.session() as session:
        settings.put(session, "remind_sign", True)
    change(reply_due_at=over)
    assert told(stage, id_) == {Kind.REPLY_LATE: {"officer"}}
    change(reply_due_at=ahead, signed_at=now(), status="signed")
    assert told(stage, id_) == {}


def test_the_statements_do_not_grow(stage: Stage) -> None:
    sent = []
    for more in (1, 12):
        for _n in range(more):
            case(stage, -timedelta(days=10))
        with stage.session() as session, counted(session.get_bind()) as statements:
            assert len(reminders.due(session)) >= more
        sent.append(len(statements))
    assert sent[0] == sent[1] <= 11
