"""Request guards: log-in, idle limit, CSRF, security headers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user, logout_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from panel import ids
from panel.base import UNSCOPED
from panel.i18n import _, text
from panel.kinds import now
from panel.security.accounts import LoginOutcome, User
from panel.security.policy import NOBODY, Actor
from panel.security.session import set_actor, writing
from panel.web.errors import error_page

if TYPE_CHECKING:
    from panel.web.panel import Panel

IDLE_MINUTES = 30
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: For static files whose address names their version, so that a browser asks for each of them once.
KEPT = "private, max-age=31536000, immutable"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Login:
    """The account as Flask-Login needs it. A copy of values, because the record would belong to a session."""

    is_authenticated = True
    is_anonymous = False

    def __init__(self, user: User) -> None:
        self.id, self.name, self.username = user.id, user.name, user.username
        self.is_active = user.active
        self.must_change, self.stamp, self.locale = user.must_change, user.stamp, user.locale
        self.roles = frozenset(role.role for role in user.roles)

    def get_id(self) -> str:
        """The id with the stamp, which changes with the password and so ends earlier sessions."""
        return f"{self.id}:{self.stamp}"


def safe_target(target: str | None) -> str | None:
    """The target of a redirect if it is inside this site, else None. Flask-Admin's own check accepts
    `http:evil.com`."""
    if target and re.match(r"^/(?![/\\])", target) and not re.search(r"[\x00-\x1f\\]", target):
        return target
    return None


def install(app: Flask, panel: Panel) -> None:
    """Install the guards, which run in this order on every request: CSRF token, log-in, idle limit, actor, headers."""
    app.config.update(
        WTF_CSRF_TIME_LIMIT=None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # The cookie outlives the idle limit, so that reaching the limit can be reported and logged.
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
    )

    @app.before_request
    def begin() -> None:
        if limit := panel.body_limits.get(request.endpoint or ""):
            request.max_content_length = limit
        writing.set(request.method not in SAFE_METHODS and request.endpoint not in panel.reading_endpoints)
        text.use_locale(session.get("locale") or app.config.get("LOCALE", text.DEFAULT_LOCALE))
        set_actor(panel.session, NOBODY)

    CSRFProtect(app)
    manager = LoginManager(app)
    manager.session_protection = "basic"

    @manager.user_loader
    def load(token: str) -> Login | None:
        id_, _sep, stamp = token.partition(":")
        statement = select(User).where(User.id == ids.parse(id_)).options(joinedload(User.roles))
        user = panel.session.execute(statement, execution_options=UNSCOPED).unique().scalar_one_or_none()
        return Login(user) if user is not None and user.active and user.stamp == stamp else None

    @app.before_request
    def admit() -> Any:
        return _authenticate(panel)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        if response.mimetype == "text/html":
            response.headers.setdefault("Cache-Control", "no-store")
        elif request.endpoint == "static" and "v" in request.args and response.status_code < 400:
            response.headers["Cache-Control"] = KEPT
        return response

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> Any:
        message = _("This page was open too long or did not come from here. Go back, reload it and try again.")
        return error_page(400, message)


def _authenticate(panel: Panel) -> Any:
    """Set the actor of the request. Without a log-in redirect to the log-in page, or answer 401 to other methods."""
    if request.endpoint == "static" or (request.endpoint or "").endswith(".static"):
        return None
    if not current_user.is_authenticated:
        if request.endpoint is None:
            return None
        if request.endpoint in panel.open_endpoints:
            return None
        if request.method not in SAFE_METHODS or "/ajax/" in request.path:
            abort(401)
        return redirect(url_for("session.login", next=request.full_path.rstrip("?")))
    moment = int(now().timestamp())
    if moment - session.get("seen", moment) > IDLE_MINUTES * 60:
        user = current_user._get_current_object()
        panel.session.rollback()
        logout_user()
        session.pop("seen", None)
        panel.log_login(user.username, user.id, LoginOutcome.IDLE)
        flash(str(_("You were away for {n} minutes and have been logged out.", n=IDLE_MINUTES)), "info")
        return redirect(
            url_for("session.login", next=request.full_path.rstrip("?") if request.method == "GET" else None)
        )
    session["seen"] = moment
    session.permanent = True
    user = current_user
    facts = panel.facts(panel.session, user.id, user.roles)
    g.actor = Actor(user.name, user.id, user.roles, facts)
    set_actor(panel.session, g.actor)
    if user.must_change and request.endpoint not in ("session.password", "session.logout", "session.language"):
        return redirect(url_for("session.password"))
    return None
