"""The made-up demo district: streets, squads, communities, people and accounts.

Records are found again by their keys; existing ones are reused without changes.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Assignment, Community, Gender, Liaison, Officer, OfficerKind, Squad, Street, Volunteer
from panel.base import UNSCOPED
from panel.security.accounts import User, UserRole

PILOT = "南湖分队"

#: Street, its squad and its communities.
DISTRICT = (
    (
        "鹤湖街道",
        PILOT,
        "东栅 梧桐 菱塘 荷风 柳堤 芦荡 画舫 采菱 鹤鸣 清漪 听雨 湖心 白苹 渔里",
    ),
    ("桐溪街道", "桐溪分队", "桐香 竹桥 枫林 松涛 杏园 槐荫 兰皋 桂苑 橘园 银杏 海棠 石榴 丹枫"),
    ("望河街道", "望河分队", "望河 南埠 北渡 长桥 双桥 塘湾 石埠 新禾 千帆 锦绣 和睦 康宁 星光"),
)
OFFICERS_PER_SQUAD = 6
#: Prefix of the badge numbers of made-up officers.
BADGE = "YS0"

SURNAMES = "沈陆顾朱徐钱姚俞褚计费盛屠章严邵凌冯蒋戴"
GIVEN = (
    "文涛 雅琴 建明 晓岚 立群 思远 美华 志刚 春燕 家豪 玉兰 永康 静怡 国梁 慧敏 佳宁 海峰 巧云 博文 丽萍 "
    "少华 梦洁 庆丰 秋月 子轩 惠英 振宇 书瑶 伟良 翠芳"
)
POSTS = ("社区工作者", "社区副主任", "综治专干", "网格长", "社区委员")

#: Full names by user name; empty for accounts of officers and liaisons.
ACCOUNTS = {
    "office": "周敏",
    "leader": "",
    "officer": "",
    "liaison": "",
    "viewer": "高志远",
    "administrator": "方晓东",
    "security": "田雨薇",
    "auditor": "汪建平",
}


def build(session: Session, rng: random.Random, today: date, password_hash: str) -> dict[str, int]:
    """Add the missing records of the district and flush; returns the number of added rows by table."""
    before = _counts(session)
    streets = _by_name(session, Street, {name: {} for name, _s, _c in DISTRICT})
    squads = _by_name(session, Squad, {squad: {"is_pilot": squad == PILOT} for _n, squad, _c in DISTRICT})
    names = _names(rng)
    officers = _officers(session, rng, squads, names, today)
    communities = _communities(session, rng, streets, squads)
    _liaisons(session, rng, communities, names, today)
    _assignments(session, communities, officers, today)
    _volunteers(session, communities, names)
    _accounts(session, password_hash)
    return {table: count - before[table] for table, count in _counts(session).items()}


def _counts(session: Session) -> dict[str, int]:
    return {
        model.__tablename__: len(session.scalars(select(model.id), execution_options=UNSCOPED).all())
        for model in (Street, Squad, Community, Officer, Liaison, Assignment, Volunteer, User)
    }


def _names(rng: random.Random) -> Iterator[str]:
    """Unique names in random order."""
    every = [surname + given_name for surname in SURNAMES for given_name in GIVEN.split()]
    rng.shuffle(every)
    return iter(every)


def _by_name(session: Session, model: type[Any], values_by_name: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The records of these names; missing ones are added with their values."""
    records = {row.name: row for row in session.scalars(select(model), execution_options=UNSCOPED)}
    for name, values in values_by_name.items():
        if name not in records:
            records[name] = model(name=name, **values)
            session.add(records[name])
    session.flush()
    return {name: records[name] for name in values_by_name}


def _officers(
    session: Session, rng: random.Random, squads: dict[str, Squad], names: Iterator[str], today: date
) -> dict[int, list[Officer]]:
    """The demo officers by squad id: the leader first, an auxiliary last."""
    by_badge = {o.badge_no: o for o in session.scalars(select(Officer), execution_options=UNSCOPED)}
    by_squad: dict[int, list[Officer]] = {}
    for squad_number, squad in enumerate(squads.values(), 1):
        for position in range(1, OFFICERS_PER_SQUAD + 1):
            number, name, valid = (
                f"{BADGE}{squad_number}{position:04d}",
                next(names),
                today + timedelta(days=rng.randint(60, 1400)),
            )
            if number not in by_badge:
                last = position == OFFICERS_PER_SQUAD
                by_badge[number] = Officer(
                    name=name,
                    squad_id=squad.id,
                    badge_no=number,
                    badge_until=valid,
                    kind=OfficerKind.AUXILIARY if last else OfficerKind.OFFICER,
                    mobile=f"1540002{squad_number:02d}{position:02d}",
                )
                session.add(by_badge[number])
            by_squad.setdefault(squad.id, []).append(by_badge[number])
    session.flush()
    return by_squad


