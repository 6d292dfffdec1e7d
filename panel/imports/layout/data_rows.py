"""The rows of data below a header, and the rows that are left out, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from panel.i18n import Message, _
from panel.imports.layout import footers, headers, meanings, samples
from panel.imports.layout.headers import Header
from panel.imports.layout.labels import ColumnLabels, normalize
from panel.imports.plans import PlanRow
from panel.imports.questions import LeftOut, letter, row_key
from panel.kinds import tidy
from panel.sheets import Line, Sheet

TITLE, PRINTED = _("title"), _("header printed again")
OTHER_TABLE, UNREAD = _("another table"), _("nothing in a column that is read")
HEADING = _("heads the rows below it")
#: The last characters of texts that may be a total, and the first ones of an example.
_ENDS, _STARTS = frozenset("计数总汇lL"), frozenset("示Ee")
#: A label is compared with cells of at most this length.
_SHORT = 20


@dataclass(slots=True)
class DataRows:
    rows: list[PlanRow] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)
    #: Rows with one text alone, which may head the rows below, and why they are left out if they don't; None: they are
    #: data then.
    lone: list[tuple[PlanRow, Message | None]] = field(default_factory=list)


class Reader:
    """Reads the lines below a header. `dated` are the names of columns that hold days; `taken` are rows that the user
    takes in although they read like footers; with `headed` a row of one text may head those below it."""

    def __init__(
        self,
        sheet: Sheet,
        header: Header,
        known: ColumnLabels,
        dated: Collection[str],
        *,
        taken: Collection[str] = (),
        headed: bool = False,
    ) -> None:
        self.sheet, self.header, self.known, self.taken, self.headed = sheet, header, known, taken, headed
        self.result = DataRows()
        self.width = len(header.labels)
        self.mapped = frozenset(header.columns)
        self.required = [index for index, name in header.columns.items() if name in known.required]
        self.dated = [index for index in self.required if header.columns[index] in dated]
        self.printed = [[normalize(text) for text in tier] for tier in (header.labels, *header.tiers)]
        self.texts = frozenset(text for tier in (header.labels, *header.tiers) for text in tier if text)
        self.first_letters = frozenset(text[0] for tier in self.printed for text in tier if text)
        #: For a block with another order of columns: the index of its cell by that of the header's column.
        self.order: dict[int, int] | None = None
        #: The row of a header that belongs to another table; rows below it are left out.
        self.foreign = False

    def read(self) -> DataRows:
        lines = self.sheet.lines
        index = self.header.first
        while index < len(lines):
            line = lines[index]
            index += 1
            if self._is_plain(line):
                self._add(line, line.cells)
            elif not line.blank:
                index = self._read(line, index)
        return self.result

    def _is_plain(self, line: Line) -> bool:
        """Whether a line is data at the first look: every required cell is filled and reads like no label or footer."""
        if self.order is not None or self.foreign or self.header.halves or not self.required:
            return False
        cells = line.cells
        if len(cells) < self.width or (self.headed and cells.count(None) + 1 >= len(cells)):
            return False
        first = cells[0] if cells[0] is not None else next((cell for cell in cells if cell is not None), None)
        if isinstance(first, str) and (first[0] in _STARTS or first[-1] in _ENDS):
            return False
        for index in self.required:
            cell = cells[index]
            if cell is None or index in line.filled:
                return False
            if isinstance(cell, str) and (
                cell[-1] in _ENDS
                or "：" in cell
                or ":" in cell
                or cell in self.texts
                or cell in self.known.elsewhere
                or (len(cell) <= _SHORT and cell[0] in self.first_letters and self._is_label(cell))
            ):
                return False
        return True

    def _is_label(self, cell: str) -> bool:
        return any(normalize(cell) in tier for tier in self.printed)

    def _read(self, line: Line, index: int) -> int:
        """Read a line that isn't plainly data; returns the index of the next line."""
        if row_key(self.sheet.name, line.number) in self.taken or str(line.number) in self.taken:
            self._add(line, line.cells)
            return index
        own = {i: text for i, cell in enumerate(line.cells) if i not in line.filled and (text := samples.shown(cell))}
        if not own:
            return index
        if self._repeats(own):
            self._leave(line, own, PRINTED)
            return index
        if (block := self._other_header(line, index - 1, own)) is not None:
            return block
        if self.foreign:
            self._leave(line, own, OTHER_TABLE)
            return index
        for half in ({}, *self.header.halves):
            self._read_table(line, own, half)
        return index

    def _read_table(self, line: Line, own: Mapping[int, str], half: Mapping[int, int]) -> None:
        """Read a line as a row of the first table, or of one beside it."""
        cells = line.cells
        places = half or self.order
        if places is not None:
            cells = [None] * self.width
            for main, place in places.items():
                cells[main] = line.cells[place] if place < len(line.cells) else None
            own = {main: own[place] for main, place in sorted(places.items()) if place in own}
        elif self.header.halves:
            beside = {place for other in self.header.halves for place in other.values()}
            own = {i: text for i, text in own.items() if i not in beside}
        if not own or (not self.mapped & own.keys() and all(re.fullmatch(r"[\d.]+", text) for text in own.values())):
            # A row with nothing but its number is as good as blank.
            return
        why, may_head = self._why_left_out(own)
        if may_head:
            self.result.lone.append((self._add(line, cells, half), why))
        elif why is not None:
            self._leave(line, own, why)
        else:
            self._add(line, cells, half)

    def _why_left_out(self, own: Mapping[int, str]) -> tuple[Message | None, bool]:
        """Why a row is left out, None if it is data; and whether it may head the rows below it instead."""
        alone = len(own) == 1
        if alone and set(own.values()) <= self.header.above:
            return TITLE, False
        reason = footers.reason_of(own, self.mapped, self.required, self.dated)
        if reason is not None:
            return reason.value, alone and reason is footers.Reason.REMARK
        return (None if self.mapped & own.keys() else UNREAD), alone

    def _add(self, line: Line, cells: list[Any], half: Mapping[int, int] | None = None) -> PlanRow:
        lacking = self.width - len(cells)
        row = PlanRow(self.sheet.name, line.number, [*cells, *[None] * lacking] if lacking > 0 else cells)
        row.half = letter(min(half.values())) if half else ""
        self.result.rows.append(row)
        return row

    def _leave(self, line: Line, own: Mapping[int, str], why: Message) -> None:
        text = " ".join(own.values())
        self.result.left_out.append(LeftOut(self.sheet.name, line.number, why, text[:120]))

    def _repeats(self, own: Mapping[int, str]) -> bool:
        """Whether a line repeats the header: all of its cells, or at least two and half of them, equal the label of
        their column."""
        for tier in self.printed:
            same = sum(i < len(tier) and bool(tier[i]) and normalize(text) == tier[i] for i, text in own.items())
            if same == len(own) or (same > 1 and 2 * same >= len(own)):
                self.order, self.foreign = None, False
                return True
        return False

    def _other_header(self, line: Line, index: int, own: Mapping[int, str]) -> int | None:
        """If a line is a header with another order of columns, read the lines below by it, or leave them out if it is
        of another table. Returns the index of the line below it; None if the line is no header."""
        if len(own) < 2 or any(len(text) > _SHORT or re.search(r"\d{3}", text) for text in own.values()):
            return None
        own_labels = sum(self.known.claim(text) is not None for text in own.values())
        if 3 * own_labels < 2 * len(own) and not (len(own) > 2 and all(map(self.known.is_label, own.values()))):
            return None
        block = headers.block_at(self.sheet, index, self.known)
        values = samples.below(self.sheet.lines[block.first :], len(block.labels))
        meanings.assign(block, self.known, values, {})
        names = {name: place for place, name in block.columns.items()}
        wanted = {name: main for main, name in self.header.columns.items()}
        numbers = str(line.number)
        if self.known.required <= names.keys() and not block.doubts:
            self.order = {wanted[name]: place for name, place in names.items() if name in wanted}
            self.foreign = False
            self.result.warnings.append(_("The rows below row {row} are read by the header there.", row=numbers))
        elif len(own) > 2 or self.known.required <= names.keys():
            self.order, self.foreign = None, True
        else:
            return None
        self._leave(line, own, PRINTED if self.order is not None else OTHER_TABLE)
        return block.first


