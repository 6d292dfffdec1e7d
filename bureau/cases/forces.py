"""The three forces (三方力量) of a case: enforcement, community and volunteers, worked out from its records."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_, select

from models import Action, Case, Force, Mediation, MediationMember, MediationSession, Source, Visit


def took_part() -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """Three conditions on Case, whether enforcement, community and volunteers took part; usable as columns and filters.

    Enforcement: an officer acted or mediated. Community: the liaison reported the case or attended the visit that found
    it, or community staff mediated. Volunteers: a volunteer or a 老娘舅 mediated.

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
    """The condition for cases in which all three forces took part. The rarest force comes first, for speed."""
    enforcement, community, volunteers = took_part()
    return and_(volunteers, community, enforcement)


def _mediated(*forces: Force) -> ColumnElement[bool]:
    """The condition that a member of one of these forces took part in a mediation session."""
    return exists(
        select(MediationMember.id)
        .join(MediationSession, MediationSession.id == MediationMember.session_id)
        .join(Mediation, Mediation.id == MediationSession.mediation_id)
        .where(Mediation.case_id == Case.id, MediationMember.force.in_(forces))
    )
