"""The demo district as read from the database: people by community, items, and texts of cases."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

import seed
from bureau.calendar.calendar import Calendar, office_calendar
from bureau.cases import intake
from models import (
    Assignment,
    ChecklistItem,
    Community,
    Department,
    Force,
    Liaison,
    LimitUnit,
    ListKind,
    Officer,
    OfficerKind,
    Outcome,
    Squad,
    Volunteer,
)
from panel.base import UNSCOPED
from panel.security.accounts import User
from seed import district


@dataclass(frozen=True, slots=True)
class Person:
    """An officer, liaison or member of staff: `id` is that of the officer or liaison, `user_id` that of the account."""

    id: int | None
    name: str
    user_id: int | None
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    person: Person
    start_on: date
    end_on: date | None

    def covers(self, day: date) -> bool:
        return self.start_on <= day and (self.end_on is None or day <= self.end_on)


@dataclass(slots=True)
class CommunityStaff:
    """A community with its liaisons and officers, present and past; the leader comes first in `squad`."""

    id: int
    stem: str
    squad: list[Person]
    liaisons: list[Term] = field(default_factory=list)
    officers: list[Term] = field(default_factory=list)
    noise_zone: int | None = None
    volunteers: list[tuple[Force, Person]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CaseText:
    """A row of stories.csv; `{n}` in its texts stands for a quantity."""

    where: str
    outcome: Outcome
    description: str
    result: str


@dataclass(frozen=True, slots=True)
class Item:
    id: int
    code: str
    list_kind: ListKind
    limit_value: int
    limit_unit: LimitUnit
    department: Department | None
    mediable: bool
    needs_measurement: bool
    snapshot: dict[str, Any]
    texts: list[CaseText]


@dataclass(frozen=True, slots=True)
class World:
    communities: list[CommunityStaff]
    items: list[Item]
    office: Person
    calendar: Calendar

    @classmethod
    def load(cls, session: Session) -> Self:
        """Read the district in a fixed number of statements."""
        return cls(_communities(session), _items(session), _office(session), office_calendar(session))


def _communities(session: Session) -> list[CommunityStaff]:
    squads: dict[int | None, list[Person]] = defaultdict(list)
    people: dict[int, Person] = {}
    for officer in session.scalars(select(Officer).order_by(Officer.id), execution_options=UNSCOPED):
        decides = officer.kind == OfficerKind.OFFICER
        people[officer.id] = Person(officer.id, officer.name, officer.user_id, decides)
        if (officer.badge_no or "").startswith(district.BADGE):
            squads[officer.squad_id].append(people[officer.id])
    names = [f"{stem}社区" for _street, _squad, stems in district.DISTRICT for stem in stems.split()]
    ours = (
        select(Community)
        .join(Community.squad)
        .where(Community.name.in_(names), Squad.name.in_([squad for _street, squad, _stems in district.DISTRICT]))
        .order_by(Community.id)
    )
    communities = {
        community.id: CommunityStaff(
            community.id,
            community.name.removesuffix("社区"),
            squads[community.squad_id],
            noise_zone=community.noise_zone,
        )
        for community in session.scalars(ours, execution_options=UNSCOPED)
    }
    for liaison in session.scalars(select(Liaison), execution_options=UNSCOPED):
        if staff := communities.get(liaison.community_id):
            person = Person(liaison.id, liaison.name, liaison.user_id)
            staff.liaisons.append(Term(person, liaison.start_on, liaison.end_on))
    for assignment in session.scalars(select(Assignment), execution_options=UNSCOPED):
        if staff := communities.get(assignment.community_id):
            staff.officers.append(Term(people[assignment.officer_id], assignment.start_on, assignment.end_on))
    for volunteer in session.scalars(select(Volunteer).order_by(Volunteer.id), execution_options=UNSCOPED):
        if volunteer.active and (staff := communities.get(volunteer.community_id)):
            force = Force.MEDIATOR if volunteer.is_mediator else Force.VOLUNTEER
            staff.volunteers.append((force, Person(volunteer.id, volunteer.name, None)))
    return list(communities.values())


def _items(session: Session) -> list[Item]:
    outcomes = {outcome.value: outcome for outcome in Outcome}
    texts: dict[str, list[CaseText]] = defaultdict(list)
    for row in seed.rows("stories.csv"):
        texts[row["code"]].append(CaseText(row["where"], outcomes[row["outcome"]], row["description"], row["result"]))
    query = (
        select(ChecklistItem)
        .where(ChecklistItem.code.in_(texts), ChecklistItem.valid_until.is_(None))
        .options(joinedload(ChecklistItem.department))
        .order_by(ChecklistItem.code, ChecklistItem.version_no)
    )
    newest = {item.code: item for item in session.scalars(query, execution_options=UNSCOPED)}
    return [
        Item(
            item.id,
            item.code,
            item.list_kind,
            item.limit_value,
            item.limit_unit,
            item.department,
            item.mediable,
            item.needs_measurement,
            intake.snapshot(item),
            texts[item.code],
        )
        for item in newest.values()
    ]


def _office(session: Session) -> Person:
    user = session.scalar(select(User).where(User.username == "office"), execution_options=UNSCOPED)
    return Person(None, user.name if user else district.ACCOUNTS["office"], user.id if user else None)
