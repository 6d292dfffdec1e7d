"""Finding the header in a sheet as offices send it, and what each of its columns means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import Any

from panel.i18n import Message, in_every_locale
from panel.kinds import narrow, tidy
from panel.sheets import Line, Sheet

#: The header is looked for in the first rows only.
SEARCHED_ROWS = 40
_BRACKETED = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]")
_DULL = re.compile(r"[\s()\[\]【】〔〕*:_\-·.]+")
_TOTAL = r"(合计|总计|小计|共计|总数|累计|[Tt]otal)"
#: How a row begins that is no data: a total, a note, a signature, an export's number, the unit; an example in a
#: template.
_FOOTER = re.compile(
    rf"{_TOTAL}([:(\d]|[一二三四五六七八九十百]*[人户个条项名行件]?$)|(注|备注|说明|附注?|填表说明)\d?[:、]|(填表|制表|审核|负责|填报|统计|复核|经办|联系)(人|单位|日期|时间)([:(]|$)"
    r"|(导出编号|[Ee]xportno\.)[:]|(单位|日期)[:]|(示例|[Ee]xample)[:]"
)
#: A whole cell that says so; a subtotal names what it is of.
_TOTAL_CELL = re.compile(rf"({_TOTAL}|.{{1,8}}小计)[:]?")


def normal(label: object) -> str:
    """A label without spaces, line breaks, brackets and stars, in small letters."""
    return _DULL.sub("", narrow(tidy(label))).lower()


def spellings(label: object) -> list[str]:
    """How a header may be read, the most exact first: whole, then without what stands in brackets."""
    text = narrow(tidy(label))
    return [found for found in dict.fromkeys((normal(text), normal(_BRACKETED.sub("", text)))) if found]


@dataclass(frozen=True, slots=True)
class ColumnLabels:
    """The labels that mean each column of a table, with the weight of the claim: the first claim to a label holds."""

    meanings: Mapping[str, tuple[int, str]]

    @classmethod
    def of(cls, claims: Iterable[tuple[str, Iterable[str | Message]]]) -> ColumnLabels:
        """From (column name, its labels) in order of weight."""
        meanings: dict[str, tuple[int, str]] = {}
        for weight, (name, labels) in enumerate(claims):
            for label in labels:
                for text in in_every_locale(label) if isinstance(label, Message) else {label}:
                    for spelling in spellings(text):
                        meanings.setdefault(spelling, (weight, name))
        return cls(meanings)

    def told(self, meanings: Mapping[str, str]) -> ColumnLabels:
        """With what somebody said by hand: it outweighs everything; a label said to mean nothing has no meaning."""
        said = {normal(label): (-1, name) for label, name in meanings.items() if normal(label)}
        taken = {name for _weight, name in said.values() if name}
        others = {label: claim for label, claim in self.meanings.items() if claim[1] not in taken}
        return ColumnLabels({label: claim for label, claim in {**others, **said}.items() if claim[1]})

    def claim(self, label: object) -> tuple[int, str] | None:
        """The weight (less is more) and the column that a label means."""
        return next((self.meanings[s] for s in spellings(label) if s in self.meanings), None)

    def meaning(self, label: object) -> str | None:
        found = self.claim(label)
        return found[1] if found else None


@dataclass
class Header:
    """Where the header is and what its columns mean. `columns` maps a column's index to a column name; `labels` are
    the headers as they stand in the file; `first` is the index of the first line below; `above` is what stands over
    it, which some print again on each page."""

    line: Line
    labels: list[str]
    columns: dict[int, str] = field(default_factory=dict)
    first: int = 0
    ignored: list[str] = field(default_factory=list)
    upper: list[str] = field(default_factory=list)
    above: frozenset[str] = frozenset()

    @cached_property
    def printed(self) -> tuple[list[str], list[str]]:
        """The labels of both halves in their normal form, as they may stand again on each printed page."""
        return [normal(label) for label in self.labels], [normal(label) for label in self.upper]


def find(sheet: Sheet, known: ColumnLabels) -> Header | None:
    """The header of a sheet: the row in which most columns mean something; None if in no row at least one does."""
    best, best_score = -1, 0
    above: Sequence[Any] = []
    for index, line in enumerate(sheet.lines[:SEARCHED_ROWS]):
        score = len(_meanings(line.cells, known))
        if score and _is_upper_half(above, known) and _is_lower_half(line.cells, known):
            # Both halves count, or the header printed again in one row would outweigh them and all rows between.
            score = len(_meanings([low or high for low, high in zip_longest(line.cells, above)], known))
        above = line.cells
        if score > best_score:
            best, best_score = index, score
    if best < 0:
        return None
    lines = sheet.lines
    top, upper, lower = best, lines[best].cells, lines[best].cells
    first = best + 1
    if first < len(lines) and _is_lower_half(lines[first].cells, known):
        lower, first = lines[first].cells, first + 1
    elif best > 0 and _is_upper_half(lines[best - 1].cells, known):
        top, upper = best - 1, lines[best - 1].cells
    labels = [tidy(low) or tidy(high) for high, low in zip(_padded(upper, lower), _padded(lower, upper), strict=True)]
    header = Header(lines[best], labels, first=first, upper=[tidy(cell) for cell in _padded(upper, lower)])
    header.above = frozenset(text for line in lines[:top] for cell in line.cells if (text := tidy(cell)))
    _settle(header, known)
    return header


def likely(sheet: Sheet) -> Header | None:
    """The row that looks like a header though no label is known: the first one with the most words side by side."""
    best: Line | None = None
    width, at = 1, 0
    for index, line in enumerate(sheet.lines[:SEARCHED_ROWS]):
        words = {tidy(cell) for cell in line.cells if isinstance(cell, str) and not re.search(r"\d{3}", cell)}
        if len(words) > width:
            best, width, at = line, len(words), index
    if best is None:
        return None
    labels = [tidy(cell) for cell in best.cells]
    return Header(best, labels, first=at + 1, ignored=[label for label in labels if label])


def _settle(header: Header, known: ColumnLabels) -> None:
    """Give each meaning one column: that with the weightiest label, of equal ones the first. Name the others."""
    claims = {index: claim for index, label in enumerate(header.labels) if label and (claim := known.claim(label))}
    taken: set[str] = set()
    for index, (_weight, name) in sorted(claims.items(), key=lambda item: (item[1][0], item[0])):
        if name not in taken:
            taken.add(name)
            header.columns[index] = name
    header.columns = dict(sorted(header.columns.items()))
    header.ignored = [label for index, label in enumerate(header.labels) if label and index not in header.columns]


def _padded(cells: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    return [*cells, *[None] * (len(other) - len(cells))]


def _meanings(cells: Sequence[Any], known: ColumnLabels) -> set[str]:
    return {m for cell in cells if isinstance(cell, str) and (m := known.meaning(cell)) is not None}


def _is_lower_half(cells: Sequence[Any], known: ColumnLabels) -> bool:
    """Whether the row below the best one still belongs to the header: words alone, and at least half of them labels."""
    given = [cell for cell in cells if cell is not None]
    meant = [cell for cell in given if isinstance(cell, str) and known.meaning(cell) is not None]
    words = all(isinstance(cell, str) and not re.search(r"\d", cell) for cell in given)
    return words and bool(meant) and (len(meant) == len(given) or (len(meant) > 1 and 2 * len(meant) >= len(given)))


def _is_upper_half(cells: Sequence[Any], known: ColumnLabels) -> bool:
    """Whether the row above the best one belongs to the header: some of its words are labels, and it is no title."""
    given = [cell for cell in cells if cell is not None]
    return len(given) > 1 and any(isinstance(cell, str) and known.meaning(cell) is not None for cell in given)


def is_data(line: Line, header: Header) -> bool:
    """Whether a line below the header is data: not blank, no total, note or signature, no header or title printed
    again, and with a value of its own in a column that means something."""
    own = {index: text for index, cell in enumerate(line.cells) if index not in line.filled and (text := tidy(cell))}
    if not any(index in header.columns for index in own):
        return False
    first = narrow(next(iter(own.values()))).replace(" ", "")
    if _FOOTER.match(first) or any(_TOTAL_CELL.fullmatch(text.replace(" ", "")) for text in list(own.values())[:4]):
        return False
    if len(own) == 1 and set(own.values()) <= header.above:
        return False
    return not any(_is_again(own, labels) for labels in header.printed)


def _is_again(own: Mapping[int, str], labels: Sequence[str]) -> bool:
    """Whether a line repeats the header: all of its cells, or at least two and half of them, are the labels there."""
    same, others = 0, 0
    for index, text in own.items():
        if index < len(labels) and labels[index] and _is_label(text, labels[index]):
            same += 1
        elif (others := others + 1) * 2 > len(own):
            return False
    return same == len(own) or (same > 1 and 2 * same >= len(own))


def _is_label(text: str, label: str) -> bool:
    """Whether a text is a label, which is given in its normal form. Most texts are told by their first letter."""
    first = text[0]
    if first.isalnum() and first < "\uff00" and first.lower() != label[0]:
        return False
    return normal(text) == label
