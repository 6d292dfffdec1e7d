"""Changes of records: whether the actor may, by permission, scope and locks; deletion with its confirmation and
obstacles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from flask import abort, flash, redirect, request
from flask_admin.actions import action
from flask_admin.base import expose
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from panel.base import display
from panel.fields import Lock
from panel.i18n import Message, _, listed, n_
from panel.kinds import Reference
from panel.security import locks
from panel.security.policy import Permission
from panel.security.session import permitted
from panel.web import details
from panel.web.context import current_actor, current_panel
from panel.web.guards import safe_target
from panel.web.pages import Cell, ConfirmPage


class Changes:
    """Mix-in of SchemaView."""

    model: Any
    may: Any

    def may_change(self, record: Any, act: Permission = Permission.EDIT) -> bool:
        """Whether the actor may edit (or delete) this record, by permission and scope."""
        return record.id in self.changeable([record], act)

    def changeable(self, records: Sequence[Any], act: Permission, held: locks.Held | None = None) -> Collection[int]:
        """The ids of the records that the actor may edit (or delete) and that aren't locked as a whole (or in part), in
        at most two statements; `held` are the locks that hold, where they are known."""
        panel, actor = current_panel(), current_actor()
        ids_: Collection[int] = {record.id for record in records}
        if not self.may(act):
            return set()
        if panel.policy.has_narrower_scope(actor, act, self.model):
            ids_ = permitted(panel.session, self.model, act, ids_)
        held = held if held is not None else locks.holding(panel.session, self.model, ids_)
        if act is Permission.DELETE:
            return {id_ for id_ in ids_ if not held[id_]}
        return {id_ for id_ in ids_ if not locks.row_reason(self.model, held[id_])}

    def acts(self, record: Any) -> frozenset[Permission]:
        """Which of editing and deleting the actor may do to this record, as changeable() says. Three statements at
        most."""
        panel, actor = current_panel(), current_actor()
        held = locks.holding(panel.session, self.model, [record.id])[record.id]
        locked = {Permission.EDIT: locks.row_reason(self.model, held) is not None, Permission.DELETE: bool(held)}
        open_acts = [act for act, is_locked in locked.items() if self.may(act) and not is_locked]
        return frozenset(
            act
            for act in open_acts
            if not panel.policy.has_narrower_scope(actor, act, self.model)
            or permitted(panel.session, self.model, act, [record.id])
        )

    def require_change(self, record: Any, act: Permission = Permission.EDIT) -> frozenset[Lock]:
        """Answer 403 unless the actor may edit (or delete) this record; with the reason if it is locked. Returns the
        locks that hold for it."""
        every = locks.holding(current_panel().session, self.model, [record.id])
        held = every[record.id]
        if record.id not in self.changeable([record], act, every):
            if held and self.may(act):
                raise locks.Locked(next(lock.why for lock in locks.of_model(self.model) if lock in held))
            abort(403)
        return held


class Deletion(Changes):
    """Mix-in of SchemaView with the routes and the bulk action that delete."""

    declared: Any
    can_restore: Any
    require: Any
    get_one: Any
    get_url: Any
    render: Any

    @expose("/confirm/")
    def confirm_view(self) -> Any:
        self.require(Permission.DELETE)
        record = self.get_one(request.args.get("id"))
        self.require_change(record, Permission.DELETE)
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
        except locks.Locked as locked:
            session.rollback()
            flash(str(_("{reason} Nothing was deleted.", reason=locked.message)), "danger")
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
        names = listed(f"{label} {count}" for label, count in referrers)
        return _(
            "It can't be deleted, other records refer to it: {names}. Set an end date or another state instead.",
            names=names,
        )

    def _locked(self, records: Sequence[Any]) -> Message | None:
        """Why one of the records stays as it is, or None."""
        session = current_panel().session
        try:
            locks.check_removals(session, self.model, [record.id for record in records])
        except locks.Locked as locked:
            return _("{reason} Nothing was deleted.", reason=locked.message)
        return None

    @action("delete", _("Delete"))
    def action_delete(self, records: Sequence[Any]) -> Any:
        if request.form.get("confirmed"):
            self._delete(records)
            return None
        return self.render("panel/confirm.html", page=self._confirm_delete(records, self.get_url(".action_view")))

    def _afterwards(self) -> Message:
        """Whether what is deleted can be restored."""
        panel = current_panel()
        if not self.can_restore:
            return _("This can't be undone. The audit trail keeps what was there.")
        days = panel.registry.keep_days(panel.session)
        return _("It can be restored for {n} days, under “Deleted records” of the list.", n=days)

    def _confirm_delete(self, records: Sequence[Any], url: str) -> ConfirmPage:
        page = ConfirmPage(
            title=_("Delete {label}", label=self.model.__label__),
            sentences=[self._afterwards()],
            items=[Cell(display(record)) for record in records],
            action_url=url,
            submit=_("Delete"),
            cancel_url=safe_target(request.values.get("url")) or self.get_url(".index_view"),
        )
        page.blocked = self._obstacle([record.id for record in records]) or self._locked(records)
        if url.endswith("/action/"):
            page.values = [("action", "delete"), ("confirmed", "1"), ("url", page.cancel_url)]
            page.values += [("rowid", str(r.id)) for r in records]
        else:
            page.values = [("id", str(records[0].id))]
        return page
