"""Orders of the 12345 hotline come in as cases, the same one never twice; their results go out as a reply file."""

from __future__ import annotations

import html
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from bureau.calendar.calendar import office_calendar
from bureau.cases import clock, recompute
from models import Case, CaseParty, CaseStatus, HotlineOrder, Source, Urgency
from panel.kinds import now
from panel.notify.records import Notice
from tests import steps
from tests.factories import ROLE_NAMES, Stage
from tests.workbooks import Office, counts, errors, table

HEADER = (
    *("工单编号", "来电时间", "派单时间", "签收时限", "办理时限", "来电人", "来电号码"),
    *("事发地址", "社区", "诉求内容", "紧急程度"),
)


def stamp(hours: float) -> str:
    return f"{now() + timedelta(hours=hours + 8):%Y-%m-%d %H:%M}"


def order(number: str = "JX2026070001", **given: Any) -> list[Any]:
    usual = {
        "工单编号": number,
        "来电时间": stamp(-3),
        "派单时间": stamp(-2),
        "签收时限": stamp(2),
        "办理时限": stamp(100),
        "来电人": "王女士",
        "来电号码": "13612340000",
        "事发地址": "东塔路 12 幢",
        "社区": "东栅社区",
        "诉求内容": "楼下烧烤店油烟扰民，请处理",
        "紧急程度": "紧急",
    }
    return [(usual | given)[label] for label in HEADER]


@pytest.fixture
def office(stage: Stage) -> Office:
    with stage.session() as session:
        session.execute(sa.delete(HotlineOrder))
    return Office(stage)


def bring(office: Office, *orders: list[Any]) -> list[tuple[HotlineOrder, Case]]:
    office.run("hotlineorder", table(HEADER, *orders))
    with office.stage.session() as session:
        found = session.execute(sa.select(HotlineOrder, Case).join(Case).order_by(HotlineOrder.id))
        return [(one, case) for one, case in found]


def close(stage: Stage, case_id: int) -> None:
    """Bring the case of an order to its end, past the steps."""
    values = {"status": CaseStatus.CLOSED, "closed_at": now(), "accepted_at": now(), "result": "已责令加装净化设施"}
    values |= {"item_id": stage.inside["checklistitem"], "handler_id": stage.inside["officer"]}
    with stage.session() as session:
        session.execute(sa.update(Case).where(Case.id == case_id).values(**values))


def test_an_order_becomes_a_case_with_its_caller(office: Office) -> None:
    ((made, case),) = bring(office, order())
    assert (case.source, case.hotline_no, case.urgency) == (Source.HOTLINE, "JX2026070001", Urgency.URGENT)
    assert (case.status, case.place, case.description) == (
        CaseStatus.REPORTED,
        "东塔路 12 幢",
        "楼下烧烤店油烟扰民，请处理",
    )
    assert case.reported_at == made.sent_at
    assert (case.liaison_id, case.lead_officer_id) == (office.stage.inside["liaison"], office.stage.inside["officer"])
    assert made.signed_at is None
    with office.stage.session() as session:
        caller = session.scalars(sa.select(CaseParty).where(CaseParty.case_id == case.id)).one()
    assert (caller.name, caller.phone) == ("王女士", "13612340000")


def test_the_same_order_makes_no_second_case(office: Office) -> None:
    bring(office, sent := order())  # not written twice: its times count from now, and a minute may pass
    cases = office.stage.count("case")
    assert counts(office.plan("hotlineorder", table(HEADER, sent))) == {"unchanged": 1}
    later = office.run("hotlineorder", table(HEADER, order(办理时限=stamp(200)), order("JX2026070002")))
    assert counts(later) == {"changed": 1, "new": 1}
    assert office.stage.count("case") == cases + 1


def test_a_case_registered_by_hand_becomes_that_of_its_order(office: Office) -> None:
    with office.stage.session() as session:
        session.get_one(Case, office.stage.inside["case"]).hotline_no = "JX2026070001"
    cases = office.stage.count("case")
    ((_made, case),) = bring(office, order())
    assert (case.id, office.stage.count("case")) == (office.stage.inside["case"], cases)


