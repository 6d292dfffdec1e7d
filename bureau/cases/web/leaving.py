"""What hangs on a case and ends, or moves, when the case is merged or voided."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import PENDING, Case, ChangeStatus, DeadlineChange, Department, Mediation, MediationStatus, Referral
from panel.base import UNSCOPED
from panel.i18n import Message, _, clauses


def what_ends(session: Session, case: Case) -> Message | None:
    """A sentence that names the open referrals, the running mediation and the pending request of a case; None without
    any. Three statements."""
    names = clauses(str(part) for part in _parts(session, case))
    return _("With the case: {names}.", names=names) if names else None


def _parts(session: Session, case: Case) -> Iterator[Message]:
    referrals = (
        select(Referral.document_no, Department.name)
        .join(Department, Department.id == Referral.department_id)
        .where(Referral.case_id == case.id, Referral.status.in_(PENDING))
        .order_by(Referral.id)
    )
    for number, department in session.execute(referrals, execution_options=UNSCOPED):
        yield _(
            "the open referral {paper} is withdrawn, or goes to the master case where that can take it",
            paper=f"{number or ''} {department}".strip(),
        )
    mediations = select(Mediation.mediation_no).where(
        Mediation.case_id == case.id, Mediation.status == MediationStatus.RUNNING
    )
    for number in session.execute(mediations, execution_options=UNSCOPED).scalars():
        yield _("the mediation {number} ends without an agreement", number=number)
    requests = select(DeadlineChange.kind).where(
        DeadlineChange.case_id == case.id, DeadlineChange.status == ChangeStatus.ASKED
    )
    for kind in session.execute(requests, execution_options=UNSCOPED).scalars():
        yield _("the request that waits for approval ({kind}) lapses", kind=kind.label)
