"""What an import would do, row by row, before it does anything."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar, overload

from panel.base import Base
from panel.fields import Field, all_fields
from panel.i18n import Message, _
from panel.kinds import Choices, tidy
from panel.security.records import OutcomeName
from panel.sheets import UnreadableCell
from panel.store.bulk import Edit


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is taken. `replace`: for a column, words to read in place of what stands there. `meanings`: what the
    headers mean as somebody said by hand; None to go by what was said of such a file before. `clear`: an empty cell
    clears what is stored. `sheet`: the one sheet to read."""

    create_missing: bool = False
    good_rows: bool = False
    skip_existing: bool = False
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    meanings: Mapping[str, str] | None = None
    clear: bool = False
    sheet: str = ""


class Outcome(Choices):
    NEW = "new", _("New"), "good"
    CHANGED = "changed", _("Changed"), "brand"
    UNCHANGED = "unchanged", _("Unchanged"), ""
    SKIPPED = "skipped", _("Skipped"), ""
    FAILED = "failed", _("Failed"), "bad"


OutcomeName.labels.update({outcome.value: outcome.label for outcome in Outcome})
#: What is written.
WRITTEN = frozenset({Outcome.NEW, Outcome.CHANGED})


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell can't be taken. `column` is its header in the file; `suggestion` a value that would do."""

    column: str
    value: str
    message: Message
    #: The cell's place in the line, counted from 0; None where the whole row is meant.
    index: int | None = None
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A record that is made with the import; stands where its id will."""

    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A record that was written with a row: added, or changed from the values `before`. `alone`: it was made for
    other rows as well."""

    model: type[Base]
    id: int
    version: int = 1
    before: Mapping[str, Any] | None = None
    alone: bool = False


T = TypeVar("T")


