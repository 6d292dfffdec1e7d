"""Pages of language, and the matrix of permissions."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, render_template, request, session
from flask_login import current_user
from sqlalchemy import update

from panel.i18n import LOCALES, _, listed
from panel.security.accounts import User
from panel.security.policy import Permission
from panel.web.context import current_panel
from panel.web.guards import safe_target
from panel.web.login.blueprint import blueprint
from panel.web.pages import Page

#: Permissions in the order of the page: reading first.
ORDER = sorted(Permission, key=lambda act: (act is not Permission.READ, act))


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
            [listed(str(a.label) for a in ORDER if a in role.grants.get(view.model, ())) for role in roles],
        )
        for view in current_panel().views.values()
    ]
    return render_template(
        "panel/matrix.html",
        page=Page(title=_("Who may do what"), sub=_("What no role grants is refused.")),
        roles=[(role.label, role.description) for role in roles],
        rows=rows,
    )
