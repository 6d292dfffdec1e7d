"""Files of a table on screen: upload, preview, confirm; the template."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Response, abort, flash, redirect, request, send_file, url_for
from flask_admin.base import expose
from werkzeug.utils import secure_filename

from panel.errors import UserError
from panel.exports import workbooks
from panel.i18n import Message, _
from panel.imports import batches, layout, mapping
from panel.imports.batches import File
from panel.imports.plans import Outcome, Plan
from panel.imports.preview_store import StoredPlan
from panel.imports.rules import importable
from panel.jobs import worker
from panel.security.policy import Permission
from panel.security.session import writing
from panel.sheets import Book
from panel.web import render
from panel.web.context import current_panel
from panel.web.exports import XLSX
from panel.web.imports import columns, previews
from panel.web.imports.preview_state import (
    drop,
    folder,
    is_large,
    keep,
    keep_plan,
    kept,
    key_of,
    options_of,
    pack,
    since,
    unpack,
    upload,
)
from panel.web.pages import Button, UploadPage


class TableFiles:
    """The part of a SchemaView that deals with workbooks. Its methods are routes of the view."""

    model: Any
    endpoint: str
    may: Any
    require: Any
    get_url: Any
    render: Any

    @property
    def can_import(self) -> bool:
        """Importing writes: who may import may add or edit as well."""
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
        given = request.files.get("file")
        if given is None or not given.filename:
            return self._upload_page(_("Choose a file first."))
        file = File(given.filename.replace("\\", "/").rpartition("/")[2], given.read())
        # Nothing is written yet: whoever writes meanwhile must not wait for the plan.
        current_panel().session.rollback()
        writing.set(False)
        state: dict[str, Any] = {"name": file.name, "table": self.endpoint}
        try:
            book = batches.read(file)
            state |= {"file": keep(file.data), "rows": sum(len(sheet.lines) for sheet in book.sheets)}
            if is_large(state):
                layout.check_required(
                    current_panel().session, self.model, book, options_of(state), current_panel().registry
                )
            else:
                keep_plan(state, self._planned(state, file, book))
        except mapping.UnmappedError as problem:
            flash(str(problem.message), "warning")
            return redirect(self.get_url(".columns_view", token=pack(state)))
        except UserError as problem:
            if "file" in state:
                drop(str(state["file"]))
            return self._upload_page(problem.message)
        return self._plan_later(state) if is_large(state) else redirect(self._preview_url(state))

    def _upload_page(self, error: Message | None = None) -> Any:
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
        )
        return self.render("panel/upload.html", page=page), 422 if error else 200

    @expose("/import/preview/")
    def preview_view(self) -> Any:
        """The plan as it was kept; a choice that was not made before leads to a new one."""
        self._require_import()
        state = unpack(request.args.get("token"), self.endpoint)
        made = kept(state)
        if made is None and is_large(state) and (folder() / secure_filename(str(state["file"]))).is_file():
            return self._plan_later(state)
        if made is None:
            try:
                made = keep_plan(state, self._planned(state, upload(state)))
            except mapping.UnmappedError as problem:
                flash(str(problem.message), "warning")
                return redirect(self.get_url(".columns_view", token=pack(state)))
            except UserError as problem:
                return self._upload_page(problem.message)
        return self._preview(state, made)

    @expose("/import/columns/", methods=("GET", "POST"))
    def columns_view(self) -> Any:
        """Say by hand what the headers of the file mean."""
        self._require_import()
        state = unpack(request.values.get("token"), self.endpoint)
        panel = current_panel()
        try:
            book = batches.read(upload(state))
        except UserError as problem:
            return self._upload_page(problem.message)
        guesses = layout.guess_columns(panel.session, self.model, book, options_of(state), panel.registry)
        page = columns.build(self, guesses, state, pack(state))
        if request.method == "POST":
            said = columns.said(guesses, request.form)
            page.error = columns.twice(self.model, said)
            if page.error is None:
                return redirect(self._preview_url({**state, "map": said}))
        panel.session.rollback()
        return self.render("panel/columns.html", page=page), 422 if page.error else 200

    def _preview(self, state: dict[str, Any], made: StoredPlan, message: Message | None = None) -> Any:
        if message is not None:
            flash(str(message), "warning")
        page = previews.build(self, made, state, pack)
        current_panel().session.rollback()
        return self.render("panel/preview.html", page=page), 409 if message else 200

    def _planned(self, state: Mapping[str, Any], file: File, book: Book | None = None) -> Plan:
        panel = current_panel()
        return batches.plan(panel.session, self.model, file, options_of(state), panel.registry, book=book)

    def _preview_url(self, state: Mapping[str, Any]) -> str:
        """The preview of a state, at the rows that are shown now."""
        shown = {name: request.args[name] for name in ("show", "page") if request.args.get(name)}
        return str(self.get_url(".preview_view", token=pack(state), **shown))

    def _plan_later(self, state: Mapping[str, Any]) -> Any:
        """Plan a large file by a job; its page leads on to the preview."""
        params = {"state": dict(state), "url": self._preview_url(state), "back": self.get_url(".import_view")}
        title = _("Preview of {name}", name=state["name"])
        mark = f"{state['file']}.{key_of(state)}"
        job = worker.enqueue(current_panel().session, "import.plan", params, title=title, mark=mark)
        return redirect(url_for("jobs.show", id_=job))

    @expose("/import/apply/", methods=("POST",))
    def apply_view(self) -> Any:
        """Plan again, compare with what was shown, and write; or say what changed and show the plan anew."""
        self._require_import()
        state = unpack(request.form.get("token"), self.endpoint)
        digest = request.form.get("digest", "")
        session = current_panel().session
        if is_large(state):
            params = {"state": state, "digest": digest, "back": self._preview_url(state)}
            title = _("Import of {name}", name=state["name"])
            job = worker.enqueue(session, "import.apply", params, title=title, mark=str(state["file"]))
            return redirect(url_for("jobs.show", id_=job))
        try:
            file = upload(state)
            made = self._planned(state, file)
        except UserError as problem:
            return self._upload_page(problem.message)
        if made.digest() != digest:
            message = since(kept(state), made)
            return self._preview(state, keep_plan(state, made), message)
        try:
            batch = batches.run(session, made, file, current_panel().registry)
        except UserError as problem:
            return self._preview(state, keep_plan(state, self._planned(state, file)), problem.message)
        drop(state["file"])
        flash(str(_("Imported: {new} new, {changed} changed.", **previews.counted(made))), "success")
        return redirect(render.record_url("importbatch", batch) or self.get_url(".index_view"))

    @expose("/import/failed/")
    def failed_view(self) -> Any:
        self._require_import()
        state = unpack(request.args.get("token"), self.endpoint)
        made = kept(state)
        if made is None:
            return redirect(self._preview_url(state))
        if not made.count(Outcome.FAILED):
            abort(404)
        target = BytesIO()
        workbooks.write_stored_failed_rows(
            made.labels, [row.failed for row in made.rows(Outcome.FAILED.value) if row.failed], target
        )
        return sent(target, _("{name} failed rows", name=Path(str(state["name"])).stem))

    @expose("/template/")
    def template_view(self) -> Any:
        self._require_import()
        target = BytesIO()
        workbooks.template(current_panel().session, self.model, target, current_panel().registry)
        return sent(target, _("{label} template", label=self.model.__labels__))


def sent(target: BytesIO, name: Message) -> Response:
    """A workbook as a download whose Chinese name survives."""
    target.seek(0)
    return send_file(target, XLSX, as_attachment=True, download_name=f"{name}.xlsx")
