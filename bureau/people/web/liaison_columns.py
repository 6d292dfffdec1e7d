"""What the list of liaisons says besides their columns: street, officer and predecessor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from bureau.people.web.cards import may_read
from models import Assignment, Community, Liaison, Officer, Street
from panel.base import display
from panel.i18n import _
from panel.kinds import today
from panel.search.names import NOT_VISIBLE
from panel.web.context import current_panel
from panel.web.pages import Cell
from panel.web.render import record_url
from panel.web.tables.extra import ExtraColumns


def _streets(communities: set[int]) -> dict[int, Cell]:
    if not may_read(Community, Street):
        return {}
    statement = (
        select(Community.id, Street.id, Street.name)
        .join(Street, Street.id == Community.street_id)
        .where(Community.id.in_(communities))
    )
    rows = current_panel().session.execute(statement)
    return {community: Cell(name, url=record_url("street", street)) for community, street, name in rows}


def _officers(communities: set[int]) -> dict[int, Cell]:
    """The officer who works for each community today, by its id: the substitute before the one assigned."""
    if not may_read(Assignment, Officer):
        return {}
    lasting = or_(Assignment.end_on.is_(None), Assignment.end_on >= today())
    statement = (
        select(Assignment.community_id, Officer.id, Officer.name)
        .join(Officer, Officer.id == Assignment.officer_id)
        .where(Assignment.community_id.in_(communities), Assignment.start_on <= today(), lasting)
        .order_by(Assignment.substitute, Assignment.id)
    )
    rows = current_panel().session.execute(statement)
    return {community: Cell(name, url=record_url("officer", officer)) for community, officer, name in rows}


def _predecessors(liaisons: Sequence[Any], communities: set[int]) -> dict[int, Cell]:
    """The liaison of the same community who began last before each, by the id of the successor."""
    columns = (Liaison.id, Liaison.community_id, Liaison.name, Liaison.start_on)
    statement = select(*columns).where(Liaison.community_id.in_(communities)).order_by(Liaison.start_on, Liaison.id)
    terms = current_panel().session.execute(statement).all()
    found = {}
    for liaison in liaisons:
        began = (liaison.start_on, liaison.id)
        before = [t for t in terms if t.community_id == liaison.community_id and (t.start_on, t.id) < began]
        if before:
            found[liaison.id] = Cell(before[-1].name, url=record_url("liaison", before[-1].id))
    return found


def _cells(liaisons: Sequence[Any]) -> list[list[Cell]]:
    """Three statements, however many liaisons."""
    communities = {liaison.community_id for liaison in liaisons}
    streets, at_work, before = _streets(communities), _officers(communities), _predecessors(liaisons, communities)
    rows = []
    for liaison in liaisons:
        has_left = liaison.end_on is not None and liaison.end_on < today()
        officer = Cell() if has_left else at_work.get(liaison.community_id, Cell())
        rows.append([streets.get(liaison.community_id, Cell()), officer, before.get(liaison.id, Cell())])
    return rows


def community_cell(liaison: Any) -> Cell:
    """The community of a liaison, as a link to it."""
    if liaison.community is None:
        return Cell(str(NOT_VISIBLE))
    return Cell(display(liaison.community), url=record_url("community", liaison.community_id))


OF_LIAISON = ExtraColumns(
    "community",
    (("street", _("Street")), ("assigned_officer", _("Officer")), ("predecessor", _("Predecessor"))),
    _cells,
)
