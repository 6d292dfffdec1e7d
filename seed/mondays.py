"""Made-up visits, survey entries, volunteers and a substitute of the demo district."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local_day
from bureau.settings import settings
from bureau.visits import planning
from models import Assignment, Case, Source, SurveyEntry, SurveyKind, Visit, VisitStatus, Volunteer
from panel.base import UNSCOPED, Base, name_key
from panel.fields import fields
from panel.kinds import ZONE
from panel.security.hashes import hash_of
from seed import district
from seed.draws import Draws
from seed.world import CommunityStaff

WEEKS = 10
#: Frequency of the status of past visits, in percent.
STATUS_WEIGHTS = {VisitStatus.DONE: 84, VisitStatus.MADE_UP: 7, VisitStatus.EXEMPT: 4, VisitStatus.MISSED: 5}
WHY_MISSED = ("当日参加联合整治行动。", "当日参加业务培训。", "当日有重大活动保障任务。", "队员病假。")
WHY_EXEMPT = ("台风橙色预警，暂停外勤。", "社区整体搬迁办公，另行安排。")
WORK = (
    "到社区报到，与联络员碰头，走访沿街商铺。",
    "排摸小区养犬和家禽饲养情况，发放告知书。",
    "巡查在建工地和楼道堆物，回访上周案件当事人。",
    "入户走访，收集居民诉求，宣传文明养犬规定。",
)
FOUND = (
    "沿街一家店铺店外堆放杂物。",
    "小区绿地内有居民饲养家禽。",
    "一楼住户在搭建雨棚，未见审批手续。",
    "地下车库出口有车辆长期占用公共车位。",
)
SETTLED = ("当场劝导，已自行清理。", "口头责令改正，店主承诺当日整改。", "", "")
#: Survey entries of a community: kind, number of entries, kind of place, largest quantity.
SURVEY_ROWS = (
    (SurveyKind.SHOP, 5, "shop", None),
    (SurveyKind.DOG, 3, "home", 2),
    (SurveyKind.POULTRY, 2, "estate", 6),
    (SurveyKind.BUILDING, 1, "site", 1),
)
SHOPS = ("便利店", "早餐铺", "理发店", "五金店", "水果店", "宠物店", "小吃店")
ADDRESS = next(f for f in fields(SurveyEntry) if f.name == "address")
MEDIATORS = 1
VOLUNTEERS = 2


def build(session: Session, draws: Draws, now: datetime, seed: int) -> dict[str, int]:
    """Add them to a district with people and cases, from a generator of its own. Returns the number of added rows by
    table."""
    rng = random.Random(seed)  # noqa: S311 - made-up data, nothing to keep secret
    day = local_day(now)
    communities = {staff.id: staff for staff in draws.world.communities}
    session.add(_substitute(draws.world.communities[1], day))
    session.flush()
    first = planning.monday_of(day) - (WEEKS - 1) * planning.WEEK
    last = day + settings.get(session, "visit_weeks") * planning.WEEK
    roster = planning.Roster.load(session, first, last, communities)
    rows = [
        _visit(rng, planning.planned_visit(roster, community, monday), now)
        for monday in planning.mondays(first, last)
        for community in communities
    ]
    added = {"visit": _insert(session, Visit, rows), "volunteer": _volunteers(session, rng, draws)}
    visits = _stored(session, first)
    _link_cases(session, visits, first)
    added["surveyentry"] = _insert(session, SurveyEntry, _survey_rows(rng, draws, communities, visits, day))
    return added


def _substitute(staff: CommunityStaff, day: date) -> Assignment:
    """The assignment of another officer of the squad as a substitute for two weeks."""
    assigned = {term.person.id for term in staff.officers}
    substitute = next(person for person in staff.squad[1:] if person.decides and person.id not in assigned)
    start = planning.monday_of(day)
    return Assignment(
        community_id=staff.id,
        officer_id=substitute.id,
        start_on=start,
        end_on=start + timedelta(days=13),
        substitute=True,
    )


def _visit(rng: random.Random, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The values of a visit: what happened if its Monday is over, else a planned one."""
    values = {**row, "arrived_at": None, "left_at": None, "content": None, "findings": None, "on_the_spot": None}
    values["reason"] = None
    status = rng.choices(list(STATUS_WEIGHTS), list(STATUS_WEIGHTS.values()))[0]
    delay = timedelta(days=rng.choice((1, 2, 3)))
    begun = datetime.combine(row["planned_on"], time(8, 40), ZONE) + timedelta(minutes=rng.randint(0, 150))
    length, work = timedelta(minutes=rng.randint(50, 170)), rng.choice(WORK)
    index, has_findings = rng.randrange(len(FOUND)), rng.random() < 0.45
    missed_reason, excuse_reason = rng.choice(WHY_MISSED), rng.choice(WHY_EXEMPT)
    if row["planned_on"] >= local_day(now):
        return values
    if status is VisitStatus.MADE_UP:
        begun += delay
        if begun + length > now:
            status = VisitStatus.MISSED
    values["status"] = status
    if status in (VisitStatus.DONE, VisitStatus.MADE_UP):
        values |= {"arrived_at": begun.astimezone(UTC), "left_at": (begun + length).astimezone(UTC), "content": work}
        if has_findings:
            values |= {"findings": FOUND[index], "on_the_spot": SETTLED[index] or None}
    if status is VisitStatus.MADE_UP:
        values["reason"] = missed_reason
    elif status is VisitStatus.EXEMPT:
        values["reason"] = excuse_reason
    return values


