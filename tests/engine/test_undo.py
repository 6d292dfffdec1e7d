"""An import taken back: what it wrote is as it was before, what was touched since stays and says why."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

import models
from bureau.cases import events
from models import Case, CaseEvent, CaseParty, CaseStatus, Liaison, ReferralStatus
from panel.errors import UserError
from panel.imports.records import ImportBatch, ImportRow
from panel.imports.undo import import_undo
from panel.imports.undo.undo_plan import UndoPlan
from panel.kinds import today
from panel.security.records import AuditEntry
from tests import factories, steps
from tests.factories import MODELS, Stage, account
from tests.workbooks import Office, counts, sentences, table

pytestmark = pytest.mark.database

ROSTER = ("街道", "社区", "姓名", "手机", "联居队员", "起始时间")


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage, "office")


def rows_of(stage: Stage, name: str) -> list[dict[str, Any]]:
    """A table as it stands, without what every write leaves behind."""
    model = MODELS[name]
    left_out = {"version", "updated_at", "updated_by_id"}
    with stage.session() as session:
        found = session.execute(sa.select(model.__table__).order_by(model.id)).mappings().all()
    return [{key: value for key, value in row.items() if key not in left_out} for row in found]


def look(office: Office, batch: int | None = None) -> UndoPlan:
    with office.session() as session:
        found = session.get_one(ImportBatch, batch or office.ran[-1])
        return import_undo.plan(session, found, office.stage.panel.registry)


def undo(office: Office, batch: int | None = None) -> int:
    with office.session() as session:
        found = session.get_one(ImportBatch, batch or office.ran[-1])
        registry = office.stage.panel.registry
        return import_undo.run(session, import_undo.plan(session, found, registry), registry)


def reasons(made: UndoPlan) -> dict[int, list[str]]:
    return {unit.number: sentences([reason.message for reason in unit.reasons]) for unit in made.staying}


def test_everything_an_import_wrote_goes_back(office: Office) -> None:
    """New and changed rows, a predecessor's term, an assignment, a street made with the import."""
    stage = office.stage
    watched = ("street", "community", "liaison", "assignment")
    before = {name: rows_of(stage, name) for name in watched}
    office.run("liaison", table(ROSTER, ("城东街道", "东栅社区", "李新", "13805730001", "沈大海", "2026-07-10")))
    assert rows_of(stage, "liaison") != before["liaison"]
    assert rows_of(stage, "assignment") != before["assignment"]
    made = table(("街道", "社区", "户数"), ("新街道", "新社区", 100), ("城东街道", "东栅社区", 1200))
    office.run("community", made, create_missing=True)
    assert [undo(office, batch) for batch in reversed(office.ran)] == [2, 1]
    assert {name: rows_of(stage, name) for name in watched} == before
    assert counts(office.plan("liaison", table(ROSTER, ("城东街道", "东栅社区", "李新", None, None, None)))) == {
        "new": 1
    }


def test_what_was_changed_or_referred_to_since_stays_with_the_reason(office: Office) -> None:
    stage = office.stage
    office.run(
        "community",
        table(("街道", "社区", "户数"), ("新街道", "甲社区", 1), ("新街道", "乙社区", 2), ("城东街道", "东栅社区", 9)),
        create_missing=True,
    )
    with stage.session() as session:
        named = {one.name: one for one in session.scalars(sa.select(models.Community))}
        named["东栅社区"].households = 10
        session.add(Liaison(name="钱进", community_id=named["甲社区"].id, start_on=date(2026, 7, 1)))
    made = look(office)
    found = reasons(made)
    assert [unit.number for unit in made.going] == [3]
    assert re.match(r"Changed since: the system, 2026-07-15", found[4][0])
    assert "Liaison 钱进 refers to it." in found[2]
    assert undo(office) == 1
    with stage.session() as session:
        names = set(session.scalars(sa.select(models.Community.name)))
        assert "甲社区" in names
        assert "乙社区" not in names
        # The street that one of the rows left still needs stays too.
        assert "新街道" in set(session.scalars(sa.select(models.Street.name)))
        note = session.scalars(sa.select(AuditEntry.note).where(AuditEntry.table_name == "importbatch")).all()
    assert len(note) == 1


