"""The first accounts of a new office."""

from __future__ import annotations

from bureau.access.roles import ADMINISTRATOR, AUDITOR, OFFICE, SECURITY
from panel.i18n import _
from panel.web.panel import FirstAccount

#: Administrator and security, who make and grant all others; office and auditor if they are known already.
FIRST_ACCOUNTS = (
    FirstAccount(ADMINISTRATOR, _("Makes accounts, links them to people, changes settings. You go on as this one.")),
    FirstAccount(SECURITY, _("Grants roles to accounts; somebody else than the administrator.")),
    FirstAccount(OFFICE, _("Enters streets, squads, communities and people, then the cases."), required=False),
    FirstAccount(AUDITOR, _("Reads the logs; a third person. May follow later."), required=False),
)
