"""A search through many tables at once, inside the reader's scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from panel.base import Base, display
from panel.fields import Personal, fields
from panel.search import listing, names, order, private_numbers
from panel.search.listing import Query
from panel.security.session import actor_of, policy_of

#: Records of a table that are shown; whether there are more is told.
MOST = 5
#: Characters of what is told about a record.
ABOUT = 60


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found: its name, and what tells more about it."""

    id: int
    name: str
    about: str


@dataclass(slots=True)
class Hits:
    """What a table has. `more`: there is more than what is listed."""

    model: type[Base]
    found: list[Hit] = field(default_factory=list)
    more: bool = False


def find(session: Session, models: Iterable[type[Base]], words: str, sealed: str = "") -> list[Hits]:
    """The first records of each table in which the words occur, or that a sealed number finds, in the order of its
    list. One statement a table; none without a word."""
    policy, actor = policy_of(session), actor_of(session)
    result = []
    for model in models:
        query = Query(search=words, sealed=sealed)
        private_numbers.resolve(session, model, query)
        where = listing.conditions(session, model, query, {}, masked=policy.sees_masked(actor, model))
        if not where:
            continue
        column, downwards = order.order(model, "")
        statement = _with_names(model).where(*where)
        statement = statement.order_by(column.desc() if downwards else column, model.id.desc()).limit(MOST + 1)
        records = list(session.execute(statement).unique().scalars())
        if records:
            hits = [_hit(record) for record in records[:MOST]]
            result.append(Hits(model, hits, len(records) > MOST))
    return result


def opened(session: Session, places: Sequence[tuple[type[Base], int]]) -> list[tuple[type[Base], Hit]]:
    """These records, as far as the reader still sees them, in their order. One statement a table."""
    found: dict[tuple[type[Base], int], Hit] = {}
    for model in dict.fromkeys(model for model, _id in places):
        wanted = [id_ for of, id_ in places if of is model]
        for record in session.execute(_with_names(model).where(model.id.in_(wanted))).unique().scalars():
            found[model, record.id] = _hit(record)
    return [(model, found[model, id_]) for model, id_ in places if (model, id_) in found]


def _shown_references(model: type[Base]) -> list[Any]:
    """The references that are told about a record: those of its key, and those that a search follows."""
    wanted = {f.name for f in names.key_references(model)}
    return [f for f in fields(model) if f.reference and (f.name in wanted or f.name in model.__found_by__)]


def _with_names(model: type[Base]) -> Any:
    related = {f.name for f in _shown_references(model)} | set(model.__display__)
    loaded = [getattr(model, name) for name in related if name in model.__mapper__.relationships]
    return select(model).options(*(joinedload(attribute) for attribute in loaded))


def _hit(record: Any) -> Hit:
    model = type(record)
    told = [display(target) for f in _shown_references(model) if (target := getattr(record, f.name)) is not None]
    for f in fields(model):
        plain = f.search and not f.reference and f.personal is Personal.NO and f.name not in model.__display__
        if plain and (value := getattr(record, f.attr)):
            told.append(f.kind.format(value))
    about = " · ".join(" ".join(text.split()) for text in told)
    return Hit(record.id, display(record) or f"#{record.id}", about if len(about) <= ABOUT else f"{about[:ABOUT]}…")
