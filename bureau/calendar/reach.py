"""How far open deadlines reach, to tell in time which year's calendar is missing."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.orm import Session

from models import ENDED, PENDING, Case, CaseStatus, Referral
from panel.base import UNSCOPED
from panel.kinds import ZONE, Moments

_OPEN = tuple(status for status in CaseStatus if status not in ENDED)


def last_deadline(session: Session, year: int) -> date | None:
    """The day of the latest open deadline, of a case or of a department, that lies after `year`; None if none does.
    Unscoped: it tells a day and nothing else. One statement."""
    after = {"after": datetime(year + 1, 1, 1, tzinfo=ZONE)}
    row = session.execute(_statement(), after, execution_options=UNSCOPED).one()
    moments = [moment for moment in row if moment is not None]
    return max(moments).astimezone(ZONE).date() if moments else None


@cache
def _statement() -> Executable:
    """The latest deadlines after the moment `after`. Every page asks for them, so that it is made once."""
    after = bindparam("after", type_=Moments())
    cases = select(func.max(Case.due_at)).where(Case.due_at >= after, Case.status.in_(_OPEN))
    replies = select(func.max(Referral.reply_due_at)).where(
        Referral.reply_due_at >= after, Referral.status.in_(PENDING)
    )
    return select(cases.scalar_subquery(), replies.scalar_subquery())
