"""What follows from the steps of a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import joinedload

import models
from bureau.calendar.calendar import office_calendar
from bureau.cases import clock, recompute
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.web import step_aids
from bureau.cases.web.case_views import due_cell
from bureau.notices import reminders
from bureau.referrals.effects import Answer
from models import Case, CaseEvent, CaseStatus, Feedback, FeedbackTarget, Referral, ReferralStatus
from panel.kinds import ZONE, now
from tests import steps
from tests.factories import Stage

S = CaseStatus
PEOPLE = ("leader", "office", "officer")


def tell(stage: Stage, id_: int, target: FeedbackTarget, **given: Any) -> None:
    with stage.session() as session:
        session.add(Feedback(case_id=id_, target=target, content="已告知", **given))


def test_no_case_closes_before_its_liaison_and_complainant_know(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "leader")
    tell(stage, id_, FeedbackTarget.LIAISON, at=now().replace(year=2025))
    nothing = {"liaison_content": None, "complainant_content": None}
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, "officer", id_, "close", **nothing)
    assert set(lacking.value.problems) == {"liaison_content", "complainant_content"}
    tell(stage, id_, FeedbackTarget.LIAISON)
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, "officer", id_, "close", **nothing)
    assert set(lacking.value.problems) == {"complainant_content"}
    assert steps.take(stage, "officer", id_, "close", liaison_content=None).status is S.CLOSED
    with stage.session() as session:
        told = session.scalars(sa.select(Feedback.target).where(Feedback.case_id == id_)).all()
        assert sorted(told) == ["complainant", "liaison", "liaison"]
        assert "已告知投诉人" not in str(steps.history(session, id_)[-1].payload)


def test_feedback_counts_from_the_very_minute(stage: Stage) -> None:
    """A time is typed without seconds."""
    id_ = steps.new_case(stage, S.VERIFIED, "leader")
    with stage.session() as session:
        handled = session.get_one(Case, id_).handled_at
    assert handled is not None
    for target in FeedbackTarget:
        answer = models.Satisfaction.SATISFIED if target is FeedbackTarget.COMPLAINANT else None
        tell(stage, id_, target, at=handled.replace(second=0, microsecond=0), satisfaction=answer)
    assert steps.take(stage, "office", id_, "close", liaison_content=None, complainant_content=None).status is S.CLOSED


def test_an_anonymous_complainant_need_not_be_told(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "leader")
    with stage.session() as session:
        party = session.execute(sa.select(models.CaseParty).where(models.CaseParty.case_id == id_)).scalar_one()
        party.anonymous, party.name, party.phone = True, None, None
    assert steps.take(stage, "office", id_, "close", complainant_content=None).status is S.CLOSED


def test_a_reopened_case_has_its_whole_limit_again(stage: Stage) -> None:
    """The old deadline stays with the event; neither a change of the calendar nor what was granted before moves the new
    one, and one may ask for more time again."""
    id_ = steps.new_case(stage, S.CLOSED, "officer")
    long_ago = now() - timedelta(days=40)
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.reported_at = case.accepted_at = long_ago
        case.due_at = long_ago + timedelta(days=3)
        granted = {"kind": models.ChangeKind.EXTENSION, "status": models.ChangeStatus.APPROVED}
        when = {"asked_at": long_ago, "decided_at": long_ago + timedelta(hours=1)}
        session.add(models.DeadlineChange(case_id=id_, reason="等待部门", days=2, **granted, **when))
    reopened = steps.take(stage, "leader", id_, "reopen")
    with stage.session() as session:
        event = session.scalars(
            sa.select(CaseEvent).where(CaseEvent.case_id == id_).order_by(CaseEvent.seq.desc())
        ).first()
        assert event is not None
        limit = clock.limit_of(reopened.item_snapshot, reopened.urgency)
        assert limit is not None
        whole = clock.due_at(event.at, limit, (), office_calendar(session))
        assert reopened.due_at == whole > now()
        assert event.payload["due_before"] == (long_ago + timedelta(days=3)).isoformat()
        assert id_ not in [one.id for one in recompute.moved_deadlines(session)]
    steps.take(stage, "officer", id_, "extend")
    moved = steps.take(stage, "leader", id_, "approve").due_at
    assert moved is not None
    assert moved > whole


def test_the_light_of_a_reopened_case_counts_from_the_reopening(stage: Stage) -> None:
    """Forty days ago it was accepted: those don't make the last three yellow."""
    id_ = steps.new_case(stage, S.CLOSED, "officer")
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.reported_at = case.accepted_at = now() - timedelta(days=90)
    steps.take(stage, "leader", id_, "reopen")
    with stage.session() as session:
        assert id_ not in [one.case_id for one in reminders.due(session)]
    case = stage.get("case", id_)
    with stage.session() as session:
        item = session.get_one(
            models.ChecklistItem, case.item_id, options=[joinedload(models.ChecklistItem.department)]
        )
    with stage.app.test_request_context():
        assert due_cell(case).light == "g"
        facts = {str(label): words for label, words in step_aids.facts(item, case, "")}
    assert facts["预计到期"] == f"{case.due_at.astimezone(ZONE):%Y-%m-%d %H:%M}"
    page = stage.browse("leader").get(f"/admin/case/details/?id={id_}").text
    assert 'class="light g"' in page


