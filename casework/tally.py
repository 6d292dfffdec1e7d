"""Totals of a monthly ledger, and its second sheet: how many cases of which item in which community."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import Self

from casework.ledger import DROPPED, YES, LedgerRow
from models import CaseStatus
from panel import pinyin

Pair = tuple[str, str]

#: The prescribed totals in their order: the printed label and the figure. Those after them only when they aren't 0.
TOTALS = {
    "受理": "accepted",
    "应结": "due",
    "结案": "closed",
    "按期": "on_time",
    "移送": "referred",
    "调解": "mediated",
    "未结": "open",
}
BESIDES = {"上月结转": "carried", "重启": "reopened", "作废并案": "dropped"}
TOTAL = "合计"


@dataclass(slots=True)
class Figures:
    """accepted + carried + reopened = closed + open + dropped, for a ledger by acceptance. Due are cases whose deadline
    falls in the month, less suspended and voided ones."""

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

    @classmethod
    def of(cls, stored: dict[str, int]) -> Self:
        return cls(**{f.name: stored.get(f.name, 0) for f in fields(cls)})

    @property
    def rows(self) -> int:
        return self.accepted + self.carried + self.reopened

    def printed(self) -> list[tuple[str, int]]:
        """Label and number, as the total row has them."""
        besides = [(label, getattr(self, name)) for label, name in BESIDES.items()]
        return [(label, getattr(self, name)) for label, name in TOTALS.items()] + [pair for pair in besides if pair[1]]


class Tally:
    """Counts rows as they pass."""

    def __init__(self) -> None:
        self.figures = Figures()
        self._counts: Counter[tuple[Pair | None, Pair | None]] = Counter()
        self._codes: dict[Pair, str] = {}

    def add(self, row: LedgerRow) -> None:
        figures = self.figures
        figures.carried += row.carried
        figures.reopened += row.reopened
        figures.accepted += not (row.carried or row.reopened)
        figures.due += row.due_in_month
        figures.referred += bool(row.departments)
        figures.mediated += row.mediated
        if row.standing is CaseStatus.CLOSED:
            figures.closed += 1
            figures.on_time += row.on_time == YES
        elif row.standing in DROPPED:
            figures.dropped += 1
        else:
            figures.open += 1
        place, item = (row.street, row.community), (row.list_kind, row.item)
        for counted in ((place, item), (place, None), (None, item), (None, None)):
            self._counts[counted] += 1
        self._codes[item] = row.item_code

    def communities(self) -> list[Pair]:
        """Street and community, those of one street together."""
        found = {place for place, _item in self._counts if place}
        return sorted(found, key=lambda place: [pinyin.key_of(name) for name in place])

    def items(self) -> list[Pair]:
        """List and item, in the order of the two lists."""
        return sorted(self._codes, key=lambda item: (item[0], self._codes[item], item[1]))

    def count(self, place: Pair | None = None, item: Pair | None = None) -> int:
        """Cases of a community, of an item, of both, or all."""
        return self._counts[place, item]
