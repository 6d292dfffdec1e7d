"""What a complainant says when they are told: how satisfied they are, and that it isn't solved."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from bureau.cases.errors import InvalidValues, StepNotAllowed
from models import CaseParty, CaseStatus, Feedback, FeedbackTarget, Satisfaction
from panel.kinds import now
from panel.notify.records import Notice
from tests import steps
from tests.factories import Stage

S = CaseStatus


def feedback(stage: Stage, id_: int, target: FeedbackTarget) -> list[Feedback]:
    with stage.session() as session:
        statement = sa.select(Feedback).where(Feedback.case_id == id_, Feedback.target == target)
        return list(session.scalars(statement.order_by(Feedback.id)))


def close(stage: Stage, id_: int, **given: str) -> Any:
    form = {
        "liaison_channel": "phone",
        "liaison_content": "已告知联络员",
        "complainant_channel": "phone",
        "complainant_content": "已告知投诉人",
        "version": str(stage.get("case", id_).version),
    }
    return stage.browse("office").post(f"/admin/case/step/?id={id_}&step=close", data={**form, **given})


def test_satisfaction_is_asked_and_not_reached_is_an_answer(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "leader")
    refused = close(stage, id_)
    assert refused.status_code == 422
    assert "请填写投诉人满意度" in html.unescape(refused.text)
    assert close(stage, id_, satisfaction="unreached", complainant_content="").status_code == 302
    (told,) = feedback(stage, id_, FeedbackTarget.COMPLAINANT)
    assert (told.satisfaction, told.content) == (Satisfaction.UNREACHED, "未联系上")


def test_feedback_without_an_answer_lets_no_case_close(stage: Stage) -> None:
    """Whoever wrote it on the form of feedback is asked again at closing."""
    id_ = steps.new_case(stage, S.VERIFIED, "leader")
    for target in FeedbackTarget:
        stage.add("feedback", case_id=id_, target=target, content="已告知", satisfaction=None, at=now())
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, "office", id_, "close", liaison_content=None, complainant_content=None, satisfaction=None)
    assert list(lacking.value.problems) == ["complainant_content"]
    stage.add(
        "feedback",
        case_id=id_,
        target=FeedbackTarget.COMPLAINANT,
        content="已告知",
        satisfaction=Satisfaction.FAIRLY,
        at=now(),
    )
    nothing = dict.fromkeys(("liaison_content", "complainant_content", "satisfaction"))
    assert steps.take(stage, "office", id_, "close", **nothing).status is S.CLOSED


@pytest.mark.parametrize("anonymous", [True, False])
def test_nobody_is_asked_who_cannot_be(stage: Stage, anonymous: bool) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "leader")
    with stage.session() as session:
        for party in session.scalars(sa.select(CaseParty).where(CaseParty.case_id == id_)):
            if anonymous:
                party.anonymous, party.name, party.phone = True, None, None
            else:
                session.delete(party)
    page = stage.browse("office").get(f"/admin/case/step/?id={id_}&step=close").text
    assert 'name="satisfaction"' not in page
    assert close(stage, id_, complainant_content="").status_code == 302


def test_what_is_not_solved_goes_back_to_be_handled(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "officer")
    due = stage.get("case", id_).due_at
    address = f"/admin/case/step/?id={id_}&step=unsolved"
    assert stage.browse("liaison").get(address).status_code == 403
    assert stage.browse("office").get(address).status_code == 200
    form = {"said_by": "complainant", "channel": "phone", "version": str(stage.get("case", id_).version)}
    assert stage.browse("office").post(address, data={**form, "reason": ""}).status_code == 422
    assert stage.browse("office").post(address, data={**form, "reason": "噪声仍在"}).status_code == 302
    case = stage.get("case", id_)
    assert (case.status, case.handled_at, case.due_at) == (S.HANDLING, None, due)
    (said,) = feedback(stage, id_, FeedbackTarget.COMPLAINANT)
    assert (said.satisfaction, said.content) == (Satisfaction.UNSATISFIED, "噪声仍在")
    with stage.session() as session:
        assert "returned" in session.scalars(sa.select(Notice.kind).where(Notice.record_id == id_)).all()
    with time_machine.travel(now() + timedelta(minutes=1), tick=True):
        steps.take(stage, "officer", id_, "handle")
        steps.take(stage, "leader", id_, "verify")
        with pytest.raises(InvalidValues):
            steps.take(stage, "office", id_, "close", complainant_content=None, satisfaction=None)


@pytest.mark.parametrize("status", [status for status in S if status is not S.VERIFIED])
def test_only_what_waits_for_feedback_goes_back_so(growing: Stage, status: CaseStatus) -> None:
    id_ = steps.new_case(growing, status, "officer")
    with pytest.raises(StepNotAllowed):
        steps.take(growing, "office", id_, "unsolved")
