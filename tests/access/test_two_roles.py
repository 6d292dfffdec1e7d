"""Accounts with two roles: each act reaches what the roles that grant it reach together, and no role widens another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from itertools import combinations, product

import openpyxl
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

import models
from bureau.access.roles import ADMINISTRATIVE
from panel.security.accounts import UserRole
from panel.security.granted import granted
from panel.security.policy import AccessDenied, Permission, table_of
from panel.security.session import actor_of, install_listeners, permitted, set_actor
from tests.factories import MODELS, ROLE_NAMES, ROLES_BY_NAME, Stage

#: Entries of the menu of an officer who leads a squad, at least.
MENU = 10
#: Acts that give more of the rows than reading them.
TAKING = (Permission.EXPORT, Permission.EXPORT_CLEAR, Permission.IMPORT, Permission.REVEAL)


def test_two_roles_reach_by_each_act_what_those_that_grant_it_reach(stage: Stage) -> None:
    """Every pair of roles, every act, every table: by the policy, and by what a session reads while it acts. One
    account is officer and leader here and liaison there, so that its roles differ in their rows."""
    user = stage.district.users["officer"]
    stage.put("liaison", stage.outside["liaison"], user_id=user)
    with stage.app.app_context(), Session(stage.panel.db.engine) as session:
        install_listeners(session)
        session.info.update(policy=stage.panel.policy, secret="")

        def hold(roles: Iterable[str]) -> None:
            held = frozenset(roles)
            set_actor(session, stage.panel.policy.actor("x", user, held, stage.panel.facts(session, user, held)))

        @cache
        def read(table: str) -> frozenset[int]:
            """Everything, whoever asks."""
            return frozenset(session.connection().execute(select(table_of(MODELS[table]).c.id)).scalars())

        @cache
        def seen(roles: frozenset[str], table: str) -> frozenset[int]:
            hold(roles)
            return frozenset(session.execute(select(MODELS[table].id)).scalars())

        def reached(roles: Sequence[str], table: str) -> dict[Permission, frozenset[int]]:
            hold(roles)
            model = MODELS[table]
            acts = [act for act in Permission if any(ROLES_BY_NAME[role].permits(act, model) for role in roles)]
            return {act: frozenset(permitted(session, model, act, read(table))) for act in acts}

        alone = {(role, table): reached([role], table) for role in ROLE_NAMES for table in MODELS}
        narrower = 0
        for pair, table in product(combinations(ROLE_NAMES, 2), MODELS):
            both = frozenset(pair)
            if not all(alone[role, table] for role in pair):
                continue
            for act, ids in reached(pair, table).items():
                granting = frozenset(role for role in pair if act in alone[role, table])
                expected = frozenset().union(*(alone[role, table][act] for role in granting))
                assert ids == expected, (pair, act, table)
                if act in TAKING and granting != both and expected != read(table):
                    hold(pair)
                    with granted(session, act, MODELS[table]):
                        assert actor_of(session).roles == granting
                    assert seen(granting, table) == expected, (pair, act, table)
                    narrower += expected < seen(both, table)
        assert narrower, "no pair of roles reads more than it acts on, so nothing was shown"


def test_an_act_that_no_role_grants_is_refused(standing: Stage) -> None:
    with (
        standing.acting("viewer", "liaison") as session,
        pytest.raises(AccessDenied),
        granted(session, Permission.EXPORT, models.Case),
    ):
        pass


# A page of each act.


@contextmanager
def _besides(stage: Stage, username: str, role: str) -> Iterator[None]:
    """The account of the district holds a further role for the block."""
    with stage.session() as session:
        session.add(given := UserRole(user_id=stage.district.users[username], role=role))
    try:
        yield
    finally:
        # By SQL alone: a role that is taken away ends the sessions of its account, which others of the run go on with.
        with stage.session() as session:
            session.execute(delete(UserRole).where(UserRole.id == given.id))


def _cells(file: bytes) -> str:
    book = openpyxl.load_workbook(BytesIO(file))
    return "\n".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell)


def test_an_officer_who_is_head_too_reveals_their_own_area_alone(standing: Stage) -> None:
    browser = standing.browse("officer")
    with _besides(standing, "officer", "viewer"):
        for table in ("caseparty", "surveyentry", "mediation"):
            inside, outside = standing.inside[table], standing.outside[table]
            assert browser.get(f"/admin/{table}/details/?id={outside}").status_code == 200
            assert f"reveal/?id={outside}" not in browser.get(f"/admin/{table}/details/?id={outside}").text
            assert browser.get(f"/admin/{table}/reveal/?id={outside}").status_code == 403
            assert browser.post(f"/admin/{table}/reveal/?id={outside}", {"reason": "回访"}).status_code == 403
            assert browser.get(f"/admin/{table}/reveal/?id={inside}").status_code == 200
        # Nor the letter that names nobody yet.
        assert browser.get(f"/admin/referral/slip/clear/?id={standing.outside['referral']}").status_code == 403
        standing.put("caseparty", standing.outside["caseparty"], role=models.PartyRole.RESPONDENT)
        assert browser.get(f"/admin/referral/slip/clear/?id={standing.outside['referral']}").status_code == 403
        assert (
            "13712345678"
            in browser.post(f"/admin/caseparty/reveal/?id={standing.inside['caseparty']}", {"reason": "回访"}).text
        )
        slip = f"/admin/referral/slip/clear/?id={standing.outside['referral']}"
        assert browser.get(slip).status_code == 403


def test_a_leader_who_is_head_too_takes_the_own_squad_out_alone(standing: Stage) -> None:
    """Lists, the monthly ledger, registers, rota, figures and the reply file, each with what it holds for the head."""
    browser, inside, outside = standing.browse("leader"), standing.inside, standing.outside
    numbers = {side["case"]: standing.get("case", side["case"]).case_no for side in (inside, outside)}
    own, other = numbers[inside["case"]], numbers[outside["case"]]
    with _besides(standing, "leader", "viewer"):
        assert other in browser.get("/admin/referral/").text
        for table in ("referral", "case", "action"):
            cells = _cells(browser.get(f"/admin/{table}/export/xlsx/").data)
            assert own in cells
            assert other not in cells
        page = browser.get(f"/ledgers?squad={outside['squad']}")
        assert page.status_code == 200
        assert "/ledgers/file" not in page.text
        assert browser.get(f"/ledgers/file?squad={outside['squad']}").status_code == 404
        assert browser.get(f"/ledgers/file?squad={inside['squad']}").status_code == 200
        assert "城西" not in _cells(browser.get("/ledgers/file").data)
        assert browser.get(f"/registers?name=roster&street={outside['street']}").status_code == 404
        roster = _cells(browser.get("/registers/file?name=roster").data)
        assert "胡秀珍" in roster
        assert "马晓燕" not in roster
        month = standing.get("visit", inside["visit"]).planned_on.strftime("%Y-%m")
        assert "西马桥社区" in browser.get(f"/duty/rota?month={month}").text
        rota = _cells(browser.get(f"/duty/rota/file?month={month}").data)
        assert "东栅社区" in rota
        assert "西马桥社区" not in rota
        assert "城西分队" not in _cells(browser.get("/figures/file?by=squad").data)
        assert "城西分队" in browser.get("/figures?by=squad").text
        sent = standing.get("hotlineorder", outside["hotlineorder"])
        assert sent.order_no not in _cells(browser.get(f"/hotline/replies?month={sent.sent_at:%Y-%m}").data)


def test_the_list_behind_a_figure_counts_what_the_figure_counts(stage: Stage) -> None:
    """A liaison reads too little for figures: by a second role that does, they are those of that role."""
    due = stage.get("case", stage.outside["case"]).due_at
    stage.put("case", stage.inside["case"], due_at=due)
    officer, address = stage.browse("officer"), f"/admin/case/?is=figure.due.{due:%Y-%m}-01.{due:%Y-%m-%d}"
    with stage.session() as session:
        session.get_one(models.Liaison, stage.outside["liaison"]).user_id = stage.district.users["officer"]
    with _besides(stage, "officer", "liaison"):
        own, other = (stage.get("case", side["case"]).case_no for side in (stage.inside, stage.outside))
        assert other in officer.get("/admin/case/").text
        assert own in (page := officer.get(address).text)
        assert other not in page


def _menu(page: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', page.partition("<nav")[2].partition("</nav>")[0])


@pytest.mark.framed
def test_the_page_of_an_act_keeps_the_menu_of_all_roles(standing: Stage) -> None:
    browser = standing.browse("officer")
    with _besides(standing, "officer", "leader"):
        menus = [_menu(browser.get(address).text) for address in ("/admin/case/", "/admin/case/export/")]
        assert menus[0] == menus[1]
        assert len(menus[0]) > MENU


def test_no_role_of_the_bureau_that_administers_is_mixed_with_another() -> None:
    assert all(ROLES_BY_NAME[name].administrative for name in ADMINISTRATIVE)
