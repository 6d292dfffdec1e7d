"""Made-up records for tests, a browser that knows forms, and a count of statements."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import models
from casework import events, intake
from casework.roles import ROLES
from panel.accounts import User, UserRole
from panel.base import Base
from panel.kinds import now, today

PASSWORD = "Test-pass-1"
ROLE_NAMES = [role.name for role in ROLES]


def memory_session() -> Session:
    """A session of its own over an empty schema in memory; no scope, no audit."""
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return Session(engine)


@dataclass
class District:
    """Ids by a name: `inside` are those that every scoped role reaches, `outside` those that none of them does."""

    inside: dict[str, int] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)
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
            code="ZF03", name="饲养家禽", list_kind=models.ListKind.ENFORCEMENT, limit_value=3, category="养殖"
        )
        session.add(item)
        session.add(models.CalendarDay(day=date(2026, 10, 1), is_work=False, name="国庆节"))
        session.flush()
        made.inside |= {"department": department.id, "checklistitem": item.id}
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
    community = models.Community(name=community_name, street=placed, squad=troop)
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
    session.add(assignment)
    session.flush()
    found = case(session, community, officer=officer, second=second, item=item)
    party = models.CaseParty(case=found, name="张三", phone="13712345678", address="东栅社区 3 幢 201 室")
    action = models.Action(case=found, kind=models.ActionKind.PERSUASION, officer=officer, note="上门劝导")
    referral = models.Referral(case=found, department=department, request="请协助处理")
    feedback = models.Feedback(case=found, target=models.FeedbackTarget.LIAISON, content="已告知")
    session.add_all([party, action, referral, feedback])
    session.flush()
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
        "case": found.id,
        "caseparty": party.id,
        "action": action.id,
        "referral": referral.id,
        "feedback": feedback.id,
        "caseevent": event or 0,
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
        made.status = models.CaseStatus.HANDLING if second is not None else models.CaseStatus.ACCEPTED
        events.append(session, made, "accept", models.CaseStatus.REPORTED, models.CaseStatus.ACCEPTED, None, "测试")
    session.flush()
    return made


class Browser:
    """A client that takes the form's token along, as a browser does."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, url: str, **kwargs: Any) -> TestResponse:
        return self.client.get(url, **kwargs)

    def post(self, url: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        return self.client.post(url, data={"csrf_token": self.token(), **(data or {})}, **kwargs)

    def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/roles").text)
        if found is None:
            found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/login").text)
        assert found is not None, "no token on the page"
        return found[1]

    def log_in(self, username: str, password: str = PASSWORD) -> TestResponse:
        return self.post("/login", {"username": username, "password": password})

    def form(self, url: str) -> dict[str, str]:
        """What the form at an address would post if it were sent as it is."""
        return form_values(self.get(url).text)


def form_values(page: str) -> dict[str, str]:
    """The values of the page's record form: inputs, chosen options, text areas."""
    found = re.search(r'<form class="card record".*?</form>', page, re.S)
    text = found[0] if found else page
    values: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", text, re.S):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" not in attributes or attributes.get("type") in ("submit", "button"):
            continue
        if attributes.get("type") in ("radio", "checkbox") and not re.search(r"\bchecked\b", tag):
            continue
        values[attributes["name"]] = html.unescape(attributes.get("value", ""))
    for name, body in re.findall(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'<option\b[^>]*value="([^"]*)"[^>]*\bselected', body)
        values[name] = html.unescape(chosen[1]) if chosen else ""
    for name, body in re.findall(r'<textarea\b[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.S):
        values[name] = html.unescape(body.removeprefix("\n"))
    return values


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that are sent inside, log-in and scope included; transactions are not counted."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


__all__ = ["District", "today"]
