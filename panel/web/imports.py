"""Files of a table on screen: upload, preview, confirm; the template; the export of the list."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Response, abort, current_app, flash, redirect, request, send_file
from flask_admin.base import expose
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.utils import secure_filename

from panel import batches, exporting, listing
from panel.access import Action
from panel.batches import File
from panel.kinds import today
from panel.plans import Options, Outcome, Plan, Unusable
from panel.rules import importable
from panel.session import writing
from panel.text import Message, _
from panel.web import previews
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, UploadPage

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: An upload waits so long for its confirmation, then it is thrown away.
KEEP_HOURS = 24


def folder() -> Path:
    """Where uploads wait; they hold personal data, nobody else on the machine reads them."""
    found = Path(current_app.instance_path) / "imports"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def keep(data: bytes) -> str:
    """Put an upload aside and return its name; old ones go."""
    limit = time.time() - KEEP_HOURS * 3600
    for old in folder().iterdir():
        with suppress(OSError):
            if old.stat().st_mtime < limit:
                old.unlink()
    name = secrets.token_hex(16)
    (folder() / name).write_bytes(data)
    return name


def drop(name: str) -> None:
    """Throw an upload away, with what was noted of its previews."""
    for old in folder().glob(f"{secure_filename(name)}*"):
        old.unlink(missing_ok=True)


def note(name: str, made: Plan) -> None:
    """Keep what a preview showed, so that the confirmation can say what has changed since."""
    (folder() / f"{secure_filename(name)}.{made.digest()}").write_text(json.dumps(made.prints()))


def since(name: str, digest: str, made: Plan) -> Message:
    """What has changed since the preview with this digest was shown."""
    path = folder() / secure_filename(f"{name}.{digest[:40]}")
    shown = json.loads(path.read_text()) if path.is_file() else {}
    now = made.prints()
    rows = [row for row in made.rows if shown.get(f"{row.sheet}!{row.number}") != now[f"{row.sheet}!{row.number}"]]
    if not shown or not rows:
        return _("The data has changed since the preview. Nothing was written; this is the plan as of now.")
    numbers = "、".join(str(row.number) for row in rows[:20])
    return _(
        "The data has changed since the preview, so that {n} rows would now do something else: {rows}. "
        "Nothing was written; this is the plan as of now.",
        n=len(rows),
        rows=numbers if len(rows) <= 20 else f"{numbers} …",
    )


def serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="import")


def pack(state: Mapping[str, Any]) -> str:
    """The state of a preview as the address carries it: signed, and of use to this person alone."""
    return str(serializer().dumps({**state, "user": current_actor().user_id}))


def unpack(token: str | None, table: str) -> dict[str, Any]:
    """The state of a preview; 404 for one that is foreign, forged or too old."""
    try:
        state = serializer().loads(token or "", max_age=KEEP_HOURS * 3600)
    except BadData:
        abort(404)
    if state.get("user") != current_actor().user_id or state.get("table") != table:
        abort(404)
    return dict(state)


def options_of(state: Mapping[str, Any]) -> Options:
    return Options(
        create_missing=bool(state.get("create")),
        good_rows=bool(state.get("good")),
        skip_existing=bool(state.get("skip")),
        replace=state.get("replace") or {},
    )


class TableFiles:
    """The part of a SchemaView that deals with workbooks. Its methods are routes of the view."""

    model: Any
    endpoint: str
    may: Any
    require: Any
    get_url: Any
    render: Any
    conditions: Any

    @property
    def can_import(self) -> bool:
        """Importing writes: who may import may add or edit as well."""
        return importable(self.model) and bool(self.may(Action.IMPORT))

    def _require_import(self) -> None:
        self.require(Action.IMPORT)
        if not self.can_import:
            abort(404)

    @expose("/import/", methods=("GET", "POST"))
    def import_view(self) -> Any:
        self._require_import()
        if request.method == "GET":
            return self._upload_page()
        upload = request.files.get("file")
        if upload is None or not upload.filename:
            return self._upload_page(_("Choose a file first."))
        file = File(upload.filename.replace("\\", "/").rpartition("/")[2], upload.read())
        # Nothing is written yet: whoever writes meanwhile must not wait for the plan.
        current_panel().session.rollback()
        writing.set(False)
        try:
            batches.plan(current_panel().session, self.model, file, Options(), current_panel().registry)
        except Unusable as problem:
            return self._upload_page(problem.message)
        state = {"file": keep(file.data), "name": file.name, "table": self.endpoint}
        return redirect(self.get_url(".preview_view", token=pack(state)))

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
        self._require_import()
        state = unpack(request.args.get("token"), self.endpoint)
        return self._preview(state)

    def _preview(self, state: dict[str, Any], message: Message | None = None) -> Any:
        try:
            _file, made = self._plan(state)
        except Unusable as problem:
            return self._upload_page(problem.message)
        if message is not None:
            flash(str(message), "warning")
        page = previews.build(self, made, state, pack)
        note(state["file"], made)
        current_panel().session.rollback()
        return self.render("panel/preview.html", page=page), 409 if message else 200

    def _plan(self, state: Mapping[str, Any]) -> tuple[File, Plan]:
        path = folder() / secure_filename(str(state["file"]))
        if not path.is_file():
            raise Unusable(_("The upload is gone: it was imported, or waited too long. Choose the file again."))
        file = File(str(state["name"]), path.read_bytes())
        panel = current_panel()
        return file, batches.plan(panel.session, self.model, file, options_of(state), panel.registry)

    @expose("/import/apply/", methods=("POST",))
    def apply_view(self) -> Any:
        """Plan again, compare with what was shown, and write; or say what changed and show the plan anew."""
        self._require_import()
        state = unpack(request.form.get("token"), self.endpoint)
        try:
            file, made = self._plan(state)
        except Unusable as problem:
            return self._upload_page(problem.message)
        digest = request.form.get("digest", "")
        if made.digest() != digest:
            return self._preview(state, since(state["file"], digest, made))
        try:
            batch = batches.run(current_panel().session, made, file, current_panel().registry)
        except Unusable as problem:
            return self._preview(state, problem.message)
        drop(state["file"])
        flash(str(_("Imported: {new} new, {changed} changed.", **previews.counted(made))), "success")
        return redirect(self.get_url("importbatch.details_view", id=batch))

    @expose("/import/failed/")
    def failed_view(self) -> Any:
        self._require_import()
        state = unpack(request.args.get("token"), self.endpoint)
        try:
            _file, made = self._plan(state)
        except Unusable as problem:
            return self._upload_page(problem.message)
        if not made.count(Outcome.FAILED):
            abort(404)
        target = BytesIO()
        exporting.failed(made, target)
        return sent(target, _("{name} failed rows", name=Path(str(state["name"])).stem))

    @expose("/template/")
    def template_view(self) -> Any:
        self._require_import()
        target = BytesIO()
        exporting.template(current_panel().session, self.model, target, current_panel().registry)
        return sent(target, _("{label} template", label=self.model.__labels__))

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """Exactly what the list shows: its filters, its order, one's scope, its masks."""
        self.require(Action.EXPORT)
        if export_type != "xlsx":
            abort(404)
        panel = current_panel()
        masked = panel.policy.sees_masked(current_actor(), self.model)
        query = listing.read(self.model, request.args.to_dict(flat=False), masked=masked)
        target = BytesIO()
        exporting.export(panel.session, self.model, self.conditions(query), target, sort=query.sort)
        return sent(target, _("{label} {day}", label=self.model.__labels__, day=today()))


def sent(target: BytesIO, name: Message) -> Response:
    """A workbook as a download whose Chinese name survives."""
    target.seek(0)
    return send_file(target, XLSX, as_attachment=True, download_name=f"{name}.xlsx")
