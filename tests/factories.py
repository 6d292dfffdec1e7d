"""Made-up records for tests, a browser that knows forms, and a count of statements."""

from __future__ import annotations

import html
import itertools
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
import time_machine
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import models
from admin_app import SCREENS
from bench.forms import form_values
from bureau.access.roles import ROLES
from bureau.cases import events, intake
from bureau.cases.state import stepping
from panel.base import Base, Public
from panel.fields import Field, fields
from panel.kinds import Amount, Choice, Day, Flag, Mobile, Moment, Text, Whole, now
from panel.security.accounts import User, UserRole
from panel.security.policy import Actor, Permission, Role
from panel.security.session import install_listeners, may_write, set_actor
from panel.web.engine_views import ENGINE_VIEWS

PASSWORD = "Test-pass-1"
#: When every test takes place: a Wednesday, ten in the morning at the office. The clock goes on from test to test.
MOMENT = datetime(2026, 7, 15, 2, 0, tzinfo=UTC)
STARTED = time.monotonic()
ROLES_BY_NAME: dict[str, Role] = {role.name: role for role in ROLES}
ROLE_NAMES = list(ROLES_BY_NAME)
#: Every generated screen's model by the name of its table. A test compares it with the assembled panel.
MODELS: dict[str, type[Base]] = {
    model.__tablename__: model for model in (*(one.model for one in SCREENS), *(one[1] for one in ENGINE_VIEWS))
}
TABLES = list(MODELS)
BUSINESS = [table for table in TABLES if any(not r.administrative and MODELS[table] in r.grants for r in ROLES)]


def granted(role: str, act: Permission, table: str) -> bool:
    """What the declared matrix says."""
    model = MODELS[table]
    if model.__append_only__ and act not in (Permission.READ, Permission.EXPORT):
        return False
    return act in ROLES_BY_NAME[role].grants.get(model, ())


def scoped(role: str, table: str) -> bool:
    """Whether a role that reads a table reads only some of its rows."""
    return not ROLES_BY_NAME[role].everything and not isinstance(MODELS[table].__scope__, Public)


def pairs(act: Permission = Permission.READ) -> list[tuple[str, str]]:
    """Role and table, wherever the role may do that."""
    return [(role, table) for role in ROLE_NAMES for table in TABLES if granted(role, act, table)]


def clock() -> time_machine.travel:
    """The time of the tests; what is set up for a whole file wants it too."""
    return time_machine.travel(MOMENT + timedelta(seconds=time.monotonic() - STARTED), tick=True)


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
    session.add(assignment)
    session.flush()
    found = case(session, community, officer=officer, second=second, item=item)
    party = models.CaseParty(case=found, name="张三", phone="13712345678", address="东栅社区 3 幢 201 室")
    action = models.Action(case=found, kind=models.ActionKind.PERSUASION, officer=officer, note="上门劝导")
    referral = models.Referral(case=found, department=department, request="请协助处理")
    feedback = models.Feedback(case=found, target=models.FeedbackTarget.LIAISON, content="已告知")
    session.add_all([party, action, referral, feedback])
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
        "case": found.id,
        "caseparty": party.id,
        "action": action.id,
        "referral": referral.id,
        "feedback": feedback.id,
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
    """A measurement, a mediation that was tried with one session, an extension that was refused."""
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
        mediation_no=f"TJ-2019-{next(_numbers):06}",
        case=found,
        party_a="张三",
        party_b="李四",
        dispute="冷库外机噪声",
        status=models.MediationStatus.FAILED,
        remedies="可向法院起诉",
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


_numbers = itertools.count(1)
#: Apart from the others: a mediation has at most 99 sessions.


def another(session: Session, table: str, side: dict[str, int], **given: Any) -> Any:
    """One more record of a table, beside those of a side of the district."""
    model = MODELS[table]
    if table == "caseevent":
        about = session.get_one(models.Case, side["case"])
        return events.append(session, about, "remark", about.status, about.status, None, f"测试 {next(_numbers)}")
    if table == "userrole":
        given.setdefault("user_id", another(session, "user", side).id)
    made = model(**{**demanded(table, side), **given})
    if table == "case":
        intake.register(session, made, None, "测试")
    session.add(made)
    session.flush()
    return made