def _communities(
    session: Session, rng: random.Random, streets: dict[str, Street], squads: dict[str, Squad]
) -> list[Community]:
    by_key = {(c.street_id, c.name): c for c in session.scalars(select(Community), execution_options=UNSCOPED)}
    communities = []
    for street, squad, stems in DISTRICT:
        for stem in stems.split():
            key = (streets[street].id, f"{stem}社区")
            households, zone, number = rng.randrange(900, 4200, 10), rng.choice((1, 1, 2, 2, 3)), rng.randint(8, 480)
            if key not in by_key:
                by_key[key] = Community(
                    name=key[1],
                    street_id=key[0],
                    squad_id=squads[squad].id,
                    households=households,
                    noise_zone=zone,
                    dog_key_zone=street == DISTRICT[0][0],
                    alias_names=f"{stem}、{stem}居委会",
                    address=f"{stem}路{number}号",
                )
                session.add(by_key[key])
            communities.append(by_key[key])
    session.flush()
    return communities


def _liaisons(
    session: Session, rng: random.Random, communities: list[Community], names: Iterator[str], today: date
) -> None:
    """One active liaison in each community without any; every fourth one has a predecessor."""
    occupied = set(session.scalars(select(Liaison.community_id), execution_options=UNSCOPED))
    for i, community in enumerate(communities):
        name, before = next(names), next(names)
        since, male, post = today - timedelta(days=rng.randint(800, 1900)), rng.random() < 0.4, rng.choice(POSTS)
        handed_over = today - timedelta(days=rng.randint(90, 500))
        if community.id in occupied:
            continue
        common: dict[str, Any] = {"community_id": community.id, "telephone": f"0573-5550{i:04d}"}
        if i % 4 == 1:
            session.add(
                Liaison(
                    name=before, mobile=f"1540003{i:04d}", start_on=since, end_on=handed_over, post=POSTS[0], **common
                )
            )
            since = handed_over + timedelta(days=1)
        session.add(
            Liaison(
                name=name,
                mobile=f"1540001{i:04d}",
                start_on=since,
                gender=Gender.MALE if male else Gender.FEMALE,
                post=post,
                **common,
            )
        )
    session.flush()


def _assignments(
    session: Session, communities: list[Community], officers: dict[int, list[Officer]], today: date
) -> None:
    """Assign an officer, neither leader nor auxiliary, to each community without one; every third has an earlier
    term."""
    occupied = set(session.scalars(select(Assignment.community_id), execution_options=UNSCOPED))
    for i, community in enumerate(communities):
        if community.id in occupied or community.squad_id not in officers:
            continue
        candidates = officers[community.squad_id][1:-1]
        start = today - timedelta(days=800)
        if i % 3 == 2:
            change = today - timedelta(days=200 + i)
            before = candidates[(i + 1) % len(candidates)]
            session.add(Assignment(community_id=community.id, officer_id=before.id, start_on=start, end_on=change))
            start = change + timedelta(days=1)
        session.add(
            Assignment(community_id=community.id, officer_id=candidates[i % len(candidates)].id, start_on=start)
        )
    session.flush()


def _volunteers(session: Session, communities: list[Community], names: Iterator[str]) -> None:
    """Two volunteers for each community without any: a trusted mediator and another one."""
    occupied = set(session.scalars(select(Volunteer.community_id), execution_options=UNSCOPED))
    for i, community in enumerate(communities):
        for is_mediator in (True, False):
            name = next(names)
            if community.id not in occupied:
                mobile = f"154000{4 + is_mediator}{i:04d}"
                person = Volunteer(name=name, community_id=community.id, is_mediator=is_mediator, mobile=mobile)
                session.add(person)
    session.flush()


def _accounts(session: Session, password_hash: str) -> None:
    """An account for each role, with the role as user name. Leader, officer and liaison belong to the pilot squad.
    Existing accounts keep password, roles and owner."""
    usernames = set(session.scalars(select(User.username), execution_options=UNSCOPED))
    for username, full_name in ACCOUNTS.items():
        if username in usernames:
            continue
        owner = _owner(session, username)
        user = User(
            username=username,
            name=owner.name if owner else full_name or username,
            must_change=False,
            password_hash=password_hash,
            stamp=secrets.token_hex(16),
        )
        user.roles.append(UserRole(role=username))
        session.add(user)
        session.flush()
        if owner:
            owner.user_id = user.id
    session.flush()


def _owner(session: Session, role: str) -> Officer | Liaison | None:
    """The owner of a role's account: the pilot squad's leader, an assigned officer of it, or the liaison there."""
    if role == "leader":
        query = select(Officer).where(Officer.badge_no == f"{BADGE}10001", Officer.user_id.is_(None))
        return session.scalar(query, execution_options=UNSCOPED)
    first = (
        select(Assignment.officer_id, Assignment.community_id)
        .join(Assignment.community)
        .join(Community.squad)
        .where(Squad.name == PILOT, Assignment.end_on.is_(None))
        .order_by(Assignment.id)
    )
    row = session.execute(first.limit(1), execution_options=UNSCOPED).first()
    if row is None:
        return None
    if role == "officer":
        query = select(Officer).where(Officer.id == row.officer_id, Officer.user_id.is_(None))
        return session.scalar(query, execution_options=UNSCOPED)
    if role == "liaison":
        active = select(Liaison).where(
            Liaison.community_id == row.community_id, Liaison.end_on.is_(None), Liaison.user_id.is_(None)
        )
        return session.scalar(active, execution_options=UNSCOPED)
    return None
