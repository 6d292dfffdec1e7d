"""The cell of a case in lists of records about cases: its number above what it is about."""

from __future__ import annotations

from typing import Any

from flask import g
from sqlalchemy import inspect, select
from sqlalchemy.orm import joinedload

from bureau.cases.web.place_columns import LENGTH
from models import Case
from panel.base import display
from panel.fields import field_named
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell
from panel.web.render import is_masked_in, record_url


def case_cell(record: Any) -> Cell:
    """The number of a record's case, as a link to it, above what it is about."""
    if record.case is None:
        return Cell(str(NOT_VISIBLE))
    case = _case_of(record)
    below = [words] if case is not None and (words := _matter(case)) else []
    return Cell(display(record.case), url=record_url("case", record.case_id), below=below)


def _case_of(record: Any) -> Case | None:
    """The case of a record with its item. One statement for all records of its table that are loaded, none if the
    column of their places has read the cases."""
    panel, known = current_panel(), g.setdefault("cases_of_rows", {})
    if record.case_id not in known:
        loaded = panel.session.identity_map.values()
        known |= {other.case_id: None for other in loaded if type(other) is type(record)}
        if panel.policy.may(current_actor(), Permission.READ, Case):
            known |= {
                case.id: case
                for case in loaded
                if type(case) is Case and case.id in known and "item" not in inspect(case).unloaded
            }
            if missing := [id_ for id_, case in known.items() if case is None]:
                with_item = select(Case).where(Case.id.in_(missing)).options(joinedload(Case.item))
                cases = panel.session.execute(with_item, execution_options={"populate_existing": True}).scalars()
                known |= {case.id: case for case in cases}
    case: Case | None = known[record.case_id]
    return case


def _matter(case: Case) -> str:
    """The item of a case, or its title before it has one."""
    if words := display(case.item) if case.item is not None else case.item_name:
        return words
    title = field_named(Case, "title")
    assert title is not None
    return (case.title or "")[:LENGTH] if not is_masked_in(title, case) else ""
