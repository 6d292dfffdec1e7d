"""Find the header of a sheet: its rows, and for each column its label and the labels above it.

Offices send sheets with titles above the header, headers of two or three rows, and the header repeated on each printed
page. What the columns mean is decided in panel.imports.meanings."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from panel.i18n import Message
from panel.imports.layout.labels import ColumnLabels, normalize
from panel.kinds import tidy
from panel.sheets import Line, Sheet

#: The header is searched for in this many rows from the top.
SEARCHED_ROWS = 40
#: A header has this many rows at most.
MOST_TIERS = 3
#: The longest text that may be a label in a row below the first of a header.
LONGEST_LABEL = 20


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a column means isn't sure. `names` are the likely columns of the table, the likeliest first; "" for none."""

    index: int
    why: Message
    names: tuple[str, ...]


@dataclass
class Header:
    """A header of one or more rows. `rows` are their numbers in Excel; `labels` are the texts of the lowest row that
    has one, by column index; `groups` the texts above each label, the uppermost first; `tiers` the texts of each row;
    `first` is the index of the first line below; `above` are the texts above the header (titles), `heading` is the one
    directly above it if that stands alone.

    meanings.assign() fills in the rest. `columns` maps a column index to a column name. `why` explains what isn't
    plain. `unread` are columns that are not read, with the column of the table that each would be. `halves` are further
    tables beside the first: for each the index of a column by that of the column of the first table that it
    continues."""

    sheet: str
    rows: list[int]
    labels: list[str]
    groups: list[tuple[str, ...]]
    tiers: list[list[str]]
    first: int
    above: frozenset[str] = frozenset()
    heading: str = ""
    columns: dict[int, str] = field(default_factory=dict)
    why: dict[int, Message] = field(default_factory=dict)
    unread: dict[int, str] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    halves: list[dict[int, int]] = field(default_factory=list)

    @property
    def ignored(self) -> list[str]:
        """The labels of the columns that are not read."""
        read = {*self.columns, *(index for half in self.halves for index in half.values())}
        return [label for index, label in enumerate(self.labels) if label and index not in read]

    @property
    def fingerprint(self) -> str:
        """A fingerprint of the labels in their order, with those above them."""
        columns = [
            [*map(normalize, path), normalize(label)] for path, label in zip(self.groups, self.labels, strict=True)
        ]
        while columns and columns[-1] == [""]:
            columns.pop()
        return hashlib.sha256(json.dumps(columns).encode()).hexdigest()

    def title(self, index: int) -> str:
        """The label of a column with the labels above it: 联居队员 › 手机."""
        return " › ".join((*self.groups[index], self.labels[index]))


def candidates(sheet: Sheet, known: ColumnLabels) -> list[Header]:
    """A header for each row near the top of a sheet that isn't empty, as if that row were its first."""
    return [block_at(sheet, index, known) for index, line in enumerate(sheet.lines[:SEARCHED_ROWS]) if not line.blank]


def find(sheet: Sheet, known: ColumnLabels, row: int | None = None) -> Header | None:
    """The header of a sheet: of the candidates, the one with the most known labels. None if none has one. With `row`
    the header that begins in this row of the sheet, or one that the row is part of if only that has the required
    columns."""

    def rank(header: Header) -> tuple[bool, bool, int]:
        names = meanings_of(header, known)
        return known.required <= names, header.rows[0] == row, len(names)

    headers = candidates(sheet, known)
    if row is not None:
        return max((header for header in headers if row in header.rows), key=rank, default=None)
    best = max(headers, key=lambda header: len(meanings_of(header, known)), default=None)
    return best if best is not None and meanings_of(best, known) else None


def guess(sheet: Sheet, known: ColumnLabels) -> Header | None:
    """The row that looks most like a header when no label is known: the first one with the most distinct words."""
    width, position = 1, -1
    for index, line in enumerate(sheet.lines[:SEARCHED_ROWS]):
        words = {tidy(cell) for cell in line.cells if isinstance(cell, str) and not re.search(r"\d{3}", cell)}
        if len(words) > width:
            width, position = len(words), index
    return block_at(sheet, position, known, most=1) if position >= 0 else None


def meanings_of(header: Header, known: ColumnLabels) -> set[str]:
    """The columns that the labels of a header mean, taken alone."""
    return {name for label in header.labels if label and (name := known.meaning(label)) is not None}


