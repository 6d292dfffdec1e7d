"""Locate the rows of a table in a book: its sheets, their headers, and the column that each header means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.fields import Field, field_named, fields
from panel.i18n import Message, _, in_every_locale, listed
from panel.imports.layout import column_questions, data_rows, headers, mapping, meanings, samples
from panel.imports.layout.data_rows import DataRows
from panel.imports.layout.headers import Header
from panel.imports.layout.labels import ColumnLabels, normalize, spellings
from panel.imports.layout.vocabulary import known_labels
from panel.imports.matching import Finder
from panel.imports.plans import Options, Part, Plan
from panel.imports.questions import column_key, letter, letter_index
from panel.imports.references import Resolver
from panel.imports.rules import ID, Registry, Rules, parent_references
from panel.kinds import Day, Moment, tidy
from panel.security.policy import model_of
from panel.sheets import Book, Sheet

#: Lines at the top of a sheet that are enough to find its header and sample the values below it.
TOP_LINES = 100
#: The longest name that a row alone may give to the rows below without being known.
LONGEST_HEADING = 10


class Layout:
    """Reads the headers of a book for one table."""

    def __init__(self, session: Session, model: type[Base], options: Options, registry: Registry) -> None:
        self.session, self.model, self.options, self.registry = session, model, options, registry
        self.rules: Rules = registry.rules_of(model)
        self.known: ColumnLabels = known_labels(model, self.rules)
        self.finders: dict[str, Finder] = {}

    def header_of(self, sheet: Sheet) -> ReadHeader | None:
        """The header of a sheet and what its columns mean: as the user says now, else as was said for the same header
        before, else by its words. None if no row looks like a header."""
        header: Header | None = None
        answers: dict[int, str] = {}
        remembered = False
        if self.options.header_row is None:
            stored = mapping.recall(self.session, self.model, headers.candidates(sheet, self.known))
            if stored is not None:
                (header, answers), remembered = stored, True
        if header is None:
            header = headers.find(sheet, self.known, self.options.header_row) or headers.guess(sheet, self.known)
        if header is None:
            return None
        said = self._answers(header)
        answers = {**answers, **said}
        values = samples.below(sheet.lines[header.first :], len(header.labels))
        meanings.assign(header, self.known, values, answers)
        read = ReadHeader(
            sheet,
            header,
            values,
            answers,
            said=bool(said) or self.options.header_row is not None,
            remembered=remembered,
        )
        header.doubts += self.proposals(read)
        return read

    def _answers(self, header: Header) -> dict[int, str]:
        """What the user says that columns mean, by index."""
        answers = {}
        columns = self.options.columns
        by_label = {normalize(key): name for key, name in columns.items() if not _is_letter(key, header)}
        for index, label in enumerate(header.labels):
            for key in (column_key(header.sheet, index), letter(index)):
                if key in columns:
                    answers[index] = columns[key]
                    break
            else:
                found = next((form for form in spellings(label) if form in by_label), None)
                if found is not None:
                    answers[index] = by_label[found]
        return answers

    def proposals(self, read: ReadHeader, missing: Sequence[str] = ()) -> list[headers.Doubt]:
        """What columns without a meaning may mean; with `missing` columns, what these may be."""

        def is_record_name(declared: Field, text: str) -> bool:
            assert declared.reference is not None
            finder = self.finder(declared.reference.table, {tidy(value) for column in read.values for value in column})
            return isinstance(finder.find(text, read.sheet.name), int)

        return mapping.propose(
            self.model,
            self.rules,
            read.header,
            values=read.values,
            known=self.known,
            answered=read.answers,
            missing=missing,
            is_record_name=is_record_name,
        )

    def finder(self, table: str, texts: set[str]) -> Finder:
        if table not in self.finders:
            self.finders[table] = self.registry.finder_of(model_of(table))
            self.finders[table].read(self.session, texts)
        return self.finders[table]

    def fits(self, header: Header) -> bool:
        """Whether a header is one of this table: it has a required column, two columns of any kind, or a record
        number."""
        names = set(header.columns.values())
        return bool(names & self.known.required) or len(names) > 1 or ID in names

    def missing(self, header: Header) -> list[str]:
        """The required columns that a header lacks."""
        names = set(header.columns.values())
        return [f.name for f in self.rules.required() if f.name not in names]

    def part_of(self, read: ReadHeader) -> tuple[Part, DataRows]:
        """The part of the plan for a sheet, and its rows with those that are left out. Where rows that name only a
        street head those below, the part has a column more than the sheet."""
        header = read.header
        dated = [f.name for f in fields(self.model) if isinstance(f.kind, Day | Moment)]
        above = self._headings()
        reader = data_rows.Reader(read.sheet, header, self.known, dated, taken=self.options.taken, headed=bool(above))
        rows = reader.read()
        part = Part(read.sheet.name, header, list(header.labels), dict(header.columns))
        if rows.lone or header.heading:
            self._settle_lone(part, rows, data_rows.heading_text(header.heading), above)
        part.rows = rows.rows
        return part, rows

    def _headings(self) -> Mapping[str, str]:
        """The columns of what may stand above rows, with its table: the street of a community, the squad of an
        officer."""
        above = {f"{reference.name}/{parent.name}": parent for reference, parent in parent_references(self.model)}
        own = {f.name: f for f in fields(self.model) if f.key and f.reference}
        return {name: f.reference.table for name, f in (above or own).items() if f.reference}

    def _settle_lone(self, part: Part, rows: DataRows, heading: str, above: Mapping[str, str]) -> None:
        """Find the rows that head those below them."""
        texts = {heading, *(data_rows.heading_of(row) for row, _why in rows.lone)} if above else set()
        endings = {name: tuple(in_every_locale(model_of(table).__label__)) for name, table in above.items()}

        def named_by(text: str) -> str | None:
            for name, table in above.items():
                known = isinstance(self.finder(table, texts).find(text), int)
                if known or (len(text) <= LONGEST_HEADING and text.endswith(endings[name])):
                    return name
            return None

        def column_of(name: str) -> int:
            index = part.index_of(name)
            if index is None:
                index = len(part.labels)
                part.labels.append(str(model_of(above[name]).__label__))
                part.columns[index] = name
            return index

        data_rows.settle_lone(rows, heading, named_by, column_of)


def _is_letter(key: str, header: Header) -> bool:
    index = letter_index(key)
    return index is not None and index < len(header.labels)


@dataclass(slots=True)
class ReadHeader:
    """A sheet with its header, samples of the values in each column, and the answers that were applied. `said`: the
    user answers now; `remembered`: answers for the same header were stored before."""

    sheet: Sheet
    header: Header
    values: list[list[object]]
    answers: dict[int, str]
    said: bool
    remembered: bool


def lay_out(plan: Plan, book: Book, layout: Layout) -> list[ReadHeader]:
    """Fill the plan's parts: the header and the rows of data of each sheet. Returns each sheet with the row that
    looks like its header, also for sheets that are skipped."""
    candidates = []
    plan.skipped_sheets = list(book.hidden)
    for sheet in book.sheets:
        if sheet.hidden:
            plan.warnings.append(_("Sheet “{sheet}”: {n} hidden rows are not read.", sheet=sheet.name, n=sheet.hidden))
        read = layout.header_of(sheet)
        if read is not None:
            candidates.append(read)
        if read is None or not layout.fits(read.header):
            if not sheet.blank:
                plan.skipped_sheets.append(sheet.name)
            continue
        if read.remembered:
            plan.warnings.append(_("The columns of “{sheet}” are read as was said by hand before.", sheet=sheet.name))
        header = read.header
        part, rows = layout.part_of(read)
        part.said = read.said
        plan.parts.append(part)
        plan.left_out += rows.left_out
        plan.warnings += [*rows.warnings, *_about_halves(part), *_about_unread(header)]
        # PlanRow holds the cells from here on. Only the top lines are read again, to guess columns.
        del sheet.lines[header.first + TOP_LINES :]
    return candidates


def _about_halves(part: Part) -> list[Message]:
    """A warning for each table beside the first, with the number of its rows."""
    warnings = []
    for half in part.header.halves:
        first, last = letter(min(half.values())), letter(max(half.values()))
        count = sum(row.half == first for row in part.rows)
        warnings.append(
            _(
                "Columns {first} to {last} hold the same table again; {n} rows are read there.",
                first=first,
                last=last,
                n=count,
            )
        )
    return warnings


def _about_unread(header: Header) -> list[Message]:
    """A warning for each column of names that could be read and isn't."""
    columns = [index for index in header.unread if index not in header.columns]
    return [
        _(
            "Column {column} “{label}” is not read; choose what it means on the page of columns.",
            column=letter(index),
            label=header.title(index),
        )
        for index in columns
    ]


