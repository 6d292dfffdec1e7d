"""Totals of a monthly ledger by community and list, and the number of cases by community and item."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, fields
from typing import Self

from bureau.ledger.rows import NOT_COUNTED, YES, LedgerRow
from models import CaseStatus
from panel.i18n import pinyin

Pair = tuple[str, str]

#: The prescribed totals in their order: the figure by printed label. OPTIONAL_TOTALS follow where they aren't 0.
TOTALS = {
    "受理": "accepted",
    "应结": "due",
    "结案": "closed",
    "按期": "on_time",
    "移送": "referred",
    "调解": "mediated",
    "未结": "open",
}
OPTIONAL_TOTALS = {"上月结转": "carried", "重启": "reopened", "作废并案": "dropped"}
TOTAL = "合计"


@dataclass(slots=True)
class LedgerCounts:
    """Numbers of cases. In a ledger by acceptance accepted + carried + reopened = closed + open + dropped. `due` counts
    cases whose deadline falls in the month, without suspended and voided ones."""

    accepted: int = 0
    due: int = 0
    closed: int = 0
    on_time: int = 0
    referred: int = 0
    mediated: int = 0
    open: int = 0
    carried: int = 0
    reopened: int = 0
    dropped: int = 0
    #: Of the due cases: closed, and closed in time.
    due_closed: int = 0
    due_on_time: int = 0

    @classmethod
    def of(cls, stored: dict[str, int]) -> Self:
        return cls(**{f.name: stored.get(f.name, 0) for f in fields(cls)})

    @property
    def rows(self) -> int:
        return self.accepted + self.carried + self.reopened

    def __add__(self, other: LedgerCounts) -> LedgerCounts:
        return LedgerCounts(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def printed(self) -> list[tuple[str, int]]:
        """Pairs of label and number for the total row."""
        optional = [(label, getattr(self, name)) for label, name in OPTIONAL_TOTALS.items()]
        return [(label, getattr(self, name)) for label, name in TOTALS.items()] + [pair for pair in optional if pair[1]]


class Totals:
    """Counts rows one by one, for figures by community and list, and cases by community and item."""

    def __init__(self) -> None:
        self._figures: dict[tuple[Pair, str], LedgerCounts] = defaultdict(LedgerCounts)
        self._counts: Counter[tuple[Pair, Pair]] = Counter()
        self._codes: dict[Pair, str] = {}

    def add(self, row: LedgerRow) -> None:
        place, item = (row.street, row.community), (row.list_kind, row.item)
        self._counts[place, item] += 1
        self._codes[item] = row.item_code
        figures = self._figures[place, row.list_kind]
        figures.carried += row.carried
        figures.reopened += row.reopened
        figures.accepted += not (row.carried or row.reopened)
        figures.due += row.due_in_month
        figures.referred += bool(row.departments)
        figures.mediated += row.mediated
        if row.standing is CaseStatus.CLOSED:
            in_time = row.on_time == YES
            figures.closed += 1
            figures.on_time += in_time
            figures.due_closed += row.due_in_month
            figures.due_on_time += row.due_in_month and in_time
        elif row.standing in NOT_COUNTED:
            figures.dropped += 1
        else:
            figures.open += 1

    @property
    def figures(self) -> LedgerCounts:
        return self.figures_of()

    def figures_of(self, place: Pair | None = None, kind: str | None = None) -> LedgerCounts:
        """The figures of a community and a list; None stands for all."""
        matching = (f for (p, k), f in self._figures.items() if place in (None, p) and kind in (None, k))
        return sum(matching, LedgerCounts())

    def communities(self) -> list[Pair]:
        """Pairs of street and community, sorted by pinyin."""
        places = {place for place, _item in self._counts}
        return sorted(places, key=lambda place: [pinyin.key_of(name) for name in place])

    def items(self) -> list[Pair]:
        """Pairs of list and item, sorted by list and item code."""
        return sorted(self._codes, key=lambda item: (item[0], self._codes[item], item[1]))

    def lists(self) -> list[str]:
        """The lists of the items, sorted; "" for items on no list."""
        return sorted({kind for kind, _name in self._codes})

    def count(self, place: Pair | None = None, item: Pair | None = None) -> int:
        """The number of cases of a community and an item; None stands for all."""
        if place is not None and item is not None:
            return self._counts[place, item]
        return sum(n for (p, i), n in self._counts.items() if place in (None, p) and item in (None, i))
