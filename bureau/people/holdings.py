"""What hangs on people: cases, assignments, visits, requests and notices of a liaison or an officer.

People know no case and no visit: each slice declares in its feature what of its records hangs on a person, how it is
found for many people at once, and how it is given to others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from panel.i18n import Message, _
from panel.security.policy import Permission, model_of
from panel.security.session import actor_of, elevated, policy_of
from panel.web.features import Feature


@dataclass(frozen=True, slots=True)
class Held:
    """A record that hangs on a person (`holder`, an id), and the community that it is about."""

    kind: str
    holder: int
    table: str
    id: int
    label: str
    community: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A record, whom it is given to (an id; None for nobody, until somebody is appointed), and from which day on."""

    held: Held
    taker: int | None
    begins: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record that hangs on people. With `holds_up` nobody leaves while there are some; one that `follows`
    goes with the others and has no taker of its own."""

    name: str
    label: Message
    rank: int
    holds_up: bool = True
    follows: bool = False
    help: Message | None = None
    #: The filters of the list of such records; {id} stands for the person's.
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The kinds of one slice that hang on a liaison or an officer (`holder`, the table). `find` takes ids of people; it
    reads past the actor's scope, in a number of statements that doesn't grow. `give` runs elevated."""

    holder: str
    kinds: tuple[Kind, ...]
    find: Callable[[Session, Collection[int]], Iterable[Held]]
    give: Callable[[Session, Sequence[Share], str], None]
    #: For the undo of an import: how many records these people hold that no handover gave them, by person; give back
    #: what a handover gave them; give these people back what waits for a successor since they left.
    besides: Callable[[Session, Collection[int]], Mapping[int, int]] | None = None
    take_back: Callable[[Session, Collection[int], str], None] | None = None
    reclaim: Callable[[Session, Collection[int], str], None] | None = None
    #: Tell the takers that what hung on somebody was given to them: ids of takers by giver.
    tell: Callable[[Session, Mapping[int, Collection[int]]], None] | None = None
    #: What waits in these communities for the next liaison, by community.
    waiting: Callable[[Session, Collection[int]], Mapping[int, list[Held]]] | None = None


@dataclass(frozen=True, kw_only=True)
class PeopleFeature(Feature):
    """A feature whose records hang on people."""

    holdings: tuple[Holdings, ...] = ()


#: The holder of what waits for somebody.
NOBODY = 0
_HOLDINGS: list[Holdings] = []
KINDS: dict[str, Kind] = {}


def collect(features: Iterable[Feature]) -> None:
    """Register the holdings of the features, sorted by the rank of their first kind."""
    for feature in features:
        for holdings in feature.holdings if isinstance(feature, PeopleFeature) else ():
            if holdings not in _HOLDINGS:
                _HOLDINGS.append(holdings)
                KINDS.update({kind.name: kind for kind in holdings.kinds})
    _HOLDINGS.sort(key=lambda holdings: holdings.kinds[0].rank)


def of(holder: str) -> list[Holdings]:
    """The holdings of liaisons or officers, in the order in which they are given."""
    return [holdings for holdings in _HOLDINGS if holdings.holder == holder]


def found(session: Session, holder: str, people: Collection[int]) -> dict[int, list[Held]]:
    """All that hangs on these people, by their ids."""
    result: dict[int, list[Held]] = defaultdict(list)
    for holdings in of(holder) if people else ():
        for held in holdings.find(session, people):
            result[held.holder].append(held)
    return result


def holding_up(session: Session, holder: str, people: Collection[int]) -> dict[int, list[Held]]:
    """What hangs on these people so that they can't leave; without those on whom nothing does."""
    everything = found(session, holder, people)
    blocking = {id_: [held for held in all_ if KINDS[held.kind].holds_up] for id_, all_ in everything.items()}
    return {id_: held for id_, held in blocking.items() if held}


def waiting(session: Session, communities: Collection[int]) -> dict[int, list[Held]]:
    """What waits in these communities for their next liaison, by community; without those in which nothing does."""
    result: dict[int, list[Held]] = defaultdict(list)
    for holdings in of("liaison") if communities else ():
        for community, held in holdings.waiting(session, communities).items() if holdings.waiting else ():
            result[community] += held
    return result


def summary(session: Session, held: Iterable[Held]) -> Message | None:
    """The kinds with their numbers, as far as the actor may read the records; None for nothing."""
    policy, actor = policy_of(session), actor_of(session)
    numbers = Counter(one.kind for one in held if policy.may(actor, Permission.READ, model_of(one.table)))
    return listed(numbers)


def listed(numbers: Mapping[str, int]) -> Message | None:
    """Kinds with their numbers in one message; None for nothing."""
    message: Message | None = None
    for name in sorted(numbers, key=lambda name: KINDS[name].rank):
        one = _("{label} {n}", label=KINDS[name].label, n=numbers[name])
        message = one if message is None else _("{first}, {second}", first=message, second=one)
    return message


def give(session: Session, holder: str, shares: Sequence[Share], reason: str) -> None:
    """Give these records to others. The caller has checked that the actor may, and commits."""
    with elevated(session):
        for holdings in of(holder):
            names = {kind.name for kind in holdings.kinds}
            if own := [share for share in shares if share.held.kind in names]:
                holdings.give(session, own, reason)
        takers: dict[int, set[int]] = defaultdict(set)
        for share in shares:
            if share.taker is not None and share.held.holder != NOBODY:
                takers[share.held.holder].add(share.taker)
        for holdings in of(holder):
            if holdings.tell is not None and takers:
                holdings.tell(session, takers)


def besides(session: Session, holder: str, people: Collection[int]) -> Counter[int]:
    """How many records these people hold that no handover gave them, by person."""
    numbers: Counter[int] = Counter()
    for holdings in of(holder):
        if holdings.besides is not None:
            numbers.update(holdings.besides(session, people))
    return numbers


def take_back(session: Session, holder: str, people: Collection[int], note: str) -> None:
    """Give back what a handover gave these people. The session is elevated."""
    for holdings in of(holder):
        if holdings.take_back is not None:
            holdings.take_back(session, people, note)


def reclaim(session: Session, holder: str, people: Collection[int], note: str) -> None:
    """Give these people back what waits for a successor since they left. The session is elevated."""
    for holdings in of(holder):
        if holdings.reclaim is not None:
            holdings.reclaim(session, people, note)
