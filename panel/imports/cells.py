"""Read the cells of a row: each by the kind of its column, and the words for "nothing", "nobody" and "as above".

Words in place of a value (see panel.kinds.cell_words) are read alike in every table:

- Nothing (无, /, N/A): the cell counts as empty. The row gets a note, or fails where the column must be filled in.
- Nobody (暂缺, 待定): in the column of the person whom the row is about, the post is vacant. Such a row is neither a
  record nor the end of one. In other columns than plain text ones the cell counts as empty.
- As above (〃, 同上): the cell of the row above takes its place, also in a file of failed rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from panel.fields import Field, Personal, field_named
from panel.i18n import Message, _, listed, n_
from panel.imports.plans import CellError, Part, Plan, PlanRow
from panel.imports.rules import CLOCK, ID, Rules
from panel.imports.words import LEAVE_OUT
from panel.kinds import ZONE, Invalid, Kind, Moment, Text, Time, Whole, Word, tidy, word_of
from panel.sheets import UnreadableCell


@dataclass(frozen=True, slots=True)
class Column:
    """A column to read. `field` is None for the record number and the further columns of the table's rules."""

    index: int
    name: str
    label: str
    kind: Kind
    field: Field | None = None
    lookup: bool = False
    #: For a clock beside a day: the field of both.
    clock_of: Field | None = None


def columns_of(part: Part, read: Mapping[int, Field], rules: Rules) -> list[Column]:
    """The columns of a sheet that are read; `read` are the fields by column index."""
    extra, kinds = rules.extra_columns(), rules.extra_kinds()
    columns = []
    for index, name in part.columns.items():
        label, declared = part.labels[index], read.get(index)
        if name == ID or name in extra:
            columns.append(Column(index, name, label, kinds.get(name, Text(0))))
        elif name.endswith(CLOCK):
            day = field_named(rules.model, name.removesuffix(CLOCK))
            columns.append(Column(index, name, label, Time(), clock_of=day))
        elif declared is not None or "/" in name:
            kind = declared.kind if declared is not None else Text(0)
            columns.append(Column(index, name, label, kind, declared, name in part.lookups))
    return columns


def read_as_empty(cells: object) -> Message:
    return _("Read as empty: {cells}.", cells=cells)


def note_empty(row: PlanRow, declared: Field, text: str) -> None:
    """Note that the text of a reference is read as empty."""
    row.notes.append(read_as_empty(_("{label} “{value}”", label=declared.label, value=text)))


def warn_of_vacant_posts(plan: Plan) -> None:
    """Name the rows that are skipped because nobody holds the post."""
    vacant = [row for row in plan.rows if row.vacant and not row.failed]
    if vacant:
        rows = listed(plan.row_label(row, vacant[0]) for row in vacant[:20]) + ("…" if len(vacant) > 20 else "")
        plan.warnings.append(
            n_(
                "{n} vacant post is skipped: row {rows}.",
                "{n} vacant posts are skipped: rows {rows}.",
                len(vacant),
                rows=rows,
            )
        )


