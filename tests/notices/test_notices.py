"""Who is told of what: by each step, of deadlines once, each account its own alone; nothing of it hinders a step."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

import models
from bureau.cases.steps import STEPS
from bureau.notices import notices
from bureau.settings import settings
from models import Case, CaseStatus, Satisfaction
from panel.base import UNSCOPED
from panel.jobs import periodic
from panel.kinds import now
from panel.notify.records import Notice
from panel.security.accounts import User
from panel.security.policy import Permission
from tests import factories, steps
from tests.factories import ROLE_NAMES, Stage

pytestmark = pytest.mark.framed

S = CaseStatus

#: Step, from where, who handles, who takes it, who is told (besides: nobody), of what.
EXPECTED = (
    ("dispatch", S.ACCEPTED, "", "leader", {"handler": "officer"}, {"officer"}, "assigned"),
    ("dispatch", S.ACCEPTED, "", "officer", {"handler": "officer"}, set(), ""),
    ("reassign", S.HANDLING, "officer", "office", {"handler": "leader"}, {"leader"}, "assigned"),
    ("send_back", S.DISPATCHED, "leader", "leader", {}, {"officer", "office"}, "returned"),
    ("reply", S.REFERRED, "officer", "office", {}, {"officer"}, "replied"),
    ("change_urgency", S.HANDLING, "officer", "office", {}, {"officer"}, "urgency"),
    ("handle", S.HANDLING, "officer", "officer", {}, {"office"}, "to_verify"),
    ("rework", S.HANDLED, "officer", "office", {}, {"officer"}, "returned"),
    ("unsolved", S.VERIFIED, "officer", "office", {}, {"officer"}, "returned"),
    ("refer", S.ACCEPTED, "", "office", {"handler": "officer"}, {"officer"}, "assigned"),
    ("refer", S.HANDLING, "officer", "office", {}, set(), ""),
    ("ask_performance", S.HANDLING, "officer", "officer", {}, {"leader"}, "approval_asked"),
    ("extend", S.HANDLING, "officer", "officer", {}, {"leader"}, "approval_asked"),
    ("suspend", S.HANDLING, "leader", "leader", {}, {"office"}, "approval_asked"),
    ("ask_resume", S.SUSPENDED, "officer", "officer", {}, {"leader"}, "approval_asked"),
    ("close", S.VERIFIED, "officer", "officer", {}, {"liaison"}, "feedback"),
    ("reject", S.REPORTED, "", "office", {}, {"liaison"}, "feedback"),
    ("merge", S.ACCEPTED, "", "office", {}, {"liaison"}, "feedback"),
    ("void", S.HANDLING, "officer", "leader", {}, {"liaison"}, "feedback"),
    ("urge", S.HANDLING, "officer", "liaison", {}, {"officer", "leader"}, "urged"),
    ("supervise", S.HANDLING, "officer", "leader", {}, {"officer"}, "pressed"),
    ("reopen", S.CLOSED, "officer", "leader", {}, {"officer"}, "reopened"),
    ("change_community", S.HANDLING, "leader", "office", {"handler": "officer"}, {"officer"}, "moved"),
    ("start", S.DISPATCHED, "officer", "officer", {}, set(), ""),
    ("note", S.HANDLING, "officer", "office", {}, set(), ""),
)


@pytest.fixture
def quiet(stage: Stage) -> Stage:
    with stage.session() as session:
        session.execute(sa.delete(Notice))
    return stage


def told(stage: Stage, case: int | None = None) -> dict[str, list[str]]:
    """The kinds of notices by the account that got them."""
    with stage.session() as session:
        query = sa.select(User.username, Notice.kind).join(User, User.id == Notice.owner_id).order_by(Notice.id)
        if case is not None:
            query = query.where(Notice.record_id == case)
        found: dict[str, list[str]] = {}
        for username, kind in session.execute(query):
            found.setdefault(username, []).append(kind)
        return found


def person(stage: Stage, given: dict[str, str]) -> dict[str, int]:
    where = {"officer": stage.inside["officer"], "leader": stage.inside["second_officer"]}
    return {name: where[who] for name, who in given.items()}


@pytest.mark.parametrize(("step", "state", "handler", "actor", "given", "owners", "kind"), EXPECTED)
def test_a_step_tells_those_it_concerns_and_nobody_else(
    quiet: Stage, step: str, state: CaseStatus, handler: str, actor: str, given: Any, owners: set[str], kind: str
) -> None:
    id_ = steps.new_case(quiet, state, handler)
    steps.take(quiet, actor, id_, step, **person(quiet, given))
    assert told(quiet, id_) == {owner: [kind] for owner in owners}
    for owner in owners:
        with quiet.acting(owner) as session:
            assert session.execute(sa.select(Case.id).where(Case.id == id_)).scalar() == id_, "told of a hidden case"


def test_who_asked_is_told_what_was_decided(quiet: Stage) -> None:
    for decision, kind in (("approve", "approved"), ("refuse", "refused")):
        id_ = steps.new_case(quiet, S.HANDLING, "officer")
        steps.take(quiet, "officer", id_, "extend")
        steps.take(quiet, "leader", id_, decision)
        assert told(quiet, id_) == {"leader": ["approval_asked"], "officer": [kind]}


def test_the_liaison_of_a_merged_case_gets_feedback_when_the_master_closes(quiet: Stage) -> None:
    """Each in their own case: here a liaison for whom the master is none of theirs."""
    master = steps.new_case(quiet, S.VERIFIED, "officer")
    merged = steps.new_case(quiet, S.MERGED)
    with quiet.session() as session:
        session.get_one(Case, merged).master_id = master
        session.get_one(Case, master).community_id = quiet.outside["community"]
    steps.take(quiet, "office", master, "close")
    assert told(quiet, merged) == {"liaison": ["feedback"]}
    assert told(quiet, master) == {}


def test_that_somebody_is_unsatisfied_is_told_to_who_may_reopen(quiet: Stage) -> None:
    for satisfaction, expected in (
        (Satisfaction.UNSATISFIED, {"leader": ["unsatisfied"]}),
        (Satisfaction.SATISFIED, {}),
    ):
        id_ = steps.new_case(quiet, S.VERIFIED, "officer")
        steps.take(quiet, "office", id_, "close", satisfaction=satisfaction)
        assert told(quiet, id_) == {"liaison": ["feedback"], **expected}


def test_steps_declare_kinds_of_notices_that_there_are() -> None:
    declared = {step.name: step.notice.kinds for step in STEPS.values() if step.notice}
    assert {kind for kinds in declared.values() for kind in kinds} <= set(notices.KINDS)
    assert {step for step, *_rest in EXPECTED} | {"approve", "refuse", "report", "sent_back"} >= set(declared)


def test_who_can_not_log_in_is_told_nothing(quiet: Stage) -> None:
    with quiet.session() as session:
        session.execute(sa.update(User).where(User.username == "officer").values(active=False))
    id_ = steps.new_case(quiet, S.ACCEPTED)
    steps.take(quiet, "leader", id_, "dispatch", handler=quiet.inside["officer"])
    assert told(quiet, id_) == {}


@pytest.mark.database
def test_a_notice_that_fails_hinders_no_step(quiet: Stage, monkeypatch: pytest.MonkeyPatch, logged: list[str]) -> None:
    def broken(session: Any, *_rest: Any, **_more: Any) -> None:
        session.execute(sa.insert(Notice.__table__).values(owner_id=None), execution_options=UNSCOPED)

    monkeypatch.setattr(notices, "recipients", broken)
    id_ = steps.new_case(quiet, S.ACCEPTED)
    done = steps.take(quiet, "leader", id_, "dispatch", handler=quiet.inside["officer"])
    assert done.status is S.DISPATCHED
    assert told(quiet, id_) == {}
    assert "a notice could not be written" in "".join(logged)


@pytest.mark.database
def test_a_step_costs_a_few_statements_more_however_many_are_told(quiet: Stage) -> None:
    def cost() -> int:
        id_ = steps.new_case(quiet, S.HANDLING, "officer")
        with quiet.session() as session:
            values = steps.filled_in(session, quiet, session.get_one(Case, id_), "handle")
        with steps.acting(quiet, "officer") as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
            with factories.counted(quiet.panel.db.engine) as sent:
                steps.workflow.take(session, case, "handle", values)
        return len([one for one in sent if "notice" in one or "webhook" in one]) * 100 + len(sent)

    few = cost()
    with quiet.session() as session:
        for n in range(20):
            factories.account(session, quiet.panel, f"office{n}", "office")
    assert cost() == few
    assert len(told(quiet)) == 21


def tick(stage: Stage) -> None:
    with stage.app.app_context():
        kept = stage.panel.periodic
        stage.panel.periodic = {name: kept[name] for name in ("notices.remind", "notices.forget")}
        try:
            assert set(periodic.tick(stage.panel, force=True).values()) == {periodic.Result.DONE}
        finally:
            stage.panel.periodic = kept


@pytest.mark.database
def test_a_deadline_is_told_once_and_again_after_it_was_moved(quiet: Stage) -> None:
    id_ = steps.new_case(quiet, S.HANDLING, "officer", due_at=now() - timedelta(minutes=5))
    tick(quiet)
    tick(quiet)
    assert told(quiet, id_) == {"officer": ["overdue"], "leader": ["overdue"]}
    with quiet.session() as session:
        session.get_one(Case, id_).due_at = now() - timedelta(minutes=1)
    tick(quiet)
    assert told(quiet, id_)["officer"] == ["overdue"] * 2


@pytest.mark.database
def test_old_notices_are_cleared_after_the_days_that_are_set(quiet: Stage) -> None:
    with quiet.session() as session:
        settings.put(session, "notice_days", 30)
    id_ = steps.new_case(quiet, S.ACCEPTED)
    steps.take(quiet, "leader", id_, "dispatch", handler=quiet.inside["officer"])
    with time_machine.travel(now() + timedelta(days=29), tick=True):
        tick(quiet)
        assert "assigned" in told(quiet, id_)["officer"]
    with time_machine.travel(now() + timedelta(days=31), tick=True):
        tick(quiet)
        assert "assigned" not in told(quiet, id_).get("officer", [])


def test_each_account_sees_and_opens_its_own_alone(quiet: Stage) -> None:
    with quiet.session() as session:
        number = session.get_one(Case, quiet.inside["case"]).case_no
        rows = [
            {"owner_id": quiet.district.users[role], "kind": "assigned", "mark": f"m{role}", "actor_name": f"由{role}"}
            for role in ROLE_NAMES
        ]
        for row in rows:
            session.add(Notice(table_name="case", record_id=quiet.inside["case"], **row))
        session.flush()
        ids = {role: session.scalar(sa.select(Notice.id).where(Notice.mark == f"m{role}")) for role in ROLE_NAMES}
    for role in ROLE_NAMES:
        browser = quiet.browse(role)
        page = browser.get("/notices/").text
        assert {other for other in ROLE_NAMES if f"由{other}<" in page} == {role}
        reads = factories.granted(role, Permission.READ, "case")
        assert (number in page) is reads, "an administrator is not told of a case"
        for other, id_ in ids.items():
            if other != role:
                assert browser.post(f"/notices/{id_}/open").status_code == 404
        assert browser.get(f"/notices/{ids[role]}/open").status_code == 405, "looking changes nothing"
    with quiet.session() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Notice.read_at.is_not(None))) == 0
    assert quiet.visitor().get("/notices/").status_code == 302


def bell(browser: factories.Browser) -> int:
    found = re.search(r'class="unseen".*?<b[^>]*>(\d+)</b>', browser.get("/").text, re.S)
    return int(found[1]) if found else 0


def test_the_bell_counts_what_is_unread_and_opening_reads(quiet: Stage) -> None:
    ids = [steps.new_case(quiet, S.ACCEPTED) for _n in range(3)]
    for id_ in ids:
        steps.take(quiet, "leader", id_, "dispatch", handler=quiet.inside["officer"])
    browser = quiet.browse("officer")
    assert (bell(browser), bell(quiet.browse("leader"))) == (3, 0)
    page = browser.get("/notices/?is=unread").text
    opened = re.findall(r'action="(/notices/\d+/open)"', page)
    assert len(opened) == 3
    answer = browser.post(opened[0])
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/case/details/?id={ids[2]}")
    assert bell(browser) == 2
    assert len(re.findall(r'action="/notices/\d+/open"', browser.get("/notices/?is=unread").text)) == 2
    assert browser.post("/notices/read").status_code == 302
    assert bell(browser) == 0
    assert models.Case.__tablename__ in browser.get("/notices/").text


def test_the_page_costs_the_same_however_many(quiet: Stage) -> None:
    browser = quiet.browse("officer")
    costs = []
    for more in (3, 40):
        with quiet.session() as session:
            for n in range(more):
                other = factories.another(session, "case", quiet.inside).id
                owner = quiet.district.users["officer"]
                session.add(
                    Notice(owner_id=owner, kind="assigned", mark=f"{more}.{n}", table_name="case", record_id=other)
                )
        with quiet.app.app_context():
            engine = quiet.panel.db.engine
        with factories.counted(engine) as sent:
            assert browser.get("/notices/?page=1").status_code == 200
        costs.append(len(sent))
    assert costs[0] == costs[1] <= 12, "\n".join(sent)


def test_a_deadline_is_not_told_to_an_account_that_is_closed(quiet: Stage) -> None:
    id_ = steps.new_case(quiet, S.HANDLING, "officer", due_at=now() - timedelta(minutes=5))
    quiet.put("user", quiet.district.users["officer"], active=False)
    tick(quiet)
    assert told(quiet, id_) == {"leader": ["overdue"]}
