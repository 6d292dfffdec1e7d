"""Sessions as the server keeps them: log-out ends them, whoever holds the cookie; limits; one's own, everybody's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from bureau.settings import settings
from panel.kinds import now
from panel.security.accounts import LoginLog, LoginOutcome, User, UserRole
from panel.security.login_records import LoginSession, SessionEnd
from panel.security.session import may_write
from panel.store.login import sessions
from panel.web.login import devices
from tests.factories import PASSWORD, Browser, Stage, counted

NEW = "Another-pass-2"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0"


def later(**spans: float) -> Any:
    return time_machine.travel(now() + timedelta(**spans), tick=True)


def copied(stage: Stage, browser: Browser) -> Browser:
    """Another client with the cookie of a session."""
    other = stage.visitor()
    other.take(browser.seat())
    return other


def ends(stage: Stage) -> list[SessionEnd | None]:
    with stage.session() as session:
        return list(session.scalars(sa.select(LoginSession.ended).order_by(LoginSession.id.desc())))


def logged_in(stage: Stage, username: str = "viewer") -> Browser:
    visitor = stage.visitor()
    assert visitor.log_in(username).status_code == 302
    return visitor


def test_a_copied_cookie_ends_with_log_out(stage: Stage) -> None:
    browser = logged_in(stage)
    other = copied(stage, browser)
    assert other.get("/").status_code == 200
    browser.post("/logout")
    assert other.get("/").status_code == 302
    assert "您已退出" in other.get("/login").text
    assert ends(stage)[0] is SessionEnd.LOGOUT
    with stage.session() as session:
        digests = session.scalars(sa.select(LoginSession.digest)).all()
    cookie = browser.client.get_cookie("session")
    assert cookie is None or all(digest not in cookie.value for digest in digests)


def test_a_log_in_begins_another_session(stage: Stage) -> None:
    """Whoever knew the cookie before it knows nothing after."""
    visitor = stage.visitor()
    visitor.token()
    planted = visitor.client.get_cookie("session")
    assert planted is not None
    visitor.log_in("viewer")
    other = stage.visitor()
    other.client.set_cookie("session", planted.value)
    assert other.get("/").status_code == 302


def test_twelve_hours_end_a_session_also_at_work(stage: Stage) -> None:
    browser = logged_in(stage)
    for half_hours in range(1, 25):
        with later(minutes=29 * half_hours):
            assert browser.get("/roles").status_code == 200
    with later(hours=12, minutes=1):
        assert browser.get("/roles").status_code == 302
        assert "本次登录已达最长时限" in browser.get("/login").text
    assert ends(stage)[0] is SessionEnd.LIMIT


def test_the_limits_are_settings_of_the_administrator_and_count_at_once(stage: Stage) -> None:
    assert "idle_minutes" not in stage.browse("office").form("/settings")
    administrator = stage.browse("administrator")
    form = administrator.form("/settings") | {"idle_minutes": "10", "session_hours": "2"}
    browser = logged_in(stage)
    assert administrator.post("/settings", form | {"idle_minutes": "0"}).status_code == 422
    assert administrator.post("/settings", form).status_code == 302
    with later(minutes=9):
        assert browser.get("/roles").status_code == 200
        with later(minutes=12):
            assert browser.get("/roles").status_code == 302
    assert ends(stage)[0] is SessionEnd.IDLE


def test_what_a_page_asks_by_itself_is_no_use(stage: Stage) -> None:
    browser = logged_in(stage)
    for minutes in range(5, 31, 5):
        with later(minutes=minutes):
            assert browser.get("/jobs/ajax/1").status_code == 404
    with later(minutes=32):
        assert browser.get("/roles").status_code == 302


def test_a_use_is_written_once_a_minute_and_waits_for_nobody(stage: Stage) -> None:
    browser = logged_in(stage)
    with stage.app.app_context():
        engine = stage.panel.db.engine

    def writes() -> int:
        with counted(engine) as sent:
            assert browser.get("/roles").status_code == 200
        return sum(statement.startswith("UPDATE") for statement in sent)

    assert writes() == 0
    with later(minutes=2):
        assert [writes(), writes()] == [1, 0]
    if engine.dialect.name == "sqlite":
        with later(minutes=4), may_write(), engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")  # the transaction holds the write lock
            assert browser.get("/roles").status_code == 200


def test_ones_own_sessions_are_listed_and_ended(stage: Stage) -> None:
    here, there, third = logged_in(stage), stage.visitor(), logged_in(stage)
    there.client.environ_base["HTTP_USER_AGENT"] = EDGE
    there.log_in("viewer")
    stranger = logged_in(stage, "leader")
    page = here.get("/sessions").text
    assert "Edge · Windows" in page
    assert page.count("本次登录</span>") == 1
    (id_,) = re.findall(r'Edge · Windows.*?name="id" value="(\d+)"', page, re.S)[:1]
    assert stranger.post("/sessions/end", {"id": id_}).status_code == 302
    assert there.get("/").status_code == 200, "nobody ends the sessions of others here"
    assert here.post("/sessions/end", {"id": id_}).status_code == 302
    assert there.get("/").status_code == 302
    assert "您已在别处结束本次登录" in there.get("/login").text
    here.post("/sessions/end")
    assert [third.get("/").status_code, here.get("/").status_code, stranger.get("/").status_code] == [302, 200, 200]


@pytest.mark.parametrize("role", ["security", "administrator", "auditor", "office", "viewer"])
def test_security_alone_sees_and_ends_everybodys(stage: Stage, role: str) -> None:
    victim, keeper = logged_in(stage, "liaison"), stage.browse(role)
    with stage.session() as session:
        user = session.scalar(sa.select(User.id).where(User.username == "liaison"))
        id_ = session.scalar(sa.select(LoginSession.id).where(LoginSession.user_id == user))
    allowed = role == "security"
    assert keeper.get("/admin/loginsession/").status_code == (200 if allowed else 403)
    answer = keeper.post("/admin/loginsession/action/", {"action": "end", "rowid": str(id_)})
    assert answer.status_code == (302 if allowed else 403)
    assert victim.get("/").status_code == (302 if allowed else 200)
    if allowed:
        assert "安全管理员结束了本次登录" in victim.get("/login").text


def test_a_change_of_password_a_reset_and_a_lost_role_end_sessions(stage: Stage) -> None:
    here, there = logged_in(stage), logged_in(stage)
    old = here.seat()
    assert here.post("/password", {"current": PASSWORD, "new": NEW, "again": NEW}).status_code == 302
    assert [here.get("/").status_code, there.get("/").status_code] == [200, 302]
    before = stage.visitor()
    before.take(old)
    assert before.get("/").status_code == 302, "the session goes on with another id"
    with stage.session() as session:
        user = stage.district.users["viewer"]
        session.delete(session.scalars(sa.select(UserRole).where(UserRole.user_id == user)).one())
    assert here.get("/").status_code == 302


def test_an_account_that_is_switched_on_again_logs_in_anew(stage: Stage) -> None:
    browser, user = logged_in(stage), stage.district.users["viewer"]
    for active in (False, True):
        with stage.session() as session:
            session.get_one(User, user).active = active
    assert browser.get("/").status_code == 302
    assert logged_in(stage).get("/").status_code == 200


def test_the_log_in_before_is_told(stage: Stage) -> None:
    first = stage.visitor()
    first.log_in("viewer")
    assert "上次登录" not in first.get("/roles").text
    for _n in range(2):
        stage.visitor().log_in("viewer", "wrong")
    page = logged_in(stage).get("/roles").text
    assert re.search(r"上次登录：2026-\d\d-\d\d \d\d:\d\d，IP 地址 127\.0\.0\.1。此后有 2 次登录失败。", page)


def test_sessions_are_deleted_in_time_and_the_log_stays(stage: Stage) -> None:
    logged_in(stage)
    with later(days=sessions.KEPT_DAYS + 1), stage.session() as session:
        sessions.delete_ended(session)
        assert session.scalar(sa.select(sa.func.count(LoginSession.id))) == 0
        assert session.scalar(sa.select(sa.func.count()).where(LoginLog.outcome == LoginOutcome.OK)) >= 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (EDGE, "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) AppleWebKit/605 MicroMessenger/8.0", "微信 · iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox · Linux"),
        ("curl/8", "其他程序"),
    ],
)
def test_a_browser_is_told_in_words(agent: str, words: str) -> None:
    assert devices.words(agent) == words


def test_the_setting_is_read_by_its_key(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, "session_hours", 1)
    browser = logged_in(stage)
    with later(minutes=25):
        assert browser.get("/roles").status_code == 200
        with later(minutes=36):
            assert browser.get("/roles").status_code == 302
