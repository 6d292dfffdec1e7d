"""A squad without a leader: the office decides in their place, and the record says so."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

import models
from bureau.cases.errors import StepNotAllowed
from bureau.cases.steps import STEPS, Recipient
from bureau.notices import notices, reminders
from bureau.settings import settings
from models import CaseStatus as S
from panel.kinds import Invalid, now, today
from panel.security.accounts import User, UserRole
from tests import factories, steps
from tests.factories import Stage

#: Steps that are for leaders alone, by a state in which they are possible.
FOR_LEADERS = {
    step.name: step.sources[-1 if step.name == "resume" else 0]
    for step in STEPS.values()
    if "leader" in step.roles and "office" not in step.roles
}
SIGNED = "office（分队无分队长，内勤代行）"


@contextmanager
def leaderless(stage: Stage, why: str) -> Iterator[None]:
    """The squad has no leader for some reason."""
    leader, officer = stage.district.users["leader"], stage.inside["second_officer"]
    with stage.session() as session:
        # Past the rule that what hangs on them is handed over before.
        if why == "ended account":
            session.execute(sa.update(User.__table__).where(User.__table__.c.id == leader).values(active=False))
        elif why == "retired":
            people = models.Officer.__table__
            session.execute(sa.update(people).where(people.c.id == officer).values(active=False))
        elif why == "another squad":
            session.get_one(models.Officer, officer).squad_id = stage.outside["squad"]
        else:
            session.execute(sa.delete(UserRole).where(UserRole.user_id == leader, UserRole.role == "leader"))
    yield
    with stage.session() as session:
        session.get_one(User, leader).active = True
        person = session.get_one(models.Officer, officer)
        person.active, person.squad_id = True, stage.inside["squad"]
        if not session.scalars(sa.select(UserRole.id).where(UserRole.user_id == leader)).first():
            session.add(UserRole(user_id=leader, role="leader"))


def waiting(stage: Stage, step: str, status: S) -> int:
    """A case in which a step for leaders is next."""
    id_ = steps.new_case(stage, status, "officer" if status is not S.REPORTED else "")
    if STEPS[step].decides:
        with stage.session() as session:
            session.add(steps.asked(session.get_one(models.Case, id_)))
    return id_


def test_there_are_steps_for_leaders_alone() -> None:
    assert {"approve", "refuse", "resume", "void", "reopen", "change_list"} <= set(FOR_LEADERS)


@pytest.mark.parametrize("step", FOR_LEADERS)
def test_the_office_takes_the_steps_of_leaders_where_there_is_none(growing: Stage, step: str) -> None:
    status = FOR_LEADERS[step]
    id_ = waiting(growing, step, status)
    address = f"/admin/case/step/?id={id_}&step={step}"
    office = growing.browse("office")
    assert office.get(address).status_code == 403, "while there is a leader"
    with pytest.raises(StepNotAllowed):
        steps.take(growing, "office", id_, step)
    with leaderless(growing, "ended account"):
        assert office.get(address).status_code == 200
        steps.take(growing, "office", id_, step)
        with growing.session() as session:
            assert steps.history(session, id_)[-1].actor_name == SIGNED
        assert SIGNED in html.unescape(office.get(f"/admin/case/details/?id={id_}").text)
    assert office.get(address).status_code == (302 if STEPS[step].decides else 403), "there is one again"


@pytest.mark.parametrize("why", ["ended account", "retired", "another squad", "role taken away"])
def test_why_a_squad_has_no_leader(growing: Stage, why: str) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    steps.take(growing, "officer", id_, "suspend")
    number = growing.get("case", id_).case_no
    office = growing.browse("office")
    assert number not in office.get("/approvals").text
    with leaderless(growing, why):
        assert number in office.get("/approvals").text
        version = str(growing.get("case", id_).version)
        decision = {"decision": "approve", "case": str(id_), "version": version, "opinion": ""}
        assert office.post("/approvals", decision).status_code == 302
        assert growing.get("case", id_).status is S.SUSPENDED
        with growing.session() as session:
            change = session.scalars(sa.select(models.DeadlineChange).where(models.DeadlineChange.case_id == id_)).one()
            assert change.decided_by == SIGNED


def test_the_leader_of_another_squad_that_handles_the_case_still_decides(growing: Stage) -> None:
    """The community's squad has no leader, that of the handler has."""
    with growing.session() as session:
        community = models.Community(name="无队社区", street_id=growing.inside["street"])
        session.add(community)
        session.flush()
        place = community.id
    id_ = steps.new_case(growing, S.HANDLING, "officer", community_id=place)
    assert growing.browse("office").get(f"/admin/case/step/?id={id_}&step=void").status_code == 403
    assert growing.browse("leader").get(f"/admin/case/step/?id={id_}&step=void").status_code == 200