def demanded(table: str, side: dict[str, int]) -> dict[str, Any]:
    """What a record can't do without, by attribute, another one each time: filled in by kind, and for the tables named
    here what their rules want besides."""
    n = next(_numbers)
    more: dict[str, dict[str, Any]] = {
        "liaison": {"start_on": date(2020, 1, 1), "end_on": date(2020, 1, 2)},
        "assignment": {"start_on": date(1990, 1, 1) + timedelta(n), "end_on": date(1990, 1, 1) + timedelta(n)},
        "caseparty": {"name": f"王小{n}", "phone": f"137{n:08}"},
        "referral": {"status": models.ReferralStatus.RETURNED, "return_reason": "不属本部门职责"},
        "measurement": {"second_officer_id": side.get("second_officer")},
        "mediation": {"status": models.MediationStatus.FAILED, "remedies": "可向法院起诉"},
        "mediationsession": {"session_no": None},
        "deadlinechange": {"status": models.ChangeStatus.REFUSED},
        "visit": {"planned_on": date(2100, 1, 4) + timedelta(7 * n)},
        "userrole": {"role": "viewer"},
        "auditentry": {"table_name": "street"},
        "exportlog": {"table_name": "street"},
        "importbatch": {"table_name": "street"},
        "importrow": {"outcome": "new"},
    }
    plain = {f.attr: value_of(f, n, side) for f in fields(MODELS[table]) if f.required and f.default is None}
    return {**plain, **more.get(table, {})}


def typed(table: str, side: dict[str, int], **given: str) -> dict[str, str]:
    """What one would type into the form of a new record, by field."""
    values = demanded(table, side)
    filled = {
        f.name: str(values[f.attr].value if isinstance(f.kind, Choice) else f.kind.format(values[f.attr]))
        for f in fields(MODELS[table])
        if f.attr in values and not f.readonly
    }
    return {**filled, **given}


def value_of(declared: Field, n: int, side: dict[str, int]) -> Any:
    """A value that a field takes, another one for each `n`."""
    kind = declared.kind
    if declared.reference:
        return side[declared.reference.table]
    if isinstance(kind, Choice):
        return next(iter(kind.choices))
    if isinstance(kind, Mobile):
        return f"138{n:08}"
    if isinstance(kind, Text):
        return f"某{n}"
    if isinstance(kind, Day):
        return date(2100, 1, 1) + timedelta(n)
    if isinstance(kind, Moment):
        return now()
    if isinstance(kind, Flag):
        return True
    return kind.low + n % 3 if isinstance(kind, Whole) else 1 if isinstance(kind, Amount) else {}


def another_value(table: str, opened: dict[str, str]) -> dict[str, str]:
    """A field of an open form with another value that may be saved."""
    special = {"userrole": {"role": "officer"}, "assignment": {"end_on": opened.get("start_on", "")[:4] + "-12-31"}}
    values = ((Mobile, "13655556666"), (Text, "某某"), (Flag, {"1": "0"}.get(opened.get("is_pilot", ""), "1")))
    for kind, value in values:
        for declared in fields(MODELS[table]):
            if table not in special and isinstance(declared.kind, kind) and not declared.readonly | declared.key:
                return {declared.name: value}
    return special[table]


