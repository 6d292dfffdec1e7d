"""The demo district's Mondays: visits past and to come, what was surveyed, volunteers, a substitute."""

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
from panel.kinds import ZONE
from seed import district
from seed.cast import Cast
from seed.world import Beat

WEEKS = 10
#: How it went, of 100 Mondays.
ENDS = {VisitStatus.DONE: 84, VisitStatus.MADE_UP: 7, VisitStatus.EXEMPT: 4, VisitStatus.MISSED: 5}
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
#: What stands in a community: kind, how many rows, at what kind of place, the largest quantity.
STANDS = (
    (SurveyKind.SHOP, 5, "shop", None),
    (SurveyKind.DOG, 3, "home", 2),
    (SurveyKind.POULTRY, 2, "estate", 6),
    (SurveyKind.BUILDING, 1, "site", 1),
)
SHOPS = ("便利店", "早餐铺", "理发店", "五金店", "水果店", "宠物店", "小吃店")
MEDIATORS = 1
VOLUNTEERS = 2


def build(session: Session, cast_: Cast, now: datetime, seed: int) -> dict[str, int]:
    """Add them to a district that has its people and cases; draws of its own, so that the cases stay what they are.
    Returns how many rows of each kind were added."""
    rng = random.Random(seed)  # noqa: S311 - made-up data, nothing to keep secret
    day = local_day(now)
    beats = {beat.id: beat for beat in cast_.world.beats}
    session.add(_substitute(cast_.world.beats[1], day))
    session.flush()
    first = planning.monday_of(day) - (WEEKS - 1) * planning.WEEK
    last = day + settings.get(session, "visit_weeks") * planning.WEEK
    roster = planning.Roster.load(session, first, last, beats)
    rows = [
        _visit(rng, planning.planned_visit(roster, community, monday), now)
        for monday in planning.mondays(first, last)
        for community in beats
    ]
    added = {"visit": _insert(session, Visit, rows), "volunteer": _volunteers(session, rng, cast_)}
    visits = _stored(session, first)
    _tie_cases(session, visits, first)
    added["surveyentry"] = _insert(session, SurveyEntry, _stands(rng, cast_, beats, visits, day))
    return added


def _substitute(beat: Beat, day: date) -> Assignment:
    """Another officer of the squad stands in for these two weeks."""
    assigned = {term.person.id for term in beat.officers}
    able = next(one for one in beat.squad[1:] if one.decides and one.id not in assigned)
    start = planning.monday_of(day)
    return Assignment(
        community_id=beat.id, officer_id=able.id, start_on=start, end_on=start + timedelta(days=13), substitute=True
    )


def _visit(rng: random.Random, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """How a planned visit went, if its Monday is over. Today's are still to be made."""
    plain = {**row, "arrived_at": None, "left_at": None, "content": None, "findings": None, "on_the_spot": None}
    plain["reason"] = None
    end = rng.choices(list(ENDS), list(ENDS.values()))[0]
    late = timedelta(days=rng.choice((1, 2, 3)))
    begun = datetime.combine(row["planned_on"], time(8, 40), ZONE) + timedelta(minutes=rng.randint(0, 150))
    length, work = timedelta(minutes=rng.randint(50, 170)), rng.choice(WORK)
    at, found = rng.randrange(len(FOUND)), rng.random() < 0.45
    why, excuse = rng.choice(WHY_MISSED), rng.choice(WHY_EXEMPT)
    if row["planned_on"] >= local_day(now):
        return plain
    if end is VisitStatus.MADE_UP:
        begun += late
        if begun + length > now:
            end = VisitStatus.MISSED
    plain["status"] = end
    if end in (VisitStatus.DONE, VisitStatus.MADE_UP):
        plain |= {"arrived_at": begun.astimezone(UTC), "left_at": (begun + length).astimezone(UTC), "content": work}
        if found:
            plain |= {"findings": FOUND[at], "on_the_spot": SETTLED[at] or None}
    if end is VisitStatus.MADE_UP:
        plain["reason"] = why
    elif end is VisitStatus.EXEMPT:
        plain["reason"] = excuse
    return plain


def _stored(session: Session, first: date) -> dict[int, list[Any]]:
    """The visits that took place, by community, the earliest first."""
    table = Visit.__table__.c
    statement = (
        select(table.id, table.community_id, table.planned_on, table.arrived_at)
        .where(table.planned_on >= first, table.arrived_at.is_not(None))
        .order_by(table.planned_on)
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(statement, execution_options=UNSCOPED):
        found[row.community_id].append(row)
    return found


def _tie_cases(session: Session, visits: dict[int, list[Any]], first: date) -> None:
    """Cases found on a visit belong to the one of that Monday, where it took place."""
    held = {(row.community_id, local_day(row.arrived_at)): row.id for rows in visits.values() for row in rows}
    table = cast(Table, Case.__table__)
    statement = select(table.c.id, table.c.community_id, table.c.reported_at).where(
        table.c.source == Source.VISIT, table.c.reported_at >= datetime.combine(first, time(), ZONE)
    )
    found = [
        {"id_": row.id, "visit_id": held[row.community_id, local_day(row.reported_at)]}
        for row in session.execute(statement, execution_options=UNSCOPED)
        if (row.community_id, local_day(row.reported_at)) in held
    ]
    if found:
        tie = update(table).where(table.c.id == bindparam("id_")).values(visit_id=bindparam("visit_id"))
        session.connection().execute(tie, found)


def _stands(
    rng: random.Random, cast_: Cast, beats: dict[int, Beat], visits: dict[int, list[Any]], day: date
) -> list[dict[str, Any]]:
    """The standing survey, each row last verified on one of the visits."""
    rows, taken = [], set()
    given = district.GIVEN.split()
    for community, beat in beats.items():
        for kind, count, where, most in STANDS:
            for _n in range(count):
                address = cast_.place(beat, where)
                person = rng.choice(district.SURNAMES) + rng.choice(given)
                shop = beat.stem + rng.choice(SHOPS)
                first = day - timedelta(days=rng.randint(80, 400))
                visit = rng.choice(visits[community]) if visits.get(community) else None
                quantity = rng.randint(1, most) if most else None
                if (community, kind, address) in taken:
                    continue
                taken.add((community, kind, address))
                rows.append(
                    {
                        "community_id": community,
                        "kind": kind,
                        "address": address,
                        "subject": shop if kind is SurveyKind.SHOP else person,
                        "quantity": quantity,
                        "first_on": first,
                        "verified_on": local_day(visit.arrived_at) if visit else first,
                        "visit_id": visit.id if visit else None,
                    }
                )
    return rows


def _volunteers(session: Session, rng: random.Random, cast_: Cast) -> int:
    """Volunteers of each community, one of them trusted to mediate."""
    given, rows = district.GIVEN.split(), []
    for at, beat in enumerate(cast_.world.beats):
        for n in range(VOLUNTEERS):
            name = rng.choice(district.SURNAMES) + rng.choice(given)
            rows.append(
                {
                    "name": name,
                    "name_key": name_key(Volunteer, name),
                    "community_id": beat.id,
                    "is_mediator": n < MEDIATORS,
                    "mobile": f"1540004{at:02d}{n:02d}",
                }
            )
    return _insert(session, Volunteer, rows)


def _insert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> int:
    if rows:
        session.execute(insert(cast(Table, model.__table__)), rows, execution_options=UNSCOPED)
    return len(rows)
