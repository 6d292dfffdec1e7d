"""Free texts of a mediation call the parties 甲方 and 乙方, so that their names are stored in one place."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from models import (
    Case,
    Mediation,
    MediationSession,
)
from panel.base import UNSCOPED

#: Names of the parts in free texts, in every language.
PARTY_A, PARTY_B = "甲方", "乙方"


@event.listens_for(Session, "before_flush")
def _replace_names(session: Session, _context: Any, _instances: Any) -> None:
    """Replace the names of the parties in the free texts of new and changed mediations and sessions."""
    for record in [*session.new, *session.dirty]:
        if isinstance(record, Mediation | MediationSession):
            mediation = record if isinstance(record, Mediation) else _mediation_of(session, record)
            for name in _TEXTS[type(record)]:
                text = getattr(record, name)
                if text and (replaced := by_part(text, mediation.party_a, mediation.party_b)) != text:
                    setattr(record, name, replaced)


def text_by_part(session: Session, case: Case, text: str) -> str:
    """The opinion of a step with the names of the latest mediation's parties replaced: events are append-only."""
    statement = select(Mediation.party_a, Mediation.party_b).where(Mediation.case_id == case.id)
    latest = statement.order_by(Mediation.id.desc()).limit(1)
    row = session.execute(latest, execution_options=UNSCOPED).first()
    return by_part(text, row.party_a, row.party_b) if row is not None else text


_TEXTS = {Mediation: ("dispute", "agreement", "follow_up", "remedies"), MediationSession: ("minutes",)}


def _mediation_of(session: Session, sitting: MediationSession) -> Mediation:
    if sitting.mediation is not None:
        return sitting.mediation
    statement = select(Mediation).where(Mediation.id == sitting.mediation_id)
    return session.execute(statement, execution_options=UNSCOPED).scalar_one()


def by_part(text: str, party_a: str | None, party_b: str | None) -> str:
    """The text with the names replaced by 甲方 and 乙方, also where white space breaks a name. Names of one character
    are left: they would match other words."""
    for name, part in ((party_a, PARTY_A), (party_b, PARTY_B)):
        if name and len(name) > 1:
            text = re.sub(r"\s*".join(map(re.escape, name)), part, text)
    return text
