"""Every Monday: visits are planned ahead, follow the assignments, are held, made up for, missed or excused."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sqlalchemy.orm import Session

import models
from bureau.calendar.month import Month
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.settings import settings
from bureau.visits import planning, rota, survey, visits
from models import SurveyKind, Visit, VisitStatus
from panel.i18n import using_locale
from panel.kinds import ZONE
from panel.security.policy import SYSTEM, OutOfScope, Policy
from panel.security.session import set_actor
from tests import factories
from tests.factories import ROLES_BY_NAME, Stage, memory_session

MONDAY = date(2026, 7, 20)
WEEK = timedelta(days=7)


def at(day: date, hour: int = 9, minute: int = 0) -> time_machine.travel:
    """A moment of the office's."""
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(UTC)
    return time_machine.travel(moment, tick=False)


def keep(stage: Stage) -> planning.PlanningResult:
    with stage.session() as session:
        return planning.plan_and_miss(session)


def visit_on(session: Any, community: int, monday: date) -> Visit:
    statement = sa.select(Visit).where(Visit.community_id == community, Visit.planned_on == monday)
    return session.execute(statement).scalar_one()


def planned(stage: Stage, monday: date = MONDAY) -> Visit:
    with stage.session() as session:
        return visit_on(session, stage.inside["community"], monday)


def assign(stage: Stage, officer: str, start: date, end: date | None, *, substitute: bool = False) -> None:
    stage.add(
        "assignment",
        officer_id=stage.inside[officer],
        start_on=start,
        end_on=end,
        substitute=substitute,
    )


def close(session: Session, community: int) -> None:
    """Close a community below the rule about what hangs on it: as in a database of long ago."""
    ended = sa.update(models.Community).where(models.Community.id == community)
    session.execute(ended.values(status=models.CommunityStatus.CLOSED))


@pytest.mark.database
def test_one_visit_each_monday_for_each_active_community(stage: Stage) -> None:
    with stage.session() as session:
        close(session, stage.outside["community"])
    done = keep(stage)
    assert (done.planned, done.missed) == (4, 2)
    with stage.session() as session:
        found = session.execute(sa.select(Visit).where(Visit.planned_on >= MONDAY)).scalars().all()
        assert [one.planned_on for one in found] == [MONDAY + i * WEEK for i in range(4)]
        assert {one.community_id for one in found} == {stage.inside["community"]}
        assert {one.officer_id for one in found} == {stage.inside["officer"]}
        assert {one.liaison_id for one in found} == {stage.inside["liaison"]}


def test_a_holiday_is_a_monday_too(stage: Stage) -> None:
    with at(date(2026, 9, 28)):
        keep(stage)
    assert planned(stage, date(2026, 10, 5)).status is VisitStatus.PLANNED


@pytest.mark.database
def test_planning_again_changes_nothing(stage: Stage) -> None:
    keep(stage)
    before = stage.count("visit"), stage.count("auditentry")
    assert keep(stage) == planning.PlanningResult()
    assert (stage.count("visit"), stage.count("auditentry")) == before


