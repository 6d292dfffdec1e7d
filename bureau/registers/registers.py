"""Registers as people print them: which there are, of what one may be asked for, and who may have it. The forms are
prescribed: what they print is Chinese, whatever language the reader has chosen.

A further register is a file with its columns and the function that gives its rows, and one line in REGISTERS.
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
from panel.security.policy import AccessDenied, OutOfScope, Permission
from panel.security.session import actor_of, policy_of

#: In the order of the tabs.
REGISTERS: Mapping[str, Register] = {
    register.name: register for register in (referrals.REGISTER, mediations.REGISTER, roster.REGISTER, visits.REGISTER)
}


def may(session: Session, action: Permission) -> list[Register]:
    """The registers to whose rows the actor may do that."""
    actor, policy = actor_of(session), policy_of(session)
    return [one for one in REGISTERS.values() if policy.may(actor, action, one.model)]


def streets(session: Session) -> list[tuple[int, str]]:
    """The streets of the communities that the actor reaches."""
    reached = select(Community.street_id)
    statement = select(Street.id, Street.name).where(Street.id.in_(reached)).order_by(Street.name_key)
    return [(id_, name) for id_, name in session.execute(statement)]


@dataclass(frozen=True, slots=True)
class Place:
    """A community that can be chosen."""

    id: int
    street_id: int
    street: str
    name: str


def communities(session: Session) -> list[Place]:
    """The communities that the actor reaches, street by street."""
    statement = (
        select(Community.id, Community.street_id, Street.name.label("street"), Community.name)
        .join(Street, Community.street_id == Street.id)
        .order_by(Street.name_key, Street.id, Community.name_key, Community.id)
    )
    return [Place(*row) for row in session.execute(statement)]


def order(
    session: Session,
    first: Month,
    last: Month | None,
    day: date | None,
    street: int | None,
    *,
    community: int | None = None,
) -> RegisterRequest:
    """An order that can be given: Invalid with a sentence if the months run backwards, OutOfScope for a street in which
    the actor reaches nothing and for a community that they don't reach. Another street than that of the community
    takes its place: somebody has just chosen it."""
    last = last or first
    if last < first:
        raise Invalid(_("The period ends before it begins."))
    day = day or today()
    if community is not None:
        place = next((one for one in communities(session) if one.id == community), None)
        if place is None:
            raise OutOfScope
        if street in (None, place.street_id):
            return RegisterRequest(first, last, day, street, place.street, place.id, place.name)
    names = dict(streets(session))
    if street is not None and street not in names:
        raise OutOfScope
    return RegisterRequest(first, last, day, street, names[street] if street is not None else "")


def fill(session: Session, register: Register, wanted: RegisterRequest) -> Filled:
    """What a register holds of what the actor reaches, masked as on screen. AccessDenied without the right."""
    if not policy_of(session).may(actor_of(session), Permission.EXPORT, register.model):
        raise AccessDenied
    with using_locale(DEFAULT_LOCALE):
        return register.fill(session, wanted)
