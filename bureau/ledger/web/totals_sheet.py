"""What a monthly ledger adds up to: community by item with a native chart, and the figures of each community."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bureau.ledger.totals import TOTAL, LedgerCounts, Totals
from bureau.printing import charts
from bureau.printing.paper import PAGE, PLAIN_ROW, RATE, Heading, Value, height_of, letters
from bureau.printing.pen import Pen
from models import Basis
from panel.sheets import lines_of

SUMMARY, COMMUNITIES = "统计汇总", "分社区"
STREET, COMMUNITY, SUBTOTAL = "街道", "社区", "小计"
#: Cases whose item stands on neither list.
NO_LIST = "未列清单"
#: Narrower, an item's name stands upright in the summary.
UPRIGHT = 9
#: Room for the names on the second sheet, so that its title fits.
SUMMARY_WIDTH = 150
CHART = "各社区案件数（按清单）"
#: Title, unit and period, and a header of two rows.
HEADER_ROWS = 4
CHART_ROWS = 18

#: Printed label and figure of each column by community.
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
#: By basis, the printed label and what is divided by what.
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


def summary(book: Any, heading: Heading, tally: Totals) -> None:
    """Community by item, with a subtotal of each list, and a chart of those. A count of 0 stays empty, the totals
    don't."""
    places, items, lists = tally.communities(), tally.items(), tally.lists()
    each = min(20.0, max(4.6, (SUMMARY_WIDTH - 40 - 6.5 * len(lists)) / max(len(items), 1)))
    widths = [5.0, 12.0, 16.0]
    parts: list[tuple[int, int, Value]] = [(0, 0, "序号"), (1, 1, STREET), (2, 2, COMMUNITY)]
    names: list[Value] = [None, None, None]
    subtotals: list[int] = []
    for kind in lists:
        own = [name for listed, name in items if listed == kind]
        parts.append((len(widths), len(widths) + len(own), kind or NO_LIST))
        subtotals.append(len(widths) + len(own))
        names += [*own, SUBTOTAL]
        widths += [*[each] * len(own), 6.5]
    last = len(widths)
    parts.append((last, last, TOTAL))
    names.append(None)
    widths.append(max(8.0, SUMMARY_WIDTH - sum(widths)) if not items else 8.0)
    pen = Pen(book, SUMMARY, widths, header_rows=HEADER_ROWS)
    pen.head(replace(heading, title=f"{heading.title}{SUMMARY}"))
    pen.spans(parts, "header", height=20)
    upright = each < UPRIGHT
    longest = max((len(name) for _kind, name in items), default=1)
    lines = longest if upright else lines_of("字" * longest, letters(each))
    looks = ["upright" if upright and at not in subtotals else "header" for at in range(len(widths))]
    pen.row(names, looks, height=max(30, height_of(lines)))
    for column in (0, 1, 2, last):
        pen.join(3, 4, column, column)
    looks = ["total" if at in subtotals else "centre" for at in range(len(widths))]
    for number, place in enumerate(places, 1):
        counts: list[Value] = []
        for kind in lists:
            own_counts = [tally.count(place, item) for item in items if item[0] == kind]
            counts += [n or None for n in (*own_counts, sum(own_counts))]
        pen.row([number, *place, *counts, tally.count(place)], looks, height=18)
    totals: list[Value] = []
    for kind in lists:
        own_counts = [tally.count(item=item) for item in items if item[0] == kind]
        totals += [*own_counts, sum(own_counts)]
    pen.row([TOTAL, None, None, *totals, tally.count()], ["total"] * len(widths), height=22)
    pen.join(pen.at, pen.at, 0, 2)
    if places:
        _chart(pen, len(places), [(kind or NO_LIST, at) for kind, at in zip(lists, subtotals, strict=True)])
    pen.signatures(heading)
    pen.done()


def _chart(pen: Pen, count: int, series: Sequence[tuple[str, int]]) -> None:
    """Cases by community, the lists on top of each other; on a page of its own rather than cut in two."""
    needed = (CHART_ROWS + 2) * PLAIN_ROW + 34
    if pen.reached + needed > PAGE:
        pen.new_page()
    pen.blank(1)
    chart = charts.stacked(pen.sheet, CHART, 2, series, (HEADER_ROWS + 1, HEADER_ROWS + count))
    charts.put(pen.sheet, chart, pen.at, CHART_ROWS, pen.width)
    pen.blank(CHART_ROWS + 1)


def communities(book: Any, heading: Heading, tally: Totals, basis: Basis) -> None:
    """What each community had: a line each, streets together, and all of them below."""
    labels = (*FIGURES, *RATES[basis])
    widths = [5.0, 12.0, 16.0, *[9.2] * len(labels)]
    pen = Pen(book, COMMUNITIES, widths, header_rows=3)
    pen.head(replace(heading, title=f"{heading.title}{COMMUNITIES}"))
    pen.row(["序号", STREET, COMMUNITY, *labels], ["header"] * len(widths), height=30)
    plain, bold = (
        [style] * (3 + len(FIGURES)) + [rate] * len(RATES[basis])
        for style, rate in (("centre", RATE), ("total", "total rate"))
    )
    places = tally.communities()
    begun = pen.at + 1
    for number, place in enumerate(places, 1):
        street = place[0] if number == 1 or places[number - 2][0] != place[0] else None
        if street is not None:
            pen.join(begun, pen.at, 1, 1)
            begun = pen.at + 1
        figures = tally.figures_of(place)
        pen.row([number, street or None, place[1], *_numbers(figures, basis, blank=True)], plain, height=18)
    if places:
        pen.join(begun, pen.at, 1, 1)
    pen.row([TOTAL, None, None, *_numbers(tally.figures, basis, blank=False)], bold, height=22)
    pen.join(pen.at, pen.at, 0, 2)
    room = letters(sum(widths))
    pen.spans([(0, pen.width - 1, NOTES[basis])], "note", height=height_of(lines_of(NOTES[basis], room)))
    pen.signatures(heading)
    pen.done()


def _numbers(figures: LedgerCounts, basis: Basis, *, blank: bool) -> list[Value]:
    """The figures and their rates; a count of 0 is blank in a community's line, a rate of nothing is no rate."""
    counts: list[int] = [getattr(figures, name) for name in FIGURES.values()]
    rates: list[Value] = []
    for part, whole in RATES[basis].values():
        of = getattr(figures, whole)
        rates.append(getattr(figures, part) / of if of else NO_RATE)
    return [*(None if blank and not n else n for n in counts), *rates]
