"""Forms generated from declared fields. The kind of a field parses and formats its values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import request, url_for
from flask_admin.form import BaseForm
from markupsafe import Markup
from wtforms import Field as FormField

from panel.base import Base, display
from panel.fields import Field, Lock, all_fields
from panel.i18n import Message, _
from panel.kinds import Amount, Choice, Data, Invalid, Kind, Moment, Text, Whole
from panel.security import locks
from panel.security.policy import model_of
from panel.web.lookups import all_visible, label, not_offered
from panel.web.lookups import chosen as chosen_record
from panel.web.pages import Group, Input
from panel.web.render import is_masked_in, text_of

if TYPE_CHECKING:
    from panel.web.child_rows import RowTable

#: Prefix of the inputs that hold a control's text when the form was opened, to find conflicting changes.
WAS = "was."


class KindField(FormField):
    """The form field of a declared field. `text` is the text of its control, `data` the parsed value."""

    def __init__(self, declared: Field, model: type[Base], **kwargs: Any) -> None:
        super().__init__(label=str(declared.label), **kwargs)
        self.declared = declared
        self.model = model
        self.text = ""
        #: The name of the referenced record.
        self.shown = ""
        self.current: Any = None

    def __call__(self, **kwargs: Any) -> Markup:
        return Markup("")

    def process_record(self, record: Base | None) -> None:
        """Set the value of the record, or the default for a new one."""
        declared = self.declared
        self.process_errors: list[str] = []
        if record is None:
            default = declared.default
            self.data = (
                default(None)
                if callable(default) and _wants_context(default)
                else (default() if callable(default) else default)
            )
            if isinstance(self.data, datetime):
                # A default of the current time is shown to the minute.
                self.data = self.data.replace(second=0, microsecond=0)
            self.text = declared.kind.format(self.data) if not declared.reference else ""
            self._choose(self.data)
            return
        self.current = self.data = getattr(record, declared.attr)
        if self.data is None:
            return
        if declared.reference:
            self.text, self.shown = str(self.data), text_of(declared, record)
        elif is_masked_in(declared, record):
            self.text = declared.kind.mask(self.data)
        else:
            self.text = declared.kind.format(self.data)
            self._choose(self.data)

    def _choose(self, value: Any) -> None:
        """Set the text of a control with choices, which is the stored value, not the label."""
        if isinstance(self.declared.kind, Choice) and value is not None:
            self.text = str(self.declared.kind.choices.of(value).value)
        elif self.declared.kind.control == "flag" and value is not None:
            self.text = "1" if value else "0"
        elif self.declared.kind.control == "select" and value is not None:
            self.text = str(value)

    def is_posted(self, formdata: Any) -> bool:
        """Whether the posted form has this control."""
        return self.name in formdata

    def parse_texts(self, texts: list[str]) -> None:
        self.parse_text(texts[-1])

    def parse_text(self, raw: str) -> None:
        """Parse a posted text. A text that can't be parsed stays in the control and gets an error."""
        untouched = (self.text, _control_text(self.declared.kind, self.text))
        self.text = raw
        self.process_errors = []
        if self.current is not None and raw.strip() in untouched:
            return  # unchanged; the text may be masked, or less exact than the value
        try:
            self.data = self.declared.kind.parse(raw)
        except Invalid as problem:
            self.data = None
            self.process_errors = [str(problem.message)]
            return
        if self.data is None and self.declared.required:
            self.process_errors = [str(_("This must be filled in."))]
        if self.declared.reference and self.data is not None and self.data != self.current:
            self._find_target()

    def _find_target(self) -> None:
        assert self.declared.reference
        target = chosen_record(self.declared.reference.table, self.data)
        if target is None:
            self.process_errors = [str(_("Choose one from the list."))]
        else:
            self.shown = target.label
            if not_offered(self.declared.reference.table, [target.id]):
                why = model_of(self.declared.reference.table).not_offered(target.label)
                self.process_errors = [str(why)]

    def add_error(self, message: Message) -> None:
        """Add an error that was found when saving."""
        self.process_errors = [*self.process_errors, str(message)]
        self.errors = self.process_errors

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        self.errors = list(self.process_errors)
        return not self.errors

    def is_changed(self) -> bool:
        """Whether the value differs from that of the record."""
        return bool(self.process_errors) or self.data != self.current

    def populate_obj(self, obj: Any, name: str) -> None:
        if getattr(obj, self.declared.attr) != self.data:
            setattr(obj, self.declared.attr, self.data)


