"""Forms made of declared fields: the kind parses, the field says what is required, the engine whose change is whose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import request, url_for
from flask_admin.form import BaseForm
from markupsafe import Markup
from wtforms import Field as FormField

from panel.base import Base, display
from panel.fields import Field, all_fields
from panel.i18n import Message, _
from panel.kinds import Amount, Choice, Data, Invalid, Kind, Moment, Text, Whole
from panel.web.lookups import all_visible, label, visible
from panel.web.pages import Group, Input
from panel.web.render import is_masked, text_of

if TYPE_CHECKING:
    from panel.web.child_rows import RowTable

#: What the client may say that the value was when the form was opened; longer than any text of ours.
WAS = "was."


class KindField(FormField):
    """A form field of a declared field. `text` is what stands in the control."""

    def __init__(self, declared: Field, model: type[Base], **kwargs: Any) -> None:
        super().__init__(label=str(declared.label), **kwargs)
        self.declared = declared
        self.model = model
        self.text = ""
        #: What people call the record that a reference points at.
        self.shown = ""
        self.current: Any = None

    def __call__(self, **kwargs: Any) -> Markup:
        return Markup("")

    def process_record(self, record: Base | None) -> None:
        """Take the value that the record holds, or the default for a new one."""
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
                # "Now" is offered to the minute: nobody types seconds.
                self.data = self.data.replace(second=0, microsecond=0)
            self.text = declared.kind.format(self.data) if not declared.reference else ""
            self._choose(self.data)
            return
        self.current = self.data = getattr(record, declared.attr)
        if self.data is None:
            return
        if declared.reference:
            self.text, self.shown = str(self.data), text_of(declared, record)
        elif is_masked(declared, self.model):
            self.text = declared.kind.mask(self.data)
        else:
            self.text = declared.kind.format(self.data)
            self._choose(self.data)

    def _choose(self, value: Any) -> None:
        """Controls with a list hold the stored key, not the label."""
        if isinstance(self.declared.kind, Choice) and value is not None:
            self.text = str(self.declared.kind.choices.of(value).value)
        elif self.declared.kind.control == "flag" and value is not None:
            self.text = "1" if value else "0"
        elif self.declared.kind.control == "select" and value is not None:
            self.text = str(value)

    def given_in(self, formdata: Any) -> bool:
        """Whether the form that was sent has this control."""
        return self.name in formdata

    def take_all(self, given: list[str]) -> None:
        self.take(given[-1])

    def take(self, raw: str) -> None:
        """Read what was typed; what can't be read stays in the control beside its error."""
        untouched = (self.text, _control_text(self.declared.kind, self.text))
        self.text = raw
        self.process_errors = []
        if self.current is not None and raw.strip() in untouched:
            return  # the value is masked, or finer than its text: a moment to the microsecond
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
        target = visible(self.declared.reference.table, self.data)
        if target is None:
            self.process_errors = [str(_("Choose one from the list."))]
        else:
            self.shown = display(target)

    def add_error(self, message: Message) -> None:
        """Say what only saving has shown to be wrong."""
        self.process_errors = [*self.process_errors, str(message)]
        self.errors = self.process_errors

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        self.errors = list(self.process_errors)
        return not self.errors

    def populate_obj(self, obj: Any, name: str) -> None:
        if getattr(obj, self.declared.attr) != self.data:
            setattr(obj, self.declared.attr, self.data)


class ManyField(KindField):
    """A form field of records that are pointed at by many(): each is a box that can be unticked, others are looked up.
    What lies outside the reader's scope is neither shown nor changed."""

    def __init__(self, declared: Field, model: type[Base], **kwargs: Any) -> None:
        super().__init__(declared, model, **kwargs)
        self.records: list[Any] = []

    def process_record(self, record: Base | None) -> None:
        self.process_errors = []
        self._hold(list(getattr(record, self.declared.attr)) if record is not None else [])

    def _hold(self, records: list[Any]) -> None:
        self.records = records
        self.data = tuple(sorted(record.id for record in records))
        self.text = self.declared.kind.format(self.data)

    def given_in(self, formdata: Any) -> bool:
        """No box is sent where none is ticked; what the form was opened with is."""
        return self.name in formdata or WAS + self.name in formdata

    def take_all(self, given: list[str]) -> None:
        self.process_errors = []
        try:
            wanted = self.declared.kind.parse(given) or ()
        except Invalid as problem:
            self.process_errors = [str(problem.message)]
            return
        assert self.declared.target is not None
        found = all_visible(self.declared.target, wanted)
        self._hold(found)
        if len(found) != len(wanted):
            self.process_errors = [str(_("Choose one from the list."))]

    def take(self, raw: str) -> None:
        self.take_all([raw])

    def populate_obj(self, obj: Any, name: str) -> None:
        if {record.id for record in getattr(obj, self.declared.attr)} != set(self.data):
            setattr(obj, self.declared.attr, self.records)


