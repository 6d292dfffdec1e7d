"""Log-in in one or two steps, and log-out.

Unknown accounts, wrong passwords and closed places get one answer after the same work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from panel.base import UNSCOPED
from panel.i18n import Message, _, n_
from panel.kinds import now, to_minute
from panel.security import passwords
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, LoginOutcome, User, roles_in_force
from panel.security.login_records import SessionEnd
from panel.security.session import writing
from panel.store import first_code
from panel.store.login import factors, limits, sessions, tries
from panel.store.login.limits import Limits
from panel.store.login.sessions import LastLogin
from panel.web.context import current_panel
from panel.web.guards import Login, safe_target
from panel.web.login import devices
from panel.web.login.blueprint import blueprint
from panel.web.pages import Page

#: The answer to every log-in that failed.
REFUSED = _(
    "The user name or the password is wrong, or there were too many failures here. After {n} failures wait {minutes} "
    "minutes. Who has forgotten the password asks the administrator.",
    n=MAX_FAILURES,
    minutes=LOCK_MINUTES,
)
WRONG_CODE = _(
    "This code is wrong or was used. After {n} wrong ones wait {minutes} minutes.", n=MAX_FAILURES, minutes=LOCK_MINUTES
)
#: Minutes from the password to the code.
CODE_MINUTES = 5
#: Days before the end of a password at which it is told.
SOON = 7


@dataclass(frozen=True, slots=True)
class _Found:
    """The account of a user name, as far as a log-in needs it."""

    account: Login
    stamp: str
    password_hash: str
    password_at: Any
    failures: int


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Any:
    if request.method == "GET" and current_user.is_authenticated:
        return redirect("/")
    first = first_accounts_open()
    if first and request.method == "GET" and not _any_account():
        return redirect(url_for("first.page"))
    username = request.form.get("username", "").strip()[:80]
    target = safe_target(request.values.get("next"))
    error: Message | None = None
    if request.method == "POST":
        answer = _log_in(username, request.form.get("password", "")[: passwords.MAX_LENGTH * 2], target)
        if not isinstance(answer, Message):
            return answer
        error = answer
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
        first_url=url_for("first.page") if first else "",
    ), 200 if error is None else 401


def first_accounts_open() -> bool:
    """Whether the page of first accounts is there: nobody administers the panel. One statement at most."""
    panel = current_panel()
    return bool(panel.first_accounts) and first_code.needed(panel.session, panel.first_accounts[0].role)


def _any_account() -> bool:
    return current_panel().session.execute(select(User.id).limit(1), execution_options=UNSCOPED).first() is not None


def _address() -> str:
    return (request.remote_addr or "")[:60]


def _log_in(username: str, password: str, target: str | None) -> Any:
    """The redirect after a log-in, or the message why there is none. The try is counted before the password is looked
    at, and the hash is computed outside any transaction, so that it blocks nobody."""
    panel = current_panel()
    secret = panel.app.config["SECRET_KEY"]
    writing.set(False)
    found = _find(username)
    user_id = found.account.id if found is not None else None
    limit = limits.read(panel.session)
    known = tries.is_known(panel.session, user_id, _address())
    panel.session.rollback()
    device = devices.known_as(user_id)
    parties = tries.of_login(username, user_id, _address(), device=device, known=known, limit=limit)
    counted = panel.write_small(lambda system: tries.count(system, parties, secret))
    right = panel.passwords.matches(password, found.password_hash if found is not None else None)
    if found is None or not right or not counted.may_look:
        outcome = LoginOutcome.WRONG if counted.may_look else LoginOutcome.LOCKED
        changed: dict[str, Any] = {"failures": User.failures + 1}
        if counted.may_look and counted.last:
            changed["locked_until"] = now() + tries.WINDOW
        panel.log_login(username, user_id, outcome, **changed)
        return REFUSED
    if not found.account.is_active:
        panel.log_login(username, user_id, LoginOutcome.INACTIVE)
        return _("This account is not active. Ask the administrator.")
    with panel.system_session() as system:
        tries.succeeded(system, parties, secret)
        confirmed = factors.is_set_up(system, found.account.id)
        needed = bool(factors.roles_of(system) & found.account.roles)
    if needed and confirmed:
        session["half"] = [found.account.id, found.stamp, int(now().timestamp()), target or ""]
        return redirect(url_for("session.code"))
    _welcome(found, limit, factor_due=needed)
    return redirect(target or "/")


def _find(username: str) -> _Found | None:
    statement = select(User).where(User.username == username).options(joinedload(User.roles))
    user = current_panel().session.execute(statement, execution_options=UNSCOPED).unique().scalar_one_or_none()
    if user is None:
        return None
    account = Login(user, roles_in_force(user))
    return _Found(account, user.stamp, user.password_hash, user.password_at, user.failures)


@blueprint.route("/login/code", methods=["GET", "POST"])
def code() -> Any:
    """The second step, for a few minutes after the first one."""
    panel, half = current_panel(), session.get("half")
    moment = int(now().timestamp())
    if not half or not 0 <= moment - half[2] <= CODE_MINUTES * 60:
        session.pop("half", None)
        flash(str(_("The time for the code is over. Please log in again.")), "info")
        return redirect(url_for("session.login"))
    user_id, stamp, _began, target = half
    error: Message | None = None
    if request.method == "POST":
        writing.set(False)
        secret, typed = panel.app.config["SECRET_KEY"], request.form.get("code", "")[:40]
        username = _username(user_id, stamp)
        with panel.system_session() as system:
            may_look = username is not None and tries.count(system, tries.of_code(user_id), secret).may_look
        with panel.system_session() as system:
            used = factors.check(system, user_id, typed, secret) if may_look else None
            if used is not None:
                tries.succeeded(system, tries.of_code(user_id), secret)
        found = _find(username) if username is not None else None
        if used is not None and found is not None and found.account.is_active:
            _welcome(found, limits.read(panel.session), factor_due=False)
            if used.left is not None:
                left = n_("{n} recovery code is left.", "{n} recovery codes are left.", used.left)
                used_up = _("A recovery code was used; it counts no more.")
                flash(f"{used_up}{left}", "warning")
            return redirect(safe_target(target) or "/")
        panel.log_login(username or "", user_id, LoginOutcome.CODE, failures=User.failures + 1)
        error = WRONG_CODE
    page = Page(title=_("Second factor"))
    return render_template("panel/code.html", page=page, unit=panel.unit(), error=error), 401 if error else 200


def _username(user_id: int, stamp: str) -> str | None:
    """The user name of an account whose password hasn't changed since the first step."""
    statement = select(User.username).where(User.id == user_id, User.stamp == stamp)
    username: str | None = current_panel().session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    current_panel().session.rollback()
    return username