def test_feedback_of_before_a_reopening_does_not_count(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "officer")
    first = steps.take(stage, "office", id_, "close").closed_at
    reopened = steps.take(stage, "leader", id_, "reopen")
    assert reopened.closed_at is None
    assert reopened.handled_at is None
    with stage.session() as session:
        for told in session.scalars(sa.select(Feedback).where(Feedback.case_id == id_)):
            told.at = now().replace(year=2025)
    steps.take(stage, "officer", id_, "handle")
    steps.take(stage, "leader", id_, "verify")
    with pytest.raises(InvalidValues):
        steps.take(stage, "office", id_, "close", liaison_content=None, complainant_content=None)
    again = steps.take(stage, "office", id_, "close").closed_at
    assert first is not None
    assert again is not None
    assert again > first


def test_accepting_fixes_item_list_snapshot_and_deadline(stage: Stage) -> None:
    case = steps.take(stage, "office", steps.new_case(stage), "accept", urgency=models.Urgency.URGENT)
    assert case.accepted_at is not None
    assert case.due_at is not None
    assert case.due_at > case.accepted_at
    assert (case.list_kind, case.urgency) == (models.ListKind.ENFORCEMENT, models.Urgency.URGENT)
    assert case.item_snapshot is not None
    assert case.item_snapshot["code"] == "ZF03"


def test_what_the_item_fixed_stands_on_the_case_whatever_becomes_of_the_lists(stage: Stage) -> None:
    """List, category, limit, lead department, whether to measure and to mediate, with the version."""
    with stage.session() as session:
        item = session.get_one(models.ChecklistItem, stage.inside["checklistitem"])
        item.needs_measurement, item.department_id = True, stage.inside["department"]
    id_ = steps.new_case(stage)
    case = steps.take(stage, "office", id_, "accept")
    kept = case.item_snapshot or {}
    assert (kept["list_kind"], kept["category"], kept["department"]) == ("enforcement", "养殖", "公安交警")
    assert (kept["limit_value"], kept["limit_unit"], kept["version_no"]) == (3, "d", 1)
    assert (kept["needs_measurement"], kept["mediable"]) == (True, True)
    with stage.session() as session:
        session.get_one(models.Department, stage.inside["department"]).name = "别的部门"
    page = stage.browse("office").get(f"/admin/case/details/?id={id_}").text
    fixed = page.partition("受理事项信息（受理时版本）")[2].partition("</dl>")[0]
    for words in ("ZF03 饲养家禽 第 1 版", "执法清单", "养殖", "3 个工作日", "公安交警", "需检测", "可调解"):
        assert words in fixed
    assert fixed.count("<dd>是</dd>") == 2


def test_what_is_to_be_measured_is_measured_or_it_is_said_why_not(stage: Stage) -> None:
    ids = []
    for _n in range(2):
        ids.append(steps.new_case(stage, S.HANDLING, "officer"))
        with stage.session() as session:
            case = session.get_one(Case, ids[-1])
            case.item_snapshot = {**(case.item_snapshot or {}), "needs_measurement": True}
    for who, button in (("officer", True), ("viewer", False)):
        page = stage.browse(who).get(f"/admin/case/details/?id={ids[0]}").text
        assert "该事项需检测，目前还没有检测记录" in page
        assert (f"/admin/measurement/new/?case={ids[0]}" in page.partition("note info")[2][:600]) is button
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, "officer", ids[0], "handle", unmeasured=None)
    assert set(lacking.value.problems) == {"unmeasured"}
    form = f"/admin/case/step/?id={ids[0]}&step=handle"
    assert 'name="unmeasured"' in stage.browse("officer").get(form).text
    steps.take(stage, "officer", ids[0], "handle", unmeasured="设备已停用")
    assert "设备已停用" in stage.browse("office").get(f"/admin/case/details/?id={ids[0]}").text
    with stage.session() as session:
        one = session.get_one(models.Measurement, stage.inside["measurement"])
        one.case_id = ids[1]
    assert 'name="unmeasured"' not in stage.browse("officer").get(form.replace(str(ids[0]), str(ids[1]))).text
    assert steps.take(stage, "officer", ids[1], "handle", unmeasured=None).status is S.HANDLED


