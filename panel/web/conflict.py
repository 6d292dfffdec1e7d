"""Conflicts: the form as shown to the second of two people who edit the same record, and the answer to a form that was
sent before with another content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, request

from panel.base import Base, Record, display
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import Invalid, tidy
from panel.security.creation import RowRefused
from panel.store.once import Earlier, new_token
from panel.web import forms, history, submissions
from panel.web.child_rows import RowForm
from panel.web.forms import KindField, RecordForm
from panel.web.pages import ChildRow, FormPage, Input
from panel.web.render import sentence, text_of

if TYPE_CHECKING:
    from panel.web.views import SchemaView


def is_stale(record: Any) -> bool:
    """Whether somebody has saved the record since the posted form was opened."""
    version = tidy(request.form.get("version"))
    return isinstance(record, Record) and version != "" and version != str(record.version)


def mark(page: FormPage, form: RecordForm, record: Any) -> None:
    """Merge the changes that another editor has saved into a posted form and set page.conflict.

    Fields that only the other changed get the stored value. Fields that both changed keep the posted value and show the
    stored one beside it. The form can then be posted again."""
    for group in page.groups:
        for input_ in group.inputs:
            if input_.name in form:
                _merge(input_, form[input_.name], record)
    saved = [(record.__tablename__, record.id)] if is_stale(record) else []
    for child_table, table in zip(page.child_tables, form.child_tables, strict=True):
        for shown_row, row in zip(child_table.rows, table.rows, strict=True):
            _mark_row(shown_row, row)
            if row.stale or row.gone:
                saved.append((table.name, row.gone or row.record.id))
    page.collect_errors()
    latest = next(iter(history.entries(*(saved or [(record.__tablename__, record.id)])[0])), None)
    page.conflict = _(
        "{who} has changed this record meanwhile. What you entered is still here; where theirs differs it stands "
        "below the field. Save again to settle it.",
        who=latest.actor_name if latest else _("Somebody"),
    )


def _merge(input_: Input, field: KindField, record: Any) -> None:
    theirs, mine, was = forms.stored_text(field, record), input_.value, input_.was
    input_.was = theirs
    if theirs in (mine, was):
        return
    if mine == was:
        fresh = text_of(field.declared, record)
        input_.value, input_.text, input_.errors = theirs, fresh, []
        input_.chosen = forms.chosen(forms.stored(field, record))
    else:
        input_.theirs = text_of(field.declared, record) or str(_("(empty)"))


def _mark_row(child_row: ChildRow, row: RowForm) -> None:
    if row.removed and row.stale:
        child_row.note = _("Somebody has changed this row meanwhile. It is shown as it now stands; saving removes it.")
    elif row.changed and row.record is not None:
        for input_ in child_row.inputs:
            name = input_.name.rpartition(".")[2]
            if name in row.form:
                _merge(input_, row.form[name], row.record)


def ask_again(view: SchemaView, form: RecordForm, earlier: Earlier) -> Any:
    """Answer a generated form that was sent before with another content: show it once more, with a new token. None if
    what it made isn't there."""
    record = submissions.record_of(earlier)
    if not isinstance(record, Base):
        return None
    page = view.form_page(form, None)
    page.conflict, page.token = submissions.other_content(display(record)), new_token()
    return view.render("panel/form.html", page=page), 409


def refused(problem: Invalid | UserError) -> list[tuple[str | None, Message]]:
    """The problems of a row that broke a rule, by field. Any other refusal is shown above the form at once, with its
    link."""
    if isinstance(problem, RowRefused):
        return [*problem.problems]
    flash(sentence(problem), "danger")
    return []
