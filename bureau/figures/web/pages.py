"""The figures on screen: of a period, by whom they are broken down, each number leading to the records behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from flask import abort, flash, redirect, render_template, request, send_file, url_for

from bureau.calendar import periods
from bureau.calendar.month import Month
from bureau.calendar.periods import Span
from bureau.figures import groups, sums
from bureau.figures.figures import FIGURES, READ, Figure
from bureau.figures.groups import Grouping, Names, ReportQuery
from bureau.figures.parts.model import Part
from bureau.figures.sums import Line, Table, Value
from bureau.figures.web import charts as figurecharts
from bureau.figures.web import words as figurewords
from bureau.figures.web.charts import CHARTS, Chart
from models import Case, ListKind
from panel.i18n import Message, _
from panel.kinds import Invalid, tidy, today
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Permission
from panel.security.session import set_actor
from panel.web.context import current_actor, current_panel
from panel.web.exports import XLSX
from panel.web.features import Route
from panel.web.pages import Button, Chip, Input, Page, Words

#: What stands large at the top.
FIRST = ("closing_in_time", "closing", "duration", "next_day", "feedback", "satisfaction", "repeats", "not_raised")
#: So many groups at most stand beside each other; more stand below each other.
BESIDE = 6
#: A chart needs two groups at least.
FEWEST = 2
SVG = "image/svg+xml"
#: An SVG that is opened by itself may look as it does in the page, and nothing else.
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(slots=True)
class ShownFigure:
    """A figure as it is shown: its value, part and whole with the addresses of what is behind them."""

    label: Words
    text: str
    part: int | None = None
    part_url: str = ""
    part_label: Words = ""
    whole: int = 0
    whole_url: str = ""
    whole_label: Words = ""
    formula: Words = ""
    tone: str = ""


@dataclass(slots=True)
class DrawnChart:
    """A chart, and the table behind it: labels above, then a name and numbers in each row."""

    label: Words
    url: str
    labels: list[Words] = field(default_factory=list)
    rows: list[tuple[Words, list[str]]] = field(default_factory=list)


@dataclass(slots=True)
class FiguresPage(Page):
    """`tiles` stand large; `figures` are all of the period; `labels` and `rows` are the groups, beside or below each
    other; `compared` are pilot squads, the others, and how far apart they are."""

    tabs: list[Chip] = field(default_factory=list)
    spans: list[Chip] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    note: Words = ""
    tiles: list[ShownFigure] = field(default_factory=list)
    figures: list[ShownFigure] = field(default_factory=list)
    by: Words = ""
    labels: list[Words] = field(default_factory=list)
    rows: list[tuple[Words, list[ShownFigure]]] = field(default_factory=list)
    compared: list[tuple[ShownFigure, ShownFigure, str, str]] = field(default_factory=list)
    charts: list[DrawnChart] = field(default_factory=list)


def may_open() -> bool:
    """Whoever may read all that the figures are made from."""
    panel, actor = current_panel(), current_actor()
    return all(panel.policy.may(actor, Permission.READ, model) for model in READ)


def may_export() -> bool:
    """Whoever may take the cases along may take their figures along."""
    return may_open() and current_panel().policy.may(current_actor(), Permission.EXPORT, Case)


def page() -> Any:
    if not may_open():
        abort(403)
    session = current_panel().session
    try:
        asked, by = _order()
    except Invalid as problem:
        flash(str(problem.message), "danger")
        return redirect(url_for("figures"))
    names = Names.load(session)
    table = sums.table(session, asked, by, names)
    shown = FiguresPage(title=_("Figures"))
    shown.sub = _sub(asked, names)
    shown.tabs = [
        Chip(_("Figures"), _address("figures", asked, Grouping.SQUAD), active=by is not Grouping.PILOT),
        Chip(_("Pilot squads and others"), _address("figures", asked, Grouping.PILOT), active=by is Grouping.PILOT),
    ]
    shown.spans = [
        Chip(label, _address("figures", replace(asked, span=span), by), active=span == asked.span)
        for label, span in periods.offered(today()).values()
    ]
    shown.inputs = _inputs(asked, by, names)
    if by is Grouping.PILOT:
        shown.hidden["by"] = by.value
    if asked.span.last >= today():
        shown.note = _("The period isn't over yet. This is how it stands now.")
    behind = _Behind()
    shown.figures = [behind.shown(figure, table.total) for figure in FIGURES.values()]
    by_name = dict(zip(FIGURES, shown.figures, strict=True))
    shown.tiles = [by_name[name] for name in FIRST]
    shown.by = by.label
    if by is Grouping.PILOT:
        shown.compared = _compared(behind, table)
    elif by is not Grouping.WHOLE:
        _break_down(shown, behind, table)
    if len(table.lines) >= FEWEST:
        shown.charts = [_drawn(one, asked, table) for one in CHARTS.values()]
    if may_export():
        shown.buttons = [Button(_("Download"), _address("figures_file", asked, by), "download", primary=True)]
    return render_template("figures/figures.html", page=shown)


def chart(name: str) -> Any:
    """A chart as SVG, over the same records as the page."""
    if not may_open():
        abort(403)
    wanted = CHARTS.get(name)
    if wanted is None:
        abort(404)
    try:
        asked, by = _order()
    except Invalid:
        abort(404)
    table = sums.table(current_panel().session, asked, by, figures=wanted.figures)
    made = figurecharts.svg(wanted, table, lines=by is Grouping.MONTH)
    answer = send_file(BytesIO(made), SVG)
    answer.headers["Content-Security-Policy"] = SVG_POLICY
    answer.headers["Cache-Control"] = "no-store"
    return answer


def download() -> Any:
    if not may_export():
        abort(403)
    from bureau.figures.web import workbook  # noqa: PLC0415 - and openpyxl with it, when a workbook is asked for

    panel = current_panel()
    try:
        asked, by = _order()
    except Invalid:
        abort(404)
    made = workbook.make(panel.session, asked, by)
    panel.session.rollback()
    with panel.system_session() as own:
        set_actor(own, replace(current_actor(), system=True))
        workbook.written(own, made)
    return send_file(BytesIO(made.content), XLSX, as_attachment=True, download_name=made.name)


# What was asked for.


def _order() -> tuple[ReportQuery, Grouping]:
    """This month by squad, if nothing else was said. Invalid, with a sentence, for what can't be shown."""
    given = {name: tidy(value) for name, value in request.args.items() if tidy(value)}
    span = Span.of(Month.of(today()))
    if "from" in given or "to" in given:
        span = Span.typed(given.get("from"), given.get("to"))
    by = given.get("by", Grouping.SQUAD.value)
    if by != "none" and by not in set(Grouping):
        raise Invalid(_("There is no such breakdown."))
    filters = {name: given[name] for name in _FILTERS if name in given}
    return ReportQuery(span, **groups.filters_of(filters)), Grouping.WHOLE if by == "none" else Grouping.of(by)


