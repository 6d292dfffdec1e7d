"""Likely repeats of a case: the same place and item, the same complainant, or a similar description in the community.

The search is unscoped, since whether a matter was reported before doesn't depend on who asks. Of the cases outside the
actor's area only the number is shown. Telephones are compared when they are stored, not while they are typed; for
accounts that may not see those of others each counts, with a limit a day (panel/security/comparisons.py)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import False_

from bureau.checklists import items
from bureau.settings import settings
from models import ENDED, Case, CaseParty, CaseStatus, PartyRole
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import narrow
from panel.security import comparisons
from panel.security.policy import Permission, table_of
from panel.security.session import actor_of, keyed_hash, policy_of
from panel.security.watches import Watch

#: The newest cases of a community whose descriptions are compared.
COMPARED = 400
#: Likely repeats that are shown.
SHOWN = 5
#: Least similarity of two descriptions: in general, with the same item, with the same place or complainant.
SIMILAR, SIMILAR_SAME_ITEM, SIMILAR_SAME_PLACE = 0.38, 0.2, 0.12
#: Cases in these states are no repeats: they were not handled, or are merged into another.
EXCLUDED = (CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED)
_SEPARATORS = re.compile(r"[^0-9a-z\u3400-\u9fff]+")

SAME_PLACE = _("Same place and item")
NEAR = _("Same place")
SAME_CALLER = _("Same complainant")
SIMILAR_DESCRIPTION = _("Similar description")


@dataclass(frozen=True, slots=True)
class RepeatQuery:
    """The values of a case by which repeats are searched."""

    community_id: int
    place: str | None
    description: str
    item_id: int | None = None
    reported_at: datetime | None = None
    id: int | None = None
    #: Keyed hashes of the complainants' telephones. For a stored case they are read from the database.
    callers: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """A likely repeat, with the reasons."""

    id: int
    case_no: str
    title: str
    status: CaseStatus
    reported_at: datetime
    reasons: tuple[Message, ...]

    @property
    def open(self) -> bool:
        return self.status not in ENDED


@dataclass(frozen=True, slots=True)
class LikelyRepeats:
    """The likely repeats inside the actor's area, the likeliest first; `elsewhere` counts those outside it."""

    repeats: tuple[Repeat, ...] = ()
    elsewhere: int = 0
    #: Cases that were merged into this one.
    merged: tuple[Repeat, ...] = ()


def of_case(session: Session, case: Case, days: int | None = None) -> LikelyRepeats:
    """The likely repeats of a stored case."""
    return find_repeats(
        session,
        RepeatQuery(case.community_id, case.place, case.description, case.item_id, case.reported_at, case.id),
        days,
    )


def caller_hashes(session: Session, phone: str | None) -> tuple[str, ...]:
    """The keyed hash of a complainant's telephone, for RepeatQuery.callers; empty without a telephone."""
    return (keyed_hash(phone, session.info.get("secret", "")),) if phone else ()


def find_repeats(session: Session, query: RepeatQuery, days: int | None = None) -> LikelyRepeats:
    """The open cases, and those closed within `days` before the report, that the case may repeat; and the cases merged
    into it. `days` is the setting "repeat_days" by default, which costs a statement besides the one of the search."""
    days = days if days is not None else settings.get(session, "repeat_days")
    scored, merged = [], []
    for row in _candidates(session, query, timedelta(days=days)):
        if query.id is not None and row.master_id == query.id:
            merged += [_repeat(row)] if row.seen else []
            continue
        called = row.called and row.told
        alike = similarity(query.description, row.description)
        same_item = None if query.item_id is None or row.item_id is None else row.same_item
        score, reasons = compare(query, row, alike, called=called, same_item=same_item)
        if reasons:
            scored.append((-score, -row.id, row, reasons))
    scored.sort(key=lambda entry: entry[:2])
    shown = [_repeat(row, reasons) for _s, _i, row, reasons in scored if row.seen]
    return LikelyRepeats(tuple(shown[:SHOWN]), len(scored) - len(shown), tuple(merged))


def merged_into(session: Session, case: Case) -> tuple[Repeat, ...]:
    """The cases merged into this one, inside the actor's area."""
    columns = (Case.id, Case.case_no, Case.title, Case.description, Case.status, Case.reported_at)
    statement = select(*columns).where(Case.master_id == case.id).order_by(Case.id)
    return tuple(_repeat(row) for row in session.execute(statement))


def _repeat(row: Any, reasons: tuple[Message, ...] = ()) -> Repeat:
    title = row.title or row.description[:24]
    return Repeat(row.id, row.case_no, title, row.status, row.reported_at, reasons)


