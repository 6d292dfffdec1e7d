"""The search for a whole private telephone, such as a caller's: it finds the records that it belongs to by its keyed
hash, for those alone who may see it in clear, within the area in which they may.

Private telephones are those of a table with a keyed hash beside them; a search of that table's parent finds by them.
A number is never part of an address: the box is posted, and the address gets it sealed, for this account and some
hours. Whether it was counted and answered (panel/security/comparisons.py) is sealed too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from panel.base import Base, Via
from panel.fields import Field, Personal, fields
from panel.i18n import Message, _
from panel.kinds import Invalid, Mobile, now
from panel.kinds.encrypted import ring_of
from panel.search import listing
from panel.search.listing import Query
from panel.security.granted import granted
from panel.security.policy import Permission, parent
from panel.security.session import actor_of, keyed_hash, policy_of

#: How long an address shows what a number finds.
LASTS = timedelta(hours=12)
_MARK = "private number"

ENDED = _("The search for this number has ended. Type the number in the search box again.")
SPENT = _("You have searched for as many telephone numbers as are allowed in a day. Search by place or case number.")


@dataclass(frozen=True, slots=True)
class Holder:
    """A private telephone by which records are found: its table, its field, and the column that leads to the record."""

    model: type[Base]
    field: Field
    link: str

    @property
    def hash(self) -> Any:
        return getattr(self.model, f"{self.field.attr}_hash")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What an address holds sealed."""

    number: str
    answered: bool


def holders(model: type[Base]) -> Iterator[Holder]:
    """The private telephones by which the records of a table are found: those of the tables that belong to it."""
    for mapper in Base.registry.mappers:
        below = mapper.class_
        path = below.__scope__ if "__scope__" in vars(below) else None
        if isinstance(path, Via) and parent(below) is model:
            for field in fields(below):
                private = field.personal is Personal.PRIVATE and isinstance(field.kind, Mobile)
                if private and hasattr(below, f"{field.attr}_hash"):
                    yield Holder(below, field, path.attr)


def whole(model: type[Base], words: str) -> str | None:
    """The complete number that the words are, as it is stored; None for anything else, and for tables that aren't
    searched by one."""
    if not re.search(r"\d{3}", words):
        return None
    for holder in holders(model):
        try:
            return holder.field.kind.parse(words)  # type: ignore[no-any-return]
        except Invalid:
            continue
    return None


def may(session: Session, model: type[Base]) -> bool:
    """Whether the actor may see private telephones of some records in clear. The answer depends on no number."""
    policy, actor = policy_of(session), actor_of(session)
    return any(policy.may(actor, Permission.REVEAL, holder.model) for holder in holders(model))


def seal(session: Session, number: str, *, answered: bool) -> str:
    """The number for an address."""
    text = f"{_MARK}:{actor_of(session).user_id}:{int(now().timestamp())}:{int(answered)}:{number}"
    return ring_of(session.get_bind().dialect).encrypt(text)


def _opened(session: Session, token: str) -> Sealed | None:
    """What was sealed for this account a while ago at most; None for anything else."""
    try:
        text = ring_of(session.get_bind().dialect).decrypt(token)
    except LookupError:
        return None
    match = re.fullmatch(rf"{_MARK}:(\d+):(\d+):([01]):(.+)", text)
    if match is None or int(match[1]) != actor_of(session).user_id:
        return None
    if now().timestamp() - int(match[2]) > LASTS.total_seconds():
        return None
    return Sealed(match[4], match[3] == "1")


def resolve(session: Session, model: type[Base], query: Query) -> None:
    """Fill in what the sealed number of a query means: the condition, its masked form, and what there is to say. One
    that can't be opened finds nothing."""
    if not query.sealed:
        return
    sealed = _opened(session, query.sealed)
    if sealed is None:
        query.sealed_note = ENDED
        return
    query.sealed_number = sealed.number
    query.sealed_shown = next((h.field.kind.mask(sealed.number) for h in holders(model)), "")
    masked = policy_of(session).sees_masked(actor_of(session), model)
    words = listing.search(session, model, sealed.number, masked=masked)
    where: list[ColumnElement[bool]] = [listing.all_of(words)] if words else []
    if sealed.answered:
        where.append(model.id.in_(found(session, model, sealed.number)))
    elif may(session, model):
        query.sealed_note = SPENT
    query.sealed_where = or_(false(), *where)


def found(session: Session, model: type[Base], number: str) -> set[int]:
    """The ids of the records that a number belongs to, where the actor may see it in clear. A statement for each table
    with such numbers; none without the right."""
    ids: set[int] = set()
    for holder in holders(model):
        if policy_of(session).may(actor_of(session), Permission.REVEAL, holder.model):
            digest = keyed_hash(number, session.info.get("secret", ""))
            with granted(session, Permission.REVEAL, holder.model):
                ids |= set(
                    session.execute(select(getattr(holder.model, holder.link)).where(holder.hash == digest)).scalars()
                )
    return ids


def message(shown: str) -> Message:
    """What a chip says of the search."""
    return _("{label}: {value}", label=_("Telephone"), value=shown)
