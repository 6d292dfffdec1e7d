"""Tables out: what is filtered, as the reader sees it; a template to fill in; the failed rows of an import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ColumnElement, asc, desc, select
from sqlalchemy.orm import Session, joinedload

from panel import sheets
from panel.access import model_of
from panel.base import Base, display
from panel.batches import words
from panel.fields import Field, fields
from panel.keeping import FailedRow
from panel.kinds import Choice, Data, Flag, today
from panel.listing import order
from panel.matching import is_masked
from panel.plans import Outcome, Plan
from panel.records import ImportRow
from panel.rules import NOT_VISIBLE, REASON, RECORD_NO, Registry, Rules, placing
from panel.session import actor_of, policy_of
from panel.sheets import FormColumn, Page, Written
from panel.text import Message, _, in_every_locale

#: Rows held in memory at a time while a table is written.
CHUNK = 1_000
#: Choices of a reference offered as a drop-down; a longer list is typed.
MAX_CHOICES = 2_000
EXAMPLE = _("Example: ")
#: A sheet's name, its labels, and of each row its cells, each with whether it is faulty, and the reason.
FailedRows = tuple[str, Sequence[str], Sequence[tuple[Sequence[Any], str]]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an exported table: a field, the place of a reference (`above`), or the record's number."""

    label: Message
    field: Field | None = None
    above: Field | None = None


def columns(model: type[Base]) -> list[Column]:
    """What a table is exported as, so that importing it again changes nothing: every field, a column that places a
    reference before it, and a record number where no key identifies every row."""
    declared = [f for f in fields(model) if not isinstance(f.kind, Data)]
    places = {reference.name: above for reference, above in placing(model)}
    keyed = any(f.key for f in declared) and not model.__numbered__
    found = [] if keyed else [Column(RECORD_NO)]
    seen: set[str] = set()
    for f in declared:
        if f.name in places and places[f.name].name not in seen:
            seen.add(places[f.name].name)
            found.append(Column(places[f.name].label, f, places[f.name]))
        found.append(Column(f.label, f))
    return found


def export(
    session: Session,
    model: type[Base],
    where: Sequence[ColumnElement[bool]],
    target: Path | IO[bytes],
    *,
    sort: str = "",
) -> int:
    """Write the rows that the session's actor reaches and the conditions leave, masked as on screen, in the order of
    the list. Gives their number."""
    shown = columns(model)
    page = Page(
        title=str(model.__labels__),
        header=[str(column.label) for column in shown],
        rows=_rows(session, model, shown, where, sort),
        widths=[_width(column) for column in shown],
        formats=[_format(column) for column in shown],
    )
    return sheets.write(target, [page])


def _format(column: Column) -> str | None:
    if column.field is None:
        return None
    return "@" if column.above or column.field.reference else column.field.kind.excel


def _rows(
    session: Session, model: type[Base], shown: Sequence[Column], where: Sequence[ColumnElement[bool]], sort: str
) -> Iterator[list[Any]]:
    """Rows in chunks of ids, each loaded in one statement with its references."""
    column, downwards = order(model, sort)
    turn = desc if downwards else asc
    statement = select(model.id).where(*where).order_by(turn(column), turn(model.id))
    ids = list(session.execute(statement).scalars())
    actor = actor_of(session)
    hidden = actor.system or policy_of(session).sees_masked(actor, model)
    options: list[Any] = []
    places = {c.field.name: c.above.name for c in shown if c.field and c.above}
    for f in fields(model):
        if f.reference:
            option = joinedload(getattr(model, f.name))
            if f.name in places:
                option = option.joinedload(getattr(model_of(f.reference.table), places[f.name]))
            options.append(option)
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        loaded = session.execute(select(model).where(model.id.in_(part)).options(*options)).unique().scalars()
        found = {record.id: record for record in loaded}
        for id_ in part:
            if id_ in found:
                yield [_value(column, found[id_], hidden) for column in shown]
        session.expunge_all()


def _value(column: Column, record: Any, hidden: bool) -> Any:
    """A typed value: numbers and dates as such, everything else as text."""
    f = column.field
    if f is None:
        return record.id
    if column.above is not None:
        target = getattr(record, f.name)
        place = getattr(target, column.above.name) if target is not None else None
        return display(place) if place is not None else None
    value = getattr(record, f.attr)
    if value is None:
        return None
    if f.reference:
        target = getattr(record, f.name)
        return naming(target) if target is not None else str(NOT_VISIBLE)
    if is_masked(f, hidden=hidden):
        return f.kind.mask(value)
    return f.kind.format(value) if isinstance(f.kind, Choice | Flag) or isinstance(value, str) else value


def naming(record: Any) -> str:
    """What a reference is written as, so that it is found again: by its name, with the badge where it has one."""
    badge = getattr(record, "badge_no", None)
    return f"{display(record)}({badge})" if badge else str(getattr(record, "username", None) or display(record))


def _width(column: Column) -> int:
    f = column.field
    length = getattr(f.kind, "length", 0) if f else 0
    return 40 if length > 200 else 24 if length > 60 else 14


