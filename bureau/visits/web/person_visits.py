"""The last and the next visit on the card of a person or a community."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bureau.people.web.cards import Fact, may_read
from bureau.visits.visits import HELD
from models import Community, Officer, Visit, VisitStatus
from panel.i18n import _
from panel.kinds import today
from panel.web.context import current_panel
from panel.web.pages import Cell
from panel.web.render import record_url


def last_and_next(record: Any) -> list[Fact]:
    """Of the officer, or in the community, which is a liaison's too. Two statements."""
    if not may_read(Visit):
        return []
    if isinstance(record, Officer):
        of_record = Visit.officer_id == record.id
    else:
        of_record = Visit.community_id == (record.id if isinstance(record, Community) else record.community_id)
    session, columns = current_panel().session, select(Visit.id, Visit.planned_on).where(of_record)
    held = columns.where(Visit.status.in_(HELD)).order_by(Visit.planned_on.desc(), Visit.id.desc())
    planned = columns.where(Visit.status == VisitStatus.PLANNED, Visit.planned_on >= today())
    last = session.execute(held.limit(1)).first()
    coming = session.execute(planned.order_by(Visit.planned_on, Visit.id).limit(1)).first()
    return [
        (label, Cell(visit.planned_on.isoformat(), url=record_url("visit", visit.id)) if visit else Cell(), False)
        for label, visit in ((_("Last visit"), last), (_("Next visit"), coming))
    ]
