"""The groups of the side bar."""

from __future__ import annotations

from panel.i18n import _
from panel.web.panel import SYSTEM

__all__ = ["DUTY", "LEDGERS", "LISTS", "OVERVIEW", "RECORDS", "ROSTER", "SYSTEM", "WORK"]

OVERVIEW, WORK, ROSTER, LISTS = _("Overview"), _("Casework"), _("Roster"), _("Lists")
#: What is recorded of cases: reached from the case as a rule, and seldom as a list.
RECORDS = _("Records of cases")
DUTY, LEDGERS = _("Every Monday"), _("Ledgers")
