"""What the columns of a header mean: by their labels, by the labels above them, and by the columns beside them.

What isn't sure becomes a doubt of the header, about which the user is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from panel.i18n import _, listed
from panel.imports.layout import samples
from panel.imports.layout.headers import Doubt, Header
from panel.imports.layout.labels import ColumnLabels, Owner, fold, normalize, spellings, without_ending
from panel.imports.questions import letter
from panel.imports.rules import CLOCK
from panel.kinds import tidy

#: Labels of a column of clock times beside one of days.
_CLOCKS = frozenset({"时间", "时刻", "时分", "钟点", "具体时间", "time"})


@dataclass(frozen=True, slots=True)
class _Claim:
    """A column's claim to a column of the table; a smaller weight is a stronger one."""

    name: str
    weight: int


def assign(header: Header, known: ColumnLabels, values: Sequence[Sequence[Any]], answers: Mapping[int, str]) -> None:
    """Decide what each column means. `values` are samples by column; `answers` are what the user said, by column index:
    the name of a column, or "" for none."""
    _Assignment(header, known, values, answers).run()


class _Assignment:
    def __init__(
        self, header: Header, known: ColumnLabels, values: Sequence[Sequence[Any]], answers: Mapping[int, str]
    ) -> None:
        self.header, self.known, self.values, self.answers = header, known, values, answers
        self.claims: dict[int, _Claim] = {}
        #: Telephones beside somebody else, by index: what the label alone would mean.
        self.others: dict[int, str] = {}

    def run(self) -> None:
        for index, label in enumerate(self.header.labels):
            if index in self.answers:
                if self.answers[index]:
                    self.claims[index] = _Claim(self.answers[index], -1)
            elif label and (claim := self._by_label(index)) is not None:
                self.claims[index] = claim
        for index, label in enumerate(self.header.labels):
            if label and index not in self.answers and self.known.is_phone(label) and self._owner(index) is None:
                self._by_neighbour(index)
        self._split_halves()
        self._pair_clocks()
        self._settle()
        self._doubt_others()
        self._doubt_groups()
        self.header.columns = dict(sorted(self.header.columns.items()))

    def _owner(self, index: int) -> Owner | None:
        """Whose the column is by the labels above it; None if they don't say."""
        return next((o for text in reversed(self.header.groups[index]) if (o := self.known.owner(text))), None)

    def _by_label(self, index: int) -> _Claim | None:
        label, known = self.header.labels[index], self.known
        for text in reversed(self.header.groups[index]):
            for whole in (text + label, without_ending(text) + label):
                if (combined := known.claim(whole)) is not None:
                    return _Claim(combined[1], combined[0])
        owner = self._owner(index)
        plain = known.claim(label)
        if plain is None and owner is None and (within := known.owner_within(label)) is not None:
            owner, label = within
            plain = known.claim(label)
        claim = _Claim(plain[1], plain[0]) if plain else None
        if owner is None or owner.own or (claim is not None and claim.name in known.references):
            return claim
        if claim is not None and claim.name == owner.name:
            return claim
        if owner.name and owner.person and not owner.stored and known.is_name(label):
            return _Claim(owner.name, 0)
        if known.is_phone(label) and (phones := known.people.get(owner.name)):
            return _Claim(phones[0], 0)
        if owner.name and owner.person and known.is_name(label):
            # A roster of liaisons often lists the officers beside them as a directory. Their names are offered on the
            # page of columns, and are not taken for an assignment unasked.
            self.header.unread[index] = owner.name
        if owner.person or any(spelling in owner.labels for spelling in spellings(label)):
            whose = (*self.header.groups[index], self.header.labels[index])[-2 if self.header.groups[index] else -1]
            self.header.why[index] = _("Belongs to “{whose}”.", whose=whose)
            return None
        return claim

    def _by_neighbour(self, index: int) -> None:
        """Give a telephone to the person whose name stands to its left."""
        person = self._person_left_of(index)
        claim = self.claims.get(index)
        if person is None:
            return
        phones = self.known.people.get(self._meaning(person), ())
        if claim is not None and claim.name in phones:
            return
        taken = {other.name for other in self.claims.values()}
        if free := [name for name in phones if name not in taken]:
            self.claims[index] = _Claim(free[0], 0)
            return
        self.claims.pop(index, None)
        self.header.why[index] = _("The telephone of “{whose}”.", whose=self.header.labels[person])
        if claim is not None:
            self.others[index] = claim.name

    def _meaning(self, index: int) -> str:
        claim = self.claims.get(index)
        return claim.name if claim is not None else ""

    def _person_left_of(self, index: int) -> int | None:
        """The column of the person to the left, with nothing between but telephones and columns without a meaning."""
        for left in range(index - 1, -1, -1):
            name = self._meaning(left)
            if name in self.known.people:
                return left
            if name and not self.known.is_phone(self.header.labels[left]):
                return None
            if not name and samples.are_names(self.values[left]):
                owner = self.known.owner(self.header.labels[left])
                return None if owner is not None and owner.own else left
        return None

    def _split_halves(self) -> None:
        """Find tables beside the first: the same columns again, with all that a file must have."""
        halves: list[dict[str, int]] = [{}]
        for index, claim in sorted(self.claims.items()):
            if claim.name in halves[-1]:
                halves.append({})
            halves[-1][claim.name] = index
        first, *others = halves
        required = self.known.required & first.keys()
        if not others or not all(required <= half.keys() <= first.keys() for half in others):
            return
        for half in others:
            order = [first[name] for name in half]
            if order != sorted(order) or not all(self._same_label(first[name], half[name]) for name in half):
                return
        for half in others:
            self.header.halves.append({first[name]: index for name, index in half.items()})
            for name, index in half.items():
                del self.claims[index]
                self.header.why[index] = _("Continues column {letter}.", letter=letter(first[name]))

    def _same_label(self, first: int, second: int) -> bool:
        if first in self.answers and second in self.answers:
            return True
        groups = ([normalize(text) for text in self.header.groups[index]] for index in (first, second))
        labels = (normalize(self.header.labels[index]) for index in (first, second))
        return len(set(labels)) == 1 and next(groups) == next(groups)

    def _pair_clocks(self) -> None:
        """Join a column of clock times to the column of days beside it."""
        for index, claim in list(self.claims.items()):
            if claim.name not in self.known.moments or samples.are_clocks(self.values[index]):
                continue
            for beside in (index + 1, index - 1):
                if not 0 <= beside < len(self.header.labels) or not samples.are_clocks(self.values[beside]):
                    continue
                label = self.header.labels[beside]
                alone = self._meaning(beside) == "" and fold(normalize(label)) in _CLOCKS
                if beside not in self.answers and (alone or self._meaning(beside) == claim.name):
                    self.header.why[beside] = _("One moment together with column {letter}.", letter=letter(index))
                    self.claims[beside] = _Claim(claim.name + CLOCK, 0)
                    break

    def _settle(self) -> None:
        """Give each column of the table to the column with the strongest claim, of equal ones the first; doubt the
        others."""
        claimants: dict[str, list[int]] = defaultdict(list)
        for index in sorted(self.claims):
            claimants[self.claims[index].name].append(index)
        for name, indexes in claimants.items():
            winner, *losers = sorted(indexes, key=self._rank)
            self.header.columns[winner] = name
            for loser in losers:
                if self._matters(winner, loser):
                    letters = listed(letter(index) for index in sorted(indexes))
                    why = _("Columns {letters} both look like this field.", letters=letters)
                    self.header.doubts.append(Doubt(loser, why, (*self._alternatives(loser), "", name)))

    def _rank(self, index: int) -> tuple[bool, bool, bool, bool, int, int]:
        return (
            index not in self.answers,
            not self._is_own(index),
            self._is_somebodys(index),
            not self._is_beside_its_person(index),
            self.claims[index].weight,
            index,
        )

    def _is_own(self, index: int) -> bool:
        """Whether the labels above a column say that it is the record's own."""
        owner = self._owner(index)
        return owner is not None and owner.own

    def _is_beside_its_person(self, index: int) -> bool:
        """Whether a telephone stands right of the person whose it is."""
        if not self.known.is_phone(self.header.labels[index]):
            return False
        person = self._person_left_of(index)
        return person is not None and self._meaning(index) in self.known.people.get(self._meaning(person), ())

    def _is_somebodys(self, index: int) -> bool:
        """Whether the labels above a column name somebody or something unknown."""
        groups = self.header.groups[index]
        return bool(groups) and self._owner(index) is None and not all(map(self.known.is_neutral, groups))

    def _matters(self, winner: int, loser: int) -> bool:
        """Whether it isn't plain that the second column is left out."""
        if winner in self.answers or not self.values[loser]:
            return False
        if [tidy(value) for value in self.values[winner]] == [tidy(value) for value in self.values[loser]]:
            self.header.why[loser] = _("The same as column {letter}.", letter=letter(winner))
            return False
        if self._is_somebodys(loser) and not self._is_somebodys(winner):
            self.header.why[loser] = _("Belongs to “{whose}”.", whose=self.header.groups[loser][-1])
            return False
        return True

    def _alternatives(self, index: int) -> list[str]:
        """What else a column may mean that has lost its claim: another person, another telephone."""
        people, label = self.known.people, self.header.labels[index]
        taken = {claim.name for claim in self.claims.values()}
        if self.known.is_name(label):
            return [name for name in people if name not in taken and not people[name]]
        if self.known.is_phone(label) and not samples.are_mobiles(self.values[index]):
            phones = next((names for names in people.values() if self._meaning(index) in names), ())
            return [name for name in phones if name not in taken]
        return []

    def _doubt_others(self) -> None:
        """Ask about a telephone beside somebody else if no other column has the record's own."""
        taken = set(self.header.columns.values())
        for index, name in self.others.items():
            if name not in taken and self.values[index]:
                why = self.header.why[index]
                self.header.doubts.append(Doubt(index, why, ("", name)))

    def _doubt_groups(self) -> None:
        """Ask whose name it is below a label that names somebody unknown."""
        for index, name in self.header.columns.items():
            if index in self.answers or name not in self.known.people or not self._is_somebodys(index):
                continue
            if self.known.is_name(self.header.labels[index]):
                why = _("Whose name stands under “{whose}”?", whose=self.header.groups[index][-1])
                self.header.doubts.append(Doubt(index, why, (name, *self._alternatives(index), "")))