def test_what_a_later_import_changed_waits_for_that_one(office: Office) -> None:
    roster = ("街道", "社区", "姓名", "职务")
    office.run("liaison", table(roster, ("城东街道", "东栅社区", "胡秀珍", "书记")))
    office.run("liaison", table(roster, ("城东街道", "东栅社区", "胡秀珍", "主任")))
    with pytest.raises(UserError):
        undo(office, office.ran[0])
    assert undo(office, office.ran[1]) == 1
    assert undo(office, office.ran[0]) == 1
    assert office.stage.get("liaison", office.stage.inside["liaison"]).post is None


@pytest.mark.parametrize("id_given_again", [False, True])
def test_a_record_added_by_hand_after_the_imported_one_was_deleted_stays(office: Office, id_given_again: bool) -> None:
    """Databases set up before ids were unique for ever may hold another record under the imported one's id."""
    stage = office.stage
    office.run("street", table(("街道",), ("新街道",)))
    with stage.session() as session:
        imported = session.execute(sa.select(models.Street).where(models.Street.name == "新街道")).scalar_one()
        old = imported.id
        session.delete(imported)
        session.flush()
        session.add(other := models.Street(name="另一街道"))
        if id_given_again:
            other.id = old
        session.flush()
        new = other.id
    assert (new == old) is id_given_again
    assert list(reasons(look(office)).values()) == [[f"Street #{old} isn't there any more."]]
    with pytest.raises(UserError):
        undo(office)
    assert stage.get("street", new).name == "另一街道"


def test_twice_is_once(office: Office) -> None:
    office.run("street", table(("街道名称",), ("新街道",)))
    undo(office)
    with pytest.raises(UserError) as told:
        undo(office)
    assert sentences([told.value.message])[0].startswith("This import was taken back already: office, 2026-07-15")


def test_too_late_is_said_and_nothing_personal_is_kept(office: Office) -> None:
    office.run("liaison", table(ROSTER, ("城东街道", "东栅社区", "胡秀珍", "13912345678", None, None)))
    with office.stage.session() as session:
        batch = sa.update(ImportBatch.__table__).where(ImportBatch.__table__.c.id == office.ran[0])
        if session.get_bind().dialect.name == "sqlite":
            session.connection().exec_driver_sql("DROP TRIGGER keep_importbatch_update")
        else:
            session.connection().exec_driver_sql('DROP TRIGGER "keep_importbatch" ON importbatch')
        session.connection().execute(batch.values(at=factories.MOMENT - timedelta(days=181)))
    assert sentences([look(office).refusal]) == ["It is too late: an import can be taken back for 180 days."]
    office.run("street", table(("街道名称",), ("新街道",)))
    with office.stage.session() as session:
        (kept,) = session.scalars(sa.select(ImportRow).where(ImportRow.batch_id == office.ran[0]))
        assert (kept.before, kept.besides, kept.outcome) == (None, None, "changed")


def test_an_imported_case_is_voided_and_keeps_its_number(office: Office) -> None:
    stage = office.stage
    labels = ("受理时间", "社区", "地点", "事项", "问题描述", "投诉人", "办结时间", "12345工单号")
    ledger = table(
        labels,
        ("2026-05-04 09:00", "东栅社区", "东塔路 5 幢", "ZF03", "养鸡扰民", "张三", "2026-05-06 09:00", "W1"),
        ("2026-05-05 09:00", "东栅社区", "东塔路 6 幢", "ZF03", "养鸭扰民", "李四", None, None),
    )
    parties = rows_of(stage, "caseparty")
    office.run("case", ledger)
    with stage.session() as session:
        first, second = session.scalars(sa.select(Case).where(Case.historic).order_by(Case.id))
        steps_event = events.append(session, second, "note", second.status, second.status, None, "测试", "已电话联系")
        assert steps_event.seq == 2
    found = reasons(look(office))
    assert found == {3: ["“Add a note” was done with the case since."]}
    assert undo(office) == 1
    with stage.session() as session:
        voided = session.get_one(Case, first.id)
        assert (voided.status, voided.case_no, voided.hotline_no) == (CaseStatus.VOIDED, first.case_no, None)
        history = session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == first.id)).all()
        assert [event.step for event in history] == ["import", "take_back"]
        assert events.verify(history) is None
        names = session.scalars(sa.select(CaseParty.name).where(CaseParty.case_id == first.id)).all()
        assert names == []
    assert len(rows_of(stage, "caseparty")) == len(parties) + 1
    again = office.run("case", ledger)
    assert counts(again) == {"new": 1, "unchanged": 1}
    assert stage.get("case", again.rows[0].id or 0).case_no != first.case_no


