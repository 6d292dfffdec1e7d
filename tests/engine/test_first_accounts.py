"""The first accounts of an installation: made once, on a page, by the code that the server prints."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from panel.kinds import now
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, LoginLog, LoginOutcome, User, UserRole
from panel.store import first_code
from panel.store.records import Setting
from panel.web.system import first_accounts
from tests.engine.test_words import forgotten
from tests.factories import Browser

OWN = "My-own-pass-1"
PEOPLE = {
    "administrator.name": "章 伟",
    "administrator.username": "zhangwei",
    "administrator.password": OWN,
    "administrator.again": OWN,
    "security.name": "李娜",
    "security.username": "",
    "office.name": "",
    "auditor.name": "",
}


def start(app: Flask) -> str:
    """The code that a starting server prints."""
    with app.app_context():
        words = str(first_accounts.announce(app.extensions["panel"]))
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", words)
    assert found is not None, words
    return found[0]


def visitor(app: Flask) -> Browser:
    """Somebody at the page, with its token."""
    browser = Browser(app)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/start").text)
    browser._token = token[1] if token else "none"
    return browser


def send(browser: Browser, code: str, **changed: Any) -> Any:
    return browser.post("/start", {"code": code, **PEOPLE, **changed})


def held(app: Flask) -> dict[str, str]:
    """The roles by user name."""
    with app.app_context(), app.extensions["panel"].system_session() as session:
        rows = session.execute(sa.select(User.username, UserRole.role).join(UserRole, UserRole.user_id == User.id))
        return dict(map(tuple, rows.all()))


@pytest.mark.database
def test_the_code_opens_the_page_once(app: Flask) -> None:
    code = start(app)
    browser = visitor(app)
    assert browser.get("/", follow_redirects=True).request.path == "/start"
    answer = send(browser, f" {code.lower().replace('-', ' ')} ")
    assert answer.status_code == 200, browser.complaints(answer.text)
    assert held(app) == {"zhangwei": "administrator", "lina": "security"}
    slip = re.search(r"[A-Z][a-z]{6}-\d{3}", answer.text)
    assert slip is not None
    assert OWN not in answer.text
    assert browser.get("/admin/user/").status_code == 200, "goes on as the administrator"

    other = Browser(app)
    assert other.get("/start").status_code == 404
    assert other.post("/start", {"code": code, **PEOPLE}).status_code == 404
    assert other.get("/").location == "/login?next=/"
    assert "/start" not in other.get("/login").text
    assert other.log_in("lina", slip[0]).status_code == 302
    assert other.get("/").location == "/password", "a one-time password is changed first"
    with app.app_context():
        assert first_accounts.announce(app.extensions["panel"]) is None
        with app.extensions["panel"].system_session() as session:
            assert session.execute(sa.select(Setting).where(Setting.key == first_code.KEY)).first() is None


def test_the_accounts_that_may_follow_later_are_made_with_the_others(app: Flask) -> None:
    answer = send(visitor(app), start(app), **{"office.name": "周敏", "auditor.name": "章伟"})
    assert answer.status_code == 200
    assert held(app) == {
        "zhangwei": "administrator",
        "lina": "security",
        "zhoumin": "office",
        "zhangwei2": "auditor",
    }


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"administrator.name": ""}, "此项必填"),
        ({"security.name": " "}, "此项必填"),
        ({"office.username": "office1"}, "此项必填"),
        ({"administrator.password": "short", "administrator.again": "short"}, "8"),
        ({"administrator.password": "Zhangwei-1", "administrator.again": "Zhangwei-1"}, "用户名"),
        ({"administrator.again": "Other-pass-1"}, "不一致"),
        ({"security.username": "ZhangWei"}, "已被使用"),
        ({"security.name": "甲、乙"}, "姓名"),
        ({"security.username": "x" * 60}, "40"),
    ],
)
def test_a_slip_of_the_pen_makes_nothing_and_keeps_the_code(
    app: Flask, changed: dict[str, str], complaint: str
) -> None:
    code, browser = start(app), visitor(app)
    answer = send(browser, code, **changed)
    assert answer.status_code == 422
    assert complaint in browser.complaints(answer.text)
    assert OWN not in answer.text
    assert held(app) == {}
    assert send(browser, code).status_code == 200


def test_wrong_codes_are_counted_and_close_the_page_for_a_while(app: Flask) -> None:
    code, browser = start(app), visitor(app)
    for _n in range(MAX_FAILURES - 1):
        assert "还可以再试" in browser.complaints(send(browser, "AAAA-BBBB-CCCC").text)
    assert "过多" in browser.complaints(send(visitor(app), "").text)
    assert "过多" in browser.complaints(send(browser, code).text), "the right code waits too"
    assert held(app) == {}
    with app.app_context(), app.extensions["panel"].system_session() as session:
        wrong = sa.select(sa.func.count()).where(LoginLog.outcome == LoginOutcome.WRONG)
        assert session.execute(wrong).scalar_one() == MAX_FAILURES + 1
    with time_machine.travel(now().timestamp() + LOCK_MINUTES * 60 + 1, tick=False):
        assert send(visitor(app), code).status_code == 200


def test_only_a_digest_is_stored(app: Flask) -> None:
    code = start(app)
    with app.app_context(), app.extensions["panel"].system_session() as session:
        stored = session.execute(sa.select(Setting.value).where(Setting.key == first_code.KEY)).scalar_one()
        assert code not in stored
        assert code.replace("-", "") not in stored
        assert first_code.check(session, code, "another key") is not None
        assert first_code.check(session, code, app.config["SECRET_KEY"]) is None


@pytest.mark.database
def test_processes_that_start_together_share_a_code_and_the_next_start_prints_another(app: Flask) -> None:
    code = start(app)
    with app.app_context():
        assert "仍然有效" in str(first_accounts.announce(app.extensions["panel"]))
    with time_machine.travel(now().timestamp() + 61, tick=False):
        fresh = start(app)
        browser = visitor(app)
        assert "还可以再试" in browser.complaints(send(browser, code).text)
        assert send(browser, fresh).status_code == 200


def test_of_two_processes_with_one_code_one_makes_the_accounts(app: Flask) -> None:
    """The other one has checked the code before the first one used it."""
    code, panel = start(app), app.extensions["panel"]
    with app.app_context():
        with panel.system_session() as session:
            assert first_code.check(session, code, app.config["SECRET_KEY"]) is None
        assert send(visitor(app), code).status_code == 200
        with panel.system_session() as session:
            assert not first_code.take(session, "administrator")


def test_without_a_code_nothing_opens(app: Flask) -> None:
    """A server that was started in another way has printed none."""
    browser = visitor(app)
    assert "重新启动" in browser.complaints(send(browser, "").text)
    assert held(app) == {}


def test_a_form_of_another_site_is_refused(app: Flask) -> None:
    code = start(app)
    assert Browser(app).client.post("/start", data={"code": code, **PEOPLE}).status_code == 400


def test_its_pages_are_whole_and_chinese(app: Flask) -> None:
    code, browser = start(app), visitor(app)
    pages = [browser.get("/start"), send(browser, code, **{"security.name": ""}), send(browser, code)]
    assert [page.status_code for page in pages] == [200, 422, 200]
    names = {"zhangwei", "lina", "http", "localhost"}
    slips = re.findall(r"[A-Z][a-z]{6}", pages[2].text)
    assert [forgotten(page.text, {*names, *slips, code.split("-")[0]}) for page in pages[:1]] == [[]]
    assert [text for text in forgotten(pages[2].text, {*names, *slips}) if "-" not in text] == []
    for page in pages:
        assert page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
