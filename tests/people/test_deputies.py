"""Who stands in for somebody: with what rights, for how long, and recorded in whose name."""

from __future__ import annotations

import html
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import approvals
from bureau.cases.errors import StepNotAllowed
from bureau.cases.steps import Recipient
from bureau.notices import notices
from models import CaseStatus as S
from panel.kinds import now, today
from panel.security.accounts import User
from tests import factories, steps
from tests.factories import Stage
from tests.workbooks import Office, errors, table


def officer(stage: Stage, username: str, *roles: str, squad: str = "inside", **given: Any) -> int:
    """The id of another officer who has an account; the same one when asked again."""
    with stage.session() as session:
        found = session.execute(
            sa.select(models.Officer.id).join(User, User.id == models.Officer.user_id).where(User.username == username)
        ).scalar()
        if found is not None:
            return int(found)
        user = factories.account(session, stage.panel, username, *roles)
        side = getattr(stage, squad)
        made = models.Officer(name=factories.person(user.id), squad_id=side["squad"], user_id=user.id, **given)
        session.add(made)
        session.flush()
        return int(made.id)


def stand_in(stage: Stage, replaced: str, deputy: int, first: date | None = None, last: date | None = None) -> int:
    """Let an officer stand in for another, named as in the district; today alone if nothing is said."""
    with stage.session() as session:
        session.execute(sa.delete(models.Deputy).where(models.Deputy.end_on >= today() - timedelta(60)))
        term = models.Deputy(
            officer_id=stage.inside[replaced], deputy_id=deputy, start_on=first or today(), end_on=last or today()
        )
        session.add(term)
        session.flush()
        return int(term.id)


def allowed(stage: Stage, username: str, id_: int, step: str) -> int:
    """What the form of a step answers to an account: 200, 302 or 422 if it is theirs, 403 if not, 404 outside scope."""
    return stage.browse(username).get(f"/admin/case/step/?id={id_}&step={step}").status_code


def test_a_deputy_of_a_leader_does_what_the_leader_may_while_it_lasts(growing: Stage) -> None:
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    steps.take(growing, "officer", id_, "suspend")
    day = today()
    for first, last, answer in (
        (day + timedelta(1), day + timedelta(9), 404),
        (day - timedelta(9), day - timedelta(1), 404),
        (day - timedelta(1), day, 200),
    ):
        stand_in(growing, "second_officer", deputy, first, last)
        for step in ("approve", "void", "change_list", "reassign"):
            assert allowed(growing, "stand-in", id_, step) == answer, (first, step)
    page = growing.browse("stand-in").get("/approvals").text
    assert growing.get("case", id_).case_no in page
    case = growing.get("case", id_)
    answer = growing.browse("stand-in").post(
        "/approvals", {"decision": "approve", "case": str(id_), "version": str(case.version), "opinion": "同意"}
    )
    assert answer.status_code == 302
    leader = growing.get("officer", growing.inside["second_officer"]).name
    with growing.session() as session:
        assert session.get_one(models.Case, id_).status is S.SUSPENDED
        event = steps.history(session, id_)[-1]
        assert event.actor_name == f"stand-in（代 {leader}）"
        change = session.scalars(sa.select(models.DeadlineChange).where(models.DeadlineChange.case_id == id_)).one()
        assert change.decided_by == f"stand-in（代 {leader}）"
    shown = html.unescape(growing.browse("office").get(f"/admin/case/details/?id={id_}").text)
    assert f"stand-in（代 {leader}）" in shown


def test_a_deputy_of_a_leader_gets_no_right_in_their_own_squad(growing: Stage) -> None:
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    stand_in(growing, "second_officer", deputy)
    outside = growing.outside["case"]
    assert allowed(growing, "stand-in", outside, "void") == 404
    with growing.session() as session:
        session.get_one(models.Case, outside).handler_id = deputy
    assert allowed(growing, "stand-in", outside, "void") == 403, "the case is theirs as an officer alone"


