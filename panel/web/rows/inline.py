"""Edits on the row of a list: of the columns that are declared `inline`, with the checks of the form, version included.

The page gets the controls of a cell from the same address that it posts them to. Without a script the row leads to the
form of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import abort, request
from flask_admin.base import expose
from sqlalchemy.orm.exc import StaleDataError

from panel.base import display
from panel.fields import Field, all_fields
from panel.i18n import _
from panel.security import locks
from panel.security.policy import Permission
from panel.web import conflict, forms
from panel.web.context import current_panel
from panel.web.forms import RecordForm
from panel.web.pages import Column, FormPage, Group, ListPage
from panel.web.render import is_masked, is_masked_in


def mark(view: Any, page: ListPage, records: Sequence[Any], below: Sequence[Field], carried: Mapping[str, str]) -> None:
    """Say which cells of a list can be edited on the row, and let each row lead to its form, with what
    is `carried` of the list. Two statements at most."""
    if not view.can_edit:
        return
    fields = {f.name: f for f in all_fields(view.model)}
    for column in page.columns:
        own = [fields[column.name]] if column.name in fields else []
        parts = [*own, *(f for f in below if f.below == column.name)]
        column.inline = " ".join(f.name for f in parts if f.inline and not is_masked(f, view.model))
    changeable = view.changeable(records, Permission.EDIT)
    form_url, within = view.get_url(f"{view.endpoint}.edit_view"), f"&{urlencode(carried)}" if carried else ""
    for row in page.rows:
        if row.id in changeable:
            row.edit_url = f"{form_url}?id={row.id}{within}"


def editable(columns: Sequence[Column]) -> bool:
    """Whether any cell of a list can be edited on the row."""
    return any(column.inline for column in columns)


class InlineEdit:
    """Mix-in of SchemaView."""

    model: Any
    declared: Any
    require: Any
    require_change: Any
    get_one: Any
    get_url: Any
    render: Any
    _save: Any

    @expose("/row/", methods=("GET", "POST"))
    def row_view(self) -> Any:
        """The controls of a cell; posted, they are saved. 404 for other columns than those declared `inline`, 409 if
        somebody has saved the record since, 422 with the errors."""
        self.require(Permission.EDIT)
        record = self.get_one(request.values.get("id"))
        self.require_change(record)
        form = self._row_form(record)
        if request.method == "GET":
            return self._row(form, record)
        if conflict.is_stale(record):
            return self._row_conflict(form, record)
        before = [(f.name, forms.stored_text(f, record)) for f in form]
        problems: Any = []
        if form.validate():
            try:
                saved, problems = self._save(form, record, is_created=False)
            except StaleDataError:
                current_panel().session.rollback()
                return self._row_conflict(form, self.get_one(request.values.get("id")))
            if saved is not None:
                saved = self.get_one(saved.id)
                name = display(saved)
                back = bool(request.form.get("back"))
                return self.render(
                    "panel/list/_saved.html",
                    words=_("Taken back: {name}", name=name) if back else _("Saved: {name}", name=name),
                    url=self.get_url(".row_view"),
                    record=saved,
                    before=before,
                    names=request.form.getlist("field"),
                )
            record = self.get_one(request.values.get("id"))
        above = []
        for name, message in problems:
            if name is not None and name in form:
                form[name].add_error(message)
            else:
                above.append(str(message))
        page = self._row_page(form, record)
        page.blocked = " ".join(above)
        return self.render("panel/list/_inline.html", page=page, record=record, url=self.get_url(".row_view")), 422

    def _row_form(self, record: Any) -> RecordForm:
        """The form of the asked columns alone, so that nothing else can be posted."""
        asked = set(request.values.getlist("field"))
        chosen = [f for f in self.declared if f.name in asked and f.inline and not is_masked_in(f, record)]
        if not chosen or len(chosen) != len(asked):
            abort(404)
        without = [f.name for f in self.declared if f not in chosen]
        form = forms.form_class(self.model, without)(request.form if request.method == "POST" else None, obj=record)
        form.locked = forms.locked_fields(
            self.model, locks.holding(current_panel().session, self.model, [record.id])[record.id]
        )
        return form

    def _row_page(self, form: RecordForm, record: Any) -> FormPage:
        inputs = [forms.form_input(field, self.model.__tablename__) for field in form]
        return FormPage(title="", groups=[Group("", inputs)], version=record.version)

    def _row(self, form: RecordForm, record: Any) -> Any:
        page = self._row_page(form, record)
        return self.render("panel/list/_inline.html", page=page, record=record, url=self.get_url(".row_view"))

    def _row_conflict(self, form: RecordForm, record: Any) -> Any:
        page = self._row_page(form, record)
        conflict.mark(page, form, record)
        return self.render("panel/list/_inline.html", page=page, record=record, url=self.get_url(".row_view")), 409
