"""The page of settings."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from bureau.access.roles import ADMINISTRATOR
from bureau.settings import settings
from bureau.settings.declared import Declared
from panel.i18n import _
from panel.kinds import Invalid
from panel.security.policy import Permission
from panel.store import proposals
from panel.store.proposals import ProposalKind
from panel.store.records import Setting
from panel.web.context import current_actor, current_panel
from panel.web.pages import FormPage, Group, Input


def may_open() -> bool:
    return current_panel().policy.may(current_actor(), Permission.EDIT, Setting)


def _administrator() -> bool:
    """Whether the actor may change what the administrator decides, not the office."""
    return ADMINISTRATOR in current_actor().roles


def page() -> Any:
    if not may_open():
        abort(403)
    session = current_panel().session
    values = settings.all_values(session)
    inputs = []
    asked: list[Declared] = []
    for declared in settings.DECLARED.values():
        protected = declared.administrator or declared.key in settings.PROTECTIONS
        if not declared.editable or (protected and not _administrator()):
            continue
        input_ = Input(declared.key, declared.label, declared.kind.control, help=declared.help)
        input_.lines = getattr(declared.kind, "lines", 1)
        value = values[declared.key]
        input_.value = ("1" if value else "0") if input_.control == "flag" else declared.kind.format(value)
        if request.method == "POST":
            input_.value = request.form.get(declared.key, input_.value)
            try:
                value = declared.kind.parse(input_.value)
                if declared.key in settings.PROTECTIONS and values[declared.key] and not value:
                    asked.append(declared)
                elif (declared.default if value is None else value) != values[declared.key]:
                    settings.put(session, declared.key, value)
            except Invalid as problem:
                input_.errors = [str(problem.message)]
        input_.was = input_.value
        inputs.append(input_)
    errors = [(input_.name, input_.label, input_.errors[0]) for input_ in inputs if input_.errors]
    if request.method == "POST" and not errors:
        for declared in asked:
            reason = str(_("Switch off: {setting}", setting=declared.label))
            proposals.ask(session, ProposalKind.SETTING, reason, setting=declared.key, value="0")
        session.commit()
        if asked:
            flash(str(_("Another administrator confirms under “Proposals” what is switched off.")), "info")
        flash(str(_("Settings saved.")), "success")
        return redirect(url_for("settings"))
    session.rollback()
    settings_page = FormPage(
        title=_("Settings"),
        sub=_("They hold for everybody."),
        groups=[Group(_("General"), inputs)],
        errors=errors,
        submit=_("Save"),
        cancel_url="/",
    )
    return render_template("panel/form.html", page=settings_page), 422 if errors else 200
