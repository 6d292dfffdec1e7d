"""Effects of the steps of a referral."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps.model import Values
from models import PENDING, Case, CaseStatus, Department, LimitUnit, Referral, ReferralStatus
from panel.i18n import _
from panel.kinds import Choices, now


class Answer(Choices):
    """How a department answered."""

    REPLIED = "replied", _("Replied"), "good"
    RETURNED = "returned", _("Returned"), "bad"


def refer(session: Session, case: Case, values: Values) -> None:
    """Add a referral. Its deadlines follow from the department's limits, in working days.

    Raises InvalidValues while the case has an open referral to the department: a case has one at most."""
    department = session.get_one(Department, values["department"])
    waiting = select(Referral.id).where(
        Referral.case_id == case.id, Referral.department_id == department.id, Referral.status.in_(PENDING)
    )
    if session.execute(waiting.limit(1)).first():
        raise InvalidValues({"department": _("This case already has an open referral to this department.")})
    calendar = office_calendar(session)
    sent = now()
    session.add(
        Referral(
            case_id=case.id,
            department_id=department.id,
            kind=values["kind"],
            document_no=values["document_no"],
            request=values["request"],
            sent_at=sent,
            sign_due_at=deadlines.due(sent, department.sign_limit, LimitUnit.WORKING_DAY, calendar),
            reply_due_at=deadlines.due(sent, department.reply_limit, LimitUnit.WORKING_DAY, calendar),
        )
    )


def _referral(session: Session, case: Case, values: Values) -> Referral:
    """The open referral of the case that a step names. Raises InvalidValues if it isn't open any more."""
    statement = select(Referral).where(Referral.id == values["referral"], Referral.case_id == case.id)
    referral = session.execute(statement).scalar_one_or_none()
    if referral is None or referral.status not in PENDING:
        raise InvalidValues({"referral": _("This referral isn't open any more.")})
    return referral


def sign(session: Session, case: Case, values: Values) -> None:
    referral = _referral(session, case, values)
    if referral.status is ReferralStatus.SIGNED:
        raise InvalidValues({"referral": _("It has been signed for already.")})
    referral.status, referral.signed_at = ReferralStatus.SIGNED, now()


def chase(session: Session, case: Case, values: Values) -> None:
    """Count a reminder to the department (催办)."""
    referral = _referral(session, case, values)
    referral.urged_count, referral.urged_at = referral.urged_count + 1, now()


def joint(session: Session, case: Case, values: Values) -> None:
    referral = _referral(session, case, values)
    referral.joint_on, referral.joint_members = values["joint_on"], values["joint_members"]


def reply(session: Session, case: Case, values: Values) -> CaseStatus:
    """Record the reply or the return. The case goes back to handling when no other referral is open."""
    referral = _referral(session, case, values)
    if values["answer"] == Answer.RETURNED:
        referral.status, referral.return_reason = ReferralStatus.RETURNED, values["reply"]
    else:
        referral.status, referral.reply = ReferralStatus.REPLIED, values["reply"]
        referral.signed_at = referral.signed_at or now()
    referral.replied_at = now()
    if values.get("quantity") is not None:
        referral.quantity, referral.quantity_unit = values["quantity"], values.get("quantity_unit")
    session.flush()
    waiting = select(Referral.id).where(Referral.case_id == case.id, Referral.status.in_(PENDING))
    return CaseStatus.REFERRED if session.execute(waiting.limit(1)).first() else CaseStatus.HANDLING


def open_referrals(session: Session, case: Case) -> list[tuple[str, str]]:
    """The choices of open referrals of a case: pairs of id, and document number with department."""
    statement = select(Referral).where(Referral.case_id == case.id, Referral.status.in_(PENDING))
    rows = session.execute(statement).scalars()
    return [(str(row.id), f"{row.document_no or ''} {row.department.name}") for row in rows]


def require_answered(session: Session, case: Case, _values: Values) -> None:
    """Raise StepNotAllowed while a referral of the case is open."""
    waiting = select(Referral.id).where(Referral.case_id == case.id, Referral.status.in_(PENDING))
    if session.execute(waiting.limit(1)).first():
        raise StepNotAllowed(_("A department hasn't answered yet: enter its reply first."))
