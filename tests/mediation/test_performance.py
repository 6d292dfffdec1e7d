"""The deadline of a case with an agreement: the working day after the day of performance, asked for as soon as the
agreement is reached, decided by another person."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases import recompute
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.mediation.mediation import Ending
from models import CalendarDay, Case, CaseStatus, ChangeKind, ChangeStatus, DeadlineChange, Mediation, MediationStatus
from panel.kinds import today
from panel.notify.records import Notice
from tests import steps
from tests.factories import Stage

S = CaseStatus


def mediating(stage: Stage) -> int:
    return steps.new_case(stage, S.MEDIATING, "officer")


def end(stage: Stage, id_: int, by: date, who: str = "officer") -> Case:
    return steps.take(stage, who, id_, "end_mediation", perform_by=by)


def requests(stage: Stage, id_: int) -> list[DeadlineChange]:
    with stage.session() as session:
        statement = sa.select(DeadlineChange).where(DeadlineChange.case_id == id_).order_by(DeadlineChange.id)
        return list(session.scalars(statement))


def test_an_agreement_asks_for_its_deadline_and_an_approval_moves_it(stage: Stage) -> None:
    id_, by = mediating(stage), today() + timedelta(days=45)
    before = stage.get("case", id_).due_at
    case = end(stage, id_, by)
    assert (case.status, case.due_at) == (S.HANDLING, before), "nothing moves before it is approved"
    (asked,) = requests(stage, id_)
    assert (asked.kind, asked.status, asked.perform_by) == (ChangeKind.PERFORMANCE, ChangeStatus.ASKED, by)
    assert (asked.asked_by, asked.old_due_at) == ("officer", before)
    with stage.session() as session:
        taken = [event.step for event in steps.history(session, id_)[-2:]]
        told = session.scalars(sa.select(Notice.kind).where(Notice.record_id == id_)).all()
    assert taken == ["end_mediation", "ask_performance"]
    assert "approval_asked" in told
    for who in ("officer", "office"):
        with pytest.raises(StepNotAllowed):
            steps.take(stage, who, id_, "approve")
    moved = steps.take(stage, "leader", id_, "approve").due_at
    with stage.session() as session:
        due = deadlines.performed(by, office_calendar(session))
    assert moved == due
    (granted,) = requests(stage, id_)
    assert (granted.status, granted.old_due_at, granted.new_due_at) == (ChangeStatus.APPROVED, before, due)


def test_the_page_of_approvals_says_how_it_would_be_due_and_decides(stage: Stage) -> None:
    id_, by = mediating(stage), today() + timedelta(days=45)
    end(stage, id_, by)
    leader = stage.browse("leader")
    page = leader.get("/approvals").text
    for words in ("按履行期限顺延", by.isoformat(), "预计到期"):
        assert words in page
    details = stage.browse("officer").get(f"/admin/case/details/?id={id_}").text
    assert "申请按履行期限顺延" in details
    form = {"decision": "approve", "case": str(id_), "version": str(stage.get("case", id_).version), "opinion": ""}
    assert stage.browse("officer").post("/approvals", data=form).status_code == 403
    leader.post("/approvals", data=form)
    assert requests(stage, id_)[-1].status is ChangeStatus.APPROVED
    assert f"{requests(stage, id_)[-1].perform_by}" == by.isoformat()


@pytest.mark.parametrize("who", ["office", "officer"])
def test_the_office_begins_and_ends_a_mediation_as_well(stage: Stage, who: str) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "leader")
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.item_snapshot = {**(case.item_snapshot or {}), "mediable": True}
    begin, finish = (f"/admin/case/step/?id={id_}&step={name}" for name in ("mediate", "end_mediation"))
    browser = stage.browse(who)
    assert stage.browse("leader").get(begin).status_code == 403
    assert browser.get(begin).status_code == 200
    steps.take(stage, who, id_, "mediate")
    assert browser.get(finish).status_code == 200
    assert steps.take(stage, who, id_, "end_mediation").status is S.HANDLING


def test_what_waited_already_is_replaced_and_says_so(stage: Stage) -> None:
    id_ = mediating(stage)
    steps.take(stage, "officer", id_, "extend", days=1)
    end(stage, id_, today() + timedelta(days=45), "office")
    first, second = requests(stage, id_)
    assert (first.kind, first.status) == (ChangeKind.EXTENSION, ChangeStatus.REFUSED)
    assert first.opinion == "已达成调解协议，改为申请按履行期限顺延。"
    assert (second.kind, second.status, second.asked_by) == (ChangeKind.PERFORMANCE, ChangeStatus.ASKED, "office")


def test_a_refused_one_is_asked_for_again_and_an_extension_stays_possible(stage: Stage) -> None:
    id_ = mediating(stage)
    end(stage, id_, today() + timedelta(days=45))
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "officer", id_, "ask_performance")
    steps.take(stage, "leader", id_, "refuse")
    assert f"id={id_}&amp;step=ask_performance" in stage.browse("officer").get(f"/admin/case/details/?id={id_}").text
    steps.take(stage, "leader", id_, "ask_performance")
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "leader", id_, "approve")
    steps.take(stage, "office", id_, "approve")
    granted = stage.get("case", id_).due_at
    with pytest.raises(InvalidValues):
        steps.take(stage, "officer", id_, "ask_performance")
    steps.take(stage, "officer", id_, "extend", days=1)
    assert steps.take(stage, "leader", id_, "approve").due_at > granted, "the performance counts as no extension"


def test_nothing_is_asked_for_where_the_deadline_is_later_or_nothing_was_agreed(stage: Stage) -> None:
    """The time of a case never gets shorter."""
    id_ = mediating(stage)
    due = stage.get("case", id_).due_at
    assert end(stage, id_, today()).due_at == due
    assert requests(stage, id_) == []
    other = mediating(stage)
    steps.take(stage, "officer", other, "end_mediation", ending=Ending.FAILED, ended_by="party_a", remedies="可起诉")
    assert requests(stage, other) == []
    with stage.session() as session:
        mediation = session.scalars(sa.select(Mediation).where(Mediation.case_id == other)).one()
    assert mediation.status is MediationStatus.FAILED


def test_the_deadline_follows_the_calendar_afterwards(stage: Stage) -> None:
    id_, by = mediating(stage), today() + timedelta(days=45)
    end(stage, id_, by)
    due = steps.take(stage, "leader", id_, "approve").due_at
    with stage.session() as session:
        session.add(CalendarDay(day=deadlines.local_day(due), is_work=False, name="调休"))
        session.flush()
        moved = {case.id: case.after for case in recompute.moved_deadlines(session)}
        calendar = office_calendar(session)
    assert moved[id_] == deadlines.performed(by, calendar) > due
