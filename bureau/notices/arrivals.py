"""Notices of cases that a bulk write has added, such as an import of new reports: one notice for each account, which
counts them, where there are more than a few."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.access.roles import OFFICE
from bureau.cases.steps import STEPS, Recipient, StepNotice
from bureau.notices.notices import KINDS, accounts_with_role, assigned_officers
from bureau.people import deputies
from models import Assignment, Case, Officer, Urgency
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.kinds import now
from panel.notify import notices, outbox
from panel.security.accounts import User
from panel.security.policy import table_of
from panel.security.session import actor_of

log = logging.getLogger(__name__)

#: As many cases are told of one by one.
FEW = 3


def notify_many(session: Session, step: str, ids: Sequence[int]) -> None:
    """Write the notices and messages about cases that a bulk write has just added by a step. Errors are logged, not
    raised: the cases stand. A fixed number of statements for each chunk of cases."""
    notice = STEPS[step].notice
    if notice is None or not notice.bulk or not ids:
        return
    try:
        with session.begin_nested():
            _notify(session, step, notice, ids)
    except Exception:
        log.exception("notices could not be written", extra={"step": step, "cases": len(ids)})


def _notify(session: Session, step: str, notice: StepNotice, ids: Sequence[int]) -> None:
    columns = (Case.id, Case.case_no, Case.community_id, Case.urgency, Case.status)
    cases: list[Any] = []
    for batch in chunks(ids):
        statement = select(*columns).where(Case.id.in_(batch)).order_by(Case.id)
        cases += session.execute(statement, execution_options=UNSCOPED).all()
    actor, at = actor_of(session), now()
    values = {"table_name": Case.__tablename__, "actor_name": actor.name, "at": at}
    rows = []
    for owner, own in _by_account(session, notice.to, cases).items():
        if owner == actor.user_id:
            continue
        if len(own) <= FEW:
            rows += [notices.row(owner, _kind(notice, case), _mark(case), record_id=case.id, **values) for case in own]
        else:
            rows.append(notices.row(owner, notice.bulk, f"many:{own[0].id}", numbers=_numbers(own), **values))
    notices.put(session, rows)
    if not (kinds := outbox.enabled_kinds(session)):
        return
    if len(cases) <= FEW:
        messages = [(_kind(notice, case), _mark(case), _payload(case, step, at)) for case in cases]
    else:
        path = f"/admin/{Case.__tablename__}/?is={KINDS[notice.bulk].listed}"
        numbers = {**_numbers(cases), "step": step, "at": at.isoformat(), "path": path}
        messages = [(notice.bulk, f"many:{cases[0].id}", numbers)]
    outbox.queue(session, [message for message in messages if message[0] in kinds])


def _by_account(session: Session, to: Iterable[Recipient], cases: Sequence[Any]) -> Mapping[int, list[Any]]:
    """The cases that each active account is told of, by its id."""
    user, assigned = table_of(User).c, table_of(Assignment).c
    told: dict[int, list[Any]] = defaultdict(list)
    everything: set[int] = set()
    if Recipient.OFFICE in to:
        statement = select(user.id).where(user.active, user.id.in_(accounts_with_role(OFFICE)))
        everything = set(session.execute(statement, execution_options=UNSCOPED).scalars())
        told |= {owner: list(cases) for owner in everything}
    if Recipient.ASSIGNED in to:
        by_community: dict[int, list[Any]] = defaultdict(list)
        for case in cases:
            by_community[case.community_id].append(case)
        officer, standing_in = table_of(Officer).c, deputies.accounts_by_officer(session)
        in_use = select(user.id).join(table_of(Officer), officer.user_id == user.id).where(user.active)
        active = set(session.execute(in_use, execution_options=UNSCOPED).scalars())
        for batch in chunks(sorted(by_community)):
            statement = assigned_officers(select(assigned.community_id, officer.id, officer.user_id)).where(
                assigned.community_id.in_(batch)
            )
            for community, officer_id, account in session.execute(statement.distinct(), execution_options=UNSCOPED):
                own = {account} & active
                for owner in (own | set(standing_in.get(officer_id, ()))) - everything:
                    told[owner] += by_community[community]
    return told


def _kind(notice: StepNotice, case: Any) -> str:
    return notice.urgent if notice.urgent and case.urgency is Urgency.URGENT else notice.kind


def _mark(case: Any) -> str:
    return f"added:{case.id}"


def _numbers(cases: Sequence[Any]) -> dict[str, int]:
    return {"n": len(cases), "urgent": sum(case.urgency is Urgency.URGENT for case in cases)}


def _payload(case: Any, step: str, at: Any) -> dict[str, Any]:
    return {
        "case_no": case.case_no,
        "urgent": case.urgency is Urgency.URGENT,
        "step": step,
        "from": None,
        "to": case.status.value,
        "at": at.isoformat(),
        "path": f"/admin/case/details/?id={case.id}",
    }
