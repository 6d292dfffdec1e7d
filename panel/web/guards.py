"""Request guards: log-in, idle limit, CSRF."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, abort, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from sqlalchemy import Row

from panel.base import UNSCOPED
from panel.i18n import Message, _, text
from panel.kinds import today
from panel.security.accounts import LoginOutcome, User
from panel.security.login_records import SessionEnd
from panel.security.policy import NOBODY
from panel.security.session import set_actor, writing
from panel.security.transactions import queue
from panel.store import disk
from panel.store.login import sessions
from panel.store.login.sessions import State
from panel.web.errors import error_page
from panel.web.serving.headers import is_static

if TYPE_CHECKING:
    from panel.web.panel import Panel

#: Endpoints for accounts that must change their password first.
_BEFORE_CHANGE = frozenset(
    {"session.password", "session.logout", "session.language", "session.look", "handbook.show", "handbook.picture"}
)
#: Endpoints, besides, for accounts that must set up a second factor first.
_BEFORE_FACTOR = frozenset({"session.factor"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Login:
    """The account and its session as Flask-Login needs them. A copy of values, because the records would belong to a
    database session. `token` is the id of the session, which the cookie holds."""

    is_authenticated = True
    is_anonymous = False

    def __init__(self, user: User | Row[Any], roles: Iterable[str], token: str = "", session_id: int = 0) -> None:
        self.id, self.name, self.username = user.id, user.name, user.username
        self.is_active = user.active
        self.must_change, self.locale = user.must_change, user.locale
        self.roles = frozenset(roles)
        self.token, self.session_id = token, session_id
        self.factor_due: bool = getattr(user, "factor_due", False)

    def get_id(self) -> str:
        return self.token


def safe_target(target: str | None) -> str | None:
    """The target of a redirect if it is inside this site, else None. Flask-Admin's own check accepts
    `http:evil.com`."""
    if target and re.match(r"^/(?![/\\])", target) and not re.search(r"[\x00-\x1f\\]", target):
        return target
    return None


def install(app: Flask, panel: Panel) -> None:
    """Install the guards, which run in this order on every request: CSRF token, log-in, idle limit, actor."""
    app.config.update(
        WTF_CSRF_TIME_LIMIT=None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # The cookie outlives the session, so that its end can be told; how long it lasts is decided by the server.
        PERMANENT_SESSION_LIFETIME=timedelta(days=7),
    )

    @app.before_request
    def begin() -> None:
        if limit := panel.body_limits.get(request.endpoint or ""):
            request.max_content_length = limit
        queue.set(panel.queue)
        writing.set(request.method not in SAFE_METHODS and request.endpoint not in panel.reading_endpoints)
        text.use_locale(session.get("locale") or app.config.get("LOCALE", text.DEFAULT_LOCALE))
        set_actor(panel.session, NOBODY)

    CSRFProtect(app)
    manager = LoginManager(app)
    manager.session_protection = "basic"

    @manager.user_loader
    def load(token: str) -> Login | None:
        wanted = {"wanted": sessions.digest(token, app.config["SECRET_KEY"]), "day": today()}
        rows = panel.session.execute(sessions.CURRENT, wanted, execution_options=UNSCOPED).all()
        if not rows:
            return None
        g.session_state = sessions.state(rows[0])
        account = Login(rows[0], (row.role for row in rows if row.role is not None), token, rows[0].session_id)
        if g.session_state.over is not None:
            g.put_out = account
            return None
        return account

    @app.before_request
    def admit() -> Any:
        return _authenticate(panel)

    @app.before_request
    def leave_room() -> Any:
        """Refuse an upload that would fill the disk: small changes and log-ins need the rest."""
        size = request.content_length or 0
        if size > disk.MEGABYTE and disk.free(Path(app.instance_path)) < size + disk.NEEDED_BYTES:
            return error_page(507)
        return None

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        queue.set(None)

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> Any:
        message = _("This page was open too long or did not come from here. Go back, reload it and try again.")
        return error_page(400, message, title=_("This page has expired"))


def _authenticate(panel: Panel) -> Any:
    """Set the actor of the request. Without a log-in redirect to the log-in page, or answer 401 to other methods; whose
    session is over is told so there."""
    if is_static(request.endpoint):
        return None
    if not current_user.is_authenticated:
        if "put_out" in g:
            _put_out(panel, g.put_out, g.session_state)
        if request.endpoint is None:
            return None
        if request.endpoint in panel.open_endpoints:
            return None
        if "put_out" not in g and (request.method not in SAFE_METHODS or "/ajax/" in request.path):
            abort(401)
        target = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("session.login", next=target))
    if g.session_state.stale and request.endpoint not in panel.background_endpoints:
        panel.session.rollback()
        sessions.touch(panel.db.engine, g.session_state.id)
    session.permanent = True
    user = current_user
    facts = panel.facts(panel.session, user.id, user.roles)
    g.actor = panel.policy.actor(user.name, user.id, user.roles, facts)
    set_actor(panel.session, g.actor)
    if request.endpoint in _BEFORE_CHANGE:
        return None
    if user.must_change:
        return redirect(url_for("session.password"))
    if user.factor_due and request.endpoint not in _BEFORE_FACTOR:
        return redirect(url_for("session.factor"))
    return None


def _put_out(panel: Panel, account: Login, state: State) -> None:
    """End a session that is over: note and log how, unless that was done when it ended, and tell once."""
    over = state.over
    assert over is not None
    panel.session.rollback()
    if not state.noted:
        outcome = LoginOutcome.IDLE if over is SessionEnd.IDLE else LoginOutcome.ENDED
        panel.log_login(account.username, account.id, outcome, ended_session=(state.id, over))
    session.pop("_user_id", None)
    flash(str(PUT_OUT[over]) if over is not SessionEnd.IDLE else str(_away(state.idle_minutes)), "info")


def _away(minutes: int) -> Message:
    return _("You were away for {n} minutes and have been logged out.", n=minutes)


#: What somebody whose session ended is told.
PUT_OUT = {
    SessionEnd.LOGOUT: _("You have logged out. Log in again to go on."),
    SessionEnd.LIMIT: _("A session lasts only so long, also for those who work in it. Please log in again."),
    SessionEnd.PASSWORD: _("The password was changed. Please log in again."),
    SessionEnd.SELF: _("This session was ended from another one of yours. Please log in again."),
    SessionEnd.KEEPER: _("The security administrator has ended this session. Please log in again."),
    SessionEnd.ACCOUNT: _("Your account or its roles were changed. Please log in again."),
}