def test_a_ledger_of_the_month_counts_it_as_void(office: Office) -> None:
    from bureau.calendar.month import Month
    from bureau.ledger import rows as ledger

    office.run(
        "case",
        table(
            ("受理时间", "社区", "地点", "事项", "问题描述", "办结时间"),
            ("2026-05-04 09:00", "东栅社区", "东塔路 5 幢", "ZF03", "养鸡扰民", "2026-05-06 09:00"),
        ),
    )
    undo(office)
    with office.stage.session() as session:
        (row,) = ledger.rows(session, Month(2026, 5), models.Basis.ACCEPTED)
        assert row.standing is CaseStatus.VOIDED
        assert list(ledger.rows(session, Month(2026, 5), models.Basis.CLOSED)) == []


def test_a_number_of_statements_that_does_not_grow_with_the_rows(office: Office) -> None:
    def cost(n: int) -> int:
        rows = [("城东街道", f"社区{n}之{i}", i) for i in range(n)]
        office.run("community", table(("街道", "社区", "户数"), *rows))
        with office.stage.app.app_context():
            engine = office.stage.panel.db.engine
        with factories.counted(engine) as statements:
            assert undo(office) == n
        return len(statements)

    assert cost(2) == cost(40)


@pytest.mark.parametrize(("person", "status"), [("office", 200), ("viewer", 403), ("leader", 403), ("auditor", 403)])
def test_who_may_take_an_import_back(office: Office, person: str, status: int) -> None:
    """A colleague of the office takes back what another one imported; nobody else does."""
    stage = office.stage
    with stage.session() as session:
        account(session, stage.panel, "second", "office")
    Office(stage, "second").run("street", table(("街道名称",), ("新街道",)))
    with stage.session() as session:
        id_ = session.scalar(sa.select(sa.func.max(ImportBatch.id)))
    assert stage.browse(person).get(f"/admin/importbatch/undo/?id={id_}").status_code == status


def test_the_page_shows_asks_and_takes_back(office: Office) -> None:
    stage, browser = office.stage, office.stage.browse("office")
    office.run("liaison", table(ROSTER, ("城东街道", "东栅社区", "李新", "13805730001", None, "2026-07-10")))
    address = f"/admin/importbatch/undo/?id={office.ran[-1]}"
    assert address.replace("&", "&amp;") in browser.get(f"/admin/importbatch/details/?id={office.ran[-1]}").text
    page = browser.get(address).text
    assert "李新" in page
    assert "胡秀珍" in page
    (digest,) = re.findall(r'name="digest" value="([^"]+)"', page)
    assert browser.post(address, {"digest": "other"}).status_code == 409
    assert stage.get("liaison", stage.inside["liaison"]).end_on is not None
    assert browser.post(address, {"digest": digest}).status_code == 302
    assert stage.get("liaison", stage.inside["liaison"]).end_on is None
    details = browser.get(f"/admin/importbatch/details/?id={office.ran[-1]}").text
    assert "已撤销" in details
    assert browser.post(address, {"digest": digest}).status_code == 409


def handling(stage: Stage) -> Any:
    """A case that is being handled and was never referred."""
    with stage.session() as session:
        community = session.get_one(models.Community, stage.inside["community"])
        second = session.get_one(models.Officer, stage.inside["second_officer"])
        item = session.get_one(models.ChecklistItem, stage.inside["checklistitem"])
        return factories.case(session, community, second=second, item=item)


REFERRALS = ("文书号", "案件编号", "协同部门", "协同事项", "发出时间", "签收时间", "反馈时间", "反馈内容", "退回原因")


