"""The page of one's own sessions, and the screen of everybody's for those who manage roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_admin.actions import action
from flask_login import current_user
from sqlalchemy import select

from panel import ids
from panel.base import UNSCOPED
from panel.i18n import _, in_default_locale, listed, n_
from panel.kinds import to_minute
from panel.search.listing import Quick
from panel.security import audit
from panel.security.accounts import LoginOutcome, UserRole
from panel.security.login_records import LoginSession, SessionEnd
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.store.login import factors, limits, sessions
from panel.web.context import current_actor, current_panel
from panel.web.login import devices
from panel.web.login.blueprint import blueprint
from panel.web.pages import Cell, Page
from panel.web.views import SchemaView


@dataclass(frozen=True, slots=True)
class OwnSession:
    id: int
    device: str
    address: str
    since: str
    used: str
    #: Whether it is the session of this request.
    here: bool


@dataclass(slots=True)
class SessionsPage(Page):
    sessions: list[OwnSession] = field(default_factory=list)
    #: The address of the page of the second factor, if the account's roles need one.
    factor_url: str = ""


@blueprint.get("/sessions")
def mine() -> Any:
    session, limit = current_panel().session, limits.read(current_panel().session)
    statement = (
        select(LoginSession.id, LoginSession.agent, LoginSession.address, LoginSession.began_at, LoginSession.used_at)
        .where(LoginSession.user_id == current_user.id, sessions.running(limit.session_hours, limit.idle_minutes))
        .order_by(LoginSession.used_at.desc(), LoginSession.id.desc())
    )
    page = SessionsPage(
        title=_("My sessions"),
        sub=_(
            "A session ends after {minutes} minutes without use, and after {hours} hours at the latest.",
            minutes=limit.idle_minutes,
            hours=limit.session_hours,
        ),
    )
    page.sessions = [
        OwnSession(
            row.id,
            devices.words(row.agent),
            row.address or "—",
            to_minute(row.began_at),
            to_minute(row.used_at),
            row.id == current_user.session_id,
        )
        for row in session.execute(statement, execution_options=UNSCOPED)
    ]
    if factors.roles_of(session) & current_user.roles:
        page.factor_url = url_for("session.factor")
    return render_template("panel/sessions.html", page=page)


@blueprint.post("/sessions/end")
def end_own() -> Any:
    """End one other session of one's own, or all others."""
    user, panel = current_user._get_current_object(), current_panel()
    conditions = [LoginSession.user_id == user.id, LoginSession.id != user.session_id]
    if "id" in request.form:
        if (id_ := ids.parse(request.form["id"])) is None:
            abort(404)
        conditions.append(LoginSession.id == id_)
    panel.session.rollback()
    with panel.system_session() as system:
        count = sessions.end(system, SessionEnd.SELF, *conditions)
    if count:
        panel.log_login(user.username, user.id, LoginOutcome.ENDED)
        flash(str(n_("{n} session has been ended.", "{n} sessions have been ended.", count)), "success")
    else:
        flash(str(_("There was no such session any more.")), "info")
    return redirect(url_for("session.mine"))


class SessionView(SchemaView):
    """Everybody's sessions."""

    quick = {
        "running": Quick(
            _("Not ended"),
            lambda _actor: sessions.running(limits.DEFAULTS.session_hours, limits.DEFAULTS.idle_minutes),
            counted=False,
        )
    }
    cells = {"agent": lambda record: Cell(devices.words(record.agent))}

    def may_end(self) -> bool:
        """Whether the actor manages roles."""
        return self.may(Permission.READ) and current_panel().policy.may(current_actor(), Permission.EDIT, UserRole)

    def is_action_allowed(self, name: str) -> bool:
        return self.may_end() if name == "end" else bool(super().is_action_allowed(name))

    @action("end", _("End sessions"))
    def action_end(self, records: Sequence[LoginSession]) -> None:
        if not self.may_end():
            abort(403)
        session = current_panel().session
        chosen = [record.id for record in records if record.ended is None]
        names = listed(dict.fromkeys(record.user.name for record in records if record.ended is None))
        count = sessions.end(session, SessionEnd.KEEPER, LoginSession.id.in_(chosen))
        for record in records:
            if record.id in chosen:
                text = in_default_locale(_("Session ended by the security administrator"))
                audit.note(session, AuditAction.EVENT, "user", record.user_id, text)
        session.commit()
        if count:
            ended = n_("{n} session has been ended.", "{n} sessions have been ended.", count)
            flash(f"{ended}{names}", "success")
        else:
            flash(str(_("These sessions had ended before.")), "info")
