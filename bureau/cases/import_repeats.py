"""Likely repeats among imported cases, by the rules of intake: of a stored case, or of an earlier row of the file.

The number of statements doesn't grow with the rows. As at intake, the newest cases of a community are compared, and of
the cases outside the actor's area only their number is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from bureau.cases import repeats
from bureau.cases.repeats import RepeatQuery
from bureau.checklists import items
from bureau.settings import settings
from models import Case
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message, _, n_
from panel.imports.plans import Plan, PlanRow
from panel.kinds import now
from panel.security.policy import Permission
from panel.security.session import actor_of, policy_of

#: Files with more new cases are not searched.
MOST_ROWS = 10_000
#: Least similarity of two descriptions that are the only reason: ledgers tell many cases in the same few words.
SIMILAR = 0.6
#: Likely repeats that are named at a row.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a row may repeat: a stored case, or an earlier row. Of a stored case outside the actor's area `case_no` is
    None."""

    community_id: int
    place: str | None
    item_code: str | None
    description: str
    reported_at: datetime
    closed_at: datetime | None
    case_no: str | None = None
    row: PlanRow | None = None


@dataclass(slots=True)
class Index:
    """Candidates by place and by the pairs of characters in their descriptions."""

    candidates: list[Candidate] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    by_place: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_pair: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, candidate: Candidate) -> None:
        number, pairs = len(self.candidates), repeats.pairs(candidate.description)
        self.candidates.append(candidate)
        self.sizes.append(len(pairs))
        self.by_place[repeats.normalized_place(candidate.place)].append(number)
        for pair in pairs:
            self.by_pair[pair].append(number)

    def likely(self, query: RepeatQuery) -> Iterator[tuple[Candidate, float]]:
        """The candidates with the same place or a very similar description, and the similarity of the description."""
        pairs = repeats.pairs(query.description)
        common = Counter(chain.from_iterable(self.by_pair.get(pair, ()) for pair in pairs))
        place, size = repeats.normalized_place(query.place), len(pairs)
        here = set(self.by_place.get(place, ())) if place else set()
        similar = {number for number, count in common.items() if 2 * count >= SIMILAR * (size + self.sizes[number])}
        for number in sorted(here | similar):
            yield self.candidates[number], 2 * common[number] / max(1, size + self.sizes[number])


@dataclass(slots=True)
class Known:
    """All candidates: by community, and by the keyed hash of a complainant's telephone."""

    by_community: dict[int, Index] = field(default_factory=lambda: defaultdict(Index))
    by_caller: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    #: The code of each version of an item.
    codes: Mapping[int, str] = field(default_factory=dict)

    def code(self, item_id: int | None) -> str | None:
        return None if item_id is None else self.codes.get(item_id)

    def add(self, candidate: Candidate, callers: Iterable[str] = ()) -> None:
        self.by_community[candidate.community_id].add(candidate)
        for caller in callers:
            self.by_caller[caller].append(candidate)


