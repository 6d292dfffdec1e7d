"""Export of a list: at one click as it is shown, or with chosen columns; unmasked only with the permission and a
reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import TemporaryFile
from typing import IO, Any, cast
from urllib.parse import parse_qs

from flask import Response, abort, redirect, request, url_for
from flask_admin.base import expose
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from panel import ids
from panel.errors import UserError
from panel.exports import requests
from panel.exports.records import FILE_FORMATS, ExportFormat
from panel.exports.requests import ExportRequest, PreparedExport
from panel.exports.table_rows import Column, columns, extras
from panel.fields import Personal, fields
from panel.i18n import Message, _, n_
from panel.jobs.worker import Context, enqueue, kind
from panel.kinds import tidy
from panel.search import columns as list_columns
from panel.search import listing, private_numbers
from panel.search.extra_columns import is_seen
from panel.security.granted import granted
from panel.security.policy import Permission
from panel.security.session import actor_of, writing
from panel.web.context import current_panel
from panel.web.downloads import XLSX, already_noted, send_download
from panel.web.pages import Chip, Page

MIMES = {ExportFormat.XLSX: XLSX, ExportFormat.CSV: "text/csv; charset=utf-8"}


@dataclass(slots=True)
class ColumnChoice:
    """A column that can be ticked, with its position in the file."""

    name: str
    label: Message
    place: str
    ticked: bool = True


@dataclass(slots=True)
class ExportPage(Page):
    """The choices of an export. `picks` are links that tick all columns, none, or those of the list."""

    picks: list[Chip] = field(default_factory=list)
    columns: list[ColumnChoice] = field(default_factory=list)
    formats: list[tuple[str, Message, bool]] = field(default_factory=list)
    may_clear: bool = False
    clear: bool = False
    reason: str = ""
    reason_length: int = requests.REASON_LENGTH
    filter: str = ""
    error: Message | None = None
    cancel_url: str = ""


class TableExports:
    """Mix-in of SchemaView with the routes that export."""

    model: Any
    declared: Any
    may: Any
    require: Any
    get_url: Any
    render: Any
    quick_filters: Any

    @property
    def can_export_clear(self) -> bool:
        """Whether the table has personal data and the actor may export it unmasked."""
        personal = any(f.personal is not Personal.NO for f in fields(self.model))
        return personal and bool(self.may(Permission.EXPORT_CLEAR))

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """Export the list with its filters, order and masking; the argument `columns` chooses columns."""
        self.require(Permission.EXPORT)
        if export_type not in {f.value for f in FILE_FORMATS}:
            abort(404)
        export_request = ExportRequest(self.model, _arguments(), _chosen(_arguments()), ExportFormat.of(export_type))
        try:
            return self._deliver(export_request)
        except UserError as problem:
            return self._export_page(problem.message)

    @expose("/export/", methods=("GET", "POST"))
    def choose_view(self) -> Any:
        """The page that chooses columns, their order, the format and masking; and the export."""
        self.require(Permission.EXPORT)
        if request.method == "GET":
            return self._export_page()
        form = request.form
        names = _ticked(form, self._columns())
        if not names:
            return self._export_page(_("Tick at least one column."))
        format_name = form.get("format", "")
        format = ExportFormat.of(format_name) if format_name in {f.value for f in FILE_FORMATS} else ExportFormat.XLSX
        reason = tidy(form.get("reason"))[: requests.REASON_LENGTH]
        clear = form.get("clear") == "1"
        if clear:
            self.require(Permission.EXPORT_CLEAR)
        export_request = ExportRequest(self.model, _arguments(), tuple(names), format, clear, reason if clear else "")
        _stop_writing()
        try:
            return self._deliver(export_request)
        except UserError as problem:
            return self._export_page(problem.message)

    def export_url(self, list_url: str) -> str:
        """The address of the export of a list as it is filtered, ordered and laid out."""
        passing = dict.fromkeys(("page", "size", "view"))
        return str(self.get_url(".export", export_type="xlsx", **(_of_list(list_url) | passing)))

    def export_rows(self, record_ids: Sequence[int], list_url: str) -> Any:
        """Export these rows alone, in the order and with the columns of the list. 404 if the actor may not export one
        of them."""
        arguments = _of_list(list_url)
        kept = {name: values for name, values in arguments.items() if name == "sort"}
        _stop_writing()
        try:
            return self._deliver(ExportRequest(self.model, kept, _chosen(arguments), ids=tuple(record_ids)))
        except UserError as problem:
            return self._export_page(problem.message)

    def _deliver(self, export_request: ExportRequest) -> Any:
        """The file, or a redirect to the page of the job that writes a long one."""
        session = current_panel().session
        prepared = requests.prepare(session, export_request, self.quick_filters())
        if requests.count(session, prepared) > requests.MANY_ROWS:
            packed = export_request.to_json()
            mark = sha256(json.dumps(packed, sort_keys=True).encode()).hexdigest()[:32]
            params = {"order": packed, "back": self.get_url(".index_view", **_arguments())}
            title = _("Export {label}", label=self.model.__labels__)
            return redirect(url_for("jobs.show", id_=enqueue(session, "export", params, title=title, mark=mark)), 303)
        target = TemporaryFile()  # noqa: SIM115 - the response closes it
        requests.write(session, prepared, cast(IO[bytes], target))
        return _download(target, prepared)

    def _export_page(self, error: Message | None = None) -> Any:
        """The page as it was filled in, or with the columns ticked that the address says."""
        with granted(current_panel().session, Permission.EXPORT, self.model):
            return self._choices(error)

    def _choices(self, error: Message | None) -> Any:
        panel = current_panel()
        session = panel.session
        actor = actor_of(session)
        masked = panel.policy.sees_masked(actor, self.model)
        query = listing.read(self.model, _arguments(), masked=masked)
        private_numbers.resolve(session, self.model, query)
        where = listing.conditions(session, self.model, query, self.quick_filters(), masked=masked)
        count = listing.counts(session, [(self.model, listing.all_of(where))])[0]
        known = self._columns()
        form = request.form if request.method == "POST" else None
        picked = self._picked(known, query.columns)
        known.sort(key=lambda column: picked.index(column.name) if column.name in picked else len(picked))
        ticked = form.getlist("column") if form is not None else picked
        format_name = form.get("format") if form is not None else ExportFormat.XLSX.value
        arguments = {name: values for name, values in request.args.to_dict(flat=False).items() if name != "pick"}
        page = ExportPage(
            title=_("Export {label}", label=self.model.__labels__),
            sub=n_("{n} record", "{n} records", count),
            picks=[
                Chip(label, self.get_url(".choose_view", **arguments, pick=pick), active=False)
                for pick, label in (("all", _("All")), ("none", _("None of them")), ("list", _("As in the list")))
            ],
            columns=[
                ColumnChoice(
                    column.name,
                    column.label,
                    tidy(form.get(f"at.{column.name}")) if form is not None else str(number),
                    column.name in ticked,
                )
                for number, column in enumerate(known, start=1)
            ],
            formats=[(f.value, f.label, f.value == format_name) for f in FILE_FORMATS],
            may_clear=self.can_export_clear,
            clear=form is not None and form.get("clear") == "1",
            reason=tidy(form.get("reason")) if form is not None else "",
            filter=requests.describe_filters(session, self.model, query, self.quick_filters()),
            error=error,
            cancel_url=self.get_url(".index_view", **arguments),
        )
        return self.render("panel/export.html", page=page), 422 if error else 200

    def _columns(self) -> list[Column]:
        """The columns to choose from: those of the table, then what the list shows besides for the actor."""
        session = current_panel().session
        return columns(self.model) + [c for c in extras(self.model) if c.field and is_seen(session, c.field)]

    def _picked(self, known: Sequence[Column], chosen: Sequence[str]) -> list[str]:
        """The columns to tick, in their order: all, none, those of the list, which are proposed if some are `chosen`
        there, else those of the table."""
        pick = request.args.get("pick") or ("list" if chosen else "own")
        if pick == "list":
            offered = {column.name for column in known}
            return [name for name in list_columns.layout(self.model, chosen).names if name in offered]
        own = {column.name for column in columns(self.model)}
        return [column.name for column in known if pick == "all" or (pick != "none" and column.name in own)]


@kind("export")
def _work(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The job of a long export. The request is checked again with the current permissions and scope."""
    export_request = ExportRequest.from_json(params["order"])
    view = current_panel().views[export_request.model.__tablename__]
    prepared = requests.prepare(session, export_request, view.quick_filters())
    total = requests.count(session, prepared)
    rows = requests.write(session, prepared, context.file(prepared.name), lambda done: context.progress(done, total))
    return {"rows": rows}


