"""Files of tables: exports, templates to fill in, and the failed rows of an import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from panel import sheets
from panel.base import Base, name_in_files
from panel.exports import table_rows
from panel.exports.table_rows import Column, columns
from panel.fields import Field
from panel.i18n import Message, _, clauses, in_every_locale
from panel.imports.batches import error_text
from panel.imports.plans import Outcome, Plan
from panel.imports.records import ImportRow
from panel.imports.rules import REASON, Registry, Rules
from panel.imports.stored_plan import FailedRow
from panel.kinds import Choice, Flag, today
from panel.search.order import order
from panel.security.policy import model_of
from panel.sheets import FormColumn, MarkedCell, Page

#: The most choices of a reference that a template offers as a drop-down.
MAX_CHOICES = 2_000
#: Rows between two reports of progress.
PROGRESS_STEP = 1_000
EXAMPLE = _("Example: ")
SEVERAL = _("Several are separated by “、”.")
#: A sheet of failed rows: name, labels, and for each row its cells as (value, whether it has an error) and the reason.
FailedRows = tuple[str, Sequence[str], Sequence[tuple[Sequence[Any], str]]]


def export(
    session: Session,
    model: type[Base],
    where: Sequence[ColumnElement[bool]],
    target: Path | IO[bytes],
    *,
    sort: str = "",
    shown: Sequence[Column] | None = None,
    csv: bool = False,
    clear: bool = False,
    footnote: str = "",
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the rows that meet the conditions and lie in the actor's scope, and return their number.

    Personal data is masked as on the pages, unless `clear`. `progress` is called with the number of rows so far."""
    shown = columns(model) if shown is None else shown
    rows = table_rows.rows(session, model, shown, where, sort=sort, clear=clear)
    sheet = page(model, shown, rows if progress is None else _with_progress(rows, progress), footnote)
    return sheets.write_csv(target, sheet) if csv else sheets.write(target, [sheet])


def page(model: type[Base], shown: Sequence[Column], rows: Iterable[Sequence[Any]], footnote: str = "") -> Page:
    """The sheet for ready rows."""
    return Page(
        title=str(model.__labels__),
        header=[str(column.label) for column in shown],
        rows=rows,
        widths=[_width(column) for column in shown],
        formats=[_format(column) for column in shown],
        footnote=footnote,
        ready=True,
        filtered=True,
    )


def _with_progress(rows: Iterable[Any], progress: Callable[[int], None]) -> Iterator[Any]:
    """The rows, reporting every PROGRESS_STEP of them."""
    for number, row in enumerate(rows, start=1):
        if number % PROGRESS_STEP == 0:
            progress(number)
        yield row


def _format(column: Column) -> str | None:
    if column.field is None:
        return None
    return "@" if column.above or column.field.target else column.field.kind.excel


#: Column widths in characters by the name of a kind; a Chinese character takes two.
WIDTHS = {
    "Amount": 10,
    "Day": 12,
    "Email": 26,
    "Flag": 7,
    "FullName": 10,
    "Link": 38,
    "Mobile": 13,
    "Moment": 17,
    "PersonName": 10,
    "Phone": 15,
    "Telephone": 15,
    "Time": 9,
    "Whole": 8,
}
#: Widths of the record number and of references: long names wrap.
NUMBER_WIDTH, REFERENCE_WIDTH = 9, 15
#: (least length, width) of texts.
TEXT_WIDTHS = ((300, 38), (100, 26), (40, 18), (0, 13))


