"""Deletion of records: the confirmation, obstacles, and the deletion itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request
from flask_admin.actions import action
from flask_admin.base import expose
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from panel.base import display
from panel.i18n import Message, _, n_
from panel.kinds import Reference
from panel.security.policy import Permission
from panel.web import details
from panel.web.context import current_panel
from panel.web.guards import safe_target
from panel.web.pages import Cell, ConfirmPage


class Deletion:
    """Mix-in of SchemaView with the routes and the bulk action that delete."""

    model: Any
    declared: Any
    require: Any
    get_one: Any
    get_url: Any
    may_change: Any
    render: Any

    @expose("/confirm/")
    def confirm_view(self) -> Any:
        self.require(Permission.DELETE)
        record = self.get_one(request.args.get("id"))
        if not self.may_change(record, Permission.DELETE):
            abort(403)
        return self.render("panel/confirm.html", page=self._confirm_delete([record], self.get_url(".delete_view")))

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:
        self.require(Permission.DELETE)
        record = self.get_one(request.form.get("id"))
        self._delete([record])
        return redirect(safe_target(request.form.get("url")) or self.get_url(".index_view"))

    def _delete(self, records: Sequence[Any]) -> None:
        session = current_panel().session
        ids, names = [record.id for record in records], [display(record) for record in records]
        try:
            self._clear_references(records)
            for record in records:
                session.delete(record)
            session.commit()
        except (IntegrityError, StaleDataError):
            session.rollback()
            obstacle = self._obstacle(ids) or _("Somebody has changed this meanwhile. Nothing was deleted.")
            flash(str(obstacle), "danger")
            return
        n = len(names)
        flash(str(n_("Deleted: {name}", "{n} records deleted.", n, name=names[0])), "success")

    def _clear_references(self, records: Sequence[Any]) -> None:
        """Set references among the records to NULL, since otherwise none could be deleted first."""
        session = current_panel().session
        own = [f for f in self.declared if f.kind == Reference(self.model.__tablename__) and not f.required]
        ids = {record.id for record in records}
        for record in records:
            for field in own:
                if getattr(record, field.attr) in ids:
                    setattr(record, field.attr, None)
        session.flush()

    def _obstacle(self, ids: list[int]) -> Message | None:
        """Why the records can't be deleted, or None."""
        referrers = details.count_referrers(self.model, ids)
        if not referrers:
            return None
        names = "、".join(f"{label} {count}" for label, count in referrers)
        return _(
            "It can't be deleted, other records refer to it: {names}. Set an end date or another state instead.",
            names=names,
        )

    @action("delete", _("Delete"))
    def action_delete(self, records: Sequence[Any]) -> Any:
        if request.form.get("confirmed"):
            self._delete(records)
            return None
        return self.render("panel/confirm.html", page=self._confirm_delete(records, self.get_url(".action_view")))

    def _confirm_delete(self, records: Sequence[Any], url: str) -> ConfirmPage:
        page = ConfirmPage(
            title=_("Delete {label}", label=self.model.__label__),
            sentences=[_("This can't be undone. The audit trail keeps what was there.")],
            items=[Cell(display(record)) for record in records],
            action_url=url,
            submit=_("Delete"),
            cancel_url=safe_target(request.values.get("url")) or self.get_url(".index_view"),
        )
        page.blocked = self._obstacle([record.id for record in records])
        if url.endswith("/action/"):
            page.values = [("action", "delete"), ("confirmed", "1"), ("url", page.cancel_url)]
            page.values += [("rowid", str(r.id)) for r in records]
        else:
            page.values = [("id", str(records[0].id))]
        return page
