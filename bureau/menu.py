"""The groups of the side bar."""

from __future__ import annotations

from panel.i18n import _
from panel.security.policy import Actor
from panel.web.panel import FILES, SYSTEM, Thumb

__all__ = ["LEDGERS", "LISTS", "ON_CASE", "OVERVIEW", "RECORDS", "ROSTER", "STAFF", "SYSTEM", "WORK"]

OVERVIEW, WORK, ROSTER, LISTS = _("Overview"), _("Casework"), _("Roster"), _("Lists")
#: What is recorded of cases: reached from the case as a rule, and seldom as a list.
RECORDS = _("Records of cases")
LEDGERS = _("Ledgers")
#: Who stands in for whom, and hands over to whom.
STAFF = _("Postings and handover")
#: The groups from the top, and those that are folded until one is in them.
ORDER = (OVERVIEW, WORK, ROSTER, LEDGERS, STAFF, RECORDS, LISTS, FILES, SYSTEM)
FOLDED = frozenset({STAFF, RECORDS, LISTS, FILES, SYSTEM})


def _mine(actor: Actor) -> str:
    """The open cases: one's own, for whoever has such."""
    return "mine" if actor.ids("officer") or actor.ids("liaison_community") else "open"


#: The bar at the bottom of a phone.
BAR = (
    Thumb(_("Home"), ("home",)),
    Thumb(_("Report"), ("report",)),
    Thumb(_("Cases"), ("case",), _mine),
    Thumb(_("Visits"), ("duty", "duty_week")),
)
#: What an empty list of such records says.
ON_CASE = _("None yet. They are added on the page of a case.")
