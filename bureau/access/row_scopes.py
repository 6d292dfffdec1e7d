"""Which rows of a table a role reaches: conditions made of the ids in facts.facts()."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select

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
    found: ColumnElement[bool] = community.squad_id.in_(actor.ids("squads"))
    return found


def squad_officers(actor: Actor, officer: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = officer.squad_id.in_(actor.ids("squads"))
    return found


def squad_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    """Cases of the squad's communities, and those its people handle elsewhere."""
    officers = select(Officer.__table__.c.id).where(Officer.__table__.c.squad_id.in_(actor.ids("squads")))
    communities = select(Community.__table__.c.id).where(Community.__table__.c.squad_id.in_(actor.ids("squads")))
    return or_(case.community_id.in_(communities), case.handler_id.in_(officers), case.lead_officer_id.in_(officers))


def squad_ledgers(actor: Actor, ledger: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = ledger.squad_id.in_(actor.ids("squads"))
    return found


def assigned_communities(actor: Actor, community: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = community.id.in_(actor.ids("assigned"))
    return found


def colleagues(actor: Actor, officer: Any) -> ColumnElement[bool]:
    """Oneself and one's squad: a case may be handed on to any of them."""
    return or_(officer.id.in_(actor.ids("officer")), officer.squad_id.in_(actor.ids("officer_squad")))


def officer_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    me = actor.ids("officer")
    return or_(case.community_id.in_(actor.ids("assigned")), case.handler_id.in_(me), case.lead_officer_id.in_(me))


def own_community(actor: Actor, community: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = community.id.in_(actor.ids("liaison_community"))
    return found


def community_cases(actor: Actor, case: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = case.community_id.in_(actor.ids("liaison_community"))
    return found


def officers_in_touch(actor: Actor, officer: Any) -> ColumnElement[bool]:
    """The officer assigned to the liaison's community today, those who come next, and those who work on its cases."""
    own = actor.ids("liaison_community")
    cases = Case.__table__.c
    day = today()
    assigned, visits = Assignment.__table__.c, Visit.__table__.c
    return or_(
        officer.id.in_(
            select(assigned.officer_id).where(
                assigned.community_id.in_(own),
                assigned.start_on <= day,
                or_(assigned.end_on.is_(None), assigned.end_on >= day),
            )
        ),
        officer.id.in_(
            select(visits.officer_id).where(
                visits.community_id.in_(own), visits.planned_on >= day, visits.officer_id.is_not(None)
            )
        ),
        officer.id.in_(select(cases.handler_id).where(cases.community_id.in_(own), cases.handler_id.is_not(None))),
        officer.id.in_(
            select(cases.lead_officer_id).where(cases.community_id.in_(own), cases.lead_officer_id.is_not(None))
        ),
    )
