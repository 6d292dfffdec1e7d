"""A file becomes a plan, the plan becomes rows. The same plan serves page, command and tests.

plan() reads and writes nothing. apply() plans nothing: it writes what a plan says, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CheckConstraint, MetaData, Table, UniqueConstraint, create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from panel import bulk, headers
from panel.access import Action, model_of
from panel.base import Base, Record
from panel.fields import Field, field_named, fields
from panel.headers import Known
from panel.integrity import explain
from panel.kinds import Data, Invalid, tidy
from panel.matching import UNSCOPED, Finder, Matcher, is_masked, key_of, placing
from panel.plans import CellError, Outcome, Part, Plan, PlanRow
from panel.session import actor_of, policy_of
from panel.sheets import Book, Line
from panel.text import Message, _, in_every_locale

#: The column that a workbook of failed rows carries, and that is not read again.
REASON = _("Reason of failure")
RECORD_NO = _("Record no.")
#: What a header may call the record number of a table without a key of its own.
ID = "#id"


class Unusable(Exception):  # noqa: N818 - told to the user as a sentence
    """The file as a whole can't be imported into this table; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is taken. `replace`: for a column, words to read in place of what stands there."""

    create_missing: bool = False
    good_rows: bool = False
    skip_existing: bool = False
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Rules:
    """What a table needs beyond its declaration; the bureau subclasses it. `extra` are columns of other tables that
    may stand in the file, by name."""

    def __init__(self, model: type[Base]) -> None:
        self.model = model

    def extra(self) -> Mapping[str, Sequence[str | Message]]:
        return {}

    def matcher(self) -> Matcher:
        return Matcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        """Fill in what a new row lacks."""

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """Look at all readable rows together, in a number of statements that doesn't grow with them: add errors,
        notes, warnings, effects."""

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        """Write the new rows."""
        return bulk.add(session, self.model, [row.values for row in rows], note)


@dataclass(slots=True)
class Registry:
    """Rules by table and finders by table, as the bureau declares them."""

    rules: dict[str, Callable[[type[Base]], Rules]] = field(default_factory=dict)
    finders: dict[str, Callable[[type[Base]], Finder]] = field(default_factory=dict)

    def rules_of(self, model: type[Base]) -> Rules:
        return self.rules.get(model.__tablename__, Rules)(model)

    def finder_of(self, model: type[Base]) -> Finder:
        return self.finders.get(model.__tablename__, Finder)(model)


def importable(model: type[Base]) -> bool:
    return issubclass(model, Record)


def known_labels(model: type[Base], rules: Rules) -> Known:
    """Every label that means a column of this table. What stands first has the better claim."""
    declared = [f for f in fields(model) if not isinstance(f.kind, Data)]
    claims: list[tuple[str, Iterable[str | Message]]] = [(ID, [RECORD_NO])]
    claims += [(f.name, [f.label, f.name]) for f in declared]
    claims += [(f.name, f.aliases) for f in declared]
    claims += [(name, labels) for name, labels in rules.extra().items()]
    for f in declared:
        labels = in_every_locale(f.label)
        prefixed = [table + label for table in in_every_locale(model.__label__) for label in labels]
        claims.append((f.name, prefixed))
        if f.reference:
            target = model_of(f.reference.table)
            called = [*labels, *in_every_locale(target.__label__)]
            claims.append((f.name, [f"所属{label}" for label in called]))
            names = [name for g in fields(target) if g.name == "name" for name in in_every_locale(g.label)]
            claims.append((f.name, [label + name for label in called for name in names]))
    for reference, above in placing(model):
        labels = in_every_locale(above.label)
        target = model_of(above.reference.table) if above.reference else model
        names = [*labels, *above.aliases, *(f"{label}名称" for label in labels), *in_every_locale(target.__label__)]
        claims.append((f"{reference.name}/{above.name}", names))
    return Known.of(claims)


