"""Cases that may be about the same thing: by place and item, by who complains, by similar words in the community.

Looks for them whatever the person may see, since whether something was reported before doesn't depend on who asks;
what lies outside their area is told as a number only."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import False_

from bureau.settings import settings
from models import ENDED, Case, CaseParty, CaseStatus, PartyRole
from panel.i18n import Message, _
from panel.kinds import narrow
from panel.security.policy import Permission
from panel.security.session import actor_of, keyed_hash, policy_of

#: Cases of a community that are compared word by word: the newest.
COMPARED = 400
#: Likely repeats that one reads at a glance.
SHOWN = 5
#: How alike two descriptions must be; how alike when the item is the same, and when place or complainant is.
ALIKE, ALIKE_ITEM, ALIKE_HERE = 0.38, 0.2, 0.12
#: What can't be repeated: it was no case, or stands for another.
_VOID = (CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED)
_SAYS_NOTHING = re.compile(r"[^0-9a-z\u3400-\u9fff]+")
_UNSCOPED = {"unscoped": True}

SAME_PLACE = _("Same place and item")
NEAR = _("Same place")
SAME_CALLER = _("Same complainant")
ALIKE_WORDS = _("Similar description")


@dataclass(frozen=True, slots=True)
class RepeatQuery:
    """What is known of a case when one looks for its repeats."""

    community_id: int
    place: str | None
    description: str
    item_id: int | None = None
    reported_at: datetime | None = None
    id: int | None = None
    #: Keyed hashes of the complainants' telephones; of a stored case they are read with the rest.
    callers: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """A case that may be about the same thing, and why."""

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
    """The likely repeats inside a person's area, the likeliest first, and how many more there are outside it."""

    repeats: tuple[Repeat, ...] = ()
    elsewhere: int = 0
    #: Cases that were merged into this one.
    merged: tuple[Repeat, ...] = ()


def of_case(session: Session, case: Case, days: int | None = None) -> LikelyRepeats:
    """The likely repeats of a stored case."""
    return likely(
        session,
        RepeatQuery(case.community_id, case.place, case.description, case.item_id, case.reported_at, case.id),
        days,
    )


def caller(session: Session, phone: str | None) -> tuple[str, ...]:
    """A complainant's telephone as it is recognised by."""
    return (keyed_hash(phone, session.info.get("secret", "")),) if phone else ()


def likely(session: Session, told: RepeatQuery, days: int | None = None) -> LikelyRepeats:
    """Cases that are open, or were closed within the window before this report, and those merged into the case. One
    statement, however many cases there are; a second where the window isn't given."""
    days = days if days is not None else settings.get(session, "repeat_days")
    scored, merged = [], []
    for row in _candidates(session, told, timedelta(days=days)):
        if told.id is not None and row.master_id == told.id:
            merged += [_repeat(row)] if row.seen else []
            continue
        score, reasons = _compare(told, row)
        if reasons:
            scored.append((-score, -row.id, row, reasons))
    scored.sort(key=lambda one: one[:2])
    shown = [_repeat(row, reasons) for _s, _i, row, reasons in scored if row.seen]
    return LikelyRepeats(tuple(shown[:SHOWN]), len(scored) - len(shown), tuple(merged))


def merged_into(session: Session, case: Case) -> tuple[Repeat, ...]:
    """The cases that were merged into one, inside a person's area."""
    wanted = (Case.id, Case.case_no, Case.title, Case.description, Case.status, Case.reported_at)
    statement = select(*wanted).where(Case.master_id == case.id).order_by(Case.id)
    return tuple(_repeat(row) for row in session.execute(statement))


def _repeat(row: Any, reasons: tuple[Message, ...] = ()) -> Repeat:
    title = row.title or row.description[:24]
    return Repeat(row.id, row.case_no, title, row.status, row.reported_at, reasons)


def _candidates(session: Session, told: RepeatQuery, window: timedelta) -> list[Any]:
    """The newest cases of the community within the window, those of the same complainant, and those merged into this
    one, in one statement, each with whether the person may see it."""
    reach = policy_of(session).criterion(actor_of(session), Permission.READ, Case, Case)
    seen = true() if reach is None else reach
    parties = select(CaseParty.case_id).where(CaseParty.role == PartyRole.COMPLAINANT)
    called: ColumnElement[bool] = false()
    if told.id is not None:
        own = select(CaseParty.phone_hash).where(
            CaseParty.case_id == told.id,
            CaseParty.role == PartyRole.COMPLAINANT,
            CaseParty.phone_hash.is_not(None),
        )
        called = Case.id.in_(parties.where(CaseParty.phone_hash.in_(own)))
    elif told.callers:
        called = Case.id.in_(parties.where(CaseParty.phone_hash.in_(list(told.callers))))
    merged = Case.master_id == told.id if told.id is not None else false()
    # A constant can't be sorted by.
    first = [one.desc() for one in (merged, called) if not isinstance(one, False_)]
    begun = told.reported_at
    near: list[ColumnElement[bool]] = [Case.status.not_in(_VOID), Case.historic.is_(False)]
    if begun is not None:
        ended = func.coalesce(Case.closed_at, begun)
        near += [ended >= begun - window, Case.reported_at <= begun + window]
    if told.id is not None:
        near.append(Case.id != told.id)
    statement = (
        select(
            Case.id,
            Case.case_no,
            Case.title,
            Case.description,
            Case.place,
            Case.item_id,
            Case.status,
            Case.reported_at,
            Case.community_id,
            Case.master_id,
            called.label("called"),
            seen.label("seen"),
        )
        .where(or_(merged, and_(*near, or_(Case.community_id == told.community_id, called))))
        .order_by(*first, Case.reported_at.desc())
        .limit(COMPARED)
    )
    return list(session.execute(statement, execution_options=_UNSCOPED))


def _compare(told: RepeatQuery, row: Any) -> tuple[float, tuple[Message, ...]]:
    """How likely a case is the same, and the reasons in words."""
    score, reasons = 0.0, []
    alike = likeness(told.description, row.description)
    same_item = told.item_id is not None and told.item_id == row.item_id
    if row.community_id == told.community_id:
        here = bool(plain(told.place)) and plain(told.place) == plain(row.place)
        if here and same_item:
            score, reasons = 2.0, [SAME_PLACE]
        elif here and alike >= ALIKE_HERE:
            score, reasons = 1.0, [NEAR]
        if alike >= ALIKE or (same_item and alike >= ALIKE_ITEM):
            score, reasons = score + alike, [*reasons, ALIKE_WORDS]
    if row.called and (same_item or alike >= ALIKE_HERE or told.item_id is None or row.item_id is None):
        score, reasons = score + 1.5, [*reasons, SAME_CALLER]
    return score, tuple(reasons)


def plain(place: str | None) -> str:
    """A place without what people write one way or the other: spaces, punctuation, width."""
    return _SAYS_NOTHING.sub("", narrow(place or "").lower())


def likeness(one: str, other: str) -> float:
    """How much of the pairs of neighbouring characters two texts share: 0 to 1."""
    mine, theirs = _pairs(one), _pairs(other)
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine and theirs else 0.0


def _pairs(text: str) -> set[str]:
    return {run[i : i + 2] for run in _SAYS_NOTHING.split(narrow(text).lower()) for i in range(len(run) - 1)}