def test_a_deputy_of_the_leader_keeps_the_office_from_deciding(growing: Stage) -> None:
    """On leave with the account closed: the deputy decides."""
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    with growing.session() as session:
        term = models.Deputy(
            officer_id=growing.inside["second_officer"],
            deputy_id=growing.inside["officer"],
            start_on=today(),
            end_on=today(),
        )
        session.add(term)
    with leaderless(growing, "ended account"):
        assert growing.browse("office").get(f"/admin/case/step/?id={id_}&step=void").status_code == 403
        assert growing.browse("officer").get(f"/admin/case/step/?id={id_}&step=void").status_code == 200
    with growing.session() as session:
        session.execute(sa.delete(models.Deputy).where(models.Deputy.end_on == today()))


def test_the_setting_names_who_of_the_office_decides(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    with growing.session() as session:
        if not session.scalars(sa.select(User).where(User.username == "chief")).first():
            factories.account(session, growing.panel, "chief", "office")
        with pytest.raises(Invalid, match="nobody-here"):
            settings.put(session, "office_heads", "chief、nobody-here")
        settings.put(session, "office_heads", "chief")
    address = f"/admin/case/step/?id={id_}&step=void"
    with leaderless(growing, "ended account"):
        assert growing.browse("office").get(address).status_code == 403
        assert growing.browse("chief").get(address).status_code == 200
        with growing.session() as session:
            case = session.get_one(models.Case, id_)
            chief = session.scalars(sa.select(User.id).where(User.username == "chief")).one()
            assert notices.recipients(session, case, (Recipient.LEADERS,)) == [chief]
            session.get_one(User, chief).active = False
        assert growing.browse("office").get(address).status_code == 200, "nobody named is in office: anybody"
    with growing.session() as session:
        session.get_one(User, chief).active = True
        settings.put(session, "office_heads", "")


def test_the_office_is_reminded_where_a_leader_would_be(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    with growing.session() as session:
        session.get_one(models.Case, id_).due_at = now()
    users = growing.district.users

    def told() -> set[int]:
        with growing.session() as session:
            late = [one for one in reminders.due(session) if (one.case_id, one.kind) == (id_, reminders.Kind.OVERDUE)]
            return {user for one in late for user in one.users}

    assert told() == {users["officer"], users["leader"]}
    with leaderless(growing, "retired"):
        assert users["office"] in told()
        assert users["leader"] not in told()


def test_a_handler_whose_account_has_ended_is_acted_for_and_replaced_by_the_office(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.DISPATCHED, "officer")
    office, address = growing.browse("office"), f"/admin/case/step/?id={id_}&step="
    assert office.get(address + "start").status_code == 403
    user = growing.district.users["officer"]
    growing.put("user", user, active=False)
    with growing.session() as session:
        other = steps.colleague(session, growing)
    assert steps.take(growing, "office", id_, "start").status is S.HANDLING
    assert steps.take(growing, "office", id_, "reassign", handler=other).handler_id == other
    with growing.session() as session:
        session.get_one(User, user).active = True
