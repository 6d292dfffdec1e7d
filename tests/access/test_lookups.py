"""Whatever a role may fill in, its look-up offers; accounts are chosen by name and nothing else of them is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import models
from bureau.cases.steps import STEPS
from panel.fields import all_fields
from panel.security.accounts import User
from panel.security.policy import OutOfScope, Permission
from seed import reference
from tests import factories
from tests.factories import MODELS, ROLE_NAMES, TABLES, District, Stage, granted


def filled_in(role: str, table: str) -> list[str]:
    """The references in the form of a table that a role may add to or edit."""
    if not granted(role, Permission.CREATE, table) and not granted(role, Permission.EDIT, table):
        return []
    return [f.name for f in all_fields(MODELS[table]) if f.target is not None and not f.readonly]


FORMS = [(role, table, name) for role in ROLE_NAMES for table in TABLES for name in filled_in(role, table)]
ASKED = sorted(
    {(role, ask.name) for step in STEPS.values() for role in step.roles for ask in step.asks if ask.reference}
)


def offered(stage: Stage, role: str, table: str, name: str, query: str = "") -> Any:
    answer = stage.browse(role).client.get(f"/admin/{table}/ajax/lookup/", query_string={"name": name, "query": query})
    assert answer.status_code == 200
    return answer.get_json()


@pytest.mark.parametrize(("role", "table", "name"), FORMS)
def test_whatever_a_role_may_fill_in_its_look_up_offers(standing: Stage, role: str, table: str, name: str) -> None:
    assert offered(standing, role, table, name), "nobody could fill this in"


@pytest.mark.parametrize(("role", "name"), ASKED)
def test_whatever_a_step_asks_of_a_role_its_look_up_offers(standing: Stage, role: str, name: str) -> None:
    assert offered(standing, role, "case", name), "nobody could take the step"


# From an empty system.

#: Tables that steps and the program fill, besides those that somebody adds to by a form: what does it.
MADE_OTHERWISE = {
    "mediation": "the step that begins a mediation",
    "visit": "the plan of Mondays",
    "case": "reporting",
}


@pytest.fixture(scope="module")
def new_office(empty_app: Flask) -> Iterator[Stage]:
    """What `setup` leaves, with an account for each role."""
    stage = Stage(empty_app, District())
    with stage.session() as session:
        reference.load(session)
        for role in ROLE_NAMES:
            factories.account(session, stage.panel, role, role)
    return stage


def first_tables(stage: Stage) -> set[str]:
    return {table for table in TABLES if stage.count(table)}


@pytest.mark.parametrize(("role", "table", "name"), FORMS)
def test_in_a_new_office_a_look_up_is_empty_only_where_nothing_is_yet(
    new_office: Stage, role: str, table: str, name: str
) -> None:
    target = next(f.target for f in all_fields(MODELS[table]) if f.name == name)
    assert bool(offered(new_office, role, table, name)) == (target in first_tables(new_office))


def test_a_new_office_can_add_whatever_its_forms_refer_to(new_office: Stage) -> None:
    """From the tables that `setup` fills, somebody can add the first record of every table that a form refers to, one
    after the other: no form waits for one that waits for it."""
    ready = first_tables(new_office)
    wanted = {f.target for _role, table, name in FORMS for f in all_fields(MODELS[table]) if f.name == name}
    while True:
        more = {
            table
            for table in TABLES
            if (table in MADE_OTHERWISE or any(granted(role, Permission.CREATE, table) for role in ROLE_NAMES))
            and all(f.target in ready for f in all_fields(MODELS[table]) if f.reference and f.required)
        }
        if more <= ready:
            break
        ready |= more
    assert wanted <= ready


# Accounts by name.


def link(stage: Stage, username: str, account: str | None) -> tuple[int, str]:
    """Set or clear the account of the liaison by the form: the status, and what the page says."""
    address = f"/admin/liaison/edit/?id={stage.inside['liaison']}"
    browser = stage.browse(username)
    given = browser.form(address) if browser.get(address).status_code == 200 else {}
    answer = browser.post(address, given | {"user": str(stage.district.users[account]) if account else ""})
    return answer.status_code, browser.complaints(answer.text)


def linked(stage: Stage) -> int | None:
    user_id: int | None = stage.get("liaison", stage.inside["liaison"]).user_id
    return user_id


@pytest.mark.database
@pytest.mark.parametrize("query", ["", "viewer", "沈建平", "shenjianping", "sjp"])
def test_the_office_finds_accounts_by_their_names(growing: Stage, query: str) -> None:
    with growing.session() as session:
        growing.district.users["shen"] = (
            session.execute(sa.select(User.id).where(User.username == "shen01")).scalar()
            or factories.account(session, growing.panel, "shen01", name="沈建平").id
        )
    names = dict(offered(growing, "office", "liaison", "user", query))
    if query in ("", "viewer"):
        assert names[growing.district.users["viewer"]] == "viewer · viewer"
    if query != "viewer":
        assert names[growing.district.users["shen"]] == "沈建平 · shen01"
    assert offered(growing, "office", "officer", "user", query) == offered(growing, "office", "liaison", "user", query)


@pytest.mark.parametrize("role", ["leader", "officer", "liaison", "viewer"])
def test_who_may_not_link_finds_no_account(standing: Stage, role: str) -> None:
    assert offered(standing, role, "liaison", "user") == []


def test_the_office_sees_nothing_of_an_account_but_its_names(standing: Stage) -> None:
    browser, id_ = standing.browse("office"), standing.district.users["liaison"]
    for address in ("", f"details/?id={id_}", f"edit/?id={id_}", "new/", "ajax/lookup/?name=x", "export/xlsx/"):
        assert browser.get(f"/admin/user/{address}").status_code == 403
    page = browser.get(f"/admin/liaison/details/?id={standing.inside['liaison']}").text
    assert "/admin/user/" not in page
    with standing.acting("office") as session:
        assert session.execute(sa.select(User)).scalars().all() == []
        assert session.execute(sa.select(User.username, User.last_login_at)).all() == []


def test_who_is_given_the_office_links_an_account_and_nobody_before(stage: Stage) -> None:
    assert link(stage, "viewer", "leader")[0] == 403
    assert linked(stage) == stage.district.users["liaison"]
    given = {"user": str(stage.district.users["viewer"]), "role": "office"}
    assert stage.browse("security").post("/admin/userrole/new/", given).status_code == 302
    assert link(stage, "viewer", "leader")[0] == 302
    assert linked(stage) == stage.district.users["leader"]
    page = stage.browse("viewer").get(f"/admin/liaison/details/?id={stage.inside['liaison']}").text
    assert "leader" in page
    assert link(stage, "viewer", None)[0] == 302
    assert linked(stage) is None


def test_below_the_views_an_account_is_referred_to_by_whoever_may_choose_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = stage.panel.policy.roles["office"]
    grants = {model: acts for model, acts in office.grants.items() if model is not User}
    with stage.acting("office") as session:
        session.get_one(models.Liaison, stage.inside["liaison"]).user_id = stage.district.users["viewer"]
        session.flush()
    monkeypatch.setitem(stage.panel.policy.roles, "office", replace(office, grants=grants))
    with stage.acting("office") as session:
        session.get_one(models.Liaison, stage.inside["liaison"]).user_id = stage.district.users["viewer"]
        with pytest.raises(OutOfScope):
            session.flush()
    assert offered(stage, "office", "liaison", "user") == []
    assert link(stage, "office", "viewer")[0] == 422
    assert linked(stage) == stage.district.users["liaison"]


def test_an_account_is_linked_to_one_liaison_and_the_refusal_names_them(stage: Stage) -> None:
    other = stage.browse("office")
    address = f"/admin/liaison/edit/?id={stage.outside['liaison']}"
    given = other.form(address) | {"user": str(stage.district.users["liaison"])}
    answer = other.post(address, given)
    assert answer.status_code == 422
    assert "该账号已关联胡秀珍，请先在其页面中取消关联。" in other.complaints(answer.text)
    with pytest.raises(sa.exc.IntegrityError), stage.session() as session:
        session.get_one(models.Liaison, stage.outside["liaison"]).user_id = stage.district.users["liaison"]