def note(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Note at each new case what it may repeat."""
    if len(rows) > MOST_ROWS:
        plan.warnings.append(_("With more than {n} new cases, likely repeats are not looked for.", n=MOST_ROWS))
        return
    queries = [_query(session, row) for row in rows]
    window = timedelta(days=settings.get(session, "repeat_days"))
    known = _read(session, queries, window)
    for row, query in zip(rows, queries, strict=True):
        if likely := _find(known, query, window):
            row.repeats.extend(_words(likely, row))
        known.add(_candidate(known, row, query), query.callers)


def _query(session: Session, row: PlanRow) -> RepeatQuery:
    values = row.values
    phone = row.extra.get("party", {}).get("phone") if row.has("extra") else None
    return RepeatQuery(
        values["community_id"],
        values.get("place"),
        values.get("description") or "",
        values.get("item_id"),
        values.get("reported_at") or now(),
        callers=repeats.caller_hashes(session, phone),
    )


def _candidate(known: Known, row: PlanRow, query: RepeatQuery) -> Candidate:
    assert query.reported_at is not None
    place, closed = (query.place, known.code(query.item_id), query.description), row.values.get("closed_at")
    return Candidate(query.community_id, *place, query.reported_at, closed, row=row)


def _read(session: Session, queries: Sequence[RepeatQuery], window: timedelta) -> Known:
    """The stored cases that the rows may repeat: the newest of each community."""
    known = Known(codes=items.codes(session))
    moments = [query.reported_at for query in queries if query.reported_at is not None]
    if not moments:
        return known
    reach = policy_of(session).criterion(actor_of(session), Permission.READ, Case, Case)
    newest = func.row_number().over(partition_by=Case.community_id, order_by=Case.reported_at.desc())
    columns = (Case.community_id, Case.place, Case.item_id, Case.description, Case.reported_at, Case.closed_at)
    cases = select(*columns, Case.case_no, (true() if reach is None else reach).label("seen")).where(
        Case.status.not_in(repeats.EXCLUDED),
        Case.reported_at <= max(moments) + window,
        func.coalesce(Case.closed_at, max(moments)) >= min(moments) - window,
    )
    for batch in chunks({query.community_id for query in queries}):
        ranked = cases.add_columns(newest.label("nth")).where(Case.community_id.in_(batch)).subquery()
        statement = select(ranked).where(ranked.c.nth <= repeats.COMPARED)
        for row in session.execute(statement, execution_options=UNSCOPED):
            known.add(_stored(known, row))
    # Telephones of stored complainants aren't compared in a preview, which would tell them to whoever tries numbers;
    # the page of the imported case tells it.
    return known


def _stored(known: Known, row: Any) -> Candidate:
    case = (row.community_id, row.place, known.code(row.item_id), row.description, row.reported_at, row.closed_at)
    return Candidate(*case, row.case_no if row.seen else None)


def _find(known: Known, query: RepeatQuery, window: timedelta) -> list[tuple[Candidate, tuple[Message, ...]]]:
    """The likely repeats of a row with the reasons, the likeliest first."""
    called = {candidate for caller in query.callers for candidate in known.by_caller.get(caller, ())}
    likely = dict(known.by_community[query.community_id].likely(query))
    likely |= {c: repeats.similarity(query.description, c.description) for c in called - likely.keys()}
    scored = []
    for candidate, alike in likely.items():
        if not _in_time(candidate, query, window):
            continue
        codes = known.code(query.item_id), candidate.item_code
        same_item = None if None in codes else codes[0] == codes[1]
        score, reasons = repeats.compare(query, candidate, alike, called=candidate in called, same_item=same_item)
        if reasons and (reasons != (repeats.SIMILAR_DESCRIPTION,) or _is_same(query, candidate, alike)):
            scored.append((score, candidate, reasons))
    scored.sort(key=lambda entry: entry[0], reverse=True)
    return [(candidate, reasons) for _score, candidate, reasons in scored]


def _in_time(candidate: Candidate, query: RepeatQuery, window: timedelta) -> bool:
    begun = query.reported_at
    assert begun is not None
    return candidate.reported_at <= begun + window and (candidate.closed_at or begun) >= begun - window


def _is_same(query: RepeatQuery, candidate: Candidate, alike: float) -> bool:
    """Whether the description alone makes a repeat likely: very similar, and no other place is told."""
    places = {repeats.normalized_place(place) for place in (query.place, candidate.place)} - {""}
    return alike >= SIMILAR and len(places) < 2


def _words(likely: Collection[tuple[Candidate, tuple[Message, ...]]], row: PlanRow) -> Iterator[Message]:
    named = [(candidate, reasons) for candidate, reasons in likely if candidate.row is not None or candidate.case_no]
    for candidate, reasons in named[:SHOWN]:
        why = _join(reasons)
        if candidate.row is None:
            yield _("Perhaps a repeat of {case}: {reasons}.", case=candidate.case_no, reasons=why)
        else:
            place = str(candidate.row.number)
            place = place if candidate.row.sheet == row.sheet else f"{candidate.row.sheet}!{place}"
            yield _("Perhaps a repeat of row {row}: {reasons}.", row=place, reasons=why)
    if elsewhere := len(likely) - len(named):
        yield n_(
            "Perhaps a repeat of {n} case outside your area.",
            "Perhaps a repeat of {n} cases outside your area.",
            elsewhere,
        )


def _join(reasons: Sequence[Message]) -> Message:
    first, *rest = reasons
    for reason in rest:
        first = _("{first}, {second}", first=first, second=reason)
    return first
