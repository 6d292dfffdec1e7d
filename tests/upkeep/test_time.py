"""Weeks without the server, a clock that was in the future, a clock that went back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

import models
from bureau.notices import digests, notices
from bureau.visits import planning
from models import CaseStatus, LedgerDraft, Visit, VisitStatus
from panel.jobs import clock_watch, periodic
from panel.jobs.periodic import Result
from panel.jobs.records import PeriodicRun
from panel.kinds import ZONE, now, today
from panel.notify import outbox
from panel.notify.records import DeliveryState, Notice, Webhook, WebhookDelivery
from tests import steps
from tests.factories import Stage
from tests.ledgers import Course, make

pytestmark = pytest.mark.database


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    with time_machine.travel(moment, tick=True):
        yield


def tick(stage: Stage) -> dict[str, Result]:
    with stage.app.app_context():
        return periodic.tick(stage.panel)


def visits(stage: Stage) -> dict[date, VisitStatus]:
    """The Mondays of the community inside, with how they went."""
    with stage.session() as session:
        mine = sa.select(Visit).where(Visit.community_id == stage.inside["community"])
        return {visit.planned_on: visit.status for visit in session.scalars(mine.order_by(Visit.planned_on))}


def test_after_seven_weeks_every_monday_was_missed(stage: Stage) -> None:
    """Four weeks are planned ahead; the three after them were planned by nobody. Communities that came later aren't
    among those that were missed."""
    with stage.session() as session:
        planning.plan_and_miss(session)
        session.execute(sa.update(models.Community.__table__).values(created_at=now() - timedelta(days=100)))
    late = stage.add("community", status=models.CommunityStatus.ACTIVE)
    with stage.session() as session:
        back = now() + timedelta(weeks=6)
        session.execute(
            sa.update(models.Community.__table__).where(models.Community.id == late).values(created_at=back)
        )
    begun = today()
    with at(now() + timedelta(weeks=7, days=1)):
        tick(stage)
        monday = planning.monday_of(today())
        expected = planning.mondays(begun, monday - timedelta(days=1))
        assert len(expected) >= 6
        assert {day: visits(stage)[day] for day in expected} == dict.fromkeys(expected, VisitStatus.MISSED)
        with stage.session() as session:
            of_late = sa.select(sa.func.min(Visit.planned_on)).where(Visit.community_id == late)
            assert session.scalar(of_late) > begun + timedelta(weeks=5)
        before = visits(stage)
        with stage.app.app_context():
            periodic.tick(stage.panel, force=True)
        assert visits(stage) == before


def test_every_month_that_was_missed_gets_its_draft(stage: Stage) -> None:
    """The oldest first, two ledgers at a time."""
    for month in range(3, 8):
        make(stage, Course(f"{month:02}-04 09:30"))

    def drawn(on: date) -> list[str]:
        with at(datetime(on.year, on.month, on.day, 8, tzinfo=ZONE)), stage.app.app_context():
            assert periodic.tick(stage.panel, force=True)["ledger.drafts"] is Result.DONE
        with stage.session() as session:
            made = session.scalars(sa.select(LedgerDraft).order_by(LedgerDraft.month))
            return [one.month for one in made if one.basis is models.Basis.ACCEPTED]

    assert drawn(date(2026, 4, 10)) == ["2026-03"]
    assert drawn(date(2026, 8, 10)) == ["2026-03", "2026-04", "2026-05"]
    assert drawn(date(2026, 8, 10)) == ["2026-03", "2026-04", "2026-05", "2026-06", "2026-07"]


def test_hundreds_of_reminders_are_one(stage: Stage) -> None:
    for _n in range(12):
        steps.new_case(stage, CaseStatus.HANDLING, "officer", due_at=now() - timedelta(hours=1))
    with stage.session() as session:
        kinds = [kind for kind in notices.KINDS if kind != digests.KIND]
        session.add(Webhook(active=True, url="http://10.0.0.8/", secret="x" * 16, kinds=kinds))
        session.execute(sa.delete(Notice))
    for _round in range(2):
        with stage.session() as session:
            notices.remind(session)
    officer = stage.district.users["officer"]
    with stage.session() as session:
        mine = session.scalars(sa.select(Notice).where(Notice.owner_id == officer)).all()
        unread = [one for one in mine if one.read_at is None]
        assert [one.kind for one in unread] == [digests.KIND]
        assert unread[0].numbers["n"] == len(mine) - 1 >= 12
        states = Counter(session.scalars(sa.select(WebhookDelivery.state)))
        assert states[DeliveryState.WAITING] == 1
        assert states[DeliveryState.SENT] >= 12
        assert outbox.enabled_kinds(session)
    page = stage.browse("officer").get("/notices/").text
    assert f"一次 {unread[0].numbers['n']} 条提醒" in page
    # One more is told by itself.
    steps.new_case(stage, CaseStatus.HANDLING, "officer", due_at=now() - timedelta(hours=1))
    with stage.session() as session:
        notices.remind(session)
        of_kind = sa.select(Notice.kind).where(Notice.owner_id == officer, Notice.read_at.is_(None))
        assert sorted(session.scalars(of_kind)) == ["overdue", digests.KIND]


def test_a_clock_that_was_in_the_future_stops_nothing_afterwards(stage: Stage) -> None:
    make(stage, Course("07-06 09:30"))
    with stage.session() as session:
        planning.plan_and_miss(session)
    planned = {day for day, status in visits(stage).items() if status is VisitStatus.PLANNED}
    with at(now() + timedelta(days=400)):
        future = tick(stage)
        assert set(future.values()) == {Result.DONE}
        assert {visits(stage)[day] for day in planned} == {VisitStatus.MISSED}
    again = tick(stage)
    assert set(again) == set(future)
    assert set(again.values()) == {Result.DONE}
    assert {visits(stage)[day] for day in planned} == {VisitStatus.PLANNED}
    with stage.session() as session:
        assert session.scalar(sa.select(sa.func.max(PeriodicRun.ran_at)).where(PeriodicRun.name == "duty.plan")) < (
            now() + timedelta(minutes=1)
        )
        assert [one.month for one in session.scalars(sa.select(LedgerDraft)) if one.month >= str(today())[:7]] == []
    assert "clock.see" not in tick(stage)


def test_a_message_of_the_future_is_sent_now(stage: Stage) -> None:
    with stage.session() as session:
        session.add(Webhook(active=True, url="http://127.0.0.1:9/", secret="x" * 16, kinds=["overdue"]))
        with at(now() + timedelta(days=300)):
            outbox.queue(session, [("overdue", "a", {})])
    with stage.app.app_context():
        outbox.send_due(stage.panel)
    with stage.session() as session:
        assert session.scalars(sa.select(WebhookDelivery.attempts)).all() == [1]


def test_a_clock_that_went_back_is_told_until_somebody_says_it_is_right(stage: Stage) -> None:
    told = "服务器时间为"
    with at(now() + timedelta(days=3)):
        tick(stage)
    tick(stage)
    administrator = stage.browse("administrator")
    assert told in administrator.get("/").text
    for role in ("office", "officer", "viewer", "security"):
        assert told not in stage.browse(role).get("/").text
        assert stage.browse(role).post("/clock/confirm").status_code == 403
    with stage.session() as session:
        seen = clock_watch.behind(session)
        assert seen is not None
    with stage.app.app_context():
        assert "07-18" in str(clock_watch.at_start(stage.panel.system_session))
    assert administrator.post("/clock/confirm").status_code == 302
    assert told not in administrator.get("/").text
    # Minutes, as between two servers, are no matter.
    with at(now() + timedelta(minutes=3)):
        tick(stage)
    assert told not in administrator.get("/").text
