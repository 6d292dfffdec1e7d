"""The second factor: off by default, by role, once a code, recovery codes on a sheet, and its removal."""

from __future__ import annotations

import base64
import hmac
import importlib
import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
import time_machine
from alembic.migration import MigrationContext
from alembic.operations import Operations
from cryptography.fernet import Fernet

from bureau.settings import settings
from panel.kinds import now
from panel.kinds.encrypted import MARK
from panel.security.accounts import MAX_FAILURES
from panel.security.login_records import SecondFactor
from panel.security.transactions import may_write
from tests.factories import Browser, Stage

STEP = timedelta(seconds=60)


@pytest.fixture
def needed(stage: Stage) -> Stage:
    with stage.session() as session:
        settings.put(session, "factor_roles", "viewer")
    return stage


def later(times: int) -> Any:
    return time_machine.travel(now() + times * STEP, tick=True)


def code(secret: str) -> str:
    return pyotp.TOTP(secret).at(int(now().timestamp()))


def set_up(browser: Browser) -> tuple[str, list[str]]:
    """Set up the factor; its secret and recovery codes."""
    page = browser.get("/second-factor").text
    assert 'src="data:image/png;base64,' in page
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert secret is not None
    plain = secret[1].replace(" ", "")
    sheet = browser.post("/second-factor", {"code": code(plain)})
    assert sheet.status_code == 200
    return plain, re.findall(r"<code>(\w{5}-\w{5})</code>", sheet.text)


def test_it_is_off_by_default(stage: Stage) -> None:
    visitor = stage.visitor()
    assert visitor.log_in("viewer").location == "/"
    assert visitor.get("/second-factor").status_code == 404


def test_it_is_set_up_at_the_next_log_in_and_asked_for_afterwards(needed: Stage) -> None:
    visitor = needed.visitor()
    assert visitor.log_in("viewer").location == "/"
    assert visitor.get("/").location == "/second-factor", "nothing opens before"
    assert visitor.post("/second-factor", {"code": "000000"}).status_code == 422
    secret, codes = set_up(visitor)
    assert len(codes) == 10
    assert visitor.get("/").status_code == 200
    with needed.session() as session:
        row = session.scalars(sa.select(SecondFactor)).one()
        stored = session.execute(sa.text("select secret from secondfactor")).scalar_one()
        assert secret == row.secret
        assert stored.startswith(MARK), "stored encrypted with the data key, which private rotate renews"
        assert not set(codes) & set(row.codes)
    with later(1):
        again = needed.visitor()
        assert again.log_in("viewer").location == "/login/code"
        assert again.get("/").status_code == 302, "the password alone opens nothing"
        assert again.post("/login/code", {"code": "000000"}).status_code == 401
        right = code(secret)
        assert again.post("/login/code", {"code": right}).location == "/"
        assert again.get("/").status_code == 200
        thief = needed.visitor()
        thief.log_in("viewer")
        assert thief.post("/login/code", {"code": right}).status_code == 401, "a code counts once"
    assert needed.visitor().log_in("leader").location == "/"


def test_a_recovery_code_counts_once(needed: Stage) -> None:
    visitor = needed.visitor()
    visitor.log_in("viewer")
    _secret, codes = set_up(visitor)
    for status in (302, 401):
        other = needed.visitor()
        other.log_in("viewer")
        assert other.post("/login/code", {"code": codes[0].lower()}).status_code == status
        if status == 302:
            assert "还剩 9 个备用码" in other.get("/").text


def test_codes_are_limited_and_the_step_takes_a_few_minutes(needed: Stage) -> None:
    visitor = needed.visitor()
    visitor.log_in("viewer")
    secret, _codes = set_up(visitor)
    with later(1):
        guesser = needed.visitor()
        guesser.log_in("viewer")
        for _n in range(MAX_FAILURES):
            assert guesser.post("/login/code", {"code": "111111"}).status_code == 401
        assert guesser.post("/login/code", {"code": code(secret)}).status_code == 401
    with later(30):
        assert guesser.post("/login/code", {"code": code(secret)}).location == "/login"
        assert needed.visitor().post("/login/code", {"code": code(secret)}).location == "/login"


def test_new_recovery_codes_need_a_code(needed: Stage) -> None:
    visitor = needed.visitor()
    visitor.log_in("viewer")
    secret, codes = set_up(visitor)
    with later(1):
        assert visitor.post("/second-factor", {"code": "222222"}).status_code == 422
        sheet = visitor.post("/second-factor", {"code": code(secret)})
        fresh = re.findall(r"<code>(\w{5}-\w{5})</code>", sheet.text)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)


def test_the_administrator_removes_it_and_it_is_set_up_again(needed: Stage) -> None:
    visitor = needed.visitor()
    visitor.log_in("viewer")
    set_up(visitor)
    given = {"action": "factor", "rowid": needed.district.users["viewer"]}
    for role in ("security", "office", "auditor"):
        assert needed.browse(role).post("/admin/user/action/", given).status_code == 403
    assert needed.browse("administrator").post("/admin/user/action/", given).status_code == 302
    assert visitor.get("/").status_code == 302
    again = needed.visitor()
    assert again.log_in("viewer").location == "/"
    assert again.get("/").location == "/second-factor"


def test_the_setting_takes_labels_of_roles(stage: Stage) -> None:
    administrator = stage.browse("administrator")
    form = administrator.form("/settings")
    assert administrator.post("/settings", form | {"factor_roles": "皇帝"}).status_code == 422
    assert administrator.post("/settings", form | {"factor_roles": "系统管理员、安全管理员"}).status_code == 302
    with stage.session() as session:
        assert settings.get(session, "factor_roles") == "administrator、security"
    assert administrator.form("/settings")["factor_roles"] == "系统管理员、安全管理员"


def test_a_factor_from_before_the_data_key_is_kept_and_one_of_another_key_goes(needed: Stage) -> None:
    migration = importlib.import_module("migrations.versions.0023_second_factors_by_data_key")
    visitor = needed.visitor()
    visitor.log_in("viewer")
    secret, _codes = set_up(visitor)
    with needed.app.app_context(), needed.panel.db.engine.connect() as connection, may_write():
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            migration.downgrade()
            formerly = connection.execute(sa.text("select secret from secondfactor")).scalar_one()
            assert Fernet(former(needed.app.config["SECRET_KEY"])).decrypt(formerly).decode() == secret
            migration.upgrade()
            select = sa.select(SecondFactor.secret)
            assert connection.execute(select).scalar_one() == secret
            foreign = Fernet(former("another")).encrypt(b"x").decode()
            connection.execute(sa.text("update secondfactor set secret = :token"), {"token": foreign})
            migration.upgrade()
            assert connection.execute(select).all() == []
        connection.rollback()


def former(key: str) -> bytes:
    """The key that secrets were encrypted with before."""
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), b"second factor", "sha256"))
