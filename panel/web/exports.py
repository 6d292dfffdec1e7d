"""The list as a file: at one click as it stands, or with chosen columns; in clear only with the right and a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import TemporaryFile
from typing import IO, Any, cast

from flask import Response, abort, redirect, request, send_file, url_for
from flask_admin.base import expose
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from panel import ids
from panel.errors import UserError
from panel.exports import requests
from panel.exports.records import ExportFormat
from panel.exports.requests import ExportRequest, PreparedExport
from panel.exports.table_rows import Column, columns
from panel.fields import Personal, fields
from panel.i18n import Message, _, n_
from panel.jobs.worker import Context, enqueue, kind
from panel.kinds import tidy
from panel.search import listing
from panel.security.policy import Permission
from panel.security.session import writing
from panel.web.context import current_actor, current_panel
from panel.web.pages import Chip, Page

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MIMES = {ExportFormat.XLSX: XLSX, ExportFormat.CSV: "text/csv; charset=utf-8"}


@dataclass(slots=True)
class Picked:
    """A column that may be ticked, with its place in the file."""

    name: str
    label: Message
    place: str
    ticked: bool = True


@dataclass(slots=True)
class ExportPage(Page):
    """What is to be chosen before an export. `picks` tick all, none, or what the list shows."""

    picks: list[Chip] = field(default_factory=list)
    columns: list[Picked] = field(default_factory=list)
    formats: list[tuple[str, Message, bool]] = field(default_factory=list)
    may_clear: bool = False
    clear: bool = False
    reason: str = ""
    reason_length: int = requests.REASON_LENGTH
    filter: str = ""
    error: Message | None = None
    cancel_url: str = ""


class TableExports:
    """The part of a SchemaView that writes files. Its methods are routes of the view."""

    model: Any
    declared: Any
    may: Any
    require: Any
    get_url: Any
    render: Any
    quick_filters: Any

    @property
    def can_export_clear(self) -> bool:
        """Whether there is anything that the list masks and this person may have in clear."""
        personal = any(f.personal is not Personal.NO for f in fields(self.model))
        return personal and bool(self.may(Permission.EXPORT_CLEAR))

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """Exactly what the list shows: its filters, its order, one's scope, its masks; `columns` names others."""
        self.require(Permission.EXPORT)
        if export_type not in {f.value for f in ExportFormat}:
            abort(404)
        names = [name for text in request.args.getlist("columns") for name in text.split(",") if name]
        order = ExportRequest(self.model, _arguments(), tuple(names), ExportFormat.of(export_type))
        try:
            return self._deliver(order)
        except UserError as problem:
            return self._export_page(problem.message)

    @expose("/export/", methods=("GET", "POST"))
    def choose_view(self) -> Any:
        """Which columns in which order, as which kind of file, masked or in clear."""
        self.require(Permission.EXPORT)
        if request.method == "GET":
            return self._export_page()
        given = request.form
        names = _ticked(given, columns(self.model))
        if not names:
            return self._export_page(_("Tick at least one column."))
        wanted = given.get("format", "")
        format = ExportFormat.of(wanted) if wanted in {f.value for f in ExportFormat} else ExportFormat.XLSX
        reason = tidy(given.get("reason"))[: requests.REASON_LENGTH]
        clear = given.get("clear") == "1"
        if clear:
            self.require(Permission.EXPORT_CLEAR)
        order = ExportRequest(self.model, _arguments(), tuple(names), format, clear, reason if clear else "")
        # A long read must not keep others from writing; the log is written in a transaction of its own.
        current_panel().session.rollback()
        writing.set(False)
        try:
            return self._deliver(order)
        except UserError as problem:
            return self._export_page(problem.message)

    def _deliver(self, order: ExportRequest) -> Any:
        """The file itself; a long one is made by a job, to whose page one is sent."""
        session = current_panel().session
        ready = requests.prepare(session, order, self.quick_filters())
        if requests.count(session, ready) > requests.MANY_ROWS:
            packed = order.to_json()
            mark = sha256(json.dumps(packed, sort_keys=True).encode()).hexdigest()[:32]
            params = {"order": packed, "back": self.get_url(".index_view", **_arguments())}
            title = _("Export {label}", label=self.model.__labels__)
            return redirect(url_for("jobs.show", id_=enqueue(session, "export", params, title=title, mark=mark)), 303)
        target = TemporaryFile()  # noqa: SIM115 - the response closes it
        requests.write(session, ready, cast(IO[bytes], target))
        return _sent(target, ready)

    def _export_page(self, error: Message | None = None) -> Any:
        """The page as it was filled in, or as the address says which columns are ticked."""
        panel, actor = current_panel(), current_actor()
        session = panel.session
        masked = panel.policy.sees_masked(actor, self.model)
        query = listing.read(self.model, _arguments(), masked=masked)
        where = listing.conditions(self.model, query, self.quick_filters(), actor, masked=masked)
        count = listing.counts(session, [(self.model, listing.all_of(where))])[0]
        known = columns(self.model)
        given = request.form if request.method == "POST" else None
        ticked = set(given.getlist("column")) if given is not None else self._picked(known)
        wanted = given.get("format") if given is not None else ExportFormat.XLSX.value
        here = {name: values for name, values in request.args.to_dict(flat=False).items() if name != "pick"}
        page = ExportPage(
            title=_("Export {label}", label=self.model.__labels__),
            sub=n_("{n} record", "{n} records", count),
            picks=[
                Chip(label, self.get_url(".choose_view", **here, pick=pick), active=False)
                for pick, label in (("all", _("All")), ("none", _("None of them")), ("list", _("As in the list")))
            ],
            columns=[
                Picked(
                    column.name,
                    column.label,
                    tidy(given.get(f"at.{column.name}")) if given is not None else str(number),
                    column.name in ticked,
                )
                for number, column in enumerate(known, start=1)
            ],
            formats=[(f.value, f.label, f.value == wanted) for f in ExportFormat],
            may_clear=self.can_export_clear,
            clear=given is not None and given.get("clear") == "1",
            reason=tidy(given.get("reason")) if given is not None else "",
            filter=requests.describe_filters(session, self.model, query, self.quick_filters()),
            error=error,
            cancel_url=self.get_url(".index_view", **here),
        )
        return self.render("panel/export.html", page=page), 422 if error else 200

    def _picked(self, known: Sequence[Column]) -> set[str]:
        pick = request.args.get("pick", "all")
        if pick == "none":
            return set()
        listed = {f.name for f in self.declared if f.listed}
        return {c.name for c in known if pick != "list" or c.name in listed}


