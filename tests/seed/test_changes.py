"""What has changed in the demo district lately: made by the panel's own rules, and there for a visitor to see."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from bureau.upkeep.consistency import _chains, _numbers
from models import CaseEvent, Community, CommunityStatus, Deputy, Liaison
from panel.kinds import today
from panel.security.records import AuditEntry
from seed import changes, demo


@pytest.mark.database
def test_a_handover_a_merger_a_deputy_and_a_correction_are_there(app: Flask) -> None:
    panel = app.extensions["panel"]
    with app.app_context(), panel.system_session() as session:
        demo.build(session, cases=60, password_hash="hashed", secret="a key for tests only")
        changes.build(session)
        session.flush()
        successor = session.scalars(sa.select(Liaison).where(Liaison.name == changes.SUCCESSOR.name)).one()
        assert (successor.start_on, successor.end_on) == (today(), None)
        old, kept = (session.scalars(sa.select(Community).where(Community.name == n)).one() for n in changes.MERGED)
        assert (old.status, old.merged_into_id) == (CommunityStatus.CLOSED, kept.id)
        deputies = session.scalars(sa.select(Deputy)).all()
        assert len(deputies) == 1
        assert deputies[0].start_on <= today() <= deputies[0].end_on
        assert not list(deputies[0].problems(session))
        taken = set(session.scalars(sa.select(CaseEvent.step).where(CaseEvent.actor_name == "周敏")))
        assert {changes.CORRECT_INTAKE.name} <= taken
        notes = session.scalars(sa.select(AuditEntry.note).where(AuditEntry.actor_name == "周敏")).all()
        assert any("于晓棠" in (note or "") for note in notes)
        assert not [*_chains(session), *_numbers(session)]