def test_a_deputy_of_an_officer_takes_the_steps_of_the_handler(growing: Stage) -> None:
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    id_ = steps.new_case(growing, S.DISPATCHED, "officer")
    for days, answer in ((1, 404), (0, 200)):
        stand_in(growing, "officer", deputy, today() + timedelta(days), today() + timedelta(9))
        assert allowed(growing, "stand-in", id_, "start") == answer
    steps.take(growing, "stand-in", id_, "start")
    with growing.session() as session:
        name = session.get_one(models.Officer, growing.inside["officer"]).name
        assert steps.history(session, id_)[-1].actor_name == f"stand-in（代 {name}）"


def test_the_handler_without_account_is_replaced_by_a_deputy_too(growing: Stage) -> None:
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    id_ = steps.new_case(growing, S.DISPATCHED, "nobody")
    with growing.session() as session:
        growing.inside["nobody"] = steps.colleague(session, growing)
    stand_in(growing, "nobody", deputy)
    assert allowed(growing, "stand-in", id_, "start") == 200
    assert steps.take(growing, "stand-in", id_, "start").status is S.HANDLING


def test_a_deputy_neither_approves_their_own_request_nor_verifies_the_handling_of_the_replaced(growing: Stage) -> None:
    """A colleague who handles a case, and stands in for the leader who would decide."""
    deputy = officer(growing, "colleague", "officer")
    stand_in(growing, "second_officer", deputy)
    with growing.session() as session:
        case = steps.new_case(growing, S.HANDLING, "officer")
        session.get_one(models.Case, case).handler_id = deputy
    steps.take(growing, "colleague", case, "suspend")
    for decision in ("approve", "refuse"):
        with pytest.raises(StepNotAllowed):
            steps.take(growing, "colleague", case, decision)
        assert allowed(growing, "colleague", case, decision) == 403
    assert growing.get("case", case).case_no not in growing.browse("colleague").get("/approvals").text
    steps.take(growing, "leader", case, "refuse")
    steps.take(growing, "colleague", case, "handle")
    for step in ("verify", "rework"):
        with pytest.raises(StepNotAllowed):
            steps.take(growing, "colleague", case, step)
    assert steps.take(growing, "leader", case, "verify").status is S.VERIFIED


def test_no_request_is_decided_in_the_name_of_who_asked(growing: Stage) -> None:
    """The leader handles a case and asks; their deputy doesn't decide for them, the office does."""
    stand_in(growing, "second_officer", officer(growing, "stand-in", "officer", squad="outside"))
    id_ = steps.new_case(growing, S.HANDLING, "leader")
    number = growing.get("case", id_).case_no
    steps.take(growing, "leader", id_, "extend")
    assert number not in growing.browse("stand-in").get("/approvals").text
    for decision in ("approve", "refuse"):
        assert allowed(growing, "stand-in", id_, decision) == 403
        with pytest.raises(StepNotAllowed):
            steps.take(growing, "stand-in", id_, decision)
    assert number in growing.browse("office").get("/approvals").text
    steps.take(growing, "office", id_, "refuse")
    with growing.session() as session:
        session.get_one(models.Case, id_).handler_id = growing.inside["officer"]
    steps.take(growing, "officer", id_, "extend")
    assert number in growing.browse("stand-in").get("/approvals").text
    assert allowed(growing, "stand-in", id_, "approve") == 200, "another asked"


def test_no_request_is_decided_by_whom_a_deputy_asked_for(growing: Stage) -> None:
    """The deputy of a leader who handles a case asks in their name: neither of the two decides, the office does."""
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    stand_in(growing, "second_officer", deputy)
    id_ = steps.new_case(growing, S.HANDLING, "leader")
    number = growing.get("case", id_).case_no
    for decision in ("refuse", "approve"):
        steps.take(growing, "stand-in", id_, "suspend")
        with growing.session() as session:
            change = approvals.pending_request(session, session.get_one(models.Case, id_))
            assert change is not None
            assert (change.asked_for_id, change.for_office) == (growing.inside["second_officer"], True)
        for who in ("leader", "stand-in"):
            assert allowed(growing, who, id_, decision) == 403
            assert number not in growing.browse(who).get("/approvals").text
            with pytest.raises(StepNotAllowed):
                steps.take(growing, who, id_, decision)
        assert number in growing.browse("office").get("/approvals").text
        case = steps.take(growing, "office", id_, decision)
    assert case.status is S.SUSPENDED
    with growing.session() as session:
        told = notices.recipients(session, session.get_one(models.Case, id_), (Recipient.ASKER,))
        mine = session.execute(sa.select(User.id).where(User.username == "stand-in")).scalar_one()
    assert set(told) == {mine, growing.district.users["leader"]}