def test_a_wrong_order_fails_at_its_cell(office: Office) -> None:
    plan = office.plan(
        "hotlineorder",
        table(HEADER, order(社区="没有的社区"), order("JX2", 派单时间=stamp(5)), order("JX3", 签收时限=stamp(-9))),
    )
    assert counts(plan) == {"failed": 3}
    found = " ".join(str(words) for words in errors(plan))
    assert "There is no Community" in found
    assert "still to come" in found
    assert "The limit is over before the order was sent" in found


def test_taking_an_import_back_voids_the_cases_it_made(office: Office) -> None:
    from tests.engine.test_undo import undo

    ((_made, case),) = bring(office, order())
    undo(office)
    assert office.stage.count("hotlineorder") == 0
    assert office.stage.get("case", case.id).status is CaseStatus.VOIDED
    ((_made, again),) = bring(office, order())
    assert again.id != case.id


def test_accepting_the_case_signs_the_order(office: Office) -> None:
    ((made, case),) = bring(office, order())
    steps.take(office.stage, "office", case.id, "accept")
    signed = office.stage.get("hotlineorder", made.id).signed_at
    assert signed == office.stage.get("case", case.id).accepted_at


def test_the_reply_file_has_each_result_once_and_a_month_again(office: Office) -> None:
    (first, case), _second = bring(office, order(), order("JX2026070002"))
    close(office.stage, case.id)
    browser = office.stage.browse("office")
    assert "生成回复文件（1 件）" in html.unescape(browser.get("/hotline").text)
    rows = sheet(browser.post("/hotline", browser.form("/hotline")).data)
    assert [row["工单编号"] for row in rows] == ["JX2026070001"]
    assert (rows[0]["办理结果"], rows[0]["是否按时办结"], rows[0]["发回次数"]) == ("已责令加装净化设施", "是", 0)
    assert office.stage.get("hotlineorder", first.id).replied_at is not None
    assert browser.post("/hotline", browser.form("/hotline")).status_code == 302
    month = f"{now() + timedelta(hours=6):%Y-%m}"
    assert len(sheet(browser.get(f"/hotline/replies?month={month}").data)) == 2


def sheet(content: bytes) -> list[dict[str, Any]]:
    header, *rows = load_workbook(BytesIO(content)).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    return [dict(zip(header, row, strict=True)) for row in rows if row[0]]


def test_an_order_that_is_sent_back_opens_its_case_again(office: Office) -> None:
    id_ = steps.new_case(office.stage, CaseStatus.CLOSED, "officer")
    with office.stage.session() as session:
        session.execute(sa.update(Case).where(Case.id == id_).values(hotline_no="JX2026070001"))
    ((made, case),) = bring(office, order())
    assert case.id == id_
    browser = office.stage.browse("office")
    browser.post("/hotline", browser.form("/hotline"))
    plan = office.plan("hotlineorder", table((*HEADER, "工单状态"), [*order(), "发回重办"]))
    assert any(case.case_no in str(words) for words in plan.warnings)
    address = f"/admin/case/step/?id={id_}&step=sent_back"
    browser.post(address, browser.form(address) | {"reason": "市民称仍有油烟"})
    assert office.stage.get("case", id_).status is CaseStatus.HANDLING
    stored = office.stage.get("hotlineorder", made.id)
    assert (stored.returns, stored.return_reason, stored.replied_at) == (1, "市民称仍有油烟", None)
    with office.stage.session() as session:
        told = sa.select(Notice.owner_id).where(Notice.record_id == id_, Notice.kind == "reopened")
        assert office.stage.district.users["officer"] in session.scalars(told).all()


def test_a_case_of_no_order_is_not_sent_back(office: Office) -> None:
    id_ = steps.new_case(office.stage, CaseStatus.CLOSED, "officer")
    address = f"/admin/case/step/?id={id_}&step=sent_back"
    answer = office.stage.browse("office").get(address, follow_redirects=True)
    assert "本案件不是由12345工单转来的" in html.unescape(answer.text)


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_writes_the_reply_file(standing: Stage, role: str) -> None:
    may = role in ("office", "leader")
    browser = standing.browse(role)
    assert browser.get("/hotline").status_code == (200 if may else 403)
    assert browser.get("/hotline/replies?month=2026-06").status_code == (200 if may else 403)


