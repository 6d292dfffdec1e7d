"""A plan stored on disk for its preview, so that showing a page costs the same however many rows the plan has.

Texts are stored as shown: in the reader's language, masked as they may see them. The file is an SQLite database, of
which only the rows of one page are read."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from panel import progress
from panel.base import Base
from panel.fields import Field, field_named
from panel.i18n import _
from panel.imports.batches import error_text
from panel.imports.matching import is_masked
from panel.imports.plans import Outcome, Part, Plan, PlanRow
from panel.imports.rules import ID
from panel.kinds import tidy
from panel.security.policy import model_of

#: Kind of new rows that succeed another person; counted separately from other new rows.
SUCCEEDING = "succeeding"
PREPARING = _("Preparing the preview")

_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE meta (body TEXT NOT NULL);
CREATE TABLE row (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, rank INTEGER NOT NULL, name TEXT NOT NULL,
    print TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX rank ON row (kind, rank);
"""


@dataclass(slots=True)
class StoredError:
    """Why a row failed. If a value is suggested: `suggestion` for column `name` in place of `value`."""

    words: str
    name: str = ""
    value: str = ""
    suggestion: str = ""


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
    """A row as the preview shows it; `cells` are in the order of StoredPlan.names."""

    sheet: str
    number: int
    outcome: Outcome
    succeeds: bool
    cells: list[StoredCell]
    notes: list[str]
    errors: list[StoredError]
    failed: FailedRow | None = None


@dataclass(slots=True)
class StoredPlan:
    """A stored plan without its rows, which are read from `path`. `counts` are by kind: the name of an outcome, or
    "succeeding". `names` are the columns of the file as (name, label in the file)."""

    path: Path
    table: str
    digest: str
    counts: dict[str, int]
    names: list[tuple[str, str]]
    #: By sheet: its labels, and the column name by column index.
    labels: dict[str, list[str]]
    columns: dict[str, dict[int, str]]
    ignored_columns: list[str]
    skipped_sheets: list[str]
    warnings: list[str]
    creatable: dict[str, list[str]]
    creating: dict[str, list[str]]

    @property
    def model(self) -> type[Base]:
        return model_of(self.table)

    @property
    def size(self) -> int:
        return sum(self.counts.values())

    def count(self, outcome: Outcome) -> int:
        number = self.counts.get(outcome.value, 0)
        return number + self.counts.get(SUCCEEDING, 0) if outcome is Outcome.NEW else number

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
            return [_row(body) for (body,) in file.execute(query, values)]

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        """("sheet!number", fingerprint of the row's effect) of every row."""
        with closing(_connect(self.path)) as file:
            yield from file.execute("SELECT name, print FROM row")


def save(plan: Plan, path: Path, *, hidden: bool) -> StoredPlan:
    """Store a plan for its preview. `hidden` masks work phones as well. The file is replaced at once, so that a reader
    sees the old plan or the new one."""
    names = _names(plan)
    prints = plan.fingerprints()
    counts: Counter[str] = Counter()
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)

    def lines() -> Iterator[tuple[Any, ...]]:
        total, place = len(plan.rows), 0
        for part in plan.parts:
            at = {name: part.index_of(name) for name, _label in names}
            declared = {name: field_named(plan.model, name) for name, _label in names if name != ID}
            for row in progress.track(part.rows, PREPARING, total):
                kind = SUCCEEDING if row.succeeds and not row.failed else row.outcome.value
                name = f"{row.sheet}!{row.number}"
                body = json.dumps(_body(part, row, at, declared, hidden), ensure_ascii=False, default=_tagged)
                yield place, kind, counts[kind], name, prints[name], body
                counts[kind] += 1
                place += 1

    with closing(sqlite3.connect(partial, isolation_level=None)) as file:
        partial.chmod(0o600)
        file.executescript(_SCHEMA)
        file.execute("BEGIN")
        file.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)", lines())
        meta = {
            "table": plan.model.__tablename__,
            "digest": plan.digest(),
            "counts": dict(counts),
            "names": names,
            "labels": {part.sheet: part.labels for part in plan.parts},
            "columns": {part.sheet: part.columns for part in plan.parts},
            "ignored_columns": plan.ignored_columns,
            "skipped_sheets": plan.skipped_sheets,
            "warnings": [str(warning) for warning in plan.warnings],
            "creatable": plan.creatable,
            "creating": plan.creating,
        }
        file.execute("INSERT INTO meta VALUES (?)", (json.dumps(meta, ensure_ascii=False, default=str),))
        file.execute("COMMIT")
    partial.replace(path)
    stored = load(path)
    assert stored is not None
    return stored


