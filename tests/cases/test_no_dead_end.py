"""From every state of a case there is a way to its end for somebody who exists, whoever has left meanwhile.

The walk takes real steps of the declared ones: the usual next step where somebody may take it, else any that leads on,
and a void or the like only where nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from bureau.cases import workflow
from bureau.cases.steps import Step
from models import ENDED, Case
from models import CaseStatus as S
from panel.security.accounts import User, UserRole
from tests import steps
from tests.factories import Stage

#: Who exists: the accounts that look for a way, in this order.
PEOPLE = ("officer", "leader", "office", "liaison")
#: Steps that lead back or refuse: taken where nothing else is left.
BACK = {"send_back", "rework", "refuse"}
#: Most steps of a case until it is closed; more would be a circle.
MOST = 12
#: Where a walk begins, and where it ends: the states between lie on the way of the second one.
STARTS = {
    S.REPORTED: S.DISPATCHED,
    S.DISPATCHED: S.CLOSED,
    S.REFERRED: S.HANDLING,
    S.MEDIATING: S.HANDLING,
    S.SUSPENDED: S.HANDLING,
    S.CLOSED: S.HANDLING,
}


def _end_account(session: Session, username: str) -> None:
    """Past the rule that what hangs on them is handed over before."""
    account = User.__table__
    session.execute(sa.update(account).where(account.c.username == username).values(active=False))


def _retire(session: Session, stage: Stage, officer: str) -> None:
    table = models.Officer.__table__
    session.execute(sa.update(table).where(table.c.id == stage.inside[officer]).values(active=False))


def no_leader(session: Session, stage: Stage, _case: Case) -> None:
    _end_account(session, "leader")


def role_of_leader_taken_away(session: Session, stage: Stage, _case: Case) -> None:
    session.execute(
        sa.delete(UserRole).where(UserRole.user_id == stage.district.users["leader"], UserRole.role == "leader")
    )


def handler_without_account(session: Session, stage: Stage, case: Case) -> None:
    if case.handler_id is not None:
        case.handler_id = steps.colleague(session, stage)


def handler_without_account_and_no_leader(session: Session, stage: Stage, case: Case) -> None:
    handler_without_account(session, stage, case)
    no_leader(session, stage, case)


def account_of_the_handler_ended(session: Session, stage: Stage, _case: Case) -> None:
    _end_account(session, "officer")


def handler_and_lead_retired(session: Session, stage: Stage, _case: Case) -> None:
    _retire(session, stage, "officer")


def nobody_but_the_office(session: Session, stage: Stage, _case: Case) -> None:
    for username in ("officer", "leader", "liaison"):
        _end_account(session, username)


def item_that_ended(session: Session, _stage: Stage, case: Case) -> None:
    """The case stands on another item, whose version has ended since."""
    if case.item_id is not None:
        item = session.get_one(models.ChecklistItem, steps.other_item(session, case))
        case.item = item
        case.item_snapshot = {**(case.item_snapshot or {}), "code": item.code, "id": item.id, "mediable": False}


def leader_handles(_session: Session, stage: Stage, case: Case) -> None:
    """The only leader is the handler and the lead officer."""
    if case.handler_id is not None:
        case.handler_id = stage.inside["second_officer"]
    case.lead_officer_id = stage.inside["second_officer"]


def given_to_another(_session: Session, stage: Stage, case: Case) -> None:
    """Lead and handler were handed over to somebody of another squad who has no account."""
    case.lead_officer_id = stage.outside["officer"]
    if case.handler_id is not None:
        case.handler_id = stage.outside["officer"]


def no_liaison_and_no_squad(session: Session, stage: Stage, case: Case) -> None:
    """A community of no squad, without liaison, officer and leader."""
    place = models.Community(name=f"无人社区{case.id}", street_id=stage.inside["street"])
    session.add(place)
    session.flush()
    case.community_id = place.id
    case.lead_officer_id = case.liaison_id = None
    handler_without_account(session, stage, case)


def merged_community(session: Session, stage: Stage, case: Case) -> None:
    place = models.Community(
        name=f"并入社区{case.id}",
        street_id=stage.inside["street"],
        status=models.CommunityStatus.CLOSED,
        merged_into_id=stage.inside["community"],
    )
    session.add(place)
    session.flush()
    case.community_id, case.lead_officer_id = place.id, None


def waiting_request(session: Session, _stage: Stage, case: Case) -> None:
    """Somebody who has left since asked for something that waits, and there is no leader to decide."""
    if case.status in workflow.approvals.DECIDABLE:
        kind = models.ChangeKind.RESUMPTION if case.status is S.SUSPENDED else models.ChangeKind.SUSPENSION
        session.add(steps.asked(case, kind=kind))
    no_leader(session, _stage, case)


SITUATIONS: tuple[Callable[[Session, Stage, Case], None], ...] = (
    no_leader,
    role_of_leader_taken_away,
    handler_without_account,
    handler_without_account_and_no_leader,
    account_of_the_handler_ended,
    handler_and_lead_retired,
    nobody_but_the_office,
    item_that_ended,
    leader_handles,
    given_to_another,
    no_liaison_and_no_squad,
    merged_community,
    waiting_request,
)


@contextmanager
def restored(stage: Stage) -> Iterator[None]:
    """Everybody is back afterwards."""
    yield
    with stage.session() as session:
        for username in PEOPLE:
            session.get_one(User, stage.district.users[username]).active = True
        for officer in ("officer", "second_officer"):
            session.get_one(models.Officer, stage.inside[officer]).active = True
        leader = stage.district.users["leader"]
        if not session.scalars(sa.select(UserRole.id).where(UserRole.user_id == leader)).first():
            session.add(UserRole(user_id=leader, role="leader"))


def leads_on(step: Step, status: S) -> bool:
    """Whether a step leads to another state, by a decision where it has to be asked for."""
    asks = step.asks_approval and status is S.SUSPENDED
    return asks or step.decides or step.target not in (None, status)


def ways(stage: Stage, id_: int) -> list[tuple[str, Step]]:
    """Who can take which steps that lead on, the best first."""
    found: list[tuple[str, Step]] = []
    with stage.session() as session:
        in_use = set(session.scalars(sa.select(User.username).where(User.active)))
    for username in (name for name in PEOPLE if name in in_use):
        with steps.acting(stage, username) as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one_or_none()
            if case is not None:
                found += [(username, step) for step in workflow.available(session, case) if leads_on(step, case.status)]

    def rank(way: tuple[str, Step]) -> tuple[bool, ...]:
        step = way[1]
        return (step.grave, step.asks_approval, step.name in BACK, step.name != "approve", not step.primary)

    return sorted(found, key=rank)


def walk(stage: Stage, id_: int, until: S) -> list[Any]:
    """Take steps until the case reaches a state, or its end. Gives who took which."""
    path: list[Any] = []
    for _n in range(MOST):
        status = stage.get("case", id_).status
        if path and (status is until or status in ENDED):
            return path
        found = ways(stage, id_)
        assert found, f"nobody leads on from “{status}” after {path}"
        username, step = found[0]
        path.append((status.value, username, step.name))
        steps.take(stage, username, id_, step.name)
    pytest.fail(f"a circle: {path}")


@pytest.mark.parametrize("status", STARTS)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_there_is_a_way_to_the_end(
    growing: Stage, situation: Callable[[Session, Stage, Case], None], status: S
) -> None:
    id_ = steps.new_case(growing, status, "" if status is S.REPORTED else "officer")
    with restored(growing):
        with growing.session() as session:
            situation(session, growing, session.get_one(Case, id_))
        path = walk(growing, id_, STARTS[status])
        assert growing.get("case", id_).status is STARTS[status], path
