"""The page of a case: its buttons, the forms of its steps, and what is said when one isn't taken."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

import models
from bureau.cases import workflow
from bureau.cases.steps import STEPS
from models import Case, CaseStatus, Referral
from panel.kinds import now
from tests import steps
from tests.factories import Stage, counted

S = CaseStatus
WORKING = ["office", "leader", "officer", "liaison", "viewer"]


def address(id_: int, step: str) -> str:
    return f"/admin/case/step/?id={id_}&step={step}"


def details(id_: int) -> str:
    return f"/admin/case/details/?id={id_}"


def offered(page: str) -> list[str]:
    """The steps that a page has buttons for, in their order."""
    return re.findall(r"/admin/case/step/\?id=\d+(?:&amp;|&)step=(\w+)", page)


def press(stage: Stage, account: str, id_: int, step: str, **given: Any) -> Any:
    """Open the form of a step, fill it in and send it."""
    browser = stage.browse(account)
    typed = browser.form(address(id_, step))
    return browser.post(address(id_, step), typed | {name: str(value) for name, value in given.items()})


@pytest.fixture(scope="module")
def opened() -> set[tuple[str, str]]:
    """Forms of steps that were opened: each in each state, and by each account."""
    return set()


@pytest.mark.parametrize("account", WORKING)
@pytest.mark.parametrize("status", S)
def test_the_buttons_are_the_steps_one_can_take(
    growing: Stage, opened: set[tuple[str, str]], status: CaseStatus, account: str
) -> None:
    id_ = steps.new_case(growing, status, "officer")
    with steps.acting(growing, account) as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        expected = {step.name for step in workflow.available(session, case)}
    page = growing.browse(account).get(details(id_))
    assert page.status_code == 200
    assert set(offered(page.text)) == expected
    for name in expected:
        if not opened >= {(name, status.value), (name, account)}:
            assert growing.browse(account).get(address(id_, name)).status_code == 200
            opened |= {(name, status.value), (name, account)}


def test_a_correction_is_not_the_beginning_of_a_state(growing: Stage) -> None:
    """And the picture that a step asks for doesn't stand below what is asked for a penalty alone."""

    def way() -> list[str]:
        return re.findall(r'<ol class="way">.*?</ol>', growing.browse("office").get(details(id_)).text, re.S)

    id_ = steps.new_case(growing, S.HANDLING, "officer")
    begun = way()
    form = growing.browse("officer").get(address(id_, "handle")).text
    (penalty,) = [one for one in re.findall(r"<section>(.*?)</section>", form, re.S) if "处罚记录" in one]
    assert 'name="photos"' not in penalty
    assert 'name="photos"' in form
    with time_machine.travel(now() + timedelta(minutes=9), tick=False):
        assert press(growing, "office", id_, "correct_intake", source="patrol", reason="选错").status_code == 302
        assert way() == begun != []


