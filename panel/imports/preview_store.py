"""A plan kept on disk for its preview: a page of it costs what a page holds, however many rows it has.

Kept as it is shown: worded in the reader's language and masked as they may see it. The file is SQLite, and only the
rows of a page are read from it."""

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
from panel.imports.batches import words
from panel.imports.matching import is_masked
from panel.imports.plans import Outcome, Part, Plan, PlanRow
from panel.imports.rules import ID
from panel.kinds import tidy
from panel.security.policy import model_of

#: Under which a row stands that is new and succeeds another: it is counted for itself.
SUCCEEDING = "succeeding"
KEEPING = _("Preparing the preview")

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
    """Why a row failed, in words; where a value is suggested, for which column and in place of what."""

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
    """A failed row as it came: its cells, each with whether it is to blame, and why it failed."""

    sheet: str
    cells: list[Any]
    reason: str


@dataclass(slots=True)
class StoredRow:
    """A row as the preview shows it; `cells` stand in the order of the plan's names."""

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
    """What a preview shows around its rows, and where they are. `counts` are by kind: an outcome's name, or
    "succeeding"; `names` are the columns that the file gives, each with its label in the file."""

    path: Path
    table: str
    digest: str
    counts: dict[str, int]
    names: list[tuple[str, str]]
    #: Each sheet with its labels, and which column of it is which of the table's.
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
        found = self.counts.get(outcome.value, 0)
        return found + self.counts.get(SUCCEEDING, 0) if outcome is Outcome.NEW else found

    @property
    def writable(self) -> int:
        return self.count(Outcome.NEW) + self.count(Outcome.CHANGED)

    def rows(self, kind: str = "", first: int = 0, n: int | None = None) -> list[StoredRow]:
        """Rows of a kind, or of every kind, from a place on; no other row is read."""
        until = self.size if n is None else first + n
        query = "SELECT body FROM row WHERE place >= ? AND place < ? ORDER BY place"
        values: tuple[Any, ...] = (first, until)
        if kind:
            query = "SELECT body FROM row WHERE kind = ? AND rank >= ? AND rank < ? ORDER BY rank"
            values = (kind, first, until)
        with closing(_opened(self.path)) as file:
            return [_row(body) for (body,) in file.execute(query, values)]

    def prints(self) -> Iterator[tuple[str, str]]:
        """What each row would do, as a fingerprint, by sheet and number."""
        with closing(_opened(self.path)) as file:
            yield from file.execute("SELECT name, print FROM row")


def keep(made: Plan, path: Path, *, hidden: bool) -> StoredPlan:
    """Put a plan down for its preview; `hidden` masks work phones as well. Whoever reads meanwhile sees the former."""
    names = _names(made)
    prints = made.prints()
    counts: Counter[str] = Counter()
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)

    def lines() -> Iterator[tuple[Any, ...]]:
        total, place = len(made.rows), 0
        for part in made.parts:
            at = {name: part.index_of(name) for name, _label in names}
            declared = {name: field_named(made.model, name) for name, _label in names if name != ID}
            for row in progress.told(part.rows, KEEPING, total):
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
            "table": made.model.__tablename__,
            "digest": made.digest(),
            "counts": dict(counts),
            "names": names,
            "labels": {part.sheet: part.labels for part in made.parts},
            "columns": {part.sheet: part.columns for part in made.parts},
            "ignored_columns": made.ignored_columns,
            "skipped_sheets": made.skipped_sheets,
            "warnings": [str(warning) for warning in made.warnings],
            "creatable": made.creatable,
            "creating": made.creating,
        }
        file.execute("INSERT INTO meta VALUES (?)", (json.dumps(meta, ensure_ascii=False, default=str),))
        file.execute("COMMIT")
    partial.replace(path)
    found = kept_at(path)
    assert found is not None
    return found


def kept_at(path: Path) -> StoredPlan | None:
    """What is kept in this file, if it is there."""
    if not path.is_file():
        return None
    with closing(_opened(path)) as file:
        meta = json.loads(file.execute("SELECT body FROM meta").fetchone()[0])
    meta["names"] = [(name, label) for name, label in meta["names"]]
    meta["columns"] = {s: {int(i): name for i, name in columns.items()} for s, columns in meta["columns"].items()}
    return StoredPlan(path, **meta)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def _names(made: Plan) -> list[tuple[str, str]]:
    """The columns that the preview shows: those that the file gives, in its order."""
    found: dict[str, str] = {}
    for part in made.parts:
        for index, name in sorted(part.columns.items()):
            found.setdefault(name, part.labels[index])
    return list(found.items())


def _body(
    part: Part, row: PlanRow, at: Mapping[str, int | None], declared: Mapping[str, Field | None], hidden: bool
) -> list[Any]:
    """A row as JSON, in the order of _row()."""
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
        [words(error), part.columns.get(error.index, ""), error.value, error.suggestion]
        if error.suggestion and error.index is not None
        else [words(error)]
        for error in row.errors
    ]
    body = [row.sheet, row.number, row.outcome.value, row.succeeds, cells, [str(n) for n in row.notes], errors]
    if row.failed:
        body += [
            [[cell, index in bad] for index, cell in enumerate(row.cells)],
            "；".join(words(error) for error in row.errors),
        ]
    return body


def _row(body: str) -> StoredRow:
    sheet, number, outcome, succeeds, cells, notes, errors, *failed = json.loads(body, object_hook=_untagged)
    made = StoredRow(sheet, number, Outcome.of(outcome), succeeds, [], notes, [])
    made.cells = [StoredCell(*cell) for cell in cells]
    made.errors = [StoredError(*error) for error in errors]
    if failed:
        made.failed = FailedRow(sheet, *failed)
    return made


def _text(row: PlanRow, declared: Field | None, index: int, hidden: bool) -> str:
    """A cell in words: as it will be stored where it could be read, as it stands otherwise."""
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
    """Days and moments come back as what they are, anything else as its words."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return {"day": value.isoformat()} if isinstance(value, date) else str(value)


def _untagged(given: Mapping[str, Any]) -> Any:
    if "moment" in given:
        return datetime.fromisoformat(given["moment"])
    return date.fromisoformat(given["day"])


def differing(before: StoredPlan | None, made: Plan) -> Sequence[int]:
    """The numbers of the rows that would now do something else than a kept plan says."""
    if before is None:
        return []
    shown, now = dict(before.prints()), made.prints()
    names = ((row, f"{row.sheet}!{row.number}") for row in made.rows)
    return [row.number for row, name in names if shown.get(name) != now[name]]
