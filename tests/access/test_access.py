"""Who gets in where, over HTTP: every role, every generated table, every route."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from panel.base import Base
from panel.security.policy import Permission
from tests.factories import (
    BUSINESS,
    MODELS,
    ROLE_NAMES,
    ROLES_BY_NAME,
    TABLES,
    Browser,
    Stage,
    granted,
    pairs,
    scoped,
)

Data = Callable[[Browser, str, int], dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """A route of a generated view: the act that it takes and what it answers those who may. `{id}` in the address
    makes it about one record; `data` gives what a POST sends."""

    name: str
    act: Permission
    address: str
    data: Data | None = None
    about_one: bool = False
    answers: frozenset[int] = frozenset({200})

    def ask(self, browser: Browser, table: str, id_: int) -> TestResponse:
        address = f"/admin/{table}{self.address.format(id=id_)}"
        return browser.get(address) if self.data is None else browser.post(address, self.data(browser, address, id_))

    def __str__(self) -> str:
        return f"{'GET' if self.data is None else 'POST'} {self.name}"


#: Tables of the bureau that other pages than generated screens show, and the one that only the program reads.
NO_SCREEN = {"attachment", "counter", "ledger", "ledgerdraft", "ledgerline", "papertemplate"}
NO_GRANT = {"counter"}


def test_every_table_of_the_bureau_has_a_screen_and_a_role_that_reads_it() -> None:
    """Nobody would see it otherwise, and no other test would look at it."""
    mapped = [mapper.class_ for mapper in Base.registry.mappers]
    tables = {model.__tablename__ for model in mapped if model.__module__.startswith("schema.")}
    read = {model.__tablename__ for role in ROLES_BY_NAME.values() for model in role.grants}
    faults = [
        *(
            f"{table} needs a Screen in the feature.py of its slice, or else a place in NO_SCREEN"
            for table in sorted((tables - MODELS.keys()) ^ NO_SCREEN)
        ),
        *(
            f"{table} needs a grant in bureau/access/roles.py, or else a place in NO_GRANT"
            for table in sorted((tables - read) ^ NO_GRANT)
        ),
    ]
    assert not faults, "; ".join(faults)


def _nothing(_browser: Browser, _address: str, _id: int) -> dict[str, Any]:
    return {}


def _as_it_is(browser: Browser, address: str, _id: int) -> dict[str, Any]:
    return browser.form(address)


def _delete(_browser: Browser, _address: str, id_: int) -> dict[str, Any]:
    return {"id": id_, "action": "delete", "rowid": id_, "confirmed": "1"}


ROUTES = (
    Route("index_view", Permission.READ, "/"),
    Route("index_view", Permission.READ, "/?q=1&page=2&sort=id"),
    Route("details_view", Permission.READ, "/details/?id={id}", about_one=True),
    Route("history_view", Permission.READ, "/history/?id={id}", about_one=True),
    Route("search_view", Permission.READ, "/search/", _nothing, answers=frozenset({303})),
    Route("ajax_lookup", Permission.READ, "/ajax/lookup/?name=none", answers=frozenset({404})),
    Route("create_view", Permission.CREATE, "/new/"),
    Route("create_view", Permission.CREATE, "/new/", _nothing, answers=frozenset({422})),
    Route("edit_view", Permission.EDIT, "/edit/?id={id}", about_one=True),
    Route("edit_view", Permission.EDIT, "/edit/?id={id}", _as_it_is, about_one=True, answers=frozenset({302})),
    Route("row_view", Permission.EDIT, "/row/?id={id}&field=none", about_one=True, answers=frozenset({404})),
    Route("row_view", Permission.EDIT, "/row/?id={id}", _nothing, about_one=True, answers=frozenset({404})),
    Route("take_back_view", Permission.EDIT, "/takeback/?id={id}", about_one=True, answers=frozenset({404, 403})),
    Route("take_back_view", Permission.EDIT, "/takeback/?id={id}", _nothing, True, answers=frozenset({404, 403})),
    # By one role that adds and deletes; not in tables whose forms save in their own way.
    Route("deleted_view", Permission.DELETE, "/deleted/", answers=frozenset({200, 403})),
    Route("restore_view", Permission.DELETE, "/restore/?kept=none", answers=frozenset({404, 403})),
    Route("restore_view", Permission.DELETE, "/restore/?kept=none", _nothing, answers=frozenset({404, 403})),
    Route("change_view", Permission.EDIT, "/change/", _nothing, answers=frozenset({404, 403})),
    Route("ajax_update", Permission.EDIT, "/ajax/update/", _delete, answers=frozenset({404})),
    Route("confirm_view", Permission.DELETE, "/confirm/?id={id}", about_one=True),
    Route("delete_view", Permission.DELETE, "/delete/", _delete, about_one=True, answers=frozenset({302})),
    Route("action_view", Permission.DELETE, "/action/", _delete, about_one=True, answers=frozenset({302})),
    Route("export", Permission.EXPORT, "/export/xlsx/"),
    Route("choose_view", Permission.EXPORT, "/export/"),
    Route("choose_view", Permission.EXPORT, "/export/", _nothing, answers=frozenset({422})),
    Route("import_view", Permission.IMPORT, "/import/"),
    Route("import_view", Permission.IMPORT, "/import/", _nothing, answers=frozenset({422})),
    Route("preview_view", Permission.IMPORT, "/import/preview/?token=none", answers=frozenset({404})),
    Route("answer_view", Permission.IMPORT, "/import/answer/", _nothing, answers=frozenset({404})),
    Route("forget_view", Permission.IMPORT, "/import/forget/", _nothing, answers=frozenset({404})),
    Route("correct_view", Permission.IMPORT, "/import/correct/", _nothing, answers=frozenset({404})),
    Route("columns_view", Permission.IMPORT, "/import/columns/?token=none", answers=frozenset({404})),
    Route("columns_view", Permission.IMPORT, "/import/columns/", _nothing, answers=frozenset({404})),
    Route("decide_view", Permission.READ, "/decide/", _nothing, answers=frozenset({404})),
    Route("judge_view", Permission.EDIT, "/judge/", _delete, about_one=True, answers=frozenset({302})),
    Route("paper_view", Permission.READ, "/paper/?paper=rights&id={id}", about_one=True),
    Route("apply_view", Permission.IMPORT, "/import/apply/", _nothing, answers=frozenset({404})),
    Route("failed_view", Permission.IMPORT, "/import/failed/?token=none", answers=frozenset({404})),
    Route("template_view", Permission.IMPORT, "/template/"),
    Route("views_view", Permission.READ, "/views/", _nothing, answers=frozenset({302})),
    Route("reveal_view", Permission.REVEAL, "/reveal/?id={id}", about_one=True),
    Route("reveal_view", Permission.REVEAL, "/reveal/?id={id}", _nothing, about_one=True, answers=frozenset({422})),
    Route("step_view", Permission.READ, "/step/?id={id}&step=note", about_one=True, answers=frozenset({200, 403})),
    Route("step_view", Permission.READ, "/step/?id={id}&step=note", _nothing, True, answers=frozenset({422, 403})),
    Route("item_facts", Permission.READ, "/item/?case={id}&item=1", about_one=True),
    Route("bulk_view", Permission.READ, "/bulk/", _nothing, answers=frozenset({404})),
    Route("slip_view", Permission.READ, "/slip/?id={id}", about_one=True),
    Route("clear_slip_view", Permission.READ, "/slip/clear/?id={id}", about_one=True, answers=frozenset({200, 403})),
    Route("enclosures_view", Permission.EDIT, "/enclosures/?id={id}", about_one=True),
    Route("enclosures_view", Permission.EDIT, "/enclosures/?id={id}", _nothing, True, answers=frozenset({302, 422})),
    Route("rejected_view", Permission.READ, "/failed/?id={id}", about_one=True, answers=frozenset({404})),
    Route("undo_view", Permission.READ, "/undo/?id={id}", about_one=True),
    Route("undo_view", Permission.READ, "/undo/?id={id}", _nothing, about_one=True, answers=frozenset({409})),
    Route("compare_view", Permission.IMPORT, "/compare/"),
    Route("compare_view", Permission.IMPORT, "/compare/", _nothing, answers=frozenset({422})),
    Route("compared_view", Permission.IMPORT, "/compare/result/?token=none", answers=frozenset({404})),
)
EVERYBODY_EVERYWHERE = [(role, table) for role in ROLE_NAMES for table in TABLES]


def routes(stage: Stage, table: str) -> list[Route]:
    """The routes that this table's view has."""
    return [route for route in ROUTES if f"{table}.{route.name}" in stage.app.view_functions]