class ManyField(KindField):
    """The form field of a many() field: a check box for each linked record, and a look-up that adds others. Links to
    records outside the actor's scope are neither shown nor changed."""

    def __init__(self, declared: Field, model: type[Base], **kwargs: Any) -> None:
        super().__init__(declared, model, **kwargs)
        self.records: list[Any] = []

    def process_record(self, record: Base | None) -> None:
        self.process_errors = []
        self._hold(list(getattr(record, self.declared.attr)) if record is not None else [])
        self.current = self.data

    def _hold(self, records: list[Any]) -> None:
        self.records = records
        self.data = tuple(sorted(record.id for record in records))
        self.text = self.declared.kind.format(self.data)

    def is_posted(self, formdata: Any) -> bool:
        """Whether the posted form has this control. If no box is ticked, only the text at its opening is posted."""
        return self.name in formdata or WAS + self.name in formdata

    def parse_texts(self, texts: list[str]) -> None:
        self.process_errors = []
        try:
            ids = self.declared.kind.parse(texts) or ()
        except Invalid as problem:
            self.process_errors = [str(problem.message)]
            return
        assert self.declared.target is not None
        records = all_visible(self.declared.target, ids)
        self._hold(records)
        if len(records) != len(ids):
            self.process_errors = [str(_("Choose one from the list."))]
            return
        added = [id_ for id_ in self.data if id_ not in (self.current or ())]
        if gone := not_offered(self.declared.target, added):
            name = next(display(record) for record in records if record.id == gone[0])
            self.process_errors = [str(model_of(self.declared.target).not_offered(name))]

    def parse_text(self, raw: str) -> None:
        self.parse_texts([raw])

    def populate_obj(self, obj: Any, name: str) -> None:
        if {record.id for record in getattr(obj, self.declared.attr)} != set(self.data):
            setattr(obj, self.declared.attr, self.records)


def _wants_context(default: Any) -> bool:
    return getattr(default, "__code__", None) is not None and default.__code__.co_argcount == 1


class RecordForm(BaseForm):
    """The form of a model. form_class() sets `model` and the fields. `child_tables` are the tables of child rows that
    are edited in it."""

    model: type[Base]
    child_tables: Sequence[RowTable] = ()
    #: Why fields stay as they are, by name. They are shown, and a posted change of one is an error.
    locked: Mapping[str, Message] = {}

    def process(self, formdata: Any = None, obj: Any = None, data: Any = None, **kwargs: Any) -> None:
        for field in self:
            assert isinstance(field, KindField)
            field.process_record(obj)
        formdata = self.meta.wrap_formdata(self, formdata)
        if formdata is not None:
            for field in self:
                if field.is_posted(formdata):
                    field.parse_texts(formdata.getlist(field.name))
                elif obj is None and field.declared.required and field.data is None:
                    field.parse_text("")

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        valid = super().validate(*args, **kwargs)
        for name, why in self.locked.items():
            if name in self and self[name].is_changed():
                self[name].add_error(why)
                valid = False
        return all([valid, *(table.validate() for table in self.child_tables)])

    def prefill(self, values: dict[str, str]) -> None:
        """Set values from the arguments of the address; invalid ones are ignored."""
        for field in self:
            if values.get(field.name):
                field.parse_text(values[field.name])
                if field.process_errors:
                    field.process_record(None)


def locked_fields(model: type[Base], held: Collection[Lock]) -> dict[str, Message]:
    """Why fields stay as they are by the locks that hold, by name."""
    return {f.name: why for f in all_fields(model) if (why := locks.reason(model, f, held))}


def form_class(model: type[Base], without: Collection[str] = ()) -> type[RecordForm]:
    """The form class of a model, with all fields that are not read-only, except those named in `without`."""
    typed = [f for f in all_fields(model) if not f.readonly and not isinstance(f.kind, Data) and f.name not in without]
    unbound = {f.name: (ManyField if f.many else KindField)(f, model) for f in typed}
    return type(f"{model.__name__}Form", (RecordForm,), {"model": model, **unbound})


