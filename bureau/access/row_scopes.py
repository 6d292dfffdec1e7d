"""Row scopes of roles: conditions built from the ids of facts.scope_ids()."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import aliased

from models import (
    Assignment,
    Case,
    Community,
    Officer,
    Visit,
)
from panel.kinds import today
from panel.security.policy import Actor


def squad_communities(actor: Actor, community: Any) -> ColumnElement[bool]:
    return of_squads(community, actor.ids("squads"))


def of_squads(community: Any, squads: Collection[int]) -> ColumnElement[bool]:
    """The condition for communities of these squads (ids), and for those that were merged into one of them."""
    # Columns of the session's own statement bring an alias that it scopes; a scope itself must not be scoped again.
    kept: Any = aliased(Community) if community is Community else _kept()
    merged = select(kept.id).where(kept.squad_id.in_(squads))
    return or_(community.squad_id.in_(squads), community.merged_into_id.in_(merged))


@cache
def _kept() -> Any:
    """Columns of the communities that others were merged into. Made once: that takes longer than the statement."""
    return Community.__table__.alias().c


def squad_officers(actor: Actor, officer: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = officer.squad_id.in_(actor.ids("squads"))
    return condition


def squad_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    """Cases of the squad's communities, and those that its officers handle or lead elsewhere."""
    return in_squads(case, actor.ids("squads"))


def in_squads(case: Any, squads: Collection[int], officers: Any = None, communities: Any = None) -> ColumnElement[bool]:
    """The condition for cases of these squads (ids). `officers` and `communities` are the columns of a statement that
    the session scopes; the tables without them."""
    officer = Officer.__table__.c if officers is None else officers
    community = Community.__table__.c if communities is None else communities
    people = select(officer.id).where(officer.squad_id.in_(squads))
    places = select(community.id).where(of_squads(community, squads))
    return or_(case.community_id.in_(places), case.handler_id.in_(people), case.lead_officer_id.in_(people))


def squad_ledgers(actor: Actor, ledger: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = ledger.squad_id.in_(actor.ids("squads"))
    return condition


def assigned_communities(actor: Actor, community: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = community.id.in_(actor.ids("assigned"))
    return condition


def colleagues(actor: Actor, officer: Any) -> ColumnElement[bool]:
    """The officer and their squad: a case may be dispatched to any of them."""
    return or_(officer.id.in_(actor.ids("officer")), officer.squad_id.in_(actor.ids("officer_squad")))


def officer_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    officers = actor.ids("officer")
    return or_(
        case.community_id.in_(actor.ids("assigned")), case.handler_id.in_(officers), case.lead_officer_id.in_(officers)
    )


def own_community(actor: Actor, community: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = community.id.in_(actor.ids("liaison_community"))
    return condition


def community_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = case.community_id.in_(actor.ids("liaison_community"))
    return condition


def officers_in_touch(actor: Actor, officer: Any) -> ColumnElement[bool]:
    """The officers of the liaison's community: assigned today, planned for a visit, handling or leading a case."""
    communities = actor.ids("liaison_community")
    cases = Case.__table__.c
    day = today()
    assigned, visits = Assignment.__table__.c, Visit.__table__.c
    return or_(
        officer.id.in_(
            select(assigned.officer_id).where(
                assigned.community_id.in_(communities),
                assigned.start_on <= day,
                or_(assigned.end_on.is_(None), assigned.end_on >= day),
            )
        ),
        officer.id.in_(
            select(visits.officer_id).where(
                visits.community_id.in_(communities), visits.planned_on >= day, visits.officer_id.is_not(None)
            )
        ),
        officer.id.in_(
            select(cases.handler_id).where(cases.community_id.in_(communities), cases.handler_id.is_not(None))
        ),
        officer.id.in_(
            select(cases.lead_officer_id).where(cases.community_id.in_(communities), cases.lead_officer_id.is_not(None))
        ),
    )
