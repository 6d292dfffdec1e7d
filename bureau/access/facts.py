"""The ids that an account's row scopes are built from, also those of the people whom it stands in for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Date,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    exists,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, LIAISON, OFFICE, OFFICER
from bureau.settings.settings import OFFICE_HEADS
from bureau.settings.user_names import SEPARATOR
from models import Assignment, Community, Deputy, Liaison, Officer
from panel.base import UNSCOPED
from panel.kinds import today
from panel.security.accounts import User, UserRole
from panel.security.policy import Actor, table_of
from panel.security.separation import in_force
from panel.store.records import Setting

#: Stands for the account itself, where others are officers whom it stands in for.
OWN = 0
_USER, _DAY = bindparam("user", type_=Integer), bindparam("day", type_=Date)
#: The roles that a deputy gets from the person replaced.
LENT = (LEADER, OFFICER)
#: The roles that decide what is read.
_STATED = frozenset({LEADER, OFFICER, OFFICE, LIAISON})
#: Facts of the account itself, which a deputy doesn't lend.
SELF, _LED, _HEAD, _LEADING = "self", "led", "head", "leading"
#: The account of a person whom somebody stands in for.
ACCOUNT = "account"
_LIAISON, _LIAISON_COMMUNITY = "liaison", "liaison_community"


def scope_ids(session: Session, user_id: int, roles: frozenset[str]) -> dict[str, frozenset[int]]:
    """The ids that an account's row scopes are built from, as of today, by name: squads, officer, officer_squad,
    assigned (communities), liaison, liaison_community. One statement.

    They include what belongs to the people whom the account stands in for. "for_leader" and "for_officer" are those
    people, by the role that they lend; names with "7:" before them are the facts of officer 7 alone, "0:" those of the
    account itself: capacities() reads them. "7:account" is the account of officer 7. "self" are the officers whose
    account this is. For the office, "head" is there if the account decides for a squad without a leader, "led" are the
    squads that have one, and "leading" the accounts of all leaders."""
    if not roles & _STATED:
        return {}
    rows: dict[tuple[int, str], set[int]] = defaultdict(set)
    for name, of, id_ in session.execute(
        _statement(frozenset(roles & _STATED)), {"user": user_id, "day": today()}, execution_options=UNSCOPED
    ):
        if id_ is not None:
            rows[of, name].add(id_)
    facts: dict[str, set[int]] = defaultdict(set)
    deputising = any(of != OWN for of, _name in rows)
    for of in sorted({OWN, *(of for of, _name in rows)}):
        held = roles if of == OWN else {role for role in LENT if rows.get((of, role))}
        for name, ids in _facts_of(of, held, rows):
            facts[name] |= ids
            if deputising:
                facts[f"{of}:{name}"] |= ids
        if of != OWN:
            facts[f"{of}:{ACCOUNT}"] |= rows.get((of, ACCOUNT), set())
            for role in held:
                facts[f"for_{role}"].add(of)
                facts[f"{of}:{role}"].add(of)
        elif deputising:
            for role in roles:
                facts[f"{OWN}:{role}"].add(user_id)
    for name in (SELF, _LED, _HEAD, _LEADING, _LIAISON, _LIAISON_COMMUNITY):
        if (OWN, name) in rows or (name in (_LIAISON, _LIAISON_COMMUNITY) and LIAISON in roles):
            facts[name] = rows[OWN, name]
    return {name: frozenset(ids) for name, ids in facts.items()}


def _facts_of(of: int, roles: Any, rows: Mapping[tuple[int, str], set[int]]) -> list[tuple[str, set[int]]]:
    """The facts of one person that follow from their roles."""
    squads = rows.get((of, "squad"), set())
    found = []
    if LEADER in roles:
        found.append(("squads", squads))
    if OFFICER in roles:
        found += [
            ("officer", rows.get((of, "person"), set())),
            ("officer_squad", squads),
            ("assigned", rows.get((of, "assigned"), set())),
        ]
    return found


def capacities(actor: Actor) -> list[tuple[int, Actor]]:
    """The actor by itself (OWN), then as each person whom it stands in for (the officer's id), with the roles and
    facts of that person alone. No statement."""
    people = sorted(actor.ids("for_leader") | actor.ids("for_officer"))
    if not people:
        return [(OWN, actor)]
    found = []
    for of in (OWN, *people):
        prefix = f"{of}:"
        own = {name.removeprefix(prefix): ids for name, ids in actor.facts.items() if name.startswith(prefix)}
        roles = frozenset(role for role in LENT if role in own)
        if of == OWN:
            roles |= actor.roles - set(LENT)
            own |= {name: actor.ids(name) for name in (SELF, _LED, _HEAD, _LEADING, _LIAISON, _LIAISON_COMMUNITY)}
        found.append((of, replace(actor, roles=roles, facts=own)))
    return found


@lru_cache
def _statement(roles: frozenset[str]) -> CompoundSelect[Any]:
    """Select name, person and id of every fact of the account `user` on a day, one row each. Every request reads it, so
    that it is made once for each set of roles."""
    parts: list[Select[Any]] = [_row("none", literal(OWN), null())]
    if {LEADER, OFFICER, OFFICE} & roles:
        parts += _of_officers()
    if LIAISON in roles:
        parts += _of_liaison()
    if OFFICE in roles:
        parts += [_row(_LED, literal(OWN), squads.c.squad_id).distinct() for squads in (leaders(_DAY),)]
        role = table_of(UserRole).c
        parts.append(_row(_LEADING, literal(OWN), role.user_id).where(role.role == LEADER, in_force(role, _DAY)))
        parts.append(_row(_HEAD, literal(OWN), table_of(User).c.id).where(table_of(User).c.id == _USER, _is_head(_DAY)))
    return union_all(*parts)


def _row(name: str, of: Any, id_: Any) -> Select[Any]:
    return select(literal(name).label("name"), of.label("of"), cast(id_, Integer).label("id"))


def current(term: Any, day: Any = None) -> Any:
    """The condition for terms that cover a day, today by default."""
    day = today() if day is None else day
    return and_(term.start_on <= day, or_(term.end_on.is_(None), term.end_on >= day))


def _of_officers() -> list[Select[Any]]:
    officer, deputy = table_of(Officer).c, table_of(Deputy).c
    me = table_of(Officer).alias("me").c
    mine = select(literal(OWN).label("of"), officer.id, officer.squad_id, officer.user_id).where(
        officer.user_id == _USER, officer.active
    )
    replaced = (
        select(officer.id.label("of"), officer.id, officer.squad_id, officer.user_id)
        .join(table_of(Deputy), deputy.officer_id == officer.id)
        .join(me.id.table, me.id == deputy.deputy_id)
        .where(me.user_id == _USER, me.active, officer.active, current(deputy, _DAY))
    )
    person = union_all(mine, replaced).cte("person").c
    assignment, community, role = table_of(Assignment).c, table_of(Community).c, table_of(UserRole).c
    assigned = (
        _row("assigned", person.of, community.id)
        .join(table_of(Assignment), assignment.officer_id == person.id)
        .join(
            table_of(Community),
            or_(community.id == assignment.community_id, community.merged_into_id == assignment.community_id),
        )
        .where(current(assignment, _DAY))
    )
    lent = [
        _row(name, person.of, person.id).where(
            exists(select(role.id).where(role.user_id == person.user_id, role.role == name, in_force(role, _DAY)))
        )
        for name in LENT
    ]
    # Whoever has no account acts as an officer by a deputy.
    without = _row(OFFICER, person.of, person.id).where(person.user_id.is_(None))
    own = _row(SELF, person.of, person.id).where(person.of == OWN)
    return [
        _row("person", person.of, person.id),
        _row("squad", person.of, person.squad_id),
        own,
        _row(ACCOUNT, person.of, person.user_id).where(person.of != OWN),
        assigned,
        *lent,
        without,
    ]


def _of_liaison() -> list[Select[Any]]:
    liaison, community = table_of(Liaison).c, table_of(Community).c
    mine = and_(liaison.user_id == _USER, current(liaison, _DAY))
    places = (
        _row(_LIAISON_COMMUNITY, literal(OWN), community.id)
        .join(
            table_of(Liaison),
            or_(liaison.community_id == community.id, liaison.community_id == community.merged_into_id),
        )
        .where(mine)
    )
    return [_row(_LIAISON, literal(OWN), liaison.id).where(mine), places]


def leaders(day: Any = None) -> Any:
    """A subquery with `user_id`, `squad_id` and `of`: the active accounts that lead a squad on a day. Leaders in
    service by themselves (`of` is null), and deputies of leaders in service (`of` is the officer replaced)."""
    officer, deputy = table_of(Officer).c, table_of(Deputy).c
    me = table_of(Officer).alias("stand_in").c
    user, role = table_of(User).c, table_of(UserRole).c
    leads = exists(select(role.id).where(role.user_id == officer.user_id, role.role == LEADER, in_force(role, day)))
    themselves = (
        select(user.id.label("user_id"), officer.squad_id, cast(null(), Integer).label("of"))
        .join(table_of(Officer), officer.user_id == user.id)
        .where(user.active, officer.active, officer.squad_id.is_not(None), leads)
    )
    by_deputy = (
        select(user.id, officer.squad_id, officer.id)
        .join(me.id.table, me.user_id == user.id)
        .join(table_of(Deputy), deputy.deputy_id == me.id)
        .join(table_of(Officer), officer.id == deputy.officer_id)
        .where(user.active, me.active, officer.active, officer.squad_id.is_not(None), leads, current(deputy, day))
    )
    return union_all(themselves, by_deputy).subquery("leaders")


def office_heads() -> Select[Any]:
    """Select the ids of the accounts that decide for a squad without a leader."""
    user, role = table_of(User).c, table_of(UserRole).c
    return (
        select(user.id)
        .join(table_of(UserRole), and_(role.user_id == user.id, role.role == OFFICE, in_force(role)))
        .where(user.active, _is_head())
    )


def _is_head(day: Any = None) -> Any:
    """The condition for accounts of the office: the user name is in the setting "office_heads", or no active account of
    the office is named there."""
    setting = table_of(Setting).c
    stored = select(setting.value).where(setting.key == OFFICE_HEADS).scalar_subquery()
    named = table_of(User).alias("named").c
    role = table_of(UserRole).alias("named_role").c

    def is_named(column: Any) -> Any:
        listed = literal(SEPARATOR) + stored + literal(SEPARATOR)
        return listed.contains(literal(SEPARATOR) + column + literal(SEPARATOR))

    anybody = exists(
        select(named.id)
        .join(role.id.table, and_(role.user_id == named.id, role.role == OFFICE, in_force(role, day)))
        .where(named.active, is_named(named.username))
    )
    return or_(not_(anybody), is_named(table_of(User).c.username))
