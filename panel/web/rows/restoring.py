"""The deleted records of a table, and how one is restored: with its id, by the rules of new records, with a reason.

Shown is what the audit trail may show, of rows that the reader may add and delete. What went by the same act and refers
to the record comes back with it, all or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request
from flask_admin.base import expose
from sqlalchemy.exc import IntegrityError

from panel import ids
from panel.base import Base, display
from panel.errors import UserError
from panel.fields import all_fields, field_named
from panel.i18n import Message, _, in_default_locale, n_
from panel.i18n.lists import listed
from panel.kinds import Data, Invalid, to_minute
from panel.search.names import NOT_VISIBLE, Names, visible_names
from panel.security.audit import stored_value
from panel.security.policy import AccessDenied
from panel.store import deleted, once
from panel.store.db_errors import explain_to
from panel.store.deleted import DeletedRecord
from panel.web import history
from panel.web.context import current_panel
from panel.web.pages import DeletedPage, DeletedRow, Group, RestorePage, Words
from panel.web.render import sentence
from panel.web.rows import place, reasons

REASON = "restore_reason"
#: Characters of a value that are shown.
_LENGTH = 60


class Restoring:
    """Mix-in of SchemaView."""

    model: Any
    takes_back: Any
    get_one: Any
    get_url: Any
    render: Any
    endpoint: ClassVar[Any]

    @property
    def can_restore(self) -> bool:
        return bool(self.takes_back) and deleted.may_restore(current_panel().session, self.model)

    @expose("/deleted/")
    def deleted_view(self) -> Any:
        """The deleted records that the actor may restore, by pages."""
        if not self.can_restore:
            abort(403)
        panel = current_panel()
        items, older = deleted.latest(panel.session, self.model, before=ids.parse(request.args.get("before")))
        page = DeletedPage(title=_("Deleted: {label}", label=self.model.__labels__))
        days = panel.registry.keep_days(panel.session)
        page.sub = n_("Can be restored for {n} day", "Can be restored for {n} days", days)
        page.rows = _rows(items)
        for row, item in zip(page.rows, items, strict=True):
            row.restore_url = self.get_url(".restore_view", kept=item.kept)
        page.older_url = self.get_url(".deleted_view", before=older) if older else ""
        page.place = place.of_new(self, _("Deleted records"))
        return self.render("panel/deleted.html", page=page)

    @expose("/restore/", methods=("GET", "POST"))
    def restore_view(self) -> Any:
        """Ask before a record is restored; posted with a reason, it is. 404 for what isn't kept or may not be restored,
        422 without a reason or if a rule refuses."""
        if not self.can_restore:
            abort(403)
        kept, session = ids.parse(request.args.get("kept")), current_panel().session
        item = deleted.find(session, self.model, kept) if kept is not None else None
        if item is None:
            abort(404)
        items = [item, *deleted.gone_with(session, item)]
        blocked = _obstacle(items)
        if request.method == "GET" or blocked is not None:
            return self._restore_page(items, blocked=blocked), 200 if request.method == "GET" else 422
        reason, wrong = reasons.given(REASON)
        if wrong is not None:
            return self._restore_page(items, wrong=wrong), 422
        refusal = _restore(items, in_default_locale(_("Restored: {reason}", reason=reason)))
        if refusal is not None:
            return self._restore_page(items, refusal=refusal), 422
        flash(str(_("Restored: {name}", name=display(self.get_one(item.id)))), "success")
        return redirect(self.get_url(".details_view", id=item.id))

    def _restore_page(
        self,
        items: Sequence[DeletedRecord],
        *,
        blocked: Message | None = None,
        wrong: Message | None = None,
        refusal: Message | str = "",
    ) -> Any:
        # Of what isn't reached nothing is shown.
        session = current_panel().session
        shown = [item for i, item in enumerate(items) if not i or deleted.is_reached(session, item, items[:i])]
        rows = _rows(shown)
        page = RestorePage(
            title=_("Restore: {name}", name=rows[0].name),
            sub=_("Deleted by {who}, {at}", who=rows[0].who, at=rows[0].at),
            rows=rows,
            submit=n_("Restore {n} record", "Restore {n} records", len(rows)),
            cancel_url=self.get_url(".deleted_view"),
            blocked=blocked or "",
        )
        page.place = place.of_new(self, _("Restore"))
        page.groups = [Group("", [reasons.control(REASON, wrong)])]
        page.collect_errors()
        page.errors += [("", "", str(refusal))] if refusal else []
        return self.render("panel/restore.html", page=page)


def _obstacle(items: Sequence[DeletedRecord]) -> Message | None:
    """Why records can't be restored, as far as it is known before; None if nothing is."""
    panel = current_panel()
    for index, item in enumerate(items):
        view = panel.views.get(item.model.__tablename__)
        if view is None or not (view.can_restore and deleted.is_reached(panel.session, item, items[:index])):
            return _("What was deleted with it ({label}) isn't yours to restore.", label=item.model.__labels__)
        if gone := deleted.missing(panel.session, item, items[:index]):
            labels = listed(f.label for f in gone)
            return _("What it refers to isn't there any more: {labels}. Restore that first.", labels=labels)
    return None


def _restore(items: Sequence[DeletedRecord], note: str) -> Message | str | None:
    """Restore records and commit, or roll back and return why."""
    panel = current_panel()
    session = panel.session
    model: type[Base] = items[0].model
    try:
        for item in items:
            model, view = item.model, panel.views[item.model.__tablename__]
            deleted.restore(session, item, note)
            record = view.get_one(item.id)
            with session.no_autoflush:
                problems = list(record.problems(session))
            if problems:
                session.rollback()
                return problems[0][1]
            view.on_save(record, is_created=True)
            session.flush()
        once.fulfil(items[0].model.__tablename__, items[0].id)
        session.commit()
    except IntegrityError as error:
        session.rollback()
        return explain_to(session, error, model)[1]
    except (Invalid, UserError, AccessDenied) as problem:
        session.rollback()
        return sentence(problem)
    return None


def _rows(items: Sequence[DeletedRecord]) -> list[DeletedRow]:
    """Deleted records with their values as the audit trail shows them. One statement for each table referred to."""
    referred: dict[str, set[int]] = defaultdict(set)
    for item in items:
        for f in all_fields(item.model):
            value = item.values.get(f.attr)
            if f.target and value is not None:
                referred[f.target] |= set(value) if f.many else {value}
    names = visible_names(current_panel().session, referred)
    return [_row(item, names) for item in items]


def _row(item: DeletedRecord, names: Names) -> DeletedRow:
    facts: list[tuple[Words, str]] = []
    for f in all_fields(item.model):
        value = item.values.get(f.attr)
        if value in (None, "", (), []) or isinstance(f.kind, Data):
            continue
        text = history.show(f, list(value) if f.many else stored_value(f, value), names)
        facts.append((f.label, text if len(text) <= _LENGTH else text[: _LENGTH - 1] + "…"))
    return DeletedRow(_name(item, names), item.model.__label__, to_minute(item.at), str(history.who(item.who)), facts)


def _name(item: DeletedRecord, names: Names) -> str:
    """The name of a deleted record, masked as in the audit trail."""
    words = []
    for name in item.model.__display__:
        f = field_named(item.model, name)
        value = item.values.get(f.attr) if f is not None else None
        if f is not None and value is not None:
            text = history.show(f, stored_value(f, value), names)
            words += [text] if text != str(NOT_VISIBLE) else []
    return " ".join(words) or f"#{item.id}"