def plan(session: Session, model: type[Base], book: Book, options: Options, registry: Registry) -> Plan:
    """What importing this book would do. Raises Unusable when no sheet can be read as this table."""
    rules = registry.rules_of(model)
    known = known_labels(model, rules)
    made = Plan(model, skipped_sheets=list(book.hidden))
    for sheet in book.sheets:
        header = headers.find(sheet, known)
        if header is None or not _enough(model, header):
            made.skipped_sheets.append(sheet.name)
            continue
        part = Part(sheet.name, header.labels, header.columns)
        part.rows = [
            PlanRow(sheet.name, line.number, _padded(line, len(header.labels)))
            for line in sheet.lines[header.first :]
            if headers.is_data(line, header)
        ]
        made.parts.append(part)
        made.ignored_columns += [label for label in header.ignored if label not in made.ignored_columns]
        _note_readonly(made, part)
    _refuse_useless(made, book, model)
    for part in made.parts:
        for row in part.rows:
            _read_row(model, part, row, rules, options)
    _resolve(session, made, options, registry)
    _match(session, made, rules, options)
    return made


def _enough(model: type[Base], header: headers.Header) -> bool:
    """Whether a header is one of this table at all: a required column, or two columns of any kind."""
    names = set(header.columns.values())
    required = {f.name for f in fields(model) if f.required and f.default is None and not f.readonly}
    return bool(names & required) or len(names) > 1 or ID in names


def _padded(line: Line, width: int) -> list[Any]:
    return [*line.cells, *[None] * (width - len(line.cells))]


def _note_readonly(made: Plan, part: Part) -> None:
    """Columns that the program sets are recognised, used to find the record, and not imported."""
    for index, name in part.columns.items():
        declared = field_named(made.model, name)
        if declared and declared.readonly and not declared.key and part.labels[index] not in made.ignored_columns:
            made.ignored_columns.append(part.labels[index])


def _refuse_useless(made: Plan, book: Book, model: type[Base]) -> None:
    label = model.__labels__
    if not made.parts:
        if all(line.blank for sheet in book.sheets for line in sheet.lines):
            raise Unusable(_("The workbook is empty: there is no row in it."))
        wanted = "、".join(str(f.label) for f in fields(model) if f.required and f.default is None and not f.readonly)
        raise Unusable(
            _(
                "This doesn't look like a table of {label}: no header was found. It needs the columns {columns}; "
                "the template has them.",
                label=label,
                columns=wanted,
            )
        )
    names = {name for part in made.parts for name in part.columns.values()}
    lacking = [
        str(f.label)
        for f in fields(model)
        if f.required and f.default is None and not f.readonly and f.name not in names and _needed(f, names)
    ]
    if lacking and ID not in names:
        raise Unusable(
            _("The file has no column {columns}, which {label} need.", columns="、".join(lacking), label=label)
        )
    if not made.rows:
        raise Unusable(_("There is a header, but no row of data below it."))


def _needed(declared: Field, names: set[str]) -> bool:
    """A required column may be absent where rows are only updated, by a key that identifies them."""
    return declared.key or not any("_no" in name or name == "code" for name in names)


def _read_row(model: type[Base], part: Part, row: PlanRow, rules: Rules, options: Options) -> None:
    """Parse each cell by its kind; what can't be read is an error of the cell."""
    extra = rules.extra()
    for index, name in part.columns.items():
        raw = row.cells[index]
        if isinstance(raw, str):
            raw = options.replace.get(name, {}).get(tidy(raw), raw)
        if name == ID:
            row.extra[ID] = tidy(raw)
            continue
        if name in extra or "/" in name:
            if tidy(raw):
                row.extra[name] = tidy(raw)
            continue
        declared = field_named(model, name)
        if declared is None or (declared.readonly and not declared.key) or tidy(raw) == "":
            continue
        if declared.reference:
            row.texts[name] = tidy(raw)
            continue
        try:
            value = declared.kind.parse(raw)
        except Invalid as problem:
            if declared.personal.value != "no" and "*" in tidy(raw):
                row.values[f"*{declared.attr}"] = tidy(raw)
                continue
            row.errors.append(CellError(part.labels[index], tidy(raw), problem.message, index))
            continue
        if declared.personal.value != "no" and "*" in tidy(raw):
            row.values[f"*{declared.attr}"] = tidy(raw)
        elif value is not None:
            row.values[declared.attr] = value