class RowReader:
    """Reads the rows of a sheet from top to bottom."""

    def __init__(self, plan: Plan, part: Part, columns: list[Column]) -> None:
        self.plan, self.part, self.columns = plan, part, columns
        self._above: PlanRow | None = None
        #: Of the current row: the cells that say nothing, those that repeat the cell above, clocks, and units.
        self._silent: list[str] = []
        self._repeated: list[str] = []
        self._clocks: list[tuple[Column, time]] = []
        self._units: list[tuple[Column, str]] = []

    def read(self, row: PlanRow) -> None:
        """Parse each cell by the kind of its column; a value that can't be parsed becomes an error of the cell."""
        for column in self.columns:
            raw = row.cells[column.index]
            text = tidy(raw)
            word = word_of(text)
            if word is Word.ABOVE:
                raw = self._cell_above(row, column)
                text = tidy(raw)
                word = word_of(text)
            replaced = self.plan.replaced.get(column.name)
            if replaced is not None and not isinstance(raw, UnreadableCell):
                answer = replaced.get(text)
                if answer is not None:
                    self.plan.used_words[column.name, text] = answer
                if answer is not None and answer != LEAVE_OUT:
                    if column.lookup and tidy(answer) != text:
                        row.texts[column.name] = tidy(answer)
                    raw, text, word = answer, tidy(answer), None
            if not text:
                self._clear(row, column)
            elif isinstance(raw, UnreadableCell):
                row.errors.append(CellError(column.label, text, raw.message, column.index))
            elif not column.lookup:
                self._take(row, column, raw, text, word)
        self._finish(row)

    def _take(self, row: PlanRow, column: Column, raw: Any, text: str, word: Word | None) -> None:
        """Read a cell that is neither empty nor a reference."""
        declared, kind = column.field, column.kind
        # Texts of further columns are parsed later, by the rules of the table.
        any_text = kind.any_text or (declared is None and column.clock_of is None)
        if word is not None and any_text and self._is_silent(row, column, text, word):
            return
        if column.clock_of is not None:
            self._parse(row, column, raw, word)
        elif declared is None:
            row.extra[column.name] = text
        elif declared.personal is not Personal.NO and "*" in text:
            row.masked[declared.attr] = text
        else:
            self._parse(row, column, raw, word)

    def _parse(self, row: PlanRow, column: Column, raw: Any, word: Word | None) -> None:
        kind = column.kind
        try:
            if kind.remarks:
                value, note, unit = kind.read(raw)
                if note is not None:
                    row.notes.append(_("{label}: {value}", label=column.label, value=note))
                if unit:
                    self._units.append((column, unit))
            else:
                value = kind.parse(raw)
        except Invalid as problem:
            text = tidy(raw)
            if word is None or not self._is_silent(row, column, text, word):
                row.errors.append(CellError(column.label, text, problem.message, column.index))
            return
        if column.clock_of is not None:
            self._clocks.append((column, value))
        elif value is not None and column.field is not None:
            # Nearly every parsed text equals its cell: keep one object instead of two.
            row.values[column.field.attr] = raw if type(value) is type(raw) and value == raw else value

    def _is_silent(self, row: PlanRow, column: Column, text: str, word: Word) -> bool:
        """Whether a cell with this word counts as empty. A vacant post marks the row."""
        if word is Word.VACANT and column.kind.person and column.field is not None and column.field.required:
            row.vacant = True
            row.notes.append(_("“{value}”: the post is vacant. Nobody is added, and nobody's term ends.", value=text))
            return True
        if word is Word.VACANT and column.kind.any_text and not column.kind.person:
            return False
        if column.field is None or not column.field.required or column.field.default is not None:
            self._silent.append(f"{column.label}“{text}”")
        self._clear(row, column)
        return True

    def _clear(self, row: PlanRow, column: Column) -> None:
        """An empty cell clears the stored value if the options say so."""
        declared = column.field
        if self.plan.options.clear and declared is not None and not (declared.required or declared.key):
            row.values[declared.attr] = None

    def _cell_above(self, row: PlanRow, column: Column) -> Any:
        """The cell above one that repeats it. It takes its place in the row, so that the row can stand alone."""
        text, above = tidy(row.cells[column.index]), self._above
        raw = above.cells[column.index] if above is not None else None
        if raw is None:
            self._silent.append(f"{column.label}“{text}”")
        else:
            self._repeated.append(f"{column.label}“{tidy(raw)}”")
        row.cells[column.index] = raw
        return raw

    def _finish(self, row: PlanRow) -> None:
        """Join what several cells of the row tell, and note what was read otherwise than it stands there."""
        for column, clock in self._clocks:
            self._set_clock(row, column, clock)
        for column, unit in self._units:
            self._set_unit(row, column, unit)
        if self._silent:
            row.notes.append(read_as_empty(listed(self._silent)))
        if self._repeated and self._above is not None:
            cells = listed(self._repeated)
            row.notes.append(_("As in row {row} above: {cells}.", row=self._above.number, cells=cells))
        if row.vacant:
            row.errors.clear()
        for told in (self._silent, self._repeated, self._clocks, self._units):
            told.clear()
        self._above = row

    def _set_clock(self, row: PlanRow, column: Column, clock: time) -> None:
        """Join the clock of a column with the day of another one to a moment."""
        declared = column.clock_of
        moment = row.values.get(declared.attr) if declared is not None else None
        if declared is None or not isinstance(moment, datetime):
            if not row.failed:
                row.errors.append(
                    CellError(column.label, str(clock), _("The day of this time is missing."), column.index)
                )
            return
        local = moment.astimezone(ZONE)
        if local.time() not in (time(), clock):
            other = _("The other column has another time: {value}.", value=Moment().format(moment))
            row.errors.append(CellError(column.label, str(clock), other, column.index))
        row.values[declared.attr] = datetime.combine(local.date(), clock, ZONE)

    def _set_unit(self, row: PlanRow, column: Column, unit: str) -> None:
        """Put the unit behind a number into the field of units."""
        kind = column.kind
        target = field_named(self.plan.model, kind.unit_field) if isinstance(kind, Whole) else None
        assert target is not None
        text = tidy(row.cells[column.index])
        try:
            value = target.kind.parse(unit)
        except Invalid as problem:
            row.errors.append(CellError(column.label, text, problem.message, column.index))
            return
        if row.values.setdefault(target.attr, value) != value:
            other = _("{label} names another unit: {value}.", label=target.label, value=unit)
            row.errors.append(CellError(column.label, text, other, column.index))
        shown = target.kind.format(value)
        if shown != unit.removeprefix("个") and column.field is not None:
            number = row.values.get(column.field.attr)
            row.notes.append(_("“{value}” is read as {result}.", value=text, result=f"{number} {shown}"))
