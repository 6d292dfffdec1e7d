"""Finding the header in a sheet as offices send it, and what each of its columns means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from panel.kinds import narrow, tidy
from panel.sheets import Line, Sheet
from panel.text import Message, in_every_locale

#: The header is looked for in the first rows only.
SEARCHED_ROWS = 40
#: Columns that number the rows, never imported.
COUNTERS = frozenset({"序号", "序", "no", "no."})
_BRACKETED = re.compile(r"[(\[【（〔][^)\]】）〕]*[)\]】）〕]")
_DULL = re.compile(r"[\s()\[\]【】（）〔〕*＊:：_\-·.]+")
_FOOTER = re.compile(
    r"(合计|总计|小计|共计|总数|累计)|(注|备注|说明|附|填表说明)[:：]|(填表|制表|审核|负责|填报|统计|复核|经办|联系)(人|单位|日期|时间)"
    r"|(单位|日期)[:：]|示例|[Ee]xample"
)


def normal(label: object) -> str:
    """A label without spaces, line breaks, brackets and stars, in small letters."""
    return _DULL.sub("", narrow(tidy(label))).lower()


def spellings(label: object) -> list[str]:
    """How a header may be read, the most exact first: whole, then without what stands in brackets."""
    text = narrow(tidy(label))
    return [found for found in dict.fromkeys((normal(text), normal(_BRACKETED.sub("", text)))) if found]


@dataclass(frozen=True, slots=True)
class Known:
    """The labels that mean each column of a table; the first claim to a label holds."""

    meanings: Mapping[str, str]

    @classmethod
    def of(cls, claims: Iterable[tuple[str, Iterable[str | Message]]]) -> Known:
        """From (column name, its labels) in order of weight."""
        meanings: dict[str, str] = {}
        for name, labels in claims:
            for label in labels:
                for text in in_every_locale(label) if isinstance(label, Message) else {label}:
                    for spelling in spellings(text):
                        meanings.setdefault(spelling, name)
        return cls(meanings)

    def meaning(self, label: object) -> str | None:
        return next((self.meanings[s] for s in spellings(label) if s in self.meanings), None)


@dataclass(slots=True)
class Header:
    """Where the header is and what its columns mean. `columns` maps a column's index to a column name; `labels` are
    the headers as they stand in the file; `first` is the index of the first line of data."""

    line: Line
    labels: list[str]
    columns: dict[int, str] = field(default_factory=dict)
    first: int = 0
    ignored: list[str] = field(default_factory=list)


def find(sheet: Sheet, known: Known) -> Header | None:
    """The header of a sheet: the row in which most columns mean something; None if in no row at least one does."""
    best, best_score = -1, 0
    for index, line in enumerate(sheet.lines[:SEARCHED_ROWS]):
        score = len(_meanings(line.cells, known))
        if score > best_score:
            best, best_score = index, score
    if best < 0:
        return None
    lines = sheet.lines
    upper, lower = lines[best].cells, lines[best].cells
    first = best + 1
    if first < len(lines) and _is_header_part(lines[first].cells, known):
        lower, first = lines[first].cells, first + 1
    elif best > 0 and _is_header_part(lines[best - 1].cells, known, loosely=True):
        upper = lines[best - 1].cells
    labels = [tidy(low) or tidy(high) for high, low in zip(_padded(upper, lower), _padded(lower, upper), strict=True)]
    header = Header(lines[best], labels, first=first)
    taken: set[str] = set()
    for index, label in enumerate(labels):
        meaning = known.meaning(label) if label else None
        if meaning is not None and meaning not in taken:
            taken.add(meaning)
            header.columns[index] = meaning
        elif label:
            header.ignored.append(label)
    return header


def _padded(cells: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    return [*cells, *[None] * (len(other) - len(cells))]


def _meanings(cells: Sequence[Any], known: Known) -> set[str]:
    return {m for cell in cells if isinstance(cell, str) and (m := known.meaning(cell)) is not None}


def _is_header_part(cells: Sequence[Any], known: Known, *, loosely: bool = False) -> bool:
    """Whether a row next to the header belongs to it: all its cells (loosely: some) are labels."""
    given = [cell for cell in cells if cell is not None]
    meant = [cell for cell in given if isinstance(cell, str) and known.meaning(cell) is not None]
    return bool(meant) and (len(meant) == len(given) or (loosely and len(given) > 1))


def is_data(line: Line, header: Header) -> bool:
    """Whether a line below the header is data: not blank, no total, note or signature, no header printed again."""
    if line.blank:
        return False
    start = next((text for cell in line.cells if (text := tidy(cell))), "")
    if not start or _FOOTER.match(start.replace(" ", "")):
        return False
    pairs = zip(line.cells, header.labels, strict=False)
    same = sum(1 for cell, label in pairs if label and tidy(cell) == label)
    return same < 2 or same < sum(1 for label in header.labels if label) / 2