def _resolve(session: Session, made: Plan, options: Options, registry: Registry) -> None:
    """Turn the words of references into ids; what is missing is an error, or made with the import."""
    used = {name for row in made.rows for name in row.texts}
    for declared in fields(made.model):
        if declared.reference is None or declared.name not in used:
            continue
        target = model_of(declared.reference.table)
        finder = registry.finder_of(target)
        finder.load(session)
        may_create = finder.creatable and policy_of(session).may(actor_of(session), Action.CREATE, target)
        for part in made.parts:
            index = part.index_of(declared.name)
            places = [n for n in part.columns.values() if n.startswith(f"{declared.name}/")]
            for row in part.rows:
                if (text := row.texts.get(declared.name)) is None:
                    continue
                place = next((row.extra[n] for n in places if n in row.extra), "") or _own_place(row, declared)
                found = finder.find(text, place)
                if isinstance(found, int):
                    row.values[declared.attr] = found
                    continue
                label = part.labels[index] if index is not None else str(declared.label)
                if found.creatable and may_create and options.create_missing:
                    names = made.creating.setdefault(target.__tablename__, [])
                    if tidy(text) not in names:
                        names.append(tidy(text))
                    row.values[declared.attr] = Made(target.__tablename__, tidy(text))
                    continue
                if found.creatable and may_create:
                    names = made.creatable.setdefault(target.__tablename__, [])
                    if tidy(text) not in names:
                        names.append(tidy(text))
                row.errors.append(CellError(label, text, found.message, index, found.suggestion))


def _own_place(row: PlanRow, declared: Field) -> str:
    """Another reference of the same row that places this one: the squad beside an officer, a community's street."""
    if declared.reference is None:
        return ""
    above = [f.name for f in fields(model_of(declared.reference.table)) if f.reference and f.key]
    return next((row.texts[name] for name in above if name in row.texts), "")


@dataclass(frozen=True, slots=True)
class Made:
    """A record that is made with the import; stands where its id will."""

    table: str
    name: str


def _match(session: Session, made: Plan, rules: Rules, options: Options) -> None:
    """New, changed, unchanged or failed; what is asked twice; what the database would refuse."""
    matcher = rules.matcher()
    readable = [row for row in made.rows if not row.failed]
    by_id = _by_record_no(session, made, readable)
    matcher.load(session, [row.values for row in readable if row.id is None])
    seen: dict[tuple[Any, ...], PlanRow] = {}
    for row in readable:
        stored = by_id.get(row.extra.get(ID, "")) if row.extra.get(ID) else matcher.find(row.values)
        key = ("#", row.extra[ID]) if row.extra.get(ID) else matcher.key(row.values)
        if key is not None:
            if (earlier := seen.get(key)) is not None:
                message = _("The same record stands in row {row} already; that row counts.", row=earlier.number)
                row.errors.append(CellError("", "", message))
                continue
            seen[key] = row
        if stored is not None:
            mapping = stored._mapping
            row.id, row.version, row.stored = mapping["id"], mapping.get("version", 1), dict(mapping)
        elif row.extra.get(ID):
            row.errors.append(CellError(str(RECORD_NO), row.extra[ID], _("There is no record with this number.")))
            continue
        _unmask(made, row)
        if row.id is None:
            _require(made, row)
            rules.defaults(row)
    readable = [row for row in readable if not row.failed]
    _compare(session, made, readable)
    rules.check(session, made, readable)
    _try_rules(made, [row for row in readable if not row.failed])
    _try_unique(session, made, [row for row in readable if not row.failed])
    _check_rights(session, made)
    for row in made.rows:
        if row.failed:
            row.outcome = Outcome.FAILED
        elif row.id is None:
            row.outcome = Outcome.NEW
        elif options.skip_existing:
            row.outcome = Outcome.SKIPPED if row.changes else Outcome.UNCHANGED
        else:
            row.outcome = Outcome.CHANGED if row.changes else Outcome.UNCHANGED