def block_at(sheet: Sheet, index: int, known: ColumnLabels, most: int = MOST_TIERS) -> Header:
    """The header whose first row is the line with this index, with the rows below that belong to it."""
    lines = sheet.lines
    labels = [tidy(cell) for cell in lines[index].cells]
    header = Header(sheet.name, [lines[index].number], labels, [()] * len(labels), [list(labels)], index + 1)
    while len(header.rows) < most and header.first < len(lines):
        lower = lines[header.first]
        spans = _spans(header.tiers[-1], sheet.spans.get(header.rows[-1]))
        if not (_may_have_lower(header, known) and _is_lower(lower, header, spans, known)):
            break
        _add_tier(header, lower, spans)
    above = lines[:index]
    texts = [[text for cell in line.cells if (text := tidy(cell))] for line in above]
    header.above = frozenset(text for line_texts in texts for text in line_texts)
    last = next((line_texts for line_texts in reversed(texts) if line_texts), [])
    header.heading = last[0] if len(last) == 1 else ""
    return header


def _spans(tier: Sequence[str], merged: Mapping[int, int] | None) -> dict[int, int]:
    """For each column that a label of a row stands above, the index of that label. Without merged cells in the row, a
    label stands above the empty columns to its right as well."""
    above: dict[int, int] = {}
    for index, text in enumerate(tier):
        if text:
            above[index] = index
            for beside in range(index + 1, merged.get(index, index) + 1) if merged else ():
                above[beside] = index
        elif not merged and index - 1 in above:
            above[index] = above[index - 1]
    return above


def _may_have_lower(header: Header, known: ColumnLabels) -> bool:
    """Whether a row may have a second row of labels below it: words alone, no title, and one of them known."""
    texts = [text for text in header.tiers[-1] if text]
    if any(re.search(r"\d{3}|[:：]", text) for text in texts):
        return False
    if len(texts) == 1 and (header.tiers[-1][0] or known.owner(texts[0]) is None):
        return False
    return any(known.claim(text) or known.owner(text) for text in texts)


def _is_lower(line: Line, header: Header, spans: Mapping[int, int], known: ColumnLabels) -> bool:
    """Whether a line belongs to the header above it: words alone, and either known labels for the most part, or under
    labels that stand above several columns, or beside cells that are merged with the header."""
    own = {index: cell for index, cell in enumerate(line.cells) if cell is not None and index not in line.filled}
    if not own or not all(_is_label(cell, known) for cell in own.values()):
        return False
    claims = sum(_is_known(cell, header, spans.get(index), known) for index, cell in own.items())
    if claims == len(own) or (claims > 1 and 2 * claims >= len(own)):
        return True
    width = {start: list(spans.values()).count(start) for start in set(spans.values())}
    grouped = all(index in spans and width[spans[index]] > 1 for index in own)
    merged = any(
        index < len(header.labels) and tidy(line.cells[index]) == header.labels[index] for index in line.filled
    )
    return claims > 0 and (grouped or merged)


def _is_label(cell: Any, known: ColumnLabels) -> bool:
    return (
        isinstance(cell, str)
        and len(cell) <= LONGEST_LABEL
        and (re.search(r"\d", cell) is None or known.claim(cell) is not None)
    )


def _is_known(cell: str, header: Header, above: int | None, known: ColumnLabels) -> bool:
    if known.claim(cell) is not None:
        return True
    return above is not None and known.claim(header.tiers[-1][above] + cell) is not None


def _add_tier(header: Header, line: Line, spans: Mapping[int, int]) -> None:
    """Take a line as the next row of a header."""
    texts = [tidy(cell) for cell in line.cells]
    lacking = len(texts) - len(header.labels)
    labels = [*header.labels, *[""] * lacking]
    groups = [*header.groups, *[()] * lacking]
    header.labels, header.groups = list(labels), list(groups)
    for index, text in enumerate(texts):
        above = spans.get(index, index)
        if text and text != labels[index]:
            header.labels[index] = text
            header.groups[index] = (*groups[above], labels[above]) if labels[above] else groups[above]
    header.rows.append(line.number)
    header.tiers.append([*texts, *[""] * -lacking])
    header.first += 1
