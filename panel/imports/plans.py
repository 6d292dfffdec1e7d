"""The plan of an import: what it would do with each row, before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from panel.base import Base
from panel.fields import Field, all_fields
from panel.i18n import Message, _
from panel.imports.hashes import hash_of
from panel.imports.layout.headers import Header
from panel.imports.lazy import Lazy
from panel.imports.questions import LeftOut, Question
from panel.imports.records import OutcomeName
from panel.kinds import Choices, tidy
from panel.sheets import UnreadableCell
from panel.store.bulk import Edit

if TYPE_CHECKING:
    from panel.imports.doubts import Ending
    from panel.imports.words import UnknownWord


@dataclass(frozen=True, slots=True)
class Options:
    """Options of an import.

    `create_missing`: add referenced records that don't exist. `good_rows`: write the good rows although others
    failed. `skip_existing`: don't change existing records. `replace`: by column name, texts to read in place of those
    in the cells. `clear`: an empty cell clears the stored value. `sheet`: the only sheet to read.

    Answers to questions (see panel.imports.questions): `columns`, by the place of a column ("C" or "Sheet!C") or by its
    header, the name of the column that it means, "" for none; `confirmed`, the rows that are meant as they stand ("7",
    "Sheet!7" or "all"); `header_row`, the row that the header is in; `taken`, rows that read like footers and are data
    nevertheless ("7" or "Sheet!7"); `cells`, by the place of a row and the name of a column, the text that the user
    typed in place of the cell's; `adding`, by table and name, the values of missing records to add (see
    panel.imports.additions). An answer about a word stands in `replace`."""

    create_missing: bool = False
    good_rows: bool = False
    skip_existing: bool = False
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    clear: bool = False
    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()
    header_row: int | None = None
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    adding: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()


class Outcome(Choices):
    NEW = "new", _("New"), "good"
    CHANGED = "changed", _("Changed"), "brand"
    UNCHANGED = "unchanged", _("Unchanged"), ""
    SKIPPED = "skipped", _("Skipped"), ""
    FAILED = "failed", _("Failed"), "bad"


OutcomeName.labels.update({outcome.value: outcome.label for outcome in Outcome})
#: Outcomes of rows that are written.
WRITTEN = frozenset({Outcome.NEW, Outcome.CHANGED})


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell can't be imported. `column` is its header in the file, `name` that of a column that the file lacks;
    `suggestion` a value that would be valid."""

    column: str
    value: str
    message: Message
    #: Index of the cell in its line, from 0; None if the error concerns the whole row.
    index: int | None = None
    suggestion: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """Placeholder for the id of a referenced record that the import will create."""

    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Another record that was written with a row: added, or changed from the values `before`. `alone`: several rows
    need it, so that undo treats it as a unit of its own."""

    model: type[Base]
    id: int
    version: int = 1
    before: Mapping[str, Any] | None = None
    alone: bool = False


class PlanRow:
    """A row of data of the file. `values` are its parsed values by attribute; after changes.compare() only those that
    differ from the existing record.

    Rarely needed containers are created on first access, and release_empty() drops those left empty: a file may
    have very many rows."""

    __slots__ = (
        "_adds",
        "_ambiguous",
        "_besides",
        "_changes",
        "_doubts",
        "_edits",
        "_errors",
        "_extra",
        "_masked",
        "_notes",
        "_readings",
        "_repeats",
        "_texts",
        "as_it_stands",
        "cells",
        "half",
        "id",
        "number",
        "outcome",
        "renewed",
        "sheet",
        "stored",
        "succeeds",
        "vacant",
        "values",
        "version",
        "written",
    )

    #: Texts of references that replace those in the cells, by field name; "" for no reference.
    texts = Lazy[dict[str, str]](dict)
    #: Messages for names that several records have, by field name; dropped if the stored reference is one of them.
    ambiguous = Lazy[dict[str, Message]](dict)
    #: Masked texts, by attribute; they are compared with the mask of the stored value.
    masked = Lazy[dict[str, str]](dict)
    #: Values for the table's import rules, from columns that are not the table's own.
    extra = Lazy[dict[str, Any]](dict)
    errors = Lazy[list[CellError]](list)
    notes = Lazy[list[Message]](list)
    #: Why the row may not be meant so. It is asked about before it is written.
    doubts = Lazy[list[Message]](list)
    #: Other readings of a row in doubt: (answer, label). See panel.imports.doubts.
    readings = Lazy[list[tuple[str, Message]]](list)
    #: Why the row may be about the same thing as a stored record or another row. It is shown and written all the same.
    repeats = Lazy[list[Message]](list)
    #: (field or label, text before, text after) for the preview of a changed row.
    changes = Lazy[list[tuple[Field | Message, str, str]]](list)
    #: Changes of other records, written before the new rows, and records to add, written after them.
    edits = Lazy[list[tuple[type[Base], Edit]]](list)
    adds = Lazy[list[tuple[type[Base], dict[str, Any]]]](list)
    #: Other records that were written; set when the plan is applied.
    besides = Lazy[list[Beside]](list)

    def __init__(self, sheet: str, number: int, cells: list[Any]) -> None:
        self.sheet, self.number, self.cells = sheet, number, cells
        #: The letter of the first column, in a table beside the first one of a sheet.
        self.half = ""
        self.outcome = Outcome.NEW
        self.values: dict[str, Any] = {}
        #: The id of the existing record, if there is one, its version and its stored values.
        self.id: int | None = None
        self.version = 0
        self.stored: Mapping[str, Any] = NOTHING
        #: The row ends the term of the previous holder.
        self.succeeds = False
        #: The row tells that a post is vacant; nothing is written for it.
        self.vacant = False
        #: Values of a new record to add; the existing one stays as it is.
        self.renewed: dict[str, Any] | None = None
        #: How the question about a row in doubt words that it is right as it stands.
        self.as_it_stands: Message | None = None
        #: The version of the row's record that was written; set when the plan is applied.
        self.written: int | None = None
        self._errors: list[CellError] | None = None
        for slot in LAZY:
            setattr(self, slot, None)

    def has(self, container: str) -> bool:
        """Whether a lazy container has content; doesn't create it."""
        return bool(getattr(self, f"_{container}"))

    @property
    def place(self) -> str:
        """The place of the row in the file, which no other row has."""
        return f"{self.sheet}!{self.half}{self.number}"

    @property
    def failed(self) -> bool:
        return bool(self._errors)

    def release_empty(self) -> None:
        """Drop empty containers to save memory."""
        for slot in LAZY:
            if not getattr(self, slot):
                setattr(self, slot, None)

    def has_extra(self, name: str) -> bool:
        """Whether the row gives an extra value, such as a record number."""
        return self.has("extra") and name in self.extra

    def discard_match(self) -> None:
        """Forget the existing record and everything derived from it, so that none of it is shown."""
        self.id, self.stored, self.values = None, NOTHING, {}
        self.notes.clear()
        self.doubts.clear()
        self.masked.clear()

    def effective(self, attr: str) -> Any:
        """The value that the record will have after the import."""
        return self.values.get(attr, self.stored.get(attr))

    def doubt(self, message: Message) -> None:
        """Add a reason why the row may not be meant so."""
        if message not in self.doubts:
            self.doubts.append(message)
            self.notes.append(message)

    def fail(self, message: Message) -> None:
        """Add an error of the whole row."""
        self.errors.append(CellError("", "", message))


