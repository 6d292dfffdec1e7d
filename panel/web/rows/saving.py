"""Saving a form of a SchemaView: what is refused stands at its field, and what is saved leads back to where one was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.exc import IntegrityError

from panel.base import display
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import Invalid
from panel.security import creation, locks, watches
from panel.security.policy import AccessDenied, OutOfScope
from panel.store import once
from panel.store.db_errors import explain_to
from panel.web import child_rows, conflict
from panel.web.context import current_panel
from panel.web.forms import RecordForm
from panel.web.guards import safe_target
from panel.web.rows import place


class Saving:
    """Mix-in of SchemaView."""

    model: Any
    get_one: Any
    get_url: Any
    render: Any
    can_create: Any
    form_page: Any

    def on_save(self, record: Any, *, is_created: bool) -> None:
        """Hook that is called before the flush, for tables that need more than the row."""

    def _save(self, form: RecordForm, record: Any, *, is_created: bool) -> tuple[Any, list[tuple[str | None, Message]]]:
        """Save and commit. Returns the record, or None and the errors as (field name, message). Raises AccessDenied."""
        session = current_panel().session
        try:
            if problems := self.write(form, record, is_created=is_created):
                return None, problems
        except IntegrityError as error:
            session.rollback()
            return None, [explain_to(session, error, self.model)]
        except (Invalid, UserError) as problem:
            session.rollback()
            return None, conflict.refused(problem)
        except AccessDenied as refusal:
            session.rollback()
            if not isinstance(refusal, OutOfScope | locks.Locked | locks.Unmet):
                raise
            return None, [(getattr(refusal, "field", None), refusal.message)]
        return record, []

    def write(
        self, form: RecordForm, record: Any, *, is_created: bool, commit: bool = True
    ) -> list[tuple[str | None, Message]]:
        """Write a form and commit, or roll back and return the errors as (field name, message). Without `commit` all
        is checked, the rules of the commit too, and rolled back. Raises what a rule refuses with; the caller rolls
        back."""
        session = current_panel().session
        with session.no_autoflush:
            form.populate_obj(record)
            problems: list[tuple[str | None, Message]] = [*record.problems(session)]
        if not problems:
            if is_created:
                session.add(record)
            self.on_save(record, is_created=is_created)
            session.flush()
            problems = child_rows.save(form.child_tables, record)
        if problems:
            session.rollback()
        elif commit:
            once.fulfil(self.model.__tablename__, record.id)
            session.commit()
        else:
            creation.check_commit(session)
            watches.check(session)
            session.rollback()
        return problems

    def _saved(self, record: Any, *, is_created: bool) -> Any:
        name = display(self.get_one(record.id))
        flash(str(_("Added: {name}", name=name) if is_created else _("Saved: {name}", name=name)), "success")
        target = safe_target(request.form.get("url"))
        if "_add_another" in request.form and self.can_create:
            return redirect(self.get_url(".create_view", url=target))
        return redirect(target or place.row_url(self, record.id) or self.get_url(".details_view", id=record.id))

    def _conflict(self, form: RecordForm, record: Any) -> Any:
        page = self.form_page(form, record)
        conflict.mark(page, form, record)
        return self.render("panel/form.html", page=page), 409

    def _attach(self, form: RecordForm, problems: Sequence[tuple[str | None, Message]]) -> None:
        """Show errors at their fields, or above the form."""
        for name, message in problems:
            if name is not None and name in form:
                form[name].add_error(message)
            elif not child_rows.attach(form.child_tables, name, message):
                flash(str(message), "danger")
