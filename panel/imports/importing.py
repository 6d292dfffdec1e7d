"""Import of a book: plan() compares it with what is stored and writes nothing; apply() writes a plan, all or nothing.

The same plan serves the preview page, the command and jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel import ids, progress
from panel.base import UNSCOPED, Base
from panel.chunks import chunks
from panel.errors import UserError
from panel.fields import Field, Personal, field_named, fields
from panel.i18n import Message, _
from panel.imports import cells, changes, corrections, doubts, references, validation, words
from panel.imports.layout import layout
from panel.imports.layout.layout import Layout
from panel.imports.matching import Matcher
from panel.imports.plans import Beside, CellError, Options, Outcome, Part, Plan, PlanRow
from panel.imports.references import Resolver
from panel.imports.rules import ID, RECORD_NO, Registry, Rules, importable
from panel.security import locks
from panel.security.granted import granted
from panel.security.policy import Permission, table_of
from panel.security.session import actor_of
from panel.sheets import Book
from panel.store import bulk

PRIVATE_LATER = _(
    "Private values in clear are compared with those stored when the file is imported: rows that are there already are "
    "not written again."
)
CELLS, MATCHING, CHECKING = _("Reading the cells"), _("Comparing with what is stored"), _("Checking the rows")


def plan(session: Session, model: type[Base], book: Book, options: Options, registry: Registry) -> Plan:
    """What importing this book would do, by the roles that grant the import. Raises UserError if no sheet can be read
    as this table, AccessDenied without such a role."""
    if not importable(model):
        raise UserError(_("{label} can't be imported.", label=model.__labels__))
    with granted(session, Permission.IMPORT, model):
        return _plan(session, model, book, options, registry)


def _plan(session: Session, model: type[Base], book: Book, options: Options, registry: Registry) -> Plan:
    result = Plan(model, options, replaced=words.merged(words.recall(session, model), options.replace))
    sheets = Layout(session, model, options, registry)
    rules = sheets.rules
    rules.options = options
    sheet_headers = layout.lay_out(result, book, sheets)
    corrections.apply(result, rules)
    for part in result.parts:
        part.lookups = _lookup_columns(part, _read_columns(part, rules), rules)
    resolver = Resolver(session, result, registry)
    resolver.match_sheet_names(rules.required())
    layout.refuse_unusable(result, book, sheets, sheet_headers)
    for part in result.parts:
        read = _read_columns(part, rules)
        reader = cells.RowReader(result, part, cells.columns_of(part, read, rules))
        for row in progress.track(part.rows, CELLS, len(part.rows)):
            reader.read(row)
            if row.failed:
                _settle_unknown_words(result, row, read, rules)
            row.release_empty()
    matcher = rules.matcher()
    progress.report(MATCHING)
    _match(session, result, rules, matcher, resolver)
    # Free the names: those of a large table take as much memory as the file.
    resolver.finders.clear()
    progress.report(CHECKING)
    for row in result.rows:
        row.release_empty()
    _check(session, result, rules, matcher)
    doubts.settle(result)
    for row in result.rows:
        row.release_empty()
        row.outcome = _outcome(row, options)
    cells.warn_of_vacant_posts(result)
    private = any(f.personal is Personal.PRIVATE for f in fields(model))
    if private and result.rows and not actor_of(session).system:
        result.warnings.append(PRIVATE_LATER)
    references.collect_creating(result)
    words.ask(result, rules.required())
    doubts.ask(result)
    return result


def _read_columns(part: Part, rules: Rules) -> dict[int, Field]:
    """The fields to read, by column index."""
    identifying = rules.identifying()
    known = {index: f for index, name in part.columns.items() if (f := field_named(rules.model, name))}
    return {index: f for index, f in known.items() if not f.readonly or f.key or f.name in identifying}


def _lookup_columns(part: Part, read: Mapping[int, Field], rules: Rules) -> dict[str, int]:
    """Index by name of the columns that are resolved after all rows are read: references and their parents."""
    own = {name: index for index, name in part.columns.items() if name != ID and name not in rules.extra_columns()}
    return {name: i for name, i in own.items() if "/" in name or (i in read and read[i].target)}


def _settle_unknown_words(plan: Plan, row: PlanRow, read: Mapping[int, Field], rules: Rules) -> None:
    """Accept the words that are none of a closed list as text where the rules of the table do, and note the others."""
    for error in list(row.errors):
        declared = read.get(error.index) if error.index is not None else None
        if declared is None or not words.is_closed_list(declared.kind) or declared.attr in row.values:
            continue
        if rules.may_stay_text(row, declared.name):
            row.errors.remove(error)
            row.extra[declared.name] = error.value
        else:
            words.note(plan, row, declared, partial(words.choice_offers, declared.kind))


def _match(session: Session, plan: Plan, rules: Rules, matcher: Matcher, resolver: Resolver) -> None:
    """Find the existing record of each row, and fail rows for a record that an earlier row is about."""
    _by_record_no(session, plan, [row for row in plan.rows if row.has_extra(ID)])
    resolver.resolve()
    occupied = [row for row in plan.rows if not row.vacant]
    rows = [row for row in occupied if not row.has_extra(ID)]
    validation.require(plan, rows, [f for f in rules.required() if f.key])
    matcher.load(session, rows)
    matched: dict[Any, PlanRow] = {}
    for row in occupied:
        stored = None if row.has_extra(ID) else matcher.find(row)
        if isinstance(stored, Message):
            row.fail(stored)
        elif stored is not None:
            _set_match(row, stored)
        if row.failed:
            continue
        keys = {("#", row.id)} if row.id is not None else set()
        if not row.has_extra(ID) and (key := matcher.key(row)) is not None:
            keys.add(key)
        earlier = next((matched[key] for key in keys if key in matched), None)
        if earlier is not None:
            label = plan.row_label(earlier, row)
            row.fail(_("The same record stands in row {row} already; that row counts.", row=label))
            continue
        matched |= dict.fromkeys(keys, row)
    matched.clear()
    validation.check_reach(session, plan, plan.rows)
    resolver.check_targets()


def _by_record_no(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Match rows by their record number."""
    numbered = [(ids.parse(row.extra[ID]), row) for row in rows]
    table = table_of(plan.model)
    stored: dict[int, Any] = {}
    for chunk in chunks({number for number, _row in numbered if number is not None}):
        statement = select(table).where(table.c.id.in_(chunk))
        stored |= {record.id: record for record in session.execute(statement, execution_options=UNSCOPED)}
    for number, row in numbered:
        if number in stored:
            _set_match(row, stored[number])
        else:
            row.errors.append(CellError(str(RECORD_NO), row.extra[ID], _("There is no record with this number.")))


