"""Undo of imports of cases and referrals. A case is voided and keeps its number; a referral is deleted.

Either way the case gets an event."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.cases import events
from bureau.cases.state import without_referrals
from models import Case, CaseEvent, CaseStatus, Referral, ReferralStatus, StepName
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message, _
from panel.kinds import now
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.store import bulk

STEP = "take_back"
StepName.labels[STEP] = _("Import taken back")

OPEN_REFERRALS = (ReferralStatus.SENT, ReferralStatus.SIGNED)


def changed_since_import(session: Session, ids: Collection[int]) -> dict[int, Message]:
    """Imported cases with a later event, such as a step or a note: the reason why they can't be undone, by case id."""
    reasons: dict[int, Message] = {}
    event = table_of(CaseEvent).c
    for batch in chunks(ids):
        # The first event is the import itself.
        statement = select(event.case_id, event.step).where(event.case_id.in_(batch), event.seq == 2)
        for case_id, step in session.execute(statement, execution_options=UNSCOPED):
            reasons[case_id] = _("“{step}” was done with the case since.", step=StepName.labels.get(step, step))
    return reasons


def voided_by_undo(session: Session, ids: Collection[int]) -> set[int]:
    """Those of these cases that the undo of their import has voided."""
    voided: set[int] = set()
    event = table_of(CaseEvent).c
    for batch in chunks(ids):
        statement = select(event.case_id).where(
            event.case_id.in_(batch), event.step == STEP, event.to_status == CaseStatus.VOIDED
        )
        voided |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return voided


def void(session: Session, removals: Sequence[bulk.Removal], note: str) -> None:
    """Void imported cases. Their 12345 order numbers are cleared, so that a corrected import may use them."""
    at = now()
    values = {"status": CaseStatus.VOIDED, "closed_at": at, "hotline_no": None}
    bulk.edit(session, Case, [bulk.Edit(case.id, case.version, values, case.before) for case in removals], note)
    rows = {case.id: [event_row(session, case.before["status"], CaseStatus.VOIDED, note)] for case in removals}
    bulk.append(session, CaseEvent, events.follow(session, rows))


def withdraw(session: Session, removals: Sequence[bulk.Removal], note: str) -> None:
    """Delete imported referrals. A referred case without an open referral left goes on without it."""
    bulk.remove(session, Referral, removals, note)
    case, referral = table_of(Case).c, table_of(Referral).c
    stored: dict[int, Any] = {}
    waiting: set[int] = set()
    for batch in chunks({removal.before["case_id"] for removal in removals}):
        cases = select(case.id, case.version, case.status, case.handler_id).where(case.id.in_(batch))
        stored |= {row.id: row for row in session.execute(cases, execution_options=UNSCOPED)}
        sent = select(referral.case_id).where(referral.case_id.in_(batch), referral.status.in_(OPEN_REFERRALS))
        waiting |= set(session.execute(sent, execution_options=UNSCOPED).scalars())
    answered = [row for row in stored.values() if row.status is CaseStatus.REFERRED and row.id not in waiting]
    after = {row.id: without_referrals(row.handler_id) for row in answered}
    edits = [bulk.Edit(row.id, row.version, {"status": after[row.id]}, {"status": row.status}) for row in answered]
    bulk.edit(session, Case, edits, note)
    rows = {id_: [event_row(session, row.status, after.get(id_, row.status), note)] for id_, row in stored.items()}
    bulk.append(session, CaseEvent, events.follow(session, rows))


def event_row(
    session: Session,
    before: CaseStatus,
    after: CaseStatus,
    opinion: str,
    *,
    step: str = STEP,
    payload: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The values of an event at this moment, by the session's actor; events.follow() adds number and hashes."""
    actor = actor_of(session)
    return {
        "at": now(),
        "step": step,
        "from_status": before,
        "to_status": after,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "opinion": opinion or None,
        "payload": dict(payload or {}),
    }
