"""What the database and the rules refuse is said in the user's words, and no library speaks on any page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError

import models
from panel.base import Base
from panel.i18n import _
from panel.kinds import today
from panel.security.policy import SYSTEM
from panel.security.session import set_actor
from panel.store import db_errors
from tests import factories
from tests.factories import Stage

#: No page says any of this.
LIBRARY = ["IntegrityError", "UNIQUE", "constraint", "sqlalchemy", "psycopg", "Traceback", "NOT NULL", "Failed to"]
VAGUE = "The database refused this record. Nothing was saved."
RULED = sorted(
    (c for table in Base.metadata.sorted_tables for c in table.constraints if isinstance(c, CheckConstraint)),
    key=lambda c: f"{c.table.name} {c.name}",
)
UNIQUE = sorted(
    (
        c
        for table in Base.metadata.sorted_tables
        for c in (*table.constraints, *table.indexes)
        if isinstance(c, UniqueConstraint) or (isinstance(c, sa.Index) and c.unique)
    ),
    key=lambda c: f"{c.table.name} {c.name}",
)


def send(stage: Stage, table: str, role: str = "office", /, **given: Any) -> str:
    """Send the form of a new record in English, which must be refused, and give what stands at the fields and above
    the form."""
    browser = stage.browse(role)
    browser.post("/language", {"locale": "en"})
    before = stage.count(table)
    answer = browser.post(f"/admin/{table}/new/", factories.typed(table, stage.inside) | given)
    assert answer.status_code == 422
    assert stage.count(table) == before
    assert not [word for word in LIBRARY if word in answer.text]
    return browser.complaints(answer.text)


CASES = [
    ("street", {"name": "城东街道"}, "There is already a record with the same Name"),
    ("community", {"name": "东栅社区"}, "There is already a record with the same Name, Street"),
    ("liaison", {"end_on": ""}, "This community already has an active liaison"),
    ("liaison", {"start_on": "2026-07-02", "end_on": "2026-07-01"}, "The term ends before it begins"),
    ("liaison", {"mobile": "1380000111"}, "A mobile number has 11 digits, this one has 10"),
    ("officer", {"badge_no": "B4沈建平"}, "There is already a record with the same Badge no."),
    ("assignment", {"start_on": "2026-07-02", "end_on": "2026-07-01"}, "The term ends before it begins"),
    ("assignment", {"start_on": "2026-07-02", "end_on": ""}, "Another officer is assigned to this community"),
    ("community", {"noise_zone": "9"}, "The number must lie between 0 and 4"),
    ("checklistitem", {"limit_value": "0"}, "The number must lie between 1 and 1000"),
    ("checklistitem", {"valid_from": "2026-02-01", "valid_until": "2026-01-31"}, "It ends before it begins"),
    ("caseparty", {"name": ""}, "Enter a name, or mark the person as anonymous"),
    ("action", {"kind": "inspection"}, "Inspection and penalty need two officers"),
    ("action", {"amount": "20"}, "Only a penalty has an amount"),
    ("action", {"amount": "-20"}, "The amount must not be negative"),
    ("street", {"name": "　 "}, "This must be filled in"),
    ("street", {"name": "街" * 41}, "Too long: 41 characters, at most 40 are allowed"),
    ("case", {"source": "nowhere"}, "is none of"),
    ("case", {"community": ""}, "This must be filled in"),
    ("case", {"community": "999999"}, "Choose one from the list"),
    ("case", {"reported_at": "2026-02-30"}, "2026-2 has no day 30"),
]


@pytest.mark.database
@pytest.mark.parametrize(("table", "given", "sentence"), CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_a_refusal_says_why(stage: Stage, table: str, given: dict[str, str], sentence: str) -> None:
    assert sentence in send(stage, table, **given)


def test_auxiliary_staff_decide_no_penalty(stage: Stage) -> None:
    with stage.session() as session:
        session.get_one(models.Officer, stage.inside["second_officer"]).kind = models.OfficerKind.AUXILIARY
    officers = {"officer": str(stage.inside["officer"]), "second_officer": str(stage.inside["second_officer"])}
    said = send(stage, "action", **officers, kind="fine", amount="200")
    assert "Auxiliary staff can't decide a penalty" in said
    officers["second_officer"] = officers["officer"]
    assert "The two officers must be two people" in send(stage, "action", **officers, kind="inspection")


@pytest.mark.database
def test_a_role_is_held_once(stage: Stage) -> None:
    said = send(stage, "userrole", "security", user=str(stage.district.users["office"]), role="office")
    assert "There is already a record with the same Account, Role" in said


def test_what_was_typed_is_still_there(stage: Stage) -> None:
    office = stage.browse("office")
    given = factories.typed("liaison", stage.inside, mobile="12", note="两行\n备注")
    page = office.post("/admin/liaison/new/", given)
    kept = factories.form_values(page.text)
    assert {name: kept[name] for name in given} == given


@pytest.mark.database
@pytest.mark.parametrize("way", ["delete", "action"])
def test_a_deletion_that_something_hinders_names_what(stage: Stage, way: str) -> None:
    office, squad = stage.browse("office"), stage.inside["squad"]
    office.post("/language", {"locale": "en"})
    asked = office.get(f"/admin/squad/confirm/?id={squad}").text
    assert "Communities 1, Officers 2" in asked
    given = {"id": squad, "rowid": squad, "action": "delete", "confirmed": "1"}
    assert office.post(f"/admin/squad/{way}/", given).status_code == 302
    assert "Communities 1, Officers 2" in office.get("/admin/squad/").text
    assert stage.get("squad", squad) is not None


@pytest.mark.parametrize("rule", RULED, ids=lambda c: f"{c.table.name}-{c.name}")
def test_every_check_has_a_sentence_and_a_field(rule: Any) -> None:
    model = next(m.class_ for m in Base.registry.mappers if m.local_table is rule.table)
    name, sentence = db_errors._by_name(rule.table, model, db_errors._full_name(rule.table, rule), "")
    assert sentence != _(VAGUE)
    assert name in {field.name for field in db_errors.fields(model)}


@pytest.mark.parametrize("unique", UNIQUE, ids=lambda c: str(c.name))
def test_every_unique_has_a_sentence(unique: Any) -> None:
    model = next(m.class_ for m in Base.registry.mappers if m.local_table is unique.table)
    _name, sentence = db_errors._by_name(unique.table, model, str(unique.name), "")
    assert sentence != _(VAGUE)


def refer(ids: dict[str, int], **given: Any) -> models.Referral:
    return models.Referral(case_id=ids["case"], department_id=ids["department"], **given)


VIOLATIONS: dict[str, Any] = {
    "community.noise_zone": lambda s, ids: s.add(
        models.Community(name="新", street_id=ids["street"], noise_zone=9, squad_id=ids["squad"])
    ),
    "street.name": lambda s, _ids: s.add(models.Street(name="城东街道")),
    "liaison.end_on": lambda s, ids: s.add(
        models.Liaison(name="甲", community_id=ids["community"], start_on=today(), end_on=today() - timedelta(1))
    ),
    "liaison.community": lambda s, ids: s.add(models.Liaison(name="甲", community_id=ids["community"])),
    "checklistitem.limit_value": lambda s, _ids: s.add(
        models.ChecklistItem(code="X", name="X", list_kind="service", limit_value=0)
    ),
    "squad.name": lambda s, _ids: s.add(models.Squad(name=None)),
    "referral.status": lambda s, ids: s.add(refer(ids, status="replied")),
    "referral.case": lambda s, ids: s.add_all([refer(ids), refer(ids)]),
    "action.amount": lambda s, ids: s.add(models.Action(case_id=ids["case"], kind="persuasion", amount=5)),
}


@pytest.mark.database
@pytest.mark.parametrize("field", VIOLATIONS)
def test_what_the_database_itself_refuses_is_told_at_its_field(standing: Stage, field: str) -> None:
    """Past the form, as when two save at the same moment."""
    table, _dot, name = field.partition(".")
    with standing.acting() as session:
        set_actor(session, SYSTEM)
        VIOLATIONS[field](session, standing.inside)
        with pytest.raises(IntegrityError) as caught:
            session.flush()
    found, sentence = db_errors.explain(caught.value, factories.MODELS[table])
    assert found == name
    assert sentence != _(VAGUE)
