"""Two people, one record: what the second of them is shown."""

from __future__ import annotations

from typing import Any

from flask import request

from panel.base import Record
from panel.i18n import _
from panel.kinds import tidy
from panel.web import forms, history
from panel.web.forms import KindField, RecordForm
from panel.web.pages import FormPage
from panel.web.render import text_of


def is_stale(record: Any) -> bool:
    """Whether somebody has saved the record since the posted form was opened."""
    given = tidy(request.form.get("version"))
    return isinstance(record, Record) and given != "" and given != str(record.version)


def mark(page: FormPage, form: RecordForm, record: Any) -> None:
    """Somebody saved the record meanwhile: fields that only they changed take their value, fields that both changed
    keep mine and show theirs; saving again then settles it knowingly."""
    for group in page.groups:
        for made in group.inputs:
            if made.name not in form:
                continue
            field = form[made.name]
            assert isinstance(field, KindField)
            theirs, mine, was = forms.stored_text(field, record), made.value, made.was
            made.was = theirs
            if theirs in (mine, was):
                continue
            if mine == was:
                fresh = text_of(field.declared, record)
                made.value, made.text, made.errors = theirs, fresh, []
                made.chosen = forms.chosen(forms.stored(field, record))
            else:
                made.theirs = text_of(field.declared, record) or str(_("(empty)"))
    latest = next(iter(history.entries(record.__tablename__, record.id)), None)
    page.errors = [(i.name, i.label, i.errors[0]) for g in page.groups for i in g.inputs if i.errors]
    page.conflict = _(
        "{who} has changed this record meanwhile. What you entered is still here; where theirs differs it stands "
        "below the field. Save again to settle it.",
        who=latest.actor_name if latest else _("Somebody"),
    )
