"""Reveals: show a record's private data unmasked once, with a permission and a reason, and record it in the audit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import abort, flash, g, request
from flask_admin.base import expose

from panel.base import Base, display
from panel.fields import Personal, fields
from panel.i18n import _
from panel.kinds import tidy
from panel.security import audit
from panel.security.policy import Permission, model_of
from panel.security.records import AuditAction
from panel.security.session import permitted, require
from panel.web.context import current_actor, current_panel
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

    def may_reveal(self, record: Any) -> bool:
        """Whether a role that grants it reaches this record."""
        return self.can_reveal and may_reveal(self.model, [record.id])

    def reveal_button(self, record: Any) -> Button | None:
        if not self.may_reveal(record):
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
        if not self.may_reveal(record):
            abort(403)
        if reason := given_reason():
            note_reveals(self.model.__tablename__, [record.id], reason)
            record = self.get_one(record.id)
            g.revealed = (self.model.__tablename__, record.id)
            flash(str(_("Shown in clear this once; it stands in the audit trail.")), "info")
            return self.shown_clear(record)
        return self.ask_reason(record)

    def ask_reason(self, record: Any) -> Any:
        """The form that asks why a record is to be seen in clear."""
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


def given_reason() -> str:
    """The reason that was posted with the form of ask_reason(); "" without one."""
    return tidy(request.form.get("reason"))[:REASON_LENGTH] if request.method == "POST" else ""


def may_reveal(model: type[Base], record_ids: Collection[int]) -> bool:
    """Whether the actor may see all these records in clear. A role that merely reads them doesn't widen the roles that
    grant it, nor does a list of none. One statement at most."""
    policy, actor = current_panel().policy, current_actor()
    if not policy.may(actor, Permission.REVEAL, model):
        return False
    if not policy.has_narrower_scope(actor, Permission.REVEAL, model):
        return True
    shown = permitted(current_panel().session, model, Permission.REVEAL, record_ids)
    return bool(record_ids) and len(shown) == len(record_ids)


def note_reveals(table: str, record_ids: Collection[int], reason: str) -> None:
    """Record in the audit that these records are shown in clear, and commit. Raises OutOfScope if the actor may not see
    one of them so."""
    session = current_panel().session
    require(session, model_of(table), Permission.REVEAL, set(record_ids))
    for id_ in record_ids:
        audit.note(session, AuditAction.REVEAL, table, id_, reason)
    session.commit()
