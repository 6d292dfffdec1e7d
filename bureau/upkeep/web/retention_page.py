"""The page of retention: which people are anonymised next, and the act itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bureau.menu import SYSTEM
from bureau.settings import settings
from bureau.settings.web.pages import may_open
from bureau.upkeep import retention
from models import Case
from panel.i18n import Message, _
from panel.security.policy import SYSTEM as SYSTEM_ACTOR
from panel.security.policy import Permission
from panel.security.session import set_actor
from panel.security.transactions import reading
from panel.web.context import current_actor, current_panel
from panel.web.downloads import logging_file
from panel.web.features import Route
from panel.web.pages import Button, Page
from panel.web.panel import Link

#: Cases whose numbers are shown.
SHOWN = 100
SOON = timedelta(days=30)


@dataclass(slots=True)
class RetentionPage(Page):
    """`lines` are pairs of a kind of records and how many of them are due now and within a month."""

    months: int = 0
    lines: list[tuple[Message, int, int]] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    more: int = 0
    due: int = 0


def page() -> Any:
    """Show what is due; a POST anonymises it."""
    if not may_open():
        abort(403)
    panel = current_panel()
    if request.method == "POST":
        with logging_file() as session:
            before = retention.cutoff(session)
            count = retention.anonymise(session, retention.due(session, before), before) if before else 0
        flash(str(_("Anonymised: {n} records.", n=count)), "success")
        return redirect(url_for("retention"))
    shown = RetentionPage(title=_("Personal data past its time"))
    with reading(), Session(panel.db.engine) as session:
        set_actor(session, SYSTEM_ACTOR)
        shown.months = settings.get(session, "party_keep_months")
        now_before, soon_before = retention.cutoff(session), retention.cutoff(session, SOON)
        if now_before and soon_before:
            now_due, soon = retention.due(session, now_before), retention.due(session, soon_before)
            shown.due = now_due.count
            shown.lines = [
                (_("Parties"), len(now_due.parties), len(soon.parties)),
                (_("Mediations"), len(now_due.mediations), len(soon.mediations)),
                (_("Survey"), len(now_due.entries), len(soon.entries)),
            ]
            if panel.policy.may(current_actor(), Permission.READ, Case):
                shown.cases, shown.more = list(now_due.cases[:SHOWN]), max(0, len(now_due.cases) - SHOWN)
    if panel.offers("settings"):
        shown.buttons.append(Button(_("Settings"), url_for("settings"), "sliders"))
    return render_template("upkeep/retention.html", page=shown)


ROUTES = (Route("/retention", "retention", page, methods=("GET", "POST"), handbook="settings"),)
LINKS = (Link(_("Personal data past its time"), "retention", "user-secret", SYSTEM, may_open, rank=54),)