def _width(column: Column) -> int:
    """Width for the values of the column, at least half of its label, which may take two lines."""
    f = column.field
    label = 2 * -(-len(str(column.label)) // 2) + 3
    if f is None:
        return max(NUMBER_WIDTH, label)
    if f.target:
        return max(REFERENCE_WIDTH, label)
    kind = type(f.kind).__name__
    if isinstance(f.kind, Choice):
        return max(label, min(18, 2 * max(len(str(choice.label)) for choice in f.kind.choices) + 2))
    if kind in WIDTHS:
        return max(label, WIDTHS[kind])
    if kind == "Code":
        return max(label, 17)
    length = int(getattr(f.kind, "length", 0))
    return max(label, next(width for least, width in TEXT_WIDTHS if length >= least))


def template(session: Session, model: type[Base], target: Path | IO[bytes], registry: Registry) -> None:
    """Write a template to fill in: labels with help, required ones marked; an example row; drop-downs."""
    rules = registry.rules_of(model)
    required = {f.name for f in rules.required()}
    form_columns = []
    for index, column in enumerate(template_columns(model, rules)):
        f = column.above or column.field
        form_columns.append(
            FormColumn(
                label=str(column.label),
                width=_width(column),
                required=column.above is None and f is not None and f.name in required,
                help=_help(f) if f is not None else "",
                number_format=_format(column) or "@",
                example=_example(f, str(column.label), first=index == 0),
                choices=_choices(session, f) if f is not None else [],
            )
        )
    sheets.form(target, str(model.__labels__), form_columns, author=str(_("Help")))


def template_columns(model: type[Base], rules: Rules) -> list[Column]:
    """The columns of a template: not those that only the program sets, unless they are keys."""
    typed = [c for c in columns(model) if c.field is not None and (not c.field.readonly or c.field.key)]
    extra = [labels[-1] for labels in rules.extra_columns().values()]
    return [*typed, *(Column(label) for label in extra if isinstance(label, Message))]


def _help(f: Field) -> str:
    """The comment on a column's header."""
    return "\n".join(str(words) for words in (f.help, SEVERAL if f.many else None) if words)


def _choices(session: Session, f: Field) -> list[str]:
    """The allowed values of a column, if there are few enough to list."""
    if isinstance(f.kind, Choice):
        return [str(choice.label) for choice in f.kind.choices]
    if isinstance(f.kind, Flag):
        return [f.kind.format(True), f.kind.format(False)]
    if f.reference is None or not (model := model_of(f.reference.table)).__offered__:
        return []
    statement = select(model).where(*model.offered()).order_by(order(model, "")[0]).limit(MAX_CHOICES + 1)
    names = list(dict.fromkeys(name_in_files(record) for record in session.execute(statement).scalars()))
    return names if len(names) <= MAX_CHOICES else []


def _example(f: Field | None, label: str, *, first: bool) -> Any:
    """An example value. The first cell begins with EXAMPLE: an import then skips the row."""
    value: Any = ""
    if f is not None:
        samples: dict[str, Any] = {
            "Mobile": "13812345678",
            "Phone": "13812345678",
            "Telephone": "0573-82712611",
            "Day": today(),
            "Moment": f"{today().isoformat()} 09:30",
            "Whole": getattr(f.kind, "low", 0) or 1,
            "Time": "08:30",
            "Amount": 200,
            "Email": "office@example.org",
            "Link": "https://www.example.org/",
            "PersonName": "张三",
            "FullName": "张三",
        }
        value = samples.get(type(f.kind).__name__, "")
        if isinstance(f.kind, Flag):
            value = f.kind.format(False)
        elif isinstance(f.kind, Choice):
            value = str(next(iter(f.kind.choices)).label)
    return f"{EXAMPLE}{value or label}" if first else value


def write_failed_rows(plan: Plan, target: Path | IO[bytes]) -> int:
    """Write the failed rows of a plan, and return their number.

    The file has the original sheets and columns, with faulty cells marked and a column of reasons. Once corrected, it
    can be imported."""
    failed_sheets: list[FailedRows] = []
    for part in plan.parts:
        rows: list[tuple[Sequence[Any], str]] = []
        for row in part.rows:
            if row.outcome is Outcome.FAILED:
                bad = {error.index for error in row.errors}
                cells = [(value, i in bad) for i, value in enumerate(row.cells)]
                rows.append((cells, clauses(error_text(error) for error in row.errors)))
        failed_sheets.append((part.sheet, part.labels, rows))
    return _write_sheets(failed_sheets, target)


def write_stored_failed_rows(
    labels: Mapping[str, Sequence[str]], rows: Sequence[ImportRow | FailedRow], target: Path | IO[bytes]
) -> int:
    """Write failed rows that a batch or a preview has stored, and return their number. `labels` are by sheet."""
    failed_sheets: list[FailedRows] = []
    for sheet, names in labels.items():
        failed_sheets.append(
            (sheet, names, [(row.cells or [], row.reason or "") for row in rows if row.sheet == sheet])
        )
    return _write_sheets(failed_sheets, target)


def _write_sheets(failed_sheets: Sequence[FailedRows], target: Path | IO[bytes]) -> int:
    """Write each sheet that has failed rows. It keeps its name, from which an import may take a reference."""
    pages = []
    for sheet, labels, rows in failed_sheets:
        # Drop the column of reasons of an earlier file of failed rows; the new one replaces it.
        indexes = [i for i, label in enumerate(labels) if label not in in_every_locale(REASON)]
        lines = [
            [
                *(
                    MarkedCell(_as_text(value), bad=bad) if bad else _as_text(value)
                    for value, bad in _picked(cells, indexes)
                ),
                MarkedCell(reason, bad=True),
            ]
            for cells, reason in rows
        ]
        if lines:
            header = [*(labels[i] for i in indexes), str(REASON)]
            pages.append(Page(title=sheet, header=header, rows=lines, widths=[*[14] * len(indexes), 70]))
    return sheets.write(target, pages)


def _picked(cells: Sequence[Any], indexes: Sequence[int]) -> list[tuple[Any, bool]]:
    return [(cells[i][0], cells[i][1]) if i < len(cells) else (None, False) for i in indexes]


def _as_text(value: Any) -> Any:
    """A long number, such as a phone number, as text: a workbook would show it as 1.38E+10."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if type(value) is int and abs(value) >= 10**9 else value
