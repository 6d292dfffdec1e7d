"""The step of a case whose order the hotline sends back (发回重办)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE
from bureau.cases import effects
from bureau.cases.steps import Recipient, Step, StepNotice
from bureau.cases.steps.fields import ask
from bureau.cases.steps.model import Values
from models import Case, CaseEvent, CaseStatus, HotlineOrder
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Text
from panel.security.session import elevated


def orders_of(session: Session, case_id: int) -> list[HotlineOrder]:
    """The hotline's orders of a case, the newest first."""
    statement = select(HotlineOrder).where(HotlineOrder.case_id == case_id).order_by(HotlineOrder.id.desc())
    return list(session.execute(statement, execution_options=UNSCOPED).scalars())


def _has_order(session: Session, case: Case, read: dict[str, Any]) -> Message | None:
    if "hotline_order" not in read:
        read["hotline_order"] = bool(orders_of(session, case.id))
    return None if read["hotline_order"] else _("This case came from no order of the hotline.")


def _sent_back(session: Session, case: Case, values: Values) -> CaseStatus | None:
    """Count the return, and open the case again. One that was rejected or merged stands by itself again, to be accepted
    or dispatched."""
    order, *_older = orders_of(session, case.id)
    with elevated(session):
        order.returns += 1
        order.return_reason = values["reason"]
        order.replied_at = None
    before = case.status
    effects.reopen(session, case, values)
    if before is CaseStatus.CLOSED:
        return None
    case.master_id = None
    return CaseStatus.REPORTED if case.accepted_at is None else CaseStatus.ACCEPTED


def note_signing(session: Session, case: Case, event: CaseEvent) -> None:
    """Record when the order was signed: by the first step that decides about the report."""
    if event.from_status is not CaseStatus.REPORTED or event.to_status is CaseStatus.REPORTED or not case.hotline_no:
        return
    with elevated(session):
        for order in orders_of(session, case.id):
            order.signed_at = order.signed_at or case.accepted_at or event.at


SENT_BACK = Step(
    name="sent_back",
    label=_("Sent back by 12345"),
    sources=(CaseStatus.CLOSED, CaseStatus.REJECTED, CaseStatus.MERGED),
    target=CaseStatus.HANDLING,
    others=(CaseStatus.REPORTED, CaseStatus.ACCEPTED),
    roles=frozenset({OFFICE, LEADER}),
    rank=62,
    asks=(ask("reason", Text(500, lines=2), _("Why it was sent back")),),
    effect=_sent_back,
    possible=_has_order,
    restarts=True,
    tone="warn",
    notice=StepNotice("reopened", (Recipient.HANDLER, Recipient.LEAD)),
)
