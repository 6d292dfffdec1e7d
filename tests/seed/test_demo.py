"""The demo district: small here, with everything the large one has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.orm import Session

import models
import seed
from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.cases import approvals, events, intake, numbering
from bureau.mediation import measuring
from bureau.settings import settings
from models import (
    ENDED,
    Action,
    Assignment,
    Case,
    CaseEvent,
    CaseParty,
    CaseStatus,
    ChecklistItem,
    Community,
    Feedback,
    FeedbackTarget,
    Liaison,
    Mediation,
    MediationStatus,
    Officer,
    OfficerKind,
    Outcome,
    Referral,
    Urgency,
)
from panel.base import Base
from panel.kinds import ZONE, now
from panel.security.accounts import User
from panel.security.session import keyed_hash
from seed import demo, district, sample_cases
from tests.factories import memory_session

SECRET = "a key for tests only"
COUNT = 120
#: A Wednesday morning.
NOW = datetime(2026, 5, 6, 1, 0, tzinfo=UTC)


def build(session: Session, count: int = COUNT) -> dict[str, int]:
    return demo.build(session, password_hash="hashed", secret=SECRET, cases=count)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """Read by all tests of this module, written by none."""
    with memory_session() as session:
        with time_machine.travel(NOW):
            build(session)
        session.commit()
        yield session


def every(session: Session, model: type[Any]) -> list[Any]:
    return list(session.scalars(sa.select(model)))


def counts(session: Session) -> dict[str, int]:
    return {
        table.name: session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in Base.metadata.sorted_tables
    }


def test_there_are_cases_in_every_state_and_most_are_closed(session: Session) -> None:
    found = Counter(case.status for case in every(session, Case))
    assert set(found) == set(CaseStatus)
    assert found.total() == COUNT
    assert found[CaseStatus.CLOSED] > COUNT / 2
    overdue = {
        case.status for case in every(session, Case) if case.status not in ENDED and case.due_at and case.due_at < NOW
    }
    assert len(overdue) >= 5


def test_a_second_time_adds_nothing() -> None:
    with memory_session() as session:
        build(session, 60)
        session.commit()
        before = counts(session)
        assert not any(build(session, 60).values())
        session.commit()
        assert counts(session) == before
        assert settings.get(session, "demo") is True
        assert session.scalar(sa.text("SELECT value FROM setting WHERE key = 'demo'")) == "1"


def test_the_same_seed_at_the_same_moment_tells_the_same() -> None:
    told = []
    for _time in range(2):
        with time_machine.travel(NOW, tick=False), memory_session() as session:
            build(session, 60)
            told.append(list(session.scalars(sa.select(CaseEvent.hash).order_by(CaseEvent.id))))
    assert told[0] == told[1]


def test_references_and_rules_hold(session: Session) -> None:
    assert not session.execute(sa.text("PRAGMA foreign_key_check")).all()
    assert session.execute(sa.text("PRAGMA integrity_check")).scalar_one() == "ok"
    for model in (Assignment, Action):
        for record in every(session, model):
            assert not list(record.problems(session))


def test_numbers_are_gapless_in_order_of_report(session: Session) -> None:
    cases = sorted(every(session, Case), key=lambda case: (case.reported_at, case.case_no))
    by_year: dict[int, list[str]] = {}
    for case in cases:
        by_year.setdefault(case.reported_at.astimezone(ZONE).year, []).append(case.case_no)
    for year, numbers in by_year.items():
        assert numbers == [numbering.case_no("NH", year, n) for n in range(1, len(numbers) + 1)]
    last = {counter.year: counter.last for counter in every(session, models.Counter) if counter.prefix == "NH"}
    assert last == {year: len(numbers) for year, numbers in by_year.items()}


def test_referrals_and_agreements_are_numbered_by_kind_without_gaps(session: Session) -> None:
    given = [str(one.document_no) for one in every(session, models.Referral)]
    given = sorted([*given, *(str(one.agreement_no) for one in every(session, models.Mediation) if one.agreement_no)])
    counters = [one for one in every(session, models.Counter) if one.prefix.startswith(("综执", "人调协"))]
    assert given == sorted(numbering.document_no(c.prefix, c.year, n) for c in counters for n in range(1, c.last + 1))
    assert {counter.prefix for counter in counters} <= {"综执移", "综执抄", "综执协", "综执和", "人调协"}


def test_what_is_in_mediation_has_a_mediation(session: Session) -> None:
    mediations = every(session, Mediation)
    assert len({one.case_id for one in mediations}) == len(mediations)
    running = {one.case_id for one in mediations if one.status is MediationStatus.RUNNING}
    assert running == {case.id for case in every(session, Case) if case.status is CaseStatus.MEDIATING}
    assert running < {one.case_id for one in mediations}
    for one in mediations:
        assert one.party_a != one.party_b
        agreed = one.status is MediationStatus.AGREED
        assert (one.case.outcome is Outcome.MEDIATED) == (agreed and one.case.handled_at is not None)
        assert agreed == (one.performance is not None)
        assert one.ended_at is None or one.remedies or one.agreement
    held = every(session, models.MediationSession)
    assert {member.session_id for member in every(session, models.MediationMember)} == {one.id for one in held}
    numbers = sorted(one.mediation_no for one in mediations)
    last = {counter.year: counter.last for counter in every(session, models.Counter) if counter.prefix == "TJ"}
    assert numbers == [numbering.case_no("TJ", year, n) for year in sorted(last) for n in range(1, last[year] + 1)]


def test_measurements_are_judged_as_the_rules_say(session: Session) -> None:
    found = every(session, models.Measurement)
    assert found
    for one in found:
        said = (one.period, one.limit_value, one.conclusion)
        measuring.judge(session, one)
        assert said == (one.period, one.limit_value, one.conclusion)
        assert measuring.obstacle_of(session, one) is None


def test_every_chain_holds_and_ends_in_the_state_of_its_case(session: Session) -> None:
    chains: dict[int, list[CaseEvent]] = {}
    for event in session.scalars(sa.select(CaseEvent).order_by(CaseEvent.case_id, CaseEvent.seq)):
        chains.setdefault(event.case_id, []).append(event)
    for case in every(session, Case):
        chain = chains[case.id]
        assert events.verify(chain) is None
        assert chain[0].step == "report"
        assert chain[-1].to_status == case.status
        assert all(one.to_status == next_.from_status for one, next_ in pairwise(chain))
        assert all(one.at <= next_.at for one, next_ in pairwise(chain))
        assert chain[-1].at <= NOW


def test_deadlines_are_those_of_the_items(session: Session) -> None:
    calendar = Calendar.load(session)
    moved = set(session.scalars(sa.select(CaseEvent.case_id).where(CaseEvent.step.in_(["resume", "approve"]))))
    for case in every(session, Case):
        if case.accepted_at is None or case.id in moved:
            continue
        assert case.item is not None
        assert case.item_snapshot == intake.snapshot(case.item)
        urgent = case.urgency is Urgency.URGENT
        limit, unit = case.item.limit_value, case.item.limit_unit
        assert case.due_at == deadlines.due(case.accepted_at, limit, unit, calendar, urgent=urgent)


def test_the_three_stories_are_told_to_their_end(session: Session) -> None:
    """In the community of the demo liaison, by the people of the demo accounts."""
    found = {case.place: case for case in every(session, Case) if case.place in sample_cases.PLACES}
    assert set(found) == set(sample_cases.PLACES)
    for case in found.values():
        assert case.status is CaseStatus.CLOSED
        assert case.liaison is not None
        assert case.liaison.user_id is not None
        assert case.handler is not None
        assert case.handler.user_id is not None
    poultry, cars, fan = (found[place] for place in sample_cases.PLACES)
    assert poultry.handled_at.date() - poultry.accepted_at.date() == timedelta(days=1)
    assert (cars.quantity, cars.quantity_unit, cars.list_kind) == (3, "个车位", models.ListKind.SERVICE)
    sheet = session.scalars(sa.select(Referral).where(Referral.case_id == cars.id)).one()
    assert (sheet.quantity, sheet.sent_at.date()) == (3, cars.reported_at.date())
    steps = list(session.scalars(sa.select(CaseEvent.step).where(CaseEvent.case_id == fan.id).order_by(CaseEvent.seq)))
    assert steps.count("session") == 3
    assert steps.count("close") == 2
    assert steps.index("perform") < steps.index("close") < steps.index("reopen")
    told = session.scalars(sa.select(Feedback).where(Feedback.case_id == fan.id).order_by(Feedback.at)).all()
    assert models.Satisfaction.UNSATISFIED in {one.satisfaction for one in told}
    assert approvals.due_of(session, fan) == fan.due_at


def test_closed_cases_were_fed_back_to_liaison_and_complainant(session: Session) -> None:
    told = {(row.case_id, row.target) for row in every(session, Feedback)}
    asked = {p.case_id for p in every(session, CaseParty) if p.role == "complainant" and not p.anonymous}
    for case in every(session, Case):
        if case.status is CaseStatus.CLOSED:
            assert (case.id, FeedbackTarget.LIAISON) in told
            assert (case.id, FeedbackTarget.COMPLAINANT) in told or case.id not in asked


def test_the_handler_never_verifies_their_own_work(session: Session) -> None:
    handlers = {case.id: case.handler.name for case in every(session, Case) if case.handler}
    for event in every(session, CaseEvent):
        if event.step in {"verify", "rework"}:
            assert event.actor_name != handlers[event.case_id]


def test_private_phones_are_hashed_with_the_key(session: Session) -> None:
    phones = [party for party in every(session, CaseParty) if party.phone]
    assert phones
    for party in phones:
        assert party.phone.startswith("154"), "a range that belongs to nobody"
        assert len(party.phone) == 11
        assert party.phone_hash == keyed_hash(party.phone, SECRET)


def test_every_community_has_one_liaison_and_one_officer(session: Session) -> None:
    communities = {community.id for community in every(session, Community)}
    assert len(communities) == 40
    for model in (Liaison, Assignment):
        active = Counter(row.community_id for row in every(session, model) if row.end_on is None)
        assert active == dict.fromkeys(communities, 1)
    assert any(row.end_on for row in every(session, Liaison))
    leads = {row.officer_id for row in every(session, Assignment)}
    kinds = {officer.id: officer.kind for officer in every(session, Officer)}
    assert all(kinds[id_] is OfficerKind.OFFICER for id_ in leads)


def test_there_is_an_account_for_each_role_tied_to_its_person(session: Session) -> None:
    users = {user.username: user for user in every(session, User)}
    assert set(users) == set(district.ACCOUNTS)
    for username, user in users.items():
        assert [role.role for role in user.roles] == [username]
        assert not user.must_change
        assert user.password_hash == "hashed"
    leader, officer = (
        session.scalars(sa.select(Officer).where(Officer.user_id == users[name].id)).one()
        for name in ("leader", "officer")
    )
    assert leader.squad is not None
    assert leader.squad.name == district.PILOT
    liaison = session.scalars(sa.select(Liaison).where(Liaison.user_id == users["liaison"].id)).one()
    beats = set(session.scalars(sa.select(Assignment.community_id).where(Assignment.officer_id == officer.id)))
    assert liaison.end_on is None
    assert liaison.community_id in beats


def test_what_is_there_is_reused_and_accounts_gain_no_role() -> None:
    with memory_session() as session:
        session.add(User(username="office", name="真人", password_hash="theirs"))
        session.add(models.Street(name="鹤湖街道", code="330402"))
        session.flush()
        numbering.take(session, now())
        build(session, 60)
        office = session.scalars(sa.select(User).where(User.username == "office")).one()
        assert (office.name, office.password_hash, office.roles) == ("真人", "theirs", [])
        assert len(every(session, models.Street)) == 3
        numbers = set(session.scalars(sa.select(Case.case_no)))
        assert numbering.case_no("NH", now().astimezone(ZONE).year, 1) not in numbers, "a number already given out"


def test_referrals_keep_the_limits_of_their_departments(session: Session) -> None:
    calendar = Calendar.load(session)
    referrals = every(session, Referral)
    assert referrals
    for referral in referrals:
        if referral.kind is models.ReferralKind.NOTICE:
            assert (referral.status, referral.reply_due_at) == (models.ReferralStatus.INFORMED, None)
            continue
        limit = referral.department.reply_limit
        due_at = deadlines.due(referral.sent_at, limit, models.LimitUnit.WORKING_DAY, calendar)
        assert referral.reply_due_at == due_at


def test_texts_tell_of_every_item(session: Session) -> None:
    told = {row["code"] for row in seed.rows("stories.csv")}
    assert told == set(session.scalars(sa.select(ChecklistItem.code)))
    for case in every(session, Case):
        assert "{" not in case.title + case.description + (case.result or "")
        assert NOW - case.reported_at < timedelta(days=demo.DAYS + 2)
