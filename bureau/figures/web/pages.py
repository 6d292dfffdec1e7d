"""The page of figures: period, filters and grouping; each number links to the records that it counts."""

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
from panel.security.granted import Grant
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.downloads import logging_file, noting, send_download
from panel.web.features import Route
from panel.web.pages import Button, Chip, Input, Page, Words

#: The figures shown as tiles.
TILES = ("closing_in_time", "closing", "duration", "next_day", "feedback", "satisfaction", "repeats", "not_raised")
#: With more groups than these a group is a row instead of a column.
MAX_COLUMNS = 6
#: Fewest groups of a chart.
MIN_GROUPS = 2
SVG = "image/svg+xml"
#: Content-Security-Policy of a chart that is opened by itself: styles only.
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(slots=True)
class ShownFigure:
    """A figure as text, with part, whole and the addresses of the lists behind them."""

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
    """A chart and its table: labels, then rows of name and numbers."""

    label: Words
    url: str
    labels: list[Words] = field(default_factory=list)
    rows: list[tuple[Words, list[str]]] = field(default_factory=list)


@dataclass(slots=True)
class FiguresPage(Page):
    """`figures` are the totals, `tiles` some of them; `labels` and `rows` are the table of groups; `compared` has pilot
    squads, other squads, difference and tone for each figure."""

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
    """Whether a role of the actor reads every table that figures count."""
    return current_panel().policy.grants(current_actor(), Permission.READ, *READ)


def may_export() -> bool:
    """Whether the actor may export figures: such a role with the right to export cases includes it."""
    policy = current_panel().policy
    return policy.grants(policy.narrowed(current_actor(), Permission.READ, *READ), Permission.EXPORT, Case)


def page() -> Any:
    session = current_panel().session
    try:
        query, by = _query()
    except Invalid as problem:
        flash(str(problem.message), "danger")
        return redirect(url_for("figures"))
    names = Names.load(session)
    table = sums.table(session, query, by, names)
    figures_page = FiguresPage(title=_("Figures"))
    figures_page.sub = _sub(query, names)
    figures_page.tabs = [
        Chip(_("Figures"), _address("figures", query, Grouping.SQUAD), active=by is not Grouping.PILOT),
        Chip(_("Pilot squads and others"), _address("figures", query, Grouping.PILOT), active=by is Grouping.PILOT),
    ]
    figures_page.spans = [
        Chip(label, _address("figures", replace(query, span=span), by), active=span == query.span)
        for label, span in periods.offered(today()).values()
    ]
    figures_page.inputs = _inputs(query, by, names)
    if by is Grouping.PILOT:
        figures_page.hidden["by"] = by.value
    if query.span.last >= today():
        figures_page.note = _("The period isn't over yet. This is how it stands now.")
    links = _Links()
    figures_page.figures = [links.shown(figure, table.total) for figure in FIGURES.values()]
    by_name = dict(zip(FIGURES, figures_page.figures, strict=True))
    figures_page.tiles = [by_name[name] for name in TILES]
    figures_page.by = by.label
    if by is Grouping.PILOT:
        figures_page.compared = _compared(links, table)
    elif by is not Grouping.WHOLE:
        _break_down(figures_page, links, table)
    if len(table.lines) >= MIN_GROUPS:
        figures_page.charts = [_drawn(declared, query, table) for declared in CHARTS.values()]
    if may_export():
        figures_page.buttons = [Button(_("Download"), _address("figures_file", query, by), "download", primary=True)]
    return render_template("figures/figures.html", page=figures_page)


def chart(name: str) -> Any:
    """A chart as SVG, of the same query as the page. 404 for an unknown chart or bad query."""
    declared = CHARTS.get(name)
    if declared is None:
        abort(404)
    try:
        query, by = _query()
    except Invalid:
        abort(404)
    table = sums.table(current_panel().session, query, by, figures=declared.figures)
    svg = figurecharts.svg(declared, table, lines=by is Grouping.MONTH)
    response = send_file(BytesIO(svg), SVG)
    response.headers["Content-Security-Policy"] = SVG_POLICY
    return response


def download() -> Any:
    from bureau.figures.web import workbook  # noqa: PLC0415 - loads openpyxl, which downloads alone need

    try:
        query, by = _query()
    except Invalid:
        abort(404)
    file = workbook.make(current_panel().session, query, by)
    with logging_file() as session:
        workbook.note_export(session, file)
    noting(Case.__tablename__, file.rows)
    return send_download(BytesIO(file.content), file.name)


# The query in the address.


def _query() -> tuple[ReportQuery, Grouping]:
    """The query and grouping in the address; by default this month by squad. Raises Invalid for bad values."""
    args = {name: tidy(value) for name, value in request.args.items() if tidy(value)}
    span = Span.of(Month.of(today()))
    if "from" in args or "to" in args:
        span = Span.typed(args.get("from"), args.get("to"))
    by = args.get("by", Grouping.SQUAD.value)
    if by != "none" and by not in set(Grouping):
        raise Invalid(_("There is no such breakdown."))
    filters = {name: args[name] for name in _FILTERS if name in args}
    return ReportQuery(span, **groups.filters_of(filters)), Grouping.WHOLE if by == "none" else Grouping.of(by)


