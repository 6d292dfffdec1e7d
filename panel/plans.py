"""What an import would do, row by row, before it does anything."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from panel.base import Base
from panel.fields import Field
from panel.kinds import Choices
from panel.records import OutcomeName
from panel.text import Message, _


class Outcome(Choices):
    NEW = "new", _("New"), "good"
    CHANGED = "changed", _("Changed"), "brand"
    UNCHANGED = "unchanged", _("Unchanged"), ""
    SKIPPED = "skipped", _("Skipped"), ""
    FAILED = "failed", _("Failed"), "bad"


OutcomeName.labels.update({outcome.value: outcome.label for outcome in Outcome})


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell can't be taken. `column` is its header in the file; `suggestion` a value that would do."""

    column: str
    value: str
    message: Message
    #: The cell's place in the line, counted from 0; None where the whole row is meant.
    index: int | None = None
    suggestion: str | None = None


@dataclass(slots=True)
class PlanRow:
    """A data row of the file. `values` are by attribute; `given` tells which fields the row fills."""

    sheet: str
    number: int
    cells: list[Any]
    outcome: Outcome = Outcome.NEW
    values: dict[str, Any] = field(default_factory=dict)
    #: Texts of references that are resolved once all rows are read: field name → text.
    texts: dict[str, str] = field(default_factory=dict)
    #: What the rules of the bureau read from columns of their own.
    extra: dict[str, Any] = field(default_factory=dict)
    errors: list[CellError] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    #: The existing record and its values as they are stored, if there is one.
    id: int | None = None
    version: int = 0
    stored: Mapping[str, Any] = field(default_factory=dict)
    #: Field and its words before and after; what the preview shows of a changed row.
    changes: list[tuple[Field | Message, str, str]] = field(default_factory=list)
    #: What rules do after the row is written.
    succeeds: bool = False

    @property
    def failed(self) -> bool:
        return bool(self.errors)


@dataclass(slots=True)
class Part:
    """A sheet of the file: its header and rows."""

    sheet: str
    labels: list[str]
    columns: dict[int, str]
    rows: list[PlanRow] = field(default_factory=list)

    def index_of(self, name: str) -> int | None:
        return next((index for index, column in self.columns.items() if column == name), None)


@dataclass(slots=True)
class Plan:
    """`creatable` are names that nothing is called yet and that could be added, by table."""

    model: type[Base]
    parts: list[Part] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    skipped_sheets: list[str] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)
    creatable: dict[str, list[str]] = field(default_factory=dict)
    #: Names that will be added with this import, by table.
    creating: dict[str, list[str]] = field(default_factory=dict)
    #: Done in the same transaction, after the rows are written.
    effects: list[Callable[[Any], None]] = field(default_factory=list)

    @property
    def rows(self) -> list[PlanRow]:
        return [row for part in self.parts for row in part.rows]

    def count(self, outcome: Outcome) -> int:
        return self.counts().get(outcome, 0)

    def counts(self) -> Counter[Outcome]:
        return Counter(row.outcome for row in self.rows)

    @property
    def writable(self) -> int:
        counts = self.counts()
        return counts[Outcome.NEW] + counts[Outcome.CHANGED]

    def digest(self) -> str:
        """What the plan would write, in short: two plans of one file that differ in it differ in effect."""
        facts = [
            [
                row.sheet,
                row.number,
                row.outcome.value,
                row.id,
                [[str(getattr(f, "name", f)), before, after] for f, before, after in row.changes],
                [str(error.message.msgid) for error in row.errors],
                [note.msgid for note in row.notes],
            ]
            for row in self.rows
        ]
        text = json.dumps([facts, self.creating], ensure_ascii=False, default=str, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
