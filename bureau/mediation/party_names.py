"""What is written of a mediation calls the parties 甲方 and 乙方: their names are kept in one place, masked."""

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

#: What the parties are called in whatever is written of a mediation, whoever reads it.
PARTY_A, PARTY_B = "甲方", "乙方"


@event.listens_for(Session, "before_flush")
def _call_parties_by_part(session: Session, _context: Any, _instances: Any) -> None:
    """What is written of a mediation calls the parties 甲方 and 乙方: their names are kept in one place, masked."""
    for record in [*session.new, *session.dirty]:
        if isinstance(record, Mediation | MediationSession):
            about = record if isinstance(record, Mediation) else _mediation_of(session, record)
            for name in _TEXTS[type(record)]:
                text = getattr(record, name)
                if text and (found := by_part(text, about.party_a, about.party_b)) != text:
                    setattr(record, name, found)


def worded(session: Session, case: Case, text: str) -> str:
    """What a step says of the latest mediation of a case, as its event keeps it for ever: it names no party."""
    statement = select(Mediation.party_a, Mediation.party_b).where(Mediation.case_id == case.id)
    latest = statement.order_by(Mediation.id.desc()).limit(1)
    row = session.execute(latest, execution_options=UNSCOPED).first()
    return by_part(text, row.party_a, row.party_b) if row is not None else text


_TEXTS = {Mediation: ("dispute", "agreement", "follow_up", "remedies"), MediationSession: ("minutes",)}


def _mediation_of(session: Session, held: MediationSession) -> Mediation:
    if held.mediation is not None:
        return held.mediation
    statement = select(Mediation).where(Mediation.id == held.mediation_id)
    return session.execute(statement, execution_options=UNSCOPED).scalar_one()


def by_part(text: str, party_a: str | None, party_b: str | None) -> str:
    """A text in which the parties are called by their part. White space inside a name doesn't hide it; a name of one
    character is nobody's."""
    for name, part in ((party_a, PARTY_A), (party_b, PARTY_B)):
        if name and len(name) > 1:
            text = re.sub(r"\s*".join(map(re.escape, name)), part, text)
    return text
