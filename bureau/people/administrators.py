"""Accounts of administrators belong to nobody of a roster: no form, import or command links one to a person, so that no
roster decides what becomes of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Liaison, Officer
from panel.errors import UserError
from panel.imports.plans import Plan, PlanRow
from panel.security.policy import table_of
from panel.security.separation import BELONGS_TO_ADMINISTRATOR, administrators_among
from panel.security.watches import Watch


def fail_rows(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Fail the rows of a roster that name the account of an administrator for somebody who hasn't got it."""
    named = {row: id_ for row in rows if isinstance(id_ := row.values.get("user_id"), int)}
    found = administrators_among(session, set(named.values()))
    for row, id_ in named.items():
        if id_ in found and row.stored.get("user_id") != id_:
            plan.fail(row, "user", BELONGS_TO_ADMINISTRATOR)


def _refuse(model: type[Liaison] | type[Officer], session: Session, ids: Collection[int]) -> None:
    columns = table_of(model).c
    linked = select(columns.user_id).where(columns.id.in_(ids), columns.user_id.is_not(None))
    if administrators_among(session, set(session.connection().execute(linked).scalars())):
        raise UserError(BELONGS_TO_ADMINISTRATOR)


WATCHES = tuple(
    Watch(model, frozenset({"user_id"}), partial(_refuse, model), rows=True) for model in (Liaison, Officer)
)
