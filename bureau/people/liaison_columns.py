"""What the list of liaisons says besides their columns: street, officer and predecessor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from models import Assignment, Community, Liaison, Officer, Street
from panel.base import Base
from panel.i18n import _
from panel.kinds import today
from panel.search import order
from panel.search.extra_columns import ExtraColumn, Value


def _streets(session: Session, ids: Sequence[int]) -> dict[int, Value]:
    statement = (
        select(Liaison.id, Street.id, Street.name)
        .join(Community, Community.id == Liaison.community_id)
        .join(Street, Street.id == Community.street_id)
        .where(Liaison.id.in_(ids))
    )
    return {id_: Value(name, "street", street) for id_, street, name in session.execute(statement)}


def _at_work(liaison: Any) -> ColumnElement[bool]:
    """The condition that an assignment is today's one of the community of a liaison who hasn't left."""
    lasting = or_(Assignment.end_on.is_(None), Assignment.end_on >= today())
    in_office = or_(liaison.end_on.is_(None), liaison.end_on >= today())
    same = Assignment.community_id == liaison.community_id
    return and_(same, Assignment.start_on <= today(), lasting, in_office)


def _officers(session: Session, ids: Sequence[int]) -> dict[int, Value]:
    """The officer who works for the community today: the substitute before the one assigned."""
    statement = (
        select(Liaison.id, Officer.id, Officer.name)
        .join(Assignment, _at_work(Liaison))
        .join(Officer, Officer.id == Assignment.officer_id)
        .where(Liaison.id.in_(ids))
        .order_by(Assignment.substitute, Assignment.id)
    )
    return {id_: Value(name, "officer", officer) for id_, officer, name in session.execute(statement)}


def _by_officer(model: type[Base]) -> Any:
    return (
        select(Officer.name_key)
        .join(Assignment, Assignment.officer_id == Officer.id)
        .where(_at_work(model))
        .order_by(Assignment.substitute.desc(), Assignment.id.desc())
        .limit(1)
        .correlate(model)
        .scalar_subquery()
    )


def _predecessors(session: Session, ids: Sequence[int]) -> dict[int, Value]:
    """The liaison of the same community who began last before each."""
    before = aliased(Liaison)
    earlier = or_(before.start_on < Liaison.start_on, and_(before.start_on == Liaison.start_on, before.id < Liaison.id))
    statement = (
        select(Liaison.id, before.id, before.name)
        .join(before, and_(before.community_id == Liaison.community_id, earlier))
        .where(Liaison.id.in_(ids))
        .order_by(before.start_on, before.id)
    )
    return {id_: Value(name, "liaison", other) for id_, other, name in session.execute(statement)}


#: Behind the community.
OF_LIAISON = (
    ExtraColumn(
        name="street",
        label=_("Street"),
        after="community",
        values=_streets,
        order=lambda model: order.along(model, "community", "street"),
        reads=(Community, Street),
    ),
    ExtraColumn(
        name="assigned_officer",
        label=_("Officer"),
        after="community",
        values=_officers,
        order=_by_officer,
        reads=(Assignment, Officer),
    ),
    ExtraColumn(name="predecessor", label=_("Predecessor"), after="community", values=_predecessors),
)
