"""Reveals: show a record's private data unmasked once, with a permission and a reason, and record it in the audit."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, request
from flask_admin.base import expose

from panel.base import display
from panel.fields import Personal, fields
from panel.i18n import _
from panel.kinds import tidy
from panel.security import audit
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.web.context import current_panel
from panel.web.pages import Button, FormPage, Group, Input

REASON_LENGTH = 200


class Reveals:
    """Mix-in of SchemaView with the route that reveals."""

    model: Any
    may: Any
    require: Any
    get_one: Any
    get_url: Any
    render: Any
    details_page: Any

    @property
    def can_reveal(self) -> bool:
        private = any(f.personal is Personal.PRIVATE for f in fields(self.model))
        return private and bool(self.may(Permission.REVEAL))

    def reveal_button(self, record: Any) -> Button | None:
        if not self.can_reveal:
            return None
        return Button(_("See in clear…"), self.get_url(".reveal_view", id=record.id), "eye")

    def shown_clear(self, record: Any) -> Any:
        """The page of a revealed record."""
        return self.render("panel/details.html", page=self.details_page(record))

    @expose("/reveal/", methods=("GET", "POST"))
    def reveal_view(self) -> Any:
        """Ask for the reason; then record it in the audit and show the record unmasked in this response."""
        self.require(Permission.REVEAL)
        if not self.can_reveal:
            abort(404)
        record = self.get_one(request.args.get("id"))
        reason = tidy(request.form.get("reason"))[:REASON_LENGTH]
        if request.method == "POST" and reason:
            session = current_panel().session
            audit.note(session, AuditAction.REVEAL, self.model.__tablename__, record.id, reason)
            session.commit()
            record = self.get_one(record.id)
            g.revealed = (self.model.__tablename__, record.id)
            flash(str(_("Shown in clear this once; it stands in the audit trail.")), "info")
            return self.shown_clear(record)
        errors = [str(_("This must be filled in."))] if request.method == "POST" else []
        asked = Input(
            "reason",
            _("Reason"),
            "text",
            required=True,
            errors=errors,
            maxlength=REASON_LENGTH,
            help=_("For example: calling the complainant back."),
        )
        page = FormPage(
            title=_("See in clear"),
            sub=f"{self.model.__label__} · {display(record)}",
            groups=[Group(_("Why do you need it? Your name, the time and the reason are recorded."), [asked])],
            submit=_("See in clear"),
            cancel_url=self.get_url(".details_view", id=record.id),
        )
        page.errors = [(asked.name, asked.label, error) for error in errors]
        return self.render("panel/form.html", page=page), 422 if errors else 200
