"""Administrator, security and auditor are three people: nobody acts on one of them alone, nobody on themselves, and
none of the three roles is left without a holder."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bureau.settings import settings
from panel.errors import UserError
from panel.kinds import Invalid, today
from panel.security.accounts import User, UserRole
from panel.security.policy import AccessDenied, table_of
from panel.store import bulk, proposals
from panel.store.proposals import Proposal, ProposalKind, ProposalStatus
from tests.factories import Stage, account

THREE = ("administrator", "security", "auditor")


def held(stage: Stage, username: str) -> set[str]:
    user, role = table_of(User).c, table_of(UserRole).c
    with stage.session() as session:
        statement = sa.select(role.role).join(table_of(User), user.id == role.user_id).where(user.username == username)
        return set(session.connection().execute(statement).scalars())


def new(stage: Stage, name: str, *roles: str) -> int:
    with stage.session() as session:
        return account(session, stage.panel, name, *roles).id


def last(stage: Stage) -> Any:
    with stage.session() as session:
        return session.scalars(sa.select(Proposal).order_by(Proposal.id.desc())).first()


def decide(stage: Stage, username: str, proposal: Any, decision: str = "confirm") -> Any:
    return stage.browse(username).post("/admin/proposal/decide/", {"id": proposal.id, "decision": decision})


# Roles.


def test_security_gives_a_role_alone_but_an_administrators_by_two(stage: Stage) -> None:
    zhang, qian = new(stage, "zhang"), new(stage, "qian")
    security = stage.browse("security")
    assert security.post("/admin/userrole/new/", {"user": zhang, "role": "officer"}).status_code == 302
    assert held(stage, "zhang") == {"officer"}
    answer = security.post("/admin/userrole/new/", {"user": qian, "role": "auditor"})
    asked = last(stage)
    assert (answer.status_code, answer.location) == (303, f"/admin/proposal/details/?id={asked.id}")
    assert held(stage, "qian") == set()
    # Neither who asked nor who is no administrator confirms; a page of theirs offers no button.
    for username in ("security", "office"):
        decide(stage, username, asked)
        assert held(stage, "qian") == set()
    assert "confirm" not in security.get(f"/admin/proposal/details/?id={asked.id}").text.partition("<main")[2]
    assert stage.browse("office").get("/admin/proposal/").status_code == 403
    decide(stage, "administrator", asked)
    assert held(stage, "qian") == {"auditor"}
    assert last(stage).status is ProposalStatus.CONFIRMED
    with stage.session() as session:
        entry = session.connection().execute(
            sa.text("select actor_name from auditentry where table_name='userrole' order by id desc limit 1")
        )
        assert entry.scalar() == "administrator (security)"


@pytest.mark.parametrize("username", ["administrator", "auditor", "office", "leader", "viewer"])
def test_nobody_but_security_gives_roles(standing: Stage, username: str) -> None:
    given = {"user": standing.district.users["officer"], "role": "office"}
    assert standing.browse(username).post("/admin/userrole/new/", given).status_code == 403
    assert standing.browse(username).post("/accounts/roles", {"account": given["user"]}).status_code == 403
    with standing.acting(username) as session:
        session.add(UserRole(user_id=given["user"], role="office"))
        with pytest.raises(AccessDenied):
            session.flush()
    asked = {"kind": "grant", "user": given["user"], "role": "office", "reason": "x"}
    assert standing.browse(username).post("/admin/proposal/new/", asked).status_code in (403, 422)


Door = Callable[[Session, Stage], None]


def _role_of(session: Session, username: str) -> UserRole:
    user = session.execute(sa.select(User).where(User.username == username)).scalar_one()
    return session.execute(sa.select(UserRole).where(UserRole.user_id == user.id)).scalar_one()


def _deleted(session: Session, _stage: Stage) -> None:
    session.delete(_role_of(session, "auditor"))
    session.flush()


def _changed(session: Session, _stage: Stage) -> None:
    _role_of(session, "auditor").role = "viewer"
    session.flush()


def _ended(session: Session, _stage: Stage) -> None:
    _role_of(session, "auditor").until = today()
    session.flush()


def _made_administrator(session: Session, _stage: Stage) -> None:
    _role_of(session, "viewer").role = "administrator"
    session.flush()


def _added(session: Session, stage: Stage) -> None:
    session.add(UserRole(user_id=stage.district.users["auditor"], role="office"))
    session.flush()


def _to_oneself(session: Session, stage: Stage) -> None:
    session.add(UserRole(user_id=stage.district.users["security"], role="office"))
    session.flush()


def _in_bulk(session: Session, _stage: Stage) -> None:
    role = _role_of(session, "auditor")
    bulk.remove(session, UserRole, [bulk.Removal(role.id, role.version, {})])


@pytest.mark.parametrize("door", [_deleted, _changed, _ended, _made_administrator, _added, _to_oneself, _in_bulk])
def test_security_alone_changes_nothing_of_another_administrator(standing: Stage, door: Door) -> None:
    """Below every page."""
    with standing.acting("security") as session, pytest.raises((AccessDenied, Invalid)):
        door(session, standing)


def test_the_page_of_a_role_leads_to_the_proposal(stage: Stage) -> None:
    with stage.session() as session:
        role = _role_of(session, "auditor").id
    security = stage.browse("security")
    page = security.get(f"/admin/userrole/details/?id={role}").text
    assert f"/admin/userrole/confirm/?id={role}" not in page
    address = re.search(r'href="(/admin/proposal/new/[^"]+)"', page)
    assert address
    assert security.form(address[1].replace("&amp;", "&"))["role"] == "auditor"
    assert security.post("/admin/userrole/delete/", {"id": role}).status_code in (302, 403)
    assert held(stage, "auditor") == {"auditor"}


# Accounts.


def test_an_administrators_password_is_reset_by_two(stage: Stage) -> None:
    browser, users = stage.browse("administrator"), stage.district.users
    stamps = {name: stage.get("user", users[name]).stamp for name in ("administrator", "security", "officer")}

    def reset(name: str) -> bool:
        browser.post("/admin/user/action/", {"action": "reset", "rowid": users[name]})
        return bool(stage.get("user", users[name]).stamp != stamps[name])

    assert reset("officer")
    assert not reset("administrator")
    assert not reset("security")
    asked = last(stage)
    assert (asked.kind, asked.user_id) == (ProposalKind.RESET, users["security"])
    decide(stage, "security", asked)
    assert stage.get("user", users["security"]).stamp == stamps["security"]
    shown = stage.browse("auditor")
    shown.post("/admin/proposal/decide/", {"id": asked.id, "decision": "confirm"})
    assert stage.get("user", users["security"]).stamp != stamps["security"]
    page = shown.get(f"/admin/proposal/details/?id={asked.id}").text
    assert "仅显示这一次" in page or "只显示这一次" in page or "security" in page


def test_an_administrator_is_not_switched_off_by_another_alone(stage: Stage) -> None:
    browser, users = stage.browse("administrator"), stage.district.users
    for name, active in (("auditor", True), ("viewer", False)):
        address = f"/admin/user/edit/?id={users[name]}"
        form = {key: value for key, value in browser.form(address).items() if key != "active"}
        browser.post(address, form | {"active": "0"})
        assert stage.get("user", users[name]).active is active


# The last one.


@pytest.mark.parametrize("role", THREE)
def test_the_last_holder_of_a_role_stays(stage: Stage, role: str) -> None:
    """Whoever ends it, the system itself included: by the role, its end, or the account."""

    def by_role(session: Session) -> None:
        session.delete(_role_of(session, role))

    def by_end(session: Session) -> None:
        _role_of(session, role).until = today() + timedelta(30)

    def by_change(session: Session) -> None:
        _role_of(session, role).role = "viewer"

    def by_account(session: Session) -> None:
        session.get_one(User, stage.district.users[role]).active = False

    for act in (by_role, by_end, by_change, by_account):
        with pytest.raises(UserError), stage.session() as session:
            act(session)
        assert held(stage, role) == {role}
    new(stage, "another", role)
    with stage.session() as session:
        by_account(session)
    assert not stage.get("user", stage.district.users[role]).active


def test_the_last_holder_stays_also_when_two_agree(stage: Stage) -> None:
    user = stage.district.users["auditor"]
    with stage.acting("security") as session:
        asked = proposals.ask(session, ProposalKind.REVOKE, "x", user_id=user, role="auditor")
        session.commit()
        id_ = asked.id
    decide(stage, "administrator", stage.get("proposal", id_))
    assert held(stage, "auditor") == {"auditor"}


# By two where the setting says so; until a day.


def test_every_role_is_given_by_two_where_the_setting_says_so(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, settings.ROLES_BY_TWO, True)
    li = new(stage, "li")
    until = today() + timedelta(3)
    stage.browse("security").post("/admin/userrole/new/", {"user": li, "role": "viewer", "until": until.isoformat()})
    assert held(stage, "li") == set()
    assert stage.browse("li").get("/admin/case/").status_code == 403, "denied and proposed"
    decide(stage, "auditor", last(stage), "refuse")
    assert held(stage, "li") == set()
    stage.browse("security").post("/admin/userrole/new/", {"user": li, "role": "viewer", "until": until.isoformat()})
    assert stage.browse("li").get("/admin/case/").status_code == 403
    decide(stage, "administrator", last(stage))
    assert held(stage, "li") == {"viewer"}
    assert stage.browse("li").get("/admin/case/").status_code == 200, "confirmed and allowed"


def test_a_role_ends_by_itself(stage: Stage) -> None:
    """On its day it counts, the next day no more, whether or not the periodic work has run; then it is cleared away."""
    wang = new(stage, "wang", "viewer")
    browser = stage.browse("wang")
    with stage.session() as session:
        session.execute(sa.update(table_of(UserRole)).where(UserRole.user_id == wang).values(until=today()))
    assert browser.get("/admin/case/").status_code == 200
    with stage.session() as session:
        day = today() - timedelta(1)
        session.execute(sa.update(table_of(UserRole)).where(UserRole.user_id == wang).values(until=day))
    assert browser.get("/admin/case/").status_code == 403
    assert held(stage, "wang") == {"viewer"}
    with stage.session() as session:
        proposals.end_roles(session)
    assert held(stage, "wang") == set()
    with stage.session() as session:
        gone = sa.text("select count(*) from auditentry where table_name='userrole' and action='delete'")
        assert session.connection().execute(gone).scalar() == 1


def test_separation_is_switched_off_by_two(stage: Stage) -> None:
    browser = stage.browse("administrator")
    form = browser.form("/settings")
    assert form[settings.SEPARATE] == "1"
    browser.post("/settings", form | {settings.SEPARATE: "0"})
    with stage.session() as session:
        assert settings.get(session, settings.SEPARATE) is True
    with stage.acting("administrator") as session, pytest.raises(Invalid):
        settings.put(session, settings.SEPARATE, False)
    asked = last(stage)
    for username in ("administrator", "office"):
        with suppress(AccessDenied):
            decide(stage, username, asked)
    with stage.session() as session:
        assert settings.get(session, settings.SEPARATE) is True
    decide(stage, "security", asked)
    with stage.session() as session:
        assert settings.get(session, settings.SEPARATE) is False


def test_a_proposal_is_not_written_as_decided(standing: Stage) -> None:
    with standing.acting("security") as session:
        values = {"user_id": standing.district.users["officer"], "role": "viewer", "reason": "x"}
        session.add(Proposal(kind=ProposalKind.GRANT, status=ProposalStatus.CONFIRMED, **values))
        with pytest.raises(Invalid):
            session.flush()


# What an account sees.


def test_the_auditor_looks_at_what_an_account_sees(stage: Stage) -> None:
    """Roles, menu, tables; of a table the rows by their numbers, the columns and acts; no value. Each look is noted."""
    auditor, user, inside, outside = (
        stage.browse("auditor"),
        stage.district.users["officer"],
        stage.inside,
        stage.outside,
    )
    address = f"/view-as/{user}"
    assert f'href="{address}"' in auditor.get(f"/admin/user/details/?id={user}").text
    page = auditor.get(address).text
    assert "执法队员" in page
    assert f'href="{address}?table=case"' in page
    assert f'href="{address}?table=webhook"' not in page
    rows = auditor.get(f"{address}?table=caseparty").text
    assert f"#{inside['caseparty']}<" in rows
    assert f"#{outside['caseparty']}<" not in rows
    assert "张三" not in rows
    case = stage.get("case", inside["case"])
    assert case.case_no not in auditor.get(f"{address}?table=case").text
    assert auditor.get("/admin/case/").status_code == 403
    for username in ("administrator", "security", "office", "officer"):
        assert stage.browse(username).get(address).status_code == 403
    assert auditor.get("/view-as/99999").status_code == 404
    assert auditor.get(f"{address}?table=none").status_code == 404
    with stage.session() as session:
        noted = sa.text("select count(*) from auditentry where table_name='user' and record_id=:id and note != ''")
        assert session.connection().execute(noted, {"id": user}).scalar() == len(("page", "caseparty", "case"))
