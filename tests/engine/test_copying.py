"""Copies of a record: the form of a new one with what may be copied; what was left out is said."""

from __future__ import annotations

import re

import pytest

import models
from panel.fields import Personal, fields
from panel.security.policy import Permission
from tests.factories import MODELS, ROLE_NAMES, Stage, form_values, granted

#: Every table that somebody adds records to by its form, with one of those who may.
COPIED = [
    (role, table)
    for table, model in MODELS.items()
    for role in [next((r for r in ROLE_NAMES if granted(r, Permission.CREATE, table)), "")]
    if role and table not in ("case", "user") and "version" in model.__table__.c
]


@pytest.mark.parametrize(("role", "table"), COPIED)
def test_a_copy_has_no_value_that_is_personal_or_one_records_alone(growing: Stage, role: str, table: str) -> None:
    browser, id_, model = growing.browse(role), growing.inside[table], MODELS[table]
    page = browser.get(f"/admin/{table}/new/?copy_of={id_}")
    assert page.status_code == 200
    assert "已按" in page.text
    values, blank = form_values(page.text), browser.form(f"/admin/{table}/new/")
    for field in fields(model):
        alone = not field.computed and model.__table__.c[field.attr].unique
        if field.name in values and (alone or field.personal is not Personal.NO or field.readonly):
            assert values[field.name] == blank[field.name], field.name


def test_a_copy_is_saved_as_any_new_record(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.inside["officer"]
    with growing.session() as session:
        officer = session.get_one(models.Officer, id_)
        officer.mobile, officer.badge_no, squad = "13805730000", "ZF-0001", officer.squad_id
    address = re.search(
        r'href="(/admin/officer/new/[?]copy_of=\d+)"', office.get(f"/admin/officer/details/?id={id_}").text
    )
    assert address is not None
    page = office.get(address[1]).text
    assert re.search(r"已按.+填写，未带入：.*执法证号.*手机", page)
    values = form_values(page)
    assert (values["mobile"], values["badge_no"], values["squad"]) == ("", "", str(squad))
    saved = office.post(address[1], values | {"name": "复制人"})
    assert saved.status_code == 302, saved.text
    with growing.session() as session:
        copied = session.query(models.Officer).filter_by(name="复制人").one()
        assert (copied.mobile, copied.badge_no, copied.squad_id) == (None, None, squad)
        assert session.get_one(models.Officer, id_).badge_no == "ZF-0001"


def test_who_may_not_create_or_see_it_copies_nothing(growing: Stage) -> None:
    id_, outside = growing.inside["officer"], growing.outside["caseparty"]
    for role in ("leader", "viewer"):
        assert growing.browse(role).get(f"/admin/officer/new/?copy_of={id_}").status_code == 403
        assert "copy_of=" not in growing.browse(role).get("/admin/officer/").text
    officer = growing.browse("officer")
    assert officer.get(f"/admin/caseparty/new/?copy_of={outside}").status_code == 404
    assert officer.get("/admin/caseparty/new/?copy_of=x").status_code == 404
    assert "copy_of=" in growing.browse("office").get("/admin/officer/").text
    assert "copy_of=" not in growing.browse("office").get("/admin/case/").text, "what comes up again is reported"
