"""The pages about visits share one place in the menu: who may open them, and their tabs."""

from __future__ import annotations

from flask import request, url_for

from bureau.access.roles import LEADER, OFFICE, OFFICER, VIEWER
from models import Visit
from panel.i18n import _
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Chip

MINE, WEEK = _("My Mondays"), _("Visits of the week")


def may_attend() -> bool:
    """Whether the actor is an officer who may edit visits."""
    return OFFICER in current_actor().roles and _may(Permission.EDIT)


def may_see_week() -> bool:
    return bool(current_actor().roles & {LEADER, OFFICE, VIEWER})


def tabs() -> list[Chip]:
    """The pages that the actor may open: their own Mondays, those of a week, every visit, the rota."""
    pages = [(MINE, "duty")] if may_attend() else []
    pages += [(WEEK, "duty_week")] if may_see_week() else []
    pages += [(_("All visits"), "visit.index_view"), (_("Visit rota"), "duty_rota")] if _may(Permission.READ) else []
    return [Chip(label, url_for(endpoint), active=request.endpoint == endpoint) for label, endpoint in pages]


def _may(permission: Permission) -> bool:
    return current_panel().policy.may(current_actor(), permission, Visit)