def test_an_agreement_ended_by_a_deputy_is_not_approved_by_the_replaced(growing: Stage) -> None:
    """The request that follows from a step is made in the same name as the step."""
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    stand_in(growing, "officer", deputy)
    id_ = steps.new_case(growing, S.MEDIATING, "officer", due_at=now())
    with growing.session() as session:
        session.get_one(models.Case, id_).accepted_at = now()
    steps.take(growing, "stand-in", id_, "end_mediation", perform_by=today() + timedelta(days=400))
    with growing.session() as session:
        change = approvals.pending_request(session, session.get_one(models.Case, id_))
        assert change is not None
        assert change.asked_for_id == growing.inside["officer"]


def test_no_handling_is_verified_by_whom_a_deputy_recorded_it_for(growing: Stage) -> None:
    stand_in(growing, "second_officer", officer(growing, "stand-in", "officer", squad="outside"))
    id_ = steps.new_case(growing, S.HANDLING, "leader")
    steps.take(growing, "stand-in", id_, "handle")
    steps.take(growing, "office", id_, "reassign", handler=growing.inside["officer"])
    for who in ("leader", "stand-in"):
        assert allowed(growing, who, id_, "verify") == 403
        with pytest.raises(StepNotAllowed):
            steps.take(growing, who, id_, "verify")
    steps.take(growing, "office", id_, "rework")
    steps.take(growing, "officer", id_, "handle")
    assert steps.take(growing, "leader", id_, "verify").status is S.VERIFIED, "another recorded"


def test_who_became_a_leader_after_asking_leaves_the_decision_to_the_office(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "leader")
    steps.take(growing, "leader", id_, "extend")
    with growing.session() as session:
        session.scalars(
            sa.select(models.DeadlineChange).where(models.DeadlineChange.case_id == id_)
        ).one().for_office = False
    assert growing.get("case", id_).case_no in growing.browse("office").get("/approvals").text
    assert allowed(growing, "office", id_, "approve") == 200


def test_no_handling_is_verified_in_the_name_of_who_recorded_it(growing: Stage) -> None:
    stand_in(growing, "second_officer", officer(growing, "stand-in", "officer", squad="outside"))
    id_ = steps.new_case(growing, S.HANDLING, "leader")
    steps.take(growing, "leader", id_, "handle")
    steps.take(growing, "office", id_, "reassign", handler=growing.inside["officer"])
    assert allowed(growing, "stand-in", id_, "verify") == 403
    with pytest.raises(StepNotAllowed):
        steps.take(growing, "stand-in", id_, "verify")
    assert allowed(growing, "office", id_, "verify") == 200
    steps.take(growing, "office", id_, "rework")
    steps.take(growing, "officer", id_, "handle")
    assert allowed(growing, "stand-in", id_, "verify") == 200, "another recorded"


def test_the_handling_of_the_replaced_is_not_verified_in_their_name(growing: Stage) -> None:
    """From another squad, the deputy reaches the case as the handler alone, who doesn't verify."""
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    stand_in(growing, "officer", deputy)
    id_ = steps.new_case(growing, S.HANDLED, "officer")
    with pytest.raises(StepNotAllowed):
        steps.take(growing, "stand-in", id_, "verify")


def test_a_deputy_sees_what_the_replaced_sees(growing: Stage) -> None:
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    community = growing.inside["community"]
    page = f"/admin/community/details/?id={community}"
    stand_in(growing, "officer", deputy, today() - timedelta(3), today() - timedelta(1))
    assert growing.browse("stand-in").get(page).status_code == 404
    stand_in(growing, "officer", deputy)
    assert growing.browse("stand-in").get(page).status_code == 200
    assert growing.browse("stand-in").get("/admin/officer/").status_code == 200


