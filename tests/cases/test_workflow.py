"""The steps of a case: who, from where, to where, what must be filled in; held against a table that is written by hand
from the bureau's rules. Two people at one case."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import events, workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps import STEPS
from models import Case, CaseStatus
from panel.base import UNSCOPED
from panel.security.policy import Permission
from panel.security.session import OutOfScope
from tests import factories, steps
from tests.factories import Stage

S = CaseStatus
OPEN = {S.REPORTED, S.ACCEPTED, S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING, S.SUSPENDED, S.HANDLED, S.VERIFIED}
#: Open states from acceptance on.
ACCEPTED = OPEN - {S.REPORTED}

ASKABLE = {S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING}
#: Steps that decide what somebody else has asked for.
DECIDING = {"approve", "refuse"}

#: Somebody by name: the account that acts, and who is named as handler.
PEOPLE = {
    "office": ("office", "officer"),
    "office for a handler without account": ("office", "nobody"),
    "leader": ("leader", "officer"),
    "leader as handler": ("leader", "leader"),
    "officer": ("officer", "leader"),
    "officer as handler": ("officer", "officer"),
    "liaison": ("liaison", "officer"),
    "viewer": ("viewer", "officer"),
}
OFFICE = {"office", "office for a handler without account"}
LEADER = {"leader", "leader as handler"}
OFFICER = {"officer", "officer as handler"}
HANDLER = {"leader as handler", "officer as handler"}
#: The office records what a handler without an account has done.
FOR_HANDLER = HANDLER | {"office for a handler without account"}
EVERYBODY = OFFICE | LEADER | OFFICER | {"liaison"}

ORDERS = count(1)

#: Step: from where, who.
RULES: dict[str, tuple[set[CaseStatus], set[str]]] = {
    "accept": ({S.REPORTED}, OFFICER | OFFICE),
    "reject": ({S.REPORTED}, OFFICE),
    "merge": (OPEN - {S.HANDLED, S.VERIFIED}, OFFICE),
    "dispatch": ({S.ACCEPTED}, OFFICE | LEADER | OFFICER),
    "reassign": (ASKABLE | {S.SUSPENDED, S.HANDLED}, OFFICE | LEADER),
    "send_back": ({S.DISPATCHED}, FOR_HANDLER),
    "start": ({S.DISPATCHED}, FOR_HANDLER),
    "refer": ({S.ACCEPTED, S.DISPATCHED, S.HANDLING, S.REFERRED}, OFFICER | OFFICE),
    "chase": ({S.REFERRED, S.SUSPENDED}, OFFICE | LEADER | OFFICER),
    "joint": ({S.REFERRED, S.SUSPENDED}, OFFICER | OFFICE),
    "sign": ({S.REFERRED, S.SUSPENDED}, OFFICER | OFFICE),
    "reply": ({S.REFERRED, S.SUSPENDED}, OFFICER | OFFICE),
    "mediate": ({S.HANDLING}, OFFICER | OFFICE),
    "session": ({S.MEDIATING}, OFFICER | OFFICE),
    "end_mediation": ({S.MEDIATING}, OFFICER | OFFICE),
    "ask_performance": ({S.HANDLING}, OFFICE | LEADER | OFFICER),
    "perform": ({S.HANDLING, S.HANDLED, S.VERIFIED, S.CLOSED}, OFFICER | OFFICE),
    "extend": (ASKABLE, FOR_HANDLER),
    "suspend": ({S.HANDLING, S.REFERRED, S.MEDIATING}, FOR_HANDLER),
    "ask_resume": ({S.SUSPENDED}, FOR_HANDLER),
    "approve": (ASKABLE | {S.SUSPENDED}, LEADER),
    "refuse": (ASKABLE | {S.SUSPENDED}, LEADER),
    "resume": ({S.SUSPENDED}, LEADER - HANDLER),
    "change_list": (ASKABLE | {S.ACCEPTED, S.SUSPENDED}, LEADER),
    "change_community": (OPEN - {S.REPORTED}, OFFICE | LEADER),
    "handle": ({S.HANDLING}, FOR_HANDLER),
    "verify": ({S.HANDLED}, (OFFICE | LEADER | OFFICER) - HANDLER),
    "rework": ({S.HANDLED}, (OFFICE | LEADER | OFFICER) - HANDLER),
    "unsolved": ({S.VERIFIED}, OFFICE | LEADER | OFFICER),
    "close": ({S.VERIFIED}, OFFICER | OFFICE),
    "reopen": ({S.CLOSED}, LEADER),
    "sent_back": ({S.CLOSED, S.REJECTED, S.MERGED}, OFFICE | LEADER),
    "void": (OPEN, LEADER),
    "raise": (set(S), OFFICE | OFFICER),
    "correct_intake": (ACCEPTED, OFFICE | LEADER),
    "change_urgency": (ACCEPTED - {S.HANDLED, S.VERIFIED}, (OFFICE | LEADER) - HANDLER),
    "correct_party": (ACCEPTED, OFFICE | OFFICER),
    "correct_feedback": ({S.HANDLED, S.VERIFIED, S.CLOSED}, (OFFICE | OFFICER) - HANDLER),
    "note": (set(S), EVERYBODY),
    "urge": (OPEN, EVERYBODY - LEADER),
    "supervise": (OPEN, OFFICE | LEADER),
}
#: Where a step leads, from the state named first.
LEADS = [
    ("accept", S.REPORTED, S.ACCEPTED),
    ("reject", S.REPORTED, S.REJECTED),
    ("merge", S.REPORTED, S.MERGED),
    *(("merge", status, S.MERGED) for status in sorted(OPEN - {S.REPORTED, S.HANDLED, S.VERIFIED})),
    ("dispatch", S.ACCEPTED, S.DISPATCHED),
    ("reassign", S.DISPATCHED, S.DISPATCHED),
    ("reassign", S.HANDLING, S.HANDLING),
    ("reassign", S.REFERRED, S.REFERRED),
    ("reassign", S.MEDIATING, S.MEDIATING),
    ("reassign", S.SUSPENDED, S.SUSPENDED),
    ("reassign", S.HANDLED, S.HANDLED),
    ("send_back", S.DISPATCHED, S.ACCEPTED),
    ("start", S.DISPATCHED, S.HANDLING),
    *(("refer", status, S.REFERRED) for status in (S.ACCEPTED, S.DISPATCHED, S.HANDLING)),
    ("refer", S.REFERRED, S.REFERRED),
    ("chase", S.REFERRED, S.REFERRED),
    ("joint", S.REFERRED, S.REFERRED),
    ("sign", S.REFERRED, S.REFERRED),
    ("reply", S.REFERRED, S.HANDLING),
    ("reply", S.SUSPENDED, S.SUSPENDED),
    ("sign", S.SUSPENDED, S.SUSPENDED),
    ("ask_performance", S.HANDLING, S.HANDLING),
    ("unsolved", S.VERIFIED, S.HANDLING),
    ("mediate", S.HANDLING, S.MEDIATING),
    ("session", S.MEDIATING, S.MEDIATING),
    ("end_mediation", S.MEDIATING, S.HANDLING),
    ("perform", S.HANDLING, S.HANDLING),
    ("perform", S.CLOSED, S.CLOSED),
    *(("extend", status, status) for status in sorted(ASKABLE)),
    *(("suspend", status, status) for status in (S.HANDLING, S.REFERRED, S.MEDIATING)),
    *(("approve", status, S.SUSPENDED) for status in sorted(ASKABLE)),
    ("refuse", S.HANDLING, S.HANDLING),
    ("ask_resume", S.SUSPENDED, S.SUSPENDED),
    ("resume", S.SUSPENDED, S.HANDLING),
    *(("change_list", status, status) for status in sorted(ASKABLE | {S.ACCEPTED, S.SUSPENDED})),
    *(("change_community", status, status) for status in sorted(OPEN - {S.REPORTED})),
    ("handle", S.HANDLING, S.HANDLED),
    ("verify", S.HANDLED, S.VERIFIED),
    ("rework", S.HANDLED, S.HANDLING),
    ("close", S.VERIFIED, S.CLOSED),
    ("reopen", S.CLOSED, S.HANDLING),
    ("sent_back", S.CLOSED, S.HANDLING),
    ("sent_back", S.REJECTED, S.ACCEPTED),
    *(("void", status, S.VOIDED) for status in sorted(OPEN)),
    ("raise", S.CLOSED, S.CLOSED),
    ("correct_intake", S.HANDLING, S.HANDLING),
    ("change_urgency", S.ACCEPTED, S.ACCEPTED),
    ("correct_party", S.VERIFIED, S.VERIFIED),
    ("correct_feedback", S.CLOSED, S.CLOSED),
    ("supervise", S.HANDLING, S.HANDLING),
    ("note", S.CLOSED, S.CLOSED),
    ("urge", S.HANDLED, S.HANDLED),
]
REQUIRED = {
    "accept": {"item", "urgency"},
    "reject": {"reason", "told", "responsible"},
    "merge": {"master", "reason"},
    "dispatch": {"handler"},
    "reassign": {"handler", "reason"},
    "send_back": {"reason"},
    "start": set(),
    "refer": {"department", "kind", "request"},
    "chase": {"referral", "text"},
    "joint": {"referral", "joint_on", "joint_state", "joint_members"},
    "sign": {"referral"},
    "reply": {"referral", "answer", "reply"},
    "mediate": {"reason", "party_a", "party_b", "kind", "dispute"},
    "session": {"held_at", "attending", "minutes"},
    "end_mediation": {"ending", "agreement", "agreement_form", "perform_by"},
    "perform": {"performance", "followed_on", "follow_up"},
    "ask_performance": {"reason"},
    "extend": {"days", "reason"},
    "suspend": {"reason", "review_on"},
    "ask_resume": {"reason"},
    "approve": set(),
    "refuse": {"opinion"},
    "resume": {"reason"},
    "change_list": {"item", "reason"},
    "change_community": {"community", "reason"},
    "handle": {"outcome", "result"},
    "verify": {"finding"},
    "rework": {"reason"},
    "sent_back": {"reason"},
    "unsolved": {"said_by", "channel", "reason"},
    "close": {"liaison_content", "complainant_content", "satisfaction"},
    "reopen": {"reason"},
    "void": {"reason"},
    "correct_intake": {"reported_at", "source", "reason"},
    "change_urgency": {"urgency", "reason"},
    "correct_party": {"party", "known", "reason"},
    "correct_feedback": {"feedback", "channel", "content", "reason"},
    "raise": {"raised_to"},
    "note": {"text"},
    "urge": {"text"},
    "supervise": {"text"},
}


def able(name: str) -> tuple[str, str]:
    """The account, and the handler's, of somebody who may take a step."""
    order = ["office for a handler without account", "officer", "leader", "officer as handler"]
    return PEOPLE[next(who for who in order if who in RULES[name][1])]