def test_an_item_not_in_force_is_refused(stage: Stage) -> None:
    with stage.session() as session:
        old = models.ChecklistItem(
            code="ZF99",
            name="旧事项",
            list_kind=models.ListKind.SERVICE,
            limit_value=1,
            valid_until=now().date().replace(year=2025),
        )
        session.add(old)
        session.flush()
        item = old.id
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, "office", steps.new_case(stage), "accept", item=item)
    assert list(lacking.value.problems) == ["item"]


def test_a_handler_must_be_another_and_in_service(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    with stage.session() as session:
        gone = models.Officer(name="退休人员", squad_id=stage.inside["squad"], active=False)
        session.add(gone)
        session.flush()
        left = gone.id
    for handler in (stage.inside["officer"], left):
        with pytest.raises(InvalidValues) as lacking:
            steps.take(stage, "leader", id_, "reassign", handler=handler)
        assert list(lacking.value.problems) == ["handler"]


def test_a_case_stays_referred_until_the_last_department_has_answered(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    departments = [stage.inside["department"]]
    with stage.session() as session:
        departments.append(steps.other_department(session))
    for department in departments:
        steps.take(stage, "officer", id_, "refer", department=department)
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, "officer", id_, "refer", department=departments[0])
    assert list(lacking.value.problems) == ["department"]
    with stage.session() as session:
        first, second = session.scalars(sa.select(Referral).where(Referral.case_id == id_).order_by(Referral.id))
        assert first.sent_at < first.sign_due_at < first.reply_due_at
        assert second.reply_due_at < first.reply_due_at, "each by its department's own limits"
    steps.take(stage, "office", id_, "sign", referral=first.id)
    with pytest.raises(InvalidValues):
        steps.take(stage, "office", id_, "sign", referral=first.id)
    assert steps.take(stage, "office", id_, "reply", referral=first.id).status is S.REFERRED
    with pytest.raises(InvalidValues):
        steps.take(stage, "office", id_, "reply", referral=first.id)
    reason = "不属本部门职责，" * 60
    back = steps.take(
        stage,
        "office",
        id_,
        "reply",
        referral=second.id,
        answer=Answer.RETURNED,
        reply=reason,
    )
    assert back.status is S.HANDLING
    with stage.session() as session:
        first, second = session.scalars(sa.select(Referral).where(Referral.case_id == id_).order_by(Referral.id))
        assert (first.status, second.status) == (ReferralStatus.REPLIED, ReferralStatus.RETURNED)
        assert second.return_reason == reason, "not cut short"


def test_a_referral_of_another_case_is_no_answer(stage: Stage) -> None:
    id_, other = (steps.new_case(stage, S.REFERRED, "officer") for _ in range(2))
    with stage.session() as session:
        foreign = session.scalar(sa.select(Referral.id).where(Referral.case_id == other))
    with pytest.raises(InvalidValues):
        steps.take(stage, "office", id_, "reply", referral=foreign)


def test_sending_back_takes_the_handler_off_even_out_of_sight(stage: Stage) -> None:
    """An officer whose part was the handling alone doesn't reach the case afterwards."""
    id_ = steps.new_case(stage, S.DISPATCHED, "officer", lead_officer_id=None)
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.community_id = stage.outside["community"]
    assert steps.take(stage, "officer", id_, "send_back").handler_id is None
    with steps.acting(stage, "officer") as session:
        assert session.execute(sa.select(Case).where(Case.id == id_)).scalar_one_or_none() is None


def test_rework_asks_for_the_handling_once_more(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    first = steps.take(stage, "officer", id_, "handle", quantity=2)
    assert (first.outcome, first.quantity) == (models.Outcome.PERSUASION, 2)
    assert first.handled_at is not None
    assert steps.take(stage, "leader", id_, "rework").handled_at is None
    assert steps.take(stage, "officer", id_, "handle").handled_at is not None


def test_a_void_case_keeps_its_number_and_ends(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    with stage.session() as session:
        number = session.get_one(Case, id_).case_no
    case = steps.take(stage, "leader", id_, "void")
    assert (case.case_no, case.status) == (number, S.VOIDED)
    assert case.closed_at is not None
    with stage.session() as session:
        assert session.get_one(Case, steps.new_case(stage)).case_no != number


def test_no_result_while_a_department_is_still_asked(stage: Stage) -> None:
    """A referral that came in by a file."""
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    with stage.session() as session:
        session.add(Referral(case_id=id_, department_id=stage.inside["department"], document_no="来文-1"))
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "officer", id_, "handle")


def test_a_joint_action_and_what_it_won_stand_with_the_referral(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    with stage.session() as session:
        referral = session.scalars(sa.select(Referral).where(Referral.case_id == id_)).one().id
        version = session.get_one(Case, id_).version
    for times in (1, 2):
        assert steps.take(stage, "leader", id_, "chase").version == version, "nobody's form goes stale by it"
        chased = stage.get("referral", referral)
        assert (chased.urged_count, chased.urged_at is None) == (times, False)
    steps.take(stage, "officer", id_, "joint", joint_members="交警大队、社区、物业")
    steps.take(stage, "office", id_, "reply", quantity=3, quantity_unit="个车位")
    made = stage.get("referral", referral)
    assert (made.joint_members, made.quantity, made.quantity_unit) == ("交警大队、社区、物业", 3, "个车位")
    assert made.joint_on is not None
    form = stage.browse("officer").form(f"/admin/case/step/?id={id_}&step=handle")
    assert (form["quantity"], form["quantity_unit"]) == ("3", "个车位"), "offered as the case's own"
    case = steps.take(stage, "officer", id_, "handle", quantity=3, quantity_unit="个车位")
    assert (case.quantity, case.quantity_unit) == (3, "个车位")


@pytest.mark.parametrize("status", [S.HANDLING, S.CLOSED])
def test_what_was_raised_elsewhere_is_noted_and_nothing_else(stage: Stage, status: CaseStatus) -> None:
    id_ = steps.new_case(stage, status, "officer")
    for at in (now() + timedelta(days=1), now() - timedelta(days=30)):
        with pytest.raises(InvalidValues) as lacking:
            steps.take(stage, "office", id_, "raise", raised_at=at)
        assert list(lacking.value.problems) == ["raised_at"]
    case = steps.take(stage, "office", id_, "raise", raised_to=models.RaisedTo.PETITION)
    assert (case.status, case.raised_to) == (status, models.RaisedTo.PETITION)
    assert case.raised_at is not None
    assert case.case_no in stage.browse("office").get("/admin/case/?is=raised").text


def test_an_unsatisfied_complainant_offers_the_leader_to_reopen(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "officer")
    steps.take(stage, "office", id_, "close", satisfaction=models.Satisfaction.UNSATISFIED)
    number, address = stage.get("case", id_).case_no, f"/admin/case/details/?id={id_}"
    assert number in stage.browse("leader").get("/admin/case/?is=unsatisfied").text
    above = {who: stage.browse(who).get(address).text.partition('class="note warning"')[2][:400] for who in PEOPLE}
    assert all(above.values())
    assert ["step=reopen" in above[who] for who in PEOPLE] == [True, False, False]
    steps.take(stage, "leader", id_, "reopen")
    assert number not in stage.browse("leader").get("/admin/case/?is=unsatisfied").text
    with stage.session() as session:
        for told in session.scalars(sa.select(Feedback).where(Feedback.case_id == id_)):
            told.at = now() - timedelta(days=1)
    steps.take(stage, "officer", id_, "handle")
    steps.take(stage, "leader", id_, "verify")
    steps.take(stage, "office", id_, "close", satisfaction=models.Satisfaction.SATISFIED)
    assert number not in stage.browse("leader").get("/admin/case/?is=unsatisfied").text


def test_what_a_leader_demands_is_found_again(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    number = steps.take(stage, "leader", id_, "supervise").case_no
    for who in ("officer", "viewer"):
        assert number in stage.browse(who).get("/admin/case/?is=supervised").text