def test_the_usual_next_act_stands_out(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    page = stage.browse("officer").get(details(id_)).text
    (chosen,) = re.findall(r'<a class="btn go"[^>]*href="([^"]+)"', page)
    assert offered(chosen) == ["handle"]


@pytest.mark.parametrize("name", ["accept", "void", "handle", "reopen"])
def test_whom_a_step_is_not_for_is_refused(stage: Stage, name: str) -> None:
    id_ = steps.new_case(stage, STEPS[name].sources[0], "officer")
    liaison = stage.browse("liaison")
    assert liaison.get(address(id_, name)).status_code == 403
    assert liaison.post(address(id_, name), {"reason": "我说了算"}).status_code == 403
    assert stage.get("case", id_).status is STEPS[name].sources[0]


@pytest.mark.parametrize("account", ["officer", "leader", "liaison"])
def test_a_case_out_of_reach_is_not_there(stage: Stage, account: str) -> None:
    for url in (details(stage.outside["case"]), address(stage.outside["case"], "note")):
        assert stage.browse(account).get(url).status_code == 404
    assert stage.browse(account).post(address(stage.outside["case"], "note"), {"text": "看"}).status_code == 404


@pytest.mark.parametrize("name", ["report", "nonsense", ""])
def test_there_is_no_form_for_what_is_no_step(stage: Stage, name: str) -> None:
    assert stage.browse("office").get(address(stage.inside["case"], name)).status_code == 404


def test_the_state_is_no_control_of_any_form(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    edit = f"/admin/case/edit/?id={id_}"
    given = stage.browse("office").form(edit)
    assert not {"status", "handler", "accepted_at", "closed_at", "due_at", "case_no"} & set(given)
    forged = given | {"status": "closed", "handler": "", "closed_at": "2026-07-15T10:00", "place": "改过的地点"}
    assert stage.browse("office").post(edit, forged).status_code == 302
    case = stage.get("case", id_)
    assert (case.status, case.handler_id, case.closed_at) == (S.HANDLING, stage.inside["officer"], None)
    assert case.place == "改过的地点"


def test_the_item_of_an_accepted_case_is_not_exchanged_in_passing(stage: Stage) -> None:
    item = stage.add("checklistitem")
    fresh, accepted = steps.new_case(stage), steps.new_case(stage, S.ACCEPTED)
    for id_, status in ((fresh, 302), (accepted, 422)):
        edit = f"/admin/case/edit/?id={id_}"
        given = stage.browse("office").form(edit) | {"item": str(item)}
        assert stage.browse("office").post(edit, given).status_code == status


def test_a_referral_is_made_and_answered_by_steps_alone(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    with stage.session() as session:
        referral = session.scalar(sa.select(Referral.id).where(Referral.case_id == id_))
        other = steps.other_department(session)
    for account in WORKING:
        assert stage.browse(account).get(f"/admin/referral/new/?case={id_}").status_code == 403
    edit = f"/admin/referral/edit/?id={referral}"
    given = stage.browse("office").form(edit)
    assert not {"status", "signed_at", "replied_at", "reply", "return_reason"} & set(given)
    answer = stage.browse("office").post(edit, given | {"status": "replied", "reply": "好", "request": "请协助拖离"})
    assert answer.status_code == 302
    made = stage.get("referral", referral)
    assert (made.status, made.reply, made.request) == (models.ReferralStatus.SENT, None, "请协助拖离")
    for field, value in (("case", stage.inside["case"]), ("department", other)):
        given = stage.browse("office").form(edit)
        assert stage.browse("office").post(edit, given | {field: str(value)}).status_code == 422


def test_what_lacks_or_cannot_be_read_is_said_at_its_field(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    answer = press(stage, "officer", id_, "handle", outcome="nonsense", quantity="-3", result="")
    assert answer.status_code == 422
    assert set(re.findall(r'href="#f-(\w+)"', answer.text)) == {"outcome", "quantity", "result"}
    answer = press(stage, "officer", id_, "handle", outcome="persuasion", result="自行处理")
    assert answer.status_code == 302
    assert stage.get("case", id_).status is S.HANDLED


def test_a_reference_out_of_reach_is_not_taken(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    answer = press(stage, "leader", id_, "dispatch", handler=stage.outside["officer"])
    assert answer.status_code == 422
    assert 'href="#f-handler"' in answer.text
    assert stage.get("case", id_).handler_id is None


def test_a_referral_of_another_case_is_not_taken(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    foreign = stage.inside["referral"]
    form = html.unescape(stage.browse("officer").get(address(id_, "reply")).text)
    assert f'<option value="{foreign}"' not in form
    assert press(stage, "officer", id_, "reply", referral=foreign, reply="已拖离").status_code == 422


def test_the_second_of_two_is_told_and_keeps_what_they_typed(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.DISPATCHED, "officer")
    late = stage.browse("office").form(address(id_, "reassign"))
    with stage.session() as session:
        handler = steps.colleague(session, stage)
    assert press(stage, "leader", id_, "reassign", handler=handler, reason="休假").status_code == 302
    answer = stage.browse("office").post(
        address(id_, "reassign"), late | {"handler": str(stage.inside["second_officer"]), "reason": "就近安排"}
    )
    assert answer.status_code == 422
    said = stage.browse("office").complaints(answer.text)
    assert "leader" in said
    assert str(STEPS["reassign"].label) in said
    assert "就近安排" in answer.text
    assert stage.get("case", id_).handler_id == handler


def test_who_comes_too_late_for_the_step_sees_the_case_and_why(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    late = stage.browse("office").form(address(id_, "dispatch"))
    assert press(stage, "leader", id_, "dispatch", handler=stage.inside["officer"]).status_code == 302
    answer = stage.browse("office").post(
        address(id_, "dispatch"), late | {"handler": str(stage.inside["officer"])}, follow_redirects=True
    )
    assert answer.status_code == 200
    assert "leader" in answer.text
    assert str(S.DISPATCHED.label) in answer.text
    opened = stage.browse("office").get(address(id_, "dispatch"), follow_redirects=True)
    assert opened.request.path == "/admin/case/details/"


def test_who_loses_sight_of_a_case_with_a_step_lands_on_the_list(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.DISPATCHED, "officer", lead_officer_id=None)
    with stage.session() as session:
        session.get_one(Case, id_).community_id = stage.outside["community"]
    answer = press(stage, "officer", id_, "send_back", reason="不在我辖区")
    assert answer.status_code == 302
    assert answer.location == "/admin/case/"
    assert stage.browse("officer").get(answer.location).status_code == 200
    assert stage.get("case", id_).status is S.ACCEPTED


def test_closing_asks_for_those_who_do_not_know_yet(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.VERIFIED, "leader")
    office = stage.browse("office")
    assert {"liaison_content", "complainant_content"} <= set(office.form(address(id_, "close")))
    answer = press(stage, "office", id_, "close", liaison_content="已告知", satisfaction="satisfied")
    assert answer.status_code == 422
    assert set(re.findall(r'href="#f-(\w+)"', answer.text)) == {"complainant_content"}
    answered = {"target": models.FeedbackTarget.COMPLAINANT, "satisfaction": models.Satisfaction.SATISFIED}
    stage.add("feedback", case_id=id_, at=now(), **answered)
    assert "complainant_content" not in office.form(address(id_, "close"))
    assert press(stage, "office", id_, "close", liaison_content="已告知").status_code == 302
    assert stage.get("case", id_).status is S.CLOSED


def test_the_timeline_tells_what_was_filled_in(stage: Stage) -> None:
    id_ = steps.new_case(stage)
    steps.take(stage, "office", id_, "reject", told="当面告知", responsible="物业服务企业", reason="不属本局职责")
    page = stage.browse("liaison").get(details(id_)).text
    for word in ("当面告知", "物业服务企业", "不属本局职责", str(STEPS["reject"].label)):
        assert word in page
    other = steps.new_case(stage, S.ACCEPTED)
    steps.take(stage, "office", other, "dispatch", handler=stage.inside["officer"])
    assert "沈建平" in stage.browse("office").get(details(other)).text


def test_a_step_needs_the_token_of_the_form(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    answer = stage.browse("leader").client.post(address(id_, "void"), data={"reason": "作废"})
    assert answer.status_code == 400
    assert stage.get("case", id_).status is S.ACCEPTED


def test_common_phrases_stand_where_they_are_wanted(stage: Stage) -> None:
    """To copy without a script, to tap with one."""
    stage.add("phrase", name="当场整改", use=models.PhraseUse.RESULT, words="当事人当场整改，问题消除。")
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    form = html.unescape(stage.browse("officer").get(address(id_, "handle")).text)
    assert "<li>当事人当场整改，问题消除。</li>" in form
    assert "已上门劝导" not in form, "that one is for feedback"
    assert "<li>当事人当场整改" not in html.unescape(stage.browse("officer").get(address(id_, "refer")).text)


def photo(case: int) -> models.Attachment:
    return models.Attachment(
        case_id=case,
        phase=models.AttachmentPhase.BEFORE,
        file_name="现场.jpg",
        media_type="image/jpeg",
        size=1,
        sha256="0" * 64,
        added_by="测试",
    )


def test_a_full_case_page_costs_a_fixed_number_of_statements(stage: Stage) -> None:
    """Fifty events, and of everything else several: referrals, sessions, photos, a request, merged cases, repeats."""
    id_ = steps.new_case(stage, S.HANDLING, "officer", item_id=stage.inside["checklistitem"])
    with stage.app.app_context():
        engine = stage.panel.db.engine

    def cost(account: str) -> int:
        with counted(engine) as sent:
            assert stage.browse(account).get(details(id_)).status_code == 200
        return len(sent)

    mediation = stage.add("mediation", case_id=id_, mediation_no="TJ-满", party_a="甲", party_b="乙")

    def more(n: int) -> None:
        for number in range(n):
            stage.add("referral", case_id=id_)
            stage.add("action", case_id=id_)
            stage.add("mediationsession", mediation_id=mediation, session_no=number + n)
            with stage.session() as session:
                session.add(photo(id_))
            steps.take(stage, "office", steps.new_case(stage), "merge", master=id_)
            steps.new_case(stage, item_id=stage.inside["checklistitem"])

    steps.take(stage, "officer", id_, "suspend")
    accounts = ("office", "leader", "officer")
    more(1)
    assert all(cost(account) for account in accounts), "logged in"
    few = {account: cost(account) for account in accounts}
    for n in range(50):
        steps.take(stage, "officer", id_, "note", text=f"第 {n} 条")
    more(5)
    many = {account: cost(account) for account in few}
    assert many == few
    assert max(many.values()) <= 20