def ask(stage: Stage, id_: int, name: str, *, away: bool = False) -> None:
    """Something waits for a decision, for the steps that decide; an order, for the step of the hotline."""
    if name == "sent_back" and not away:
        with stage.session() as session:
            case = session.get_one(Case, id_)
            order = {"order_no": f"T{next(ORDERS)}", "content": "来电", "sent_at": case.reported_at}
            session.add(models.HotlineOrder(case=case, community_id=case.community_id, **order))
    if name in DECIDING:
        with stage.session() as session:
            if away:
                session.execute(sa.delete(models.DeadlineChange).where(models.DeadlineChange.asked_by_id == 0))
            else:
                session.add(steps.asked(session.get_one(Case, id_)))


def test_every_step_stands_in_the_rules() -> None:
    assert set(STEPS) == {"report", *RULES}


def test_who_reports() -> None:
    assert STEPS["report"].roles == {"liaison", "officer", "office"}
    assert {role for role in factories.ROLE_NAMES if factories.granted(role, Permission.CREATE, "case")} == {
        "liaison",
        "officer",
        "office",
    }


@pytest.mark.parametrize("who", PEOPLE)
def test_a_step_is_taken_where_the_rules_say_and_nowhere_else(growing: Stage, who: str) -> None:
    """Each is offered by the rules in every state to everybody. A third of them are tried too: by each person every
    step in four states at least, in each state every step by two people at least."""
    account, handler = PEOPLE[who]
    id_ = steps.new_case(growing, S.ACCEPTED)
    wrong = []
    for n, status in enumerate(S, list(PEOPLE).index(who)):
        with growing.session() as session:
            case = session.get_one(Case, id_)
            steps.place(session, growing, case, status, handler)
            values = {name: steps.filled_in(session, growing, case, name) for name in RULES}
        wanted = [name for m, name in enumerate(RULES) if (n + m) % 3 == 0]
        asked = {name for name in RULES if name in DECIDING or name == "sent_back"}
        found = tries(growing, account, id_, {name: values[name] for name in wanted if name not in asked})
        for name in asked & {*wanted}:
            ask(growing, id_, name)
            found |= tries(growing, account, id_, {name: values[name]})
            ask(growing, id_, name, away=True)
        with steps.acting(growing, account) as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
            offered = {step.name for step in workflow.available(session, case)}
        for name, (sources, people) in RULES.items():
            expected = status in sources and who in people
            seen = found.get(name, (name in offered,) * 2)
            if seen != (expected, expected) and (name in found or name not in asked):
                wrong.append((status, name, *seen))
    assert not wrong


