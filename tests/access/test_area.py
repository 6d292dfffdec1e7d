"""A person's area: how it comes about, that nothing is written or referred to outside it, and how what lies outside
looks from inside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

import models
from bench.forms import form_values
from panel.fields import fields
from panel.kinds import now, today
from panel.security.accounts import UserRole
from panel.security.policy import Permission
from tests import factories
from tests.factories import MODELS, Browser, Stage, granted, pairs, scoped

HIDDEN = "不可见"
SIDES = ("inside", "outside")


def references(act: Permission) -> list[tuple[str, str, str]]:
    """Role, table and field, wherever the role may do that and the field may point outside its area."""
    return [
        (role, table, field.name)
        for role, table in pairs(act)
        for field in fields(MODELS[table])
        if field.reference and not field.readonly and field.reference.table in MODELS
        if scoped(role, field.reference.table) and granted(role, Permission.READ, field.reference.table)
    ]


Forms = Callable[[str, str], tuple[str, dict[str, str]]]


@pytest.fixture(scope="module")
def forms(standing: Stage) -> Forms:
    """A page with a form as a role gets it, and what the form would post. What is refused changes neither."""

    @cache
    def opened(role: str, address: str) -> tuple[str, dict[str, str]]:
        page = standing.browse(role).get(address).text
        return page, form_values(page)

    return opened


@pytest.mark.parametrize(("role", "table", "field"), references(Permission.CREATE))
def test_nothing_is_created_that_refers_outside(
    standing: Stage, forms: Forms, role: str, table: str, field: str
) -> None:
    target = next(f.reference.table for f in fields(MODELS[table]) if f.name == field and f.reference)
    given = factories.typed(table, standing.inside) | {field: str(standing.outside[target])}
    browser, address = standing.browse(role), f"/admin/{table}/new/"
    page, values = forms(role, address)
    if field not in values and f'name="{field}"' not in page:
        pytest.skip("this form doesn't ask for it")
    before = standing.count(table), standing.count("auditentry")
    assert browser.post(address, given).status_code == 422
    assert (standing.count(table), standing.count("auditentry")) == before


@pytest.mark.parametrize(("role", "table", "field"), references(Permission.EDIT))
def test_nothing_is_changed_to_refer_outside(standing: Stage, forms: Forms, role: str, table: str, field: str) -> None:
    declared = next(f for f in fields(MODELS[table]) if f.name == field)
    assert declared.reference
    before = getattr(standing.get(table, standing.inside[table]), declared.attr)
    browser, address = standing.browse(role), f"/admin/{table}/edit/?id={standing.inside[table]}"
    given = forms(role, address)[1] | {field: str(standing.outside[declared.reference.table])}
    assert browser.post(address, given).status_code == 422
    assert getattr(standing.get(table, standing.inside[table]), declared.attr) == before


@pytest.mark.parametrize("role", ["officer", "liaison"])
def test_a_case_is_not_reported_for_somebody_elses_community(stage: Stage, role: str) -> None:
    given = factories.typed("case", stage.inside)
    before = stage.count("case")
    elsewhere = given | {"community": str(stage.outside["community"])}
    for address in ("/admin/case/new/", "/report"):
        assert stage.browse(role).post(address, elsewhere).status_code == 422
    assert stage.count("case") == before
    answer = stage.browse(role).post("/admin/case/new/", given)
    assert (answer.status_code, stage.count("case")) == (302, before + 1)


def test_an_officer_reports_what_happened_when_another_squad_was_assigned(stage: Stage) -> None:
    """The program looks up whose community it was; that isn't the reporter's choice."""
    with stage.session() as session:
        session.get_one(models.Assignment, stage.inside["assignment"]).start_on = today()
    before = {"start_on": today() - timedelta(60), "end_on": today() - timedelta(10)}
    stage.add("assignment", officer_id=stage.outside["officer"], **before)
    given = factories.typed("case", stage.inside, reported_at=f"{today() - timedelta(20)} 09:00")
    assert stage.browse("officer").post("/admin/case/new/", given).status_code == 302


# Denied, granted, allowed.


@pytest.mark.parametrize(("role", "table"), pairs())
def test_a_role_opens_its_tables_and_its_loss_closes_them(standing: Stage, role: str, table: str) -> None:
    with standing.session() as session:
        user = factories.account(session, standing.panel, f"new-{role}-{table}")
    browser = standing.browse(user.username)
    assert browser.get(f"/admin/{table}/").status_code == 403
    with standing.session() as session:
        given = UserRole(user_id=user.id, role=role)
        session.add(given)
    assert browser.get(f"/admin/{table}/").status_code == 200
    with standing.session() as session:
        session.delete(session.get_one(UserRole, given.id))
    assert browser.get(f"/admin/{table}/").location.startswith("/login?"), "the loss ends the session"
    browser.log_in(user.username)
    assert browser.get(f"/admin/{table}/").status_code == 403


@pytest.mark.database
def test_an_officers_area_is_what_is_assigned_today(stage: Stage) -> None:
    browser, address = stage.browse("officer"), f"/admin/community/details/?id={stage.outside['community']}"
    assert browser.get(address).status_code == 404
    ids = {"community_id": stage.outside["community"], "officer_id": stage.inside["officer"]}
    with stage.session() as session:
        session.delete(session.get_one(models.Assignment, stage.outside["assignment"]))
        session.flush()
        term = models.Assignment(**ids, start_on=today() + timedelta(1))
        session.add(term)
    assert browser.get(address).status_code == 404
    for start, end, status in ((0, None, 200), (-1, 0, 200), (-2, -1, 404)):
        with stage.session() as session:
            found = session.get_one(models.Assignment, term.id)
            found.start_on = today() + timedelta(start)
            found.end_on = None if end is None else today() + timedelta(end)
        assert browser.get(address).status_code == status


@pytest.mark.database
def test_a_liaisons_area_ends_with_the_term(stage: Stage) -> None:
    browser, address = stage.browse("liaison"), f"/admin/case/details/?id={stage.inside['case']}"
    assert browser.get(address).status_code == 200
    stage.put("liaison", stage.inside["liaison"], end_on=today() - timedelta(1))
    assert browser.get(address).status_code == 404


def test_an_officer_out_of_service_reaches_nothing(stage: Stage) -> None:
    browser, address = stage.browse("officer"), f"/admin/case/details/?id={stage.inside['case']}"
    assert browser.get(address).status_code == 200
    stage.put("officer", stage.inside["officer"], active=False)
    assert browser.get(address).status_code == 404


@pytest.mark.database
def test_an_officer_keeps_a_case_that_they_handle_elsewhere(stage: Stage) -> None:
    browser, address = stage.browse("officer"), f"/admin/case/details/?id={stage.outside['case']}"
    assert browser.get(address).status_code == 404
    with stage.session() as session:
        session.get_one(models.Case, stage.outside["case"]).handler_id = stage.inside["officer"]
    assert browser.get(address).status_code == 200


def test_a_liaison_sees_the_name_and_telephone_of_their_officer(stage: Stage) -> None:
    with stage.session() as session:
        session.get_one(models.Officer, stage.inside["officer"]).mobile = "13655556666"
    page = stage.browse("liaison").get("/").text
    assert "沈建平" in page
    assert "13655556666" in page


# Several roles in one account.


@pytest.fixture
def both(stage: Stage) -> Browser:
    """Somebody who reads everything as head and works on their own cases as officer."""
    with stage.session() as session:
        session.add(UserRole(user_id=stage.district.users["officer"], role="viewer"))
    return stage.browse("officer")


def test_what_one_reads_by_one_role_one_does_not_change_by_another(stage: Stage, both: Browser) -> None:
    for table in ("case", "action", "referral", "caseparty"):
        inside, outside = stage.inside[table], stage.outside[table]
        assert both.get(f"/admin/{table}/details/?id={outside}").status_code == 200
        assert f'href="/admin/{table}/edit/?id={outside}' not in both.get(f"/admin/{table}/details/?id={outside}").text
        assert both.get(f"/admin/{table}/edit/?id={inside}").status_code == 200
        assert both.get(f"/admin/{table}/edit/?id={outside}").status_code == 403
        assert both.post(f"/admin/{table}/edit/?id={outside}", {"note": "x"}).status_code == 403


def test_a_record_is_not_pulled_into_ones_area(stage: Stage, both: Browser) -> None:
    address = f"/admin/case/edit/?id={stage.outside['case']}"
    assert both.post(address, {"community": str(stage.inside["community"])}).status_code == 403
    assert stage.get("case", stage.outside["case"]).community_id == stage.outside["community"]


def test_work_telephones_are_clear_where_a_role_shows_them(stage: Stage, both: Browser) -> None:
    """As head the other area's are masked; there is no filter by them either, which would tell them."""
    for address in ("/admin/liaison/", "/admin/liaison/details/?id={id}"):
        pages = "".join(both.get(address.format(id=stage.district.__dict__[side]["liaison"])).text for side in SIDES)
        assert "13800001111" in pages
        assert "13900002222" not in pages
        assert "139****2222" in pages
    assert "胡秀珍" in both.get("/admin/liaison/?mobile=13900002222").text