_FILTERS = ("squad", "street", "community", "list", "item", "pilot")


def _address(endpoint: str, asked: ReportQuery, by: Grouping, **more: str) -> str:
    values: dict[str, Any] = {
        **more,
        "from": asked.span.first.isoformat(),
        "to": asked.span.last.isoformat(),
        "by": by.value or "none",
        **asked.filters(),
    }
    return url_for(endpoint, **values)


def _inputs(asked: ReportQuery, by: Grouping, names: Names) -> list[Input]:
    def choice(name: str, label: Message, known: Mapping[Any, Any]) -> Input:
        chosen = getattr(asked, name)
        choices = [("", str(_("All"))), *((str(id_), str(text)) for id_, text in known.items())]
        if chosen is not None and str(chosen) not in {value for value, _text in choices}:
            choices.append((str(chosen), str(names.label(name, chosen) or NOT_VISIBLE)))
        return Input(name, label, "select", "" if chosen is None else str(chosen), choices=choices)

    items = {id_: f"{item.code} {item.name}" for id_, item in names.newest().items()}
    found = [
        Input("from", _("From"), "date", asked.span.first.isoformat()),
        Input("to", _("To"), "date", asked.span.last.isoformat()),
        choice("squad", _("Squad"), names.squads()),
        choice("street", _("Street"), names.streets()),
        choice("community", _("Community"), names.communities()),
        choice("list", _("List"), {kind.value: kind.label for kind in ListKind}),
        choice("item", _("Checklist item"), items),
    ]
    if by is not Grouping.PILOT:
        breakdowns = [(one.value or "none", str(one.label)) for one in Grouping if one is not Grouping.PILOT]
        found.insert(2, Input("by", _("Broken down by"), "select", by.value or "none", choices=breakdowns))
    if asked.pilot is not None:
        found.append(choice("pilot", _("Pilot"), {1: _("Pilot squads"), 0: _("Other squads")}))
    return found