def test_every_generated_table_and_route_is_covered_here(standing: Stage) -> None:
    assert list(standing.panel.views) == TABLES
    generated = {
        rule.endpoint.rpartition(".")[2]
        for rule in standing.app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in TABLES
    }
    assert generated == {route.name for route in ROUTES}


@pytest.mark.parametrize("table", TABLES)
def test_nobody_gets_in_without_logging_in(standing: Stage, table: str) -> None:
    visitor = standing.visitor()
    for route in routes(standing, table):
        answer = route.ask(visitor, table, standing.inside[table])
        if route.data is None and route.name != "ajax_lookup":
            assert (answer.status_code, answer.location[:12]) == (302, "/login?next="), route
        else:
            assert answer.status_code == 401, route


@pytest.mark.usefixtures("wordless")
@pytest.mark.parametrize(("role", "table"), EVERYBODY_EVERYWHERE)
def test_what_no_role_grants_is_refused(standing: Stage, role: str, table: str) -> None:
    browser = standing.browse(role)
    refused = [route for route in routes(standing, table) if not granted(role, route.act, table)]
    before = standing.count(table)
    answers = {str(route): route.ask(browser, table, standing.inside[table]).status_code for route in refused}
    assert answers == {str(route): 403 for route in refused}
    assert standing.count(table) == before


