"""The ids that an account's row scopes are built from."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, LIAISON, OFFICER
from models import (
    Assignment,
    Liaison,
    Officer,
)
from panel.base import UNSCOPED
from panel.kinds import today


def scope_ids(session: Session, user_id: int, roles: frozenset[str]) -> dict[str, frozenset[int]]:
    """The ids that an account's row scopes are built from, as of today, by name: squads, officer, officer_squad,
    assigned (communities), liaison, liaison_community. One statement for officer and leader, one for liaison."""
    ids: dict[str, frozenset[int]] = {}
    day = today()
    if LEADER in roles or OFFICER in roles:
        assignment = Assignment.__table__.c
        statement = (
            select(Officer.__table__.c.id, Officer.__table__.c.squad_id, assignment.community_id)
            .select_from(Officer.__table__)
            .outerjoin(
                Assignment.__table__,
                (assignment.officer_id == Officer.__table__.c.id)
                & (assignment.start_on <= day)
                & (assignment.end_on.is_(None) | (assignment.end_on >= day)),
            )
            .where(Officer.__table__.c.user_id == user_id, Officer.__table__.c.active)
        )
        rows = session.execute(statement, execution_options=UNSCOPED).all()
        officers = frozenset(row[0] for row in rows)
        squads = frozenset(row[1] for row in rows if row[1] is not None)
        if LEADER in roles:
            ids["squads"] = squads
        if OFFICER in roles:
            ids |= {
                "officer": officers,
                "officer_squad": squads,
                "assigned": frozenset(row[2] for row in rows if row[2] is not None),
            }
    if LIAISON in roles:
        liaison = Liaison.__table__.c
        terms = session.execute(
            select(liaison.id, liaison.community_id).where(
                liaison.user_id == user_id,
                liaison.start_on <= day,
                or_(liaison.end_on.is_(None), liaison.end_on >= day),
            ),
            execution_options=UNSCOPED,
        ).all()
        ids |= {
            "liaison": frozenset(row[0] for row in terms),
            "liaison_community": frozenset(row[1] for row in terms),
        }
    return ids
