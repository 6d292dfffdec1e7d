"""How pages look in one browser: dark or light, and how dense. A cookie keeps it, so that the page of log-in looks so
too, and the server writes it into each page, so that none begins in the other colours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from flask import abort, current_app, redirect, request

from panel.i18n import Message, _
from panel.web.guards import safe_target
from panel.web.login.blueprint import blueprint

COOKIE = "look"
KEPT = timedelta(days=365)
#: What may be chosen, by its name in the cookie; the first is what the system or the panel itself does.
THEMES: dict[str, Message] = {"": _("As the system"), "light": _("Light"), "dark": _("Dark")}
DENSITIES: dict[str, Message] = {"": _("Roomy"), "compact": _("Dense")}


class Look(NamedTuple):
    """What a browser has chosen."""

    theme: str = ""
    density: str = ""


def chosen() -> Look:
    """The look of this browser; what its cookie holds besides is left out."""
    theme, _dot, density = request.cookies.get(COOKIE, "").partition(".")
    return Look(theme if theme in THEMES else "", density if density in DENSITIES else "")


@blueprint.route("/look", methods=["POST"])
def look() -> Any:
    """Choose one of the two, and go back to the page."""
    now = chosen()
    theme, density = request.form.get("theme", now.theme), request.form.get("density", now.density)
    if theme not in THEMES or density not in DENSITIES:
        abort(400)
    back = request.referrer or ""
    inside = "/" + back.removeprefix(request.host_url) if back.startswith(request.host_url) else "/"
    response = redirect(safe_target(inside) or "/")
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(COOKIE, f"{theme}.{density}", max_age=KEPT, httponly=True, samesite="Lax", secure=secure)
    return response