def test_an_imported_referral_takes_the_step_of_its_case(office: Office) -> None:
    stage, case = office.stage, handling(office.stage)
    made = office.run("referral", table(REFERRALS[:4], ("移1号", case.case_no, "公安交警", "请清理僵尸车")))
    stored = stage.get("referral", made.rows[0].id or 0)
    assert (stored.status, stored.reply_due_at is not None) == (ReferralStatus.SENT, True)
    with stage.session() as session:
        history = session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == case.id)).all()
        assert session.get_one(Case, case.id).status is CaseStatus.REFERRED
        assert (history[-1].step, history[-1].opinion, history[-1].actor_name) == ("refer", "请清理僵尸车", "office")
        assert events.verify(history) is None
    undo(office)
    with stage.session() as session:
        history = session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == case.id)).all()
        assert session.get_one(Case, case.id).status is CaseStatus.HANDLING
        assert (history[-1].step, events.verify(history)) == ("take_back", None)


def test_a_referral_that_was_signed_for_since_stays(office: Office) -> None:
    case = handling(office.stage)
    made = office.run("referral", table(REFERRALS[:4], ("移1号", case.case_no, "公安交警", "请清理僵尸车")))
    steps.take(office.stage, "office", case.id, "sign", referral=made.rows[0].id)
    assert "Changed since: office" in reasons(look(office))[2][0]


def test_a_case_that_can_not_be_referred_fails_its_row(office: Office) -> None:
    stage = office.stage
    reported = stage.get("case", stage.add("case"))
    line = ("移2号", reported.case_no, "公安交警", "请清理", None, None, None)
    made = office.plan("referral", table(REFERRALS, (*line, None, None)))
    assert sentences([made.rows[0].errors[0].message])[0].endswith("accepted and not handled.")
    steps.take(stage, "office", reported.id, "reject", reason="不属管辖", told="电话", responsible="社区")
    ended = office.plan("referral", table(REFERRALS, (*line, None, None)))
    assert "give the reply or the reason for return" in sentences([ended.rows[0].errors[0].message])[0]
    today_ = today().isoformat()
    brought = office.run("referral", table(REFERRALS, (*line[:4], today_, today_, today_, "已清理", None)))
    stored = stage.get("referral", brought.rows[0].id or 0)
    assert (stored.status, stored.reply) == (ReferralStatus.REPLIED, "已清理")
    with stage.session() as session:
        assert session.get_one(Case, reported.id).status is CaseStatus.REJECTED
        query = sa.select(CaseEvent.step).where(CaseEvent.case_id == reported.id).order_by(CaseEvent.seq.desc())
        assert session.scalars(query).first() == "import"
    same = office.plan("referral", table(REFERRALS, (*line[:4], today_, today_, today_, "已清理", None)))
    assert counts(same) == {"unchanged": 1}
    other = office.plan("referral", table(REFERRALS, (*line[:4], today_, today_, today_, "没有", None)))
    assert counts(other) == {"failed": 1}


@pytest.mark.parametrize(("minutes", "kept"), [(-1, True), (1, False)])
def test_values_of_an_import_go_after_the_days_that_it_can_be_taken_back(
    office: Office, minutes: int, *, kept: bool
) -> None:
    office.run("liaison", table(ROSTER, ("城东街道", "东栅社区", "胡秀珍", "13912345678", None, None)))
    with office.stage.session() as session:
        at = session.get_one(ImportBatch, office.ran[0]).at
    with time_machine.travel(at + timedelta(days=180, minutes=minutes), tick=False), office.stage.session() as session:
        import_undo.delete_expired(session, 180)
        (row,) = session.scalars(sa.select(ImportRow).where(ImportRow.batch_id == office.ran[0]))
        assert (row.before is not None) is kept


@pytest.mark.parametrize(("later", "allowed"), [(timedelta(), True), (timedelta(microseconds=1), False)])
def test_an_import_is_taken_back_up_to_the_last_moment_of_its_days(
    office: Office, later: timedelta, *, allowed: bool
) -> None:
    office.run("liaison", table(ROSTER, ("城东街道", "东栅社区", "胡秀珍", "13912345678", None, None)))
    with office.stage.session() as session:
        at = session.get_one(ImportBatch, office.ran[0]).at
        days = office.stage.panel.registry.keep_days(session)
    with time_machine.travel(at + timedelta(days=days) + later, tick=False):
        made = look(office)
        assert bool(made.going) is allowed
        assert (made.refusal is None) is allowed
        with office.stage.session() as session:
            import_undo.delete_expired(session, days)
            (row,) = session.scalars(sa.select(ImportRow).where(ImportRow.batch_id == office.ran[0]))
            assert (row.before is not None) is allowed, "what can be taken back is kept"
