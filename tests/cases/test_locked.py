"""What is finished stays: locked columns and rows through the form, an import, the bulk writer and the session; the
steps that change them; penalties; who verifies."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from models import ActionKind, Case, CaseStatus, Feedback, OfficerKind, Outcome, Satisfaction, Source, Urgency
from panel.imports.records import ImportBatch
from panel.imports.undo import import_undo
from panel.kinds import now
from panel.security import locks
from panel.security.locks import Locked, Unmet, everybody_held, unlocked
from panel.store import bulk
from tests import steps
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, table

S = CaseStatus
EDIT = "/admin/case/edit/?id={}"
STEP = "/admin/case/step/?id={}&step={}"


def edited(stage: Stage, id_: int, **given: str) -> Any:
    office = stage.browse("office")
    return office.post(EDIT.format(id_), office.form(EDIT.format(id_)) | given)


def stored(stage: Stage, id_: int) -> Case:
    found = stage.get("case", id_)
    assert isinstance(found, Case)
    return found


@pytest.mark.parametrize(
    ("name", "value", "step"),
    [
        ("source", "patrol", "更正受理信息"),
        ("urgency", "urgent", "调整紧急程度"),
        ("reported_at", "2026-07-01T08:00", "更正"),
    ],
)
def test_the_intake_stays_from_acceptance_on(growing: Stage, name: str, value: str, step: str) -> None:
    """In the form shown with the reason; a changed value that is posted is an error; before acceptance it goes."""
    fresh, accepted = steps.new_case(growing), steps.new_case(growing, S.ACCEPTED)
    assert edited(growing, fresh, **{name: value}).status_code == 302
    page = growing.browse("office").get(EDIT.format(accepted)).text
    assert f'name="{name}"' not in page
    assert "受理后锁定" in page
    before = getattr(stored(growing, accepted), name)
    answer = edited(growing, accepted, **{name: value})
    assert answer.status_code == 422
    assert step in growing.browse("office").complaints(answer.text)
    assert getattr(stored(growing, accepted), name) == before


def test_below_the_views_too(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.ACCEPTED)
    version = stored(growing, id_).version
    with growing.acting("office") as session:
        case = session.get_one(Case, id_)
        case.source = Source.PATROL
        with pytest.raises(Locked):
            session.flush()
    with growing.acting("office") as session:
        row = bulk.Edit(id_, version, {"source": Source.PATROL}, {"source": Source.LIAISON})
        with pytest.raises(Locked):
            bulk.edit(session, Case, [row])
        with unlocked(session, "case.source"):
            bulk.edit(session, Case, [row])
    with growing.session() as session:
        row = bulk.Edit(id_, version, {"source": Source.PATROL}, {"source": Source.LIAISON})
        with pytest.raises(Locked), everybody_held(session):
            bulk.edit(session, Case, [row])
        bulk.edit(session, Case, [row])  # the system's own work isn't held


def test_a_closed_case_and_its_records_stay(growing: Stage) -> None:
    """Nothing is edited, added or deleted; the page says why; a reopened one is open again."""
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    action = growing.add("action", case_id=id_)
    party = growing.add("caseparty", case_id=id_)
    with growing.session() as session:
        steps.place(session, growing, session.get_one(Case, id_), S.CLOSED, "officer")
    office = growing.browse("office")
    assert "/admin/case/edit/" not in office.get(f"/admin/case/details/?id={id_}").text
    answer = office.get(EDIT.format(id_))
    assert (answer.status_code, "重启" in answer.text) == (403, True)
    for name, child in (("action", action), ("caseparty", party)):
        assert office.get(f"/admin/{name}/edit/?id={child}").status_code == 403
        office.post(f"/admin/{name}/delete/", {"id": child})
        assert growing.get(name, child) is not None
    given = {"case": str(id_), "kind": "persuasion", "at": "2026-07-15T09:00"}
    answer = office.post("/admin/action/new/", given)
    assert answer.status_code == 422
    assert "重启" in answer.text
    steps.take(growing, "leader", id_, "reopen")
    assert edited(growing, id_, title="重新处置").status_code == 302
    assert office.post("/admin/action/new/", given).status_code == 302


def test_what_was_done_stays_once_it_is_handled(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    action = growing.add("action", case_id=id_)
    assert edited(growing, id_, result="初步处理").status_code == 302
    with growing.session() as session:
        steps.place(session, growing, session.get_one(Case, id_), S.HANDLED, "officer")
    assert edited(growing, id_, result="另一种结果").status_code == 422
    office = growing.browse("office")
    assert office.get(f"/admin/action/edit/?id={action}").status_code == 403
    given = {"case": str(id_), "kind": "persuasion", "at": "2026-07-15T09:00"}
    assert office.post("/admin/action/new/", given).status_code == 302, "a visit to verify it"


def test_the_intake_is_corrected_by_a_step(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.ACCEPTED)
    with pytest.raises(InvalidValues):
        steps.take(growing, "office", id_, "correct_intake", reported_at=now() + timedelta(days=1))
    with pytest.raises(StepNotAllowed):
        steps.take(growing, "officer", id_, "correct_intake")
    with pytest.raises(InvalidValues):
        steps.take(growing, "office", id_, "correct_intake", reported_at=now() - timedelta(days=400))
    case = steps.take(growing, "office", id_, "correct_intake", source=Source.HOTLINE)
    assert case.source is Source.HOTLINE
    with growing.session() as session:
        event = steps.history(session, id_)[-1]
    assert event.payload["source_before"] == "liaison"
    page = growing.browse("office").get(f"/admin/case/details/?id={id_}").text
    assert "更正受理信息" in page


def test_the_urgency_moves_the_deadline_by_a_step(growing: Stage) -> None:
    with growing.session() as session:
        item = session.get_one(models.ChecklistItem, growing.inside["checklistitem"])
        limit = item.limit_unit
    assert limit is not None
    id_ = steps.new_case(growing, S.ACCEPTED)
    with growing.session() as session:
        case = session.get_one(Case, id_)
        case.item_snapshot = {**(case.item_snapshot or {}), "limit_value": 30, "limit_unit": "h"}
    before = stored(growing, id_).due_at
    case = steps.take(growing, "leader", id_, "change_urgency", urgency=Urgency.URGENT)
    assert case.urgency is Urgency.URGENT
    assert case.due_at != before
    with growing.session() as session:
        event = steps.history(session, id_)[-1]
    assert event.payload["urgency_before"] == "normal"
    assert {"due_before", "due_after"} <= set(event.payload)


def test_the_complainant_is_corrected_by_a_step(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.ACCEPTED)
    with growing.session() as session:
        party = steps.complainant_of(session, session.get_one(Case, id_))
    office = growing.browse("office")
    address = f"/admin/caseparty/edit/?id={party}"
    answer = office.post(address, office.form(address) | {"name": "换了人"})
    assert answer.status_code == 422
    assert "更正投诉人" in office.complaints(answer.text)
    assert office.post("/admin/caseparty/delete/", {"id": party}).status_code == 302
    steps.take(growing, "officer", id_, "correct_party", party=party, party_name="王小五")
    assert growing.get("caseparty", party).name == "王小五"
    page = office.get(f"/admin/case/details/?id={id_}").text
    assert "王*" in page, "the edit stands masked in the timeline"
    assert "王小五" not in page


def test_only_the_office_makes_a_complainant_anonymous(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.ACCEPTED)
    with growing.session() as session:
        party = steps.complainant_of(session, session.get_one(Case, id_))
    unnamed = {"party": party, "known": "anonymous", "party_name": None, "phone": None, "address": None}
    with pytest.raises(InvalidValues) as refused:
        steps.take(growing, "officer", id_, "correct_party", **unnamed)
    assert list(refused.value.problems) == ["known"]
    steps.take(growing, "office", id_, "correct_party", **unnamed)
    assert growing.get("caseparty", party).anonymous


def test_a_complaint_is_not_made_of_a_report_without_complainant(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.ACCEPTED)
    with growing.session() as session:
        session.execute(sa.delete(models.CaseParty).where(models.CaseParty.case_id == id_))
    with pytest.raises(InvalidValues) as refused:
        steps.take(growing, "office", id_, "correct_intake", source=Source.RESIDENT)
    assert list(refused.value.problems) == ["source"]


def test_feedback_stays_and_is_corrected_by_a_further_one(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.VERIFIED, "officer")
    with growing.session() as session:
        told = Feedback(
            case_id=id_, target="complainant", content="已告知", at=now(), satisfaction=Satisfaction.UNSATISFIED
        )
        session.add(told)
        session.flush()
        first = told.id
    office = growing.browse("office")
    assert office.get(f"/admin/feedback/edit/?id={first}").status_code == 403
    assert office.post("/admin/feedback/delete/", {"id": first}).status_code == 403
    for at, why in (("2026-07-01T08:00", "早于"), ("2030-01-01T08:00", "未到")):
        given = {"case": str(id_), "target": "liaison", "channel": "phone", "content": "已告知", "at": at}
        answer = office.post("/admin/feedback/new/", given)
        assert answer.status_code == 422, why
    for who, lacking in (("office", {"satisfaction": None}), ("officer", {})):
        with pytest.raises(InvalidValues if lacking else StepNotAllowed):
            steps.take(growing, who, id_, "correct_feedback", **{"feedback": first, **lacking})
    given = {"satisfaction": Satisfaction.SATISFIED, "feedback": first}
    steps.take(growing, "office", id_, "correct_feedback", **given)
    with pytest.raises(InvalidValues):
        steps.take(growing, "office", id_, "correct_feedback", **given)
    with growing.session() as session:
        counting = session.scalars(sa.select(Feedback).where(Feedback.case_id == id_, Feedback.counts())).all()
        assert [row.satisfaction for row in counting if row.corrects_id == first] == [Satisfaction.SATISFIED]
        assert first not in [row.id for row in counting]


# Penalties.


def officers(stage: Stage) -> dict[str, int]:
    with stage.session() as session:
        second = steps.colleague(session, stage)
    return {"penalty_officer": stage.inside["officer"], "penalty_second_officer": second}


@pytest.mark.parametrize(
    ("outcome", "given"),
    [
        (Outcome.FINED, {"penalty_no": "罚〔2026〕1号", "penalty_amount": Decimal(50)}),
        (Outcome.FILED, {"filing_no": "立〔2026〕1号"}),
    ],
)
def test_a_penalty_needs_its_record(growing: Stage, outcome: Outcome, given: dict[str, Any]) -> None:
    people = officers(growing)
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    for name in (*given, *people):
        with pytest.raises(InvalidValues) as refused:
            steps.take(growing, "officer", id_, "handle", outcome=outcome, **{**given, **people, name: None})
        assert set(refused.value.problems) == {name}
    with growing.session() as session:
        helper = models.Officer(name="协管员", squad_id=growing.inside["squad"], kind=OfficerKind.AUXILIARY)
        session.add(helper)
        session.flush()
        auxiliary = {**people, "penalty_second_officer": helper.id}
    with pytest.raises(InvalidValues):
        steps.take(growing, "officer", id_, "handle", outcome=outcome, **given, **auxiliary)
    steps.take(growing, "officer", id_, "handle", outcome=outcome, **given, **people)
    with growing.session() as session:
        (action,) = session.scalars(sa.select(models.Action).where(models.Action.case_id == id_)).all()
        assert action.document_no in given.values()
        assert action.officer_id == people["penalty_officer"]


def test_a_penalty_without_record_is_refused_in_forms(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    answer = edited(growing, id_, outcome="fined")
    assert answer.status_code == 422
    assert "处罚记录" in answer.text
    office, people = growing.browse("office"), officers(growing)
    given = {
        "case": str(id_),
        "kind": "fine",
        "at": "2026-07-15T09:00",
        "officer": str(people["penalty_officer"]),
        "second_officer": str(people["penalty_second_officer"]),
        "document_no": "罚〔2026〕2号",
        "amount": "50",
    }
    for name in ("document_no", "amount"):
        assert office.post("/admin/action/new/", {**given, name: ""}).status_code == 422
    assert office.post("/admin/action/new/", given).status_code == 302
    assert edited(growing, id_, outcome="fined").status_code == 302
    with growing.acting("office") as session, pytest.raises(Unmet):
        bulk.add(session, models.Action, [{**_action(id_, people), "document_no": None}])


def _action(id_: int, people: dict[str, int]) -> dict[str, Any]:
    first, second = people.values()
    return {
        "case_id": id_,
        "kind": ActionKind.FILING,
        "at": now(),
        "officer_id": first,
        "second_officer_id": second,
        "document_no": "立1",
    }


def test_persuasion_makes_its_action(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    steps.take(growing, "officer", id_, "handle", outcome=Outcome.EDUCATION)
    with growing.session() as session:
        (action,) = session.scalars(sa.select(models.Action).where(models.Action.case_id == id_)).all()
        assert (action.kind, action.officer_id) == (ActionKind.EDUCATION, growing.inside["officer"])


# Who verifies.


def test_who_recorded_the_handling_does_not_verify(growing: Stage) -> None:
    """The office records it for a handler without an account; whoever is named, somebody else verifies."""
    id_ = steps.new_case(growing, S.HANDLING, "nobody")
    steps.take(growing, "office", id_, "handle")
    with pytest.raises(StepNotAllowed):
        steps.take(growing, "office", id_, "verify")
    office = growing.browse("office")
    assert office.get(STEP.format(id_, "verify")).status_code == 403
    assert "不能核查" in office.get(f"/admin/case/details/?id={id_}").text
    version = stored(growing, id_).version
    answer = office.post("/admin/case/bulk/", {"step": "verify", "row": f"{id_}.{version}", "finding": "属实"})
    assert answer.status_code == 200
    assert stored(growing, id_).status is S.HANDLED
    assert steps.take(growing, "leader", id_, "verify").status is S.VERIFIED


def test_reassigning_does_not_let_the_recorder_verify(growing: Stage) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    steps.take(growing, "officer", id_, "handle")
    with growing.session() as session:
        session.get_one(Case, id_).handler_id = growing.inside["second_officer"]
    with pytest.raises(StepNotAllowed):
        steps.take(growing, "officer", id_, "verify")
    with growing.session() as session:
        case = session.get_one(Case, id_)
        assert workflow.standing(session, case).system


# Imports.


@pytest.mark.parametrize("person", ["", "office"])
def test_an_import_says_what_is_locked(growing: Stage, person: str) -> None:
    """Column, row and reason in the preview; of a case that isn't accepted the same row is a change."""
    office = Office(growing, person)
    fresh, accepted = steps.new_case(growing), steps.new_case(growing, S.ACCEPTED)
    cases = [stored(growing, id_) for id_ in (fresh, accepted)]
    rows = [(case.case_no, "东栅社区", case.description, "巡查发现") for case in cases]
    plan = office.plan("case", table(("案件编号", "社区", "问题描述", "来源"), *rows))
    assert counts(plan) == {"changed": 1, "failed": 1}
    assert errors(plan) == [(3, "来源", str(errors(plan)[0][2]))]
    assert "Correct the intake" in errors(plan)[0][2]


