"""The workbook of figures: totals with definitions, figures by group, dividends and divisors. Its texts are Chinese in
every language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from sqlalchemy.orm import Session

from bureau.figures import sums
from bureau.figures.figures import FIGURES, Figure, Form
from bureau.figures.groups import Grouping, Names, ReportQuery
from bureau.figures.sums import NO_VALUE, Line, Table
from bureau.figures.web import words as figurewords
from bureau.printing import paper
from bureau.printing import pen as printing
from bureau.printing.paper import CENTRE, LEFT, RATE, TEXT, Heading, Value, height_of, letters
from bureau.printing.pen import Pen
from bureau.settings import settings
from models import Case
from panel.i18n import DEFAULT_LOCALE, _, in_default_locale, using_locale
from panel.security import audit
from panel.security.records import AuditAction
from panel.sheets import lines_of

TITLE, WHOLE, GROUPS, NUMBERS, PILOT = "综合执法与社区服务工作指标", "指标汇总", "分项指标", "分子分母", "试点对比"
HEADER_ROWS = 3
#: Width of a figure's column in characters: 1036/1103 fits.
EACH = 7.8


@dataclass(frozen=True, slots=True)
class FiguresFile:
    name: str
    content: bytes
    rows: int


def make(session: Session, query: ReportQuery, by: Grouping) -> FiguresFile:
    """The workbook of a query, within the actor's scope."""
    with using_locale(DEFAULT_LOCALE):
        names = Names.load(session)
        table = sums.table(session, query, by, names)
        values = settings.all_values(session)
        filters = "".join(str(names.label(name, getattr(query, name))) for name in query.filters())
        heading = paper.heading(values, f"{TITLE}（{query.span.words}）", f"{filters or '全部'}，{query.span.words}")
        book = printing.book(heading)
        _whole(book, heading, table.total)
        if by is Grouping.PILOT:
            _pilot(book, heading, table)
        elif by is not Grouping.WHOLE:
            _groups(book, heading, table, GROUPS)
            _groups(book, heading, table, NUMBERS)
        target = BytesIO()
        book.save(target)
        grouped = "" if by is Grouping.WHOLE else f"按{by.label}"
        name = paper.file_name(heading.unit, filters, TITLE, query.span.words, grouped)
    return FiguresFile(name, target.getvalue(), len(table.lines) + 1)


def note_export(session: Session, file: FiguresFile) -> None:
    """Add an audit entry about the export. `session` is a writing session of the same actor; the caller commits."""
    note = _("Figures written: {name}", name=file.name.removesuffix(".xlsx"))
    audit.note(session, AuditAction.EVENT, Case.__tablename__, None, in_default_locale(note))


def _whole(book: Any, heading: Heading, total: Line) -> None:
    """The sheet of totals: value, part, whole and definition of every figure."""
    # The definition takes two columns, so that heading and signatures divide into thirds.
    widths = [5.0, 30.0, 15.0, 11.0, 11.0, 32.0, 48.0]
    room = letters(sum(widths[5:]))
    pen = Pen(book, WHOLE, widths, HEADER_ROWS)
    pen.head(heading)
    pen.row(["序号", "指标", "数值", "分子", "分母", "口径", None], ["header"] * len(widths), height=30)
    pen.join(pen.at, pen.at, 5, 6)
    for number, figure in enumerate(FIGURES.values(), 1):
        value, formula = total.values[figure.name], str(figure.formula)
        look = RATE if isinstance(_number(figure, total), float) and figure.form is Form.SHARE else CENTRE
        pen.row(
            [number, str(figurewords.label(figure)), _number(figure, total), value.part, value.whole, formula, None],
            [CENTRE, LEFT, look, CENTRE, CENTRE, TEXT, TEXT],
            height=max(22.0, height_of(lines_of(formula, room))),
        )
        pen.join(pen.at, pen.at, 5, 6)
    pen.signatures(heading)
    pen.done()


def _number(figure: Figure, line: Line) -> Value:
    """A share as a number, any other value as text."""
    value = line.values[figure.name]
    if value.number is None:
        return NO_VALUE
    return value.number if figure.form is Form.SHARE else figurewords.number(figure, value)


def _counts(figure: Figure, line: Line) -> str:
    value = line.values[figure.name]
    return f"{value.whole}" if value.part is None else f"{value.part}/{value.whole}"


def _groups(book: Any, heading: Heading, table: Table, name: str) -> None:
    """A sheet with a row for each group, a column for each figure, and the totals."""
    labels = [str(figurewords.label(figure)) for figure in FIGURES.values()]
    widths = [5.0, 15.0, *[EACH] * len(labels)]
    pen = Pen(book, name, widths, HEADER_ROWS)
    pen.head(heading)
    label_lines = max(lines_of(label, letters(EACH)) for label in labels)
    pen.row(["序号", str(table.by.label), *labels], ["header"] * len(widths), height=max(30.0, height_of(label_lines)))
    for number, line in enumerate(table.lines, 1):
        pen.row([number, str(line.label), *_cells(line, name)], [CENTRE, LEFT, *_looks(line, name)], height=22)
    total = [f"total {look}" if look == RATE else "total" for look in _looks(table.total, name)]
    pen.row(["合计", None, *_cells(table.total, name)], ["total", "total", *total], height=24)
    pen.join(pen.at, pen.at, 0, 1)
    if name == NUMBERS:
        note = "注：各格为“分子/分母”，口径见“指标汇总”。"
        pen.spans([(0, pen.width - 1, note)], "note", height=height_of(1))
    pen.signatures(heading)
    pen.done()


def _cells(line: Line, name: str) -> Sequence[Value]:
    if name == NUMBERS:
        return [_counts(figure, line) for figure in FIGURES.values()]
    return [_number(figure, line) for figure in FIGURES.values()]


def _looks(line: Line, name: str) -> list[str]:
    share = {figure.name for figure in FIGURES.values() if figure.form is Form.SHARE and name != NUMBERS}
    return [RATE if n in share and line.values[n].number is not None else CENTRE for n in FIGURES]


def _pilot(book: Any, heading: Heading, table: Table) -> None:
    """The sheet that compares pilot squads with the others."""
    pilot, others = (next(group for group in table.lines if group.query.pilot == key) for key in (1, 0))
    widths = [5.0, 36.0, 18.0, 18.0, 18.0, 18.0, 22.0]
    pen = Pen(book, PILOT, widths, HEADER_ROWS)
    pen.head(heading)
    labels = ["序号", "指标", "试点分队", "分子/分母", "其他分队", "分子/分母", "相差（百分点或单位）"]
    pen.row(labels, ["header"] * len(widths), height=30)
    for number, figure in enumerate(FIGURES.values(), 1):
        words, _tone = figurewords.difference(figure, pilot.values[figure.name], others.values[figure.name])
        cells: list[Value] = [number, str(figurewords.label(figure))]
        looks = [CENTRE, LEFT]
        for line in (pilot, others):
            shown = _number(figure, line)
            cells += [shown, _counts(figure, line)]
            looks += [RATE if isinstance(shown, float) else CENTRE, CENTRE]
        pen.row([*cells, words], [*looks, CENTRE], height=22)
    pen.signatures(heading)
    pen.done()