def test_a_leader_writes_the_orders_of_the_squad_alone(standing: Stage) -> None:
    numbers = [row["工单编号"] for row in sheet(standing.browse("leader").get(_month(standing)).data)]
    everything = [row["工单编号"] for row in sheet(standing.browse("office").get(_month(standing)).data)]
    outside = standing.get("hotlineorder", standing.outside["hotlineorder"]).order_no
    assert outside in everything
    assert outside not in numbers
    assert numbers


def _month(stage: Stage) -> str:
    sent = stage.get("hotlineorder", stage.inside["hotlineorder"]).sent_at
    return f"/hotline/replies?month={sent + timedelta(hours=8):%Y-%m}"


def test_an_order_joined_to_an_accepted_case_is_signed_with_it(office: Office) -> None:
    id_ = steps.new_case(office.stage, CaseStatus.HANDLING, "officer")
    with office.stage.session() as session:
        session.execute(sa.update(Case).where(Case.id == id_).values(hotline_no="JX2026070001"))
    ((made, case),) = bring(office, order())
    assert (case.id, made.signed_at) == (id_, case.accepted_at)


def test_a_rejected_order_that_is_sent_back_is_accepted_anew(office: Office) -> None:
    ((made, case),) = bring(office, order())
    steps.take(office.stage, "office", case.id, "reject")
    taken = steps.take(office.stage, "office", case.id, "sent_back")
    assert (taken.status, taken.closed_at) == (CaseStatus.REPORTED, None)
    assert office.stage.get("hotlineorder", made.id).returns == 1
    assert steps.take(office.stage, "office", case.id, "accept").status is CaseStatus.ACCEPTED
    with office.stage.session() as session:
        assert case.id not in recompute.reopenings(session), "the limit runs from the acceptance, which is later"
    accepted = steps.take(office.stage, "leader", case.id, "change_list")
    limit = clock.limit_of(accepted.item_snapshot, accepted.urgency)
    assert limit is not None
    assert accepted.accepted_at is not None
    with office.stage.session() as session:
        assert accepted.due_at == clock.due_at(accepted.accepted_at, limit, (), office_calendar(session))


def test_a_merged_order_is_answered_with_its_master_and_may_come_back(office: Office) -> None:
    (_first, main), (_second, again) = bring(office, order(), order("JX2026070002"))
    steps.take(office.stage, "office", again.id, "merge", master=main.id)
    close(office.stage, main.id)
    with office.stage.session() as session:
        values = {"result": "已上门告知投诉人王女士（13612340000）"}
        session.execute(sa.update(Case).where(Case.id == main.id).values(**values))
    browser = office.stage.browse("office")
    rows = sheet(browser.post("/hotline", browser.form("/hotline")).data)
    results = {row["工单编号"]: row["办理结果"] for row in rows}
    assert main.case_no in results["JX2026070002"]
    assert not [text for text in results.values() if "王女士" in text or "13612340000" in text]
    taken = steps.take(office.stage, "office", again.id, "sent_back")
    assert (taken.status, taken.master_id) == (CaseStatus.REPORTED, None)


def test_the_order_of_a_voided_case_is_answered_with_the_reason(office: Office) -> None:
    ((_made, case),) = bring(office, order())
    steps.take(office.stage, "leader", case.id, "void", reason="重复登记")
    browser = office.stage.browse("office")
    (row,) = sheet(browser.post("/hotline", browser.form("/hotline")).data)
    assert (row["办理状态"], row["办理结果"]) == ("作废", "重复登记")


@pytest.mark.parametrize(
    ("given", "problem"), [({"sign_by": "2020-01-01T08:00"}, "时限早于派单时间"), ({"case": "other"}, "不能更改")]
)
def test_the_form_of_an_order_holds_the_rules_of_its_import(
    office: Office, given: dict[str, str], problem: str
) -> None:
    ((made, _case),) = bring(office, order())
    if "case" in given:
        given = {"case": str(office.stage.inside["case"])}
    browser = office.stage.browse("office")
    address = f"/admin/hotlineorder/edit/?id={made.id}"
    answer = browser.post(address, browser.form(address) | given)
    assert problem in html.unescape(answer.text)
    assert office.stage.get("hotlineorder", made.id).version == made.version
