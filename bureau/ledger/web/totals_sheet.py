"""The totals sheets of a ledger's workbook: cases by community and item with a chart, and figures by community."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bureau.ledger.totals import TOTAL, LedgerCounts, Totals
from bureau.printing import charts
from bureau.printing.paper import PAGE, PLAIN_ROW, RATE, Heading, Value, height_of, letters
from bureau.printing.pen import Pen
from models import Basis
from panel.sheets import lines_of

SUMMARY, CHARTS, COMMUNITIES = "统计汇总", "统计图", "分社区"
STREET, COMMUNITY, SUBTOTAL = "街道", "社区", "小计"
#: Cases whose item stands on neither list.
NO_LIST = "未列清单"
#: Columns narrower than this have upright headers, in characters.
UPRIGHT = 9
#: Width of the summary in characters, so that its title fits.
SUMMARY_WIDTH = 150
CHART = "各社区案件数（按清单）"
#: Rows above the data of the summary: title, unit with period, two header rows.
HEADER_ROWS = 4
CHART_ROWS = 18
#: With the empty rows around it and the signatures, in points.
CHART_HEIGHT = (CHART_ROWS + 2) * PLAIN_ROW + 34

#: The columns of the sheet by community: the figure by printed label.
FIGURES = {
    "受理": "accepted",
    "上月结转": "carried",
    "重启": "reopened",
    "应结": "due",
    "结案": "closed",
    "按期": "on_time",
    "未结": "open",
    "移送": "referred",
    "调解": "mediated",
    "作废并案": "dropped",
}
#: The rates by basis: dividend and divisor by printed label.
RATES: dict[Basis, dict[str, tuple[str, str]]] = {
    Basis.ACCEPTED: {"结案率": ("due_closed", "due"), "按期结案率": ("due_on_time", "due")},
    Basis.CLOSED: {"按期率": ("on_time", "closed")},
}
NOTES = {
    Basis.ACCEPTED: "注：应结为办结期限在本月内的案件（不含挂账、作废、并案）；结案率、按期结案率以应结为分母，"
    "分母为零时记“—”；移送、调解为本表案件中移送过、调解过的件数",
    Basis.CLOSED: "注：按期率以本月结案数为分母，分母为零时记“—”；移送、调解为本表案件中移送过、调解过的件数",
}
NO_RATE = "—"


def summary(book: Any, heading: Heading, totals: Totals) -> None:
    """The summary: cases by community and item, a subtotal of each list, and a chart of the subtotals. Counts of 0 are
    empty, totals of 0 are not. A chart that doesn't fit below the table gets a sheet of its own, since a printed page
    would repeat the header of the table above it."""
    places, items, lists = totals.communities(), totals.items(), totals.lists()
    item_width = min(20.0, max(4.6, (SUMMARY_WIDTH - 40 - 6.5 * len(lists)) / max(len(items), 1)))
    widths = [5.0, 12.0, 16.0]
    spans: list[tuple[int, int, Value]] = [(0, 0, "序号"), (1, 1, STREET), (2, 2, COMMUNITY)]
    names: list[Value] = [None, None, None]
    subtotals: list[int] = []
    for kind in lists:
        item_names = [name for listed, name in items if listed == kind]
        spans.append((len(widths), len(widths) + len(item_names), kind or NO_LIST))
        subtotals.append(len(widths) + len(item_names))
        names += [*item_names, SUBTOTAL]
        widths += [*[item_width] * len(item_names), 6.5]
    last = len(widths)
    spans.append((last, last, TOTAL))
    names.append(None)
    widths.append(max(8.0, SUMMARY_WIDTH - sum(widths)) if not items else 8.0)
    pen = Pen(book, SUMMARY, widths, header_rows=HEADER_ROWS)
    pen.head(replace(heading, title=f"{heading.title}{SUMMARY}"))
    pen.spans(spans, "header", height=20)
    upright = item_width < UPRIGHT
    longest = max((len(name) for _kind, name in items), default=1)
    line_count = longest if upright else lines_of("字" * longest, letters(item_width))
    looks = ["upright" if upright and index not in subtotals else "header" for index in range(len(widths))]
    pen.row(names, looks, height=max(30, height_of(line_count)))
    for column in (0, 1, 2, last):
        pen.join(3, 4, column, column)
    looks = ["total" if index in subtotals else "centre" for index in range(len(widths))]
    for number, place in enumerate(places, 1):
        counts: list[Value] = []
        for kind in lists:
            item_counts = [totals.count(place, item) for item in items if item[0] == kind]
            counts += [n or None for n in (*item_counts, sum(item_counts))]
        pen.row([number, *place, *counts, totals.count(place)], looks, height=18)
    total_row: list[Value] = []
    for kind in lists:
        item_counts = [totals.count(item=item) for item in items if item[0] == kind]
        total_row += [*item_counts, sum(item_counts)]
    pen.row([TOTAL, None, None, *total_row, totals.count()], ["total"] * len(widths), height=22)
    pen.join(pen.at, pen.at, 0, 2)
    series = [(kind or NO_LIST, index) for kind, index in zip(lists, subtotals, strict=True)]
    chart = charts.stacked(pen.sheet, CHART, 2, series, (HEADER_ROWS + 1, HEADER_ROWS + len(places)))
    fits = pen.reached + CHART_HEIGHT <= PAGE
    if places and fits:
        _put(pen, chart)
    pen.signatures(heading)
    pen.done()
    if places and not fits:
        pen = Pen(book, CHARTS, widths, header_rows=2)
        pen.head(replace(heading, title=f"{heading.title}{CHARTS}"))
        _put(pen, chart)
        pen.done()


def _put(pen: Pen, chart: Any) -> None:
    pen.blank(1)
    charts.put(pen.sheet, chart, pen.at, CHART_ROWS, pen.width)
    pen.blank(CHART_ROWS + 1)


def communities(book: Any, heading: Heading, totals: Totals, basis: Basis) -> None:
    """The figures by community, grouped by street, with a total row."""
    labels = (*FIGURES, *RATES[basis])
    widths = [5.0, 12.0, 16.0, *[9.2] * len(labels)]
    pen = Pen(book, COMMUNITIES, widths, header_rows=3)
    pen.head(replace(heading, title=f"{heading.title}{COMMUNITIES}"))
    pen.row(["序号", STREET, COMMUNITY, *labels], ["header"] * len(widths), height=30)
    plain, bold = (
        [style] * (3 + len(FIGURES)) + [rate] * len(RATES[basis])
        for style, rate in (("centre", RATE), ("total", "total rate"))
    )
    places = totals.communities()
    begun = pen.at + 1
    for number, place in enumerate(places, 1):
        street = place[0] if number == 1 or places[number - 2][0] != place[0] else None
        if street is not None:
            pen.join(begun, pen.at, 1, 1)
            begun = pen.at + 1
        figures = totals.figures_of(place)
        pen.row([number, street or None, place[1], *_numbers(figures, basis, blank=True)], plain, height=18)
    if places:
        pen.join(begun, pen.at, 1, 1)
    pen.row([TOTAL, None, None, *_numbers(totals.figures, basis, blank=False)], bold, height=22)
    pen.join(pen.at, pen.at, 0, 2)
    room = letters(sum(widths))
    pen.spans([(0, pen.width - 1, NOTES[basis])], "note", height=height_of(lines_of(NOTES[basis], room)))
    pen.signatures(heading)
    pen.done()


def _numbers(figures: LedgerCounts, basis: Basis, *, blank: bool) -> list[Value]:
    """The figures and their rates. With `blank`, counts of 0 are empty; a rate with divisor 0 is NO_RATE."""
    counts: list[int] = [getattr(figures, name) for name in FIGURES.values()]
    rates: list[Value] = []
    for part, whole in RATES[basis].values():
        divisor = getattr(figures, whole)
        rates.append(getattr(figures, part) / divisor if divisor else NO_RATE)
    return [*(None if blank and not n else n for n in counts), *rates]
