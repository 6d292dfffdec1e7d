"""Document numbers of referrals, such as 综执移〔2026〕7号: a series of its own for each kind and year, without gaps.

The office may still give numbers of its own. Those that belong to a series are counted in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.cases import numbering
from bureau.settings import settings
from models import Referral, ReferralKind
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import ZONE

#: The setting of the prefix, by kind of referral.
PREFIX_OF = {
    ReferralKind.TRANSFER: "transfer_prefix",
    ReferralKind.NOTICE: "notice_prefix",
    ReferralKind.JOINT: "joint_prefix",
}
#: Brackets that people type around the year.
_NUMBER = re.compile(r"(?P<prefix>.+?)[〔\[(（［【](?P<year>\d{4})[〕\])）］】](?:第)?(?P<number>\d{1,7})号?")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a number in a series."""

    kind: ReferralKind
    prefix: str
    year: int
    number: int

    def __str__(self) -> str:
        return numbering.document_no(self.prefix, self.year, self.number)


def prefixes(session: Session) -> dict[str, ReferralKind]:
    """The kinds of referrals by their prefix. One statement."""
    stored = settings.all_values(session)
    return {str(stored[key]): kind for kind, key in PREFIX_OF.items()}


def place_of(text: str | None, kinds: dict[str, ReferralKind]) -> Place | None:
    """The place of a number that belongs to one of the series, however its brackets are typed; None for another."""
    match = _NUMBER.fullmatch(text or "")
    if match is None or match["prefix"] not in kinds:
        return None
    return Place(kinds[match["prefix"]], match["prefix"], int(match["year"]), int(match["number"]))


def next_no(session: Session, kind: ReferralKind, sent_at: datetime) -> str:
    """Take the next number of the series of this kind and year, within the caller's transaction."""
    prefix: str = settings.get(session, PREFIX_OF[kind])
    year = sent_at.astimezone(ZONE).year
    number = numbering.reserve(session, prefix, year)
    if _used(session, numbering.document_no(prefix, year, number)):
        # The office numbered by itself under this prefix before the panel did: go on after its last one.
        numbering.raise_to(session, prefix, year, max(_numbers(session, prefix, year)))
        number = numbering.reserve(session, prefix, year)
    return numbering.document_no(prefix, year, number)


def own_no(session: Session, kind: ReferralKind, text: str) -> tuple[str, Message | None]:
    """A number that the office gives itself, written as the series is, and the reason why it can't be given.

    Within a series only a free number up to the next one can: another would leave a gap."""
    place = place_of(text, prefixes(session))
    if place is None:
        return text, None
    if place.kind is not kind:
        return text, _("This number belongs to the series of “{kind}”. Leave it empty.", kind=place.kind.label)
    following = numbering.following(session, place.prefix, place.year)
    if place.number > following or place.number < 1:
        number = numbering.document_no(place.prefix, place.year, following)
        return text, _("The next number of this series is {number}. Leave the field empty to get it.", number=number)
    numbering.raise_to(session, place.prefix, place.year, place.number)
    return str(place), None


def count_own(session: Session, texts: Iterable[str | None]) -> bool:
    """Let the series go on after numbers of the office's own, such as a register brings in; whether any belongs to a
    series."""
    kinds = prefixes(session)
    highest: dict[tuple[str, int], int] = {}
    for place in (place_of(text, kinds) for text in texts):
        if place is not None:
            key = (place.prefix, place.year)
            highest[key] = max(highest.get(key, 0), place.number)
    for (prefix, year), number in sorted(highest.items()):
        numbering.raise_to(session, prefix, year, number)
    return bool(highest)


def _used(session: Session, number: str) -> bool:
    statement = select(Referral.id).where(Referral.document_no == number).limit(1)
    with session.no_autoflush:
        return session.execute(statement, execution_options=UNSCOPED).first() is not None


def _numbers(session: Session, prefix: str, year: int) -> list[int]:
    """The numbers of a series that are in use."""
    stem: Any = f"{prefix}〔{year}〕"
    statement = select(Referral.document_no).where(Referral.document_no.startswith(stem, autoescape=True))
    texts = session.execute(statement, execution_options=UNSCOPED).scalars()
    kinds = {prefix: ReferralKind.TRANSFER}
    return [place.number for text in texts if (place := place_of(text, kinds)) is not None]
