"""Find the header of a sheet and map its columns to the columns of a table.

Offices send sheets with titles above the header, headers of two rows, the header repeated on each printed page,
and totals or signatures below the data."""

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

#: The header is searched for in this many rows from the top.
SEARCHED_ROWS = 40
_BRACKETED = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]")
_PUNCTUATION = re.compile(r"[\s()\[\]【】〔〕*:_\-·.]+")
_TOTAL = r"(合计|总计|小计|共计|总数|累计|[Tt]otal)"
#: The beginning of a row that is not data: a total, a note, a signature, an export number, the unit, or the example
#: row of a template.
_FOOTER = re.compile(
    rf"{_TOTAL}([:(\d]|[一二三四五六七八九十百]*[人户个条项名行件]?$)|(注|备注|说明|附注?|填表说明)\d?[:、]|(填表|制表|审核|负责|填报|统计|复核|经办|联系)(人|单位|日期|时间)([:(]|$)"
    r"|(导出编号|[Ee]xportno\.)[:]|(单位|日期)[:]|(示例|[Ee]xample)[:]"
)
#: A whole cell that marks a row of totals; a subtotal begins with the name of its group.
_TOTAL_CELL = re.compile(rf"({_TOTAL}|.{{1,8}}小计)[:]?")


def normalize(label: object) -> str:
    """A label in lower case and narrow characters, without white space, brackets and punctuation."""
    return _PUNCTUATION.sub("", narrow(tidy(label))).lower()


def spellings(label: object) -> list[str]:
    """Normalized forms of a header, the most exact first: whole, then without the text in brackets."""
    text = narrow(tidy(label))
    return [spelling for spelling in dict.fromkeys((normalize(text), normalize(_BRACKETED.sub("", text)))) if spelling]


@dataclass(frozen=True, slots=True)
class ColumnLabels:
    """Which column each known label means. `meanings` maps a normalized label to (weight, column name); a smaller
    weight is a stronger claim, and the first claim to a label wins."""

    meanings: Mapping[str, tuple[int, str]]

    @classmethod
    def of(cls, claims: Iterable[tuple[str, Iterable[str | Message]]]) -> ColumnLabels:
        """Build from (column name, labels of the column), strongest claim first."""
        meanings: dict[str, tuple[int, str]] = {}
        for weight, (name, labels) in enumerate(claims):
            for label in labels:
                for text in in_every_locale(label) if isinstance(label, Message) else {label}:
                    for spelling in spellings(text):
                        meanings.setdefault(spelling, (weight, name))
        return cls(meanings)

    def with_overrides(self, meanings: Mapping[str, str]) -> ColumnLabels:
        """Add meanings that a user chose; they outweigh all others. An empty column name removes the label."""
        overrides = {normalize(label): (-1, name) for label, name in meanings.items() if normalize(label)}
        overridden = {name for _weight, name in overrides.values() if name}
        others = {label: claim for label, claim in self.meanings.items() if claim[1] not in overridden}
        return ColumnLabels({label: claim for label, claim in {**others, **overrides}.items() if claim[1]})

    def claim(self, label: object) -> tuple[int, str] | None:
        """The weight and the column name of a label; None if it is unknown."""
        return next((self.meanings[s] for s in spellings(label) if s in self.meanings), None)

    def meaning(self, label: object) -> str | None:
        claim = self.claim(label)
        return claim[1] if claim else None


@dataclass
class Header:
    """A header row of a sheet, or a header of two rows. `line` is its row with the best match; `labels` are its texts
    as written, by column index; `columns` maps a column index to a column name; `ignored` are the labels without a
    meaning; `first` is the index of the first line below the header; `upper` are the texts of the upper of two rows;
    `above` are the texts above the header (titles), which may be repeated on each printed page."""

    line: Line
    labels: list[str]
    columns: dict[int, str] = field(default_factory=dict)
    first: int = 0
    ignored: list[str] = field(default_factory=list)
    upper: list[str] = field(default_factory=list)
    above: frozenset[str] = frozenset()

    @cached_property
    def printed(self) -> tuple[list[str], list[str]]:
        """The normalized labels of the lower and of the upper row, to recognise the header on later printed pages."""
        return [normalize(label) for label in self.labels], [normalize(label) for label in self.upper]