def _sub(asked: ReportQuery, names: Names) -> Message:
    said = [str(names.label(name, getattr(asked, name)) or NOT_VISIBLE) for name in asked.filters()]
    return Message("{words}", words=" · ".join([asked.span.words, *said]))


# What is shown.


class _Behind:
    """Addresses of the lists behind numbers; the list's own address is made up once."""

    def __init__(self) -> None:
        self._lists: dict[str, str] = {}

    def url(self, part: Part, line: Line) -> str:
        table = part.universe.model.__tablename__
        if table not in self._lists:
            self._lists[table] = url_for(f"{table}.index_view")
        return f"{self._lists[table]}?is={line.asked.name_of(part)}"

    def shown(self, figure: Figure, line: Line) -> ShownFigure:
        value: Value = line.values[figure.name]
        made = ShownFigure(figurewords.label(figure), figurewords.number(figure, value), formula=figure.formula)
        made.whole, made.whole_label = value.whole, figure.whole.label
        made.whole_url = self.url(figure.whole, line) if value.whole else ""
        if figure.part is not None and value.part is not None:
            made.part, made.part_label = value.part, figure.part.label
            made.part_url = self.url(figure.part, line) if value.part else ""
        return made


def _break_down(shown: FiguresPage, behind: _Behind, table: Table) -> None:
    """A few groups stand beside each other, many below each other; all together at the end."""
    lines = [*table.lines, table.total]
    if len(table.lines) <= BESIDE:
        shown.labels = [line.label for line in lines]
        shown.rows = [
            (figurewords.label(figure), [behind.shown(figure, line) for line in lines]) for figure in FIGURES.values()
        ]
        return
    shown.labels = [figurewords.label(figure) for figure in FIGURES.values()]
    shown.rows = [(line.label, [behind.shown(figure, line) for figure in FIGURES.values()]) for line in lines]


def _compared(behind: _Behind, table: Table) -> list[tuple[ShownFigure, ShownFigure, str, str]]:
    pilot, others = (next(one for one in table.lines if one.asked.pilot == key) for key in (1, 0))
    found = []
    for name, figure in FIGURES.items():
        words, tone = figurewords.difference(figure, pilot.values[name], others.values[name])
        found.append((behind.shown(figure, pilot), behind.shown(figure, others), words, tone))
    return found


def _drawn(wanted: Chart, asked: ReportQuery, table: Table) -> DrawnChart:
    made = DrawnChart(wanted.label, _address("figures_chart", asked, table.by, name=wanted.name))
    made.labels = [one.label for one in wanted.series]
    for line in table.lines:
        numbers = [one.number(line.values[one.figure.name]) for one in wanted.series]
        made.rows.append((line.label, [figurecharts.shown(wanted, number) for number in numbers]))
    return made


ROUTES = (
    Route("/figures", "figures", page),
    Route("/figures/chart/<name>", "figures_chart", chart),
    Route("/figures/file", "figures_file", download),
)
