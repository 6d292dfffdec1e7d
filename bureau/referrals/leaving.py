"""Open referrals of a case that is merged or voided: they go to the master case, or are withdrawn."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.cases import events
from bureau.cases.steps.model import Values
from bureau.referrals.effects import open_ones
from bureau.referrals.steps import REFER
from models import Case, CaseStatus, Referral, ReferralStatus, StepName
from panel.base import UNSCOPED
from panel.i18n import _, in_default_locale
from panel.security.session import actor_of

#: The name of the event of a master case that takes referrals over; it is no step.
TAKEN_OVER = "take_over"
StepName.labels[TAKEN_OVER] = _("Referrals taken over")


def withdraw(session: Session, case: Case, _values: Values) -> None:
    """Withdraw the open referrals of a case that is voided."""
    _withdraw(open_ones(session, case))


def hand_over(session: Session, case: Case, values: Values) -> None:
    """Give the open referrals of a case that is merged to its master. The master takes those whose departments it
    waits for not yet, if it may be referred now; the others are withdrawn."""
    referrals = open_ones(session, case)
    if not referrals or values["master"] == case.id:
        return
    statement = select(Case).where(Case.id == values["master"]).with_for_update()
    options = {**UNSCOPED, "populate_existing": True}
    master = session.execute(statement, execution_options=options).scalar_one()
    moved: list[Referral] = []
    if master.status in REFER.sources:
        asked = {referral.department_id for referral in open_ones(session, master)}
        moved = [referral for referral in referrals if referral.department_id not in asked]
    _withdraw(referral for referral in referrals if referral not in moved)
    if moved:
        _give(session, case, master, moved)


def _withdraw(referrals: Iterable[Referral]) -> None:
    for referral in referrals:
        referral.status = ReferralStatus.WITHDRAWN


def _give(session: Session, case: Case, master: Case, referrals: list[Referral]) -> None:
    """Move referrals to the master case, which then waits for their departments."""
    for referral in referrals:
        referral.case_id = master.id
    before, actor = master.status, actor_of(session)
    master.status = CaseStatus.REFERRED
    papers = "、".join(f"{referral.document_no or ''} {referral.department.name}".strip() for referral in referrals)
    opinion = in_default_locale(
        _("From {number}, which was merged into it: {papers}", number=case.case_no, papers=papers)
    )
    payload = {"from": case.id, "referrals": [referral.id for referral in referrals]}
    events.append(session, master, TAKEN_OVER, before, CaseStatus.REFERRED, actor.user_id, actor.name, opinion, payload)