def _by_record_no(session: Session, made: Plan, rows: Sequence[PlanRow]) -> dict[str, Any]:
    """Stored rows by their number, for tables without a key of their own."""
    wanted = sorted({int(text) for row in rows if (text := row.extra.get(ID, "")).isdigit() and len(text) < 10})
    if not wanted:
        return {}
    table = made.model.__table__
    statement = select(table).where(table.c.id.in_(wanted))
    return {str(found.id): found for found in session.execute(statement, execution_options=UNSCOPED)}


def _unmask(made: Plan, row: PlanRow) -> None:
    """A masked value that equals the mask of what is stored leaves it as it is; any other is refused."""
    for name in [name for name in row.values if name.startswith("*")]:
        text = row.values.pop(name)
        declared = field_named(made.model, name[1:])
        if declared and declared.kind.mask(row.stored.get(declared.attr)) != text:
            message = _("This value is masked. Enter it in full, or leave the cell empty to keep what is stored.")
            index = next((i for p in made.parts if row in p.rows for i in [p.index_of(declared.name)]), None)
            row.errors.append(CellError(str(declared.label), text, message, index))


def _require(made: Plan, row: PlanRow) -> None:
    for declared in fields(made.model):
        absent = declared.attr not in row.values and f"*{declared.attr}" not in row.values
        if declared.required and declared.default is None and not declared.readonly and absent:
            part = next(p for p in made.parts if p.sheet == row.sheet)
            index = part.index_of(declared.name)
            label = part.labels[index] if index is not None else str(declared.label)
            row.errors.append(CellError(label, "", _("This must be filled in."), index))


def _compare(session: Session, made: Plan, rows: Sequence[PlanRow]) -> None:
    """Keep of an existing row only what differs, and put it in words."""
    declared = {f.attr: f for f in fields(made.model)}
    names = _names_of(session, made, rows)
    hidden = policy_of(session).sees_masked(actor_of(session), made.model)
    for row in rows:
        if row.id is None:
            continue
        for attr in list(row.values):
            before, after = row.stored.get(attr), row.values[attr]
            if (
                key_of(before) == key_of(after)
                if isinstance(before, str) and attr in _key_attrs(made.model)
                else before == after
            ):
                del row.values[attr]
                continue
            f = declared[attr]
            row.changes.append((f, _words(f, before, names, hidden), _words(f, after, names, hidden)))


def _key_attrs(model: type[Base]) -> set[str]:
    return {f.attr for f in fields(model) if f.key}


def _names_of(session: Session, made: Plan, rows: Sequence[PlanRow]) -> dict[tuple[str, int], str]:
    """What the records are called that a changed reference points from and to."""
    found: dict[tuple[str, int], str] = {}
    for f in fields(made.model):
        if f.reference is None:
            continue
        ids = {
            value
            for row in rows
            if row.id is not None and f.attr in row.values and row.stored.get(f.attr) != row.values[f.attr]
            for value in (row.stored.get(f.attr), row.values[f.attr])
            if isinstance(value, int)
        }
        if not ids:
            continue
        target = model_of(f.reference.table)
        columns = target.__table__.c
        shown = [columns[name] for name in target.__display__ if name in columns]
        statement = select(columns.id, *shown).where(columns.id.in_(ids))
        for id_, *parts in session.execute(statement, execution_options=UNSCOPED):
            found[f.reference.table, id_] = " ".join(str(part) for part in parts if part)
    return found


