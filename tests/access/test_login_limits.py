"""Limits of log-in: tries are counted before they are looked at, and nobody locks out others from one place."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from bureau.settings import settings
from panel.kinds import Invalid, now
from panel.security import passwords
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, LoginLog, LoginOutcome, User
from panel.security.passwords import Passwords
from tests.factories import PASSWORD, Browser, Stage, counted

NEW = "Another-pass-2"


def at(stage: Stage, address: str) -> Browser:
    """A browser that nobody has logged in with, at an address."""
    visitor = stage.visitor()
    visitor.client.environ_base["REMOTE_ADDR"] = address
    return visitor


def outcomes(stage: Stage) -> dict[LoginOutcome, int]:
    with stage.session() as session:
        statement = sa.select(LoginLog.outcome, sa.func.count()).group_by(LoginLog.outcome)
        return dict(session.execute(statement).all())


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The hashes that passwords were compared with."""
    seen: list[str | None] = []
    original = Passwords.matches

    def matches(self: Passwords, password: str, hashed: str | None) -> bool:
        seen.append(hashed)
        return original(self, password, hashed)

    monkeypatch.setattr(Passwords, "matches", matches)
    return seen


def test_unknown_wrong_and_closed_get_one_answer_after_the_same_work(stage: Stage, looked_at: list[str | None]) -> None:
    with stage.app.app_context():
        engine = stage.panel.db.engine
    answers, work = set(), set()
    for n in range(MAX_FAILURES + 2):
        for username in ("viewer", "nobody at all"):
            visitor = at(stage, "10.1.1.1")
            visitor.token()
            looked_at.clear()
            with counted(engine) as sent:
                answer = visitor.log_in(username, "wrong" if n else "wrong, too")
            answers.add((answer.status_code, answer.text.count("用户名或密码错误，或此处登录失败次数过多")))
            work.add((len(looked_at), len(sent) if n not in (MAX_FAILURES - 1,) else 0) if n < MAX_FAILURES else 0)
    assert answers == {(401, 1)}
    assert {len(looked_at)} == {1}, "one hash is computed in every case"
    assert len(work - {0}) <= 2, "known and unknown send the same statements"
    assert at(stage, "10.1.1.1").log_in("viewer").status_code == 401, "the right password isn't told from a wrong one"


