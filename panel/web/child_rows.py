"""Child rows in the form of their parent, such as the lines of an invoice. They are written in the parent's
transaction.

Flask-Admin's inline models aren't used: they check no permissions, scope or versions, and add a row for each unknown
id.

The name of a control is `table.key.field`. The key of a stored row is its id, that of a new row is `n` and a number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import abort, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from panel.base import Base
from panel.fields import Field, Lock, fields
from panel.i18n import Message, _
from panel.kinds import Data, Invalid
from panel.search import listing
from panel.security import locks
from panel.security.policy import OutOfScope, Permission
from panel.store.db_errors import explain_to
from panel.web import forms
from panel.web.context import current_panel
from panel.web.forms import KindField, RecordForm
from panel.web.pages import ChildRow, ChildTable, Input
from panel.web.render import is_masked, text_of

if TYPE_CHECKING:
    from panel.web.views import SchemaView

#: The most rows of a child table in a form. With ten columns each, the posted form stays below its limit of 500 kB.
MOST = 50
#: Empty rows for a browser without JavaScript.
BLANK_ROWS = 3
#: The key of the empty row that the script copies. It is ignored when posted.
TEMPLATE = "n0"

Problem = tuple[str | None, Message]


@dataclass(slots=True)
class RowForm:
    """The form of a row. A new row has no `record`. `changed` and `removed` say what was posted. A row is `stale` if
    somebody has saved it since the form was opened. If somebody has removed it, it becomes a new row and `gone` is its
    old id."""

    key: str
    form: RecordForm
    record: Any = None
    changed: bool = False
    removed: bool = False
    stale: bool = False
    gone: int | None = None
    may_edit: bool = True
    may_remove: bool = True
    errors: list[str] = field(default_factory=list)
    note: Message | None = None

    def lock(self, held: Collection[Lock]) -> None:
        """Say which fields stay as they are by the locks that hold, or why the whole row does."""
        self.form.locked = forms.locked_fields(self.form.model, held)
        self.note = locks.row_reason(self.form.model, held)


def read(model: type[Base], record: Any) -> list[RowTable]:
    """The child tables in the form of a record (None for a new one), with the posted changes. Answers 403 to posted
    rows of a table that the actor may not read."""
    tables = []
    for name in model.__rows__:
        view = current_panel().views[name]
        keys = _posted_keys(name)
        if view.may(Permission.READ):
            tables.append(RowTable(view, reference_to(view.model, model), record, keys))
        elif keys:
            abort(403)
    return tables


def reference_to(child: type[Base], parent: type[Base]) -> Field:
    """The field of a child table that refers to the parent."""
    (reference,) = (f for f in fields(child) if f.reference and f.reference.table == parent.__tablename__)
    return reference


def are_stale(tables: Iterable[RowTable]) -> bool:
    """Whether somebody has saved or removed a row that the posted form changes."""
    return any(row.stale or row.gone for table in tables for row in table.rows)


def save(tables: Iterable[RowTable], parent: Any) -> list[Problem]:
    """Write the posted changes in the transaction in which the parent was flushed. Returns errors, each with the full
    name of its control; the caller rolls back. Removals come first, so that their unique values are free."""
    for table in tables:
        changed = [row for row in table.rows if row.changed or row.removed]
        for row in sorted(changed, key=lambda row: not row.removed):
            if problems := table.write(row, parent):
                return [(f"{table.name}.{row.key}.{name or ''}", message) for name, message in problems]
    return []


def attach(tables: Iterable[RowTable], name: str | None, message: Message) -> bool:
    """Add an error of save() to its control, or to its row. False if it belongs to no row."""
    table_name, _dot, rest = (name or "").partition(".")
    key, _dot, column = rest.partition(".")
    for table in tables:
        for row in table.rows:
            if (table.name, row.key) != (table_name, key):
                continue
            if column in row.form:
                row.form[column].add_error(message)
            else:
                row.errors.append(str(message))
            return True
    return False


class RowTable:
    """The rows of a child table in a form."""

    def __init__(self, view: SchemaView, reference: Field, parent: Any, keys: Sequence[str]) -> None:
        self.view, self.reference, self.parent = view, reference, parent
        self.name = view.model.__tablename__
        self.may_add = view.may(Permission.CREATE)
        self.more = False
        self.errors: list[str] = []
        self._form_class = forms.form_class(view.model, without=(reference.name,))
        self._empty_form = self._form(TEMPLATE, None)
        self.rows = self._stored(set(keys))
        for key in keys:
            if row := self._new_row(key, keys):
                self.rows.append(row)

    def _form(self, key: str, record: Any, formdata: Any = None) -> RecordForm:
        return self._form_class(formdata, obj=record, prefix=f"{self.name}.{key}.")

    def _stored(self, keys: set[str]) -> list[RowForm]:
        """The stored rows, with the posted changes."""
        if self.parent is None:
            return []
        records = self._load()
        held = locks.holding(current_panel().session, self.view.model, {record.id for record in records})
        editable, removable = (self.view.changeable(records, act, held) for act in (Permission.EDIT, Permission.DELETE))
        rows = [self._row_form(r, str(r.id) in keys, r.id in editable, r.id in removable) for r in records]
        for row in rows:
            row.lock(held[row.record.id])
        return rows

    def _load(self) -> list[Any]:
        model = self.view.model
        referenced = [f.name for f in self.view.declared if f.target and f.name != self.reference.name]
        statement = (
            select(model)
            .where(getattr(model, self.reference.attr) == self.parent.id)
            .order_by(model.id)
            .limit(MOST + 1)
            .options(*listing.loading(model, referenced))
            .execution_options(populate_existing=True)
        )
        records = list(current_panel().session.execute(statement).unique().scalars())
        self.more = len(records) > MOST
        return records[:MOST]

    def _row_form(self, record: Any, posted: bool, may_edit: bool, may_remove: bool) -> RowForm:
        key = str(record.id)
        row = RowForm(key, self._form(key, record), record, may_edit=may_edit, may_remove=may_remove)
        if not posted:
            return row
        row.removed = self._wants_removal(key)
        posted_form = self._form(key, record, request.form)
        row.changed = not row.removed and any(_differs(control) for control in posted_form)
        if (row.removed and not may_remove) or (row.changed and not may_edit):
            abort(403)
        if row.changed:
            row.form = posted_form
        version = request.form.get(f"{self.name}.{key}.version")
        row.stale = (row.changed or row.removed) and version != str(record.version)
        return row

    def _new_row(self, key: str, keys: Sequence[str]) -> RowForm | None:
        """A posted row that isn't stored. None for an empty one, and for one that somebody has removed since the form
        was opened and that the form doesn't change."""
        if key == TEMPLATE or any(row.key == key for row in self.rows) or self._wants_removal(key):
            return None
        row = RowForm(key, self._form(key, None, request.form), changed=True)
        if not key.startswith("n"):
            if not any(_differs(control) for control in row.form):
                return None
            row = self._as_new_row(row, keys)
        elif self._is_empty(row.form):
            return None
        if not self.may_add:
            abort(403)
        return row

    def _wants_removal(self, key: str) -> bool:
        return f"{self.name}.{key}.remove" in request.form

    def _as_new_row(self, gone: RowForm, keys: Sequence[str]) -> RowForm:
        """The posted values of a row that somebody has removed, as a new row. Masked texts are left out."""
        key = f"n{_highest([*keys, *(row.key for row in self.rows)]) + 1}"
        values: MultiDict[str, str] = MultiDict()
        for control in gone.form:
            if _differs(control) or (
                control.is_posted(request.form) and not is_masked(control.declared, self.view.model)
            ):
                values.setlist(f"{self.name}.{key}.{control.declared.name}", request.form.getlist(control.name))
        row = RowForm(key, self._form(key, None, values), changed=True, gone=int(gone.key))
        row.note = _("Somebody has removed this row meanwhile. Saving adds it again; remove it to leave it so.")
        return row

    def _is_empty(self, form: RecordForm) -> bool:
        """Whether every control of a new row is empty or has its default."""
        defaults = {control.declared.name: forms.control_text(control) for control in self._empty_form}
        return all(
            forms.control_text(control) in ("", forms.control_was(control), defaults[control.declared.name])
            for control in form
        )

    def validate(self) -> bool:
        """Whether the rows are valid and at most MOST."""
        changed = [row for row in self.rows if row.changed]
        left = sum(not row.removed for row in self.rows)
        if any(row.record is None for row in changed) and left + self.more > MOST:
            self.errors = [str(_("A form takes at most {n} rows. Add further ones in their own list.", n=MOST))]
        return not self.errors and all(row.form.validate() for row in changed)

    def write(self, row: RowForm, parent: Any) -> list[Problem]:
        """Write one row and flush it, so that an error of the database belongs to this row. Returns errors."""
        session, model = current_panel().session, self.view.model
        try:
            if row.removed:
                session.delete(row.record)
                session.flush()
                return []
            record = row.record if row.record is not None else self.view.build_new_instance()
            with session.no_autoflush:
                if row.record is None:
                    setattr(record, self.reference.attr, parent.id)
                row.form.populate_obj(record)
                if problems := list(record.problems(session)):
                    return problems
            if row.record is None:
                session.add(record)
            self.view.on_save(record, is_created=row.record is None)
            session.flush()
        except IntegrityError as error:
            session.rollback()
            return [explain_to(session, error, model)]
        except (Invalid, OutOfScope, locks.Locked, locks.Unmet) as refusal:
            return [(getattr(refusal, "field", None), refusal.message)]
        return []

    def page(self) -> ChildTable:
        model = self.view.model
        table = ChildTable(
            model.__labels__, model.__label__, most=MOST, more=self.more, errors=self.errors, url=self._list_url()
        )
        table.rows = [self._row(row, number) for number, row in enumerate(self.rows, 1)]
        if self.may_add and not self.more:
            free = min(BLANK_ROWS, MOST - len(self.rows))
            table.template = self._empty_row(TEMPLATE, 0)
            first = _highest([row.key for row in self.rows]) + 1
            table.blank = [self._empty_row(f"n{first + n}", len(self.rows) + 1 + n) for n in range(free)]
            for row in table.blank:
                row.removable = False
        return table

    def _list_url(self) -> str:
        if self.parent is None:
            return ""
        return str(self.view.get_url(f"{self.view.endpoint}.index_view", **{self.reference.name: self.parent.id}))

    def _empty_row(self, key: str, number: int) -> ChildRow:
        return self._row(RowForm(key, self._form(key, None)), number)

    def _row(self, row: RowForm, number: int) -> ChildRow:
        child_row = ChildRow(
            f"{self.name}.{row.key}.", number, self._inputs(row), errors=row.errors, note=row.note or ""
        )
        child_row.removable, child_row.removed = row.may_remove, row.removed
        if row.record is not None:
            child_row.version = row.record.version
        return child_row

    def _inputs(self, row: RowForm) -> list[Input]:
        """The controls of a row, with read-only values of a stored row among them."""
        inputs = []
        for declared in self.view.declared:
            if declared.name == self.reference.name or isinstance(declared.kind, Data):
                continue
            if row.may_edit and declared.name in row.form.locked:
                inputs.append(forms.locked_input(row.form, declared, row.record))
            elif row.may_edit and declared.name in row.form:
                inputs.append(input_ := forms.form_input(row.form[declared.name], self.view.endpoint))
                if not row.changed:
                    input_.was = input_.value
            elif row.record is not None and ((text := text_of(declared, row.record)) or not row.may_edit):
                inputs.append(Input(f"{self.name}.{row.key}.{declared.name}", declared.label, "shown", text=text))
        return inputs


def _posted_keys(table: str) -> list[str]:
    """The keys of the posted rows, in order. Keys with leading zeros are ignored: they would be second keys of a
    row."""
    if request.method != "POST":
        return []
    names = (re.fullmatch(rf"(?:was\.)?{table}\.(n?(?:0|[1-9][0-9]{{0,17}}))\.\w+", name) for name in request.form)
    return list(dict.fromkeys(match[1] for match in names if match))


def _highest(keys: Iterable[str]) -> int:
    """The highest number of a new row among these keys; 0 if there is none."""
    return max((int(key[1:]) for key in keys if key.startswith("n")), default=0)


def _differs(control: KindField) -> bool:
    """Whether the posted text of a control differs from the one at its opening."""
    return control.is_posted(request.form) and forms.control_text(control) != forms.control_was(control)