def _candidates(session: Session, query: RepeatQuery, window: timedelta) -> list[Any]:
    """The newest cases of the community within the window, those of the same complainant, and those merged into this
    one. One statement; each row says whether the actor may see it (`seen`)."""
    reach = policy_of(session).criterion(actor_of(session), Permission.READ, Case, Case)
    seen = true() if reach is None else reach
    parties = select(CaseParty.case_id).where(CaseParty.role == PartyRole.COMPLAINANT)
    called: ColumnElement[bool] = false()
    told: ColumnElement[bool] = true()
    if query.id is not None:
        own = select(CaseParty.phone_hash).where(
            CaseParty.case_id == query.id,
            CaseParty.role == PartyRole.COMPLAINANT,
            CaseParty.phone_hash.is_not(None),
        )
        called = Case.id.in_(parties.where(CaseParty.phone_hash.in_(own)))
        told = or_(_revealed(session), ~_beyond_limit(query.id))
    merged = Case.master_id == query.id if query.id is not None else false()
    same_item = items.same_item(query.item_id, Case.item_id) if query.item_id is not None else false()
    # A constant isn't allowed in ORDER BY.
    first = [condition.desc() for condition in (merged, called) if not isinstance(condition, False_)]
    begun = query.reported_at
    near: list[ColumnElement[bool]] = [Case.status.not_in(EXCLUDED), Case.historic.is_(False)]
    if begun is not None:
        ended = func.coalesce(Case.closed_at, begun)
        near += [ended >= begun - window, Case.reported_at <= begun + window]
    if query.id is not None:
        near.append(Case.id != query.id)
    statement = (
        select(
            Case.id,
            Case.case_no,
            Case.title,
            Case.description,
            Case.place,
            Case.item_id,
            same_item.label("same_item"),
            Case.status,
            Case.reported_at,
            Case.community_id,
            Case.master_id,
            called.label("called"),
            seen.label("seen"),
            told.label("told"),
        )
        .where(or_(merged, and_(*near, or_(Case.community_id == query.community_id, called))))
        .order_by(*first, Case.reported_at.desc())
        .limit(COMPARED)
    )
    return list(session.execute(statement, execution_options=UNSCOPED))


def _revealed(session: Session) -> ColumnElement[bool]:
    """The condition for cases whose complainants the actor may see in clear."""
    policy = policy_of(session)
    revealing = policy.narrowed(actor_of(session), Permission.REVEAL, CaseParty)
    if not (revealing.system or revealing.roles):
        return false()
    reach = policy.criterion(revealing, Permission.READ, Case, Case)
    return true() if reach is None else reach


def _beyond_limit(case_id: int) -> ColumnElement[bool]:
    """The condition that a complainant's telephone was stored in a case by an account that had compared too many."""
    party = table_of(CaseParty).alias("stored").c
    beyond = comparisons.unanswered(CaseParty.__tablename__, party.id)
    return select(party.id).where(party.case_id == case_id, beyond).exists()


def _phones_stored(session: Session, ids: Collection[int]) -> None:
    """Count the telephones of complainants that an account stores which may not see all others: each is compared with
    those of other cases."""
    actor = actor_of(session)
    if actor.system or policy_of(session).criterion(actor, Permission.REVEAL, CaseParty) is None:
        return
    party = table_of(CaseParty).c
    compared = (party.role == PartyRole.COMPLAINANT) & party.phone.is_not(None)
    found = session.connection().execute(select(party.id).where(party.id.in_(ids), compared)).scalars().all()
    comparisons.note(session, CaseParty.__tablename__, found, most=settings.get(session, "compare_limit"))


WATCHES = (Watch(CaseParty, frozenset({"phone", "role"}), _phones_stored, rows=True),)


def compare(
    query: RepeatQuery, row: Any, alike: float, *, called: bool, same_item: bool | None
) -> tuple[float, tuple[Message, ...]]:
    """The score of a candidate, and the reasons for it; no reasons mean that it is no repeat. `alike` is the similarity
    of the descriptions; `called` tells whether the complainant is the same, `same_item` whether the items have the same
    code, or is None if one of the two has no item."""
    score, reasons = 0.0, []
    if row.community_id == query.community_id:
        place = normalized_place(query.place)
        here = bool(place) and place == normalized_place(row.place)
        if here and same_item:
            score, reasons = 2.0, [SAME_PLACE]
        elif here and alike >= SIMILAR_SAME_PLACE:
            score, reasons = 1.0, [NEAR]
        if alike >= SIMILAR or (same_item and alike >= SIMILAR_SAME_ITEM):
            score, reasons = score + alike, [*reasons, SIMILAR_DESCRIPTION]
    if called and (same_item or same_item is None or alike >= SIMILAR_SAME_PLACE):
        score, reasons = score + 1.5, [*reasons, SAME_CALLER]
    return score, tuple(reasons)


def normalized_place(place: str | None) -> str:
    """A place in small letters and half width, without spaces and punctuation, which people write differently."""
    return _SEPARATORS.sub("", narrow(place or "").lower())


def similarity(text: str, other: str) -> float:
    """The Dice coefficient of two texts over their pairs of neighbouring characters: 0 to 1."""
    first, second = pairs(text), pairs(other)
    return 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0


def pairs(text: str) -> set[str]:
    """The pairs of neighbouring characters of a text."""
    return {run[i : i + 2] for run in _SEPARATORS.split(narrow(text).lower()) for i in range(len(run) - 1)}
