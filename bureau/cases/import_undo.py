"""Imports of cases and referrals taken back: a case is voided and keeps its number, a referral goes and its case goes
on without it. Either way the history says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.cases import events
from models import Case, CaseEvent, CaseStatus, Referral, ReferralStatus, StepName
from panel.i18n import Message, _
from panel.imports.matching import UNSCOPED, chunks
from panel.kinds import now
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.store import bulk

STEP = "take_back"
StepName.labels[STEP] = _("Import taken back")

OPEN_REFERRALS = (ReferralStatus.SENT, ReferralStatus.SIGNED)


def moved_on(session: Session, ids: Collection[int]) -> dict[int, Message]:
    """Imported cases with which something has been done since: a step, a note."""
    found: dict[int, Message] = {}
    event = table_of(CaseEvent).c
    for some in chunks(ids):
        # The first event is that of the import itself.
        statement = select(event.case_id, event.step).where(event.case_id.in_(some), event.seq == 2)
        for case_id, step in session.execute(statement, execution_options=UNSCOPED):
            found[case_id] = _("“{step}” was done with the case since.", step=StepName.labels.get(step, step))
    return found


def taken_back(session: Session, ids: Collection[int]) -> set[int]:
    """Those of these cases that an import brought and that were voided when it was taken back."""
    found: set[int] = set()
    event = table_of(CaseEvent).c
    for some in chunks(ids):
        statement = select(event.case_id).where(
            event.case_id.in_(some), event.step == STEP, event.to_status == CaseStatus.VOIDED
        )
        found |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return found


def void(session: Session, gone: Sequence[bulk.Removal], note: str) -> None:
    """Void imported cases. The number of a 12345 order is given free for the case that takes its place."""
    at = now()
    bulk.edit(
        session,
        Case,
        [
            bulk.Edit(
                one.id, one.version, {"status": CaseStatus.VOIDED, "closed_at": at, "hotline_no": None}, one.before
            )
            for one in gone
        ],
        note,
    )
    rows = {one.id: [event(session, one.before["status"], CaseStatus.VOIDED, note)] for one in gone}
    bulk.append(session, CaseEvent, events.follow(session, rows))


def withdraw(session: Session, gone: Sequence[bulk.Removal], note: str) -> None:
    """Delete imported referrals; a case that waits for no department any more is handled again."""
    bulk.remove(session, Referral, gone, note)
    case, referral = table_of(Case).c, table_of(Referral).c
    stored: dict[int, Any] = {}
    waiting: set[int] = set()
    for some in chunks({one.before["case_id"] for one in gone}):
        cases = select(case.id, case.version, case.status).where(case.id.in_(some))
        stored |= {one.id: one for one in session.execute(cases, execution_options=UNSCOPED)}
        sent = select(referral.case_id).where(referral.case_id.in_(some), referral.status.in_(OPEN_REFERRALS))
        waiting |= set(session.execute(sent, execution_options=UNSCOPED).scalars())
    back = [one for one in stored.values() if one.status is CaseStatus.REFERRED and one.id not in waiting]
    edits = [bulk.Edit(one.id, one.version, {"status": CaseStatus.HANDLING}, {"status": one.status}) for one in back]
    bulk.edit(session, Case, edits, note)
    after = {one.id: CaseStatus.HANDLING for one in back}
    rows = {id_: [event(session, one.status, after.get(id_, one.status), note)] for id_, one in stored.items()}
    bulk.append(session, CaseEvent, events.follow(session, rows))


def event(
    session: Session,
    before: CaseStatus,
    after: CaseStatus,
    opinion: str,
    *,
    step: str = STEP,
    payload: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An event of a case, at this moment and by the session's actor, still to be sealed."""
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
