"""Sheets of a workbook as an office lays them out, with what is true of each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from tests.corpus.people import Person
from tests.workbooks import saved

#: The day of the import, on which a successor without a date begins.
TODAY = date(2026, 7, 15)
#: The values of a new liaison of whom the row tells nothing.
BLANK = dict.fromkeys(("gender", "post", "mobile", "telephone", "end_on", "note"))


class Meaning(Enum):
    """What a sensible clerk makes of a row."""

    #: The values of its truth are what is stored afterwards.
    CLEAR = "clear"
    #: The post is vacant: nothing is written and nobody's term ends.
    VACANT = "vacant"
    #: Nobody can tell without asking: a number cut short, two people in one cell.
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Truth:
    """What is true of a row of data: `values` by name of a column. `leaves` is whose term the row ends; `below` is the
    row that a cell of it goes on in, so that it isn't silent to refuse that one."""

    row: int
    values: Mapping[str, Any] = field(default_factory=dict)
    meaning: Meaning = Meaning.CLEAR
    leaves: str = ""
    below: int | None = None


@dataclass
class Sheet:
    """A sheet that is filled from top to bottom."""

    name: str = "Sheet1"
    rows: list[Sequence[Any]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden: bool = False
    truths: list[Truth] = field(default_factory=list)

    def line(self, *cells: Any) -> int:
        """Add a row and return its number."""
        self.rows.append(cells)
        return len(self.rows)

    def title(self, text: str, width: int) -> None:
        """Add a row of one text over the whole width."""
        self.merge(self.line(text), 1, width=width)

    def merge(self, row: int, column: int, *, width: int = 1, height: int = 1) -> None:
        first, last = get_column_letter(column), get_column_letter(column + width - 1)
        self.merged.append(f"{first}{row}:{last}{row + height - 1}")

    def hide(self, *cells: Any) -> None:
        """Add a hidden row: of somebody who left long ago, by whoever keeps the file."""
        self.hidden_rows.append(self.line(*cells))

    def true(self, row: int, values: Mapping[str, Any], leaves: str = "") -> None:
        self.truths.append(Truth(row, values, leaves=leaves))

    def goes_on(self, *cells: Any) -> None:
        """Add a row with what was too long for a cell of the row above."""
        row = self.line(*cells)
        self.truths[-1] = replace(self.truths[-1], below=row)
        self.unclear(row)

    def unclear(self, row: int) -> None:
        self.truths.append(Truth(row, meaning=Meaning.UNCLEAR))

    def vacant(self, row: int) -> None:
        self.truths.append(Truth(row, meaning=Meaning.VACANT))

    def person(self, row: int, person: Person, gives: Iterable[str] = (), **others: Any) -> None:
        """A row about the liaison in office. `gives` are the columns whose values the row gives as they are; `others`
        are values that it gives anew."""
        given = {"gender": person.gender, "telephone": person.telephone}
        self.true(row, {**person.stored(), **{name: given[name] for name in gives}, **others})

    def successor(self, row: int, person: Person, **values: Any) -> None:
        """A row about somebody who follows the liaison in office."""
        kept = {"community": person.community, "officer": person.officer, "start_on": TODAY}
        self.true(row, {**BLANK, **kept, **values}, leaves=person.name)


@dataclass
class Form:
    """A workbook of one kind."""

    table: str
    sheets: Sequence[Sheet]

    def data(self) -> bytes:
        book = Workbook()
        book.remove(book.active)  # type: ignore[arg-type]
        for sheet in self.sheets:
            page = book.create_sheet(sheet.name)
            for row in sheet.rows:
                page.append(list(row))
            for span in sheet.merged:
                page.merge_cells(span)
            for number in sheet.hidden_rows:
                page.row_dimensions[number].hidden = True
            if sheet.hidden:
                page.sheet_state = "hidden"
        return saved(book)
