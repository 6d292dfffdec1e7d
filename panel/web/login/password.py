"""The page that changes one's own password."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request
from flask_login import current_user
from sqlalchemy import select

from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Invalid, now
from panel.security import passwords
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, LoginOutcome, User, renewed
from panel.security.login_records import SessionEnd
from panel.security.policy import Actor
from panel.security.session import set_actor
from panel.store.login import limits, sessions, tries
from panel.web.context import current_panel
from panel.web.login.blueprint import blueprint
from panel.web.login.log_in import begin_session
from panel.web.pages import Page


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> Any:
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = _change_password()
        if not errors:
            flash(str(_("The password is changed. Other sessions of yours have ended.")), "success")
            return redirect("/")
    return render_template(
        "panel/password.html", page=Page(title=_("Change password")), forced=_forced(), errors=errors
    ), 422 if errors else 200


def _forced() -> Message | None:
    """Why the password must be changed before anything else."""
    if not current_user.must_change:
        return None
    session = current_panel().session
    statement = select(User.password_at, User.earlier_hashes).where(User.id == current_user.id)
    row = session.execute(statement, execution_options=UNSCOPED).one()
    days = limits.read(session).password_days
    age = (now() - row.password_at).days if row.password_at is not None else 0
    if days and age >= days:
        return _("Your password is {age} days old; it must be changed every {days} days.", age=age, days=days)
    return _("Choose a password of your own before you go on.")


def _change_password() -> dict[str, str]:
    panel = current_panel()
    user = current_user._get_current_object()
    current, new, again = (request.form.get(name, "") for name in ("current", "new", "again"))
    statement = select(User.password_hash, User.earlier_hashes).where(User.id == user.id)
    row = panel.session.execute(statement, execution_options=UNSCOPED).one()
    words = panel.personal_words(panel.session, user.id)
    panel.session.rollback()
    secret, parties = panel.app.config["SECRET_KEY"], tries.of_password(user.id)
    with panel.system_session() as system:
        may_look = tries.count(system, parties, secret).may_look
    errors: dict[str, str] = {}
    if not panel.passwords.matches(current, row.password_hash) or not may_look:
        panel.log_login(user.username, user.id, LoginOutcome.WRONG if may_look else LoginOutcome.LOCKED)
        wrong = _(
            "This is not your password. After {n} failures wait {minutes} minutes.",
            n=MAX_FAILURES,
            minutes=LOCK_MINUTES,
        )
        return {"current": str(wrong)}
    with panel.system_session() as system:
        tries.succeeded(system, parties, secret)
    try:
        passwords.check(new, user.username, [user.name, *words])
    except Invalid as problem:
        errors["new"] = str(problem.message)
    if new != again:
        errors["again"] = str(_("The two are not the same."))
    if not errors and panel.passwords.is_one_of(new, [row.password_hash, *(row.earlier_hashes or [])]):
        errors["new"] = str(_("Choose a password that you haven't had among the last {n}.", n=passwords.EARLIER))
    if errors:
        return errors
    values = renewed(row.password_hash, row.earlier_hashes, panel.passwords.hash(new))
    set_actor(panel.session, Actor(user.name, user.id, system=True))
    panel.log_login(user.username, user.id, LoginOutcome.PASSWORD, must_change=False, **values)
    with panel.system_session() as system:
        sessions.end_of(system, [user.id], SessionEnd.PASSWORD)
    begin_session(user, values["stamp"], factor_due=user.factor_due)
    return {}
