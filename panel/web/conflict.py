"""Two people, one record: what the second of them is shown."""

from __future__ import annotations

from typing import Any

from flask import request

from panel.base import Record
from panel.i18n import _
from panel.kinds import tidy
from panel.web import forms, history
from panel.web.child_rows import RowForm
from panel.web.forms import KindField, RecordForm
from panel.web.pages import ChildRow, FormPage, Input
from panel.web.render import text_of


def is_stale(record: Any) -> bool:
    """Whether somebody has saved the record since the posted form was opened."""
    given = tidy(request.form.get("version"))
    return isinstance(record, Record) and given != "" and given != str(record.version)


def mark(page: FormPage, form: RecordForm, record: Any) -> None:
    """Somebody saved the record, or rows in its form, meanwhile: fields that only they changed take their value, fields
    that both changed keep mine and show theirs; saving again then settles it knowingly."""
    for group in page.groups:
        for made in group.inputs:
            if made.name in form:
                _merge(made, form[made.name], record)
    changed = [(record.__tablename__, record.id)] if is_stale(record) else []
    for shown, table in zip(page.child_tables, form.child_tables, strict=True):
        for shown_row, row in zip(shown.rows, table.rows, strict=True):
            _mark_row(shown_row, row)
            if row.stale or row.gone:
                changed.append((table.name, row.gone or row.record.id))
    page.collect_errors()
    latest = next(iter(history.entries(*(changed or [(record.__tablename__, record.id)])[0])), None)
    page.conflict = _(
        "{who} has changed this record meanwhile. What you entered is still here; where theirs differs it stands "
        "below the field. Save again to settle it.",
        who=latest.actor_name if latest else _("Somebody"),
    )


def _merge(made: Input, field: KindField, record: Any) -> None:
    theirs, mine, was = forms.stored_text(field, record), made.value, made.was
    made.was = theirs
    if theirs in (mine, was):
        return
    if mine == was:
        fresh = text_of(field.declared, record)
        made.value, made.text, made.errors = theirs, fresh, []
        made.chosen = forms.chosen(forms.stored(field, record))
    else:
        made.theirs = text_of(field.declared, record) or str(_("(empty)"))


def _mark_row(made: ChildRow, row: RowForm) -> None:
    if row.removed and row.stale:
        made.note = _("Somebody has changed this row meanwhile. It is shown as it now stands; saving removes it.")
    elif row.changed and row.record is not None:
        for one in made.inputs:
            name = one.name.rpartition(".")[2]
            if name in row.form:
                _merge(one, row.form[name], row.record)
