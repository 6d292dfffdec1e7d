"""Tables out: what is filtered, as the reader sees it; a template to fill in; the failed rows of an import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from panel import sheets
from panel.access import model_of
from panel.base import Base, display
from panel.fields import Field, fields
from panel.importing import REASON, RECORD_NO, Registry, Rules
from panel.kinds import Amount, Choice, Data, Flag, Whole, today
from panel.listing import order
from panel.matching import is_masked, placing
from panel.plans import Outcome, Plan
from panel.session import actor_of, policy_of
from panel.sheets import HEAD, HEAD_FONT, Written
from panel.text import Message, _

#: Rows held in memory at a time while a table is written.
CHUNK = 1_000
#: Choices of a reference offered as a drop-down; a longer list is typed.
MAX_CHOICES = 2_000
EXAMPLE = _("Example: ")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an exported table: a field, the place of a reference (`above`), or the record's number."""

    label: Message
    field: Field | None = None
    above: Field | None = None


def columns(model: type[Base]) -> list[Column]:
    """What a table is exported as, so that importing it again changes nothing: every field, a column that places a
    reference before it, and a record number where no key identifies a row."""
    declared = [f for f in fields(model) if not isinstance(f.kind, Data)]
    places = {reference.name: above for reference, above in placing(model)}
    found = [] if any(f.key for f in declared) else [Column(RECORD_NO)]
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
    return sheets.write(
        target,
        [str(column.label) for column in shown],
        _rows(session, model, shown, where, sort),
        title=str(model.__labels__),
        widths=[_width(column) for column in shown],
        formats=[column.field.kind.excel if column.field and not column.above else None for column in shown],
    )


def _rows(
    session: Session, model: type[Base], shown: Sequence[Column], where: Sequence[ColumnElement[bool]], sort: str
) -> Iterator[list[Any]]:
    """Rows in chunks of ids, each loaded in one statement with its references."""
    column, downwards = order(model, sort)
    statement = select(model.id).where(*where).order_by(column.desc() if downwards else column, model.id.desc())
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
        return naming(target) if target is not None else str(_("not visible"))
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
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = str(model.__labels__)[:31]
    choices = workbook.create_sheet(str(_("Choices")))
    shown = template_columns(model, rules)
    for index, column in enumerate(shown, start=1):
        letter = get_column_letter(index)
        f = column.field if column.above is None else column.above
        required = column.above is None and f is not None and f.required and f.default is None
        head = sheet.cell(1, index, f"{column.label}{'*' if required else ''}")
        head.font, head.fill = HEAD_FONT, HEAD
        sheet.column_dimensions[letter].width = max(_width(column), 2 * len(str(column.label)) + 4)
        if f is None:
            continue
        if f.help:
            head.comment = Comment(str(f.help), str(_("Help")))
        if not isinstance(f.kind, Whole | Amount):
            sheet.column_dimensions[letter].number_format = f.kind.excel
            for row in range(2, 502):
                sheet.cell(row, index).number_format = f.kind.excel
        _offer(session, sheet, choices, f, index)
        example = _example(f, first=index == 1)
        cell = sheet.cell(2, index, example)
        cell.font = Font(italic=True, color="8A94A0")
        if isinstance(example, str):
            cell.data_type = "s"
    choices.sheet_state = "hidden"
    sheet.freeze_panes = "A2"
    workbook.save(target)


def template_columns(model: type[Base], rules: Rules) -> list[Column]:
    """The columns that people fill in: not those that the program sets, unless they identify the record."""
    typed = [c for c in columns(model) if c.field is None or not c.field.readonly or c.field.key]
    typed = [c for c in typed if c.field is not None]
    extra = [labels[-1] for labels in rules.extra().values() if isinstance(labels[-1], Message)]
    return [*typed, *(Column(label) for label in extra if isinstance(label, Message))]


def _offer(session: Session, sheet: Any, choices: Any, f: Field, index: int) -> None:
    """A drop-down of what may stand in the column, kept on a hidden sheet: Excel's own list is too short."""
    values: list[str] = []
    if isinstance(f.kind, Choice):
        values = [str(choice.label) for choice in f.kind.choices]
    elif isinstance(f.kind, Flag):
        values = [f.kind.format(True), f.kind.format(False)]
    elif f.reference and f.reference.table not in ("case", "user"):
        model = model_of(f.reference.table)
        statement = select(model).order_by(order(model, "")[0]).limit(MAX_CHOICES + 1)
        values = list(dict.fromkeys(naming(record) for record in session.execute(statement).scalars()))
    if not values or len(values) > MAX_CHOICES:
        return
    letter = get_column_letter(index)
    for row, value in enumerate(values, start=1):
        choices.cell(row, index, value).data_type = "s"
    offered = DataValidation("list", f"='{choices.title}'!${letter}$1:${letter}${len(values)}", allow_blank=True)
    offered.showErrorMessage = False
    sheet.add_data_validation(offered)
    offered.add(f"{letter}2:{letter}2000")


def _example(f: Field, *, first: bool) -> Any:
    """A value as it might be typed; the first cell tells that the row is an example, and it is not read."""
    samples: dict[str, Any] = {
        "Mobile": "13812345678",
        "Telephone": "0573-82712611",
        "Day": today(),
        "Moment": f"{today().isoformat()} 09:30",
        "Whole": getattr(f.kind, "low", 0) or 1,
        "Amount": 200,
        "PersonName": "张三",
        "Flag": "否",
    }
    value = samples.get(type(f.kind).__name__, "")
    if isinstance(f.kind, Choice):
        value = str(next(iter(f.kind.choices)).label)
    return f"{EXAMPLE}{value or f.label}" if first else value


def failed(plan: Plan, target: Path | IO[bytes]) -> int:
    """Write the failed rows with their original columns and the reason, the faulty cells marked. What is corrected in
    it can be imported as it is. Gives the number of rows."""
    rows = [row for row in plan.rows if row.outcome is Outcome.FAILED]
    width = max((len(part.labels) for part in plan.parts), default=0)
    part = next((p for p in plan.parts if any(r.outcome is Outcome.FAILED for r in p.rows)), plan.parts[0])
    header = [*(part.labels[i] if i < len(part.labels) else "" for i in range(width)), str(REASON)]

    def lines() -> Iterator[list[Any]]:
        for row in rows:
            bad = {error.index for error in row.errors}
            cells: list[Any] = [
                Written(_as_text(value), bad=True) if i in bad else _as_text(value) for i, value in enumerate(row.cells)
            ]
            cells += [None] * (width - len(cells))
            reasons = "；".join(
                f"{error.column}：{error.message}" if error.column else str(error.message) for error in row.errors
            )
            yield [*cells[:width], Written(reasons, bad=True)]

    return sheets.write(target, header, lines(), title=str(_("Failed rows")), widths=[*[14] * width, 60])


def kept(labels: Sequence[str], rows: Sequence[Any], target: Path | IO[bytes]) -> int:
    """Write failed rows that a batch has kept: its labels, their cells, the reason."""
    width = len(labels)
    lines = ([*_cut(row.cells or [], width), Written(row.reason, bad=True)] for row in rows)
    return sheets.write(target, [*labels, str(REASON)], lines, title=str(_("Failed rows")), widths=[*[14] * width, 60])


def _cut(cells: Sequence[Any], width: int) -> list[Any]:
    return [*(_as_text(cell) for cell in cells), *[None] * width][:width]


def _as_text(value: Any) -> Any:
    """A long number, such as a phone, as text: a workbook would show it as 1.38E+10."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if abs(value) >= 1e9 else int(value)
    return value
