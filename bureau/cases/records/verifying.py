"""Who verifies: nobody who recorded the step into the present state, unless nobody else could."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from bureau.access.roles import OFFICE
from bureau.people.deputies import ACTING_FOR
from models import Case, CaseEvent, Officer
from panel.i18n import _, in_default_locale
from panel.security.accounts import User, UserRole
from panel.security.separation import in_force

#: Longest name of an actor with an event, in characters.
NAME_LENGTH = 80


def brought_by(case: Case) -> Select[Any]:
    """The account that recorded the step into the present state of the case; an import is none."""
    return _arrival(case, CaseEvent.__table__.c.actor_id)


def brought_for(case: Case) -> Select[Any]:
    """The officer in whose name a deputy recorded that step."""
    return _arrival(case, CaseEvent.__table__.c.payload[ACTING_FOR].as_integer())


def _arrival(case: Case, column: Any) -> Select[Any]:
    event = CaseEvent.__table__.c
    arrived = select(column).where(
        event.case_id == case.id, event.to_status == case.status, event.from_status != case.status
    )
    return arrived.order_by(event.seq.desc()).limit(1)


def has_others(case: Case, user_id: int | None) -> ColumnElement[bool]:
    """Whether somebody else could verify: another account of the office, or the lead officer's, but neither who
    recorded nor in whose name. The squad's leader is for the caller to look up."""
    user, role, officer = User.__table__.c, UserRole.__table__.c, Officer.__table__.c
    office = select(role.user_id).where(role.role == OFFICE, in_force(role))
    lead = select(officer.user_id).where(
        officer.id == case.lead_officer_id, officer.user_id.is_not(None), officer.id != (case.handler_id or 0)
    )
    in_whose_name = select(officer.user_id).where(officer.id == brought_for(case).scalar_subquery())
    barred = [func.coalesce(who.scalar_subquery(), 0) for who in (brought_by(case), in_whose_name)]
    others = and_(user.active, *(user.id != id_ for id_ in (user_id or 0, *barred)))
    return exists(select(user.id).where(others, or_(user.id.in_(office), user.id.in_(lead))))


def name_alone(who: str) -> str:
    """The name of whoever verifies what they recorded themselves, because nobody else could."""
    return in_default_locale(_("{who} (nobody else can verify)", who=who))[:NAME_LENGTH]
