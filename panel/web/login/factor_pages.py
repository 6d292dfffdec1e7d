"""Pages that set up one's second factor and print its recovery codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, render_template, request
from flask_login import current_user
from sqlalchemy import update

from panel.i18n import _, in_default_locale
from panel.security import audit
from panel.security.accounts import LoginOutcome
from panel.security.login_records import LoginSession
from panel.security.policy import Actor
from panel.security.records import AuditAction
from panel.security.session import set_actor
from panel.store.login import factors, tries
from panel.web.context import current_panel
from panel.web.login.blueprint import blueprint
from panel.web.login.log_in import WRONG_CODE
from panel.web.pages import Page, Words


@dataclass(slots=True)
class FactorPage(Page):
    """Sets up a second factor. `picture` is a QR code as an address of data; `letters` is the same to type in."""

    picture: str = ""
    letters: str = ""
    error: Words = ""
    #: Whether nothing else opens before.
    forced: bool = False


@dataclass(slots=True)
class CodesPage(Page):
    """The sheet of recovery codes, shown in this answer alone."""

    unit: str = ""
    person: str = ""
    username: str = ""
    codes: list[str] = field(default_factory=list)


@blueprint.route("/second-factor", methods=["GET", "POST"])
def factor() -> Any:
    """Set up a second factor, for those whose role needs one."""
    panel, user = current_panel(), current_user._get_current_object()
    panel.session.rollback()
    with panel.system_session() as system:
        needed = bool(factors.roles_of(system) & user.roles)
        done = factors.is_set_up(system, user.id)
    if not (needed or done):
        abort(404)
    if request.method == "POST":
        codes = _renew(user) if done else _confirm(user)
        if codes:
            return _sheet(user, codes)
    if done:
        page = FactorPage(title=_("Second factor"), sub=_("It is set up. At log-in a code is asked for."))
        page.error = WRONG_CODE if request.method == "POST" else ""
        return render_template("panel/factor_done.html", page=page), 422 if page.error else 200
    page = _page(user)
    page.error = WRONG_CODE if request.method == "POST" else ""
    page.forced = user.factor_due
    return render_template("panel/factor.html", page=page), 422 if page.error else 200


def _page(user: Any) -> FactorPage:
    import segno  # noqa: PLC0415 - needed when somebody sets up a second factor

    panel = current_panel()
    with panel.system_session() as system:
        issuer = panel.unit() or str(panel.sub()) or "Panel"
        waiting = factors.prepare(system, user.id, user.username, issuer)
    picture = segno.make(waiting.address, error="m").png_data_uri(scale=5, border=2)
    letters = " ".join(waiting.secret[i : i + 4] for i in range(0, len(waiting.secret), 4))
    return FactorPage(title=_("Set up the second factor"), picture=picture, letters=letters)


def _looked_at(user: Any) -> bool:
    panel = current_panel()
    with panel.system_session() as system:
        return tries.count(system, tries.of_code(user.id), panel.app.config["SECRET_KEY"]).may_look


def _confirm(user: Any) -> list[str] | None:
    """Confirm by the first code; the recovery codes, or None for a wrong code."""
    panel, typed = current_panel(), request.form.get("code", "")[:40]
    secret = panel.app.config["SECRET_KEY"]
    may_look = _looked_at(user)
    with panel.system_session() as system:
        codes = factors.confirm(system, user.id, typed, secret) if may_look else None
        if codes:
            tries.succeeded(system, tries.of_code(user.id), secret)
            system.execute(update(LoginSession).where(LoginSession.id == user.session_id).values(factor_due=False))
            set_actor(system, Actor(user.name, user.id, system=True))
            audit.note(system, AuditAction.EVENT, "user", user.id, in_default_locale(_("Second factor set up")))
    if not codes:
        panel.log_login(user.username, user.id, LoginOutcome.CODE)
    return codes


def _renew(user: Any) -> list[str] | None:
    """New recovery codes against a code; None for a wrong code."""
    panel, typed = current_panel(), request.form.get("code", "")[:40]
    secret = panel.app.config["SECRET_KEY"]
    may_look = _looked_at(user)
    with panel.system_session() as system:
        if not may_look or factors.check(system, user.id, typed, secret) is None:
            codes = None
        else:
            tries.succeeded(system, tries.of_code(user.id), secret)
            codes = factors.renew_codes(system, user.id, secret)
    if not codes:
        panel.log_login(user.username, user.id, LoginOutcome.CODE)
    return codes


def _sheet(user: Any, codes: list[str]) -> Any:
    panel = current_panel()
    page = CodesPage(
        title=_("Recovery codes"),
        sub=_("They are shown only now. Print the sheet and keep it locked up."),
        unit=panel.unit() or str(panel.sub()),
        person=user.name,
        username=user.username,
        codes=codes,
    )
    return render_template("panel/factor_codes.html", page=page)