@pytest.mark.usefixtures("wordless")
@pytest.mark.parametrize(("role", "table"), [pair for pair in pairs() if scoped(*pair)])
def test_a_record_outside_ones_area_does_not_exist(standing: Stage, role: str, table: str) -> None:
    browser = standing.browse(role)
    outside = [r for r in routes(standing, table) if r.about_one and granted(role, r.act, table)]
    answers = {str(route): route.ask(browser, table, standing.outside[table]).status_code for route in outside}
    assert answers == {str(route): 404 for route in outside}
    assert standing.get(table, standing.outside[table]) is not None


@pytest.mark.parametrize(("role", "table"), [pair for pair in pairs() if scoped(*pair)])
def test_a_list_shows_ones_own_area_alone(standing: Stage, role: str, table: str) -> None:
    page = standing.browse(role).get(f"/admin/{table}/?size=200").text
    assert f"/admin/{table}/details/?id={standing.inside[table]}" in page
    assert f"/admin/{table}/details/?id={standing.outside[table]}&" not in page


@pytest.mark.parametrize(("role", "table"), pairs())
def test_what_a_role_grants_is_answered(standing: Stage, role: str, table: str) -> None:
    browser = standing.browse(role)
    for route in routes(standing, table):
        if granted(role, route.act, table):
            thrown_away = route.act in (Permission.EDIT, Permission.DELETE)
            about = standing.add(table) if thrown_away else standing.inside[table]
            assert route.ask(browser, table, about).status_code in route.answers, route


