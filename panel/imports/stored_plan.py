"""A plan stored on disk for its preview, so that showing a page costs the same however many rows the plan has.

panel.imports.preview_store writes it. The file is an SQLite database, of which only the rows of one page are read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from panel.base import Base
from panel.imports.plans import Outcome
from panel.imports.questions import About
from panel.security.policy import model_of

#: Kinds of rows that are counted separately from others of their outcome: new rows that succeed another person, new
#: rows that may repeat another record, and rows that the user has to confirm.
SUCCEEDING, REPEATING, DOUBTFUL = "succeeding", "repeating", "doubtful"


@dataclass(slots=True)
class StoredError:
    """Why a row failed: the text `value` in column `name`, whose label is `column`; "" for the whole row. `suggestion`
    is a value that would be valid."""

    words: str
    name: str = ""
    value: str = ""
    suggestion: str = ""
    column: str = ""


@dataclass(slots=True)
class StoredCell:
    text: str
    before: str = ""
    changed: bool = False
    bad: bool = False


@dataclass(slots=True)
class FailedRow:
    """A failed row as it was in the file: cells as (value, whether it has an error), and the reason."""

    sheet: str
    cells: list[Any]
    reason: str


@dataclass(slots=True)
class StoredRow:
    """A row as the preview shows it. `place` is that of the row in the file, which no other row has; `cells` are in the
    order of StoredPlan.names."""

    sheet: str
    number: int
    place: str
    outcome: Outcome
    kind: str
    cells: list[StoredCell]
    notes: list[str]
    errors: list[StoredError]
    failed: FailedRow | None = None


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """A question as the preview shows it; `offers` are (answer, label). See panel.imports.questions.Question."""

    about: str
    key: str
    text: str
    offers: list[tuple[str, str]]
    sheet: str
    row: int | None
    column: str | None
    header: str


@dataclass(frozen=True, slots=True)
class StoredLeftOut:
    """A row that is not read as data, and why."""

    sheet: str
    row: int
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredEnding:
    """A person whose term a row ends. See panel.imports.doubts.Ending."""

    key: str
    row: int
    table: str
    id: int
    name: str
    place: str
    until: str
    why: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to a question about a word in column `name`: given for this file, or `remembered` from an earlier
    one."""

    name: str
    label: str
    word: str
    meaning: str
    remembered: bool


@dataclass(slots=True)
class StoredPlan:
    """A stored plan without its rows, which are read from `path`. `counts` are by kind: the name of an outcome,
    SUCCEEDING or DOUBTFUL; `outcomes` by outcome alone. `names` are the columns of the file as (name, label in the
    file)."""

    path: Path
    table: str
    digest: str
    counts: dict[str, int]
    outcomes: dict[str, int]
    names: list[tuple[str, str]]
    #: By sheet: its labels, and the column name by column index.
    labels: dict[str, list[str]]
    columns: dict[str, dict[int, str]]
    ignored_columns: list[str]
    skipped_sheets: list[str]
    warnings: list[str]
    creatable: dict[str, list[str]]
    creating: dict[str, list[str]]
    addable: dict[str, dict[str, dict[str, int]]]
    questions: list[StoredQuestion]
    left_out: list[StoredLeftOut]
    endings: list[StoredEnding]
    answers: list[StoredAnswer]

    @property
    def model(self) -> type[Base]:
        return model_of(self.table)

    @property
    def asks_about_columns(self) -> bool:
        return any(question.about == About.COLUMN for question in self.questions)

    @property
    def size(self) -> int:
        return sum(self.counts.values())

    def count(self, outcome: Outcome) -> int:
        return self.outcomes.get(outcome.value, 0)

    @property
    def writable(self) -> int:
        return self.count(Outcome.NEW) + self.count(Outcome.CHANGED)

    def rows(self, kind: str = "", first: int = 0, n: int | None = None) -> list[StoredRow]:
        """`n` rows (None for all) of a kind, or of every kind, beginning with number `first` from 0."""
        until = self.size if n is None else first + n
        query = "SELECT body FROM row WHERE place >= ? AND place < ? ORDER BY place"
        values: tuple[Any, ...] = (first, until)
        if kind:
            query = "SELECT body FROM row WHERE kind = ? AND rank >= ? AND rank < ? ORDER BY rank"
            values = (kind, first, until)
        with closing(_connect(self.path)) as file:
            return [row_of(body) for (body,) in file.execute(query, values)]

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        """("sheet!number", fingerprint of the row's effect) of every row."""
        with closing(_connect(self.path)) as file:
            yield from file.execute("SELECT name, print FROM row")


def load(path: Path) -> StoredPlan | None:
    """The plan stored in this file; None if there is no file."""
    if not path.is_file():
        return None
    with closing(_connect(path)) as file:
        meta = json.loads(file.execute("SELECT body FROM meta").fetchone()[0])
    meta["names"] = [(name, label) for name, label in meta["names"]]
    meta["columns"] = {s: {int(i): name for i, name in columns.items()} for s, columns in meta["columns"].items()}
    meta["questions"] = [
        StoredQuestion(about, key, text, [(answer, label) for answer, label in offers], *place)
        for about, key, text, offers, *place in meta["questions"]
    ]
    meta["left_out"] = [StoredLeftOut(*values) for values in meta["left_out"]]
    meta["endings"] = [StoredEnding(*values) for values in meta["endings"]]
    meta["answers"] = [StoredAnswer(*values) for values in meta["answers"]]
    return StoredPlan(path, **meta)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def row_of(body: str) -> StoredRow:
    sheet, number, place, outcome, kind, cells, notes, errors, *failed = json.loads(body, object_hook=_untagged)
    row = StoredRow(sheet, number, place, Outcome.of(outcome), kind, [], notes, [])
    row.cells = [StoredCell(*cell) for cell in cells]
    row.errors = [StoredError(*error) for error in errors]
    if failed:
        row.failed = FailedRow(sheet, *failed)
    return row


def _untagged(tagged: Mapping[str, Any]) -> Any:
    if "moment" in tagged:
        return datetime.fromisoformat(tagged["moment"])
    return date.fromisoformat(tagged["day"])
