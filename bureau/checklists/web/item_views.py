"""The view of checklist items. An item that a case refers to is never changed: editing adds its next version."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import flash
from sqlalchemy import func, select

from bureau.checklists import versions
from models import ChecklistItem
from panel.fields import fields
from panel.i18n import Message, _
from panel.kinds import today
from panel.web.context import current_panel
from panel.web.forms import KindField, RecordForm
from panel.web.views import SchemaView


class ChecklistItemView(SchemaView):
    """Checklist items. Editing a version in use adds the next one, in force from today or the day entered, and ends the
    old one the day before; cases keep their version."""

    def _save(self, form: RecordForm, record: Any, *, is_created: bool) -> tuple[Any, list[tuple[str | None, Message]]]:
        if (
            is_created
            or not versions.used(current_panel().session, [record.id])
            or not (changed := _changed(form, record))
        ):
            return super()._save(form, record, is_created=is_created)
        if "code" in changed:
            code = form["code"].data
            return None, [("code", _("The code of an item in use stays. Add {code} as an item of its own.", code=code))]
        if changed <= versions.IN_PLACE:
            return super()._save(form, record, is_created=False)
        newest = select(func.max(ChecklistItem.version_no)).where(ChecklistItem.code == record.code)
        number = current_panel().session.execute(newest).scalar_one()
        if record.version_no != number:
            return None, [(None, _("This version has been replaced. Change version {n}, the newest.", n=number))]
        start = form["valid_from"].data if "valid_from" in changed else today()
        form["valid_from"].data, form["valid_until"].data = start, versions.until(form["valid_until"].data, start)
        with current_panel().session.no_autoflush:
            record.valid_until = ended = versions.last_day(record.valid_from, record.valid_until, start)
            saved, problems = super()._save(form, ChecklistItem(version_no=number + 1), is_created=True)
        if saved is not None:
            flash(str(_renewed(number, ended, start)), "info")
        return saved, problems


def _renewed(number: int, ended: date | None, start: date) -> Message:
    if ended is None:
        return _("Cases refer to it: version {old} stays as it is, version {n} was added.", old=number, n=number + 1)
    return _(
        "Cases refer to it: version {old} ends on {ended}, version {n} is in force from {start}.",
        old=number,
        ended=ended,
        n=number + 1,
        start=start,
    )


def _changed(form: RecordForm, record: ChecklistItem) -> set[str]:
    """The names of the fields whose value differs from the stored one."""
    stored = {f.name: getattr(record, f.attr) for f in fields(ChecklistItem)}
    return {
        form_field.name
        for form_field in form
        if isinstance(form_field, KindField) and form_field.data != stored[form_field.name]
    }