def _welcome(found: _Found, limit: Limits, *, factor_due: bool) -> None:
    """Begin the session of an account that has proved who it is, and tell of the log-in before."""
    panel, account = current_panel(), found.account
    panel.session.rollback()
    last = sessions.last_login(panel.session, account.id)
    panel.session.rollback()
    changed: dict[str, Any] = {"locked_until": None, "last_login_at": now(), "failures": 0}
    age = (now() - found.password_at).days if found.password_at is not None else 0
    if found.password_at is None:
        changed["password_at"] = now()
    if limit.password_days and age >= limit.password_days:
        changed["must_change"] = True
    panel.log_login(account.username, account.id, LoginOutcome.OK, **changed)
    begin_session(account, found.stamp, factor_due=factor_due)
    devices.remember(account.id)
    if words := _last(last, found.failures):
        flash(words, "warning" if found.failures else "info")
    if limit.password_days and limit.password_days - SOON <= age < limit.password_days:
        rest = limit.password_days - age
        flash(
            str(n_("Your password must be changed in {n} day.", "Your password must be changed in {n} days.", rest)),
            "info",
        )


def _last(last: LastLogin, failed: int) -> str:
    """What is told of the log-in before; "" at the first."""
    sentences = []
    if last.at is not None:
        sentences.append(
            str(_("Last log-in: {at}, from {address}.", at=to_minute(last.at), address=last.address or "—"))
        )
    if failed:
        words = n_("{n} try has failed since.", "{n} tries have failed since.", failed)
        sentences.append(str(words))
    return "".join(sentences)


def begin_session(account: Login, stamp: str, *, factor_due: bool = False) -> None:
    """Begin a session of an account, with a new id; nothing of the one before stays but the language."""
    panel, locale = current_panel(), session.get("locale")
    panel.session.rollback()
    session.clear()
    if account.locale or locale:
        session["locale"] = account.locale or locale
    account.token = panel.write_small(
        lambda system: sessions.begin(
            system,
            user_id=account.id,
            stamp=stamp,
            address=_address(),
            agent=request.user_agent.string,
            secret=panel.app.config["SECRET_KEY"],
            factor_due=factor_due,
        )
    )
    login_user(account)
    session.permanent = True


@blueprint.route("/logout", methods=["POST"])
def logout() -> Any:
    user = current_user
    if user.is_authenticated:
        name, id_, ended = user.username, user.id, (user.session_id, SessionEnd.LOGOUT)
        current_panel().session.rollback()
        logout_user()
        session.clear()
        current_panel().log_login(name, id_, LoginOutcome.LOGOUT, ended_session=ended)
    return redirect(url_for("session.login"))
