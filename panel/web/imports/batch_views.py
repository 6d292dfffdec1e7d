"""Screens of import batches and their rows; download of failed rows; undo."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin.base import expose
from sqlalchemy import select

from panel.errors import UserError
from panel.exports import workbooks
from panel.fields import fields
from panel.i18n import Message, _, n_
from panel.imports.plans import Outcome
from panel.imports.records import ImportBatch, ImportRow, ImportUndo
from panel.imports.undo import import_undo
from panel.imports.undo.undo_plan import UndoPlan
from panel.jobs import worker
from panel.security.policy import AccessDenied, model_of
from panel.web import render
from panel.web.context import current_panel
from panel.web.downloads import noting
from panel.web.imports import batch_result, undo_page
from panel.web.imports.upload import send_workbook
from panel.web.pages import Button, Cell, DetailsPage, Group
from panel.web.views import SchemaView

#: Rows that an undo left, as shown on the page of the batch.
LEFT_SHOWN = 50


def table_label(table: str) -> str:
    try:
        return str(model_of(table).__labels__)
    except LookupError:
        return table


def _table(batch: ImportBatch) -> Cell:
    cell = Cell(table_label(batch.table_name))
    if batch.undo is not None:
        cell.below.append(str(_("taken back")))
    return cell


class BatchView(SchemaView):
    """Import batches. Only imports write them."""

    cells = {"table_name": _table}

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        page.title = _("Import batch {number}", number=record.id)
        page.sub = f"{record.file_name} · {table_label(record.table_name)}"
        panel = current_panel()
        if record.undo is not None:
            page.tag = Cell(str(_("taken back")), tone="warn")
            page.groups.append(_undone(record.undo))
        elif import_undo.refusal(panel.session, record, panel.registry) is None:
            page.buttons.append(Button(_("Undo import…"), self.get_url(".undo_view", id=record.id), "undo"))
        if record.failed_count:
            url = self.get_url(".rejected_view", id=record.id)
            page.buttons.append(Button(_("Download failed rows"), url, "download"))
        page.related[:0] = batch_result.tables(record)
        page.buttons.append(Button(_("To the list"), f"/admin/{record.table_name}/", primary=True))
        return page

    @expose("/failed/")
    def rejected_view(self) -> Any:
        """Download the failed rows that the batch has stored."""
        batch = self.get_one(request.args.get("id"))
        statement = (
            select(ImportRow)
            .where(ImportRow.batch_id == batch.id, ImportRow.outcome == Outcome.FAILED.value)
            .order_by(ImportRow.id)
        )
        rows = [row for row in current_panel().session.execute(statement).scalars() if row.cells is not None]
        if not rows:
            abort(404)
        target = BytesIO()
        workbooks.write_stored_failed_rows(batch.labels, rows, target)
        noting(batch.table_name, len(rows))
        return send_workbook(target, _("{name} failed rows", name=batch.file_name.rpartition(".")[0]))

    @expose("/undo/", methods=("GET", "POST"))
    def undo_view(self) -> Any:
        """Show the plan of the undo; undo when it is confirmed and the plan hasn't changed. Many rows are undone by a
        job: a request that may write holds the lock from its beginning."""
        batch, panel = self.get_one(request.values.get("id")), current_panel()
        if request.method == "POST" and undo_page.is_large(batch):
            return self._undo_later(batch)
        undo_plan = import_undo.plan(panel.session, batch, panel.registry)
        if undo_plan.refusal is not None and undo_plan.refusal == AccessDenied().message:
            abort(403)
        if request.method == "GET":
            return self._undo_page(undo_plan)
        if undo_plan.refusal is None and undo_plan.digest() != request.form.get("digest"):
            return self._undo_page(
                undo_plan,
                _("Something has changed since you looked. Nothing was taken back; this is how it stands now."),
            )
        left = sum(not unit.alone for unit in undo_plan.staying)
        try:
            count = import_undo.run(panel.session, undo_plan, panel.registry)
        except UserError as problem:
            return self._undo_page(import_undo.plan(panel.session, batch, panel.registry), problem.message)
        done = n_("{n} row taken back.", "{n} rows taken back.", count)
        rest = n_("{n} row was left as it is.", "{n} rows were left as they are.", left)
        flash(f"{done} {rest}" if left else str(done), "success")
        return redirect(self.get_url(".details_view", id=batch.id))

    def _undo_later(self, batch: ImportBatch) -> Any:
        panel = current_panel()
        refusal = import_undo.refusal(panel.session, batch, panel.registry)
        if refusal == AccessDenied().message:
            abort(403)
        if refusal is not None:
            return self._undo_page(UndoPlan(batch, refusal))
        back = self.get_url(".undo_view", id=batch.id)
        params = {"batch": batch.id, "digest": request.form.get("digest", ""), "back": back}
        title = _("Undo import {number}", number=batch.id)
        job = worker.enqueue(panel.session, "import.undo", params, title=title, mark=f"undo.{batch.id}")
        return redirect(url_for("jobs.show", id_=job))

    def _undo_page(self, undo_plan: UndoPlan, message: Message | None = None) -> Any:
        if message is not None and message != undo_plan.refusal:
            flash(str(message), "warning")
        return self.render("panel/undo.html", page=undo_page.build(self, undo_plan)), 409 if message else 200


def _undone(undo: ImportUndo) -> Group:
    """The facts of an undo, with the rows that it left and why."""
    group = Group(_("Taken back"))
    for declared in fields(ImportUndo):
        if declared.name != "batch":
            group.facts.append((declared.label, render.cell(declared, undo), False))
    if undo.stayed:
        lines = [
            str(_("Row {row}: {reason}", row=number, reason=reason)) for _s, number, _t, _id, reason in undo.stayed
        ]
        more = len(lines) - LEFT_SHOWN
        if more > 0:
            lines = [*lines[:LEFT_SHOWN], str(n_("and {n} more", "and {n} more", more))]
        group.facts.append((_("Why rows were left"), Cell(lines[0], below=lines[1:]), True))
    return group


def _record(row: ImportRow) -> Cell:
    if row.record_id is None:
        return Cell()
    table = row.batch.table_name
    return Cell(f"#{row.record_id}", url=render.record_url(table, row.record_id))


def _outcome(row: ImportRow) -> Cell:
    outcome = next((member for member in Outcome if member.value == row.outcome), None)
    return Cell(str(outcome.label), tone=outcome.tone) if outcome else Cell(row.outcome)


class RowView(SchemaView):
    """Imported rows, each with a link to the record it became."""

    cells = {"record_id": _record, "outcome": _outcome}
