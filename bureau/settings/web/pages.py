"""Settings that the office makes on screen."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from bureau.access.roles import ADMINISTRATOR
from bureau.settings import settings
from panel.i18n import _
from panel.kinds import Invalid
from panel.security.policy import Permission
from panel.store.records import Setting
from panel.web.context import current_actor, current_panel
from panel.web.pages import FormPage, Group, Input


def may_open() -> bool:
    return current_panel().policy.may(current_actor(), Permission.EDIT, Setting)


def _administrator() -> bool:
    """Who administers decides whether administration is kept apart; the office doesn't."""
    return ADMINISTRATOR in current_actor().roles


def page() -> Any:
    if not may_open():
        abort(403)
    session = current_panel().session
    values = settings.all_values(session)
    inputs = []
    for declared in settings.DECLARED.values():
        if not declared.editable or (declared.key == "separate_admins" and not _administrator()):
            continue
        made = Input(declared.key, declared.label, declared.kind.control, help=declared.help)
        value = values[declared.key]
        made.value = ("1" if value else "0") if made.control == "flag" else declared.kind.format(value)
        if request.method == "POST":
            made.value = request.form.get(declared.key, made.value)
            try:
                settings.put(session, declared.key, declared.kind.parse(made.value))
            except Invalid as problem:
                made.errors = [str(problem.message)]
        made.was = made.value
        inputs.append(made)
    errors = [(made.name, made.label, made.errors[0]) for made in inputs if made.errors]
    if request.method == "POST" and not errors:
        session.commit()
        flash(str(_("Settings saved.")), "success")
        return redirect(url_for("settings"))
    session.rollback()
    shown = FormPage(
        title=_("Settings"),
        sub=_("They hold for everybody."),
        groups=[Group(_("General"), inputs)],
        errors=errors,
        submit=_("Save"),
        cancel_url="/",
    )
    return render_template("panel/form.html", page=shown), 422 if errors else 200
