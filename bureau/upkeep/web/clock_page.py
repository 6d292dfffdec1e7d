"""The clock that went back, on the administrator's home page, and the button that says it is right now."""

from __future__ import annotations

import logging
from typing import Any

from flask import abort, flash, redirect, url_for

from bureau.access.roles import ADMINISTRATOR
from panel.i18n import _
from panel.jobs import clock_watch
from panel.security.policy import Actor
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.pages import Alert, Button

log = logging.getLogger(__name__)


def alerts(actor: Actor) -> list[Alert]:
    """What the administrator must know of the clock."""
    if ADMINISTRATOR not in actor.roles:
        return []
    seen = clock_watch.behind(current_panel().session)
    if seen is None:
        return []
    button = Button(_("The clock is right now"), url_for("clock_confirm"), "check", post=True)
    return [Alert(clock_watch.sentence(seen), button)]


def confirm() -> Any:
    if ADMINISTRATOR not in current_actor().roles:
        abort(403)
    account = current_actor().user_id
    current_panel().session.rollback()
    with current_panel().system_session() as session:
        seen = clock_watch.behind(session)
        clock_watch.confirm(session)
    log.warning("the clock was confirmed", extra={"account": account, "seen": seen})
    flash(str(_("Noted: the clock is right.")), "success")
    return redirect(url_for("home"))


ROUTES = (Route("/clock/confirm", "clock_confirm", confirm, methods=("POST",)),)
