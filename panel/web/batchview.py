"""Import batches on screen: what became of a file's rows, and its failed rows as a workbook."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import abort, request
from flask_admin.base import expose
from sqlalchemy import select

from panel import exporting
from panel.access import model_of
from panel.plans import Outcome
from panel.records import ImportRow
from panel.text import _
from panel.web import render
from panel.web.context import current_panel
from panel.web.imports import sent
from panel.web.pages import Button, Cell, DetailsPage
from panel.web.views import SchemaView


def table_label(table: str) -> str:
    try:
        return str(model_of(table).__labels__)
    except LookupError:
        return table


class BatchView(SchemaView):
    """Batches; written by imports alone."""

    cells = {"table_name": lambda batch: Cell(table_label(batch.table_name))}

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        page.title = _("Import batch {number}", number=record.id)
        page.sub = f"{record.file_name} · {table_label(record.table_name)}"
        if record.failed_count:
            url = self.get_url(".rejected_view", id=record.id)
            page.buttons.append(Button(_("Download failed rows"), url, "download"))
        page.buttons.append(Button(_("To the list"), f"/admin/{record.table_name}/", primary=True))
        return page

    @expose("/failed/")
    def rejected_view(self) -> Any:
        """The failed rows again, from what the batch kept."""
        batch = self.get_one(request.args.get("id"))
        statement = (
            select(ImportRow)
            .where(ImportRow.batch_id == batch.id, ImportRow.outcome == Outcome.FAILED.value)
            .order_by(ImportRow.id)
        )
        rows = current_panel().session.execute(statement).scalars().all()
        if not rows:
            abort(404)
        target = BytesIO()
        exporting.kept(batch.labels, rows, target)
        return sent(target, _("{name} failed rows", name=batch.file_name.rpartition(".")[0]))


def _record(row: ImportRow) -> Cell:
    if row.record_id is None:
        return Cell()
    table = row.batch.table_name
    return Cell(f"#{row.record_id}", url=render.record_url(table, row.record_id))


def _outcome(row: ImportRow) -> Cell:
    outcome = next((one for one in Outcome if one.value == row.outcome), None)
    return Cell(str(outcome.label), tone=outcome.tone) if outcome else Cell(row.outcome)


class RowView(SchemaView):
    """Imported rows, each with a link to the record it became."""

    cells = {"record_id": _record, "outcome": _outcome}
