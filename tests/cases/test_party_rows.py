"""The parties of a case are edited in the case's form: each role as far as it may, masked, named by row and column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
import sqlalchemy as sa

import models
from models import CaseParty, PartyRole
from panel.security.policy import Permission
from panel.security.records import AuditEntry
from tests.factories import ROLE_NAMES, Stage, form_values, granted

ACTS = (Permission.CREATE, Permission.EDIT, Permission.DELETE)
EDITORS = [role for role in ROLE_NAMES if granted(role, Permission.EDIT, "case")]
NEW = {"caseparty.n1.role": "respondent", "caseparty.n1.anonymous": "0", "caseparty.n1.name": "李四"}


@pytest.fixture(autouse=True)
def respondent(stage: Stage) -> None:
    """The party of the case isn't its complainant, who stays from acceptance on."""
    with stage.session() as session:
        statement = sa.update(CaseParty).where(CaseParty.id == stage.inside["caseparty"])
        session.connection().execute(statement.values(role=PartyRole.RESPONDENT))


def address(stage: Stage) -> str:
    return f"/admin/case/edit/?id={stage.inside['case']}"


def parties(stage: Stage) -> list[tuple[str | None, str | None]]:
    """Name and telephone of the parties of the case."""
    statement = sa.select(CaseParty.name, CaseParty.phone).where(CaseParty.case_id == stage.inside["case"])
    with stage.session() as session:
        return [(name, phone) for name, phone in session.execute(statement.order_by(CaseParty.id))]


def grant(stage: Stage, monkeypatch: pytest.MonkeyPatch, role: str, acts: Iterable[Permission]) -> None:
    """Let a role do these acts to parties, and no other."""
    known = stage.panel.policy.roles[role]
    grants = {**known.grants, CaseParty: frozenset(acts)}
    monkeypatch.setitem(stage.panel.policy.roles, role, replace(known, grants=grants))


def posts(stage: Stage) -> dict[Permission, dict[str, str]]:
    """What each act posts."""
    row = f"caseparty.{stage.inside['caseparty']}"
    version = {f"{row}.version": "1"}
    return {
        Permission.CREATE: NEW,
        Permission.EDIT: {**version, f"{row}.phone": "13655556666", f"was.{row}.phone": "137****5678"},
        Permission.DELETE: {**version, f"{row}.remove": "1"},
    }


RESULTS = {
    Permission.CREATE: [("张三", "13712345678"), ("李四", None)],
    Permission.EDIT: [("张三", "13655556666")],
    Permission.DELETE: [],
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", EDITORS)
def test_an_act_on_a_party_is_refused_until_it_is_granted(
    stage: Stage, role: str, act: Permission, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, before, given = stage.browse(role), parties(stage), posts(stage)[act]
    opened = {n: v for n, v in browser.form(address(stage)).items() if "caseparty" not in n}
    others = [Permission.READ, *(one for one in ACTS if one is not act)]
    grant(stage, monkeypatch, role, others)
    assert browser.post(address(stage), opened | given).status_code == 403
    grant(stage, monkeypatch, role, [])
    assert "caseparty." not in browser.get(address(stage)).text
    assert browser.post(address(stage), opened | given).status_code == 403
    assert parties(stage) == before
    grant(stage, monkeypatch, role, [*others, act])
    assert browser.post(address(stage), opened | given).status_code == 302
    assert parties(stage) == RESULTS[act]


@pytest.mark.parametrize("role", EDITORS)
def test_a_role_is_offered_what_it_may_do(stage: Stage, role: str) -> None:
    page, row = stage.browse(role).get(address(stage)).text, f"caseparty.{stage.inside['caseparty']}"
    assert "案件人员" in page
    assert "13712345678" not in page
    assert ('class="btn add-row"' in page) == granted(role, Permission.CREATE, "caseparty")
    assert (f'name="{row}.phone"' in page) == granted(role, Permission.EDIT, "caseparty")
    assert (f'name="{row}.remove"' in page) == granted(role, Permission.DELETE, "caseparty")


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role not in EDITORS])
def test_who_may_not_edit_a_case_edits_no_party_in_its_form(stage: Stage, role: str) -> None:
    before = parties(stage)
    assert stage.browse(role).post(address(stage), NEW).status_code == 403
    assert parties(stage) == before