@kind("export")
def _work(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """A long export as a job: the order is looked at again, with the rights and rows of now."""
    order = ExportRequest.from_json(params["order"])
    view = current_panel().views[order.model.__tablename__]
    ready = requests.prepare(session, order, view.quick_filters())
    total = requests.count(session, ready)
    rows = requests.write(session, ready, context.file(ready.name), lambda done: context.progress(done, total))
    return {"rows": rows}


def _arguments() -> dict[str, list[str]]:
    return request.args.to_dict(flat=False)


def _ticked(given: MultiDict[str, str], known: Sequence[Column]) -> list[str]:
    """Names of the ticked columns by the numbers typed beside them; what has none or no number keeps its place."""
    ticked = set(given.getlist("column"))
    wanted = []
    for usual, column in enumerate(known, start=1):
        if column.name in ticked:
            place = ids.number(given.get(f"at.{column.name}"), usual)
            # Of two with the same number, the one that was given it stands first.
            wanted.append((place, place == usual, usual, column.name))
    return [name for *_places, name in sorted(wanted)]


def _sent(target: Any, ready: PreparedExport) -> Response:
    """A file as a download whose Chinese name survives."""
    target.seek(0)
    return send_file(target, MIMES[ready.request.format], as_attachment=True, download_name=ready.name)
