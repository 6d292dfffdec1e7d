"""The standing survey of a community: the liaison looks through it, adds to it and confirms it, and nobody else's."""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.access.roles import LEADER, LIAISON, OFFICE, OFFICER, VIEWER
from models import SurveyKind
from panel.kinds import today
from panel.security.accounts import UserRole
from panel.security.policy import Permission
from tests.factories import ROLE_NAMES, Stage, account, granted
from tests.workbooks import Office, outcomes, table

READERS = [role for role in ROLE_NAMES if role in (OFFICE, LEADER, OFFICER, LIAISON, VIEWER)]
WRITERS = (OFFICE, OFFICER, LIAISON)


def entry(stage: Stage, **values: Any) -> int:
    return stage.add("surveyentry", **{"first_on": date(2026, 1, 5), "verified_on": date(2026, 1, 5)} | values)


def shown(stage: Stage, role: str = LIAISON, query: str = "") -> str:
    answer = stage.browse(role).get(f"/survey{query}")
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_reads_the_survey_opens_it(standing: Stage, role: str) -> None:
    status = 200 if role in READERS else 403
    assert standing.browse(role).get(f"/survey?community={standing.inside['community']}").status_code == status


def test_the_liaison_sees_the_own_community_alone(standing: Stage) -> None:
    # Both would stand first on the page, however many entries there are.
    there, first = standing.outside["community"], date(2026, 1, 1)
    here = entry(standing, address="文昌路 1 号", first_on=first, verified_on=first)
    with standing.session() as session:
        other = session.get_one(models.SurveyEntry, standing.outside["surveyentry"])
        other.address, other.first_on, other.verified_on = "中山路 77 号", first, first
    page = shown(standing)
    assert "文昌路 1 号" in page
    assert "中山路 77 号" not in page
    browser = standing.browse(LIAISON)
    assert browser.get(f"/survey?community={there}").status_code == 404
    assert browser.post(f"/survey/{standing.outside['surveyentry']}/confirm").status_code == 404
    form = {"community": str(there), "kind": "dog", "address": "中山路 1 号"}
    assert browser.post("/survey", form).status_code == 404
    assert standing.get("surveyentry", here).verified_on == first


@pytest.mark.parametrize("role", [*WRITERS, LEADER, VIEWER, "auditor"])
def test_who_may_edit_confirms(standing: Stage, role: str) -> None:
    id_ = entry(standing, address=f"文昌路 {role} 号")
    allowed = granted(role, Permission.EDIT, "surveyentry")
    answer = standing.browse(role).post(f"/survey/{id_}/confirm")
    assert answer.status_code == (302 if allowed else 403)
    after = standing.get("surveyentry", id_)
    assert (after.verified_on, after.verified_by) == ((today(), role) if allowed else (date(2026, 1, 5), None))
    assert after.first_on == date(2026, 1, 5)


def test_denied_granted_allowed(stage: Stage) -> None:
    """An account that only reads is refused; as the liaison of the community it confirms and adds, and officers see who
    did."""
    id_ = entry(stage, address="文昌路 2 号", subject="王五")
    with stage.session() as session:
        person = account(session, stage.panel, "wang", VIEWER, name="王小红")
        person_id = person.id
    browser = stage.browse("wang")
    new = {"community": str(stage.inside["community"]), "kind": "poultry", "address": "文昌路 3 号", "quantity": "4"}
    assert browser.post(f"/survey/{id_}/confirm").status_code == 403
    assert browser.post("/survey", new).status_code == 403
    with stage.session() as session:
        session.query(UserRole).filter_by(user_id=person_id).delete()
        session.add(UserRole(user_id=person_id, role=LIAISON))
    assert browser.post(f"/survey/{id_}/confirm").status_code == 404  # of no community yet
    assert "尚未关联社区" in html.unescape(browser.get("/survey").text)
    with stage.session() as session:
        session.get_one(models.Liaison, stage.inside["liaison"]).user_id = person_id
    assert browser.post(f"/survey/{id_}/confirm").status_code == 302
    assert browser.post("/survey", new).status_code == 302
    assert browser.post("/survey", {**new, "address": " 文昌路  3 号", "quantity": "6"}).status_code == 302
    page = shown(stage, OFFICER, f"?community={stage.inside['community']}&q=文昌路")
    assert page.count("王小红") == 2
    assert "× 6" in page
    assert "× 4" not in page
    assert "王五" not in page  # a private person
    assert "王*" in page


def test_what_is_wrong_is_said_and_nothing_is_written(standing: Stage) -> None:
    form = {"community": str(standing.inside["community"]), "kind": "", "address": "", "quantity": "多"}
    answer = standing.browse(LIAISON).post("/survey", form)
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert page.count('class="error"') == 3
    assert "必" in page
    for community in ("", "x", "999999"):
        assert standing.browse(LIAISON).post("/survey", {**form, "community": community}).status_code == 404


def test_the_generated_form_says_who_verified_and_takes_no_day_to_come(standing: Stage) -> None:
    id_ = entry(standing, address="文昌路 5 号")
    browser = standing.browse(LIAISON)
    address = f"/admin/surveyentry/edit/?id={id_}"
    opened = browser.form(address)
    assert browser.post(address, {**opened, "verified_on": "2100-01-01"}).status_code == 422
    assert browser.post(address, {**opened, "verified_on": "2026-07-14"}).status_code == 302
    assert standing.get("surveyentry", id_).verified_by == LIAISON
    assert browser.post(address, {**browser.form(address), "note": "已搬走"}).status_code == 302
    assert standing.get("surveyentry", id_).note == "已搬走"
    page = html.unescape(standing.browse(OFFICER).get(f"/admin/surveyentry/details/?id={id_}").text)
    assert "核实人" in page
    assert f"/survey/{id_}/confirm" in page


def test_an_import_says_who_verified(stage: Stage) -> None:
    known = entry(stage, address="文昌路 6 号", kind=SurveyKind.DOG)
    rows = [("街道", "社区", "类别", "地址", "最近核实")]
    rows += [
        ("城东街道", "东栅社区", "养犬", f"文昌路 {n} 号", day) for n, day in ((6, "2026-07-01"), (7, "2026-07-02"))
    ]
    rows += [("城东街道", "东栅社区", "养犬", "文昌路 8 号", "2100-01-01")]
    office = Office(stage)
    done = office.run("surveyentry", table(*rows), good_rows=True)
    assert outcomes(done) == {2: "changed", 3: "new", 4: "failed"}
    with stage.session() as session:
        entries = session.scalars(sa.select(models.SurveyEntry)).all()
        written = [row for row in entries if row.address in {"文昌路 6 号", "文昌路 7 号"}]
    assert stage.get("surveyentry", known).verified_on == date(2026, 7, 1)
    assert len({found.verified_by for found in written}) == 1
    assert written[0].verified_by


def test_it_is_searched_and_turned_over(standing: Stage) -> None:
    for n in range(1, 34):
        entry(standing, address=f"长水路 {n} 号", kind=SurveyKind.BUILDING)
    first = shown(standing, query="?q=长水路&kind=building")
    assert len(re.findall(r"长水路 \d+ 号</a></b>", first)) == 30
    last = shown(standing, query="?q=长水路&kind=building&page=2")
    assert len(re.findall(r"长水路 \d+ 号</a></b>", last)) == 3
    assert "长水路 1 号" not in shown(standing, query="?q=中")


@pytest.mark.framed
def test_the_menu_leads_the_liaison_to_it(standing: Stage) -> None:
    assert "/survey" in standing.browse(LIAISON).menu()
    assert "/survey" not in standing.browse(OFFICER).menu()