def _set_match(row: PlanRow, stored: Any) -> None:
    mapping = stored._mapping
    row.id, row.version, row.stored = mapping["id"], mapping.get("version", 1), dict(mapping)


def _check(session: Session, plan: Plan, rules: Rules, matcher: Matcher) -> None:
    """Run all further checks; each one looks at the rows that are good so far."""
    new = [row for row in plan.rows if row.id is None and not row.has_extra(ID) and not row.vacant]
    validation.require(plan, new, [f for f in rules.required() if not f.key])
    set_by_program = [f.attr for f in fields(plan.model) if f.name in rules.identifying()]
    for row in plan.good():
        if row.id is None:
            rules.defaults(row)
        else:
            for attr in set_by_program:
                row.values.pop(attr, None)
    for row in plan.rows:
        if not row.vacant:
            changes.unmask(plan, row)
    changes.compare(session, plan, plan.good(), matcher)
    validation.check_constraints(plan, plan.good())
    validation.check_unique(session, plan, plan.good())
    validation.check_locks(session, plan, plan.good())
    validation.check_rights(session, plan, plan.good(), rules.create_permission)
    rules.check(session, plan, plan.good())
    validation.check_beside(session, plan, plan.good(), rules)
    validation.check_requirements(session, plan, plan.good())


def _outcome(row: PlanRow, options: Options) -> Outcome:
    if row.failed:
        return Outcome.FAILED
    if row.vacant:
        return Outcome.SKIPPED
    if row.id is None:
        return Outcome.NEW
    if not row.changes:
        return Outcome.UNCHANGED
    return Outcome.SKIPPED if options.skip_existing else Outcome.CHANGED


def apply(session: Session, plan: Plan, registry: Registry, note: str = "") -> None:
    """Write the plan in the session's transaction, and set `id`, `written` and `besides` of the written rows. The
    caller commits.

    Raises UserError if a question is open, or if rows failed and options.good_rows is off; bulk.StaleRow, AccessDenied
    or IntegrityError if something changed since the plan. The caller then rolls back."""
    _require_ready(plan)
    with granted(session, Permission.IMPORT, plan.model), locks.everybody_held(session):
        _apply(session, plan, registry, note)


def _apply(session: Session, plan: Plan, registry: Registry, note: str) -> None:
    references.create_missing(session, plan, note)
    new = [row for row in plan.rows if row.outcome is Outcome.NEW]
    changed = [row for row in plan.rows if row.outcome is Outcome.CHANGED]
    edits: dict[type[Base], list[bulk.Edit]] = defaultdict(list)
    adds: dict[type[Base], list[tuple[PlanRow, dict[str, Any]]]] = defaultdict(list)
    for row in changed:
        if row.values and row.renewed is None and row.id is not None:
            edits[plan.model].append(bulk.Edit(row.id, row.version, row.values, row.stored))
            row.written = row.version + 1
    for row in (*changed, *new):
        for model, edit in row.edits:
            edits[model].append(edit)
            before = {attr: edit.before.get(attr) for attr in edit.values}
            row.besides.append(Beside(model, edit.id, edit.version + 1, before))
        for model, values in row.adds:
            adds[model].append((row, values))
    for model, items in edits.items():
        bulk.edit(session, model, items, note)
    renewed = [row for row in changed if row.renewed is not None]
    for row, id_ in zip(renewed, bulk.add(session, plan.model, [r.renewed or {} for r in renewed], note), strict=True):
        row.id, row.written = id_, 1
    if new:
        for row, id_ in zip(new, registry.rules_of(plan.model).insert(session, new, note), strict=True):
            row.id, row.written = id_, 1
    for model, entries in adds.items():
        for (row, _values), id_ in zip(
            entries, bulk.add(session, model, [values for _row, values in entries], note), strict=True
        ):
            row.besides.append(Beside(model, id_))
    registry.rules_of(plan.model).written(session, plan, note)


def _require_ready(plan: Plan) -> None:
    """Raise UserError if a question is open, or if rows failed and options.good_rows is off."""
    if plan.questions:
        raise UserError(_("{n} questions about the file are open, so nothing was written.", n=len(plan.questions)))
    if (failed := plan.count(Outcome.FAILED)) and not plan.options.good_rows:
        raise UserError(_("{n} rows have failed, so nothing was written.", n=failed))
