"""三方力量: which of enforcement, community and volunteers took part in a case, told by what was recorded of it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_, select

from models import Action, Case, Force, Mediation, MediationMember, MediationSession, Source, Visit


def took_part() -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """Enforcement, community, volunteers: conditions on Case, to select, to count by or to filter by.

    Enforcement: an officer acted, or mediated. Community: its liaison reported the case or was on the visit that found
    it, or its people mediated. Volunteers, 老娘舅 among them: they mediated.

        select(Case.id, *took_part())
        select(func.count()).where(all_three(), Case.handled_at.is_not(None))
    """
    acted = exists(select(Action.id).where(Action.case_id == Case.id, Action.officer_id.is_not(None)))
    visited = exists(select(Visit.id).where(Visit.id == Case.visit_id, Visit.liaison_id.is_not(None)))
    return (
        or_(acted, _mediated(Force.ENFORCEMENT)),
        or_(Case.source == Source.LIAISON, visited, _mediated(Force.COMMUNITY)),
        _mediated(Force.MEDIATOR, Force.VOLUNTEER),
    )


def all_three() -> ColumnElement[bool]:
    """The cases in which all three forces took part; asked in the order in which most cases fall away."""
    enforcement, community, volunteers = took_part()
    return and_(volunteers, community, enforcement)


def _mediated(*forces: Force) -> ColumnElement[bool]:
    """Somebody of these forces mediated in a session."""
    return exists(
        select(MediationMember.id)
        .join(MediationSession, MediationSession.id == MediationMember.session_id)
        .join(Mediation, Mediation.id == MediationSession.mediation_id)
        .where(Mediation.case_id == Case.id, MediationMember.force.in_(forces))
    )
