"""The pages of an import: upload, columns, preview, confirmation; and the template."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_admin.base import expose
from werkzeug.utils import secure_filename

from panel import ids
from panel.errors import UserError
from panel.exports import workbooks
from panel.i18n import Message, _
from panel.imports import batches, words
from panel.imports.batches import File
from panel.imports.layout import layout, mapping
from panel.imports.layout.layout import Layout
from panel.imports.layout.sections import sections_of
from panel.imports.plans import Outcome, Plan
from panel.imports.rules import importable
from panel.imports.stored_plan import StoredPlan
from panel.jobs import worker
from panel.security.policy import Permission
from panel.security.session import writing
from panel.sheets import Book
from panel.store.db_errors import counting
from panel.web import render
from panel.web.context import current_panel
from panel.web.downloads import noting, send_download
from panel.web.imports import additions, answers, columns, corrections, prerequisites, previews
from panel.web.imports.preview_state import (
    change_message,
    delete_plans,
    delete_upload,
    folder,
    is_large,
    is_written_by_job,
    options_of,
    pack,
    plan_key,
    store_plan,
    store_upload,
    stored_plan,
    unpack,
    upload,
)
from panel.web.pages import Button, UploadPage


class TableFiles:
    """Mix-in of SchemaView with the routes that import."""

    model: Any
    endpoint: str
    may: Any
    require: Any
    get_url: Any
    render: Any

    @property
    def can_import(self) -> bool:
        """Whether the table can be imported and the actor may do it."""
        return importable(self.model) and bool(self.may(Permission.IMPORT))

    def _require_import(self) -> None:
        self.require(Permission.IMPORT)
        if not self.can_import:
            abort(404)

    @expose("/import/", methods=("GET", "POST"))
    def import_view(self) -> Any:
        self._require_import()
        if request.method == "GET":
            return self._upload_page()
        try:
            file = self._posted_file()
        except UserError as problem:
            return self._upload_page(problem.message, request.form.get("token", ""))
        # Planning only reads, so it must not hold the write lock.
        current_panel().session.rollback()
        writing.set(False)
        state: dict[str, Any] = {"name": file.name, "table": self.endpoint}
        try:
            book = batches.read(file)
            state |= {"file": store_upload(file.data), "rows": sum(len(sheet.lines) for sheet in book.sheets)}
            if is_large(state):
                panel = current_panel()
                clear = layout.check_columns(panel.session, self.model, book, options_of(state), panel.registry)
            else:
                clear = not store_plan(state, self._planned(state, file, book)).asks_about_columns
            if not clear:
                return redirect(self.get_url(".columns_view", token=pack(state)))
        except mapping.UnmappedError as problem:
            flash(str(problem.message), "warning")
            return redirect(self.get_url(".columns_view", token=pack(state)))
        except batches.ProtectedError as problem:
            return self._upload_page(problem.message, pack({**state, "file": store_upload(file.data)}))
        except UserError as problem:
            if "file" in state:
                delete_upload(str(state["file"]))
            return self._upload_page(problem.message)
        return self._plan_later(state) if is_large(state) else redirect(self._preview_url(state))

    def _posted_file(self) -> File:
        """The file that was chosen, the cells that were pasted, or a protected file that waits for its password.
        Raises UserError."""
        uploaded = request.files.get("file")
        if uploaded is not None and uploaded.filename:
            return File(uploaded.filename.replace("\\", "/").rpartition("/")[2], uploaded.read())
        if pasted := request.form.get("pasted", "").strip("\r\n"):
            return File(str(_("Pasted cells.csv")), pasted.encode("utf-8-sig"))
        if not request.form.get("token"):
            raise UserError(_("Choose a file first."))
        state = unpack(request.form["token"], self.endpoint)
        opened = batches.unlocked(upload(state), request.form.get("password", ""))
        delete_upload(str(state["file"]))
        return opened

    def _upload_page(self, error: Message | None = None, token: str = "") -> Any:
        label = self.model.__labels__
        page = UploadPage(
            title=_("Import {label}", label=label),
            sub=_(
                "Excel or WPS workbooks (.xlsx, .xlsm, .xls, .ods) and .csv, as they are sent. "
                "Nothing is written before you have seen a preview."
            ),
            buttons=[Button(_("Template"), self.get_url(".template_view"), "download")],
            error=error,
            cancel_url=self.get_url(".index_view"),
            token=token,
            pasted=request.form.get("pasted", "") if error else "",
            first=[
                Button(model.__labels__, current_panel().views[model.__tablename__].get_url(".index_view"))
                for model in prerequisites.missing(current_panel().session, self.model, current_panel().registry)
            ],
        )
        return self.render("panel/upload.html", page=page), 422 if error else 200

    @expose("/import/preview/")
    def preview_view(self) -> Any:
        """Show the stored plan, or a new one if there is none for these choices."""
        self._require_import()
        state = unpack(request.args.get("token"), self.endpoint)
        plan = stored_plan(state)
        if plan is None and is_large(state) and (folder() / secure_filename(str(state["file"]))).is_file():
            return self._plan_later(state)
        if plan is None:
            try:
                plan = store_plan(state, self._planned(state, upload(state)))
            except mapping.UnmappedError as problem:
                flash(str(problem.message), "warning")
                return redirect(self.get_url(".columns_view", token=pack(state)))
            except UserError as problem:
                return self._upload_page(problem.message)
        if plan.asks_about_columns:
            return redirect(self.get_url(".columns_view", token=pack(state)))
        return self._preview(state, plan)

    @expose("/import/answer/", methods=("POST",))
    def answer_view(self) -> Any:
        """Take the answers to the questions of a preview, and show the plan that follows from them."""
        self._require_import()
        state = unpack(request.form.get("token"), self.endpoint)
        plan = stored_plan(state)
        return redirect(self._preview_url(state if plan is None else answers.answered(plan, state, request.form)))

    @expose("/import/correct/", methods=("POST",))
    def correct_view(self) -> Any:
        """Take the corrected cells and the missing records of a preview, and show the plan that follows from them."""
        self._require_import()
        state = unpack(request.form.get("token"), self.endpoint)
        state = additions.added(stored_plan(state), state, request.form)
        return redirect(self._preview_url(corrections.corrected(self, state, request.form)))

    @expose("/import/forget/", methods=("POST",))
    def forget_view(self) -> Any:
        """Forget what a word was said to mean in an earlier file, so that it is asked about again."""
        self._require_import()
        state = unpack(request.form.get("token"), self.endpoint)
        words.forget(current_panel().session, self.model, request.form.get("name", ""), request.form.get("word", ""))
        current_panel().session.commit()
        delete_plans(str(state["file"]))
        return redirect(self._preview_url(state))

    @expose("/import/columns/", methods=("GET", "POST"))
    def columns_view(self) -> Any:
        """Settle what the columns of the file mean."""
        self._require_import()
        state = unpack(request.values.get("token"), self.endpoint)
        try:
            book = batches.read(upload(state))
        except UserError as problem:
            return self._upload_page(problem.message)
        sections = sections_of(self._layout(state), book)
        error = None
        if request.method == "POST":
            header_row = ids.number(request.form.get("header_row"), 0)
            if request.form.get("act") == columns.BY_HEADER and header_row:
                changed = {**state, "columns": {}, "header_row": header_row}
                return redirect(self.get_url(".columns_view", token=pack(changed)))
            answers = columns.posted(sections, request.form, state.get("columns") or {})
            changed = {**state, "columns": answers}
            read = sections_of(self._layout(changed), book)
            error = columns.posted_error(sections, read, request.form, self._layout(changed))
            if error is None:
                return redirect(self._preview_url(changed))
        page = columns.build(self, sections, self._layout(state), state)
        page.error = error
        current_panel().session.rollback()
        return self.render("panel/columns.html", page=page), 422 if page.error else 200

    def _layout(self, state: Mapping[str, Any]) -> Layout:
        panel = current_panel()
        return Layout(panel.session, self.model, options_of(state), panel.registry)

    def _preview(self, state: dict[str, Any], plan: StoredPlan, message: Message | None = None) -> Any:
        if message is not None:
            flash(str(message), "warning")
        page = previews.build(self, plan, state, pack)
        current_panel().session.rollback()
        return self.render("panel/preview.html", page=page), 409 if message else 200

    def _planned(self, state: Mapping[str, Any], file: File, book: Book | None = None) -> Plan:
        panel = current_panel()
        return batches.plan(panel.session, self.model, file, options_of(state), panel.registry, book=book)

    def _preview_url(self, state: Mapping[str, Any]) -> str:
        """The address of the preview of a state, with the filter and page of the present one."""
        shown = {name: request.args[name] for name in ("show", "page") if request.args.get(name)}
        return str(self.get_url(".preview_view", token=pack(state), **shown))

    def _plan_later(self, state: Mapping[str, Any]) -> Any:
        """Plan a large file by a job, whose page then opens the preview."""
        params = {"state": dict(state), "url": self._preview_url(state), "back": self.get_url(".import_view")}
        title = _("Preview of {name}", name=state["name"])
        mark = f"{state['file']}.{plan_key(state)}"
        job = worker.enqueue(current_panel().session, "import.plan", params, title=title, mark=mark)
        return redirect(url_for("jobs.show", id_=job))

    @expose("/import/apply/", methods=("POST",))
    def apply_view(self) -> Any:
        """Plan again and write if the plan is the one that was shown; otherwise show the new plan."""
        self._require_import()
        state = unpack(request.form.get("token"), self.endpoint)
        digest = request.form.get("digest", "")
        session = current_panel().session
        if is_written_by_job(state):
            params = {"state": state, "digest": digest, "back": self._preview_url(state)}
            title = _("Import of {name}", name=state["name"])
            job = worker.enqueue(session, "import.apply", params, title=title, mark=str(state["file"]))
            return redirect(url_for("jobs.show", id_=job))
        try:
            file = upload(state)
            plan = self._planned(state, file)
        except UserError as problem:
            return self._upload_page(problem.message)
        if plan.digest() != digest:
            message = change_message(stored_plan(state), plan)
            return self._preview(state, store_plan(state, plan), message)
        try:
            with counting(session):
                batch = batches.run(session, plan, file, current_panel().registry)
        except UserError as problem:
            return self._preview(state, store_plan(state, self._planned(state, file)), problem.message)
        delete_upload(state["file"])
        flash(str(previews.import_result(plan)), "success")
        return redirect(render.record_url("importbatch", batch) or self.get_url(".index_view"))

    @expose("/import/failed/")
    def failed_view(self) -> Any:
        self._require_import()
        state = unpack(request.args.get("token"), self.endpoint)
        plan = stored_plan(state)
        if plan is None:
            return redirect(self._preview_url(state))
        if not plan.count(Outcome.FAILED):
            abort(404)
        target = BytesIO()
        workbooks.write_stored_failed_rows(
            plan.labels, [row.failed for row in plan.rows(Outcome.FAILED.value) if row.failed], target
        )
        noting(self.model.__tablename__, plan.count(Outcome.FAILED))
        return send_workbook(target, _("{name} failed rows", name=Path(str(state["name"])).stem))

    @expose("/template/")
    def template_view(self) -> Any:
        self._require_import()
        target = BytesIO()
        workbooks.template(current_panel().session, self.model, target, current_panel().registry)
        noting(self.model.__tablename__)
        return send_workbook(target, _("{label} template", label=self.model.__labels__))


def send_workbook(target: BytesIO, name: Message) -> Response:
    """A workbook that was just written, as a download."""
    target.seek(0)
    return send_download(target, f"{name}.xlsx")
