"""A new office gets going by itself: from what `setup` leaves and two administrators to a liaison's first report."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import models
from seed import reference
from tests import factories
from tests.factories import Browser, District, Stage

NEW = "Another-pass-2"


def added(browser: Browser, table: str, **given: Any) -> int:
    """The id of a record that is added by its form."""
    answer = browser.post(f"/admin/{table}/new/", given)
    assert answer.status_code == 302, browser.complaints(answer.text)
    found = re.search(r"id=(\d+)", answer.location)
    assert found is not None
    return int(found[1])


def first_login(stage: Stage, username: str, password: str) -> Browser:
    """Whoever logs in by a one-time password, and chooses their own."""
    browser = stage.visitor()
    assert browser.log_in(username, password).status_code == 302
    answer = browser.post("/password", {"current": password, "new": NEW, "again": NEW})
    assert answer.location == "/", browser.complaints(answer.text)
    return browser


def granted_to(security: Browser, name: str) -> str:
    """The id of the account of this name, as the page of accounts without roles has it."""
    page = security.get("/accounts").text
    found = re.search(rf'name="account" value="(\d+)"[^>]*aria-label="{name}"', page)
    assert found is not None, f"{name} isn't among the accounts without a role"
    return found[1]


@pytest.mark.database
def test_a_new_office_comes_to_its_first_report_without_a_command(app: Flask) -> None:
    stage = Stage(app, District())
    with stage.session() as session:
        reference.load(session)
        for role in ("administrator", "security"):
            factories.account(session, stage.panel, role, role)
    administrator, security = stage.browse("administrator"), stage.browse("security")

    clerk = added(administrator, "user", username="zhoumin", name="周敏", active="1")
    shown = administrator.get(f"/admin/user/details/?id={clerk}").text
    password = re.search(r"[A-Z][a-z]{6}-\d{3}", html.unescape(shown))
    assert password is not None
    assert "周敏" in security.get("/accounts").text
    added(security, "userrole", user=clerk, role="office")

    office = first_login(stage, "zhoumin", password[0])
    street, squad = added(office, "street", name="城东街道"), added(office, "squad", name="南湖分队")
    community = added(office, "community", name="东栅社区", street=street, squad=squad)
    officer = added(office, "officer", name="沈建平", squad=squad, kind="officer", active="1")
    added(office, "liaison", name="胡秀珍", community=community, start_on="2026-01-05")
    added(office, "assignment", community=community, officer=officer, start_on="2026-01-05", substitute="0")

    keys = re.findall(r'name="person" value="([^"]+)"', administrator.get("/accounts").text)
    page = administrator.post("/accounts/new", {"person": keys}).text
    passwords = dict(re.findall(r"<dd>([a-z]+)</dd>.*?<dd>([A-Z][a-z]{6}-\d{3})</dd>", page, re.S))
    assert set(passwords) == {"huxiuzhen", "shenjianping"}
    accounts = [granted_to(security, name) for name in ("胡秀珍", "沈建平")]
    assert security.post("/accounts/roles", {"account": accounts}).status_code == 302

    liaison = first_login(stage, "huxiuzhen", passwords["huxiuzhen"])
    told = {"place": "东塔路 3 幢", "description": "楼下养鸡", "urgency": "normal", "anonymous": "1", "asked": "1"}
    answer = liaison.post("/report", {"community": community, **told})
    assert answer.status_code == 302, liaison.complaints(answer.text)
    with stage.session() as session:
        case = session.execute(sa.select(models.Case)).scalar_one()
        assert (case.community_id, case.liaison.name, case.lead_officer.name) == (community, "胡秀珍", "沈建平")
    handler = first_login(stage, "shenjianping", passwords["shenjianping"])
    assert handler.get(f"/admin/case/details/?id={case.id}").status_code == 200
