"""Copies of a record: the form of a new one, filled in with what may be copied. Saving it is an ordinary creation.

Left out are what tells a record from others (unique values, the parts of its key), what the program sets or computes,
what is personal (a telephone is one person's), locked or no longer offered, and the rows that belong to the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from panel.base import Record, display
from panel.fields import Field, Personal
from panel.i18n import Message, _, listed
from panel.kinds import Data
from panel.security import locks
from panel.security.policy import Permission, model_of
from panel.web import forms
from panel.web.context import current_panel
from panel.web.forms import KindField, ManyField, RecordForm
from panel.web.pages import Button

#: Name of the argument with the id of the record that is copied.
COPY = "copy_of"


class Copying:
    """Mix-in of SchemaView."""

    #: Whether records may be copied: not where a new one is made in another way than by its form.
    copies: ClassVar[bool] = True

    model: Any
    declared: Any
    may: Any
    get_url: Any

    @property
    def can_copy(self) -> bool:
        return self.copies and issubclass(self.model, Record) and bool(self.may(Permission.CREATE))

    def copy_url(self, id_: int) -> str:
        return str(self.get_url(".create_view", **{COPY: id_}))

    def copy_button(self, record: Any) -> Button | None:
        return Button(_("Copy"), self.copy_url(record.id), "files-o") if self.can_copy else None

    def fill_in(self, form: RecordForm, record: Any) -> Message:
        """Fill a form in with what may be copied of a record, and say what was left out."""
        held = locks.holding(current_panel().session, self.model, [record.id])[record.id]
        locked = forms.locked_fields(self.model, held)
        left_out = []
        for declared in self.declared:
            if isinstance(declared.kind, Data) or getattr(record, declared.attr) in (None, "", []):
                continue
            if not _is_copied(declared, record, locked) or not _fill_in(form[declared.name], record):
                left_out.append(str(declared.label))
        left_out += [str(model_of(table).__labels__) for table in self.model.__rows__]
        name = display(record) or f"#{record.id}"
        if not left_out:
            return _("Filled in from {name}.", name=name)
        return _("Filled in from {name}, without: {labels}.", name=name, labels=listed(left_out))


def _is_copied(declared: Field, record: Any, locked: Mapping[str, Message]) -> bool:
    """Whether a copy has the value of a field."""
    if declared.readonly or declared.computed or declared.personal is not Personal.NO or declared.name in locked:
        return False
    if declared.many:
        return True
    alone = record.__table__.c[declared.attr].unique
    return not (alone or (declared.key and not declared.reference))


def _fill_in(field: KindField, record: Any) -> bool:
    """Set the value of a record in the form of a new one, as if it had been typed; False if it isn't taken."""
    stored = forms.stored(field, record)
    field.parse_texts([str(id_) for id_ in stored.data] if isinstance(stored, ManyField) else [stored.text])
    if field.process_errors:
        field.process_record(None)
        return False
    return True