def load(path: Path) -> StoredPlan | None:
    """The plan stored in this file; None if there is no file."""
    if not path.is_file():
        return None
    with closing(_connect(path)) as file:
        meta = json.loads(file.execute("SELECT body FROM meta").fetchone()[0])
    meta["names"] = [(name, label) for name, label in meta["names"]]
    meta["columns"] = {s: {int(i): name for i, name in columns.items()} for s, columns in meta["columns"].items()}
    return StoredPlan(path, **meta)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def _names(plan: Plan) -> list[tuple[str, str]]:
    """(name, label) of the columns that the preview shows: those of the file, in its order."""
    names: dict[str, str] = {}
    for part in plan.parts:
        for index, name in sorted(part.columns.items()):
            names.setdefault(name, part.labels[index])
    return list(names.items())


def _body(
    part: Part, row: PlanRow, at: Mapping[str, int | None], declared: Mapping[str, Field | None], hidden: bool
) -> list[Any]:
    """A row as a JSON list; _row() reads it."""
    bad = {error.index for error in row.errors}
    changed = {getattr(f, "name", ""): (before, after) for f, before, after in row.changes}
    cells: list[list[Any]] = []
    for name, index in at.items():
        if name in changed:
            cells.append([changed[name][1], changed[name][0], True, False])
        elif index is None:
            cells.append([""])
        elif index in bad:
            cells.append([_text(row, declared.get(name), index, hidden), "", False, True])
        else:
            cells.append([_text(row, declared.get(name), index, hidden)])
    errors = [
        [error_text(error), part.columns.get(error.index, ""), error.value, error.suggestion]
        if error.suggestion and error.index is not None
        else [error_text(error)]
        for error in row.errors
    ]
    body = [row.sheet, row.number, row.outcome.value, row.succeeds, cells, [str(n) for n in row.notes], errors]
    if row.failed:
        body += [
            [[cell, index in bad] for index, cell in enumerate(row.cells)],
            "；".join(error_text(error) for error in row.errors),
        ]
    return body


def _row(body: str) -> StoredRow:
    sheet, number, outcome, succeeds, cells, notes, errors, *failed = json.loads(body, object_hook=_untagged)
    row = StoredRow(sheet, number, Outcome.of(outcome), succeeds, [], notes, [])
    row.cells = [StoredCell(*cell) for cell in cells]
    row.errors = [StoredError(*error) for error in errors]
    if failed:
        row.failed = FailedRow(sheet, *failed)
    return row


def _text(row: PlanRow, declared: Field | None, index: int, hidden: bool) -> str:
    """The text of a cell: the parsed value as its kind formats it, else the text of the file."""
    raw = tidy(row.cells[index])
    if declared is None:
        return raw
    value = row.values.get(declared.attr)
    if is_masked(declared, hidden=hidden):
        return declared.kind.mask(value) if value is not None else raw and "***"
    if value is None or declared.target:
        return raw
    return declared.kind.format(value)


def _tagged(value: Any) -> Any:
    """JSON form of values: dates and moments as tagged objects that _untagged() restores, others as text."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return {"day": value.isoformat()} if isinstance(value, date) else str(value)


def _untagged(tagged: Mapping[str, Any]) -> Any:
    if "moment" in tagged:
        return datetime.fromisoformat(tagged["moment"])
    return date.fromisoformat(tagged["day"])


def changed_rows(before: StoredPlan | None, plan: Plan) -> Sequence[int]:
    """Numbers of the rows whose effect differs between a stored plan and a new one."""

    if before is None:
        return []
    shown, current = dict(before.fingerprints()), plan.fingerprints()
    names = ((row, f"{row.sheet}!{row.number}") for row in plan.rows)
    return [row.number for row, name in names if shown.get(name) != current[name]]
