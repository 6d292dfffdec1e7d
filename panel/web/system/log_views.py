"""Screens of the audit, the log-in and the export log. Audit entries show values only to readers of the table that
they are of."""

from __future__ import annotations

from typing import Any

from panel.exports.records import ExportLog
from panel.fields import all_fields
from panel.i18n import Message, _, listed
from panel.search.listing import Quick
from panel.security.accounts import LoginLog, LoginOutcome
from panel.security.policy import Permission, model_of
from panel.security.records import AuditAction, AuditEntry
from panel.web import history
from panel.web.context import current_actor, current_panel
from panel.web.login import devices
from panel.web.pages import Cell, DetailsPage
from panel.web.system import log_names
from panel.web.views import SchemaView

#: What files are about besides tables.
OTHER_FILES = {"archive": _("Archive"), "backup": _("Backup")}


def table_label(table: str) -> Message | str:
    try:
        return model_of(table).__label__
    except LookupError:
        return OTHER_FILES.get(table, table)


def readable(table: str) -> bool:
    try:
        return current_panel().policy.may(current_actor(), Permission.READ, model_of(table))
    except LookupError:
        return False


def _note(entry: AuditEntry) -> Cell:
    """The note, and which columns were changed; their values stand on the entry's page."""
    note = entry.note if readable(entry.table_name) or not entry.changes else ""
    if entry.action != AuditAction.EDIT or not entry.changes:
        return Cell(note)
    try:
        labels = {f.name: f.label for f in all_fields(model_of(entry.table_name))}
    except LookupError:
        return Cell(note)
    changed = listed(dict.fromkeys(labels[name] for name in entry.changes if name in labels))
    return Cell(changed or note, below=[note] if changed and note else [])


class AuditView(SchemaView):
    quick = {
        "deleted": Quick(_("Deletions"), lambda _a: AuditEntry.action == AuditAction.DELETE, counted=False),
        "seen": Quick(_("Seen in clear"), lambda _a: AuditEntry.action == AuditAction.REVEAL, counted=False),
        "accounts": Quick(
            _("Accounts and roles"), lambda _a: AuditEntry.table_name.in_(["user", "userrole"]), counted=False
        ),
    }
    cells = {
        "actor_name": lambda entry: Cell(str(history.who(entry.actor_name))),
        "table_name": lambda entry: Cell(str(table_label(entry.table_name))),
        "record_id": log_names.record_cell,
        "note": _note,
    }

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        page.history = history.items([record], None)
        if not readable(record.table_name):
            for item in page.history:
                item.note = ""
                for change in item.changes:
                    change.before = change.after = ""
        page.title = _("Audit entry {number}", number=record.id)
        if page.place is not None:
            page.place.last = page.title
        return page


#: Log-ins that came to nothing.
REFUSED = (LoginOutcome.WRONG, LoginOutcome.LOCKED, LoginOutcome.INACTIVE, LoginOutcome.CODE)


class LoginLogView(SchemaView):
    quick = {
        "in": Quick(_("Logged in"), lambda _a: LoginLog.outcome == LoginOutcome.OK, counted=False),
        "refused": Quick(_("Log-in failed"), lambda _a: LoginLog.outcome.in_(REFUSED), counted=False),
    }
    cells = {
        "username": log_names.person_cell,
        "address": lambda entry: Cell(entry.address, below=[devices.words(entry.agent)]),
    }


class ExportLogView(SchemaView):
    quick = {"clear": Quick(_("In clear"), lambda _a: ExportLog.clear.is_(True), counted=False)}
    cells = {
        "actor_name": lambda entry: Cell(str(history.who(entry.actor_name))),
        "table_name": lambda entry: Cell(str(table_label(entry.table_name))),
    }