def tries(stage: Stage, account: str, id_: int, values: dict[str, dict[str, Any]]) -> dict[str, tuple[bool, bool]]:
    """Whether each of these steps could be taken, and whether it was offered. Nothing is written, and what is refused
    has changed nothing: the session goes on with the next one."""
    found: dict[str, tuple[bool, bool]] = {}
    while waiting := [name for name in values if name not in found]:
        with steps.acting(stage, account) as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
            offered = {step.name for step in workflow.available(session, case)}
            for name in waiting:
                found[name] = (False, name in offered)
                try:
                    workflow.take(session, case, name, values[name])
                except StepNotAllowed:
                    assert not {*session.new, *session.dirty}
                    continue
                except InvalidValues:
                    break
                found[name] = (True, name in offered)
                break
            session.rollback()
    return found


@pytest.mark.parametrize(("name", "before", "after"), LEADS)
def test_where_a_step_leads(growing: Stage, name: str, before: CaseStatus, after: CaseStatus) -> None:
    account, handler = able(name)
    id_ = steps.new_case(growing, before, handler)
    ask(growing, id_, name)
    with growing.session() as session:
        known = len(steps.history(session, id_))
    case = steps.take(growing, account, id_, name)
    with growing.session() as session:
        found = steps.history(session, id_)
        assert (case.status, len(found)) == (after, known + 1)
        assert (found[-1].step, found[-1].from_status, found[-1].to_status) == (name, before, after)
        assert found[-1].actor_name == account
        assert events.verify(found) is None


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, needed in REQUIRED.items() for field in sorted(needed)]
)
def test_what_must_be_filled_in(growing: Stage, name: str, field: str) -> None:
    account, handler = able(name)
    before = next(status for status in S if status in RULES[name][0])
    id_ = steps.new_case(growing, before, handler)
    ask(growing, id_, name)
    with pytest.raises(InvalidValues) as lacking:
        steps.take(growing, account, id_, name, **{field: None})
    assert list(lacking.value.problems) == [field]
    with growing.session() as session:
        assert session.get_one(Case, id_).status is before
        assert not [event for event in steps.history(session, id_) if event.step == name]