def test_a_liaison_reports_a_case_with_its_parties(stage: Stage) -> None:
    browser = stage.browse("liaison")
    opened = browser.form("/admin/case/new/")
    given = {"place": "东塔路", "description": "占道经营", "asked": "1", "respondent": "李四"}
    made = browser.post("/admin/case/new/", opened | given)
    assert made.status_code == 302
    with stage.session() as session:
        newest = session.execute(sa.select(models.Case).order_by(models.Case.id.desc()).limit(1)).scalar_one()
        party = session.execute(sa.select(CaseParty).where(CaseParty.case_id == newest.id)).scalar_one()
        assert (party.role, party.name) == (PartyRole.RESPONDENT, "李四")


def test_a_masked_value_that_is_left_stays(stage: Stage) -> None:
    browser, row = stage.browse("office"), f"caseparty.{stage.inside['caseparty']}"
    opened = browser.form(address(stage))
    assert opened[f"{row}.phone"] == "137****5678"
    assert browser.post(address(stage), opened | {f"{row}.anonymous": "1"}).status_code == 302
    assert parties(stage) == [("张三", "13712345678")]
    with stage.session() as session:
        party = session.get_one(CaseParty, stage.inside["caseparty"])
        assert (party.anonymous, party.version, party.phone[-4:]) == (True, 2, "5678")
        entries = sa.select(AuditEntry.changes).where(AuditEntry.table_name == "caseparty", AuditEntry.action == "edit")
        assert session.scalars(entries).all() == [{"anonymous": [False, True]}]


def test_what_is_wrong_is_named_by_row_and_column(stage: Stage) -> None:
    browser, before = stage.browse("office"), parties(stage)
    opened = browser.form(address(stage))
    answer = browser.post(address(stage), opened | NEW | {"caseparty.n1.phone": "1380000", "title": "改标题"})
    assert answer.status_code == 422
    assert "案件人员第 2 行，电话：" in plain(answer.text)
    nameless = {"caseparty.n1.role": "respondent", "caseparty.n1.anonymous": "0", "caseparty.n1.name": ""}
    answer = browser.post(address(stage), opened | nameless | {"title": "改标题"})
    assert answer.status_code == 422
    assert "案件人员第 2 行，" in plain(answer.text)
    assert "匿名" in plain(answer.text), "the rule of the database in its own words"
    assert parties(stage) == before
    assert stage.get("case", stage.inside["case"]).title != "改标题", "one transaction"


def plain(page: str) -> str:
    """The list of errors above the form."""
    found = re.search(r'<div class="note danger errors".*?</div>', page, re.S)
    return re.sub(r"<[^>]+>", "", found[0]) if found else ""


def test_a_party_outside_ones_area_is_never_reached(stage: Stage) -> None:
    browser, row = stage.browse("officer"), f"caseparty.{stage.outside['caseparty']}"
    opened = browser.form(address(stage))
    forged = {f"{row}.version": "1", f"{row}.remove": "1"}
    assert browser.post(address(stage), opened | forged).status_code == 302
    answer = browser.post(address(stage), browser.form(address(stage)) | {f"{row}.version": "1", f"{row}.name": "某某"})
    assert answer.status_code == 409, "it is no row of this case: it could be added as a new one"
    assert stage.get("caseparty", stage.outside["caseparty"]).name == "张三"


def test_the_second_of_two_editors_sees_both_versions(stage: Stage) -> None:
    office, officer = stage.browse("office"), stage.browse("officer")
    row = f"caseparty.{stage.inside['caseparty']}"
    opened = officer.form(address(stage))
    assert office.post(address(stage), office.form(address(stage)) | {f"{row}.role": "witness"}).status_code == 302
    answer = officer.post(address(stage), opened | {f"{row}.role": "complainant", f"{row}.phone": "13655556666"})
    assert answer.status_code == 409
    assert re.search(rf'id="f-{re.escape(row)}\.role-theirs">[^<]*{PartyRole.WITNESS.label}', answer.text)
    assert parties(stage) == [("张三", "13712345678")]
    assert officer.post(address(stage), form_values(answer.text)).status_code == 302
    assert parties(stage) == [("张三", "13655556666")]
    assert stage.get("caseparty", stage.inside["caseparty"]).role is PartyRole.COMPLAINANT


def test_what_was_typed_into_a_removed_row_is_offered_as_new(stage: Stage) -> None:
    """A masked value that was left is not taken for a value."""
    office, officer = stage.browse("office"), stage.browse("officer")
    row = f"caseparty.{stage.inside['caseparty']}"
    opened = officer.form(address(stage))
    assert office.post(address(stage), office.form(address(stage)) | {f"{row}.remove": "1"}).status_code == 302
    assert parties(stage) == []
    answer = officer.post(address(stage), opened | {f"{row}.name": "王五"})
    assert answer.status_code == 409
    assert officer.post(address(stage), form_values(answer.text)).status_code == 302
    assert parties(stage) == [("王五", None)]
