"""Store a plan on disk for its preview; panel.imports.stored_plan reads it.

Texts are stored as shown: in the reader's language, masked as they may see them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

from panel import progress
from panel.fields import Field, field_named
from panel.i18n import _, clauses
from panel.imports import words
from panel.imports.batches import error_text
from panel.imports.doubts import Ending
from panel.imports.plans import CellError, Outcome, Part, Plan, PlanRow
from panel.imports.questions import Question, row_key
from panel.imports.rules import ID
from panel.imports.stored_plan import DOUBTFUL, REPEATING, SUCCEEDING, StoredPlan, load
from panel.kinds import tidy
from panel.security.masking import is_masked

PREPARING = _("Preparing the preview")

_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE meta (body TEXT NOT NULL);
CREATE TABLE row (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, rank INTEGER NOT NULL, name TEXT NOT NULL,
    print TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX rank ON row (kind, rank);
"""


def save(plan: Plan, path: Path, *, hidden: bool) -> StoredPlan:
    """Store a plan for its preview. `hidden` masks work phones as well. The file is replaced at once, so that a reader
    sees the old plan or the new one."""
    names = _names(plan)
    prints = plan.fingerprints()
    counts: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)

    def lines() -> Iterator[tuple[Any, ...]]:
        total, place = len(plan.rows), 0
        for part in plan.parts:
            at = {name: part.index_of(name) for name, _label in names}
            declared = {name: field_named(plan.model, name) for name, _label in names if name != ID}
            for row in progress.track(part.rows, PREPARING, total):
                kind = DOUBTFUL if row_key(row.sheet, row.number) in plan.doubtful else _kind(row)
                values = _body(part, row, kind, at, declared, hidden=hidden)
                body = json.dumps(values, ensure_ascii=False, default=_tagged)
                yield place, kind, counts[kind], row.place, prints[row.place], body
                counts[kind] += 1
                outcomes[row.outcome.value] += 1
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
            "outcomes": dict(outcomes),
            "names": names,
            "labels": {part.sheet: part.labels for part in plan.parts},
            "columns": {part.sheet: part.columns for part in plan.parts},
            "ignored_columns": plan.ignored_columns,
            "skipped_sheets": plan.skipped_sheets,
            "warnings": [str(warning) for warning in plan.warnings],
            "creatable": plan.creatable,
            "creating": plan.creating,
            "addable": plan.addable,
            "questions": [_question(question) for question in plan.questions],
            "left_out": [[left.sheet, left.row, str(left.why), left.text] for left in plan.left_out],
            "endings": [_ending(ending) for ending in plan.endings],
            "answers": [_answer(plan, name, word, meaning) for (name, word), meaning in plan.used_words.items()],
        }
        file.execute("INSERT INTO meta VALUES (?)", (json.dumps(meta, ensure_ascii=False, default=str),))
        file.execute("COMMIT")
    partial.replace(path)
    stored = load(path)
    assert stored is not None
    return stored


def _question(question: Question) -> list[Any]:
    """A question as a JSON list; stored_plan.load() reads it."""
    offers = [[offer.answer, str(offer.label)] for offer in question.offers]
    place = [question.sheet, question.row, question.column, question.header]
    return [question.about.value, question.key, str(question.text), offers, *place]


def _ending(ending: Ending) -> list[Any]:
    """The person whose term ends, as a JSON list; stored_plan.load() reads it."""
    until = ending.until.isoformat() if ending.until else ""
    return [ending.key, ending.row, ending.table, ending.id, ending.name, ending.place, until, str(ending.why)]


def _answer(plan: Plan, name: str, word: str, meaning: str) -> list[Any]:
    """What is read in place of a word, as a JSON list; stored_plan.load() reads it."""
    declared = field_named(plan.model, name)
    label = str(declared.label) if declared else name
    remembered = word not in plan.options.replace.get(name, {})
    return [name, label, word, str(words.meaning_label(declared, meaning)), remembered]


def _kind(row: PlanRow) -> str:
    if row.succeeds and not row.failed:
        return SUCCEEDING
    return REPEATING if row.has("repeats") and row.outcome is Outcome.NEW else row.outcome.value


def _names(plan: Plan) -> list[tuple[str, str]]:
    """(name, label) of the columns that the preview shows: those of the file, in its order."""
    names: dict[str, str] = {}
    for part in plan.parts:
        for index, name in sorted(part.columns.items()):
            names.setdefault(name, part.labels[index])
    return list(names.items())


def _body(
    part: Part,
    row: PlanRow,
    kind: str,
    at: Mapping[str, int | None],
    declared: Mapping[str, Field | None],
    *,
    hidden: bool,
) -> list[Any]:
    """A row as a JSON list; stored_plan.row_of() reads it."""
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
    errors = [_error(part, error, declared, hidden) for error in row.errors]
    notes = [str(note) for note in (*row.notes, *row.repeats)]
    body = [row.sheet, row.number, row.place, row.outcome.value, kind, cells, notes, errors]
    if row.failed:
        body += [
            [[cell, index in bad] for index, cell in enumerate(row.cells)],
            clauses(error_text(error) for error in row.errors),
        ]
    return body


def _error(part: Part, error: CellError, declared: Mapping[str, Field | None], hidden: bool) -> list[str]:
    """An error as a JSON list; stored_plan.row_of() reads it. A masked value is left out."""
    name = error.name if error.index is None else part.columns.get(error.index, "")
    f = declared.get(name)
    value = "" if f is not None and is_masked(f, hidden=hidden) else error.value
    return [error_text(error), name, value, error.suggestion or "", error.column]


def _text(row: PlanRow, declared: Field | None, index: int, hidden: bool) -> str:
    """The text of a cell: the parsed value as its kind formats it, else the text of the file."""
    raw = tidy(row.cells[index])
    if declared is None or row.has_extra(declared.name):
        return raw
    value = row.values.get(declared.attr)
    if is_masked(declared, hidden=hidden):
        return declared.kind.mask(value) if value is not None else raw and "***"
    if value is None or declared.target:
        return raw
    return declared.kind.format(value)


def _tagged(value: Any) -> Any:
    """JSON form of values: dates and moments as tagged objects that stored_plan restores, others as text."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return {"day": value.isoformat()} if isinstance(value, date) else str(value)


def changed_rows(before: StoredPlan | None, plan: Plan) -> Sequence[int]:
    """Numbers of the rows whose effect differs between a stored plan and a new one."""

    if before is None:
        return []
    shown, current = dict(before.fingerprints()), plan.fingerprints()
    return [row.number for row in plan.rows if shown.get(row.place) != current[row.place]]
