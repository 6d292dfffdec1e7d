"""What follows from the values of a referral, at every door that writes records: whether a joint action was carried
out, and the place of its number in a series."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from bureau.referrals import numbers
from models import JointState, Referral
from panel.kinds import Invalid, today


@event.listens_for(Session, "before_flush")
def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    for record in (*session.new, *session.dirty):
        if isinstance(record, Referral):
            record.joint_state = joint_state(record.joint_on, record.joint_state)
            if not record.in_series and inspect(record).attrs.document_no.history.has_changes():
                if inspect(record).persistent:
                    _check_own(session, record)
                record.in_series = numbers.count_own(session, [record.document_no])


def _check_own(session: Session, referral: Referral) -> None:
    """Raise Invalid for a number that would leave a gap in a series, or that belongs to another kind. Only what a
    register brings in may start a series further on."""
    text, problem = numbers.own_no(session, referral.kind, referral.document_no or "")
    if problem is not None:
        raise Invalid(problem)
    referral.document_no = text or None


def joint_state(joint_on: Any, state: JointState | None) -> JointState | None:
    """The state of a joint action that is told by its day alone: planned while the day is still to come."""
    if joint_on is None:
        return None
    return state or (JointState.PLANNED if joint_on > today() else JointState.DONE)
