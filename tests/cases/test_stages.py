"""How long a case may wait to be accepted, dispatched, verified and fed back: told by its light, by a list that finds
the very same cases, and by a reminder."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bureau.calendar.calendar import office_calendar
from bureau.cases import stages
from bureau.notices import reminders
from bureau.notices.reminders import Kind
from bureau.settings import settings
from models import Case, CaseStatus, Urgency
from panel.jobs import periodic
from panel.kinds import now
from panel.notify.records import Notice
from tests import steps
from tests.factories import Stage

pytestmark = pytest.mark.database

S = CaseStatus
#: The state, the column that its limit runs from. It is Wednesday, ten o'clock; offices open at half past eight.
BEGINS = {S.REPORTED: "reported_at", S.ACCEPTED: "accepted_at", S.HANDLED: "handled_at", S.VERIFIED: "handled_at"}
LONG, SHORT = timedelta(days=7), timedelta(minutes=30)


def waiting(stage: Stage, status: CaseStatus, since: timedelta, **given: Any) -> int:
    """A case that has waited for so long; due in a month, so that nothing else is to be told of it."""
    id_ = steps.new_case(stage, status, "leader" if status is not S.REPORTED else "", **given)
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.reported_at = now() - since - timedelta(hours=1)
        for name in ("accepted_at", "handled_at"):
            if getattr(case, name) is not None:
                setattr(case, name, now() - since)
        setattr(case, BEGINS[status], now() - since)
        if status is not S.REPORTED:
            case.due_at = now() + timedelta(days=30)
    return id_


def late(stage: Stage) -> set[int]:
    """The cases that the condition of the list finds, which are those whose light is red."""
    with stage.session() as session:
        values, calendar, at = settings.all_values(session), office_calendar(session), now()
        found = set(session.scalars(sa.select(Case.id).where(stages.overdue(values, calendar, at))))
        waits = {case.id: stages.pending(case, values, calendar, at) for case in session.scalars(sa.select(Case))}
        assert found == {id_ for id_, one in waits.items() if one is not None and one.light == "red"}
        return found


def put(stage: Stage, key: str, value: object) -> None:
    with stage.session() as session:
        settings.put(session, key, value)


@pytest.mark.parametrize("status", BEGINS)
def test_what_waits_too_long_is_on_the_list_and_what_does_not_is_not(stage: Stage, status: CaseStatus) -> None:
    old, new = waiting(stage, status, LONG), waiting(stage, status, SHORT)
    assert {old, new} & late(stage) == {old}
    page = stage.browse("office").get("/admin/case/?is=stalled").text
    assert [f"details/?id={id_}" in page for id_ in (old, new)] == [True, False]
    assert "/admin/case/?is=stalled" in stage.browse("office").get("/").text


def test_the_limits_are_those_of_the_settings(stage: Stage) -> None:
    id_ = waiting(stage, S.ACCEPTED, timedelta(hours=24))
    assert id_ in late(stage)
    put(stage, "dispatch_hours", 40)
    assert id_ not in late(stage)
    handled = waiting(stage, S.HANDLED, timedelta(days=1))
    assert handled not in late(stage)
    assert waiting(stage, S.VERIFIED, timedelta(days=2)) in late(stage)


def test_what_is_urgent_is_accepted_within_two_hours(stage: Stage) -> None:
    old = waiting(stage, S.REPORTED, timedelta(hours=3), urgency=Urgency.URGENT)
    new = waiting(stage, S.REPORTED, timedelta(hours=1), urgency=Urgency.URGENT)
    plain = waiting(stage, S.REPORTED, timedelta(hours=3))
    assert {old, new, plain} & late(stage) == {old}
    put(stage, "accept_urgent_hours", 4)
    assert not {old, new, plain} & late(stage)


def test_what_an_old_ledger_brought_in_waits_for_nothing(stage: Stage) -> None:
    assert waiting(stage, S.VERIFIED, LONG, historic=True) not in late(stage)


@pytest.mark.parametrize(
    ("status", "since", "words"),
    [
        (S.REPORTED, SHORT, "受理：明天 17:30 前"),
        (S.REPORTED, timedelta(days=7), "受理已逾期 4 个工作日"),
        (S.ACCEPTED, SHORT, "派遣：今天 15:00 前"),
        (S.HANDLED, LONG, "核查已逾期 3 个工作日"),
        (S.VERIFIED, SHORT, "反馈：明天 17:30 前"),
    ],
)
def test_list_and_page_of_the_case_say_until_when(
    stage: Stage, status: CaseStatus, since: timedelta, words: str
) -> None:
    id_ = waiting(stage, status, since)
    if words.startswith("派遣："):
        words = words.partition(" ")[0]
    for address in ("/admin/case/", f"/admin/case/details/?id={id_}"):
        assert words in stage.browse("office").get(address).text


def test_those_who_can_do_it_are_reminded_once(stage: Stage) -> None:
    names = {user: name for name, user in stage.district.users.items()}
    ids = {status: waiting(stage, status, LONG) for status in BEGINS}

    def told() -> dict[int, set[str]]:
        with stage.session() as session:
            found = [one for one in reminders.due(session) if one.kind is Kind.STAGE_LATE]
            return {one.case_id: {names[user] for user in one.users} for one in found}

    assert {id_: told().get(id_) for id_ in ids.values()} == {
        id_: {"officer", "office", "leader"} if status is S.HANDLED else {"officer", "office"}
        for status, id_ in ids.items()
    }
    for _round in range(2):
        with stage.app.app_context():
            periodic.tick(stage.panel, force=True)
    with stage.session() as session:
        query = sa.select(sa.func.count(Notice.id)).where(
            Notice.kind == "stage_late",
            Notice.record_id.in_(ids.values()),
            Notice.owner_id == stage.district.users["office"],
        )
        assert session.scalar(query) == len(ids)
    put(stage, "remind_stage", False)
    assert told() == {}
