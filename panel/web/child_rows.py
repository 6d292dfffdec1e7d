"""Child rows in their parent's form: an invoice's lines. Read from the database and from the form that was posted, and
written with the parent. Flask-Admin's inline models do this without rights, scope and versions, and add a row for every
id that they don't know.

The name of a control is `table.key.field`. The key of a stored row is its id; that of a new one is `n` and a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import abort, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from panel.base import Base
from panel.fields import Field, fields
from panel.i18n import Message, _
from panel.kinds import Data, Invalid
from panel.search import listing
from panel.security.policy import OutOfScope, Permission
from panel.store.db_errors import explain
from panel.web import forms
from panel.web.context import current_panel
from panel.web.forms import KindField, RecordForm
from panel.web.pages import ChildRow, ChildTable, Input
from panel.web.render import is_masked, text_of

if TYPE_CHECKING:
    from panel.web.views import SchemaView

#: Rows of one child table in a form: with ten columns each they stay below the 500 kB that a posted form may have.
MOST = 50
#: Empty rows for a browser without script.
BLANK_ROWS = 3
#: The key of the empty row that a script copies; what is posted under it is no row.
TEMPLATE = "n0"

Problem = tuple[str | None, Message]


@dataclass(slots=True)
class RowForm:
    """The form of one row. A new row has no `record`. `changed` and `removed` say what was posted. A row is `stale` if
    somebody has saved it since the form was opened. If they have removed it, `gone` is its id and the row a new one."""

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


def read(model: type[Base], record: Any) -> list[RowTable]:
    """The child tables in the form of a record, None for one that is about to be added; with what was posted. Rows of a
    table that one may not read are refused."""
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
    """The field by which the rows of a child table refer to their parent."""
    (found,) = (f for f in fields(child) if f.reference and f.reference.table == parent.__tablename__)
    return found


def are_stale(tables: Iterable[RowTable]) -> bool:
    """Whether somebody has saved or removed a row that the posted form changes."""
    return any(row.stale or row.gone for table in tables for row in table.rows)


def save(tables: Iterable[RowTable], parent: Any) -> list[Problem]:
    """Write what was posted, in the transaction in which the parent was flushed; the names of problems are full ones.
    Rows that are removed go first, so that what was unique in them is free."""
    for table in tables:
        changed = [row for row in table.rows if row.changed or row.removed]
        for row in sorted(changed, key=lambda row: not row.removed):
            if problems := table.write(row, parent):
                return [(f"{table.name}.{row.key}.{name or ''}", message) for name, message in problems]
    return []


def attach(tables: Iterable[RowTable], name: str | None, message: Message) -> bool:
    """Put a problem of save() at its control, or at its row; False if it is about no row."""
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
    """The rows of one child table in a form."""

    def __init__(self, view: SchemaView, reference: Field, parent: Any, keys: Sequence[str]) -> None:
        self.view, self.reference, self.parent = view, reference, parent
        self.name = view.model.__tablename__
        self.may_add = view.may(Permission.CREATE)
        self.more = False
        self.errors: list[str] = []
        self._form_class = forms.form_class(view.model, without=(reference.name,))
        self._offered = self._form(TEMPLATE, None)
        self.rows = self._stored(set(keys))
        for key in keys:
            if row := self._added(key, keys):
                self.rows.append(row)

    def _form(self, key: str, record: Any, given: Any = None) -> RecordForm:
        return self._form_class(given, obj=record, prefix=f"{self.name}.{key}.")

    def _stored(self, keys: set[str]) -> list[RowForm]:
        """The rows that there are, each as it was posted if that changes it."""
        if self.parent is None:
            return []
        records = self._load()
        editable, removable = (self.view.changeable(records, act) for act in (Permission.EDIT, Permission.DELETE))
        return [self._one(r, str(r.id) in keys, r.id in editable, r.id in removable) for r in records]

    def _load(self) -> list[Any]:
        model = self.view.model
        pointing = [f.name for f in self.view.declared if f.target and f.name != self.reference.name]
        statement = (
            select(model)
            .where(getattr(model, self.reference.attr) == self.parent.id)
            .order_by(model.id)
            .limit(MOST + 1)
            .options(*listing.loading(model, pointing))
            .execution_options(populate_existing=True)
        )
        found = list(current_panel().session.execute(statement).unique().scalars())
        self.more = len(found) > MOST
        return found[:MOST]

    def _one(self, record: Any, posted: bool, may_edit: bool, may_remove: bool) -> RowForm:
        key = str(record.id)
        row = RowForm(key, self._form(key, record), record, may_edit=may_edit, may_remove=may_remove)
        if not posted:
            return row
        row.removed = f"{self.name}.{key}.remove" in request.form
        given = self._form(key, record, request.form)
        row.changed = not row.removed and any(_differs(one) for one in given)
        if (row.removed and not may_remove) or (row.changed and not may_edit):
            abort(403)
        if row.changed:
            row.form = given
        version = request.form.get(f"{self.name}.{key}.version")
        row.stale = (row.changed or row.removed) and version != str(record.version)
        return row

    def _added(self, key: str, keys: Sequence[str]) -> RowForm | None:
        """A row that was posted and isn't stored. None for an empty one, and for one that somebody has removed since it
        was opened and that the form doesn't change."""
        if key == TEMPLATE or any(row.key == key for row in self.rows) or self._wants_removal(key):
            return None
        row = RowForm(key, self._form(key, None, request.form), changed=True)
        if not key.startswith("n"):
            if not any(_differs(one) for one in row.form):
                return None
            row = self._anew(row, keys)
        elif self._is_empty(row.form):
            return None
        if not self.may_add:
            abort(403)
        return row

    def _wants_removal(self, key: str) -> bool:
        return f"{self.name}.{key}.remove" in request.form

    def _anew(self, gone: RowForm, keys: Sequence[str]) -> RowForm:
        """What was typed into a row that somebody has removed, as a new row. A masked value is no value of it."""
        key = f"n{_highest([*keys, *(row.key for row in self.rows)]) + 1}"
        values: MultiDict[str, str] = MultiDict()
        for one in gone.form:
            if _differs(one) or (one.given_in(request.form) and not is_masked(one.declared, self.view.model)):
                values.setlist(f"{self.name}.{key}.{one.declared.name}", request.form.getlist(one.name))
        row = RowForm(key, self._form(key, None, values), changed=True, gone=int(gone.key))
        row.note = _("Somebody has removed this row meanwhile. Saving adds it again; remove it to leave it so.")
        return row

    def _is_empty(self, form: RecordForm) -> bool:
        """Whether a new row says nothing: every control is empty or as it was offered."""
        offered = {one.declared.name: forms.control_text(one) for one in self._offered}
        return all(forms.control_text(one) in ("", forms.control_was(one), offered[one.declared.name]) for one in form)

    def validate(self) -> bool:
        """Whether the rows can be read and are not too many."""
        changed = [row for row in self.rows if row.changed]
        left = sum(not row.removed for row in self.rows)
        if any(row.record is None for row in changed) and left + self.more > MOST:
            self.errors = [str(_("A form takes at most {n} rows. Add further ones in their own list.", n=MOST))]
        return not self.errors and all(row.form.validate() for row in changed)

    def write(self, row: RowForm, parent: Any) -> list[Problem]:
        """Write one row and flush it: what the database refuses is about this row."""
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
            return [explain(error, model)]
        except (Invalid, OutOfScope) as refusal:
            return [(None, refusal.message)]
        return []

    def page(self) -> ChildTable:
        model = self.view.model
        made = ChildTable(
            model.__labels__, model.__label__, most=MOST, more=self.more, errors=self.errors, url=self._list_url()
        )
        made.rows = [self._row(row, number) for number, row in enumerate(self.rows, 1)]
        if self.may_add and not self.more:
            free = min(BLANK_ROWS, MOST - len(self.rows))
            made.template = self._empty_row(TEMPLATE, 0)
            first = _highest([row.key for row in self.rows]) + 1
            made.blank = [self._empty_row(f"n{first + n}", len(self.rows) + 1 + n) for n in range(free)]
            for row in made.blank:
                row.removable = False
        return made

    def _list_url(self) -> str:
        if self.parent is None:
            return ""
        return str(self.view.get_url(f"{self.view.endpoint}.index_view", **{self.reference.name: self.parent.id}))

    def _empty_row(self, key: str, number: int) -> ChildRow:
        return self._row(RowForm(key, self._form(key, None)), number)

    def _row(self, row: RowForm, number: int) -> ChildRow:
        made = ChildRow(f"{self.name}.{row.key}.", number, self._inputs(row), errors=row.errors, note=row.note or "")
        made.removable, made.removed = row.may_remove, row.removed
        if row.record is not None:
            made.version = row.record.version
        return made

    def _inputs(self, row: RowForm) -> list[Input]:
        """A control for what may be typed; what is set by the program is shown once it exists."""
        found = []
        for declared in self.view.declared:
            if declared.name == self.reference.name or isinstance(declared.kind, Data):
                continue
            if row.may_edit and declared.name in row.form:
                found.append(made := forms.form_input(row.form[declared.name], self.view.endpoint))
                if not row.changed:
                    made.was = made.value
            elif row.record is not None and ((text := text_of(declared, row.record)) or not row.may_edit):
                found.append(Input(f"{self.name}.{row.key}.{declared.name}", declared.label, "shown", text=text))
        return found


def _posted_keys(table: str) -> list[str]:
    """The keys of the rows that were posted, in their order. Leading zeros would make two keys of one row."""
    if request.method != "POST":
        return []
    names = (re.fullmatch(rf"(?:was\.)?{table}\.(n?(?:0|[1-9][0-9]{{0,17}}))\.\w+", name) for name in request.form)
    return list(dict.fromkeys(found[1] for found in names if found))


def _highest(keys: Iterable[str]) -> int:
    """The highest number of a new row among these keys."""
    return max((int(key[1:]) for key in keys if key.startswith("n")), default=0)


def _differs(one: KindField) -> bool:
    """Whether a control was posted with something else than it was opened with."""
    return one.given_in(request.form) and forms.control_text(one) != forms.control_was(one)
