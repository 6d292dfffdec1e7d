"""Effects of the steps of a referral."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases import effects, state
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps.model import Values
from bureau.referrals import numbers
from models import PENDING, Case, CaseStatus, Department, JointState, LimitUnit, Referral, ReferralKind, ReferralStatus
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Choices, now, today

JOINT_TO_COME = _("This day is still to come: note the joint action as planned.")


class Answer(Choices):
    """How a department answered."""

    REPLIED = "replied", _("Replied"), "good"
    RETURNED = "returned", _("Returned"), "bad"


def refer(session: Session, case: Case, values: Values) -> CaseStatus:
    """Add a referral. Its number is the next of its kind unless the office gives one of its own; its deadlines follow
    from the department's limits, in working days.

    A notice in copy has neither: nothing is waited for, and the case stays in its state. Raises InvalidValues while the
    case has an open referral to the department: a case has one at most."""
    department = session.get_one(Department, values["department"])
    kind, sent = values["kind"], now()
    waits = kind is not ReferralKind.NOTICE
    if waits and open_ones(session, case, Referral.department_id == department.id):
        raise InvalidValues({"department": _("This case already has an open referral to this department.")})
    if values.get("handler") and case.handler_id is None:
        effects.assign(session, case, values)
    number = _number(session, kind, values.get("document_no"))
    referral = Referral(
        case_id=case.id,
        department_id=department.id,
        kind=kind,
        document_no=number,
        request=values["request"],
        sent_at=sent,
        status=ReferralStatus.SENT if waits else ReferralStatus.INFORMED,
    )
    if waits:
        calendar = office_calendar(session)
        referral.sign_due_at = deadlines.due(sent, department.sign_limit, LimitUnit.WORKING_DAY, calendar)
        referral.reply_due_at = deadlines.due(sent, department.reply_limit, LimitUnit.WORKING_DAY, calendar)
    session.add(referral)
    return CaseStatus.REFERRED if waits else case.status


def _number(session: Session, kind: ReferralKind, own: str | None) -> str:
    """The number of a new referral: the next of its kind, or one of the office's own."""
    if not own:
        return numbers.next_no(session, kind, now())
    text, problem = numbers.own_no(session, kind, own)
    if problem:
        raise InvalidValues({"document_no": problem})
    return text


def open_ones(session: Session, case: Case, *more: Any) -> list[Referral]:
    """The open referrals of a case."""
    statement = select(Referral).where(Referral.case_id == case.id, Referral.status.in_(PENDING), *more)
    return list(session.execute(statement.order_by(Referral.id), execution_options=UNSCOPED).scalars())


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
    """Record a joint action that was carried out, or one that is planned. Only the first must lie in the past."""
    statement = select(Referral).where(Referral.id == values["referral"], _jointly(case))
    referral = session.execute(statement).scalar_one_or_none()
    if referral is None:
        raise InvalidValues({"referral": _("This referral isn't open any more.")})
    done, day = values["joint_state"] is JointState.DONE, values["joint_on"]
    if done and day > today():
        raise InvalidValues({"joint_on": JOINT_TO_COME})
    if done and day < deadlines.local_day(referral.sent_at):
        raise InvalidValues({"joint_on": _("The referral was sent later than that.")})
    referral.joint_on, referral.joint_state = day, values["joint_state"]
    referral.joint_members = values["joint_members"]


def _jointly(case: Case) -> Any:
    """The condition for referrals of a case to which a joint action may be recorded: open ones, and one whose joint
    action was planned, also after the reply."""
    return (Referral.case_id == case.id) & or_(Referral.status.in_(PENDING), Referral.joint_state == JointState.PLANNED)


def joint_referrals(session: Session, case: Case) -> list[tuple[str, str]]:
    return _choices(session, _jointly(case))


def may_join(session: Session, case: Case, known: dict[str, Any]) -> Message | None:
    """The reason why the case has nothing to act jointly about, or None. It is known where a department is waited
    for."""
    if case.status is CaseStatus.REFERRED:
        return None
    if "joint" not in known:
        statement = select(Referral.id).where(_jointly(case)).limit(1)
        known["joint"] = session.execute(statement, execution_options=UNSCOPED).first() is not None
    return None if known["joint"] else _("No joint action is planned, and no department is waited for.")


def reply(session: Session, case: Case, values: Values) -> CaseStatus:
    """Record the reply or the return. The case goes on when no other referral is open; a suspended one stays so."""
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
    if case.status is CaseStatus.SUSPENDED:
        return CaseStatus.SUSPENDED
    return CaseStatus.REFERRED if open_ones(session, case) else state.without_referrals(case.handler_id)


def open_referrals(session: Session, case: Case) -> list[tuple[str, str]]:
    """The choices of open referrals of a case: pairs of id, and document number with department."""
    return _choices(session, (Referral.case_id == case.id) & Referral.status.in_(PENDING))


def may_answer(session: Session, case: Case, known: dict[str, Any]) -> Message | None:
    """The reason why no department can answer, or None. It is known in the state “referred”."""
    if case.status is CaseStatus.REFERRED:
        return None
    if "waiting" not in known:
        known["waiting"] = bool(open_ones(session, case))
    return None if known["waiting"] else _("No department is waited for.")


def _choices(session: Session, condition: Any) -> list[tuple[str, str]]:
    rows = session.execute(select(Referral).where(condition).order_by(Referral.id)).scalars()
    return [(str(row.id), f"{row.document_no or ''} {row.department.name}") for row in rows]


def require_answered(session: Session, case: Case, _values: Values) -> None:
    """Raise StepNotAllowed while a referral of the case is open."""
    if open_ones(session, case):
        raise StepNotAllowed(_("A department hasn't answered yet: enter its reply first."))
