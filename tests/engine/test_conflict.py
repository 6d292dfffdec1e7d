"""Two people edit one record: the second is told, sees both versions, and loses nothing."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa

from panel.base import Record
from panel.security.policy import Permission
from tests import factories
from tests.factories import MODELS, TABLES, Browser, Stage, granted

EDITABLE = [
    t
    for t in TABLES
    if issubclass(MODELS[t], Record) and any(granted(r, Permission.EDIT, t) for r in factories.ROLE_NAMES)
]
EDITOR = {t: next(r for r in factories.ROLE_NAMES if granted(r, Permission.EDIT, t)) for t in EDITABLE}


def theirs(page: str) -> dict[str, str]:
    """What the page says is stored now, by field."""
    found = re.findall(r'<div class="theirs" id="f-([\w.]+)-theirs">(.*?)</div>', page, re.S)
    return {name: html.unescape(text) for name, text in found}


@pytest.fixture
def liaison(stage: Stage) -> str:
    return f"/admin/liaison/edit/?id={stage.inside['liaison']}"


@pytest.fixture
def two(stage: Stage) -> tuple[Browser, Browser]:
    """Two of the office."""
    with stage.session() as session:
        factories.account(session, stage.panel, "second", "office", name="李内勤")
    return stage.browse("office"), stage.browse("second")


def meet(two: tuple[Browser, Browser], address: str, first: dict[str, str], second: dict[str, str]) -> Any:
    """Both open the form; one saves, then the other. What the other is told."""
    mine, their = two
    opened, before = mine.form(address), their.form(address)
    assert their.post(address, before | first).status_code == 302
    return mine.post(address, opened | second)


def test_the_second_is_told_and_sees_both_versions(stage: Stage, two: Any, liaison: str) -> None:
    answer = meet(two, liaison, {"post": "书记"}, {"post": "网格员"})
    assert answer.status_code == 409
    assert "李内勤" in answer.text
    assert factories.form_values(answer.text)["post"] == "网格员"
    assert list(theirs(answer.text)) == ["post"]
    assert "书记" in theirs(answer.text)["post"]
    assert stage.get("liaison", stage.inside["liaison"]).post == "书记"


def test_saving_again_settles_it(stage: Stage, two: Any, liaison: str) -> None:
    answer = meet(two, liaison, {"post": "书记"}, {"post": "网格员"})
    assert two[0].post(liaison, factories.form_values(answer.text)).status_code == 302
    assert stage.get("liaison", stage.inside["liaison"]).post == "网格员"


def test_what_only_the_other_changed_is_kept(stage: Stage, two: Any, liaison: str) -> None:
    answer = meet(two, liaison, {"post": "书记", "note": "两行\n备注"}, {"telephone": "0573-82712611"})
    assert answer.status_code == 409
    assert theirs(answer.text) == {}
    kept = factories.form_values(answer.text)
    assert (kept["post"], kept["note"], kept["telephone"]) == ("书记", "两行\n备注", "0573-82712611")
    assert two[0].post(liaison, kept).status_code == 302
    found = stage.get("liaison", stage.inside["liaison"])
    assert (found.post, found.note, found.telephone) == ("书记", "两行\n备注", "0573-82712611")


def test_both_changed_it_to_the_same(stage: Stage, two: Any, liaison: str) -> None:
    answer = meet(two, liaison, {"post": "书记"}, {"post": "书记", "telephone": "0573-82712611"})
    assert theirs(answer.text) == {}
    assert two[0].post(liaison, factories.form_values(answer.text)).status_code == 302


def test_a_third_change_in_between_is_told_again(stage: Stage, two: Any, liaison: str) -> None:
    answer = meet(two, liaison, {"post": "书记"}, {"post": "网格员"})
    given = factories.form_values(answer.text)
    assert two[1].post(liaison, two[1].form(liaison) | {"post": "主任"}).status_code == 302
    again = two[0].post(liaison, given)
    assert again.status_code == 409
    assert "主任" in theirs(again.text)["post"]
    assert factories.form_values(again.text)["post"] == "网格员"


def test_references_choices_and_flags_meet_as_well(stage: Stage, two: Any) -> None:
    address = f"/admin/community/edit/?id={stage.add('community', squad_id=stage.inside['squad'])}"
    first = {"squad": str(stage.outside["squad"]), "status": "closed", "dog_key_zone": "1", "noise_zone": "2"}
    second = {"squad": "", "status": "active", "dog_key_zone": "0", "noise_zone": "3"}
    answer = meet(two, address, first, second)
    said = theirs(answer.text)
    assert set(said) == {"squad", "noise_zone"}  # the others are what I had before me: theirs stand
    assert "城西分队" in said["squad"]
    kept = factories.form_values(answer.text)
    assert (kept["status"], kept["dog_key_zone"], kept["squad"]) == ("closed", "1", "")


def test_a_masked_value_that_the_other_changed_stays(stage: Stage, two: Any) -> None:
    party = stage.add("caseparty")
    address = f"/admin/caseparty/edit/?id={party}"
    answer = meet(two, address, {"phone": "13655556666"}, {"anonymous": "1"})
    assert answer.status_code == 409
    assert "13655556666" not in answer.text
    assert two[0].post(address, factories.form_values(answer.text)).status_code == 302
    found = stage.get("caseparty", party)
    assert (found.phone, found.anonymous) == ("13655556666", True)


def test_what_cannot_be_read_meets_a_change_too(stage: Stage, two: Any, liaison: str) -> None:
    answer = meet(two, liaison, {"post": "书记"}, {"mobile": "12", "post": "网格员"})
    assert answer.status_code == 409
    kept = factories.form_values(answer.text)
    assert (kept["mobile"], kept["post"]) == ("12", "网格员")
    assert "11" in two[0].complaints(answer.text)


def test_a_client_that_does_not_say_what_stood_there_loses_nothing(stage: Stage, two: Any, liaison: str) -> None:
    opened = two[0].form(liaison)
    assert two[1].post(liaison, two[1].form(liaison) | {"post": "书记"}).status_code == 302
    answer = two[0].post(liaison, {"version": opened["version"], "post": "网格员"})
    assert answer.status_code == 409
    assert factories.form_values(answer.text)["post"] == "网格员"
    assert "书记" in theirs(answer.text)["post"]


@pytest.mark.parametrize("table", EDITABLE)
def test_every_table_tells_the_second(stage: Stage, table: str) -> None:
    id_ = stage.add(table)
    browser, address = stage.browse(EDITOR[table]), f"/admin/{table}/edit/?id={id_}"
    opened = browser.form(address)
    with stage.session() as session:
        found: Any = session.get_one(MODELS[table], id_)
        sa.orm.attributes.flag_modified(found, "updated_at")
    assert stage.get(table, id_).version == int(opened["version"]) + 1
    assert browser.post(address, opened).status_code == 409


@pytest.mark.parametrize("table", EDITABLE)
def test_a_change_between_load_and_write_is_told_too(stage: Stage, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race that no version in the form can see."""
    id_ = stage.add(table)
    browser, address = stage.browse(EDITOR[table]), f"/admin/{table}/edit/?id={id_}"
    view, model = stage.panel.views[table], MODELS[table].__table__
    opened = browser.form(address)
    changed = factories.another_value(table, opened)

    def overtake(record: Any, *, is_created: bool) -> None:
        session = sa.orm.object_session(record)
        assert session
        session.connection().execute(sa.update(model).where(model.c.id == id_).values(version=model.c.version + 1))

    monkeypatch.setattr(view, "on_save", overtake)
    answer = browser.post(address, opened | changed)
    assert answer.status_code == 409
    kept = factories.form_values(answer.text)
    assert {name: kept[name] for name in changed} == changed
    monkeypatch.undo()
    assert browser.post(address, factories.form_values(answer.text)).status_code == 302


def test_a_record_deleted_meanwhile_is_told(stage: Stage, two: Any) -> None:
    address = f"/admin/action/edit/?id={stage.inside['action']}"
    opened = two[0].form(address)
    assert two[1].post("/admin/action/delete/", {"id": stage.inside["action"]}).status_code == 302
    assert two[0].post(address, opened).status_code == 404


def test_a_deletion_that_a_change_overtakes_deletes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = stage.add("street")
    model = MODELS["street"].__table__
    original = sa.orm.Session.delete

    def overtaken(self: Any, record: Any) -> None:
        self.connection().execute(sa.update(model).where(model.c.id == id_).values(version=model.c.version + 1))
        original(self, record)

    monkeypatch.setattr(sa.orm.Session, "delete", overtaken)
    assert stage.browse("office").post("/admin/street/delete/", {"id": id_}).status_code == 302
    monkeypatch.undo()
    assert stage.get("street", id_) is not None
    assert "note danger" in stage.browse("office").get("/admin/street/").text
