"""Log-in and log-out, lockout, passwords, sessions, and who gives roles to whom."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from bureau.settings import settings
from panel.kinds import now
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, LoginLog, LoginOutcome, User, UserRole
from tests import factories
from tests.factories import PASSWORD, TABLES, Browser, Stage

NEW = "Another-pass-2"


def log(stage: Stage, username: str) -> list[LoginOutcome]:
    """What the log-in log says of a user name, oldest first."""
    with stage.session() as session:
        statement = sa.select(LoginLog.outcome).where(LoginLog.username == username).order_by(LoginLog.id)
        return list(session.execute(statement).scalars())


def person(stage: Stage, username: str) -> User:
    with stage.session() as session:
        return session.execute(sa.select(User).where(User.username == username)).scalar_one()


def later(minutes: float) -> Any:
    return time_machine.travel(now() + timedelta(minutes=minutes), tick=True)


# Log-in.


def test_who_logs_in_gets_home_and_stands_in_the_log(stage: Stage) -> None:
    visitor = stage.visitor()
    assert visitor.get("/").location == "/login?next=/"
    assert visitor.log_in("viewer").location == "/"
    assert visitor.get("/").status_code == 200
    assert visitor.get("/login").location == "/"
    assert log(stage, "viewer") == [LoginOutcome.OK]
    assert person(stage, "viewer").last_login_at is not None


@pytest.mark.parametrize(
    ("username", "password"), [("viewer", "wrong"), ("nobody", PASSWORD), ("viewer", ""), ("", ""), ("VIEWER", "x")]
)
def test_a_wrong_log_in_says_the_same_whoever_it_was(stage: Stage, username: str, password: str) -> None:
    visitor = stage.visitor()
    answer = visitor.log_in(username, password)
    assert answer.status_code == 401
    assert "账号或密码" in answer.text or "用户名或密码" in answer.text
    assert visitor.get("/").status_code == 302
    assert log(stage, username) == [LoginOutcome.WRONG]


def test_five_failures_lock_an_account_for_a_while(stage: Stage) -> None:
    visitor = stage.visitor()
    for _n in range(MAX_FAILURES):
        assert visitor.log_in("viewer", "wrong").status_code == 401
    assert visitor.log_in("viewer").status_code == 401
    assert log(stage, "viewer") == [LoginOutcome.WRONG] * MAX_FAILURES + [LoginOutcome.LOCKED]
    with later(LOCK_MINUTES - 1):
        assert stage.visitor().log_in("viewer").status_code == 401
    with later(LOCK_MINUTES + 1):
        assert stage.visitor().log_in("viewer").status_code == 302
        assert person(stage, "viewer").locked_until is None


def test_a_success_begins_the_count_of_failures_anew(stage: Stage) -> None:
    visitor = stage.visitor()
    for _n in range(2):
        for _m in range(MAX_FAILURES - 1):
            assert visitor.log_in("viewer", "wrong").status_code == 401
        assert stage.visitor().log_in("viewer").status_code == 302


def test_failures_lock_one_account_and_no_other(stage: Stage) -> None:
    for _n in range(MAX_FAILURES + 1):
        stage.visitor().log_in("viewer", "wrong")
    assert stage.visitor().log_in("leader").status_code == 302


def test_an_inactive_account_is_refused_and_put_out(stage: Stage) -> None:
    browser = stage.visitor()
    browser.log_in("viewer")
    with stage.session() as session:
        session.get_one(User, stage.district.users["viewer"]).active = False
    assert browser.get("/").status_code == 302
    answer = stage.visitor().log_in("viewer")
    assert answer.status_code == 401
    assert log(stage, "viewer") == [LoginOutcome.OK, LoginOutcome.INACTIVE]
    assert "停用" in answer.text or "未启用" in answer.text


def test_logging_out_ends_the_session(stage: Stage) -> None:
    browser = stage.visitor()
    browser.log_in("viewer")
    assert browser.get("/logout").status_code == 405
    assert browser.post("/logout").location == "/login"
    assert browser.get("/").status_code == 302
    assert log(stage, "viewer") == [LoginOutcome.OK, LoginOutcome.LOGOUT]


def test_the_cookie_is_kept_from_scripts_and_other_sites(stage: Stage) -> None:
    cookie = stage.visitor().log_in("viewer").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_log_in_changes_the_token(stage: Stage) -> None:
    """A token planted before does nothing after."""
    visitor = stage.visitor()
    planted = visitor.token()
    visitor.log_in("viewer")
    given = {"csrf_token": planted, "locale": "en"}
    assert visitor.client.post("/language", data=given).status_code == 400


def test_half_an_hour_of_nothing_ends_a_session(stage: Stage) -> None:
    browser = stage.visitor()
    browser.log_in("viewer")
    with later(29):
        assert browser.get("/").status_code == 200
        with later(29):
            assert browser.get("/").status_code == 200
            with later(31):
                answer = browser.get("/admin/case/?is=open")
                assert answer.location == "/login?next=/admin/case/?is%3Dopen"
                assert "30" in browser.get("/login").text
                assert browser.get("/").status_code == 302
    assert log(stage, "viewer") == [LoginOutcome.OK, LoginOutcome.IDLE]


def test_what_is_posted_after_half_an_hour_is_not_done(stage: Stage) -> None:
    browser = stage.browse("office")
    token = browser.token()
    with later(31):
        answer = browser.client.post("/admin/street/new/", data={"csrf_token": token, "name": "新街道"})
        assert answer.status_code == 302
        assert answer.location.startswith("/login")
    assert stage.count("street") == 2


# Passwords.


@pytest.fixture
def fresh(stage: Stage) -> Browser:
    """Somebody who logs in for the first time."""
    with stage.session() as session:
        factories.account(session, stage.panel, "fresh", "office", must_change=True)
    return stage.browse("fresh")


def test_at_the_first_log_in_nothing_opens_but_the_change_of_password_and_the_handbook(
    stage: Stage, fresh: Browser
) -> None:
    for rule in stage.app.url_map.iter_rules():
        if rule.arguments or rule.endpoint in (
            "session.password",
            "session.logout",
            "session.language",
            "session.look",
        ):
            continue
        if rule.endpoint in ("session.login", "handbook.show"):
            continue
        for method in ("GET", "POST"):
            if method in (rule.methods or ()):
                answer = fresh.get(rule.rule) if method == "GET" else fresh.post(rule.rule)
                assert (answer.status_code, answer.location) == (302, "/password"), rule
    assert fresh.get("/password").status_code == 200


def test_the_change_opens_everything(stage: Stage, fresh: Browser) -> None:
    answer = fresh.post("/password", {"current": PASSWORD, "new": NEW, "again": NEW})
    assert answer.location == "/"
    assert fresh.get("/").status_code == 200
    assert person(stage, "fresh").must_change is False
    assert stage.visitor().log_in("fresh").status_code == 401
    assert stage.visitor().log_in("fresh", NEW).status_code == 302
    assert LoginOutcome.PASSWORD in log(stage, "fresh")


@pytest.mark.parametrize(
    ("current", "new", "again"),
    [
        ("wrong", NEW, NEW),
        (PASSWORD, NEW, NEW + "x"),
        (PASSWORD, "Sh0rt-x", "Sh0rt-x"),
        (PASSWORD, "onlysmallletters", "onlysmallletters"),
        (PASSWORD, "smallletters99", "smallletters99"),
        (PASSWORD, "My-Fresh-pass-1", "My-Fresh-pass-1"),
        (PASSWORD, "A-1" + "x" * 200, "A-1" + "x" * 200),
        (PASSWORD, PASSWORD, PASSWORD),
        ("", "", ""),
    ],
    ids=["not one's own", "not the same", "short", "one class", "two classes", "with the name", "long", "old", "none"],
)
def test_a_password_that_will_not_do_is_refused(
    stage: Stage, fresh: Browser, current: str, new: str, again: str
) -> None:
    answer = fresh.post("/password", {"current": current, "new": new, "again": again})
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert person(stage, "fresh").must_change is True
    assert stage.visitor().log_in("fresh").status_code == 302


def test_a_change_of_password_ends_the_other_sessions(stage: Stage) -> None:
    here, there = stage.browse("viewer"), stage.visitor()
    there.log_in("viewer")
    assert here.post("/password", {"current": PASSWORD, "new": NEW, "again": NEW}).status_code == 302
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302


def test_no_page_and_no_log_holds_a_password(stage: Stage) -> None:
    with stage.session() as session:
        hashed = set(session.execute(sa.select(User.password_hash)).scalars())
    assert all(value.startswith("$argon2id$") for value in hashed)
    assert len(hashed) == len(stage.district.users)
    for table in TABLES:
        for role in ("administrator", "security", "auditor", "office"):
            page = stage.browse(role).get(f"/admin/{table}/details/?id={stage.inside[table]}").text
            assert "argon2" not in page
            assert PASSWORD not in page


# Language.


def test_the_language_is_ones_own_and_stays(stage: Stage) -> None:
    visitor = stage.visitor()
    assert 'lang="zh-CN"' in visitor.get("/login").text
    browser = stage.browse("viewer")
    assert (
        browser.post("/language", {"locale": "en"}, headers={"Referer": "http://localhost/roles"}).location == "/roles"
    )
    assert 'lang="en"' in browser.get("/").text
    assert 'lang="zh-CN"' in stage.browse("leader").get("/").text
    again = stage.visitor()
    again.log_in("viewer")
    assert 'lang="en"' in again.get("/").text
    assert browser.post("/language", {"locale": "xx"}).status_code == 400


# Accounts on screen.


def shown_password(page: str) -> str:
    found = re.search(r"[A-Z][a-z]{6}-\d{3}", page)
    assert found is not None, "no password on the page"
    return found[0]


def test_a_new_account_shows_its_password_once(stage: Stage) -> None:
    administrator = stage.browse("administrator")
    answer = administrator.post("/admin/user/new/", {"username": "zhang", "name": "张三", "active": "1"})
    assert answer.status_code == 302
    password = shown_password(administrator.get(answer.location).text)
    assert password not in administrator.get(answer.location).text
    visitor = stage.visitor()
    assert visitor.log_in("zhang", password).status_code == 302
    assert visitor.get("/").location == "/password"


def test_a_reset_gives_a_new_password_and_ends_the_sessions(stage: Stage) -> None:
    browser, administrator = stage.browse("viewer"), stage.browse("administrator")
    given = {"action": "reset", "rowid": stage.district.users["viewer"]}
    answer = administrator.post("/admin/user/action/", given)
    password = shown_password(administrator.get(answer.location).text)
    assert browser.get("/").status_code == 302
    assert stage.visitor().log_in("viewer").status_code == 401
    visitor = stage.visitor()
    assert visitor.log_in("viewer", password).status_code == 302
    assert visitor.get("/").location == "/password"


def test_security_unlocks_and_changes_nothing_else(stage: Stage) -> None:
    for _n in range(MAX_FAILURES):
        stage.visitor().log_in("viewer", "wrong")
    security, id_ = stage.browse("security"), stage.district.users["viewer"]
    assert security.get(f"/admin/user/edit/?id={id_}").status_code == 403
    assert security.post("/admin/user/action/", {"action": "reset", "rowid": id_}).status_code == 403
    assert stage.visitor().log_in("viewer").status_code == 401
    assert security.post("/admin/user/action/", {"action": "unlock", "rowid": id_}).status_code == 302
    assert stage.visitor().log_in("viewer").status_code == 302


@pytest.mark.parametrize("role", ["office", "auditor", "viewer"])
@pytest.mark.parametrize("act", ["unlock", "reset", "delete"])
def test_nobody_else_unlocks_or_resets(standing: Stage, role: str, act: str) -> None:
    given = {"action": act, "rowid": standing.district.users["viewer"]}
    assert standing.browse(role).post("/admin/user/action/", given).status_code == 403


def test_an_account_is_switched_off_and_never_deleted(standing: Stage) -> None:
    administrator, id_ = standing.browse("administrator"), standing.district.users["viewer"]
    assert administrator.get(f"/admin/user/confirm/?id={id_}").status_code == 403
    assert administrator.post("/admin/user/delete/", {"id": id_}).status_code == 403
    given = {"action": "delete", "rowid": id_, "confirmed": "1"}
    assert administrator.post("/admin/user/action/", given).status_code == 403


# Roles.


def give(stage: Stage, giver: str, username: str, role: str) -> int:
    given = {"user": str(stage.district.users[username]), "role": role}
    return stage.browse(giver).post("/admin/userrole/new/", given).status_code


def test_an_account_may_hold_several_roles(stage: Stage) -> None:
    browser = stage.browse("leader")
    assert browser.get("/admin/street/new/").status_code == 403
    assert give(stage, "security", "leader", "office") == 302
    assert browser.get("/admin/street/new/").status_code == 200


@pytest.mark.parametrize("role", [role for role in factories.ROLE_NAMES if role != "security"])
def test_security_alone_gives_and_takes_roles(standing: Stage, role: str) -> None:
    with standing.session() as session:
        viewer = standing.district.users["viewer"]
        held = session.execute(sa.select(UserRole.id).where(UserRole.user_id == viewer)).scalar_one()
    browser, before = standing.browse(role), standing.count("userrole")
    assert give(standing, role, "viewer", "leader") == 403
    assert browser.get(f"/admin/userrole/edit/?id={held}").status_code == 403
    assert browser.post("/admin/userrole/delete/", {"id": held, "confirmed": "1"}).status_code == 403
    assert standing.count("userrole") == before


def test_nobody_gives_roles_to_themselves(stage: Stage) -> None:
    role = "security"
    assert give(stage, role, role, "auditor") == 422
    browser, users = stage.browse(role), stage.district.users
    with stage.session() as session:
        other = session.execute(sa.select(UserRole.id).where(UserRole.user_id == users["viewer"])).scalar_one()
        own = session.execute(sa.select(UserRole.id).where(UserRole.user_id == users[role])).scalar_one()
    address = f"/admin/userrole/edit/?id={other}"
    assert browser.post(address, browser.form(address) | {"user": str(users[role])}).status_code == 422
    address = f"/admin/userrole/edit/?id={own}"
    assert browser.post(address, {"user": str(users[role]), "role": "auditor"}).status_code == 403
    with stage.session() as session:
        held = session.execute(sa.select(UserRole.role).where(UserRole.user_id == users[role])).scalars().all()
    assert held == [role]


@pytest.mark.parametrize("held", ["administrator", "security", "auditor"])
@pytest.mark.parametrize("given", ["administrator", "security", "auditor", "office"])
def test_administration_is_kept_on_separate_accounts(stage: Stage, held: str, given: str) -> None:
    if held == given:
        return
    with stage.session() as session:
        factories.account(session, stage.panel, "giver", "security")
    giver = "giver"
    assert give(stage, giver, held, given) == 422
    with stage.session() as session:
        settings.put(session, "separate_admins", False)
    assert give(stage, giver, held, given) == 302


def test_a_role_that_nobody_declared_is_refused(stage: Stage) -> None:
    assert give(stage, "security", "viewer", "emperor") == 422


def test_a_role_is_moved_from_one_account_to_another(stage: Stage) -> None:
    with stage.session() as session:
        user = stage.district.users["leader"]
        role = session.execute(sa.select(UserRole.id).where(UserRole.user_id == user)).scalar_one()
    browser, address = stage.browse("security"), f"/admin/userrole/edit/?id={role}"
    given = browser.form(address)
    assert given["role"] == "leader"
    assert browser.post(address, given | {"user": str(stage.district.users["officer"])}).status_code == 302
    assert stage.browse("leader").get("/admin/case/").status_code == 403


def test_the_matrix_page_says_what_is_declared(standing: Stage) -> None:
    browser = standing.browse("liaison")
    assert browser.get("/roles").status_code == 200
    page = standing.browse("auditor").get("/roles").text
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', page, re.S)
    assert len(rows) == len(TABLES)
    for table, (_label, cells) in zip(TABLES, rows, strict=True):
        for role, cell in zip(factories.ROLE_NAMES, re.findall(r"<td[^>]*>(.*?)</td>", cells, re.S), strict=True):
            acts = factories.ROLES_BY_NAME[role].grants.get(factories.MODELS[table], ())
            assert len(re.sub(r"<[^>]*>|—", "", cell).split("、")) == max(len(acts), 1)


@pytest.mark.framed
def test_the_settings_are_saved_and_checked(stage: Stage) -> None:
    office = stage.browse("office")
    given = office.form("/settings")
    assert office.post("/settings", given | {"accept_days": "0", "unit_name": "某某局"}).status_code == 422
    with stage.session() as session:
        assert (settings.get(session, "accept_days"), settings.get(session, "unit_name")) == (1, "")
    assert office.post("/settings", given | {"accept_days": "3", "unit_name": "某某局"}).status_code == 302
    with stage.session() as session:
        assert (settings.get(session, "accept_days"), settings.get(session, "unit_name")) == (3, "某某局")
    assert "某某局" in office.get("/").text
    assert stage.browse("viewer").post("/settings", {"accept_days": "9"}).status_code == 403


def test_times_are_moments_with_a_zone(stage: Stage) -> None:
    stage.visitor().log_in("viewer")
    found = person(stage, "viewer").last_login_at
    assert isinstance(found, datetime)
    assert found.tzinfo is not None