@pytest.mark.database
def test_fifty_guesses_at_once_get_no_more_than_the_limit_looked_at(stage: Stage) -> None:
    visitors = [at(stage, "10.1.1.2") for _n in range(50)]
    for visitor in visitors:
        visitor.token()
    ready, answers = threading.Barrier(10), list[int]()

    def guess(mine: list[Browser]) -> None:
        ready.wait()
        answers.extend(visitor.log_in("viewer", "wrong").status_code for visitor in mine)

    threads = [threading.Thread(target=guess, args=(visitors[n::10],)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [401] * 50
    found = outcomes(stage)
    assert (found[LoginOutcome.WRONG], found[LoginOutcome.LOCKED]) == (MAX_FAILURES, 50 - MAX_FAILURES)


def test_nobody_is_locked_out_from_another_place_or_from_a_browser_of_their_own(stage: Stage) -> None:
    own = at(stage, "10.2.2.2")
    assert own.log_in("viewer").status_code == 302
    own.post("/logout")
    with stage.session() as session:
        settings.put(session, "account_tries", 7)
    for address in ("10.6.6.6", "10.6.6.7", "10.2.2.2"):
        for _n in range(MAX_FAILURES + 1):
            assert at(stage, address).log_in("viewer", "wrong").status_code == 401
    assert at(stage, "10.7.7.7").log_in("viewer").status_code == 401, "the account is closed to unknown places"
    assert at(stage, "10.2.2.2").log_in("viewer").status_code == 401, "that address has failed too often itself"
    assert own.log_in("viewer").status_code == 302, "their browser stays open, also at that address"
    assert at(stage, "10.6.6.6").log_in("leader").status_code == 302, "and so do other accounts"


def test_an_address_that_fails_much_waits_and_known_browsers_there_do_not(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, "address_tries", 6)
    own = at(stage, "10.3.3.3")
    assert own.log_in("leader").status_code == 302
    own.post("/logout")
    for n in range(7):
        at(stage, "10.3.3.3").log_in(f"guess{n}", "wrong")
    assert at(stage, "10.3.3.3").log_in("viewer").status_code == 401
    assert at(stage, "10.3.3.4").log_in("viewer").status_code == 302
    assert own.log_in("leader").status_code == 302
    with time_machine.travel(now() + timedelta(minutes=LOCK_MINUTES + 1), tick=True):
        assert at(stage, "10.3.3.3").log_in("viewer").status_code == 302


def test_the_page_that_changes_a_password_is_limited_too(stage: Stage) -> None:
    browser = stage.browse("viewer")
    for _n in range(MAX_FAILURES):
        assert browser.post("/password", {"current": "wrong", "new": NEW, "again": NEW}).status_code == 422
    right = {"current": PASSWORD, "new": NEW, "again": NEW}
    assert browser.post("/password", right).status_code == 422
    with time_machine.travel(now() + timedelta(minutes=LOCK_MINUTES + 1), tick=True):
        assert browser.post("/password", right).status_code == 302


# Passwords.

COMMON = "Password@123 P@ssw0rd2026 Admin@2026 Qwerty@123 1qaz@WSX Abcd1234! Aa123456! Zhifa@2026 Shequ123! Woaini1314!"


@pytest.mark.parametrize("password", COMMON.split())
def test_common_passwords_are_refused(password: str) -> None:
    with pytest.raises(Invalid, match="过于常见"):
        passwords.check(password, "zhang")


@pytest.mark.parametrize(
    ("password", "words"),
    [("Zhang-San-7x", ["张三"]), ("张三-Xk7pq", ["张三"]), ("Xk7-805730", ["13805730001"]), ("Nanhu-7xq#kk", ["南湖"])],
)
def test_a_password_holds_no_word_of_its_person(password: str, words: list[str]) -> None:
    passwords.check(password, "somebody")
    with pytest.raises(Invalid, match="不能包含姓名"):
        passwords.check(password, "somebody", words)


def test_the_words_of_a_liaison_are_name_community_telephone_and_unit(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, "unit_name", "某某局")
        words = stage.panel.personal_words(session, stage.district.users["liaison"])
    assert "某某局" in words
    assert any(word.startswith("13") for word in words)
    assert any(word.endswith("社区") for word in words)


def test_none_of_the_last_five_passwords_comes_again(stage: Stage) -> None:
    browser, current = stage.browse("viewer"), PASSWORD
    series = [f"Kx{n}-tree-glass" for n in range(passwords.EARLIER)]
    for new in series:
        assert browser.post("/password", {"current": current, "new": new, "again": new}).status_code == 302
        current = new
    for old in series:
        answer = browser.post("/password", {"current": current, "new": old, "again": old})
        assert answer.status_code == 422
    assert "不能使用最近 5 次用过的密码" in answer.text
    again = {"current": current, "new": PASSWORD, "again": PASSWORD}
    assert browser.post("/password", again).status_code == 302


def test_a_password_grows_old_and_is_changed_at_the_next_log_in(stage: Stage) -> None:
    with time_machine.travel(now() + timedelta(days=85), tick=True):
        soon = stage.visitor()
        assert soon.log_in("viewer").status_code == 302
        assert "您的密码将在 5 天后到期" in soon.get("/").text
    with time_machine.travel(now() + timedelta(days=91), tick=True):
        late = stage.visitor()
        assert late.log_in("viewer").status_code == 302
        assert late.get("/").location == "/password"
        assert "您的密码已使用 91 天" in late.get("/password").text
        assert late.post("/password", {"current": PASSWORD, "new": NEW, "again": NEW}).location == "/"
        assert late.get("/").status_code == 200
    with stage.session() as session:
        settings.put(session, "password_days", 0)
    with time_machine.travel(now() + timedelta(days=900), tick=True):
        never: Any = stage.visitor()
        assert never.log_in("leader").status_code == 302
        assert never.get("/").status_code == 200


def test_unlocking_opens_the_place_again(stage: Stage) -> None:
    for _n in range(MAX_FAILURES):
        at(stage, "10.4.4.4").log_in("viewer", "wrong")
    with stage.session() as session:
        assert session.scalar(sa.select(User.locked_until).where(User.username == "viewer")) is not None
    given = {"action": "unlock", "rowid": stage.district.users["viewer"]}
    assert stage.browse("security").post("/admin/user/action/", given).status_code == 302
    assert at(stage, "10.4.4.4").log_in("viewer").status_code == 302
