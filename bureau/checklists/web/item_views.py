"""The view of checklist items. An item that a case refers to is never changed: editing adds its next version."""

from __future__ import annotations

from typing import Any

from flask import flash
from sqlalchemy import func, select

from models import Case, ChecklistItem
from panel.base import UNSCOPED
from panel.fields import fields
from panel.i18n import Message, _
from panel.web.context import current_panel
from panel.web.forms import KindField, RecordForm
from panel.web.views import SchemaView


class ChecklistItemView(SchemaView):
    """Checklist items. Editing an item in use adds a version in force from today; cases keep their version."""

    def _save(self, form: RecordForm, record: Any, *, is_created: bool) -> tuple[Any, list[tuple[str | None, Message]]]:
        if is_created or not _used(record) or not (changed := _changed(form, record)):
            return super()._save(form, record, is_created=is_created)
        if "code" in changed:
            code = form["code"].data
            return None, [("code", _("The code of an item in use stays. Add {code} as an item of its own.", code=code))]
        if changed == {"valid_until"}:
            return super()._save(form, record, is_created=False)
        newest = select(func.max(ChecklistItem.version_no)).where(ChecklistItem.code == record.code)
        number = current_panel().session.execute(newest).scalar_one()
        if record.version_no != number:
            return None, [(None, _("This version has been replaced. Change version {n}, the newest.", n=number))]
        fresh = ChecklistItem(version_no=number + 1)
        saved, problems = super()._save(form, fresh, is_created=True)
        if saved is not None:
            flash(
                str(
                    _(
                        "Cases refer to it: version {old} stays as it is, version {n} was added.",
                        old=number,
                        n=number + 1,
                    )
                ),
                "info",
            )
        return saved, problems


def _used(record: ChecklistItem) -> bool:
    """Whether a case refers to this version. Unscoped: the rule doesn't depend on who may see the case."""
    query = select(Case.id).where(Case.item_id == record.id).limit(1)
    return current_panel().session.execute(query, execution_options=UNSCOPED).first() is not None


def _changed(form: RecordForm, record: ChecklistItem) -> set[str]:
    """The names of the fields whose value differs from the stored one."""
    stored = {f.name: getattr(record, f.attr) for f in fields(ChecklistItem)}
    return {
        form_field.name
        for form_field in form
        if isinstance(form_field, KindField) and form_field.data != stored[form_field.name]
    }