def template(session: Session, model: type[Base], target: Path | IO[bytes], registry: Registry) -> None:
    """Write an empty table to fill in: labels, help, an example row, drop-downs, text columns; required ones marked."""
    rules = registry.rules_of(model)
    required = {f.name for f in rules.required()}
    made = []
    for index, column in enumerate(template_columns(model, rules)):
        f = column.above or column.field
        made.append(
            FormColumn(
                label=str(column.label),
                width=_width(column),
                required=column.above is None and f is not None and f.name in required,
                help=str(f.help) if f is not None and f.help else "",
                number_format=_format(column) or "@",
                example=_example(f, str(column.label), first=index == 0),
                choices=_choices(session, f) if f is not None else [],
            )
        )
    sheets.form(target, str(model.__labels__), made, author=str(_("Help")))


def template_columns(model: type[Base], rules: Rules) -> list[Column]:
    """The columns that people fill in: not those that the program sets, unless they identify the record."""
    typed = [c for c in columns(model) if c.field is not None and (not c.field.readonly or c.field.key)]
    extra = [labels[-1] for labels in rules.extra().values()]
    return [*typed, *(Column(label) for label in extra if isinstance(label, Message))]


def _choices(session: Session, f: Field) -> list[str]:
    """What may stand in the column, where that can be listed."""
    if isinstance(f.kind, Choice):
        return [str(choice.label) for choice in f.kind.choices]
    if isinstance(f.kind, Flag):
        return [f.kind.format(True), f.kind.format(False)]
    if f.reference is None or f.reference.table in ("case", "user"):
        return []
    model = model_of(f.reference.table)
    statement = select(model).order_by(order(model, "")[0]).limit(MAX_CHOICES + 1)
    found = list(dict.fromkeys(naming(record) for record in session.execute(statement).scalars()))
    return found if len(found) <= MAX_CHOICES else []


def _example(f: Field | None, label: str, *, first: bool) -> Any:
    """A value as it might be typed; the first cell tells that the row is an example, and it is not read."""
    value: Any = ""
    if f is not None:
        samples: dict[str, Any] = {
            "Mobile": "13812345678",
            "Telephone": "0573-82712611",
            "Day": today(),
            "Moment": f"{today().isoformat()} 09:30",
            "Whole": getattr(f.kind, "low", 0) or 1,
            "Amount": 200,
            "PersonName": "张三",
        }
        value = samples.get(type(f.kind).__name__, "")
        if isinstance(f.kind, Flag):
            value = f.kind.format(False)
        elif isinstance(f.kind, Choice):
            value = str(next(iter(f.kind.choices)).label)
    return f"{EXAMPLE}{value or label}" if first else value


def failed(plan: Plan, target: Path | IO[bytes]) -> int:
    """Write the failed rows with their original columns and the reason, the faulty cells marked, sheet by sheet. What
    is corrected in it can be imported as it is. Gives the number of rows."""
    found: list[FailedRows] = []
    for part in plan.parts:
        rows: list[tuple[Sequence[Any], str]] = []
        for row in part.rows:
            if row.outcome is Outcome.FAILED:
                bad = {error.index for error in row.errors}
                cells = [(value, i in bad) for i, value in enumerate(row.cells)]
                rows.append((cells, "；".join(words(error) for error in row.errors)))
        found.append((part.sheet, part.labels, rows))
    return _write_failed(found, target)


def kept(labels: Mapping[str, Sequence[str]], rows: Sequence[ImportRow | FailedRow], target: Path | IO[bytes]) -> int:
    """Write failed rows that a batch or a preview has kept: the labels of each sheet, their cells, the reason."""
    found: list[FailedRows] = []
    for sheet, names in labels.items():
        found.append((sheet, names, [(row.cells or [], row.reason or "") for row in rows if row.sheet == sheet]))
    return _write_failed(found, target)


def _write_failed(found: Sequence[FailedRows], target: Path | IO[bytes]) -> int:
    """One sheet for each that has failed rows, called as it was: its name may say where its rows belong."""
    pages = []
    for sheet, labels, rows in found:
        # A workbook of failed rows that failed again has its column of reasons already.
        kept = [i for i, label in enumerate(labels) if label not in in_every_locale(REASON)]
        lines = [
            [
                *(Written(_as_text(value), bad=bad) if bad else _as_text(value) for value, bad in _picked(cells, kept)),
                Written(reason, bad=True),
            ]
            for cells, reason in rows
        ]
        if lines:
            header = [*(labels[i] for i in kept), str(REASON)]
            pages.append(Page(title=sheet, header=header, rows=lines, widths=[*[14] * len(kept), 60]))
    return sheets.write(target, pages)


def _picked(cells: Sequence[Any], wanted: Sequence[int]) -> list[tuple[Any, bool]]:
    return [(cells[i][0], cells[i][1]) if i < len(cells) else (None, False) for i in wanted]


def _as_text(value: Any) -> Any:
    """A long number, such as a phone, as text: a workbook would show it as 1.38E+10."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if type(value) is int and abs(value) >= 10**9 else value
