"""Locate the rows of a table in a book: its sheets, their headers, and the column that each header means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.fields import Field, field_named
from panel.i18n import Message, _
from panel.imports import headers, mapping
from panel.imports.headers import ColumnLabels, Header
from panel.imports.matching import Finder
from panel.imports.plans import Options, Part, Plan, PlanRow
from panel.imports.references import Resolver
from panel.imports.rules import ID, Registry, Rules, known_labels
from panel.kinds import tidy
from panel.security.policy import model_of
from panel.sheets import Book, Line, Sheet

#: Lines at the top of a sheet that are enough to find its header and sample the values below it.
TOP_LINES = 100


def guess_columns(
    session: Session, model: type[Base], book: Book, options: Options, registry: Registry
) -> list[mapping.Guess]:
    """What each header of a book means or most likely means, for the page that maps columns by hand. Of several
    sheets the one with the most columns is taken. Empty if no row looks like a header."""
    rules = registry.rules_of(model)
    known = known_labels(model, rules)
    candidates = [
        (sheet, header) for sheet in book.sheets if (header := headers.find(sheet, known) or headers.guess(sheet))
    ]
    if not candidates:
        return []
    sheet, header = max(candidates, key=lambda pair: len(pair[1].labels))
    meanings = options.meanings if options.meanings is not None else mapping.recall(session, model, header.labels)
    if meanings:
        known = known.with_overrides(meanings)
        header = headers.find(sheet, known) or header
    finders: dict[str, Finder] = {}

    def is_record_name(declared: Field, text: str) -> bool:
        assert declared.reference is not None
        table = declared.reference.table
        if table not in finders:
            finders[table] = registry.finder_of(model_of(table))
            texts = [tidy(cell) for line in sheet.lines[header.first :][: mapping.SAMPLE_ROWS] for cell in line.cells]
            finders[table].read(session, set(texts))
        return isinstance(finders[table].find(text, sheet.name), int)

    return mapping.guess(model, rules, header, sheet.lines[header.first :], known, is_record_name=is_record_name)


def check_required(session: Session, model: type[Base], book: Book, options: Options, registry: Registry) -> None:
    """Raise mapping.UnmappedError if a required column is missing, reading only the top of each sheet.

    For large files, whose plan is made in a job. Any other error is left to that plan."""
    rules = registry.rules_of(model)
    top = replace(book, sheets=[replace(sheet, lines=sheet.lines[:TOP_LINES]) for sheet in book.sheets])
    plan = Plan(model, options)
    try:
        candidates = lay_out(session, plan, top, rules)
        Resolver(session, plan, registry).match_sheet_names(rules.required())
        refuse_unusable(plan, top, rules, candidates)
    except mapping.UnmappedError:
        raise
    except UserError:
        return


def lay_out(session: Session, plan: Plan, book: Book, rules: Rules) -> list[tuple[Sheet, Header]]:
    """Fill the plan's parts: the header and the rows of data of each sheet. Returns each sheet with the row that
    looks like its header, also for sheets that are skipped."""
    candidates = []
    known = known_labels(plan.model, rules)
    required = {f.name for f in rules.required()}
    plan.skipped_sheets = list(book.hidden)
    for sheet in book.sheets:
        if sheet.hidden:
            plan.warnings.append(_("Sheet “{sheet}”: {n} hidden rows are not read.", sheet=sheet.name, n=sheet.hidden))
        header = headers.find(sheet, known) or headers.guess(sheet)
        if header is not None:
            candidates.append((sheet, header))
            header = _with_overrides(session, plan, sheet, header, known)
        names = set(header.columns.values()) if header else set()
        # A header of this table has one required column, two columns of any kind, or a record number.
        if header is None or not (names & required or len(names) > 1 or ID in names):
            if not sheet.blank:
                plan.skipped_sheets.append(sheet.name)
            continue
        part = Part(sheet.name, header.labels, header.columns)
        part.rows = [
            PlanRow(sheet.name, line.number, _padded(line, len(header.labels)))
            for line in sheet.lines[header.first :]
            if headers.is_data(line, header)
        ]
        plan.parts.append(part)
        # PlanRow holds the cells from here on. Only the top lines are read again, to guess columns.
        del sheet.lines[header.first + TOP_LINES :]
        ignored = [*header.ignored, *_readonly(plan.model, part, rules.identifying())]
        plan.ignored_columns += [label for label in ignored if label not in plan.ignored_columns]
    return candidates


def _with_overrides(session: Session, plan: Plan, sheet: Sheet, header: Header, known: ColumnLabels) -> Header | None:
    """Apply the column mapping that a user chose, now or for an earlier file with the same headers."""
    plan.headers.append(header.labels)
    meanings = plan.options.meanings
    if meanings is None and (meanings := mapping.recall(session, plan.model, header.labels)):
        plan.warnings.append(_("The columns of “{sheet}” are read as was said by hand before.", sheet=sheet.name))
    return headers.find(sheet, known.with_overrides(meanings)) if meanings else header


def _padded(line: Line, width: int) -> list[Any]:
    lacking = width - len(line.cells)
    return [*line.cells, *[None] * lacking] if lacking > 0 else line.cells


def _readonly(model: type[Base], part: Part, identifying: frozenset[str]) -> list[str]:
    """Labels of recognised columns that only the program sets; they are not imported."""
    declared = {index: field_named(model, name) for index, name in part.columns.items()}
    imported = {index for index, f in declared.items() if f is None or not f.readonly or f.key or f.name in identifying}
    return [part.labels[index] for index in declared if index not in imported]


def refuse_unusable(plan: Plan, book: Book, rules: Rules, candidates: Sequence[tuple[Sheet, Header]]) -> None:
    """Raise UserError if nothing in the file can be imported, and drop sheets that lack a required column.

    Raises mapping.UnmappedError instead where the file has unknown headers that could be the missing columns."""
    label = plan.model.__labels__

    def refuse(message: Message) -> UserError:
        sheet, header = max(candidates, key=lambda pair: len(pair[1].labels), default=(None, None))
        if sheet is None or header is None or not _can_be_mapped(sheet, header, rules.required()):
            return UserError(message)
        known = known_labels(plan.model, rules).with_overrides(plan.options.meanings or {})
        lines = sheet.lines[header.first :]
        return mapping.UnmappedError(message, mapping.guess(plan.model, rules, header, lines, known))

    if not plan.parts:
        if all(sheet.blank for sheet in book.sheets):
            raise UserError(_("The workbook is empty: there is no row in it."))
        raise refuse(
            _(
                "This doesn't look like a table of {label}: no header was found. It needs the columns {columns}; "
                "the template has them.",
                label=label,
                columns="、".join(str(f.label) for f in rules.required()),
            )
        )
    missing = {part.sheet: _missing_columns(part, rules.required()) for part in plan.parts}
    plan.parts = [part for part in plan.parts if not missing[part.sheet]]
    if not plan.parts:
        columns = "、".join(str(f.label) for f in min(missing.values(), key=len))
        raise refuse(_("The file has no column {columns}, which {label} need.", columns=columns, label=label))
    for sheet, absent in missing.items():
        if absent:
            plan.skipped_sheets.append(sheet)
            columns = "、".join(str(f.label) for f in absent)
            plan.warnings.append(
                _("Sheet “{sheet}” is not read: it has no column {columns}.", sheet=sheet, columns=columns)
            )
    if not plan.rows:
        raise UserError(_("There is a header, but no row of data below it."))


def _can_be_mapped(sheet: Sheet, header: Header, required: Sequence[Field]) -> bool:
    """Whether the sheet has rows, and at least as many unknown headers as required columns are missing."""
    known = set(header.columns.values())
    absent = sum(declared.name not in known for declared in required)
    return absent <= len(header.ignored) and not all(line.blank for line in sheet.lines[header.first :])


def _missing_columns(part: Part, required: Sequence[Field]) -> list[Field]:
    """Required columns that a sheet doesn't have. None are missing if it has record numbers."""

    names = set(part.columns.values())
    return [] if ID in names else [f for f in required if f.name not in names | part.from_sheet_name]
