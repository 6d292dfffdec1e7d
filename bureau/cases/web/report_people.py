"""The people who follow from the community of a report: its liaison and its officer of today."""

from __future__ import annotations

from bureau.cases import intake
from panel.i18n import Message, _
from panel.kinds import today
from panel.web.context import current_panel


def words(community: int) -> Message:
    """Who follows from a community, in words. Ended people aren't among them. Names alone, unscoped: the caller has
    checked the community. Two statements."""
    session, nobody = current_panel().session, _("nobody")
    liaison = intake.liaison_of(session, community)
    officer = intake.officer_of(session, community, today())
    return _(
        "Liaison: {liaison}. Officer assigned today: {officer}.",
        liaison=liaison.name if liaison is not None else nobody,
        officer=officer.name if officer is not None else nobody,
    )
