"""A made-up district: one record of each table inside every scope and one outside all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from bureau.cases import events, intake
from bureau.cases.state import stepping
from panel.kinds import now
from panel.security.accounts import User, UserRole
from tests.factories.browser import PASSWORD
from tests.factories.records import numbers
from tests.factories.tables import ROLE_NAMES


class Ids(dict[str, int]):
    """Ids by the name of a table."""

    def __missing__(self, table: str) -> int:
        message = f"the district has no record of {table}: add one to _side() in tests/factories/district.py"
        raise AssertionError(message)


@dataclass
class District:
    """Ids by a name: `inside` are those that every scoped role reaches, `outside` those that none of them does."""

    inside: Ids = field(default_factory=Ids)
    outside: Ids = field(default_factory=Ids)
    users: dict[str, int] = field(default_factory=dict)


def account(session: Session, panel: Any, username: str, *roles: str, **values: Any) -> User:
    user = User(
        username=username,
        name=values.pop("name", username),
        password_hash=panel.passwords.hash(PASSWORD),
        must_change=values.pop("must_change", False),
        stamp="1",
        roles=[UserRole(role=role) for role in roles],
        **values,
    )
    session.add(user)
    session.flush()
    return user


def district(panel: Any) -> District:
    """Two of everything: one where officer, leader and liaison work, one where they don't."""
    made = District()
    with panel.system_session() as session:
        for role in ROLE_NAMES:
            made.users[role] = account(session, panel, role, role).id
        department = models.Department(name="公安交警")
        session.add(department)
        item = models.ChecklistItem(
            other_words="鸡、鸭、鹅",
            code="ZF03",
            name="饲养家禽",
            list_kind=models.ListKind.ENFORCEMENT,
            limit_value=3,
            category="养殖",
            mediable=True,
        )
        session.add(item)
        session.add(models.CalendarDay(day=date(2026, 10, 1), is_work=False, name="国庆节"))
        session.flush()
        phrase = models.Phrase(name="已劝导", words="已上门劝导，当事人当场整改。")
        session.add(phrase)
        session.flush()
        made.inside |= {"department": department.id, "checklistitem": item.id, "phrase": phrase.id}
        for side, street, squad, people in (
            (made.inside, "城东街道", "南湖分队", ("沈建平", "胡秀珍", "东栅社区", "officer", "liaison", "leader")),
            (made.outside, "城西街道", "城西分队", ("何志远", "马晓燕", "西马桥社区", None, None, None)),
        ):
            _side(session, made, side, street, squad, people, item, department)
    return made


def _side(
    session: Session,
    made: District,
    side: dict[str, int],
    street: str,
    squad: str,
    people: Any,
    item: Any,
    department: Any,
) -> None:
    officer_name, liaison_name, community_name, officer_user, liaison_user, leader_user = people
    placed = models.Street(name=street)
    troop = models.Squad(name=squad, is_pilot=squad == "南湖分队")
    community = models.Community(name=community_name, street=placed, squad=troop, noise_zone=1)
    officer = models.Officer(
        name=officer_name, squad=troop, badge_no=f"B{len(squad)}{officer_name}", user_id=made.users.get(officer_user)
    )
    second = models.Officer(name=f"{officer_name[0]}大海", squad=troop, user_id=made.users.get(leader_user))
    liaison = models.Liaison(
        name=liaison_name,
        community=community,
        mobile="13800001111" if liaison_user else "13900002222",
        start_on=date(2025, 9, 3),
        user_id=made.users.get(liaison_user),
    )
    session.add_all([placed, troop, community, officer, second, liaison])
    session.flush()
    assignment = models.Assignment(community=community, officer=officer, start_on=date(2025, 1, 6))
    deputy = models.Deputy(officer=second, deputy=officer, start_on=date(1989, 1, 2), end_on=date(1989, 1, 6))
    session.add_all([assignment, deputy])
    session.flush()
    found = case(session, community, officer=officer, second=second, item=item)
    party = models.CaseParty(case=found, name="张三", phone="13712345678", address="东栅社区 3 幢 201 室")
    action = models.Action(case=found, kind=models.ActionKind.PERSUASION, officer=officer, note="上门劝导")
    referral = models.Referral(case=found, department=department, request="请协助处理")
    feedback = models.Feedback(case=found, target=models.FeedbackTarget.LIAISON, content="已告知")
    order = models.HotlineOrder(
        case=found,
        community=community,
        order_no=f"JX{found.case_no}",
        content="有人养鸡",
        sent_at=found.reported_at,
    )
    session.add_all([party, action, referral, feedback, order])
    session.flush()
    duty = _duty(session, community, officer, liaison)
    disputes = _disputes(session, found, officer, second)
    event = (
        session.execute(sa.select(models.CaseEvent.id).where(models.CaseEvent.case_id == found.id)).scalars().first()
    )
    side |= {
        "street": placed.id,
        "squad": troop.id,
        "community": community.id,
        "officer": officer.id,
        "second_officer": second.id,
        "liaison": liaison.id,
        "assignment": assignment.id,
        "deputy": deputy.id,
        "case": found.id,
        "caseparty": party.id,
        "action": action.id,
        "referral": referral.id,
        "feedback": feedback.id,
        "hotlineorder": order.id,
        "caseevent": event or 0,
        **duty,
        **disputes,
    }