_FILTERS = ("squad", "street", "community", "list", "item", "pilot")


def _address(endpoint: str, query: ReportQuery, by: Grouping, **more: str) -> str:
    values: dict[str, Any] = {
        **more,
        "from": query.span.first.isoformat(),
        "to": query.span.last.isoformat(),
        "by": by.value or "none",
        **query.filters(),
    }
    return url_for(endpoint, **values)


def _inputs(query: ReportQuery, by: Grouping, names: Names) -> list[Input]:
    def choice(name: str, label: Message, labels: Mapping[Any, Any]) -> Input:
        chosen = getattr(query, name)
        choices = [("", str(_("All"))), *((str(id_), str(text)) for id_, text in labels.items())]
        if chosen is not None and str(chosen) not in {value for value, _text in choices}:
            choices.append((str(chosen), str(names.label(name, chosen) or NOT_VISIBLE)))
        return Input(name, label, "select", "" if chosen is None else str(chosen), choices=choices)

    items = {id_: f"{item.code} {item.name}" for id_, item in names.newest().items()}
    inputs = [
        Input("from", _("From"), "date", query.span.first.isoformat()),
        Input("to", _("To"), "date", query.span.last.isoformat()),
        choice("squad", _("Squad"), names.squads()),
        choice("street", _("Street"), names.streets()),
        choice("community", _("Community"), names.communities()),
        choice("list", _("List"), {kind.value: kind.label for kind in ListKind}),
        choice("item", _("Checklist item"), items),
    ]
    if by is not Grouping.PILOT:
        breakdowns = [
            (grouping.value or "none", str(grouping.label)) for grouping in Grouping if grouping is not Grouping.PILOT
        ]
        inputs.insert(2, Input("by", _("Broken down by"), "select", by.value or "none", choices=breakdowns))
    if query.pilot is not None:
        inputs.append(choice("pilot", _("Pilot"), {1: _("Pilot squads"), 0: _("Other squads")}))
    return inputs


def _sub(query: ReportQuery, names: Names) -> Message:
    filters = [str(names.label(name, getattr(query, name)) or NOT_VISIBLE) for name in query.filters()]
    return Message("{words}", words=" · ".join([query.span.label, *filters]))


# The content of the page.


class _Links:
    """Addresses of the lists behind numbers; the address of each list is built once."""

    def __init__(self) -> None:
        self._lists: dict[str, str] = {}

    def url(self, part: Part, line: Line) -> str:
        table = part.universe.model.__tablename__
        if table not in self._lists:
            self._lists[table] = url_for(f"{table}.index_view")
        return f"{self._lists[table]}?is={line.query.name_of(part)}"

    def shown(self, figure: Figure, line: Line) -> ShownFigure:
        value: Value = line.values[figure.name]
        shown = ShownFigure(figurewords.label(figure), figurewords.number(figure, value), formula=figure.formula)
        shown.whole, shown.whole_label = value.whole, figure.whole.label
        shown.whole_url = self.url(figure.whole, line) if value.whole else ""
        if figure.part is not None and value.part is not None:
            shown.part, shown.part_label = value.part, figure.part.label
            shown.part_url = self.url(figure.part, line) if value.part else ""
        return shown


def _break_down(page: FiguresPage, links: _Links, table: Table) -> None:
    """Fill the table of groups, with the total last: up to MAX_COLUMNS groups as columns, more as rows."""
    lines = [*table.lines, table.total]
    if len(table.lines) <= MAX_COLUMNS:
        page.labels = [line.label for line in lines]
        page.rows = [
            (figurewords.label(figure), [links.shown(figure, line) for line in lines]) for figure in FIGURES.values()
        ]
        return
    page.labels = [figurewords.label(figure) for figure in FIGURES.values()]
    page.rows = [(line.label, [links.shown(figure, line) for figure in FIGURES.values()]) for line in lines]


def _compared(links: _Links, table: Table) -> list[tuple[ShownFigure, ShownFigure, str, str]]:
    pilot, others = (next(line for line in table.lines if line.query.pilot == key) for key in (1, 0))
    rows = []
    for name, figure in FIGURES.items():
        words, tone = figurewords.difference(figure, pilot.values[name], others.values[name])
        rows.append((links.shown(figure, pilot), links.shown(figure, others), words, tone))
    return rows


def _drawn(declared: Chart, query: ReportQuery, table: Table) -> DrawnChart:
    drawn = DrawnChart(declared.label, _address("figures_chart", query, table.by, name=declared.name))
    drawn.labels = [series.label for series in declared.series]
    for line in table.lines:
        numbers = [series.number(line.values[series.figure.name]) for series in declared.series]
        drawn.rows.append((line.label, [figurecharts.shown(declared, number) for number in numbers]))
    return drawn


READING = Grant(Permission.READ, READ)
EXPORTING = (READING, Grant(Permission.EXPORT, (Case,)))
ROUTES = (
    Route("/figures", "figures", page, grants=(READING,)),
    Route("/figures/chart/<name>", "figures_chart", chart, grants=(READING,)),
    Route("/figures/file", "figures_file", download, grants=EXPORTING),
)