def _words(f: Field, value: Any, names: Mapping[tuple[str, int], str], hidden: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, Made):
        return value.name
    if f.reference:
        return names.get((f.reference.table, value), f"#{value}")
    return f.kind.mask(value) if is_masked(f, hidden=hidden) else f.kind.format(value)


def _try_rules(made: Plan, rows: Sequence[PlanRow]) -> None:
    """Hold each row against the table's CHECKs in a table of our own, so that what the database would refuse in the
    end is told at preview and at its row."""
    table = made.model.__table__
    assert isinstance(table, Table)
    checks = [c for c in table.constraints if isinstance(c, CheckConstraint)]
    if not checks or not rows:
        return
    copy = table.to_metadata(MetaData(naming_convention=table.metadata.naming_convention))
    for constraint in list(copy.constraints):
        if not isinstance(constraint, CheckConstraint):
            copy.constraints.discard(constraint)
    for column in copy.columns:
        column.foreign_keys.clear()
        column.nullable = True
        column.unique = None
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(str(CreateTable(copy).compile(dialect=engine.dialect)))
        for row in rows:
            values = {**row.stored, **row.values} if row.id is not None else {**_defaults(made.model), **row.values}
            values = {k: _bare(v) for k, v in values.items() if k in copy.c and k != "id"}
            names, marks = ", ".join(f'"{k}"' for k in values), ", ".join("?" for _v in values)
            try:
                raw.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(values.values()))  # noqa: S608
            except sqlite3.IntegrityError as error:
                name, message = explain(IntegrityError("", {}, error), made.model)
                _fail(made, row, name, message)
    engine.dispose()


def _defaults(model: type[Base]) -> dict[str, Any]:
    """What a new row holds where nothing is given, as far as rules look at it."""
    return {f.attr: f.default for f in fields(model) if f.default is not None and not callable(f.default)}


def _bare(value: Any) -> Any:
    """A value as SQLite's driver takes it."""
    if isinstance(value, Made):
        return -1
    if value is None or isinstance(value, int | float | bytes):
        return value
    return str(getattr(value, "value", value))


def _fail(made: Plan, row: PlanRow, name: str | None, message: Message) -> None:
    part = next(p for p in made.parts if p.sheet == row.sheet)
    index = part.index_of(name) if name else None
    label = part.labels[index] if index is not None else ""
    row.errors.append(CellError(label, tidy(row.cells[index]) if index is not None else "", message, index))