@pytest.mark.parametrize("name", RULES)
def test_nothing_else_must_be_filled_in(name: str) -> None:
    needed = {field.name for field in STEPS[name].asks if field.required}
    assert needed == {"close": set(), "end_mediation": {"ending"}}.get(name, REQUIRED[name])


def test_a_role_counts_only_for_the_cases_that_it_reaches(stage: Stage) -> None:
    """The head reads every case; an officer as well, they accept those of their own communities alone."""
    with stage.session() as session:
        factories.account(session, stage.panel, "both", "viewer", "officer")
        outside = session.get_one(Case, stage.outside["case"])
        steps.place(session, stage, outside, S.REPORTED)
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "both", stage.outside["case"], "accept")
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "both", stage.outside["case"], "note")


def test_the_handler_is_known_by_the_account_whatever_its_role(stage: Stage) -> None:
    """Somebody of the office who handled a case doesn't verify it."""
    id_ = steps.new_case(stage, S.HANDLED, "officer")
    with stage.session() as session:
        officer = models.Officer(name="周敏", user_id=stage.district.users["office"])
        session.add(officer)
        session.flush()
        session.get_one(Case, id_).handler_id = officer.id
    for name in ("verify", "rework"):
        with pytest.raises(StepNotAllowed):
            steps.take(stage, "office", id_, name)
    assert steps.take(stage, "leader", id_, "verify").status is S.VERIFIED


