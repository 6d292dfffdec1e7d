"""What became of an import, on the page of its batch: the rows that failed, the people whose terms it ended, and the
remarks at its rows, such as officers who weren't assigned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from flask import url_for
from sqlalchemy import case, func, or_, select

from panel.i18n import _
from panel.imports.plans import Outcome
from panel.imports.records import ImportBatch, ImportRow
from panel.search.names import NOT_VISIBLE, visible_names
from panel.security.policy import Permission, model_of
from panel.web import render
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell, Column, Related, Row

#: Rows that each table shows; the list of imported rows has the others.
SHOWN = 20
#: Rows that are looked through for people whose terms ended.
SEARCHED = 5_000

#: Number of the row in the file, table and id of the person's record.
Ended = tuple[int, str, int]


def tables(batch: ImportBatch) -> list[Related]:
    """The tables for the page of a batch, without those that would be empty."""
    panel = current_panel()
    if batch.table_name not in panel.views or not panel.policy.may(current_actor(), Permission.READ, ImportRow):
        return []
    failed, remarks = _rows(batch)
    return [table for table in (failed, _people(batch), remarks) if table.rows]


def _list_url(batch: ImportBatch, outcome: str | None = None) -> str:
    return url_for("importrow.index_view", batch=batch.id, outcome=outcome)


def _rows(batch: ImportBatch) -> tuple[Related, Related]:
    """The rows that failed, and the remarks at the others. One statement."""
    failed = case((ImportRow.outcome == Outcome.FAILED.value, 1), else_=0)
    columns = (ImportRow.id, ImportRow.sheet, ImportRow.number, ImportRow.record_id, ImportRow.reason)
    nth = func.row_number().over(partition_by=failed, order_by=ImportRow.id).label("nth")
    count = func.count().over(partition_by=failed).label("count")
    told = (
        select(*columns, failed.label("failed"), nth, count)
        .where(ImportRow.batch_id == batch.id, ImportRow.reason.is_not(None))
        .subquery()
    )
    headings = [Column("number", _("Excel row")), Column("reason", _("Reason"), wide=True)]
    both = (
        Related(_("Remarks"), 0, _list_url(batch), headings, []),
        Related(_("Not imported"), 0, _list_url(batch, Outcome.FAILED.value), headings, []),
    )
    for row in current_panel().session.execute(select(told).where(told.c.nth <= SHOWN).order_by(told.c.id)):
        url = render.record_url(batch.table_name, row.record_id) if row.record_id is not None else None
        place = Cell(str(row.number), below=[row.sheet] if len(batch.labels) > 1 else [])
        both[row.failed].rows.append(Row(row.id, url or "", [place, Cell(row.reason)]))
        both[row.failed].count = row.count
    return both[1], both[0]


def _people(batch: ImportBatch) -> Related:
    people = list(_ended(batch))
    names = visible_names(current_panel().session, _ids(people[:SHOWN]))
    rows = []
    for number, table, id_ in people[:SHOWN]:
        name = names.get((table, id_))
        url = render.record_url(table, id_) if name else None
        rows.append(Row(id_, url or "", [Cell(name or str(NOT_VISIBLE)), Cell(str(number))]))
    columns = [Column("name", _("Person's name")), Column("number", _("Excel row"))]
    return Related(_("People who left"), len(people), _list_url(batch), columns, rows)


def _ended(batch: ImportBatch) -> Iterator[Ended]:
    """The people whose terms the rows of a batch ended."""
    statement = (
        select(ImportRow.number, ImportRow.record_id, ImportRow.before, ImportRow.besides)
        .where(ImportRow.batch_id == batch.id, or_(ImportRow.before.is_not(None), ImportRow.besides.is_not(None)))
        .order_by(ImportRow.id)
        .limit(SEARCHED)
    )
    for row in current_panel().session.execute(statement):
        if row.record_id is not None and row.before and _ends(batch.table_name, row.before):
            yield row.number, batch.table_name, row.record_id
        for table, id_, _version, before, _alone in row.besides or ():
            if before and _ends(table, before):
                yield row.number, table, id_


def _ends(table: str, before: Mapping[str, Any]) -> bool:
    return current_panel().registry.rules_of(model_of(table)).ends(before)


def _ids(people: Collection[Ended]) -> dict[str, set[int]]:
    ids: dict[str, set[int]] = defaultdict(set)
    for _number, table, id_ in people:
        ids[table].add(id_)
    return ids