LAZY = tuple(slot for slot in PlanRow.__slots__ if slot.startswith("_"))
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True)
class Part:
    """A sheet of the file: its header and rows."""

    sheet: str
    header: Header
    labels: list[str]
    columns: dict[int, str]
    rows: list[PlanRow] = field(default_factory=list)
    #: The user says what columns of this header mean.
    said: bool = False
    #: Names of references that are taken from the sheet's name.
    from_sheet_name: set[str] = field(default_factory=set)
    #: Index by name of the columns that are resolved after all rows are read: references and their parents.
    lookups: dict[str, int] = field(default_factory=dict)

    def index_of(self, name: str) -> int | None:
        return next((index for index, column in self.columns.items() if column == name), None)

    def text(self, row: PlanRow, name: str) -> str:
        """The text of a row for a reference or the parent of one; "" for none."""
        if row.has("texts") and name in row.texts:
            return row.texts[name]
        index = self.lookups.get(name)
        if index is None:
            return self.sheet if name in self.from_sheet_name else ""
        cell = row.cells[index]
        return "" if isinstance(cell, UnreadableCell) else tidy(cell)


@dataclass(slots=True)
class Plan:
    """What an import would do. `creatable` are the names of missing records that could be added, by table; `creating`
    those that this import will add; `addable` and `additions` likewise for records with further values."""

    model: type[Base]
    options: Options = field(default_factory=Options)
    parts: list[Part] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    skipped_sheets: list[str] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)
    creatable: dict[str, list[str]] = field(default_factory=dict)
    creating: dict[str, list[str]] = field(default_factory=dict)
    addable: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    additions: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    #: The people whose terms the rows end.
    endings: list[Ending] = field(default_factory=list)
    #: The places of the rows that the user has to confirm.
    doubtful: set[str] = field(default_factory=set)
    #: What to read in place of words, by column name: remembered answers, and options.replace, which counts more.
    replaced: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: The words of the file that were replaced, with what was read: by column name and word.
    used_words: dict[tuple[str, str], str] = field(default_factory=dict)
    #: Words that name no choice and no record, by column name and word.
    unknown: dict[str, dict[str, UnknownWord]] = field(default_factory=dict)

    @property
    def rows(self) -> list[PlanRow]:
        return [row for part in self.parts for row in part.rows]

    def good(self) -> list[PlanRow]:
        """The rows about a record that have not failed so far."""
        return [row for row in self.rows if not row.failed and not row.vacant]

    def part_of(self, row: PlanRow) -> Part:
        return next(part for part in self.parts if part.sheet == row.sheet)

    def fail(self, row: PlanRow, name: str | None, message: Message, suggestion: str | None = None) -> None:
        """Add an error at the cell of column `name`, or of the whole row if the file has no such column."""
        part = self.part_of(row)
        index = part.index_of(name) if name else None
        if index is not None:
            text = tidy(row.cells[index])
            row.errors.append(CellError(part.labels[index], text, message, index, suggestion))
            return
        label = next((str(f.label) for f in all_fields(self.model) if f.name == name), "")
        row.errors.append(CellError(label, "", message, name=name if label and name else ""))

    def row_label(self, row: PlanRow, beside: PlanRow) -> str:
        """How a message at row `beside` names this row: its number, with the sheet if that is another."""
        return f"{row.half}{row.number}" if row.sheet == beside.sheet else row.place

    def count(self, outcome: Outcome) -> int:
        return self.counts()[outcome]

    def counts(self) -> Counter[Outcome]:
        return Counter(row.outcome for row in self.rows)

    @property
    def writable(self) -> int:
        counts = self.counts()
        return counts[Outcome.NEW] + counts[Outcome.CHANGED]

    def fingerprints(self) -> dict[str, str]:
        """A fingerprint of the effect of each row by "sheet!number", and of the records to create by "". Two plans of
        one file have the same effect if these are equal."""
        by_row = {row.place: hash_of(list(_facts(row))) for row in self.rows}
        return {**by_row, "": hash_of([self.creating, self.additions, [question.key for question in self.questions]])}

    def digest(self) -> str:
        return hash_of(self.fingerprints())


def _facts(row: PlanRow) -> Iterator[Any]:
    yield from (row.outcome.value, row.id, row.notes)
    yield [[error.column, error.value, error.message] for error in row.errors]
    if row.outcome in WRITTEN:
        yield [[attr, row.stored.get(attr) if row.id is not None else None, v] for attr, v in row.values.items()]
        yield [[model.__tablename__, edit.id, dict(edit.values)] for model, edit in row.edits]
        yield [[model.__tablename__, values] for model, values in row.adds]
        yield row.renewed
