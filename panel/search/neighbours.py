"""The records before and after one in a list, by the list's filters and order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, asc, desc, or_, select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.search import order
from panel.search.listing import Query


def neighbours(
    session: Session, model: type[Base], where: Sequence[ColumnElement[bool]], query: Query, id_: int
) -> tuple[int | None, int | None]:
    """The ids of the records before and after record `id_` in the list of `where`, in the order of `query`; None at its
    ends. The record itself needn't meet the conditions any more: an edit may have taken it out of the list.

    Three statements, which read as many rows as lie between the record and its neighbours, whatever the list's size."""
    column, downwards = order.order(model, query.sort)
    found = session.execute(select(column).where(model.id == id_)).first()
    if found is None:
        return None, None
    conditions = [_beyond(session, model, (column, found[0], id_), upwards=up) for up in (downwards, not downwards)]
    before, after = (
        session.execute(
            select(model.id).where(*where, beyond).order_by(direction(column), direction(model.id)).limit(1)
        ).scalar_one_or_none()
        for beyond, direction in zip(conditions, (asc, desc) if downwards else (desc, asc), strict=True)
    )
    return before, after


def _beyond(
    session: Session, model: type[Base], of_record: tuple[Any, Any, int], *, upwards: bool
) -> ColumnElement[bool]:
    """The condition for records with a larger value (and id among equals) than this one, or with a smaller one.
    `of_record` is the column, and the record's value and id."""
    column, value, id_ = of_record
    past_id = model.id > id_ if upwards else model.id < id_
    # SQLite sorts empty values as the smallest, PostgreSQL as the largest.
    towards_empty = upwards != (session.connection().dialect.name == "sqlite")
    if getattr(column, "key", "") == "id":
        return past_id
    if value is None:
        beyond = and_(column.is_(None), past_id)
        return beyond if towards_empty else or_(beyond, column.is_not(None))
    # The first condition says nothing that the second doesn't, but an index can follow it.
    reach, past = (column >= value, column > value) if upwards else (column <= value, column < value)
    beyond = and_(reach, or_(past, past_id))
    return or_(beyond, column.is_(None)) if towards_empty and _may_be_empty(model, column) else beyond


def _may_be_empty(model: type[Base], column: Any) -> bool:
    stored = model.__table__.c.get(getattr(column, "key", None) or "")
    return stored is None or bool(stored.nullable)
