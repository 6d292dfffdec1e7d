"""The month so far on the home page: four figures, and the communities with the most cases due, for whoever may open
the page of figures. The numbers are those of that page."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import url_for

from bureau.calendar.month import Month
from bureau.calendar.periods import Span
from bureau.calendar.web.office import calendar, values
from bureau.figures import sums
from bureau.figures.figures import FIGURES
from bureau.figures.groups import Grouping, Names, ReportQuery
from bureau.figures.terms import Terms
from bureau.figures.web import pages, words
from panel.kinds import today
from panel.web.context import current_panel
from panel.web.pages import HomePage, Words

#: Each is about the month alone: none searches older cases.
SHOWN = ("closing_in_time", "next_day", "satisfaction", "visits")
#: The figure of the communities: the cases due in the month, and the share closed in time.
BY_COMMUNITY = "closing_in_time"
COMMUNITIES = 5


@dataclass(slots=True)
class MonthFigure:
    label: Words
    value: str
    url: str


@dataclass(slots=True)
class Bar:
    """A community: its cases due in the month, their share of the most of any, in percent, and its rate."""

    label: Words
    count: int
    percent: int
    rate: str
    url: str


@dataclass(slots=True)
class OfficeHome(HomePage):
    """A home page with the month so far; `month` names it."""

    month: str = ""
    figures: list[MonthFigure] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    figures_url: str = ""


def add(page: OfficeHome) -> None:
    """Add the month's figures and communities. The number of statements doesn't depend on the rows."""
    if not pages.may_open():
        return
    month = Month.of(today())
    query = ReportQuery(Span.of(month))
    shown = {name: FIGURES[name] for name in SHOWN}
    session, terms = current_panel().session, Terms.by(query.span, values(), calendar())
    names = Names.of_communities(session)
    table = sums.table(session, query, Grouping.COMMUNITY, names, shown, terms=terms)
    page.month, page.figures_url = month.label, url_for("figures")
    page.figures = [
        MonthFigure(words.label(figure), words.number(figure, table.total.values[name]), page.figures_url)
        for name, figure in shown.items()
    ]
    lines = [line for line in table.lines if line.values[BY_COMMUNITY].whole]
    lines.sort(key=lambda line: -line.values[BY_COMMUNITY].whole)
    most = max((line.values[BY_COMMUNITY].whole for line in lines), default=1)
    for line in lines[:COMMUNITIES]:
        value = line.values[BY_COMMUNITY]
        url = f"{url_for('case.index_view')}?is={line.query.name_of(FIGURES[BY_COMMUNITY].whole)}"
        rate = words.number(FIGURES[BY_COMMUNITY], value)
        page.bars.append(Bar(line.label, value.whole, round(100 * value.whole / most), rate, url))
