"""A change is taken back from the history: by the rules of the form, with a reason, and what can't go back is told."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.upkeep import retention
from panel.security import earlier
from panel.security.records import AuditEntry, EarlierValues
from tests.factories import Browser, Stage

REASON = {"back_reason": "改错了"}


def last_entry(stage: Stage, table: str, id_: int) -> int:
    with stage.session() as session:
        of_record = sa.select(sa.func.max(AuditEntry.id)).where(
            AuditEntry.table_name == table, AuditEntry.record_id == id_, AuditEntry.action == "edit"
        )
        return session.execute(of_record).scalar_one()


def address(table: str, id_: int, entry: int) -> str:
    return f"/admin/{table}/takeback/?id={id_}&entry={entry}"


def opened(browser: Browser, url: str) -> dict[str, Any]:
    """What the form of the page posts, without its reason."""
    page = browser.get(url).text
    found: dict[str, Any] = {"field": re.findall(r'name="field" value="([^"]*)"', page)}
    found["version"] = re.findall(r'name="version" value="([^"]*)"', page)[0]
    found["form_token"] = html.unescape(re.findall(r'name="form_token" value="([^"]*)"', page)[0])
    return found


def edited(stage: Stage, table: str, id_: int, **values: Any) -> int:
    """The entry of an edit by the office, in its form."""
    office = stage.browse("office")
    url = f"/admin/{table}/edit/?id={id_}"
    assert office.post(url, {**office.form(url), **values}).status_code == 302
    return last_entry(stage, table, id_)


def test_a_change_goes_back_and_its_entry_says_why(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.add("liaison", post="委员", mobile="13800138000")
    entry = edited(growing, "liaison", id_, post="书记", mobile="13900139001")
    history = office.get(f"/admin/liaison/details/?id={id_}").text
    url = address("liaison", id_, entry)
    assert html.escape(url) in history
    page = office.get(url).text
    assert "<del>书记</del> <ins>委员</ins>" in page
    assert "<del>13900139001</del> <ins>13800138000</ins>" in page, "work phones are seen by the office"
    form = opened(office, url)
    assert office.post(url, form).status_code == 422, "a reason is asked for"
    answer = office.post(url, {**form, **REASON})
    assert answer.status_code == 302
    stored = growing.get("liaison", id_)
    assert (stored.post, stored.mobile) == ("委员", "13800138000")
    assert f"的修改（第 {entry} 号）：改错了" in office.get(answer.location).text
    version = stored.version
    assert office.post(url, {**form, **REASON}).status_code == 302, "sent twice, done once"
    assert growing.get("liaison", id_).version == version
    assert "已是此值" in office.get(url).text


@pytest.mark.database
def test_private_values_are_kept_encrypted_and_go_back(growing: Stage) -> None:
    """The audit trail has them masked; the page shows no more than that."""
    id_ = growing.add("caseparty", name="王小明", phone="13712340001", address="东栅路 1 号")
    entry = edited(growing, "caseparty", id_, phone="13712340002", address="东栅路 2 号")
    with growing.session() as session:
        raw = session.connection().execute(sa.text("SELECT table_name, kept FROM earliervalues"))
        stored = "".join(str(row) for row in raw)
    assert "1371234" not in stored
    assert "caseparty" in stored
    office, url = growing.browse("office"), address("caseparty", id_, entry)
    page = office.get(url).text
    assert "137****0001" in page
    assert "13712340001" not in page + office.get(f"/admin/caseparty/details/?id={id_}").text
    before = growing.get("caseparty", id_).phone_hash
    assert office.post(url, {**opened(office, url), **REASON}).status_code == 302
    party = growing.get("caseparty", id_)
    assert (party.phone, party.address) == ("13712340001", "东栅路 1 号")
    assert party.phone_hash != before, "the caller is recognised by the number that is back"


def test_an_encrypted_value_that_is_no_secret_goes_back_in_clear(growing: Stage) -> None:
    """The audit trail has it masked, the page shows it to whoever reads the survey."""
    id_ = growing.add("surveyentry", address="西栅路 41 号")
    entry = edited(growing, "surveyentry", id_, address="西栅路 42 号")
    before, office, url = growing.get("surveyentry", id_), growing.browse("office"), address("surveyentry", id_, entry)
    assert "<ins>西栅路 41 号</ins>" in office.get(url).text
    with growing.session() as session:
        changes = session.get_one(AuditEntry, entry).changes
    assert "西栅路 4" not in str(changes)
    assert office.post(url, {**opened(office, url), **REASON}).status_code == 302
    after = growing.get("surveyentry", id_)
    assert (after.address, after.address_hash != before.address_hash) == ("西栅路 41 号", True)


def test_what_was_changed_again_or_is_not_kept_stays_and_is_told(growing: Stage) -> None:
    office = growing.browse("office")
    id_ = growing.add("liaison", post="委员", mobile="13800138000", telephone="0573-88880001")
    entry = edited(growing, "liaison", id_, post="书记", mobile="13900139001", telephone="0573-88880002")
    edited(growing, "liaison", id_, post="主任")
    url = address("liaison", id_, entry)
    assert "此后又有修改" in office.get(url).text
    sent = {**opened(office, url), **REASON}
    assert sorted(sent["field"]) == ["mobile", "telephone"]
    with growing.session() as session:
        earlier.forget(session, models.Liaison, [id_])
    assert office.post(url, sent).status_code == 409, "what can be set back is another by now"
    page = office.get(url).text
    assert page.count("原值未留存") == 2
    assert "没有可撤回的内容" in page
    assert growing.get("liaison", id_).mobile == "13900139001"


def test_what_is_locked_by_now_or_part_of_a_step_stays(growing: Stage) -> None:
    office, case = growing.browse("office"), growing.add("case")
    party = growing.add("caseparty", case_id=case, role=models.PartyRole.COMPLAINANT, name="赵一", phone="13712340003")
    entry = edited(growing, "caseparty", party, phone="13712340004")
    url = address("caseparty", party, entry)
    sent = {**opened(office, url), **REASON}
    accepted = {"accepted_at": growing.get("case", case).reported_at, "item_id": growing.inside["checklistitem"]}
    growing.put("case", case, **accepted)
    assert "更正投诉人" in office.get(url).text
    assert office.post(url, sent).status_code == 409
    assert growing.get("caseparty", party).phone == "13712340004"
    growing.put("case", case, **dict.fromkeys(accepted))
    with growing.session() as session:
        values = {"action": "edit", "table_name": "caseparty", "record_id": party, "record_version": 2, "note": ""}
        changes = {"name": ["赵*", "钱*"]}
        session.execute(sa.insert(AuditEntry).values(**values, actor_name="某", changes=changes, cause="correct"))
    step = address("caseparty", party, last_entry(growing, "caseparty", party))
    assert "由办理步骤写入" in office.get(step).text
    assert "由办理步骤写入" in office.get(f"/admin/caseparty/details/?id={party}").text
    assert office.post(step, {"field": "name", "version": "2", **REASON}).status_code == 409


def test_a_rule_or_another_editor_refuses_and_nothing_changes(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.add("street", name="撤回一街")
    entry = edited(growing, "street", id_, name="撤回二街")
    growing.add("street", name="撤回一街")
    url = address("street", id_, entry)
    answer = office.post(url, {**opened(office, url), **REASON})
    assert answer.status_code == 422
    assert "已有" in answer.text
    sent = {**opened(office, url), **REASON}
    with growing.session() as session:
        session.get_one(models.Street, id_).name = "撤回三街"
    assert office.post(url, sent).status_code == 409
    assert growing.get("street", id_).name == "撤回三街"


def test_only_who_may_edit_the_record_takes_back(growing: Stage) -> None:
    entry = edited(growing, "liaison", growing.inside["liaison"], post="撤回")
    outside = edited(growing, "case", growing.outside["case"], place="撤回路 1 号")
    url = address("liaison", growing.inside["liaison"], entry)
    for role in ("viewer", "leader"):
        browser = growing.browse(role)
        assert browser.get(url).status_code == 403
        assert browser.post(url, {"field": "post", **REASON}).status_code == 403
        assert "takeback" not in browser.get(f"/admin/liaison/details/?id={growing.inside['liaison']}").text
    assert growing.browse("leader").get(address("case", growing.outside["case"], outside)).status_code == 404
    office = growing.browse("office")
    assert office.get(address("liaison", growing.inside["liaison"], outside)).status_code == 404, "of another record"
    assert office.get(address("liaison", growing.inside["liaison"], 10**9)).status_code == 404


def test_a_long_history_is_read_to_its_end(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.add("street")
    with growing.session() as session:
        same = {"action": "edit", "table_name": "street", "record_id": id_, "actor_name": "某", "changes": {}}
        rows = [{**same, "note": f"第{n}次"} for n in range(60)]
        session.execute(sa.insert(AuditEntry.__table__), rows)
    page = office.get(f"/admin/street/details/?id={id_}").text
    assert "第59次" in page
    assert "第10次" not in page
    assert f"/admin/street/history/?id={id_}" in page
    whole = office.get(f"/admin/street/history/?id={id_}").text
    assert "第10次" in whole
    older = html.unescape(re.findall(r'href="([^"]*before=[^"]*)"', whole)[0])
    assert "第0次" in office.get(older).text


@pytest.mark.database
def test_earlier_values_go_with_the_days_and_with_the_person(growing: Stage) -> None:
    id_ = growing.add("caseparty", name="孙二", phone="13712340005")
    edited(growing, "caseparty", id_, phone="13712340006")

    def kept() -> int:
        with growing.session() as session:
            own = sa.select(sa.func.count()).select_from(EarlierValues).where(EarlierValues.record_id == id_)
            return int(session.execute(own.where(EarlierValues.table_name == "caseparty")).scalar_one())

    assert kept() == 1
    with growing.session() as session:
        before = retention.now()
        retention.anonymise(session, retention.Due([id_], [], [], []), before - timedelta(days=1))
    assert kept() == 0, "neither the number before nor what the anonymising replaced"
    edited(growing, "caseparty", growing.add("caseparty", phone="13712340007"), phone="13712340008")
    with growing.session() as session:
        earlier.delete_expired(session, 1)
        assert session.execute(sa.select(sa.func.count()).select_from(EarlierValues)).scalar_one() > 0
        earlier.delete_expired(session, -1)
        assert session.execute(sa.select(sa.func.count()).select_from(EarlierValues)).scalar_one() == 0
