"""A file becomes a plan, the plan becomes rows. The same plan serves page, command and tests.

plan() reads and writes nothing. apply() plans nothing: it writes what a plan says, all of it or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel import ids, progress
from panel.base import Base
from panel.errors import UserError
from panel.fields import Field, Personal, field_named, fields
from panel.i18n import Message, _
from panel.imports import changes, layout, references, validation
from panel.imports.matching import UNSCOPED, Matcher, chunks
from panel.imports.plans import Beside, CellError, Options, Outcome, Part, Plan, PlanRow
from panel.imports.references import Resolver
from panel.imports.rules import ID, RECORD_NO, Registry, Rules, importable
from panel.kinds import Invalid, tidy
from panel.security.policy import table_of
from panel.sheets import Book, UnreadableCell
from panel.store import bulk

CELLS, MATCHING, CHECKING = _("Reading the cells"), _("Comparing with what is stored"), _("Checking the rows")


def plan(session: Session, model: type[Base], book: Book, options: Options, registry: Registry) -> Plan:
    """What importing this book would do. Raises UserError when no sheet can be read as this table."""
    if not importable(model):
        raise UserError(_("{label} can't be imported.", label=model.__labels__))
    rules = registry.rules_of(model)
    made = Plan(model, options)
    found = layout.lay_out(session, made, book, rules)
    for part in made.parts:
        part.told = _told(part, _read_columns(part, rules), rules)
    resolver = Resolver(session, made, registry)
    resolver.from_sheet_name(rules.required())
    layout.refuse_useless(made, book, rules, found)
    extra = rules.extra()
    for part in made.parts:
        read = _read_columns(part, rules)
        for row in progress.told(part.rows, CELLS, len(part.rows)):
            _read_row(made, part, row, read, extra)
            row.rest()
    matcher = rules.matcher()
    progress.tell(MATCHING)
    _match(session, made, rules, matcher, resolver)
    # All the names of a large table take as much room as the file.
    resolver.finders.clear()
    progress.tell(CHECKING)
    for row in made.rows:
        row.rest()
    _check(session, made, rules, matcher)
    for row in made.rows:
        row.rest()
        row.outcome = _outcome(row, options)
    references.settle_creating(made)
    return made


def _read_columns(part: Part, rules: Rules) -> dict[int, Field]:
    """The columns of the table that are read, by their place."""
    telling = rules.telling()
    known = {index: f for index, name in part.columns.items() if (f := field_named(rules.model, name))}
    return {index: f for index, f in known.items() if not f.readonly or f.key or f.name in telling}


def _told(part: Part, read: Mapping[int, Field], rules: Rules) -> dict[str, int]:
    """The columns that are looked up once all rows are read: references, and what places them."""
    own = {name: index for index, name in part.columns.items() if name != ID and name not in rules.extra()}
    return {name: i for name, i in own.items() if "/" in name or (i in read and read[i].target)}


def _read_row(made: Plan, part: Part, row: PlanRow, read: Mapping[int, Field], extra: Mapping[str, Any]) -> None:
    """Parse each cell by its kind; what can't be read is an error of the cell."""
    for index, name in part.columns.items():
        raw, declared = row.cells[index], read.get(index)
        text = tidy(raw)
        if name in made.options.replace and isinstance(raw, str):
            raw = made.options.replace[name].get(text, raw)
            if name in part.told and tidy(raw) != text:
                row.texts[name] = tidy(raw)
            text = tidy(raw)
        beside = name == ID or name in extra
        if not text:
            if made.options.clear and declared is not None and not (declared.required or declared.key):
                row.values[declared.attr] = None
        elif isinstance(raw, UnreadableCell):
            if declared is not None or beside or "/" in name:
                row.errors.append(CellError(part.labels[index], text, raw.message, index))
        elif beside:
            row.extra[name] = text
        elif name in part.told:
            continue
        elif declared is not None and declared.personal is not Personal.NO and "*" in text:
            row.masked[declared.attr] = text
        elif declared is not None:
            _parse(part, row, index, declared, raw)


def _parse(part: Part, row: PlanRow, index: int, declared: Field, raw: Any) -> None:
    try:
        value = declared.kind.parse(raw)
    except Invalid as problem:
        row.errors.append(CellError(part.labels[index], tidy(raw), problem.message, index))
        return
    if value is not None:
        # Nearly every text is as it stands in the cell: one of the two is enough.
        row.values[declared.attr] = raw if type(value) is type(raw) and value == raw else value


