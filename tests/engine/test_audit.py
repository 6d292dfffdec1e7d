"""Every create, change and delete stands in the audit trail, in words, without personal data; what is written there
stays."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

import models
from panel.base import Base
from panel.fields import Personal, fields
from panel.security import earlier
from panel.security.accounts import User
from panel.security.policy import SYSTEM, Permission
from panel.security.records import AuditAction, AuditEntry, EarlierValues
from panel.security.session import set_actor
from panel.store.append_only import trigger_problems
from tests import factories
from tests.factories import MODELS, ROLE_NAMES, TABLES, Stage, granted

EDITOR = {t: next((r for r in ROLE_NAMES if granted(r, Permission.EDIT, t)), "") for t in TABLES}
EDITABLE = [table for table in TABLES if EDITOR[table]]
APPEND_ONLY = sorted(m.class_.__tablename__ for m in Base.registry.mappers if m.class_.__append_only__)
#: Of the private people and phones that the district is made of.
CLEAR = ["张三", "13712345678", "东栅社区 3 幢 201 室", "13800001111", "13900002222"]


def entries(stage: Stage, table: str, id_: int) -> list[AuditEntry]:
    with stage.session() as session:
        found = sa.select(AuditEntry).where(AuditEntry.table_name == table, AuditEntry.record_id == id_)
        return list(session.execute(found.order_by(AuditEntry.id)).scalars())


@pytest.mark.database
@pytest.mark.parametrize("table", EDITABLE)
def test_creating_changing_and_deleting_stand_in_the_trail(stage: Stage, table: str) -> None:
    """Through the pages, by whoever may; each with its person, its version, and before and after. The change is taken
    back from there, where the form writes the row and nothing else."""
    role = EDITOR[table]
    browser = stage.browse(role)
    given = factories.typed(table, stage.inside)
    if granted(role, Permission.CREATE, table):
        if table == "userrole":
            given["user"] = str(stage.add("user"))
        answer = browser.post(f"/admin/{table}/new/", given)
        id_ = int(answer.location.rpartition("=")[2])
        (made,) = entries(stage, table, id_)
        assert (made.action, made.actor_name, made.actor_id) == (AuditAction.CREATE, role, stage.district.users[role])
        assert all(before is None for before, _after in made.changes.values())
        assert set(made.changes) >= set(given)
    else:
        id_ = stage.add(table)
    (name, value), *_rest = factories.another_value(table, browser.form(f"/admin/{table}/edit/?id={id_}")).items()
    address, (field,) = f"/admin/{table}/edit/?id={id_}", (f for f in fields(MODELS[table]) if f.name == name)
    was = getattr(stage.get(table, id_), field.attr)
    assert browser.post(address, browser.form(address) | {name: value}).status_code == 302
    changed = entries(stage, table, id_)[-1]
    assert (changed.action, list(changed.changes)) == (AuditAction.EDIT, [name])
    sent = {"field": name, "version": str(changed.record_version), "back_reason": "改错了"}
    assert browser.post(f"/admin/{table}/takeback/?id={id_}&entry={changed.id}", sent).status_code in (302, 409)
    assert (getattr(stage.get(table, id_), field.attr) == was) is stage.panel.views[table].takes_back
    if granted(role, Permission.DELETE, table) and table != "case":
        assert browser.post(f"/admin/{table}/delete/", {"id": id_}).status_code == 302
        gone = entries(stage, table, id_)[-1]
        assert gone.action is AuditAction.DELETE
        assert all(after is None for _before, after in gone.changes.values())
        assert set(gone.changes) >= set(given)
        assert restored(stage, browser, table, id_) is stage.panel.views[table].takes_back


def restored(stage: Stage, browser: factories.Browser, table: str, id_: int) -> bool:
    """Whether a deleted record is restored from the list of deleted ones: the same, one version later."""
    columns, not_same = MODELS[table].__table__.c, ("version", "updated_at", "updated_by_id")
    with stage.session() as session:
        kept = sa.select(EarlierValues).where(EarlierValues.table_name == table, EarlierValues.record_id == id_)
        item = session.execute(kept.order_by(EarlierValues.id.desc())).scalars().first()
        values = earlier.load_row(MODELS[table], item.kept) if item is not None and item.deleted else {}
        number = item.id if item is not None else 0
    answer = browser.post(f"/admin/{table}/restore/?kept={number}", {"restore_reason": "误删"})
    if answer.status_code != 302:
        return False
    again = stage.get(table, id_)
    assert again.version == values["version"] + 1
    assert all(getattr(again, c.name) == values[c.name] for c in columns if c.name not in not_same and c.name in values)
    assert {c.name for c in columns if c.computed is None} <= values.keys()
    assert entries(stage, table, id_)[-1].action is AuditAction.CREATE
    return True


@pytest.mark.parametrize("table", EDITABLE)
def test_a_form_that_is_saved_as_it_is_changes_nothing(stage: Stage, table: str) -> None:
    id_ = stage.add(table)
    browser, address = stage.browse(EDITOR[table]), f"/admin/{table}/edit/?id={id_}"
    before, said = stage.get(table, id_).version, len(entries(stage, table, id_))
    assert browser.post(address, browser.form(address)).status_code == 302
    assert (stage.get(table, id_).version, len(entries(stage, table, id_))) == (before, said)


@pytest.mark.database
def test_what_is_refused_leaves_no_entry(stage: Stage) -> None:
    before = stage.count("auditentry")
    office = stage.browse("office")
    assert office.post("/admin/street/new/", {"name": "城东街道"}).status_code == 422
    assert office.post("/admin/squad/delete/", {"id": stage.inside["squad"]}).status_code == 302
    assert stage.browse("viewer").post("/admin/street/new/", {"name": "新"}).status_code == 403
    assert stage.count("auditentry") == before


def test_the_trail_holds_no_personal_data(stage: Stage) -> None:
    id_ = stage.add("caseparty", name="张三", phone="13712345678", address="东栅社区 3 幢 201 室")
    party = f"/admin/caseparty/edit/?id={id_}"
    liaison = f"/admin/liaison/edit/?id={stage.inside['liaison']}"
    office = stage.browse("office")
    given = {"name": "李四", "phone": "13655556666", "address": "西栅 8 幢 102 室"}
    assert office.post(party, office.form(party) | given).status_code == 302
    assert office.post(liaison, office.form(liaison) | {"mobile": "13766667777"}).status_code == 302
    assert office.post("/admin/caseparty/delete/", {"id": id_}).status_code == 302
    with stage.session() as session:
        kept = [(e.note, e.changes) for e in session.execute(sa.select(AuditEntry)).scalars()]
    text = json.dumps(kept, ensure_ascii=False)
    for clear in (*CLEAR, "李四", "13655556666", "13766667777", "西栅 8 幢 102 室"):
        assert clear not in text
    assert "136****6666" in text
    assert "137****7777" in text


@pytest.mark.parametrize("table", TABLES)
def test_every_personal_field_is_masked_in_the_trail(stage: Stage, table: str) -> None:
    personal = [f for f in fields(MODELS[table]) if f.personal is not Personal.NO]
    id_ = stage.add(table) if personal else 0
    with stage.session() as session:
        for field in personal:
            setattr(session.get_one(MODELS[table], id_), field.attr, "13655556666")
    for entry in entries(stage, table, id_):
        assert "13655556666" not in json.dumps(entry.changes)


def test_a_log_in_log_holds_no_password(stage: Stage) -> None:
    stage.visitor().log_in("office", "Wrong-pass-9")
    page = stage.browse("auditor").get("/admin/loginlog/").text
    assert "密码错误" in page
    assert "Wrong-pass-9" not in page


# Read back in the reader's words.


def test_a_history_speaks_the_fields_words(stage: Stage) -> None:
    id_ = stage.add("community", squad_id=stage.inside["squad"])
    office, address = stage.browse("office"), f"/admin/community/edit/?id={id_}"
    given = {"squad": str(stage.outside["squad"]), "status": "closed", "dog_key_zone": "1", "households": "2300"}
    assert office.post(address, office.form(address) | given).status_code == 302
    page = history(office.get(f"/admin/community/details/?id={id_}").text)
    for word in ("南湖分队", "城西分队", "2300", "office"):
        assert word in page
    for raw in ("squad_id", "closed", "True", "dog_key_zone"):
        assert raw not in page
    office.post("/language", {"locale": "en"})
    page = history(office.get(f"/admin/community/details/?id={id_}").text)
    assert "In use" in page
    assert "Merged or closed" in page


def history(page: str) -> str:
    return page.partition('<ol class="time">')[2]


@pytest.mark.parametrize("table", [table for table in EDITABLE if table != "case"])
def test_every_record_tells_its_history(standing: Stage, table: str) -> None:
    id_ = standing.add(table)
    page = standing.browse(EDITOR[table]).get(f"/admin/{table}/details/?id={id_}").text
    assert '<ol class="time">' in page


def test_a_name_outside_the_readers_area_is_not_told_by_a_history(stage: Stage) -> None:
    with stage.session() as session:
        session.get_one(models.Case, stage.inside["case"]).handler_id = stage.outside["officer"]
    address = f"/admin/case/edit/?id={stage.inside['case']}"
    assert "何志远" in history(stage.browse("office").get(address).text)
    seen = history(stage.browse("officer").get(address).text)
    assert "何志远" not in seen
    assert "不可见" in seen


def test_the_auditor_sees_that_and_who_but_no_values_of_business_data(stage: Stage) -> None:
    office, address = stage.browse("office"), f"/admin/liaison/edit/?id={stage.inside['liaison']}"
    office.post(address, office.form(address) | {"post": "楼道长"})
    entry = entries(stage, "liaison", stage.inside["liaison"])[-1]
    auditor = stage.browse("auditor")
    page = auditor.get(f"/admin/auditentry/details/?id={entry.id}").text
    assert "岗位" in page or "职务" in page
    assert "office" in page
    assert "楼道长" not in page
    assert "楼道长" not in auditor.get("/admin/auditentry/").text


def test_acts_on_accounts_are_noted(stage: Stage) -> None:
    administrator, id_ = stage.browse("administrator"), stage.district.users["viewer"]
    for act in ("reset", "unlock"):
        administrator.post("/admin/user/action/", {"action": act, "rowid": id_})
    said = [entry for entry in entries(stage, "user", id_) if entry.action is AuditAction.EVENT]
    assert [entry.actor_name for entry in said] == ["administrator"] * 2
    assert all(entry.note for entry in said)


def test_a_reveal_is_noted_with_its_reason_and_shows_once(stage: Stage) -> None:
    office, id_ = stage.browse("office"), stage.inside["caseparty"]
    assert office.post(f"/admin/caseparty/reveal/?id={id_}", {"reason": " "}).status_code == 422
    assert not [e for e in entries(stage, "caseparty", id_) if e.action is AuditAction.REVEAL]
    page = office.post(f"/admin/caseparty/reveal/?id={id_}", {"reason": "回电"})
    assert "13712345678" in page.text
    (noted,) = [e for e in entries(stage, "caseparty", id_) if e.action is AuditAction.REVEAL]
    assert (noted.actor_name, noted.note) == ("office", "回电")
    assert "13712345678" not in office.get(f"/admin/caseparty/details/?id={id_}").text


# What is written stays.


@pytest.mark.database
def test_every_table_that_is_only_added_to_is_guarded(standing: Stage) -> None:
    with standing.app.app_context(), standing.panel.db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            query = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        else:
            query = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'keep_%'"
        guarded = {name.strip('"') for name in connection.execute(sa.text(query)).scalars()}
        assert list(trigger_problems(connection)) == []
    assert sorted(guarded) == APPEND_ONLY


@pytest.mark.database
@pytest.mark.parametrize("table", [table for table in APPEND_ONLY if table in TABLES])
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE"])
def test_the_database_refuses_to_change_what_is_only_added(standing: Stage, table: str, verb: str) -> None:
    column = "actor_name" if table != "loginlog" else "username"
    statement = {
        "UPDATE": f'UPDATE "{table}" SET {column} = {column}',
        "DELETE": f'DELETE FROM "{table}"',
        "TRUNCATE": f'TRUNCATE "{table}" CASCADE',
    }[verb]
    with standing.app.app_context():
        engine = standing.panel.db.engine
        if verb == "TRUNCATE" and engine.dialect.name == "sqlite":
            return
        with engine.connect() as connection:
            rows = sa.select(sa.func.count()).select_from(sa.table(table))
            before = connection.execute(rows).scalar_one()
            assert before
            connection.rollback()
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(sa.text(statement))
            connection.rollback()
            assert connection.execute(rows).scalar_one() == before


@pytest.mark.database
@pytest.mark.parametrize("table", [table for table in TABLES if MODELS[table].__append_only__])
def test_no_session_changes_it_either(standing: Stage, table: str) -> None:
    for act in ("edit", "delete"):
        with standing.acting() as session:
            set_actor(session, SYSTEM)
            found: Any = session.get_one(MODELS[table], standing.inside[table])
            if act == "delete":
                session.delete(found)
            else:
                setattr(found, "actor_name" if table != "loginlog" else "username", "x")
            with pytest.raises(DBAPIError, match="append-only"):
                session.flush()


def test_who_wrote_a_record_stands_on_it(stage: Stage) -> None:
    office = stage.browse("office")
    answer = office.post("/admin/street/new/", {"name": "新街道"})
    made = stage.get("street", int(answer.location.rpartition("=")[2]))
    users = stage.district.users
    assert (made.created_by_id, made.updated_by_id) == (users["office"], users["office"])
    with stage.session() as session:
        factories.account(session, stage.panel, "second", "office")
        second = session.execute(sa.select(User.id).where(User.username == "second")).scalar_one()
    address = f"/admin/street/edit/?id={made.id}"
    stage.browse("second").post(address, stage.browse("second").form(address) | {"code": "X1"})
    found = stage.get("street", made.id)
    assert (found.created_by_id, found.updated_by_id) == (users["office"], second)
    assert found.updated_at > made.updated_at


def test_the_trail_names_records_to_whom_it_may_and_says_which_were_deleted(stage: Stage) -> None:
    """An account by its name; a street, which the auditor may not know, by its number; a deleted one says so."""
    stage.browse("office").post("/admin/street/new/", {"name": "新街道"})
    with stage.session() as session:
        made = session.execute(sa.select(models.Street).where(models.Street.name == "新街道")).scalar_one()
        id_ = made.id
        session.get_one(User, stage.district.users["officer"]).name = "王小明"
    auditor = stage.browse("auditor")
    shown = auditor.get("/admin/auditentry/").text
    assert ">王小明</a>" in shown
    assert f"#{id_}" in shown
    assert "新街道" not in shown
    assert "已删除" not in shown
    assert "王小明" in auditor.get("/admin/user/").text
    assert "执法队员" in auditor.get("/admin/user/").text
    with stage.session() as session:
        session.delete(session.get_one(models.Street, id_))
    assert re.search(rf">#{id_}(</span>)?<span class=\"below\">已删除", auditor.get("/admin/auditentry/").text)


def test_lists_of_logs_say_who_and_what(stage: Stage) -> None:
    """The person beside the user name, and the changed columns by their labels; values on the entry's page alone."""
    office, auditor = stage.browse("office"), stage.browse("auditor")
    id_ = stage.inside["community"]
    form = office.form(f"/admin/community/edit/?id={id_}")
    assert office.post(f"/admin/community/edit/?id={id_}", form | {"households": "777"}).status_code == 302
    row = re.findall(r"<tr.*?</tr>", auditor.get("/admin/auditentry/").text, re.S)[1]
    assert "户数" in row
    assert "777" not in row
    stage.visitor().log_in("office", "wrong")
    name = stage.get("user", stage.district.users["office"]).name
    listed = auditor.get("/admin/loginlog/?is=refused").text
    assert f'{name}<span class="below">office</span>' in listed
    assert "登录成功</span>" not in listed