def _try_unique(session: Session, made: Plan, rows: Sequence[PlanRow]) -> None:
    """Values that must be unique and stand elsewhere already, in the file or in the database."""
    table = made.model.__table__
    assert isinstance(table, Table)
    single = {
        next(iter(c.columns)).name for c in table.constraints if isinstance(c, UniqueConstraint) and len(c.columns) == 1
    }
    single |= {next(iter(i.columns)).name for i in table.indexes if i.unique and len(i.columns) == 1 and not i.info}
    for attr in sorted(single):
        given = [row for row in rows if row.values.get(attr) is not None and not isinstance(row.values[attr], Made)]
        if not given:
            continue
        column = table.c[attr]
        statement = select(column, table.c.id).where(column.in_({row.values[attr] for row in given}))
        taken: dict[Any, int] = {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
        declared = field_named(made.model, attr)
        first: dict[Any, PlanRow] = {}
        for row in given:
            value = row.values[attr]
            if taken.get(value, row.id) != row.id:
                message = _("Another record has this {label} already.", label=declared.label if declared else attr)
                _fail(made, row, declared.name if declared else None, message)
            elif value in first:
                _fail(
                    made,
                    row,
                    declared.name if declared else None,
                    _("Row {row} has the same value.", row=first[value].number),
                )
            first.setdefault(value, row)


def _check_rights(session: Session, made: Plan) -> None:
    """Rights and scope hold for every row: what the actor may not write fails at preview already."""
    actor, policy = actor_of(session), policy_of(session)
    rows = [row for row in made.rows if not row.failed]
    may_create = policy.may(actor, Action.CREATE, made.model)
    may_edit = policy.may(actor, Action.EDIT, made.model)
    outside = _("This record, or one that it refers to, is outside your area.")
    existing = {row.id for row in rows if row.id is not None}
    reach = _within(session, made.model, Action.EDIT if may_edit else Action.READ, existing)
    for row in rows:
        if (row.id is None and not may_create) or (row.id is not None and row.changes and not may_edit):
            row.errors.append(CellError("", "", _("Your role doesn't allow this.")))
        elif row.id is not None and row.id not in reach:
            row.errors.append(CellError("", "", outside))
    for f in fields(made.model):
        if f.reference is None:
            continue
        pointed = {row.values[f.attr] for row in rows if isinstance(row.values.get(f.attr), int)}
        reach = _within(session, model_of(f.reference.table), Action.READ, pointed)
        for row in rows:
            if isinstance(value := row.values.get(f.attr), int) and value not in reach:
                _fail(made, row, f.name, outside)


def _within(session: Session, model: type[Base], action: Action, ids: set[int]) -> set[int]:
    """Those of these records that the actor reaches."""
    columns = model.__table__.c
    condition = policy_of(session).criterion(actor_of(session), action, model, columns)
    if condition is None or not ids:
        return ids
    statement = select(columns.id).where(columns.id.in_(ids), condition)
    return set(session.execute(statement, execution_options=UNSCOPED).scalars())


def apply(session: Session, made: Plan, options: Options, registry: Registry, note: str = "") -> dict[int, int]:
    """Write what the plan says, in the session's transaction, and return row index → record id. The caller commits.

    Raises Unusable when rows failed and the good ones were not asked for alone, and bulk.Overtaken, Refused or
    IntegrityError when something changed since; the caller then rolls back and nothing is written."""
    rows = made.rows
    failed = made.count(Outcome.FAILED)
    if failed and not options.good_rows:
        raise Unusable(_("{n} rows have failed, so nothing was written.", n=failed))
    rules = registry.rules_of(made.model)
    ids = _make_missing(session, made, note)
    for row in rows:
        for attr, value in row.values.items():
            if isinstance(value, Made):
                row.values[attr] = ids[value]
    new = [row for row in rows if row.outcome is Outcome.NEW]
    changed = [row for row in rows if row.outcome is Outcome.CHANGED and row.id is not None]
    bulk.edit(
        session,
        made.model,
        [bulk.Edit(row.id or 0, row.version, row.values, row.stored) for row in changed if row.values],
        note,
    )
    _before_insert(session, made)
    for row, id_ in zip(new, rules.insert(session, new, note), strict=True):
        row.id = id_
    for effect in made.effects:
        effect(session)
    return {index: row.id for index, row in enumerate(rows) if row.id is not None}


def _before_insert(session: Session, made: Plan) -> None:
    """Effects that make room for new rows: a predecessor's end comes before the successor's start."""
    for effect in [e for e in made.effects if getattr(e, "first", False)]:
        effect(session)
        made.effects.remove(effect)


def _make_missing(session: Session, made: Plan, note: str) -> dict[Made, int]:
    ids: dict[Made, int] = {}
    for table, names in made.creating.items():
        wanted = [
            n
            for n in names
            if any(
                isinstance(v, Made) and v.name == n and v.table == table
                for row in made.rows
                if row.outcome is not Outcome.FAILED
                for v in row.values.values()
            )
        ]
        found = bulk.add(session, model_of(table), [{"name": name} for name in wanted], note)
        ids |= {Made(table, name): id_ for name, id_ in zip(wanted, found, strict=True)}
    return ids
