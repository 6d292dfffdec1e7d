"""Referrals at once, notices in copy, replies while a case is suspended, joint actions that are planned or done."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.notices import reminders
from models import CaseStatus, JointState, Referral, ReferralKind, ReferralStatus
from panel.kinds import now, today
from panel.notify.records import Notice
from tests import steps
from tests.factories import Stage

S = CaseStatus
HANDLER_ASKED = 'name="handler"'


def sent(stage: Stage, id_: int) -> Referral:
    with stage.session() as session:
        return session.scalars(sa.select(Referral).where(Referral.case_id == id_)).one()


def step(id_: int, name: str) -> str:
    return f"/admin/case/step/?id={id_}&step={name}"


def test_a_case_is_referred_as_soon_as_it_is_accepted(stage: Stage) -> None:
    """Whoever follows it up is named, proposed is the lead officer, and gets a notice."""
    early = steps.new_case(stage, S.REPORTED)
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "office", early, "refer")
    id_ = steps.new_case(stage, S.ACCEPTED)
    page = stage.browse("office").get(step(id_, "refer")).text
    assert HANDLER_ASKED in page
    case = steps.take(stage, "office", id_, "refer", handler=stage.inside["officer"])
    assert (case.status, case.handler_id) == (S.REFERRED, stage.inside["officer"])
    with stage.session() as session:
        notices = sa.select(Notice.kind).where(Notice.record_id == id_)
        assert "assigned" in session.scalars(notices).all()
    assert HANDLER_ASKED not in stage.browse("office").get(step(id_, "refer")).text
    assert steps.take(stage, "office", id_, "reply").status is S.HANDLING


def test_referred_by_nobody_it_waits_to_be_dispatched_after_the_reply(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    assert steps.take(stage, "officer", id_, "refer", handler=None).handler_id is None
    assert steps.take(stage, "office", id_, "reply").status is S.ACCEPTED
    assert steps.take(stage, "office", id_, "dispatch").status is S.DISPATCHED


@pytest.mark.parametrize("status", [S.ACCEPTED, S.DISPATCHED, S.HANDLING, S.REFERRED])
def test_a_notice_in_copy_holds_nothing_up(stage: Stage, status: CaseStatus) -> None:
    id_ = steps.new_case(stage, status, "" if status is S.ACCEPTED else "officer")
    case = steps.take(stage, "office", id_, "refer", kind=ReferralKind.NOTICE, handler=None)
    assert case.status is status
    with stage.session() as session:
        notice = session.scalars(
            sa.select(Referral).where(Referral.case_id == id_, Referral.kind == ReferralKind.NOTICE)
        ).one()
        assert (notice.status, notice.sign_due_at, notice.reply_due_at) == (ReferralStatus.INFORMED, None, None)
        late = [one for one in reminders.due(session, at=now() + timedelta(days=90)) if one.about == notice.id]
        assert late == []
    if status is S.HANDLING:
        assert steps.take(stage, "officer", id_, "handle").status is S.HANDLED


def test_a_department_informed_may_be_asked_as_well(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    for kind in (ReferralKind.NOTICE, ReferralKind.JOINT, ReferralKind.NOTICE):
        steps.take(stage, "officer", id_, "refer", kind=kind)
    with pytest.raises(InvalidValues):
        steps.take(stage, "officer", id_, "refer", kind=ReferralKind.TRANSFER)


def test_a_reply_is_entered_while_the_case_is_suspended(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    steps.take(stage, "officer", id_, "suspend")
    steps.take(stage, "leader", id_, "approve")
    office = stage.browse("office")
    for name in ("sign", "chase", "joint", "reply"):
        assert office.get(step(id_, name)).status_code == 200
    case = steps.take(stage, "office", id_, "reply")
    assert case.status is S.SUSPENDED
    assert sent(stage, id_).status is ReferralStatus.REPLIED
    assert f"id={id_}&amp;step=reply" not in office.get(f"/admin/case/details/?id={id_}").text
    assert steps.take(stage, "leader", id_, "resume").status is S.HANDLING, "nobody is waited for any more"
    assert steps.take(stage, "officer", id_, "handle").status is S.HANDLED


def test_unanswered_the_case_waits_on_after_the_suspension(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    steps.take(stage, "officer", id_, "suspend")
    steps.take(stage, "leader", id_, "approve")
    assert steps.take(stage, "leader", id_, "resume").status is S.REFERRED


def joint(stage: Stage, id_: int, **given: Any) -> Any:
    form = {
        "referral": str(sent(stage, id_).id),
        "joint_on": today().isoformat(),
        "joint_state": "done",
        "joint_members": "交警大队、社区",
        "version": str(stage.get("case", id_).version),
    }
    return stage.browse("office").post(step(id_, "joint"), data={**form, **given})


def test_a_joint_action_to_come_is_planned_and_not_done(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    to_come = (today() + timedelta(days=1)).isoformat()
    refused = joint(stage, id_, joint_on=to_come)
    assert refused.status_code == 422
    assert "请登记为“计划”" in html.unescape(refused.text)
    assert joint(stage, id_, joint_on=to_come, joint_state="planned").status_code == 302
    assert sent(stage, id_).joint_state is JointState.PLANNED
    steps.take(stage, "office", id_, "reply")
    assert joint(stage, id_).status_code == 302, "what was planned is reported as done after the reply too"
    assert sent(stage, id_).joint_state is JointState.DONE
    assert f"id={id_}&amp;step=joint" not in stage.browse("office").get(f"/admin/case/details/?id={id_}").text


def edit(stage: Stage, referral: Referral, **given: Any) -> Any:
    form = {
        "document_no": referral.document_no or "",
        "case": str(referral.case_id),
        "department": str(referral.department_id),
        "kind": referral.kind.value,
        "request": referral.request or "",
        "version": str(referral.version),
    }
    return stage.browse("office").post(f"/admin/referral/edit/?id={referral.id}", data={**form, **given})


def test_the_form_of_a_referral_holds_the_same(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    steps.take(stage, "officer", id_, "refer", document_no=None)
    to_come = (today() + timedelta(days=1)).isoformat()
    referral = sent(stage, id_)
    for wrong, words in (
        ({"joint_on": to_come, "joint_state": "done"}, "请登记为“计划”"),
        ({"joint_state": "done"}, "联合行动须填写日期"),
        ({"kind": "notice"}, "类型不能更改"),
        ({"document_no": ""}, "不能更改"),
        ({"document_no": "移字9号"}, "不能更改"),
    ):
        answer = edit(stage, referral, **wrong)
        assert (answer.status_code, words in html.unescape(answer.text)) == (422, True), wrong
    assert edit(stage, referral, joint_on=to_come).status_code == 302
    planned = sent(stage, id_)
    assert (planned.joint_state, planned.document_no) == (JointState.PLANNED, referral.document_no)
    assert edit(stage, planned, joint_on=today().isoformat(), joint_state="done").status_code == 302


def test_a_number_of_ones_own_may_be_corrected(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    steps.take(stage, "officer", id_, "refer", document_no="来文-7")
    assert edit(stage, sent(stage, id_), document_no="来文-8").status_code == 302
    assert sent(stage, id_).document_no == "来文-8"