@pytest.mark.framed
@pytest.mark.parametrize("role", ROLE_NAMES)
def test_the_menu_shows_what_one_may_open_and_nothing_else(standing: Stage, role: str) -> None:
    browser = standing.browse(role)
    pages = {address: browser.get(address) for address in browser.menu()}
    assert {page.status_code for page in pages.values()} == {200}
    linked = [tab for page in pages.values() for tab in re.findall(r'<a [^>]*href="([^"?]*)', page.text)]
    shown = {*pages, *linked}  # some are tabs of a page
    assert shown >= {f"/admin/{table}/" for name, table in pairs() if name == role} | {"/"}
    assert not shown & {f"/admin/{table}/" for table in TABLES if not granted(role, Permission.READ, table)}
    assert ("/settings" in shown) == (role in ("office", "administrator"))
    assert browser.get("/settings").status_code == (200 if "/settings" in shown else 403)


# The same matrix once more as the bureau would say it, so that a slip in its declaration shows.


@pytest.mark.parametrize("table", BUSINESS)
@pytest.mark.parametrize("role", ["administrator", "security", "auditor"])
def test_who_administers_sees_no_business_data(standing: Stage, role: str, table: str) -> None:
    browser = standing.browse(role)
    assert browser.get(f"/admin/{table}/").status_code == 403
    assert browser.get(f"/admin/{table}/details/?id={standing.inside[table]}").status_code == 403


@pytest.mark.parametrize("table", ["user", "userrole", "loginlog", "auditentry"])
@pytest.mark.parametrize("role", ["office", "leader", "officer", "liaison", "viewer"])
def test_who_works_on_cases_sees_no_accounts_and_no_logs(standing: Stage, role: str, table: str) -> None:
    assert standing.browse(role).get(f"/admin/{table}/").status_code == 403


@pytest.mark.parametrize("table", [table for role, table in pairs() if role == "viewer"])
def test_the_head_reads_everything_and_changes_nothing(standing: Stage, table: str) -> None:
    browser, id_ = standing.browse("viewer"), standing.inside[table]
    assert browser.get(f"/admin/{table}/").status_code == 200
    assert browser.get(f"/admin/{table}/details/?id={id_}").status_code == 200
    for address in ("new/", f"edit/?id={id_}", f"confirm/?id={id_}", "export/xlsx/"):
        assert browser.get(f"/admin/{table}/{address}").status_code == 403


CAN = [
    ("office", "case", "new/", 200),
    ("office", "liaison", "new/", 200),
    ("office", "caseevent", "new/", 403),
    ("office", "referral", "new/", 403),
    ("leader", "case", "", 200),
    ("leader", "case", "new/", 403),
    ("leader", "assignment", "new/", 200),
    ("leader", "community", "new/", 403),
    ("leader", "liaison", "new/", 403),
    ("officer", "case", "new/", 200),
    ("officer", "action", "new/", 200),
    ("officer", "community", "new/", 403),
    ("officer", "assignment", "new/", 403),
    ("liaison", "case", "new/", 200),
    ("liaison", "action", "new/", 403),
    ("liaison", "referral", "new/", 403),
    ("liaison", "squad", "", 403),
    ("administrator", "user", "new/", 200),
    ("administrator", "loginlog", "", 403),
    ("administrator", "auditentry", "", 403),
    ("security", "user", "", 200),
    ("security", "user", "new/", 403),
    ("security", "userrole", "new/", 200),
    ("security", "loginlog", "", 200),
    ("security", "auditentry", "", 403),
    ("auditor", "auditentry", "", 200),
    ("auditor", "loginlog", "", 200),
    ("auditor", "user", "", 200),
    ("auditor", "auditentry", "new/", 403),
]


@pytest.mark.parametrize(("role", "table", "address", "status"), CAN)
def test_a_role_can_do_what_the_bureau_says(standing: Stage, role: str, table: str, address: str, status: int) -> None:
    assert standing.browse(role).get(f"/admin/{table}/{address}").status_code == status


@pytest.mark.parametrize(
    ("role", "both"),
    [("office", True), ("viewer", True), ("leader", False), ("officer", False), ("liaison", False)],
)
def test_the_communities_of_a_role_are_its_own(standing: Stage, role: str, both: bool) -> None:
    page = standing.browse(role).get("/admin/community/").text
    assert "东栅社区" in page
    assert ("西马桥社区" in page) == both