def _readonly(model: type[Base], part: Part, identifying: frozenset[str]) -> list[str]:
    """Labels of recognised columns that only the program sets; they are not imported."""
    declared = {index: field_named(model, name) for index, name in part.columns.items()}
    imported = {index for index, f in declared.items() if f is None or not f.readonly or f.key or f.name in identifying}
    return [part.labels[index] for index in declared if index not in imported]


def check_columns(session: Session, model: type[Base], book: Book, options: Options, registry: Registry) -> bool:
    """Whether nothing is to be asked about the columns of a book, reading only the top of each sheet. Raises
    mapping.UnmappedError if a required column is missing.

    For large files, whose plan is made in a job. Any other error is left to that plan."""
    top = replace(book, sheets=[replace(sheet, lines=sheet.lines[:TOP_LINES]) for sheet in book.sheets])
    plan = Plan(model, options)
    layout = Layout(session, model, options, registry)
    try:
        candidates = lay_out(plan, top, layout)
        Resolver(session, plan, registry).match_sheet_names(layout.rules.required())
        refuse_unusable(plan, top, layout, candidates)
    except mapping.UnmappedError:
        raise
    except UserError:
        return True
    return not plan.questions


def refuse_unusable(plan: Plan, book: Book, layout: Layout, candidates: Sequence[ReadHeader]) -> None:
    """Raise UserError if nothing in the file can be imported, drop sheets that lack a required column, and ask about
    the columns of the others.

    Raises mapping.UnmappedError instead where the file has unknown headers that could be the missing columns."""
    label = plan.model.__labels__
    required = layout.rules.required()

    def refuse(message: Message) -> UserError:
        read = max(candidates, key=lambda read: len(read.header.labels), default=None)
        if read is None or not _can_be_mapped(read, required):
            return UserError(message)
        missing = layout.missing(read.header)
        read.header.doubts += layout.proposals(read, missing)
        likely = {doubt.names[0] for doubt in read.header.doubts}
        # A file of which no column is likely to be a missing one is probably another table's: an error, no question.
        asked = column_questions.ask(plan.model, layout.rules, read.header) if likely.issuperset(missing) else []
        return mapping.UnmappedError(message, [read.header], asked)

    if not plan.parts:
        if all(sheet.blank for sheet in book.sheets):
            raise UserError(_("The workbook is empty: there is no row in it."))
        raise refuse(
            _(
                "This doesn't look like a table of {label}: no header was found. It needs the columns {columns}; "
                "the template has them.",
                label=label,
                columns=listed(str(f.label) for f in required),
            )
        )
    missing = {part.sheet: _missing_columns(part, required) for part in plan.parts}
    plan.parts = [part for part in plan.parts if not missing[part.sheet]]
    if not plan.parts:
        columns = listed(str(f.label) for f in min(missing.values(), key=len))
        raise refuse(_("The file has no column {columns}, which {label} need.", columns=columns, label=label))
    for sheet, absent in missing.items():
        if absent:
            plan.skipped_sheets.append(sheet)
            columns = listed(str(f.label) for f in absent)
            plan.warnings.append(
                _("Sheet “{sheet}” is not read: it has no column {columns}.", sheet=sheet, columns=columns)
            )
    plan.left_out = [left for left in plan.left_out if left.sheet not in missing or not missing[left.sheet]]
    for part in plan.parts:
        ignored = [*part.header.ignored, *_readonly(plan.model, part, layout.rules.identifying())]
        plan.ignored_columns += [label for label in ignored if label not in plan.ignored_columns]
        plan.questions += column_questions.ask(plan.model, layout.rules, part.header)
    if not plan.rows:
        raise UserError(_("There is a header, but no row of data below it."))


def _can_be_mapped(read: ReadHeader, required: Sequence[Field]) -> bool:
    """Whether the sheet has rows, and at least as many unknown headers as required columns are missing."""
    known = set(read.header.columns.values())
    absent = sum(declared.name not in known for declared in required)
    return absent <= len(read.header.ignored) and not all(line.blank for line in read.sheet.lines[read.header.first :])


def _missing_columns(part: Part, required: Sequence[Field]) -> list[Field]:
    """Required columns that a sheet doesn't have. None are missing if it has record numbers."""

    names = set(part.columns.values())
    return [] if ID in names else [f for f in required if f.name not in names | part.from_sheet_name]
