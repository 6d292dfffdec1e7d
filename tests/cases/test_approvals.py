"""Extensions and suspensions: asked for by one person, decided by another; what becomes of the deadline."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.exc import IntegrityError

import models
from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases import approvals, clock, recompute
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.settings import settings
from models import Case, CaseStatus, ChangeKind, ChangeStatus, DeadlineChange, LimitUnit
from panel.kinds import now
from tests import steps
from tests.factories import Stage

S = CaseStatus


def change(stage: Stage, id_: int, kind: ChangeKind | None = None) -> DeadlineChange:
    """What was last asked for, of any kind or of one."""
    with stage.session() as session:
        query = sa.select(DeadlineChange).where(DeadlineChange.case_id == id_).order_by(DeadlineChange.id.desc())
        if kind is not None:
            query = query.where(DeadlineChange.kind == kind)
        return session.scalars(query.limit(1)).one()


def event(stage: Stage, id_: int) -> models.CaseEvent:
    with stage.session() as session:
        return steps.history(session, id_)[-1]


@contextmanager
def later(**length: Any) -> Iterator[None]:
    with time_machine.travel(now() + timedelta(**length), tick=True):
        yield


def test_an_extension_moves_the_deadline_once_it_is_approved(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    before = steps.take(stage, "officer", id_, "extend", days=2).due_at
    assert before is not None
    assert change(stage, id_).new_due_at is None
    case = steps.take(stage, "leader", id_, "approve")
    with stage.session() as session:
        calendar = office_calendar(session)
    assert case.due_at == deadlines.due(before, 2, LimitUnit.WORKING_DAY, calendar)
    made = change(stage, id_)
    assert (made.status, made.old_due_at, made.new_due_at) == (ChangeStatus.APPROVED, before, case.due_at)
    assert (made.asked_by, made.decided_by) == ("officer", "leader")
    kept = event(stage, id_).payload
    assert (kept["due_before"], kept["due_after"]) == (before.isoformat(), case.due_at.isoformat())


def test_how_often_and_how_far_is_a_setting(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, "officer", id_, "extend", days=4)
    assert list(lacking.value.problems) == ["days"], "the limit of this item is three days"
    for share in (200, 100):
        with stage.session() as session:
            settings.put(session, "extension_share", share)
        if share == 200:
            steps.take(stage, "officer", id_, "extend", days=6)
            steps.take(stage, "leader", id_, "approve")
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "officer", id_, "extend")
    with stage.session() as session:
        settings.put(session, "extension_times", 2)
    steps.take(stage, "officer", id_, "extend")


def test_after_the_deadline_it_is_too_late_to_ask(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer", due_at=now() - timedelta(minutes=1))
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "officer", id_, "extend")


def test_who_asks_never_decides(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "leader")
    steps.take(stage, "leader", id_, "suspend")
    for who in ("leader", "officer"):
        for decision in ("approve", "refuse"):
            with pytest.raises(StepNotAllowed):
                steps.take(stage, who, id_, decision)
    itself = (
        sa.update(DeadlineChange).where(DeadlineChange.case_id == id_).values(decided_by_id=DeadlineChange.asked_by_id)
    )
    with stage.session() as session:
        with pytest.raises(IntegrityError):
            session.execute(itself)
        session.rollback()
    assert steps.take(stage, "office", id_, "approve").status is S.SUSPENDED, "the office decides for a leader"


def test_the_office_does_not_decide_in_the_leaders_place(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    steps.take(stage, "officer", id_, "suspend")
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "office", id_, "approve")
    refused = steps.take(stage, "leader", id_, "refuse")
    assert (refused.status, change(stage, id_).status) == (S.HANDLING, ChangeStatus.REFUSED)
    steps.take(stage, "officer", id_, "suspend")


def test_one_thing_is_asked_for_at_a_time(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    steps.take(stage, "officer", id_, "suspend")
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "officer", id_, "extend")
    page = stage.browse("officer").get(f"/admin/case/details/?id={id_}").text
    assert "step=extend" not in page
    assert "step=suspend" not in page


@pytest.mark.parametrize("status", [S.HANDLING, S.REFERRED, S.MEDIATING])
def test_the_clock_stands_still_and_the_case_goes_back(stage: Stage, status: CaseStatus) -> None:
    id_ = steps.new_case(stage, status, "officer")
    steps.take(stage, "officer", id_, "suspend")
    suspended = steps.take(stage, "leader", id_, "approve")
    assert suspended.status is S.SUSPENDED
    with later(days=5):
        with pytest.raises(StepNotAllowed):
            steps.take(stage, "officer", id_, "resume")
        assert steps.take(stage, "officer", id_, "ask_resume").status is S.SUSPENDED
        with pytest.raises(StepNotAllowed):
            steps.take(stage, "officer", id_, "approve")
        resumed = steps.take(stage, "leader", id_, "approve")
        made = change(stage, id_, ChangeKind.SUSPENSION)
        assert made.decided_at is not None
        assert made.resumed_at is not None
        with stage.session() as session:
            calendar = office_calendar(session)
    assert resumed.status is status
    assert (made.status, made.came_from) == (ChangeStatus.OVER, status.value)
    stood = deadlines.working_days_between(made.decided_at, made.resumed_at, calendar)
    assert stood >= 3
    assert suspended.due_at is not None
    assert resumed.due_at == deadlines.due(suspended.due_at, stood, LimitUnit.WORKING_DAY, calendar)


def test_the_leader_resumes_a_case_but_not_one_of_their_own(stage: Stage) -> None:
    """Whoever handles a case needs another person's word for it, to stop the clock and to let it run again."""
    other, own = (steps.new_case(stage, S.HANDLING, who) for who in ("officer", "leader"))
    for id_, who, decides in ((other, "officer", "leader"), (own, "leader", "office")):
        steps.take(stage, who, id_, "suspend")
        steps.take(stage, decides, id_, "approve")
    steps.take(stage, "officer", other, "ask_resume")
    assert steps.take(stage, "leader", other, "resume").status is S.HANDLING
    made = change(stage, other)
    assert (made.kind, made.status, made.decided_by) == (ChangeKind.RESUMPTION, ChangeStatus.APPROVED, "leader")
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "leader", own, "resume")
    steps.take(stage, "leader", own, "ask_resume")
    refused = steps.take(stage, "office", own, "refuse")
    assert (refused.status, change(stage, own).status) == (S.SUSPENDED, ChangeStatus.REFUSED)
    steps.take(stage, "leader", own, "ask_resume")
    assert steps.take(stage, "office", own, "approve").status is S.HANDLING