class Stage:
    """A running panel with its district, and whoever is at a screen of it. `stored` is the district of a database that
    holds one already; otherwise it is made."""

    def __init__(self, app: Flask, stored: District | None = None) -> None:
        self.app = app
        self.panel = app.extensions["panel"]
        self._browsers: dict[str, Browser] = {}
        if stored is not None:
            self.district = deepcopy(stored)
        else:
            self._furnish()

    def _furnish(self) -> None:
        """Make the district, and one record of each table that it has none of."""
        with self.app.app_context():
            self.district = district(self.panel)
        self.browse("office")
        with self.session() as session:
            for table, model in MODELS.items():
                if table not in self.inside:
                    first = session.execute(sa.select(sa.func.min(model.id))).scalar()
                    self.inside[table] = first or another(session, table, self.inside).id

    @property
    def inside(self) -> dict[str, int]:
        return self.district.inside

    @property
    def outside(self) -> dict[str, int]:
        return self.district.outside

    def browse(self, username: str, password: str = PASSWORD) -> Browser:
        """Somebody who is logged in; the same one when asked again."""
        if username not in self._browsers:
            self._browsers[username] = self.visitor()
            self._browsers[username].log_in(username, password)
        return self._browsers[username]

    def visitor(self) -> Browser:
        """Somebody who is not logged in."""
        return Browser(self.app)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the system's; committed at the end."""
        with self.app.app_context(), self.panel.system_session() as session:
            session.expire_on_commit = False
            yield session

    @contextmanager
    def acting(self, *roles: str) -> Iterator[Session]:
        """A session that acts for an account of the district, below any view; rolled back at the end. The first role
        says whose, further ones are held besides; none at all is nobody."""
        with self.app.app_context(), may_write(), Session(self.panel.db.engine) as session:
            install_listeners(session)
            session.info.update(policy=self.panel.policy, secret="")
            if roles:
                user = self.district.users[roles[0]]
                held = frozenset(roles)
                set_actor(session, Actor(roles[0], user, held, self.panel.facts(session, user, held)))
            yield session
            session.rollback()

    def get(self, table: str, id_: int) -> Any:
        """A record as it stands in the database."""
        with self.session() as session:
            return session.get(MODELS[table], id_)

    def count(self, table: str) -> int:
        with self.session() as session:
            return session.execute(sa.select(sa.func.count()).select_from(MODELS[table])).scalar_one()

    def add(self, table: str, **given: Any) -> int:
        """The id of one more record inside everybody's scope."""
        with self.session() as session:
            return int(another(session, table, self.inside, **given).id)


class Browser:
    """A client that takes the form's token along, as a browser does."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self._token = ""

    def get(self, url: str, **kwargs: Any) -> TestResponse:
        return self.client.get(url, **kwargs)

    def post(self, url: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        response = self.client.post(url, data={"csrf_token": self.token(), **(data or {})}, **kwargs)
        if url.startswith(("/login", "/logout")):
            self._token = ""
        return response

    def token(self) -> str:
        """The token of this session; a log-in or log-out begins another one."""
        for address in ("/password", "/login") if not self._token else ():
            if found := re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(address).text):
                self._token = found[1]
                break
        assert self._token, "no token on the page"
        return self._token

    def log_in(self, username: str, password: str = PASSWORD, **values: str) -> TestResponse:
        return self.post("/login", {"username": username, "password": password, **values})

    def menu(self) -> list[str]:
        """The addresses in the side bar of the home page."""
        side = re.search(r'<nav class="side".*?</nav>', self.get("/").text, re.S)
        assert side is not None, "no side bar"
        return [html.unescape(address) for address in re.findall(r'<a href="([^"]*)"', side[0])]

    def crawl(self, limit: int = 400) -> Iterator[tuple[str, TestResponse]]:
        """Every page that links lead to from home, one of each kind: addresses that differ in their values alone are
        of one kind."""
        waiting, seen, kinds = ["/"], {"/"}, Counter[str]()
        while waiting and sum(kinds.values()) < limit:
            address = waiting.pop(0)
            place, _mark, arguments = address.partition("?")
            kind = f"{place}?{'&'.join(sorted(re.findall(r'(?:^|&)([^=&]+)=', arguments)))}"
            if kinds[kind]:
                continue
            kinds[kind] += 1
            page = self.get(address)
            yield address, page
            links = re.findall(r'<a\b[^>]*href="([^"]*)"', page.text) if page.mimetype == "text/html" else []
            for link in (html.unescape(found) for found in links):
                if link.startswith("/") and link not in seen:
                    seen.add(link)
                    waiting.append(link)

    @staticmethod
    def complaints(page: str) -> str:
        """What a page says is wrong: above the form and at its fields."""
        found = re.findall(r'<div class="(?:error|note danger)[^"]*"[^>]*>(.*?)</div>', page, re.S)
        return html.unescape(" ".join(re.sub(r"<[^>]+>", "", text) for text in found))

    def form(self, url: str) -> dict[str, str]:
        """What the form at an address would post if it were sent as it is."""
        return form_values(self.get(url).text)


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
