"""SchemaView: the generated screens of a declared table. It replaces Flask-Admin's unchecked behaviour everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from flask import Response, abort, request
from flask_admin.base import expose
from flask_admin.contrib.sqla import ModelView
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from panel import ids
from panel.base import Base, display
from panel.fields import Field, all_fields
from panel.i18n import Message, _
from panel.search import filters, listing
from panel.search.listing import Query, Quick
from panel.security.policy import Permission
from panel.web import child_rows, conflict, details, forms, history, lists, submissions
from panel.web.context import current_actor, current_panel
from panel.web.deletion import Deletion
from panel.web.exports import TableExports
from panel.web.forms import RecordForm
from panel.web.guards import safe_target
from panel.web.imports.upload import TableFiles
from panel.web.lookups import SchemaLoader
from panel.web.pages import Button, Chip, DetailsPage, FormPage
from panel.web.reveals import Reveals
from panel.web.rows import place
from panel.web.rows.copying import COPY, Copying
from panel.web.rows.inline import InlineEdit
from panel.web.rows.many_rows import ManyRows
from panel.web.rows.restoring import Restoring
from panel.web.rows.saving import Saving
from panel.web.rows.taking_back import TakingBack
from panel.web.tables import filter_inputs
from panel.web.tables.number_search import NumberSearch
from panel.web.tables.view_pages import SavedViews

T_Response = Any


class SchemaView(
    TableFiles,
    TableExports,
    SavedViews,
    NumberSearch,
    Reveals,
    Deletion,
    Copying,
    InlineEdit,
    ManyRows,
    TakingBack,
    Restoring,
    Saving,
    ModelView,
):
    """The screens of a model, generated from its fields. Subclass it only for pages that differ."""

    #: Named filters, offered as chips above the list.
    quick: ClassVar[Mapping[str, Quick]] = {}
    #: Extends the named filters, for example by those behind a figure: (model, filters) -> filters.
    more_filters: Callable[[type[Base], Mapping[str, Quick]], Mapping[str, Quick]] | None = None
    #: Name of the filter whose count is shown in the side bar.
    badge: ClassVar[str] = ""
    #: Functions (record) -> Cell that replace the cell of a field, by its name.
    cells: ClassVar[Mapping[str, Any]] = {}
    #: The columns on the page of a record that these rows refer to; by default the first ones of the list.
    related: ClassVar[tuple[str, ...]] = ()
    #: The label of the button that adds a record; by default "Add" with the table's label.
    add_label: ClassVar[Message | None] = None

    can_view_details = True
    can_export = False
    can_set_page_size = True
    form_base_class = RecordForm
    named_filter_urls = True

    def __init__(self, model: type[Base], db: Any, *, group: Message, icon: str) -> None:
        self.group, self.icon = group, icon
        self.declared = all_fields(model)
        self.column_list = [f.name for f in self.declared if f.listed]
        self.column_details_list = [f.name for f in self.declared]
        self.column_labels = {f.name: f.label for f in self.declared}
        looked_up = {f.name: f.target for f in (*self.declared, *filters.filterable(model)) if f.target is not None}
        self.form_ajax_refs = {name: SchemaLoader(name, target) for name, target in looked_up.items()}
        super().__init__(model, db, name=model.__tablename__, endpoint=model.__tablename__)

    # What Flask-Admin reads from the mapper comes from the declared fields instead.

    def scaffold_list_columns(self) -> list[str]:
        return list(self.column_list)

    def scaffold_sortable_columns(self) -> dict[str, Any]:
        return {}

    def scaffold_auto_joins(self) -> list[Any]:
        return []

    def init_search(self) -> bool:
        return False

    def get_filters(self) -> None:
        return None

    def scaffold_form(self) -> type[RecordForm]:
        return forms.form_class(self.model)

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> type[RecordForm]:
        return self.scaffold_form()

    def get_pk_value(self, model: Any) -> int:
        return int(model.id)

    # Permissions, checked at every request. The session checks the scope.

    def may(self, act: Permission) -> bool:
        if self.model.__append_only__ and act not in (Permission.READ, Permission.EXPORT):
            return False
        return current_panel().policy.may(current_actor(), act, self.model)

    def is_accessible(self) -> bool:
        return self.may(Permission.READ)

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        return self.may(Permission.CREATE)

    @property
    def can_edit(self) -> bool:  # type: ignore[override]
        return self.may(Permission.EDIT)

    @property
    def can_delete(self) -> bool:  # type: ignore[override]
        return self.may(Permission.DELETE)

    def require(self, act: Permission) -> None:
        if not self.may(act):
            abort(403)

    # Records, always read under the actor's scope.

    @property
    def references(self) -> list[Field]:
        return [f for f in self.declared if f.reference]

    def get_one(self, id: Any) -> Any:
        """The record with its references. Answers 404 if there is none in the actor's scope."""
        if (id_ := ids.parse(id)) is None:
            abort(404)
        statement = (
            select(self.model)
            .where(self.model.id == id_)
            .options(*listing.loading(self.model, [f.name for f in self.declared if f.target]))
            .execution_options(populate_existing=True)
        )
        record = current_panel().session.execute(statement).unique().scalar_one_or_none()
        if record is None:
            abort(404)
        return record

    def quick_filters(self) -> Mapping[str, Quick]:
        return self.more_filters(self.model, self.quick) if self.more_filters else self.quick

    def conditions(self, query: Query) -> list[Any]:
        masked = current_panel().policy.sees_masked(current_actor(), self.model)
        return listing.conditions(current_panel().session, self.model, query, self.quick_filters(), masked=masked)

    # Pages.

    def list_buttons(self) -> list[Button]:
        """Buttons of the list besides those that every table has; they stand first."""
        return []

    def places(self) -> list[Chip]:
        """The tabs above the list, where it shares its place in the menu with other pages."""
        return []

    @expose("/")
    def index_view(self) -> T_Response:
        return lists.answer(self)

    @expose("/details/")
    def details_view(self) -> T_Response:
        record = self.get_one(request.args.get("id"))
        return self.render("panel/details.html", page=self.details_page(record), record=record)

    def details_page(self, record: Any) -> DetailsPage:
        return details.build(self, record)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> T_Response:
        self.require(Permission.CREATE)
        form = self.create_form()
        note: Message | str = ""
        if request.method == "POST":
            problems: list[tuple[str | None, Message]] = []
            if form.validate():
                if (earlier := submissions.earlier()) and (answer := conflict.ask_again(self, form, earlier)):
                    return answer
                record, problems = self._save(form, self.build_new_instance(), is_created=True)
                if record is not None:
                    return self._saved(record, is_created=True)
            self._attach(form, problems)
        else:
            if (source := request.args.get(COPY)) and self.can_copy:
                note = self.fill_in(form, self.get_one(source))
            form.prefill({name: request.args[name] for name in request.args if name in form})
        page = self.form_page(form, None)
        page.note = note
        return self.render("panel/form.html", page=page), 422 if request.method == "POST" else 200

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> T_Response:
        self.require(Permission.EDIT)
        record = self.get_one(request.args.get("id"))
        held = self.require_change(record)
        form = self.edit_form(obj=record)
        form.locked = forms.locked_fields(self.model, held)
        if request.method == "GET":
            return self.render("panel/form.html", page=self.form_page(form, record))
        if conflict.is_stale(record) or child_rows.are_stale(form.child_tables):
            return self._conflict(form, record)
        problems: list[tuple[str | None, Message]] = []
        if form.validate():
            try:
                saved, problems = self._save(form, record, is_created=False)
            except StaleDataError:
                current_panel().session.rollback()
                record = self.get_one(request.args.get("id"))
                form.child_tables = child_rows.read(self.model, record)
                return self._conflict(form, record)
            if saved is not None:
                return self._saved(saved, is_created=False)
            record = self.get_one(request.args.get("id"))
            form.child_tables = child_rows.read(self.model, record)
        self._attach(form, problems)
        return self.render("panel/form.html", page=self.form_page(form, record)), 422

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> T_Response:
        loader = self._form_ajax_refs.get(request.args.get("name", ""))
        if loader is None:
            abort(404)
        offset, limit = (ids.number(request.args.get(name), 0) for name in ("offset", "limit"))
        every = "every" in request.args
        narrowed = filter_inputs.narrowing(self, loader.table, request.args.getlist("beside")) if every else []
        records = loader.get_list(request.args.get("query", ""), offset, limit, every=every, narrowed=narrowed)
        answers = [loader.format(record) for record in records]
        return Response(json.dumps(answers, ensure_ascii=False), mimetype="application/json")

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> T_Response:
        """Editing in the list is disabled: only the form checks the record's version."""
        self.require(Permission.EDIT)
        abort(404)

    def form_page(self, form: RecordForm, record: Any) -> FormPage:
        target = safe_target(request.values.get("url"))
        label, add_label = self.model.__label__, self.add_label if record is None else None
        page = FormPage(
            title=add_label or (f"{label} · {display(record)}" if record else _("Add {label}", label=label)),
            groups=forms.groups(form, self.endpoint, record),
            submit=add_label or _("Save"),
            version=getattr(record, "version", None),
            cancel_url=target or (place.details_url(self, record.id) if record else self.get_url(".index_view")),
            return_url=target or "",
            can_add_another=record is None,
            token=submissions.token(),
        )
        page.child_tables = [table.page() for table in form.child_tables]
        page.collect_errors()
        page.place = place.of_new(self)
        if record is not None:
            page.place = place.of_record(self, record, f"{self.endpoint}.edit_view", _("Edit"))
            page.sub = lists.place_words(self, record)
            page.history = history.of_record(record)
        return page

    def create_form(self, obj: Any = None) -> RecordForm:
        form = self._create_form_class(request.form if request.method == "POST" else None)
        form.child_tables = child_rows.read(self.model, None)
        return form

    def edit_form(self, obj: Any = None) -> RecordForm:
        form = self._edit_form_class(request.form if request.method == "POST" else None, obj=obj)
        form.child_tables = child_rows.read(self.model, obj)
        return form