def test_notices_go_to_both(growing: Stage) -> None:
    deputy = officer(growing, "stand-in", "officer", squad="outside")
    stand_in(growing, "officer", deputy, today() - timedelta(2), today() - timedelta(1))
    id_ = steps.new_case(growing, S.HANDLING, "officer", lead_officer_id=None)
    with growing.session() as session:
        case = session.get_one(models.Case, id_)
        mine = session.execute(sa.select(User.id).where(User.username == "stand-in")).scalar_one()

        def told(who: Recipient) -> set[int]:
            return set(notices.recipients(session, case, (who,)))

        users = growing.district.users
        assert told(Recipient.HANDLER) == {users["officer"]}
    stand_in(growing, "officer", deputy)
    with growing.session() as session:
        case = session.get_one(models.Case, id_)
        assert told(Recipient.HANDLER) == {users["officer"], mine}
        assert told(Recipient.LEADERS) == {users["leader"]}
    stand_in(growing, "second_officer", deputy)
    with growing.session() as session:
        case = session.get_one(models.Case, id_)
        assert told(Recipient.LEADERS) == told(Recipient.APPROVERS) == {users["leader"], mine}


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"end_on": "2026-01-01"}, "", "结束"),
        ({"deputy": "second_officer"}, "", "本人"),
        ({"deputy": "nobody"}, "deputy", "账号"),
        ({"deputy": "auxiliary"}, "deputy", "辅助"),
        ({"deputy": "gone"}, "deputy", "不在岗"),
    ],
)
def test_a_term_that_makes_no_sense_is_refused_on_the_form(
    growing: Stage, given: dict[str, str], field: str, words: str
) -> None:
    growing.inside["auxiliary"] = officer(growing, "helper", "officer", kind=models.OfficerKind.AUXILIARY)
    growing.inside["gone"] = officer(growing, "gone", "officer", active=False)
    with growing.session() as session:
        growing.inside["nobody"] = steps.colleague(session, growing)
    day = today() + timedelta(400)
    typed = {"officer": "second_officer", "deputy": "officer", "start_on": f"{day}", "end_on": f"{day}", **given}
    typed |= {name: str(growing.inside[typed[name]]) for name in ("officer", "deputy")}
    before = growing.count("deputy")
    answer = growing.browse("office").post("/admin/deputy/new/", typed)
    assert answer.status_code == 422, answer.status_code
    assert growing.count("deputy") == before
    assert words in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("officer_id", "deputy_id", "field"),
    [
        ("second_officer", "colleague", "start_on"),
        ("officer", "second_officer", "deputy"),
        ("spare", "officer", None),
        ("officer", "spare", "officer"),
    ],
)
def test_terms_that_contradict_each_other_are_refused_by_form_and_import(
    growing: Stage, officer_id: str, deputy_id: str, field: str | None
) -> None:
    """The second officer is replaced by the first one already. Another may stand in for two people at once."""
    growing.inside["colleague"] = officer(growing, "colleague", "officer")
    growing.inside["spare"] = officer(growing, "spare", "officer")
    first, last = today() + timedelta(10), today() + timedelta(19)
    stand_in(growing, "second_officer", growing.inside["officer"], first, last)
    day = f"{last}"
    typed = {
        "officer": str(growing.inside[officer_id]),
        "deputy": str(growing.inside[deputy_id]),
        "start_on": day,
        "end_on": day,
    }
    names = [growing.get("officer", growing.inside[one]).name for one in (officer_id, deputy_id)]
    before = growing.count("deputy")
    header = ("被代理人", "代理人", "代理开始日期", "代理结束日期")
    plan = Office(growing).plan("deputy", table(header, (*names, day, day)))
    labels = {"start_on": "代理开始日期", "deputy": "代理人", "officer": "被代理人"}
    assert [place for _row, place, _why in errors(plan)] == ([labels[field]] if field else [])
    answer = growing.browse("office").post("/admin/deputy/new/", typed)
    assert (answer.status_code, growing.count("deputy")) == ((422, before) if field else (302, before + 1))