def _wants_context(default: Any) -> bool:
    return getattr(default, "__code__", None) is not None and default.__code__.co_argcount == 1


class RecordForm(BaseForm):
    """A form over one model; `model` and the fields are set by form_class(). `child_tables` are the rows of other
    tables that are edited in it."""

    model: type[Base]
    child_tables: Sequence[RowTable] = ()

    def process(self, formdata: Any = None, obj: Any = None, data: Any = None, **kwargs: Any) -> None:
        for field in self:
            assert isinstance(field, KindField)
            field.process_record(obj)
        formdata = self.meta.wrap_formdata(self, formdata)
        if formdata is not None:
            for field in self:
                if field.given_in(formdata):
                    field.take_all(formdata.getlist(field.name))
                elif obj is None and field.declared.required and field.data is None:
                    field.take("")

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        own = super().validate(*args, **kwargs)
        return all([own, *(table.validate() for table in self.child_tables)])

    def prefill(self, values: dict[str, str]) -> None:
        """Take values from the address, as a link "add one here" gives them; what can't be read is left out."""
        for field in self:
            if values.get(field.name):
                field.take(values[field.name])
                if field.process_errors:
                    field.process_record(None)


def form_class(model: type[Base], without: Collection[str] = ()) -> type[RecordForm]:
    """The form of a model: every declared field that is typed, but those `without`."""
    typed = [f for f in all_fields(model) if not f.readonly and not isinstance(f.kind, Data) and f.name not in without]
    unbound = {f.name: (ManyField if f.many else KindField)(f, model) for f in typed}
    return type(f"{model.__name__}Form", (RecordForm,), {"model": model, **unbound})


def groups(form: RecordForm, endpoint: str, record: Base | None) -> list[Group]:
    """The form's inputs under their headings; what is set by the program is shown among them once it exists."""
    found: dict[Message, Group] = {}
    for declared in all_fields(form.model):
        if isinstance(declared.kind, Data):
            continue
        group = found.setdefault(declared.group, Group(declared.group))
        if declared.name in form:
            group.inputs.append(form_input(form[declared.name], endpoint))
        elif record is not None and (text := text_of(declared, record)):
            group.inputs.append(Input(declared.name, declared.label, "shown", text=text, help=declared.help))
    return [group for group in found.values() if group.inputs]


def form_input(field: KindField, endpoint: str) -> Input:
    declared = field.declared
    made = control(declared.kind, declared, endpoint)
    made.name = field.name
    made.value = control_text(field)
    made.text = field.shown
    made.chosen = chosen(field)
    made.required = declared.required
    made.help = declared.help
    made.errors = [str(error) for error in field.errors or field.process_errors]
    made.was = control_was(field)
    return made


def control_text(field: KindField) -> str:
    """What stands in the control."""
    return _control_text(field.declared.kind, field.text)


def control_was(field: KindField) -> str:
    """What stood in the control when the form was opened."""
    return _control_text(field.declared.kind, was_text(field))


def chosen(field: KindField) -> list[tuple[str, str]]:
    """The records that a control for several holds, by id and name."""
    return [(str(record.id), label(record)) for record in field.records] if isinstance(field, ManyField) else []


def was_text(field: KindField) -> str:
    """What the control held when the form was opened; a client that doesn't say so is taken to have typed it all."""
    return request.form.get(WAS + field.name, "") if request.method == "POST" else field.text


def stored_text(field: KindField, record: Base) -> str:
    """What the control would hold if the form were opened now."""
    return control_text(stored(field, record))


def stored(field: KindField, record: Base) -> KindField:
    """The field as it would be if the form were opened now."""
    fresh = type(field)(field.declared, field.model, name=field.name, _form=None, _meta=field.meta)
    fresh.process_record(record)
    return fresh


def _control_text(kind: Kind, text: str) -> str:
    """A value in the form that the browser's control wants it."""
    if isinstance(kind, Moment) and len(text) >= len("2025-07-14 09:30") and text[10] == " ":
        return text.replace(" ", "T")
    return text


def control(kind: Kind, declared: Field, endpoint: str) -> Input:
    """The control of a kind, empty."""
    made = Input(declared.name, declared.label, kind.control)
    if isinstance(kind, Text):
        made.maxlength, made.lines = kind.length, kind.lines
    if isinstance(kind, Choice):
        made.choices = [(str(choice.value), str(choice.label)) for choice in kind.choices]
    labels = getattr(kind, "labels", None)
    if made.control == "select" and labels:
        made.choices = [(key, str(label)) for key, label in labels.items()]
    if isinstance(kind, Whole | Amount):
        made.step = "1" if isinstance(kind, Whole) else str(10**-kind.places)
    if declared.target:
        made.lookup_url = url_for(f"{endpoint}.ajax_lookup", name=declared.name)
    if made.control == "select" and not (declared.required and declared.default is not None):
        made.choices.insert(0, ("", ""))
    return made
