"""Sessions of a mediation and their members."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from bureau.cases.errors import InvalidValues
from bureau.cases.steps.model import Values
from bureau.mediation.mediation import running
from models import (
    Case,
    Force,
    MediationMember,
    MediationSession,
    Officer,
    Volunteer,
)
from panel.base import UNSCOPED
from panel.i18n import _
from panel.kinds import PersonName, now


def record_session(session: Session, case: Case, values: Values) -> None:
    """Add a session with its members. Raises InvalidValues without a member or for a time in the future."""
    members = list(_members(session, values))
    if not members:
        raise InvalidValues({"officer": _("Somebody mediates in a session: name at least one person.")})
    if values["held_at"] > now():
        raise InvalidValues({"held_at": _("This time is still to come.")})
    sitting = MediationSession(
        mediation_id=running(session, case, "minutes").id,
        **{name: values.get(name) for name in ("held_at", "place", "chair", "attending", "minutes")},
    )
    session.add(sitting)
    session.flush()
    session.add_all(MediationMember(session_id=sitting.id, **member) for member in members)


def _members(session: Session, values: Values) -> Iterator[dict[str, Any]]:
    """The values of the members, chosen or typed, with the force of each; each force and name once."""
    seen: set[tuple[Force, str]] = set()
    members: list[dict[str, Any]] = []
    for name in ("officer", "second_officer"):
        if id_ := values.get(name):
            officer = session.get_one(Officer, id_)
            members.append({"force": Force.ENFORCEMENT, "name": officer.name, "officer_id": id_})
    for name in ("volunteer", "second_volunteer"):
        if id_ := values.get(name):
            person = session.get_one(Volunteer, id_)
            force = Force.MEDIATOR if person.is_mediator else Force.VOLUNTEER
            members.append({"force": force, "name": person.name, "volunteer_id": id_})
    for name, force in (
        ("community_names", Force.COMMUNITY),
        ("mediator_names", Force.MEDIATOR),
        ("volunteer_names", Force.VOLUNTEER),
    ):
        members += [{"force": force, "name": typed} for typed in _names(name, values.get(name))]
    for member in members:
        if (key := (member["force"], member["name"])) not in seen:
            seen.add(key)
            yield member


def _names(field: str, text: str | None) -> list[str]:
    """Split names such as 王芳、李强. Raises InvalidValues for a name that is too long."""
    names = [name for part in re.split(r"[、,，;；/\n]", text or "") if (name := PersonName().parse(part))]
    if any(len(name) > PersonName().length for name in names):
        raise InvalidValues({field: _("One of these names is too long.")})
    return names


@event.listens_for(Session, "before_flush")
def _number_sessions(session: Session, _context: Any, _instances: Any) -> None:
    """Number new sessions within their mediation, for every door."""
    last: dict[int | None, int] = {}
    for record in session.new:
        if isinstance(record, MediationSession) and record.session_no is None:
            id_ = record.mediation_id or (record.mediation.id if record.mediation is not None else None)
            if id_ not in last:
                query = select(func.max(MediationSession.session_no)).where(MediationSession.mediation_id == id_)
                last[id_] = session.execute(query, execution_options=UNSCOPED).scalar() or 0
            last[id_] += 1
            record.session_no = last[id_]