def _match(session: Session, made: Plan, rules: Rules, matcher: Matcher, resolver: Resolver) -> None:
    """Which existing record each row is about; what stands in the file twice."""
    _by_record_no(session, made, [row for row in made.rows if row.says(ID)])
    resolver.resolve()
    validation.require(made, [r for r in made.rows if not r.says(ID)], [f for f in rules.required() if f.key])
    rows = [row for row in made.rows if not row.says(ID)]
    matcher.load(session, rows)
    seen: dict[Any, PlanRow] = {}
    for row in made.rows:
        stored = None if row.says(ID) else matcher.find(row)
        if isinstance(stored, Message):
            row.fail(stored)
        elif stored is not None:
            _is(row, stored)
        if row.failed:
            continue
        keys = {("#", row.id)} if row.id is not None else set()
        if not row.says(ID) and (key := matcher.key(row)) is not None:
            keys.add(key)
        earlier = next((seen[key] for key in keys if key in seen), None)
        if earlier is not None:
            place = made.place_of(earlier, row)
            row.fail(_("The same record stands in row {row} already; that row counts.", row=place))
            continue
        seen |= dict.fromkeys(keys, row)
    seen.clear()
    validation.hold_reach(session, made, made.rows)
    resolver.settle()


def _by_record_no(session: Session, made: Plan, rows: Sequence[PlanRow]) -> None:
    """Stored rows by their number, for tables without a key of their own."""
    wanted = [(ids.parse(row.extra[ID]), row) for row in rows]
    table = table_of(made.model)
    stored: dict[int, Any] = {}
    for some in chunks({number for number, _row in wanted if number is not None}):
        statement = select(table).where(table.c.id.in_(some))
        stored |= {found.id: found for found in session.execute(statement, execution_options=UNSCOPED)}
    for number, row in wanted:
        if number in stored:
            _is(row, stored[number])
        else:
            row.errors.append(CellError(str(RECORD_NO), row.extra[ID], _("There is no record with this number.")))


def _is(row: PlanRow, stored: Any) -> None:
    mapping = stored._mapping
    row.id, row.version, row.stored = mapping["id"], mapping.get("version", 1), dict(mapping)


def _check(session: Session, made: Plan, rules: Rules, matcher: Matcher) -> None:
    """Everything that can still be wrong with a row; each check looks at those that are good so far."""
    new = [row for row in made.rows if row.id is None and not row.says(ID)]
    validation.require(made, new, [f for f in rules.required() if not f.key])
    set_by_program = [f.attr for f in fields(made.model) if f.name in rules.telling()]
    for row in made.good():
        if row.id is None:
            rules.defaults(row)
        else:
            for attr in set_by_program:
                row.values.pop(attr, None)
    for row in made.rows:
        changes.unmask(made, row)
    changes.compare(session, made, made.good(), matcher)
    validation.hold_constraints(made, made.good())
    validation.hold_unique(session, made, made.good())
    validation.hold_rights(session, made, made.good(), rules.adding)
    rules.check(session, made, made.good())


def _outcome(row: PlanRow, options: Options) -> Outcome:
    if row.failed:
        return Outcome.FAILED
    if row.id is None:
        return Outcome.NEW
    if not row.changes:
        return Outcome.UNCHANGED
    return Outcome.SKIPPED if options.skip_existing else Outcome.CHANGED


def apply(session: Session, made: Plan, registry: Registry, note: str = "") -> None:
    """Write what the plan says, in the session's transaction; each written row then knows its record. The caller
    commits.

    Raises UserError when rows failed and the good ones were not asked for alone, and bulk.StaleRow, AccessDenied or
    IntegrityError when something changed since; the caller then rolls back and nothing is written."""
    if (failed := made.count(Outcome.FAILED)) and not made.options.good_rows:
        raise UserError(_("{n} rows have failed, so nothing was written.", n=failed))
    references.make_missing(session, made, note)
    new = [row for row in made.rows if row.outcome is Outcome.NEW]
    changed = [row for row in made.rows if row.outcome is Outcome.CHANGED]
    edits: dict[type[Base], list[bulk.Edit]] = defaultdict(list)
    adds: dict[type[Base], list[tuple[PlanRow, dict[str, Any]]]] = defaultdict(list)
    for row in changed:
        if row.values and row.renewed is None and row.id is not None:
            edits[made.model].append(bulk.Edit(row.id, row.version, row.values, row.stored))
            row.written = row.version + 1
    for row in (*changed, *new):
        for model, edit in row.edits:
            edits[model].append(edit)
            before = {attr: edit.before.get(attr) for attr in edit.values}
            row.besides.append(Beside(model, edit.id, edit.version + 1, before))
        for model, values in row.adds:
            adds[model].append((row, values))
    for model, some in edits.items():
        bulk.edit(session, model, some, note)
    renewed = [row for row in changed if row.renewed is not None]
    for row, id_ in zip(renewed, bulk.add(session, made.model, [r.renewed or {} for r in renewed], note), strict=True):
        row.id, row.written = id_, 1
    if new:
        for row, id_ in zip(new, registry.rules_of(made.model).insert(session, new, note), strict=True):
            row.id, row.written = id_, 1
    for model, more in adds.items():
        for (row, _values), id_ in zip(
            more, bulk.add(session, model, [values for _row, values in more], note), strict=True
        ):
            row.besides.append(Beside(model, id_))