def test_a_request_lapses_when_the_case_moves_on(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    steps.take(stage, "officer", id_, "extend")
    steps.take(stage, "officer", id_, "handle")
    made = change(stage, id_)
    assert (made.status, made.decided_by_id) == (ChangeStatus.REFUSED, None)
    with pytest.raises(StepNotAllowed):
        steps.take(stage, "leader", id_, "approve")


def test_another_item_works_the_deadline_out_anew_and_keeps_the_old_one(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    with stage.session() as session:
        before = session.get_one(Case, id_)
        item = steps.other_item(session, before)
    case = steps.take(stage, "leader", id_, "change_list", item=item)
    assert (case.list_kind, case.item_id) == (models.ListKind.SERVICE, item)
    assert case.item_snapshot is not None
    assert case.item_snapshot["limit_value"] == 7
    assert before.due_at is not None
    assert case.due_at is not None
    assert case.accepted_at is not None
    with stage.session() as session:
        calendar = office_calendar(session)
    assert case.due_at == deadlines.due(case.accepted_at, 7, LimitUnit.WORKING_DAY, calendar)
    kept = event(stage, id_).payload
    assert (kept["due_before"], kept["item_before"], kept["item"]) == (
        before.due_at.isoformat(),
        before.item_id,
        item,
    )
    page = html.unescape(stage.browse("leader").get(f"/admin/case/details/?id={id_}").text)
    assert "FW98 邻里纠纷" in page
    assert "ZF03 饲养家禽" in page
    with pytest.raises(InvalidValues):
        steps.take(stage, "leader", id_, "change_list", item=item)


def test_a_change_of_the_calendar_counts_what_was_granted(stage: Stage) -> None:
    extended, resumed = (steps.new_case(stage, S.HANDLING, "officer") for _ in range(2))
    steps.take(stage, "officer", extended, "extend", days=2)
    steps.take(stage, "leader", extended, "approve")
    steps.take(stage, "officer", resumed, "suspend")
    steps.take(stage, "leader", resumed, "approve")
    with later(days=2):
        steps.take(stage, "officer", resumed, "ask_resume")
        steps.take(stage, "leader", resumed, "approve")
        with stage.session() as session:
            due = {id_: session.get_one(Case, id_).due_at for id_ in (extended, resumed)}
            known = {one.id for one in recompute.moved_deadlines(session)}
            assert not {extended, resumed} & known, "nothing moves while the calendar stands"
            for moment in due.values():
                day = deadlines.local_day(moment)
                if not session.scalar(sa.select(models.CalendarDay.id).where(models.CalendarDay.day == day)):
                    session.add(models.CalendarDay(day=day, is_work=False, name="临时放假"))
                    session.flush()
            recompute.recompute(session)
            calendar = office_calendar(session)
            for id_, moment in due.items():
                case = session.get_one(Case, id_)
                limit = clock.limit_of(case.item_snapshot, case.urgency)
                changes = session.scalars(sa.select(DeadlineChange).where(DeadlineChange.case_id == id_)).all()
                assert limit is not None
                assert case.accepted_at is not None
                assert case.due_at > moment
                assert case.due_at == clock.due_at(case.accepted_at, limit, changes, calendar)


@pytest.mark.framed
@pytest.mark.parametrize(("who", "status"), [("leader", 200), ("office", 200), ("officer", 403), ("viewer", 403)])
def test_who_has_the_list(standing: Stage, who: str, status: int) -> None:
    assert standing.browse(who).get("/approvals").status_code == status
    assert ("/approvals" in standing.browse(who).menu()) is (status == 200)


def test_the_leader_decides_on_the_list(stage: Stage) -> None:
    first, second = (steps.new_case(stage, S.HANDLING, "officer") for _ in range(2))
    for id_ in (first, second):
        steps.take(stage, "officer", id_, "suspend", reason="等待鉴定结论")
    with stage.session() as session:
        outside = session.get_one(Case, stage.outside["case"])
        session.add(steps.asked(outside, reason="外区的申请"))
        versions = {id_: session.get_one(Case, id_).version for id_ in (first, second)}
    leader = stage.browse("leader")
    page = html.unescape(leader.get("/approvals").text)
    assert page.count("等待鉴定结论") == 2
    assert "外区的申请" not in page
    assert leader.get("/admin/deadlinechange/?is=mine").text.count("等待鉴定结论") >= 2
    assert "等待鉴定结论" not in stage.browse("office").get("/approvals").text
    silent = {"case": str(first), "version": str(versions[first]), "decision": "refuse", "opinion": ""}
    assert stage.browse("leader").post("/approvals", silent, follow_redirects=True).status_code == 200
    assert change(stage, first).status is ChangeStatus.ASKED, "a refusal needs a reason"
    leader.post("/approvals", silent | {"opinion": "可以继续处置"})
    leader.post("/approvals", {"case": str(second), "version": str(versions[second]), "decision": "approve"})
    assert change(stage, first).status is ChangeStatus.REFUSED
    assert stage.get("case", second).status is S.SUSPENDED
    assert "等待鉴定结论" not in leader.get("/approvals").text


def test_nobody_decides_past_the_list(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "leader")
    steps.take(stage, "leader", id_, "suspend")
    with stage.session() as session:
        version = session.get_one(Case, id_).version
    given = {"case": str(id_), "version": str(version), "decision": "approve"}
    stage.browse("leader").post("/approvals", given)
    assert change(stage, id_).status is ChangeStatus.ASKED, "one's own request"
    stage.browse("office").post("/approvals", given | {"version": str(version - 1)})
    assert change(stage, id_).status is ChangeStatus.ASKED, "another request than the one looked at"
    assert stage.browse("officer").post("/approvals", given).status_code == 403
    assert stage.browse("leader").post("/approvals", given | {"case": str(stage.outside["case"])}).status_code == 404
    assert stage.browse("office").post("/approvals", given | {"decision": "void"}).status_code == 404
    stage.browse("office").post("/approvals", given)
    assert change(stage, id_).status is ChangeStatus.APPROVED


def test_what_waits_is_one_condition_for_list_badge_and_tile(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.HANDLING, "leader")
    steps.take(stage, "leader", id_, "suspend")
    for who, expected in (("leader", 0), ("office", 1)):
        with steps.acting(stage, who) as session:
            condition = approvals.decidable_by(session.info["actor"])
            assert session.scalar(sa.select(sa.func.count(DeadlineChange.id)).where(condition)) == expected
