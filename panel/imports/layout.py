"""Where the rows of a table stand in a book: its sheets, their headers, and what the headers mean."""

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

#: Rows of a sheet in which its header stands, and some below it.
LOOKED_AT = 100


def columns(
    session: Session, model: type[Base], book: Book, options: Options, registry: Registry
) -> list[mapping.Guess]:
    """What each header of a book means, or most likely means; of several sheets, that with the most columns. Nothing
    where no row looks like a header."""
    rules = registry.rules_of(model)
    known = known_labels(model, rules)
    found = [
        (sheet, header) for sheet in book.sheets if (header := headers.find(sheet, known) or headers.likely(sheet))
    ]
    if not found:
        return []
    sheet, header = max(found, key=lambda one: len(one[1].labels))
    said = options.meanings if options.meanings is not None else mapping.recall(session, model, header.labels)
    if said:
        known = known.told(said)
        header = headers.find(sheet, known) or header
    finders: dict[str, Finder] = {}

    def calls(declared: Field, text: str) -> bool:
        assert declared.reference is not None
        table = declared.reference.table
        if table not in finders:
            finders[table] = registry.finder_of(model_of(table))
            below = [tidy(cell) for line in sheet.lines[header.first :][: mapping.LOOKED_AT] for cell in line.cells]
            finders[table].read(session, set(below))
        return isinstance(finders[table].find(text, sheet.name), int)

    return mapping.guesses(model, rules, header, sheet.lines[header.first :], known, calls=calls)


def check(session: Session, model: type[Base], book: Book, options: Options, registry: Registry) -> None:
    """Raise mapping.UnmappedError as a plan would, by the first rows of each sheet alone."""
    rules = registry.rules_of(model)
    top = replace(book, sheets=[replace(sheet, lines=sheet.lines[:LOOKED_AT]) for sheet in book.sheets])
    made = Plan(model, options)
    try:
        found = lay_out(session, made, top, rules)
        Resolver(session, made, registry).from_sheet_name(rules.required())
        refuse_useless(made, top, rules, found)
    except mapping.UnmappedError:
        raise
    except UserError:
        return


def lay_out(session: Session, made: Plan, book: Book, rules: Rules) -> list[tuple[Sheet, Header]]:
    """Find the sheets' headers and their rows of data. Gives each sheet with what looks like its header."""
    likely = []
    known = known_labels(made.model, rules)
    required = {f.name for f in rules.required()}
    made.skipped_sheets = list(book.hidden)
    for sheet in book.sheets:
        if sheet.hidden:
            made.warnings.append(_("Sheet “{sheet}”: {n} hidden rows are not read.", sheet=sheet.name, n=sheet.hidden))
        header = headers.find(sheet, known) or headers.likely(sheet)
        if header is not None:
            likely.append((sheet, header))
            header = _as_told(session, made, sheet, header, known)
        names = set(header.columns.values()) if header else set()
        # A header of this table: a required column, or two of any kind.
        if header is None or not (names & required or len(names) > 1 or ID in names):
            if not sheet.blank:
                made.skipped_sheets.append(sheet.name)
            continue
        part = Part(sheet.name, header.labels, header.columns)
        part.rows = [
            PlanRow(sheet.name, line.number, _padded(line, len(header.labels)))
            for line in sheet.lines[header.first :]
            if headers.is_data(line, header)
        ]
        made.parts.append(part)
        # The rows have their cells; of the lines only the top is looked at again.
        del sheet.lines[header.first + LOOKED_AT :]
        ignored = [*header.ignored, *_readonly(made.model, part, rules.telling())]
        made.ignored_columns += [label for label in ignored if label not in made.ignored_columns]
    return likely


def _as_told(session: Session, made: Plan, sheet: Sheet, header: Header, known: ColumnLabels) -> Header | None:
    """The header as somebody said by hand what it means, now or for an earlier file with the same headers."""
    made.headers.append(header.labels)
    said = made.options.meanings
    if said is None and (said := mapping.recall(session, made.model, header.labels)):
        made.warnings.append(_("The columns of “{sheet}” are read as was said by hand before.", sheet=sheet.name))
    return headers.find(sheet, known.told(said)) if said else header


def _padded(line: Line, width: int) -> list[Any]:
    lacking = width - len(line.cells)
    return [*line.cells, *[None] * lacking] if lacking > 0 else line.cells


def _readonly(model: type[Base], part: Part, telling: frozenset[str]) -> list[str]:
    """Columns that the program sets are recognised, used to find the record, and not imported."""
    found = {index: field_named(model, name) for index, name in part.columns.items()}
    read = {index for index, f in found.items() if f is None or not f.readonly or f.key or f.name in telling}
    return [part.labels[index] for index in found if index not in read]


def refuse_useless(made: Plan, book: Book, rules: Rules, found: Sequence[tuple[Sheet, Header]]) -> None:
    """Say what makes the whole file useless; leave out a sheet that lacks what the others have. Where the file has
    headers that could mean what is lacking, they can be told by hand."""
    label = made.model.__labels__

    def refuse(message: Message) -> UserError:
        sheet, header = max(found, key=lambda one: len(one[1].labels), default=(None, None))
        if sheet is None or header is None or not _may_mean(sheet, header, rules.required()):
            return UserError(message)
        known = known_labels(made.model, rules).told(made.options.meanings or {})
        lines = sheet.lines[header.first :]
        return mapping.UnmappedError(message, mapping.guesses(made.model, rules, header, lines, known))

    if not made.parts:
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
    lacking = {part.sheet: _lacking(part, rules.required()) for part in made.parts}
    made.parts = [part for part in made.parts if not lacking[part.sheet]]
    if not made.parts:
        columns = "、".join(str(f.label) for f in min(lacking.values(), key=len))
        raise refuse(_("The file has no column {columns}, which {label} need.", columns=columns, label=label))
    for sheet, absent in lacking.items():
        if absent:
            made.skipped_sheets.append(sheet)
            columns = "、".join(str(f.label) for f in absent)
            made.warnings.append(
                _("Sheet “{sheet}” is not read: it has no column {columns}.", sheet=sheet, columns=columns)
            )
    if not made.rows:
        raise UserError(_("There is a header, but no row of data below it."))


def _may_mean(sheet: Sheet, header: Header, required: Sequence[Field]) -> bool:
    """Whether there are rows, and enough headers without a meaning for all that is required and not there."""
    known = set(header.columns.values())
    absent = sum(declared.name not in known for declared in required)
    return absent <= len(header.ignored) and not all(line.blank for line in sheet.lines[header.first :])


def _lacking(part: Part, required: Sequence[Field]) -> list[Field]:
    """Required columns that a sheet doesn't have; a record number stands for all of them."""
    names = set(part.columns.values())
    return [] if ID in names else [f for f in required if f.name not in names | part.named]