@pytest.mark.database
def test_two_that_plan_at_once_make_one_visit(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has planned since this one looked: it looks again."""
    keep(stage)
    real, blind = planning._stored, iter([True])
    monkeypatch.setattr(planning, "_stored", lambda *given: [] if next(blind, False) else real(*given))
    assert keep(stage).planned == 0
    assert next(blind, None) is None


def test_how_far_ahead_is_a_setting(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, "visit_weeks", 2)
        assert planning.plan(session).planned == 4


@pytest.mark.database
def test_statements_do_not_grow_with_communities(stage: Stage) -> None:
    counts = []
    for _time in range(2):
        with stage.session() as session, factories.counted(session.get_bind()) as sent:  # type: ignore[arg-type]
            planning.plan_and_miss(session)
        counts.append(len(sent))
        with stage.session() as session:
            session.execute(sa.delete(Visit))
            for _n in range(30):
                factories.another(session, "community", stage.inside)
    assert counts[1] <= counts[0] <= 16


@pytest.mark.database
def test_a_planned_visit_follows_a_new_assignment(stage: Stage) -> None:
    keep(stage)
    with stage.session() as session:
        session.get_one(models.Assignment, stage.inside["assignment"]).end_on = MONDAY
    assign(stage, "second_officer", MONDAY + timedelta(1), None)
    assert keep(stage).moved == 3
    assert planned(stage).officer_id == stage.inside["officer"]
    assert planned(stage, MONDAY + WEEK).officer_id == stage.inside["second_officer"]


def test_a_substitute_goes_on_their_days_only(stage: Stage) -> None:
    assign(stage, "second_officer", MONDAY + WEEK, MONDAY + WEEK + timedelta(3), substitute=True)
    keep(stage)
    went = [planned(stage, MONDAY + i * WEEK).officer_id for i in range(3)]
    assert went == [stage.inside["officer"], stage.inside["second_officer"], stage.inside["officer"]]


def test_nobody_is_planned_where_nobody_is_assigned_or_serves(stage: Stage) -> None:
    stage.put("officer", stage.inside["officer"], active=False)
    keep(stage)
    assert planned(stage).officer_id is None


def test_a_closed_community_expects_nobody(stage: Stage) -> None:
    keep(stage)
    with stage.session() as session:
        close(session, stage.inside["community"])
    assert keep(stage).excused == 4
    assert planned(stage).status is VisitStatus.EXEMPT


def test_a_monday_that_is_over_was_missed(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY, 23, 59):
        keep(stage)
    assert planned(stage).status is VisitStatus.PLANNED
    with at(MONDAY + timedelta(1), 0, 5):
        keep(stage)
    assert planned(stage).status is VisitStatus.MISSED


def attend(stage: Stage, role: str, act: Any, monday: date = MONDAY) -> Visit:
    """Do something about the visit inside as this role; what it then says."""
    with stage.acting(role) as session:
        visit = visit_on(session, stage.inside["community"], monday)
        act(session, visit)
        session.commit()
        session.refresh(visit)
        session.expunge(visit)
        return visit


def test_checked_in_on_monday_is_visited_even_if_nobody_checks_out(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY):
        visit = attend(stage, "officer", visits.arrive)
    assert visit.status is VisitStatus.DONE
    with at(MONDAY + timedelta(1)):
        keep(stage)
    assert planned(stage).status is VisitStatus.DONE


def test_a_second_tap_changes_nothing(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY):
        first = attend(stage, "officer", visits.arrive)
    with at(MONDAY, 9, 1):
        again = attend(stage, "officer", lambda s, v: [visits.arrive(s, v), visits.leave(s, v), visits.leave(s, v)])
    assert (again.arrived_at, again.version) == (first.arrived_at, first.version + 1)


def test_who_stands_in_is_put_down(stage: Stage) -> None:
    """Assigned this morning, before anything was planned anew. The leader's account is the second officer's."""
    keep(stage)
    assign(stage, "second_officer", MONDAY, MONDAY, substitute=True)
    with at(MONDAY), stage.acting("leader", "officer") as session:
        visit = visit_on(session, stage.inside["community"], MONDAY)
        assert visit.officer_id == stage.inside["officer"]
        visits.arrive(session, visit)
        assert visit.officer_id == stage.inside["second_officer"]


def test_no_one_checks_in_before_its_monday(stage: Stage) -> None:
    keep(stage)
    with pytest.raises(StepNotAllowed) as refused:
        attend(stage, "officer", visits.arrive)
    assert str(refused.value.message) == f"这次走访排在 {MONDAY}，请当天签到。"
    assert planned(stage).arrived_at is None


def test_leaving_needs_arriving_and_the_same_day(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY), pytest.raises(StepNotAllowed):
        attend(stage, "officer", visits.leave)
    with at(MONDAY):
        attend(stage, "officer", visits.arrive)
    with at(MONDAY + timedelta(1)):
        with pytest.raises(InvalidValues) as lacking:
            attend(stage, "officer", visits.leave)
        assert set(lacking.value.problems) == {"left_at"}
        ended = datetime(2026, 7, 20, 11, tzinfo=ZONE)
        visit = attend(stage, "officer", lambda s, v: visits.leave(s, v, at=ended))
    assert visit.left_at == ended


def test_a_missed_monday_is_made_up_for_with_a_reason(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY + timedelta(2)):
        keep(stage)
        with pytest.raises(InvalidValues):
            attend(stage, "officer", visits.arrive)
        visit = attend(stage, "officer", lambda s, v: visits.arrive(s, v, reason="周一参加专项行动"))
    assert (visit.status, visit.reason) == (VisitStatus.MADE_UP, "周一参加专项行动")


def test_the_leader_excuses_and_takes_it_back_an_officer_does_not(stage: Stage) -> None:
    keep(stage)
    with pytest.raises(StepNotAllowed):
        attend(stage, "officer", lambda s, v: visits.excuse(s, v, "台风"))
    with pytest.raises(InvalidValues):
        attend(stage, "leader", lambda s, v: visits.excuse(s, v, "  "))
    assert attend(stage, "leader", lambda s, v: visits.excuse(s, v, "台风")).status is VisitStatus.EXEMPT
    with at(MONDAY), pytest.raises(StepNotAllowed):
        attend(stage, "officer", visits.arrive)
    with at(MONDAY + timedelta(1)):
        assert attend(stage, "office", visits.withdraw_excuse).status is VisitStatus.MISSED


@pytest.mark.parametrize("role", ["liaison", "viewer"])
def test_who_only_reads_does_not_check_in(stage: Stage, role: str) -> None:
    keep(stage)
    with at(MONDAY), pytest.raises(StepNotAllowed):
        attend(stage, role, visits.arrive)


@pytest.mark.database
def test_the_second_of_two_is_told(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY):
        version = attend(stage, "officer", visits.arrive).version
        attend(stage, "leader", lambda s, v: visits.save_notes(s, v, {"content": "走访商铺"}, version=version))
        with pytest.raises(StepNotAllowed):
            attend(stage, "officer", lambda s, v: visits.save_notes(s, v, {"content": "别的"}, version=version))
    assert planned(stage).content == "走访商铺"


@pytest.mark.database
def test_a_substitute_sees_the_community_on_their_days_only(stage: Stage) -> None:
    """The leader's account belongs to the second officer: as an officer it has no community but as a substitute."""
    assign(stage, "second_officer", MONDAY, MONDAY, substitute=True)
    keep(stage)
    user = stage.district.users["leader"]
    for day, seen in ((MONDAY - timedelta(1), 0), (MONDAY, 1), (MONDAY + timedelta(1), 0)):
        with at(day), stage.session() as session:
            held = stage.panel.facts(session, user, frozenset({"officer"}))
            assert len(held["assigned"]) == seen


def row(kind: SurveyKind = SurveyKind.POULTRY, address: str = "东塔路 9 号", **given: str) -> dict[str, str]:
    return {"kind": kind.value, "address": address, **given}


@pytest.mark.database
def test_a_survey_row_updates_that_of_its_address(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY):
        attend(stage, "officer", lambda s, v: survey.note(s, v, row(subject="王五", quantity="3")))
    with at(MONDAY + WEEK):
        attend(
            stage, "officer", lambda s, v: survey.note(s, v, row(address=" 东塔路  9 号 ", quantity="5")), MONDAY + WEEK
        )
    with stage.session() as session:
        (entry,) = [row for row in session.scalars(sa.select(models.SurveyEntry)) if row.address == "东塔路 9 号"]
        assert (entry.first_on, entry.verified_on) == (MONDAY, MONDAY + WEEK)
        assert (entry.subject, entry.quantity) == ("王五", 5), "what is left empty stays"
        assert entry.visit_id == visit_on(session, stage.inside["community"], MONDAY + WEEK).id


def test_a_row_that_lacks_its_address_is_refused(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY), pytest.raises(InvalidValues) as lacking:
        attend(stage, "officer", lambda s, v: survey.note(s, v, row(address="", quantity="多")))
    assert set(lacking.value.problems) == {"address", "quantity"}


def test_a_finding_becomes_a_case_of_this_visit_once(stage: Stage) -> None:
    keep(stage)
    with at(MONDAY):
        with stage.acting("officer") as session:
            visit = visit_on(session, stage.inside["community"], MONDAY)
            visits.arrive(session, visit)
            entry, new = survey.note(session, visit, row(quantity="3", subject="王五"))
            case = visits.make_case(session, visit, entry.address, survey.case_description(entry), entry)
            session.commit()
            assert new
            assert (case.source, case.visit_id, case.place) == (models.Source.VISIT, visit.id, "东塔路 9 号")
            assert (case.community_id, case.lead_officer_id) == (visit.community_id, stage.inside["officer"])
            assert case.status is models.CaseStatus.REPORTED
            assert "王五" not in case.description
            with using_locale("en"):
                assert survey.case_description(entry) == case.description
            assert entry.case_id == case.id
            number = case.case_no
            with pytest.raises(StepNotAllowed):
                visits.make_case(session, visit, entry.address, "又来", entry)
        line = next(iter(register(stage)))
        assert (line.cases, line.status) == ([number], VisitStatus.DONE)


def register(stage: Stage) -> list[rota.VisitLine]:
    with stage.acting("officer") as session:
        return [one for one in rota.register_lines(session, Month(2026, 7), Month(2026, 7)) if one.planned_on == MONDAY]


def test_a_case_outside_the_scope_is_not_made(stage: Stage) -> None:
    keep(stage)
    with stage.acting("officer") as session, pytest.raises((OutOfScope, sa.exc.NoResultFound)):
        visits.make_case(session, visit_on(session, stage.outside["community"], MONDAY), "某处", "某事")


def test_rates_leave_out_the_excused_and_divide_by_nothing() -> None:
    done, made_up, missed, exempt = (
        VisitStatus.DONE,
        VisitStatus.MADE_UP,
        VisitStatus.MISSED,
        VisitStatus.EXEMPT,
    )
    assert rota.rates([done, done, made_up, missed, exempt]) == ("75.0%", "40.0%")
    assert rota.rates([exempt]) == ("—", "0.0%")
    assert rota.rates([]) == ("—", "—")


TERMS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.booleans()), max_size=6)