def _stored(session: Session, first: date) -> dict[int, list[Any]]:
    """The visits held, by community, the earliest first."""
    table = Visit.__table__.c
    statement = (
        select(table.id, table.community_id, table.planned_on, table.arrived_at)
        .where(table.planned_on >= first, table.arrived_at.is_not(None))
        .order_by(table.planned_on)
    )
    by_community: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(statement, execution_options=UNSCOPED):
        by_community[row.community_id].append(row)
    return by_community


def _link_cases(session: Session, visits: dict[int, list[Any]], first: date) -> None:
    """Link cases with the source "visit" to the visit held on their day."""
    held = {(row.community_id, local_day(row.arrived_at)): row.id for rows in visits.values() for row in rows}
    table = cast(Table, Case.__table__)
    statement = select(table.c.id, table.c.community_id, table.c.reported_at).where(
        table.c.source == Source.VISIT, table.c.reported_at >= datetime.combine(first, time(), ZONE)
    )
    updates = [
        {"id_": row.id, "visit_id": held[row.community_id, local_day(row.reported_at)]}
        for row in session.execute(statement, execution_options=UNSCOPED)
        if (row.community_id, local_day(row.reported_at)) in held
    ]
    if updates:
        link = update(table).where(table.c.id == bindparam("id_")).values(visit_id=bindparam("visit_id"))
        session.connection().execute(link, updates)


def _survey_rows(
    rng: random.Random, draws: Draws, communities: dict[int, CommunityStaff], visits: dict[int, list[Any]], day: date
) -> list[dict[str, Any]]:
    """The survey entries, each last verified on one of the visits."""
    rows, keys = [], set()
    given_names = district.GIVEN.split()
    for community, staff in communities.items():
        for kind, count, where, highest in SURVEY_ROWS:
            for _n in range(count):
                address = draws.place(staff, where)
                person = rng.choice(district.SURNAMES) + rng.choice(given_names)
                shop = staff.stem + rng.choice(SHOPS)
                first = day - timedelta(days=rng.randint(80, 400))
                visit = rng.choice(visits[community]) if visits.get(community) else None
                quantity = rng.randint(1, highest) if highest else None
                hashed = hash_of(ADDRESS, address, draws.secret)
                if (community, kind, hashed) in keys:
                    continue
                keys.add((community, kind, hashed))
                verified = local_day(visit.arrived_at) if visit else first
                officer = next((term.person.name for term in staff.officers if term.covers(verified)), None)
                rows.append(
                    {
                        "community_id": community,
                        "kind": kind,
                        "address": address,
                        ADDRESS.hash_attr: hashed,
                        "subject": shop if kind is SurveyKind.SHOP else person,
                        "quantity": quantity,
                        "first_on": first,
                        "verified_on": verified,
                        "verified_by": officer,
                        "visit_id": visit.id if visit else None,
                    }
                )
    return rows


def _volunteers(session: Session, rng: random.Random, draws: Draws) -> int:
    """Add volunteers to each community, one of them a trusted mediator."""
    given_names, rows = district.GIVEN.split(), []
    for index, staff in enumerate(draws.world.communities):
        for n in range(VOLUNTEERS):
            name = rng.choice(district.SURNAMES) + rng.choice(given_names)
            rows.append(
                {
                    "name": name,
                    "name_key": name_key(Volunteer, name),
                    "community_id": staff.id,
                    "is_mediator": n < MEDIATORS,
                    "mobile": f"1540004{index:02d}{n:02d}",
                }
            )
    return _insert(session, Volunteer, rows)


def _insert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> int:
    if rows:
        session.execute(insert(cast(Table, model.__table__)), rows, execution_options=UNSCOPED)
    return len(rows)
