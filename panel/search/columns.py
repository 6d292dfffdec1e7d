"""The columns of a list: which a reader may choose, and which are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from panel.base import Base
from panel.fields import Field, all_fields
from panel.kinds import Data
from panel.search import extra_columns
from panel.search.listing import Query
from panel.security.policy import Permission, model_of
from panel.security.session import actor_of, policy_of


@dataclass(frozen=True, slots=True)
class Layout:
    """The shown fields: `columns` of their own, and those in grey `below` one of them."""

    columns: list[Field]
    below: list[Field]

    @property
    def names(self) -> list[str]:
        """In the order in which they are chosen: what stands below a column follows it."""
        return [f.name for column in self.columns for f in (column, *self.below_of(column))]

    def below_of(self, column: Field) -> list[Field]:
        return [f for f in self.below if f.below == column.name]


def choosable(session: Session, model: type[Base]) -> list[Field]:
    """The fields that the actor may have as columns, extra ones too: without structured data, and references to tables
    of which they may not even see names."""
    policy, actor = policy_of(session), actor_of(session)
    return [
        f
        for f in extra_columns.among(model, all_fields(model))
        if not isinstance(f.kind, Data)
        and extra_columns.is_seen(session, f)
        and (f.target is None or policy.may(actor, Permission.CHOOSE, model_of(f.target)))
    ]


def drop_unseen(session: Session, model: type[Base], query: Query) -> None:
    """Move the columns that the actor may not choose from `query.columns` to `query.unknown`."""
    seen = {f.name for f in choosable(session, model)}
    query.unknown += [name for name in query.columns if name not in seen]
    query.columns = tuple(name for name in query.columns if name in seen)
    query.widths = {name: width for name, width in query.widths.items() if name in seen}
    if query.columns == tuple(usual(model).names):
        query.columns = ()


def usual(model: type[Base]) -> Layout:
    """The layout without a choice, as it is declared."""
    listed = [f for f in extra_columns.among(model, all_fields(model)) if f.listed and not isinstance(f.kind, Data)]
    return Layout([f for f in listed if f.below is None], [f for f in listed if f.below is not None])


def layout(model: type[Base], names: Sequence[str]) -> Layout:
    """The layout for these columns, the usual one for none. A field that is declared to stand below another one does so
    if it is chosen right after it; elsewhere it has a column of its own."""
    if not names:
        return usual(model)
    known = {f.name: f for f in (*all_fields(model), *extra_columns.of(model))}
    result = Layout([], [])
    for name in names:
        is_below = bool(result.columns) and known[name].below == result.columns[-1].name
        (result.below if is_below else result.columns).append(known[name])
    return result
