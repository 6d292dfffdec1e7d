"""SchemaView: the generated screens of a declared table. It replaces Flask-Admin's unchecked behaviour everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from flask import Response, abort, flash, redirect, request
from flask_admin.base import expose
from flask_admin.contrib.sqla import ModelView
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from panel import ids
from panel.base import Base, Record, display
from panel.fields import Field, all_fields
from panel.i18n import Message, _
from panel.kinds import Invalid, tidy
from panel.search import listing
from panel.search.listing import Query, Quick
from panel.security.policy import AccessDenied, OutOfScope, Permission
from panel.security.session import permitted
from panel.store.db_errors import explain
from panel.web import child_rows, conflict, details, forms, history, lists
from panel.web.context import current_actor, current_panel
from panel.web.deletion import Deletion
from panel.web.exports import TableExports
from panel.web.forms import RecordForm
from panel.web.guards import safe_target
from panel.web.imports.upload import TableFiles
from panel.web.lookups import SchemaLoader
from panel.web.pages import DetailsPage, FormPage
from panel.web.reveals import Reveals

T_Response = Any


class SchemaView(TableFiles, TableExports, Reveals, Deletion, ModelView):
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
        self.form_ajax_refs = {f.name: SchemaLoader(f.name, f.target) for f in self.declared if f.target is not None}
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
        return listing.conditions(self.model, query, self.quick_filters(), current_actor(), masked=masked)

    def may_change(self, record: Any, act: Permission = Permission.EDIT) -> bool:
        """Whether the actor may edit (or delete) this record, by permission and scope."""
        return record.id in self.changeable([record], act)

    def changeable(self, records: Sequence[Any], act: Permission) -> Collection[int]:
        """The ids of the records that the actor may edit (or delete), in at most one statement."""
        panel, actor = current_panel(), current_actor()
        ids_ = {record.id for record in records}
        if not self.may(act):
            return set()
        if not panel.policy.has_narrower_scope(actor, act, self.model):
            return ids_
        return permitted(panel.session, self.model, act, ids_)

    # Pages.

    @expose("/")
    def index_view(self) -> T_Response:
        return self.render("panel/list.html", page=lists.build(self))

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
        if request.method == "POST":
            problems: list[tuple[str | None, Message]] = []
            if form.validate():
                record, problems = self._save(form, self.build_new_instance(), is_created=True)
                if record is not None:
                    return self._saved(record, is_created=True)
            self._attach(form, problems)
        else:
            form.prefill({name: request.args[name] for name in request.args if name in form})
        page = self._form_page(form, None)
        return self.render("panel/form.html", page=page), 422 if request.method == "POST" else 200

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> T_Response:
        self.require(Permission.EDIT)
        record = self.get_one(request.args.get("id"))
        if not self.may_change(record):
            abort(403)
        form = self.edit_form(obj=record)
        if request.method == "GET":
            return self.render("panel/form.html", page=self._form_page(form, record))
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
        return self.render("panel/form.html", page=self._form_page(form, record)), 422

    @expose("/action/", methods=("POST",))
    def action_view(self) -> T_Response:
        """A bulk action. Answers 404 unless all records are in the actor's scope."""
        name = tidy(request.form.get("action"))
        handler = self._actions_data.get(name)
        if handler is None:
            abort(404)
        if not self.is_action_allowed(name):
            abort(403)
        posted_ids = {ids.parse(text) for text in request.form.getlist("rowid")}
        record_ids = sorted(id_ for id_ in posted_ids if id_ is not None)
        referring = [f.name for f in self.declared if f.target]
        records = listing.load(current_panel().session, self.model, record_ids, referring)
        if len(records) != len(posted_ids):
            abort(404)
        if not records:
            flash(str(_("Tick at least one record first.")), "warning")
            return redirect(self.get_url(".index_view"))
        response = handler[0](records)
        return response or redirect(safe_target(request.form.get("url")) or self.get_url(".index_view"))

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> T_Response:
        loader = self._form_ajax_refs.get(request.args.get("name", ""))
        if loader is None:
            abort(404)
        offset, limit = (ids.number(request.args.get(name), 0) for name in ("offset", "limit"))
        records = loader.get_list(request.args.get("query", ""), offset, limit)
        answers = [loader.format(record) for record in records]
        return Response(json.dumps(answers, ensure_ascii=False), mimetype="application/json")

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> T_Response:
        """Editing in the list is disabled: only the form checks the record's version."""
        self.require(Permission.EDIT)
        abort(404)

    # Writing.

    def on_save(self, record: Any, *, is_created: bool) -> None:
        """Hook that is called before the flush, for tables that need more than the row."""

    def _save(self, form: RecordForm, record: Any, *, is_created: bool) -> tuple[Any, list[tuple[str | None, Message]]]:
        """Save and commit. Returns the record, or None and the errors as (field name, message). Raises AccessDenied."""
        session = current_panel().session
        try:
            with session.no_autoflush:
                form.populate_obj(record)
                problems: list[tuple[str | None, Message]] = list(_problems(record, session))
            if problems:
                session.rollback()
                return None, problems
            if is_created:
                session.add(record)
            self.on_save(record, is_created=is_created)
            session.flush()
            if problems := child_rows.save(form.child_tables, record):
                session.rollback()
                return None, problems
            session.commit()
        except IntegrityError as error:
            session.rollback()
            return None, [explain(error, self.model)]
        except Invalid as problem:
            session.rollback()
            return None, [(None, problem.message)]
        except AccessDenied as refusal:
            session.rollback()
            if isinstance(refusal, OutOfScope):
                return None, [(None, refusal.message)]
            raise
        return record, []

    def _saved(self, record: Any, *, is_created: bool) -> T_Response:
        name = display(self.get_one(record.id))
        flash(str(_("Added: {name}", name=name) if is_created else _("Saved: {name}", name=name)), "success")
        target = safe_target(request.form.get("url"))
        if "_add_another" in request.form and self.can_create:
            return redirect(self.get_url(".create_view", url=target))
        return redirect(target or self.get_url(".details_view", id=record.id))

    def _conflict(self, form: RecordForm, record: Any) -> T_Response:
        page = self._form_page(form, record)
        conflict.mark(page, form, record)
        return self.render("panel/form.html", page=page), 409

    def _attach(self, form: RecordForm, problems: Sequence[tuple[str | None, Message]]) -> None:
        """Show errors at their fields, or above the form."""
        for name, message in problems:
            if name is not None and name in form:
                form[name].add_error(message)
            elif not child_rows.attach(form.child_tables, name, message):
                flash(str(message), "danger")

    def _form_page(self, form: RecordForm, record: Any) -> FormPage:
        target = safe_target(request.values.get("url"))
        label, add_label = self.model.__label__, self.add_label if record is None else None
        page = FormPage(
            title=add_label or (f"{label} · {display(record)}" if record else _("Add {label}", label=label)),
            groups=forms.groups(form, self.endpoint, record),
            submit=add_label or _("Save"),
            version=getattr(record, "version", None),
            cancel_url=target
            or (self.get_url(".details_view", id=record.id) if record else self.get_url(".index_view")),
            return_url=target or "",
            can_add_another=record is None,
        )
        page.child_tables = [table.page() for table in form.child_tables]
        page.collect_errors()
        if record is not None:
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


def _problems(record: Any, session: Any) -> Iterator[tuple[str, Message]]:
    if isinstance(record, Record):
        yield from record.problems(session)
