"""What lists of records about cases say of each case: where it is and what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import Case
from panel.base import display
from panel.fields import field_named
from panel.i18n import _
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell
from panel.web.render import is_masked_in, record_url, text_of
from panel.web.tables.extra import ExtraColumns

#: Characters of the title of a case that has no item.
LENGTH = 36


def case_cell(record: Any) -> Cell:
    """The number of a record's case, as a link to it, above what it is about."""
    if record.case is None:
        return Cell(str(NOT_VISIBLE))
    case = _case_of(record)
    below = [words] if case is not None and (words := _matter(case)) else []
    return Cell(display(record.case), url=record_url("case", record.case_id), below=below)


def _case_of(record: Any) -> Case | None:
    """The case of a record with its community and item. One statement for all records of its table that are loaded."""
    panel, known = current_panel(), g.setdefault("cases_of_rows", {})
    if record.case_id not in known:
        loaded = [other for other in panel.session.identity_map.values() if type(other) is type(record)]
        known |= {other.case_id: None for other in loaded}
        if panel.policy.may(current_actor(), Permission.READ, Case):
            statement = (
                select(Case)
                .where(Case.id.in_({other.case_id for other in loaded}))
                .options(joinedload(Case.community), joinedload(Case.item))
                .execution_options(populate_existing=True)
            )
            known |= {case.id: case for case in panel.session.execute(statement).scalars()}
    case: Case | None = known[record.case_id]
    return case


def _matter(case: Case) -> str:
    """The item of a case, or its title before it has one."""
    if words := display(case.item) if case.item is not None else case.item_name:
        return words
    title = field_named(Case, "title")
    assert title is not None
    return (case.title or "")[:LENGTH] if not is_masked_in(title, case) else ""


def _place(case: Case) -> Cell:
    place = field_named(Case, "place")
    assert place is not None
    cell = Cell(str(NOT_VISIBLE))
    if case.community is not None:
        cell = Cell(display(case.community), url=record_url("community", case.community_id))
    cell.below = [text] if (text := text_of(place, case)) else []
    return cell


def _places(records: Sequence[Any]) -> list[list[Cell]]:
    return [[_place(case)] if (case := _case_of(record)) is not None else [Cell()] for record in records]


#: Behind the column with the case.
PLACE_OF_CASE = ExtraColumns("case", (("case_place", _("Place")),), _places)