def groups(form: RecordForm, endpoint: str, record: Base | None) -> list[Group]:
    """The form's inputs by group, with read-only values of an existing record among them."""
    by_label: dict[Message, Group] = {}
    for declared in all_fields(form.model):
        if isinstance(declared.kind, Data):
            continue
        group = by_label.setdefault(declared.group, Group(declared.group))
        if declared.name in form.locked:
            group.inputs.append(locked_input(form, declared, record))
        elif declared.name in form:
            group.inputs.append(form_input(form[declared.name], endpoint))
        elif record is not None and (text := text_of(declared, record)):
            group.inputs.append(Input(declared.name, declared.label, "shown", text=text, help=declared.help))
    return [group for group in by_label.values() if group.inputs]


def locked_input(form: RecordForm, declared: Field, record: Base | None) -> Input:
    """A value that stays as it is, with the reason."""
    field = form[declared.name]
    input_ = Input(field.name, declared.label, "shown", text=text_of(declared, record) if record is not None else "")
    input_.help, input_.locked = form.locked[declared.name], True
    input_.errors = [str(error) for error in field.errors or field.process_errors]
    return input_


def form_input(field: KindField, endpoint: str) -> Input:
    declared = field.declared
    input_ = control(declared.kind, declared, endpoint)
    input_.name = field.name
    input_.value = control_text(field)
    input_.text = field.shown
    input_.chosen = chosen(field)
    input_.required = declared.required
    input_.help = declared.help
    input_.errors = [str(error) for error in field.errors or field.process_errors]
    input_.was = control_was(field)
    return input_


def control_text(field: KindField) -> str:
    """The text in the control."""
    return _control_text(field.declared.kind, field.text)


def control_was(field: KindField) -> str:
    """The text in the control when the form was opened."""
    return _control_text(field.declared.kind, was_text(field))


def chosen(field: KindField) -> list[tuple[str, str]]:
    """(id, name) of the records in a control for several; empty for other controls."""
    return [(str(record.id), label(record)) for record in field.records] if isinstance(field, ManyField) else []


def was_text(field: KindField) -> str:
    """The field's text when the form was opened. If a client doesn't post it, it is taken as empty."""
    return request.form.get(WAS + field.name, "") if request.method == "POST" else field.text


def stored_text(field: KindField, record: Base) -> str:
    """The text in the control if the form were opened now."""
    return control_text(stored(field, record))


def stored(field: KindField, record: Base) -> KindField:
    """A copy of the field with the record's current value."""
    fresh = type(field)(field.declared, field.model, name=field.name, _form=None, _meta=field.meta)
    fresh.process_record(record)
    return fresh


def _control_text(kind: Kind, text: str) -> str:
    """A text in the format of the browser's control: moments with a T."""
    if isinstance(kind, Moment) and len(text) >= len("2025-07-14 09:30") and text[10] == " ":
        return text.replace(" ", "T")
    return text


def control(kind: Kind, declared: Field, endpoint: str) -> Input:
    """An empty control for a kind."""
    input_ = Input(declared.name, declared.label, kind.control)
    if isinstance(kind, Text):
        input_.maxlength, input_.lines = kind.length, kind.lines
    if isinstance(kind, Choice):
        input_.choices = [(str(choice.value), str(choice.label)) for choice in kind.choices]
    labels = getattr(kind, "labels", None)
    if input_.control == "select" and labels:
        input_.choices = [(key, str(label)) for key, label in labels.items()]
    if isinstance(kind, Whole | Amount):
        input_.step = "1" if isinstance(kind, Whole) else str(10**-kind.places)
    if declared.only_if:
        name, values = declared.only_if
        input_.only_if = (name, tuple(str(getattr(value, "value", value)) for value in values))
    if declared.target:
        input_.lookup_url = url_for(f"{endpoint}.ajax_lookup", name=declared.name)
    if input_.control == "select" and not (declared.required and declared.default is not None):
        input_.choices.insert(0, ("", ""))
    return input_