class _Lazy(Generic[T]):
    """A container that most rows never need: made when it is first asked for."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = f"_{name}"

    @overload
    def __get__(self, row: None, owner: type) -> _Lazy[T]: ...
    @overload
    def __get__(self, row: object, owner: type) -> T: ...
    def __get__(self, row: object | None, owner: type) -> T | _Lazy[T]:
        if row is None:
            return self
        held: T | None = getattr(row, self._slot)
        if held is None:
            held = self._make()
            setattr(row, self._slot, held)
        return held


class PlanRow:
    """A data row of the file. `values` are what it gives, by attribute; once compared, only what differs from the
    existing record.

    A file has many rows and most are plain: what is rare takes no place in them, and rest() gives back what was asked
    for and not used."""

    __slots__ = (
        "_adds",
        "_besides",
        "_changes",
        "_edits",
        "_errors",
        "_extra",
        "_masked",
        "_notes",
        "_texts",
        "_unsure",
        "cells",
        "id",
        "number",
        "outcome",
        "renewed",
        "sheet",
        "stored",
        "succeeds",
        "values",
        "version",
        "written",
    )

    #: Texts of references that are read in place of those in the cells, by field name; "" for none.
    texts = _Lazy[dict[str, str]](dict)
    #: Why a text can't be told apart, by field name: the stored record may still tell.
    unsure = _Lazy[dict[str, Message]](dict)
    #: Masked texts, by attribute: they are held against what is stored.
    masked = _Lazy[dict[str, str]](dict)
    #: What rules read from columns that are no columns of the table.
    extra = _Lazy[dict[str, Any]](dict)
    errors = _Lazy[list[CellError]](list)
    notes = _Lazy[list[Message]](list)
    #: A field (or what else changes) and its words before and after; what the preview shows of a changed row.
    changes = _Lazy[list[tuple[Field | Message, str, str]]](list)
    #: Other records that change with this row, before new rows are written, and those that are added after.
    edits = _Lazy[list[tuple[type[Base], Edit]]](list)
    adds = _Lazy[list[tuple[type[Base], dict[str, Any]]]](list)
    #: Other records that were written; known once the plan is applied.
    besides = _Lazy[list[Beside]](list)

    def __init__(self, sheet: str, number: int, cells: list[Any]) -> None:
        self.sheet, self.number, self.cells = sheet, number, cells
        self.outcome = Outcome.NEW
        self.values: dict[str, Any] = {}
        #: The existing record and its values as they are stored, if there is one.
        self.id: int | None = None
        self.version = 0
        self.stored: Mapping[str, Any] = NOTHING
        #: The row ends the term of whoever held it before.
        self.succeeds = False
        #: The existing record stays as it is, and this is written beside it.
        self.renewed: dict[str, Any] | None = None
        #: The version of the row's own record that was written.
        self.written: int | None = None
        self._errors: list[CellError] | None = None
        for slot in LAZY:
            setattr(self, slot, None)

    def holds(self, container: str) -> bool:
        """Whether there is anything in a container that most rows never need; asking makes none."""
        return bool(getattr(self, f"_{container}"))

    @property
    def failed(self) -> bool:
        return bool(self._errors)

    def rest(self) -> None:
        """Give back the containers that hold nothing."""
        for slot in LAZY:
            if not getattr(self, slot):
                setattr(self, slot, None)

    def says(self, name: str) -> bool:
        """Whether the row gives something that a rule reads, such as a record number."""
        return self.holds("extra") and name in self.extra

    def forget(self) -> None:
        """Keep nothing of the existing record and of what the row says of it."""
        self.id, self.stored, self.values = None, NOTHING, {}
        self.notes.clear()
        self.masked.clear()

    def held(self, attr: str) -> Any:
        """The value that the record will have."""
        return self.values.get(attr, self.stored.get(attr))

    def fail(self, message: Message) -> None:
        """Fail as a whole."""
        self.errors.append(CellError("", "", message))


LAZY = tuple(slot for slot in PlanRow.__slots__ if slot.startswith("_"))
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True)
class Part:
    """A sheet of the file: its header and rows."""

    sheet: str
    labels: list[str]
    columns: dict[int, str]
    rows: list[PlanRow] = field(default_factory=list)
    #: Columns that the sheet's name stands for.
    named: set[str] = field(default_factory=set)
    #: Columns whose texts are looked up once all rows are read, by name: references and what places them.
    told: dict[str, int] = field(default_factory=dict)

    def index_of(self, name: str) -> int | None:
        return next((index for index, column in self.columns.items() if column == name), None)

    def text(self, row: PlanRow, name: str) -> str:
        """What a row says for a reference, or for what places one; "" for nothing."""
        if row.holds("texts") and name in row.texts:
            return row.texts[name]
        index = self.told.get(name)
        if index is None:
            return self.sheet if name in self.named else ""
        cell = row.cells[index]
        return "" if isinstance(cell, UnreadableCell) else tidy(cell)


@dataclass(slots=True)
class Plan:
    """`creatable` are names that nothing is called yet and that could be added, by table; `creating` those that will
    be added with this import."""

    model: type[Base]
    options: Options = field(default_factory=Options)
    parts: list[Part] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    #: What looks like the header of each sheet, as it stands there: by it is remembered what somebody says of it.
    headers: list[list[str]] = field(default_factory=list)
    skipped_sheets: list[str] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)
    creatable: dict[str, list[str]] = field(default_factory=dict)
    creating: dict[str, list[str]] = field(default_factory=dict)

    @property
    def rows(self) -> list[PlanRow]:
        return [row for part in self.parts for row in part.rows]

    def good(self) -> list[PlanRow]:
        """The rows that have not failed so far."""
        return [row for row in self.rows if not row.failed]

    def part_of(self, row: PlanRow) -> Part:
        return next(part for part in self.parts if part.sheet == row.sheet)

    def fail(self, row: PlanRow, name: str | None, message: Message, suggestion: str | None = None) -> None:
        """Fail a row at the cell of a column, or as a whole where the file has no such column."""
        part = self.part_of(row)
        index = part.index_of(name) if name else None
        if index is not None:
            text = tidy(row.cells[index])
            row.errors.append(CellError(part.labels[index], text, message, index, suggestion))
            return
        label = next((str(f.label) for f in all_fields(self.model) if f.name == name), "")
        row.errors.append(CellError(label, "", message))

    def place_of(self, row: PlanRow, beside: PlanRow) -> str:
        """How a row is called in a message at another one."""
        return str(row.number) if row.sheet == beside.sheet else f"{row.sheet}!{row.number}"

    def count(self, outcome: Outcome) -> int:
        return self.counts()[outcome]

    def counts(self) -> Counter[Outcome]:
        return Counter(row.outcome for row in self.rows)

    @property
    def writable(self) -> int:
        counts = self.counts()
        return counts[Outcome.NEW] + counts[Outcome.CHANGED]

    def prints(self) -> dict[str, str]:
        """A fingerprint of what each row would do, and of what would be made besides: two plans of one file that
        differ here differ in effect."""
        found = {f"{row.sheet}!{row.number}": _hash(list(_facts(row))) for row in self.rows}
        return {**found, "": _hash([self.creating])}

    def digest(self) -> str:
        return _hash(self.prints())


def _facts(row: PlanRow) -> Iterator[Any]:
    yield from (row.outcome.value, row.id, row.notes)
    yield [[error.column, error.value, error.message] for error in row.errors]
    if row.outcome in WRITTEN:
        yield [[attr, row.stored.get(attr) if row.id is not None else None, v] for attr, v in row.values.items()]
        yield [[model.__tablename__, edit.id, dict(edit.values)] for model, edit in row.edits]
        yield [[model.__tablename__, values] for model, values in row.adds]
        yield row.renewed


def _hash(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, default=_plain, sort_keys=True).encode()).hexdigest()[:20]


def _plain(value: Any) -> Any:
    """What a fingerprint is taken of; it must not depend on the reader's language."""
    return [value.msgid, value.values] if isinstance(value, Message) else str(value)