def _duty(session: Session, community: Any, officer: Any, liaison: Any) -> dict[str, int]:
    """A visit that is planned, what was surveyed, a volunteer."""
    visit = models.Visit(planned_on=date(2026, 6, 15), community=community, officer=officer, liaison=liaison)
    survey = models.SurveyEntry(community=community, kind=models.SurveyKind.SHOP, address="东塔路 8 号", subject="李四")
    volunteer = models.Volunteer(name="周阿姨", community=community, is_mediator=True)
    session.add_all([visit, survey, volunteer])
    session.flush()
    return {"visit": visit.id, "surveyentry": survey.id, "volunteer": volunteer.id}


def _disputes(session: Session, found: Any, officer: Any, second: Any) -> dict[str, int]:
    """A measurement, a mediation with one session, an extension that was refused."""
    measurement = models.Measurement(
        case=found,
        point="东塔路 8 号厂界",
        value=Decimal("48.5"),
        limit_value=Decimal(55),
        period=models.Period.DAY,
        conclusion=models.Conclusion.WITHIN,
        instrument_no="AWA5688",
        instrument_until=date(2027, 3, 1),
        officer=officer,
        second_officer=second,
    )
    mediation = models.Mediation(
        mediation_no=f"TJ-2019-{next(numbers):06}",
        case=found,
        party_a="张三",
        party_b="李四",
        dispute="冷库外机噪声",
    )
    held = models.MediationSession(mediation=mediation, session_no=1, minutes="双方各自陈述")
    member = models.MediationMember(session=held, force=models.Force.ENFORCEMENT, name=officer.name)
    change = models.DeadlineChange(
        case=found, kind=models.ChangeKind.EXTENSION, status=models.ChangeStatus.REFUSED, reason="等待部门", days=3
    )
    session.add_all([measurement, mediation, held, member, change])
    session.flush()
    return {
        "measurement": measurement.id,
        "mediation": mediation.id,
        "mediationsession": held.id,
        "mediationmember": member.id,
        "deadlinechange": change.id,
    }


def case(session: Session, community: Any, *, officer: Any = None, second: Any = None, item: Any = None) -> Any:
    """A case that is being handled; due in the future."""
    made = models.Case(
        community=community,
        source=models.Source.LIAISON,
        description="居民在楼下养鸡，清晨啼鸣扰民",
        place="东塔路 3 幢",
        reported_at=now() - timedelta(hours=5),
        lead_officer=officer,
        handler=second,
    )
    intake.register(session, made, None, "测试")
    if item is not None:
        intake.accept(session, made, item, at=now() - timedelta(hours=4))
        with stepping():
            made.status = models.CaseStatus.HANDLING if second is not None else models.CaseStatus.ACCEPTED
        events.append(session, made, "accept", models.CaseStatus.REPORTED, made.status, None, "测试")
    session.flush()
    return made