def find(sheet: Sheet, known: ColumnLabels) -> Header | None:
    """The header of a sheet: the row with the most known labels. None if no row has one."""
    best, best_score = -1, 0
    above: Sequence[Any] = []
    for index, line in enumerate(sheet.lines[:SEARCHED_ROWS]):
        score = len(_meanings(line.cells, known))
        if score and _is_upper_row(above, known) and _is_lower_row(line.cells, known):
            # Score both rows of the header together. Otherwise a repetition of it in one row, further down, scores
            # higher, and the rows between would be lost.
            score = len(_meanings([low or high for low, high in zip_longest(line.cells, above)], known))
        above = line.cells
        if score > best_score:
            best, best_score = index, score
    if best < 0:
        return None
    lines = sheet.lines
    top, upper, lower = best, lines[best].cells, lines[best].cells
    first = best + 1
    if first < len(lines) and _is_lower_row(lines[first].cells, known):
        lower, first = lines[first].cells, first + 1
    elif best > 0 and _is_upper_row(lines[best - 1].cells, known):
        top, upper = best - 1, lines[best - 1].cells
    labels = [tidy(low) or tidy(high) for high, low in zip(_padded(upper, lower), _padded(lower, upper), strict=True)]
    header = Header(lines[best], labels, first=first, upper=[tidy(cell) for cell in _padded(upper, lower)])
    header.above = frozenset(text for line in lines[:top] for cell in line.cells if (text := tidy(cell)))
    _assign_columns(header, known)
    return header


def guess(sheet: Sheet) -> Header | None:
    """The row that looks most like a header when no label is known: the first one with the most distinct words."""
    widest: Line | None = None
    width, position = 1, 0
    for index, line in enumerate(sheet.lines[:SEARCHED_ROWS]):
        words = {tidy(cell) for cell in line.cells if isinstance(cell, str) and not re.search(r"\d{3}", cell)}
        if len(words) > width:
            widest, width, position = line, len(words), index
    if widest is None:
        return None
    labels = [tidy(cell) for cell in widest.cells]
    return Header(widest, labels, first=position + 1, ignored=[label for label in labels if label])


def _assign_columns(header: Header, known: ColumnLabels) -> None:
    """Map each column name to one column of the sheet: the one with the strongest claim, of equal ones the first.
    The labels of the others are listed in `ignored`."""
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


def _is_lower_row(cells: Sequence[Any], known: ColumnLabels) -> bool:
    """Whether the row below the best one belongs to the header: text only, and at least half of it known labels."""
    filled = [cell for cell in cells if cell is not None]
    labels = [cell for cell in filled if isinstance(cell, str) and known.meaning(cell) is not None]
    words = all(isinstance(cell, str) and not re.search(r"\d", cell) for cell in filled)
    return (
        words and bool(labels) and (len(labels) == len(filled) or (len(labels) > 1 and 2 * len(labels) >= len(filled)))
    )


def _is_upper_row(cells: Sequence[Any], known: ColumnLabels) -> bool:
    """Whether the row above the best one belongs to the header: more than one cell, and one of them a known label."""
    filled = [cell for cell in cells if cell is not None]
    return len(filled) > 1 and any(isinstance(cell, str) and known.meaning(cell) is not None for cell in filled)


def is_data(line: Line, header: Header) -> bool:
    """Whether a line below the header is data: it has a value of its own in a mapped column, and is no total, note
    or signature and no repetition of the header or a title. Cells filled from a merged range don't count."""
    texts = {index: text for index, cell in enumerate(line.cells) if index not in line.filled and (text := tidy(cell))}
    if not any(index in header.columns for index in texts):
        return False
    first = narrow(next(iter(texts.values()))).replace(" ", "")
    if _FOOTER.match(first) or any(_TOTAL_CELL.fullmatch(text.replace(" ", "")) for text in list(texts.values())[:4]):
        return False
    if len(texts) == 1 and set(texts.values()) <= header.above:
        return False
    return not any(_repeats(texts, labels) for labels in header.printed)


def _repeats(texts: Mapping[int, str], labels: Sequence[str]) -> bool:
    """Whether a line repeats the header: all of its cells, or at least two and half of them, equal the label of their
    column."""
    same, others = 0, 0
    for index, text in texts.items():
        if index < len(labels) and labels[index] and _is_label(text, labels[index]):
            same += 1
        elif (others := others + 1) * 2 > len(texts):
            return False
    return same == len(texts) or (same > 1 and 2 * same >= len(texts))


def _is_label(text: str, label: str) -> bool:
    """Whether a text equals a normalized label. The first letter is compared before the costly normalization."""
    first = text[0]
    if first.isalnum() and first < "\uff00" and first.lower() != label[0]:
        return False
    return normalize(text) == label
