"""From when on the records of a case stay as they are: once it is accepted, handled or ended, for what people type.

Steps change what is locked, with a reason (bureau/cases/steps): they set what the program sets, or unlock a column.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, exists, not_, or_, true

from panel.base import Base
from panel.fields import Lock
from panel.i18n import _
from panel.kinds import now
from schema.words import (
    ENDED,
    CaseStatus,
    MediationStatus,
    PartyRole,
    ReferralStatus,
    VisitStatus,
)

#: States of a case whose handling is recorded.
HANDLED = (CaseStatus.HANDLED, CaseStatus.VERIFIED, *ENDED)
#: Days after a visit for which its notes can be completed.
NOTES_DAYS = 7

# Columns of a case.
AT_INTAKE = Lock(
    lambda case: case.accepted_at.is_not(None),
    _("It stays from acceptance on. The step “Correct the intake” changes it, with a reason."),
)
COMMUNITY = Lock(
    lambda case: case.accepted_at.is_not(None),
    _("It stays from acceptance on. The step “Correct the community” changes it, with a reason."),
)
ITEM = Lock(
    lambda case: case.accepted_at.is_not(None),
    _("It stays from acceptance on. The step “Change the item” changes it, and the deadline with it."),
)
URGENCY = Lock(
    lambda case: case.accepted_at.is_not(None),
    _("It stays from acceptance on. The step “Change the urgency” changes it, and the deadline with it."),
)
HANDLING_DONE = Lock(
    lambda case: case.status.in_(HANDLED),
    _("It stays once the handling is done. “Rework” or “Reopen” opens it again."),
)
#: A whole case.
CLOSED = (
    Lock(
        lambda case: case.status == CaseStatus.CLOSED,
        _("The case is closed and stays as it is. “Reopen” opens it again."),
    ),
    Lock(
        lambda case: case.status.in_([status for status in ENDED if status is not CaseStatus.CLOSED]),
        _("The case has ended and stays as it is."),
    ),
)


def of_case(case_id: Any, *conditions: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether all conditions hold for the case with this id. It is looked up by its id: among the ids of all cases that
    have ended, a row would be looked for in the whole past."""
    case = Base.metadata.tables["case"].alias("its_case")
    return _one(case, case.c.id == case_id, *(condition(case.c) for condition in conditions))


def _one(table: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is a row of the table, with its columns, for which all conditions hold."""
    return exists().select_from(table).where(*conditions).correlate_except(table)


def _before(case: Any) -> ColumnElement[bool]:
    """A case that had ended before it was brought in from an old ledger: what else is known can still be added."""
    return and_(case.historic.is_(True), case.closed_at.is_not(None), case.closed_at <= case.created_at)


def _ended(case: Any) -> ColumnElement[bool]:
    return and_(case.status.in_(ENDED), not_(_before(case)))


def _handled(case: Any) -> ColumnElement[bool]:
    return and_(case.status.in_(HANDLED), not_(_before(case)))


#: A record of a case: nothing is added, changed or deleted when the case has ended.
OF_ENDED = Lock(
    lambda row: of_case(row.case_id, _ended),
    _("The case has ended: its records stay as they are. “Reopen” opens it again."),
    adding=True,
)
#: A record of a case that an import may still tell of when the case has ended.
OF_ENDED_ALONE = Lock(OF_ENDED.when, OF_ENDED.why)
#: What was done on a case: it stays when the handling is done; further ones can be added until it ends.
OF_HANDLED = Lock(
    lambda row: of_case(row.case_id, _handled),
    _("The handling is done: what was recorded of it stays. “Rework” opens it again."),
)
COMPLAINANT = Lock(
    lambda row: and_(
        row.role == PartyRole.COMPLAINANT, of_case(row.case_id, lambda case: case.accepted_at.is_not(None))
    ),
    _("The complainant of an accepted case stays. The step “Correct the complainant” changes it, with a reason."),
)
#: Feedback that was given.
FEEDBACK = Lock(
    lambda _row: true(),
    _("Feedback stays as it was given. The step “Correct feedback” of the case adds a correcting one."),
)
ANSWERED = Lock(
    lambda referral: referral.status.in_((ReferralStatus.REPLIED, ReferralStatus.RETURNED)),
    _("The department has answered: what was sent stays as it is."),
)
MEDIATION_ENDED = Lock(
    lambda mediation: mediation.status != MediationStatus.RUNNING,
    _("The mediation has ended: what was recorded of it stays as it is."),
)


def _of_mediation(mediation_id: Any) -> ColumnElement[bool]:
    """Whether this mediation has ended, by itself or with its case."""
    mediation = Base.metadata.tables["mediation"].alias("its_mediation")
    over = or_(mediation.c.status != MediationStatus.RUNNING, of_case(mediation.c.case_id, _ended))
    return _one(mediation, mediation.c.id == mediation_id, over)


def _of_session(session_id: Any) -> ColumnElement[bool]:
    sitting = Base.metadata.tables["mediationsession"].alias("its_session")
    return _one(sitting, sitting.c.id == session_id, _of_mediation(sitting.c.mediation_id))


SESSION_OVER = Lock(lambda sitting: _of_mediation(sitting.mediation_id), MEDIATION_ENDED.why, adding=True)
MEMBER_OVER = Lock(lambda member: _of_session(member.session_id), MEDIATION_ENDED.why, adding=True)

# A visit.
VISITED = Lock(
    lambda visit: visit.status.not_in((VisitStatus.PLANNED, VisitStatus.MISSED)),
    _("The visit took place or is excused: this stays as it is."),
)
NOTED = Lock(
    lambda visit: visit.arrived_at < now() - timedelta(days=NOTES_DAYS),
    _("The notes of a visit can be completed for {days} days; then they stay.", days=NOTES_DAYS),
)