def settle_lone(
    result: DataRows, heading: str, named_by: Callable[[str], str | None], column_of: Callable[[str], int]
) -> None:
    """Let rows that name only a street, or whatever else may stand above a record, head the rows below them: their text
    fills the empty cells of its column. `heading` is such a text above the header. `named_by` gives the name of the
    column that a text belongs to, `column_of` the index of that column. Other rows of one text are left out or data."""
    names = {id(row): named_by(heading_of(row)) for row, _why in result.lone}
    left = {id(row): why for row, why in result.lone if why is not None}
    first = named_by(heading) if heading else None
    current = {column_of(name): "" for name in dict.fromkeys([first, *names.values()]) if name is not None}
    if first is not None:
        current[column_of(first)] = heading
    if not current and not left:
        return
    rows = []
    for row in result.rows:
        if (name := names.get(id(row))) is not None:
            current[column_of(name)] = heading_of(row)
            result.left_out.append(LeftOut(row.sheet, row.number, HEADING, heading_of(row)))
        elif (why := left.get(id(row))) is not None:
            result.left_out.append(LeftOut(row.sheet, row.number, why, heading_of(row)))
        else:
            _fill(row, current)
            rows.append(row)
    result.rows = rows
    result.left_out.sort(key=lambda left: left.row)


def _fill(row: PlanRow, texts: Mapping[int, str]) -> None:
    for index, text in texts.items():
        row.cells += [None] * (index + 1 - len(row.cells))
        if row.cells[index] is None and text:
            row.cells[index] = text


def heading_of(row: PlanRow) -> str:
    """The text of a row that has only one, as a name."""
    return heading_text(next(tidy(cell) for cell in row.cells if cell is not None))


def heading_text(text: str) -> str:
    """A text without the number before it, the colon and what stands in brackets behind it: 一、城东街道（5人）."""
    return re.sub(r"^([(（]?[一二三四五六七八九十\d]+[)）、.．]\s*)|[:：]$|[(（][^)）]*[)）]$", "", text)