@hypothesis(max_examples=40)
@given(terms=TERMS, weeks=st.lists(st.integers(0, 16), min_size=1, max_size=4))
def test_whatever_the_assignments_each_monday_has_one_visit(
    terms: list[tuple[int, int, bool]], weeks: list[int]
) -> None:
    """Property: from the first planning on, one visit for each active community and Monday, by whoever a slow look-up
    finds; assignments come in between."""
    start = date(2026, 3, 4)
    with memory_session() as session:
        session.info.update(policy=Policy(ROLES_BY_NAME))
        set_actor(session, SYSTEM)
        street = models.Street(name="街道")
        communities = [models.Community(name=f"{i}", street=street) for i in range(3)]
        officers = [models.Officer(name=f"{i}") for i in range(3)]
        session.add_all([*communities, *officers])
        waiting, day = list(enumerate(terms)), start
        for pause in weeks:
            session.flush()
            for n, (begin, length, substitute) in waiting[:3]:
                session.add(
                    models.Assignment(
                        community_id=communities[n % 2].id,
                        officer_id=officers[n % 3].id,
                        start_on=start + timedelta(begin),
                        end_on=start + timedelta(begin + length),
                        substitute=substitute,
                    )
                )
            waiting = waiting[3:]
            with at(day):
                planning.plan_and_miss(session)
                assert planning.plan_and_miss(session) == planning.PlanningResult()
                check_plan(session, day, communities)
            day += timedelta(pause)


def check_plan(session: Any, day: date, communities: list[models.Community]) -> None:
    session.expire_all()
    found = session.execute(sa.select(Visit)).scalars().all()
    counted = Counter((one.community_id, one.planned_on) for one in found)
    wanted = {(c.id, d) for c in communities for i in range(29) if (d := day + timedelta(i)).weekday() == 0}
    assert set(counted.values()) == {1}
    assert wanted <= set(counted)
    every = session.execute(sa.select(models.Assignment)).scalars().all()
    for one in found:
        assert one.status is (VisitStatus.PLANNED if one.planned_on >= day else VisitStatus.MISSED)
        fits = [a for a in every if a.community_id == one.community_id and a.start_on <= one.planned_on <= a.end_on]
        first = max(((a.substitute, a.start_on) for a in fits), default=None)
        if one.planned_on >= day:
            able = {a.officer_id for a in fits if (a.substitute, a.start_on) == first} or {None}
            assert one.officer_id in able
