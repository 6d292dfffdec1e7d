"""What lists of records about cases say of each case besides: where it is and what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import Case
from panel.base import Base, display
from panel.fields import field_named
from panel.i18n import _
from panel.search import order
from panel.search.extra_columns import ExtraColumn, Value
from panel.search.names import NOT_VISIBLE
from panel.security.masking import is_masked
from panel.security.session import actor_of, policy_of

#: Characters of the title of a case that has no item.
LENGTH = 36


def _text(session: Session, case: Case, name: str) -> str:
    """A text of a case, masked if the reader sees some cases so."""
    field = field_named(Case, name)
    assert field is not None
    value = getattr(case, name) or ""
    hidden = policy_of(session).sees_masked(actor_of(session), Case)
    return field.kind.mask(value) if value and is_masked(field, hidden=hidden) else value


def _place(session: Session, case: Case) -> Value:
    place = _text(session, case, "place")
    if case.community is None:
        return Value(str(NOT_VISIBLE), below=place)
    return Value(display(case.community), "community", case.community_id, place)


def _matter(session: Session, case: Case) -> Value:
    """The item of a case, or its title before it has one."""
    item = display(case.item) if case.item is not None else case.item_name
    return Value(item or _text(session, case, "title")[:LENGTH])


def _told(
    model: Any, tell: Callable[[Session, Case], Value]
) -> Callable[[Session, Sequence[int]], Mapping[int, Value]]:
    """What is told of the case of each record. One statement."""

    def values(session: Session, ids: Sequence[int]) -> dict[int, Value]:
        statement = (
            select(model.id, Case)
            .join(Case, Case.id == model.case_id)
            .where(model.id.in_(ids))
            .options(joinedload(Case.community), joinedload(Case.item))
            .execution_options(populate_existing=True)
        )
        return {id_: tell(session, case) for id_, case in session.execute(statement)}

    return values


def of_cases(model: type[Base]) -> tuple[ExtraColumn, ...]:
    """The columns for a table of records about cases, behind the case. What it is about stands below its number; as a
    column of its own it is chosen."""
    return (
        ExtraColumn(
            name="case_place",
            label=_("Place"),
            after="case",
            values=_told(model, _place),
            order=lambda entity: order.along(entity, "case", "community"),
            reads=(Case,),
        ),
        ExtraColumn(
            name="case_matter",
            label=_("Matter"),
            after="case",
            values=_told(model, _matter),
            reads=(Case,),
            usual=False,
        ),
    )
