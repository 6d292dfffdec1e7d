"""Pages for log-in, log-out, change of password, language, and the matrix of permissions."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from panel.base import UNSCOPED
from panel.i18n import LOCALES, Message, _
from panel.kinds import Invalid, Moment, now
from panel.security import passwords
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, LoginOutcome, User
from panel.security.policy import Actor, Permission
from panel.security.session import set_actor, writing
from panel.web.context import current_panel
from panel.web.guards import Login, safe_target
from panel.web.pages import Page

#: Permissions in the order of the page: reading first.
ORDER = sorted(Permission, key=lambda act: (act is not Permission.READ, act))

blueprint = Blueprint("session", __name__)


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Any:
    if request.method == "GET" and current_user.is_authenticated:
        return redirect("/")
    username = request.form.get("username", "").strip()[:80]
    target = safe_target(request.values.get("next"))
    error: Message | None = None
    if request.method == "POST":
        error = _log_in(username, request.form.get("password", "")[: passwords.MAX_LENGTH * 2])
        if error is None:
            return redirect(target or "/")
    panel = current_panel()
    page = Page(title=_("Log in"))
    return render_template(
        "panel/login.html",
        page=page,
        unit=panel.unit(),
        hint=panel.login_hint(),
        error=error,
        username=username,
        next_url=target or "",
    ), 200 if error is None else 401


def _log_in(username: str, password: str) -> Message | None:
    """Log in; returns why it failed, or None. The hash is computed outside any transaction, so that it blocks
    nobody."""
    panel = current_panel()
    writing.set(False)
    statement = select(User).where(User.username == username).options(joinedload(User.roles))
    user = panel.session.execute(statement, execution_options=UNSCOPED).unique().scalar_one_or_none()
    account = Login(user) if user is not None else None
    hashed = user.password_hash if user is not None else None
    locked_until = user.locked_until if user is not None else None
    panel.session.rollback()
    if account is not None and locked_until is not None and locked_until > now():
        panel.log_login(username, account.id, LoginOutcome.LOCKED)
        return _("This account is locked until {time}.", time=Moment().format(locked_until.replace(second=0))[-5:])
    if not panel.passwords.matches(password, hashed) or account is None:
        return _failed(username, account.id if account else None)
    if not account.is_active:
        panel.log_login(username, account.id, LoginOutcome.INACTIVE)
        return _("This account is not active. Ask the administrator.")
    panel.log_login(username, account.id, LoginOutcome.OK, failures=0, locked_until=None, last_login_at=now())
    locale = session.get("locale")
    session.clear()
    if account.locale or locale:
        session["locale"] = account.locale or locale
    session["seen"] = int(now().timestamp())
    login_user(account)
    return None


def _failed(username: str, user_id: int | None) -> Message:
    """Count a failed log-in, and lock the account at MAX_FAILURES. The database counts, so that concurrent attempts
    count too. Returns the message."""
    panel = current_panel()
    wrong = _("The user name or the password is wrong.")
    if user_id is None:
        panel.log_login(username, None, LoginOutcome.WRONG)
        return wrong
    with panel.system_session() as system:
        count = system.execute(
            update(User).where(User.id == user_id).values(failures=User.failures + 1).returning(User.failures)
        ).scalar_one()
        if count >= MAX_FAILURES:
            until = now() + timedelta(minutes=LOCK_MINUTES)
            system.execute(update(User).where(User.id == user_id).values(failures=0, locked_until=until))
    panel.log_login(username, user_id, LoginOutcome.WRONG)
    if count >= MAX_FAILURES:
        return _("{n} failures: this account is locked for {minutes} minutes.", n=MAX_FAILURES, minutes=LOCK_MINUTES)
    return _("The user name or the password is wrong. {n} tries are left.", n=MAX_FAILURES - count)


@blueprint.route("/logout", methods=["POST"])
def logout() -> Any:
    user = current_user
    if user.is_authenticated:
        name, id_ = user.username, user.id
        current_panel().session.rollback()
        logout_user()
        session.clear()
        current_panel().log_login(name, id_, LoginOutcome.LOGOUT)
    return redirect(url_for("session.login"))


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> Any:
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = _change_password()
        if not errors:
            flash(str(_("The password is changed. Other sessions of yours have ended.")), "success")
            return redirect("/")
    page = Page(title=_("Change password"))
    return render_template(
        "panel/password.html", page=page, forced=current_user.must_change, errors=errors
    ), 422 if errors else 200


def _change_password() -> dict[str, str]:
    panel = current_panel()
    user = current_user._get_current_object()
    current, new, again = (request.form.get(name, "") for name in ("current", "new", "again"))
    hashed = panel.session.execute(
        select(User.password_hash).where(User.id == user.id), execution_options=UNSCOPED
    ).scalar_one()
    panel.session.rollback()
    errors: dict[str, str] = {}
    if not panel.passwords.matches(current, hashed):
        errors["current"] = str(_("This is not your password."))
    try:
        passwords.check(new, user.username)
    except Invalid as problem:
        errors["new"] = str(problem.message)
    if not errors and new == current:
        errors["new"] = str(_("Choose a password that you have not had before."))
    if new != again:
        errors["again"] = str(_("The two are not the same."))
    if errors:
        return errors
    fresh = panel.passwords.hash(new)
    stamp = secrets.token_hex(16)
    set_actor(panel.session, Actor(user.name, user.id, system=True))
    panel.log_login(user.username, user.id, LoginOutcome.PASSWORD, password_hash=fresh, stamp=stamp, must_change=False)
    user.stamp, user.must_change = stamp, False
    login_user(user)
    return {}


@blueprint.route("/language", methods=["POST"])
def language() -> Any:
    locale = request.form.get("locale", "")
    if locale not in LOCALES:
        abort(400)
    session["locale"] = locale
    if current_user.is_authenticated:
        id_ = current_user.id
        current_panel().session.rollback()
        with current_panel().system_session() as system:
            system.execute(update(User).where(User.id == id_).values(locale=locale))
    back = request.referrer or ""
    inside = "/" + back.removeprefix(request.host_url) if back.startswith(request.host_url) else "/"
    return redirect(safe_target(inside) or "/")


@blueprint.route("/roles")
def matrix() -> Any:
    """The permissions of all roles for all tables."""
    policy = current_panel().policy
    roles = list(policy.roles.values())
    rows = [
        (
            view.model.__labels__,
            ["、".join(str(a.label) for a in ORDER if a in role.grants.get(view.model, ())) for role in roles],
        )
        for view in current_panel().views.values()
    ]
    return render_template(
        "panel/matrix.html",
        page=Page(title=_("Who may do what"), sub=_("What no role grants is refused.")),
        roles=[(role.label, role.description) for role in roles],
        rows=rows,
    )
