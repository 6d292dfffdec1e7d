"""The open cases on the card of a person or a community: their number, and the list of them."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import and_, or_

from bureau.cases.steps.registry import OPEN
from bureau.people.web.cards import Fact, may_read
from models import Case, Community, Officer
from panel.i18n import _
from panel.search import listing
from panel.web.context import current_panel
from panel.web.pages import Cell

#: The chip of the list.
OPEN_ONES: dict[str, Any] = {"is": "open"}


def open_cases(record: Any) -> list[Fact]:
    """Those that the officer handles or leads, or of the liaison or the community. One statement."""
    if not may_read(Case):
        return []
    arguments: dict[str, Any]
    if isinstance(record, Officer):
        condition = or_(Case.handler_id == record.id, Case.lead_officer_id == record.id)
        # One group of filters, of which one must be met.
        arguments = {"handler": record.id, "handler.or": 1, "lead_officer": record.id, "lead_officer.or": 1}
    elif isinstance(record, Community):
        condition, arguments = Case.community_id == record.id, {"community": record.id}
    else:
        condition, arguments = Case.liaison_id == record.id, {"liaison": record.id}
    (number,) = listing.counts(current_panel().session, [(Case, and_(condition, Case.status.in_(OPEN)))])
    url = url_for("case.index_view", **arguments, **OPEN_ONES)
    return [(_("Open cases"), Cell(str(number), url=url if number else None), False)]