def test_an_import_of_penalties_names_what_is_missing(growing: Stage) -> None:
    office, id_ = Office(growing, "office"), steps.new_case(growing, S.HANDLING, "officer")
    case = stored(growing, id_)
    given = (case.case_no, "东栅社区", case.description, "当场处罚")
    plan = office.plan("case", table(("案件编号", "社区", "问题描述", "处置方式"), given))
    assert [column for _row, column, _why in errors(plan)] == ["处置方式"]
    ledger = ("受理时间", "社区", "地点", "问题描述", "处置方式", "处理结果", "办结时间")
    row = ("2026-05-04 09:00", "东栅社区", "东塔路 9 号", "店外经营", "当场处罚", "已处罚", "2026-05-06 10:00")
    plan = office.plan("case", table(ledger, row))
    assert any("处罚记录" in str(note) for note in plan.rows[0].notes)


def test_an_import_is_taken_back_although_its_cases_are_locked(growing: Stage) -> None:
    """A case of an old ledger is voided with its complainant; feedback of a case is removed."""
    office = Office(growing, "office")
    ledger = ("受理时间", "社区", "地点", "问题描述", "处理结果", "办结时间", "投诉人", "12345工单号")
    row = (
        "2026-05-04 09:00",
        "东栅社区",
        "东塔路 10 号",
        "店外经营",
        "已处理",
        "2026-05-06 10:00",
        "钱七",
        "GD-撤销-1",
    )
    plan = office.run("case", table(ledger, row))
    with office.session() as session:
        batch = session.get_one(ImportBatch, office.ran[-1])
        undo = import_undo.plan(session, batch, growing.panel.registry)
        assert not undo.staying
        import_undo.run(session, undo, growing.panel.registry)
    assert stored(growing, plan.rows[0].id or 0).status is S.VOIDED


@pytest.mark.parametrize(
    "model", [models.CaseParty, models.Action, models.Attachment, models.MediationSession, models.MediationMember]
)
def test_a_lock_looks_up_its_case_by_id(standing: Stage, model: Any) -> None:
    """Among all cases that have ended it would be looked for in the whole past."""
    columns = model.__table__.c
    statement = sa.select(*(lock.when(columns) for lock in locks.of_model(model))).where(columns.id == 1)
    with standing.session() as session:
        sql = statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert [step.detail for step in plan if step.detail.startswith("SCAN")] == []
    assert any(step.detail.startswith("SEARCH its_case USING INTEGER PRIMARY KEY") for step in plan)