# What lies outside, seen from inside.


def _lend(stage: Stage) -> None:
    """A case of the own community, handled by an officer of the other squad."""
    with stage.session() as session:
        found = session.get_one(models.Case, stage.inside["case"])
        found.handler_id = found.lead_officer_id = stage.outside["officer"]
        session.add(models.Action(case=found, kind="persuasion", officer_id=stage.outside["officer"], at=now()))


@pytest.mark.parametrize("kind", ["/", "/details/?id={id}", "/edit/?id={id}"])
def test_a_reference_outside_ones_area_shows_as_not_visible(stage: Stage, kind: str) -> None:
    _lend(stage)
    address = f"/admin/case{kind.format(id=stage.inside['case'])}"
    office, officer = stage.browse("office").get(address).text, stage.browse("officer").get(address).text
    assert "何志远" in office
    assert HIDDEN not in office
    assert "何志远" not in officer
    assert HIDDEN in officer


def test_a_reference_that_one_cannot_see_survives_ones_edit(stage: Stage) -> None:
    _lend(stage)
    address = f"/admin/case/edit/?id={stage.inside['case']}"
    browser = stage.browse("officer")
    assert browser.post(address, browser.form(address) | {"place": "新址"}).status_code == 302
    found: Any = stage.get("case", stage.inside["case"])
    assert (found.place, found.handler_id) == ("新址", stage.outside["officer"])


def _offered(browser: Browser, address: str) -> set[int]:
    """The ids of all records that a look-up offers, page by page."""
    ids: set[int] = set()
    while rows := browser.get(f"{address}&offset={len(ids)}").json:
        ids |= {id_ for id_, _text in rows}
    return ids


@pytest.mark.database
@pytest.mark.parametrize(("role", "table"), [pair for pair in pairs() if scoped(*pair)])
def test_lookups_and_filters_offer_ones_own_area_alone(standing: Stage, role: str, table: str) -> None:
    browser = standing.browse(role)
    for view in standing.panel.views.values():
        for field in view.references:
            if field.reference.table != table or not granted(role, Permission.READ, view.endpoint):
                continue
            ids = _offered(browser, f"/admin/{view.endpoint}/ajax/lookup/?name={field.name}")
            assert standing.inside[table] in ids
            assert standing.outside[table] not in ids
            page = browser.get(f"/admin/{view.endpoint}/?{field.name}={standing.outside[table]}").text
            assert HIDDEN in page
