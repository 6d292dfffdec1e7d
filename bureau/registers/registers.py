"""The registers, their parameters and the right to them. The forms are prescribed: their texts are Chinese in every
language.

A new register is a file with its declaration, and an entry in REGISTERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.calendar.month import Month
from bureau.registers import mediations, referrals, roster, visits
from bureau.registers.model import Filled, Register, RegisterRequest
from models import Community, Street
from panel.i18n import DEFAULT_LOCALE, _, using_locale
from panel.kinds import Invalid, today
from panel.security.granted import granted
from panel.security.masking import masked_session
from panel.security.policy import OutOfScope, Permission
from panel.security.session import actor_of, policy_of

#: In the order of the tabs.
REGISTERS: Mapping[str, Register] = {
    register.name: register for register in (referrals.REGISTER, mediations.REGISTER, roster.REGISTER, visits.REGISTER)
}


def permitted(session: Session, action: Permission) -> list[Register]:
    """The registers whose table the actor has this right to."""
    actor, policy = actor_of(session), policy_of(session)
    return [register for register in REGISTERS.values() if policy.may(actor, action, register.model)]


def streets(session: Session) -> list[tuple[int, str]]:
    """Id and name of the streets of the communities in the actor's scope."""
    reached = select(Community.street_id)
    statement = select(Street.id, Street.name).where(Street.id.in_(reached)).order_by(Street.name_key)
    return [(id_, name) for id_, name in session.execute(statement)]


@dataclass(frozen=True, slots=True)
class CommunityChoice:
    """A community with its street."""

    id: int
    street_id: int
    street: str
    name: str


def communities(session: Session) -> list[CommunityChoice]:
    """The communities in the actor's scope, sorted by street and name."""
    statement = (
        select(Community.id, Community.street_id, Street.name.label("street"), Community.name)
        .join(Street, Community.street_id == Street.id)
        .order_by(Street.name_key, Street.id, Community.name_key, Community.id)
    )
    return [CommunityChoice(*row) for row in session.execute(statement)]


def checked_params(
    session: Session,
    first: Month,
    last: Month | None,
    day: date | None,
    street: int | None,
    *,
    community: int | None = None,
) -> RegisterRequest:
    """The checked parameters of a register. `street` and `community` are ids; a street that isn't the community's
    replaces the community, because the reader has just chosen it.

    Raises Invalid if the period ends before it begins, OutOfScope for a street or community outside the actor's
    scope."""
    last = last or first
    if last < first:
        raise Invalid(_("The period ends before it begins."))
    day = day or today()
    if community is not None:
        place = next((candidate for candidate in communities(session) if candidate.id == community), None)
        if place is None:
            raise OutOfScope
        if street in (None, place.street_id):
            return RegisterRequest(first, last, day, street, place.street, place.id, place.name)
    names = dict(streets(session))
    if street is not None and street not in names:
        raise OutOfScope
    return RegisterRequest(first, last, day, street, names[street] if street is not None else "")


def fill(session: Session, register: Register, params: RegisterRequest) -> Filled:
    """The content of a register within the actor's scope, personal values masked as on screen. Raises AccessDenied
    without the right to export."""
    acting = granted(session, Permission.EXPORT, register.model)
    with acting, using_locale(DEFAULT_LOCALE), masked_session(session) as masked:
        return register.fill(masked, params)