def _stop_writing() -> None:
    """End the request's transaction: a long read must not block writers, and the log entry has one of its own."""
    current_panel().session.rollback()
    writing.set(False)


def _chosen(arguments: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The columns that an address chooses."""
    return tuple(name for text in arguments.get("columns", ()) for name in text.split(",") if name)


def _of_list(url: str) -> dict[str, list[str]]:
    return parse_qs(url.partition("?")[2].partition("#")[0])


def _arguments() -> dict[str, list[str]]:
    return request.args.to_dict(flat=False)


def _ticked(form: MultiDict[str, str], known: Sequence[Column]) -> list[str]:
    """Names of the ticked columns, sorted by the positions typed beside them. A column without a valid position keeps
    its own."""
    ticked = set(form.getlist("column"))
    positions = []
    for usual, column in enumerate(known, start=1):
        if column.name in ticked:
            place = ids.number(form.get(f"at.{column.name}"), usual)
            # Of two columns with the same position, the one that was moved there comes first.
            positions.append((place, place == usual, usual, column.name))
    return [name for *_places, name in sorted(positions)]


def _download(target: Any, prepared: PreparedExport) -> Response:
    """The file as a download."""
    target.seek(0)
    already_noted()
    return send_download(target, prepared.name, MIMES[prepared.request.format])