def test_a_step_needs_a_case_within_reach(stage: Stage) -> None:
    with steps.acting(stage, "officer") as session:
        query = sa.select(Case).where(Case.id == stage.outside["case"])
        assert session.execute(query).scalar_one_or_none() is None
        case = session.execute(query, execution_options=UNSCOPED).scalar_one()
        with pytest.raises((StepNotAllowed, OutOfScope)):
            workflow.take(session, case, "note", {"text": "看看"})
        session.rollback()


@pytest.mark.parametrize("status", S)
def test_the_state_is_set_by_steps_alone(growing: Stage, status: CaseStatus) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    with growing.session() as session:
        case = session.get_one(Case, id_)
        for known in (True, False):
            if not known:
                session.expire(case)
            if status is not S.HANDLING:
                with pytest.raises(RuntimeError):
                    case.status = status
        if status is not S.REPORTED:
            with pytest.raises(RuntimeError):
                Case(status=status)


def test_the_second_of_two_is_told_what_happened(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    with stage.session() as session:
        version = session.get_one(Case, id_).version
        handler = steps.colleague(session, stage)
    steps.take(stage, "leader", id_, "dispatch")
    with steps.acting(stage, "office") as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        with pytest.raises(StepNotAllowed) as refusal:
            workflow.take(session, case, "dispatch", {"handler": handler}, version=version)
        session.rollback()
    said = str(refusal.value.message)
    assert "leader" in said
    assert str(STEPS["dispatch"].label) in said
    assert str(S.DISPATCHED.label) in said


def test_a_remark_makes_nobodys_form_stale(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    with stage.session() as session:
        version = session.get_one(Case, id_).version
        handler = steps.colleague(session, stage)
    for name in ("note", "urge"):
        assert steps.take(stage, "liaison", id_, name).version == version
    with steps.acting(stage, "office") as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        workflow.take(session, case, "dispatch", {"handler": handler}, version=version)
    with steps.acting(stage, "liaison") as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        workflow.take(session, case, "note", {"text": "谢谢"}, version=version)


def test_an_edit_in_between_is_told_as_one(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.ACCEPTED)
    with stage.session() as session:
        case = session.get_one(Case, id_)
        version, case.place = case.version, "另一处"
    with steps.acting(stage, "office") as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        with pytest.raises(StepNotAllowed) as refusal:
            workflow.take(session, case, "dispatch", {"handler": stage.inside["officer"]}, version=version)
        assert refusal.value.message == workflow.conflict_message(session, case)
        session.rollback()
    assert not refusal.value.message.values


def test_two_at_the_same_moment(stage: Stage) -> None:
    """Both have the form open, both press at once: one step is taken, the other person is told whose."""
    id_ = steps.new_case(stage, S.ACCEPTED)
    with stage.session() as session:
        version, handler = session.get_one(Case, id_).version, steps.colleague(session, stage)
    gate, said = threading.Barrier(2), {}

    def press(account: str) -> None:
        gate.wait()
        with steps.acting(stage, account) as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
            try:
                workflow.take(session, case, "dispatch", {"handler": handler}, version=version)
                said[account] = "taken"
            except StepNotAllowed as refusal:
                session.rollback()
                said[account] = str(refusal.message)

    people = [threading.Thread(target=press, args=(account,)) for account in ("office", "leader")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    winner = next(account for account, word in said.items() if word == "taken")
    (other,) = said.keys() - {winner}
    assert winner in said[other]
    assert str(S.DISPATCHED.label) in said[other]
    with stage.session() as session:
        assert [e.step for e in steps.history(session, id_)].count("dispatch") == 1
        assert events.verify(steps.history(session, id_)) is None
