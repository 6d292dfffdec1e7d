"""Deleted records are listed to whoever may add and delete, and restored with their id by the rules of new records."""

from __future__ import annotations

import html
import re

import pytest
import sqlalchemy as sa

import models
from panel.security import earlier
from panel.security.policy import Permission
from panel.security.records import EarlierValues
from panel.store import deleted
from tests.factories import MODELS, ROLE_NAMES, Browser, Stage, granted

REASON = {"restore_reason": "误删"}


def delete(stage: Stage, table: str, id_: int) -> str:
    """Delete a record as the office; the address where it is restored."""
    office = stage.browse("office")
    assert office.post(f"/admin/{table}/delete/", {"id": id_}).status_code == 302
    return address(stage, table, id_)


def address(stage: Stage, table: str, id_: int) -> str:
    with stage.session() as session:
        kept = sa.select(sa.func.max(EarlierValues.id)).where(EarlierValues.table_name == table)
        number = session.execute(kept.where(EarlierValues.record_id == id_, EarlierValues.deleted)).scalar()
    return f"/admin/{table}/restore/?kept={number}"


@pytest.mark.database
def test_a_deleted_record_comes_back_with_its_id_and_its_private_values(growing: Stage) -> None:
    """The pages show them masked; the search finds the record again; sent twice it comes back once."""
    office = growing.browse("office")
    id_ = growing.add("caseparty", name="王复原", phone="13712345601", address="复原路 1 号")
    made, maker = growing.get("caseparty", id_), growing.get("caseparty", id_).created_by_id
    assert "天内" in office.get(f"/admin/caseparty/confirm/?id={id_}").text
    url = delete(growing, "caseparty", id_)
    listed = office.get("/admin/caseparty/deleted/").text
    assert html.escape(url) in listed
    assert "137****5601" in listed
    page = office.get(url).text
    for clear in ("王复原", "13712345601", "复原路 1 号"):
        assert clear not in listed + page
    assert office.post(url, {}).status_code == 422, "a reason is asked for"
    token = re.findall(r'name="form_token" value="([^"]*)"', page)[0]
    answer = office.post(url, {**REASON, "form_token": token})
    assert answer.location.endswith(f"/admin/caseparty/details/?id={id_}")
    again = growing.get("caseparty", id_)
    assert (again.name, again.phone, again.address, again.phone_hash) == (
        made.name,
        made.phone,
        made.address,
        made.phone_hash,
    )
    assert (again.version, again.created_at, again.created_by_id) == (made.version + 1, made.created_at, maker)
    assert "恢复已删除的记录：误删" in office.get(answer.location).text
    assert office.post(url, {**REASON, "form_token": token}).status_code == 302
    assert office.get(url).status_code == 404, "it isn't deleted any more"


def test_the_search_of_a_list_finds_it_again(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.add("street", name="复原大道")
    url = delete(growing, "street", id_)
    assert f"street/details/?id={id_}" not in office.get("/admin/street/?q=复原大道").text
    assert office.post(url, REASON).status_code == 302
    assert f"street/details/?id={id_}" in office.get("/admin/street/?q=复原大道").text


def test_what_is_in_the_way_is_said_in_a_sentence(growing: Stage) -> None:
    """A name that another has by now; a reference that isn't there any more."""
    office, id_ = growing.browse("office"), growing.add("street", name="复原二街")
    url = delete(growing, "street", id_)
    growing.add("street", name="复原二街")
    answer = office.post(url, REASON)
    assert answer.status_code == 422
    assert "已有" in answer.text
    street = growing.add("street", name="复原三街")
    community = growing.add("community", name="复原社区", street_id=street)
    url = delete(growing, "community", community)
    above = delete(growing, "street", street)
    assert "请先恢复该记录" in office.get(url).text
    assert office.post(url, REASON).status_code == 422
    assert office.post(above, REASON).status_code == 302
    assert office.post(url, REASON).status_code == 302
    assert growing.get("community", community).street_id == street


def test_what_went_by_the_same_act_comes_back_with_it(growing: Stage) -> None:
    street = growing.add("street", name="复原四街")
    community = growing.add("community", name="复原一社区", street_id=street)
    with growing.session() as session:
        session.delete(session.get_one(models.Community, community))
        session.flush()
        session.delete(session.get_one(models.Street, street))
    office, url = growing.browse("office"), address(growing, "street", street)
    assert "恢复 2 条记录" in office.get(url).text
    assert office.post(url, REASON).status_code == 302
    assert growing.get("community", community).street_id == street


def test_only_who_may_add_and_delete_there_sees_and_restores(growing: Stage) -> None:
    """Every role and table, below the pages; over HTTP denied, and allowed to whoever has both rights."""
    for role in ROLE_NAMES:
        with growing.acting(role) as session:
            for table, model in MODELS.items():
                both = granted(role, Permission.CREATE, table) and granted(role, Permission.DELETE, table)
                assert deleted.may_restore(session, model) is (both and earlier.is_restorable(model)), (role, table)
    id_ = growing.add("liaison", name="复原人")
    url = delete(growing, "liaison", id_)
    for role in ("viewer", "leader"):
        browser: Browser = growing.browse(role)
        assert browser.get("/admin/liaison/deleted/").status_code == 403
        assert browser.get(url).status_code == 403
        assert browser.post(url, REASON).status_code == 403
        assert "/deleted/" not in browser.get("/admin/liaison/").text
    office = growing.browse("office")
    assert "/admin/liaison/deleted/" in office.get("/admin/liaison/").text
    assert office.get(url.replace("liaison", "street")).status_code == 404, "of another table"
    assert office.post(url, REASON).status_code == 302


def test_what_a_row_holds_as_a_file_and_what_a_step_removes_is_not_kept(growing: Stage) -> None:
    assert not earlier.is_restorable(models.LedgerDraft)
    assert growing.browse("office").get("/admin/ledgerdraft/deleted/").status_code in (403, 404)
