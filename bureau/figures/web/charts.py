"""Charts of figures as SVG, made on the server, without scripts and external resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bureau.figures.figures import FIGURES, Figure, Form
from bureau.figures.sums import Line, Table, Value
from panel.i18n import Message, _, dates

#: The fonts of the pages.
FAMILY = '"Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", SimSun, sans-serif'
COLOURS = ("#1f5fa8", "#e39b17", "#2e7d4f")
WIDTH, HEIGHT, BAR = 720, 320, 6
#: With more groups the bars are horizontal.
MAX_VERTICAL = 8
LONGEST_NAME = 12
SHARES = [0, 25, 50, 75, 100]

Number = Callable[[Value], float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """A series: its label, the figure, and the function that takes the number from the figure's value."""

    label: Message
    figure: Figure
    number: Number


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of percentages (`share`), else of counts or days."""

    name: str
    label: Message
    series: Sequence[Series]
    share: bool = False

    @property
    def figures(self) -> dict[str, Figure]:
        return {series.figure.name: series.figure for series in self.series}


def _share(name: str) -> Series:
    figure = FIGURES[name]
    assert figure.form is Form.SHARE
    return Series(figure.label, figure, lambda value: None if value.number is None else value.number * 100)


CHARTS: Mapping[str, Chart] = {
    chart.name: chart
    for chart in (
        Chart("closing", _("Closing of cases"), (_share("closing"), _share("closing_in_time")), share=True),
        Chart(
            "cases",
            _("Number of cases"),
            (
                Series(_("Cases reported"), FIGURES["repeats"], lambda value: value.whole),
                Series(_("Cases due"), FIGURES["closing"], lambda value: value.whole),
                Series(_("Cases closed"), FIGURES["not_raised"], lambda value: value.whole),
            ),
        ),
        Chart(
            "days",
            _("Time of handling (working days)"),
            (
                Series(_("Mean"), FIGURES["duration"], lambda value: value.number),
                Series(_("Median"), FIGURES["duration"], lambda value: value.median),
            ),
        ),
        Chart(
            "people",
            _("Feedback and complaints"),
            (_share("feedback"), _share("satisfaction"), _share("not_raised")),
            share=True,
        ),
    )
}


def shown(chart: Chart, number: float | None) -> str:
    """A number of a chart as text."""
    if number is None:
        return "—"
    text = f"{number:,.1f}".removesuffix(".0")
    return f"{text}%" if chart.share else text


def svg(chart: Chart, table: Table, *, lines: bool) -> bytes:
    """The chart of a table's groups as SVG in UTF-8: as lines, else as bars."""
    import pygal  # noqa: PLC0415 - five megabytes with its dependencies, which charts alone need

    horizontal = len(table.lines) > MAX_VERTICAL and not lines
    height = max(HEIGHT, 90 + BAR * len(table.lines) * (len(chart.series) + 1)) if horizontal else HEIGHT
    kind = pygal.Line if lines else pygal.HorizontalBar if horizontal else pygal.Bar
    # pygal draws the first horizontal bar at the bottom.
    groups = list(reversed(table.lines)) if horizontal else list(table.lines)
    drawing: Any = kind(
        js=[],
        style=_style(),
        width=WIDTH,
        height=height,
        explicit_size=False,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(chart.series),
        x_label_rotation=30 if not horizontal and len(groups) > (12 if lines else 6) else 0,
        truncate_label=LONGEST_NAME,
        truncate_legend=-1,
        show_x_guides=False,
        dots_size=3,
        stroke_style={"width": 2},
        margin=14,
        no_data_text=str(_("Nothing to draw")),
        value_formatter=lambda number: shown(chart, number),
        y_labels=SHARES if chart.share else None,
        print_values=not horizontal and not lines and len(groups) <= 6,
        print_values_position="top",
        allow_interruptions=True,
        zero=0,
        **({"range": (0, 100)} if chart.share else {"min_scale": 2, "max_scale": 6}),
    )
    drawing.title = None
    drawing.x_labels = _names(groups, lines=lines)
    for series in chart.series:
        drawing.add(str(series.label), [series.number(line.values[series.figure.name]) for line in groups])
    return _clean(drawing.render_tree())


def _names(groups: Sequence[Line], *, lines: bool) -> list[str]:
    """The labels of the groups; months without the year if they have one year."""
    if not lines:
        return [str(line.label) for line in groups]
    days = [line.query.span.first for line in groups]
    if len({day.year for day in days}) == 1:
        return [dates.month_name(day.month) for day in days]
    return [f"{day:%y-%m}" for day in days]


def _style() -> Any:
    from pygal.style import Style  # noqa: PLC0415 - see above

    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="#38424e",
        foreground_strong="#16243a",
        foreground_subtle="#d5dbe1",
        guide_stroke_color="#e4e8ec",
        major_guide_stroke_color="#d5dbe1",
        guide_stroke_dasharray="2,3",
        colors=COLOURS,
        font_family=FAMILY,
        label_font_size=12,
        major_label_font_size=12,
        legend_font_size=13,
        value_font_size=11,
        no_data_font_size=15,
        opacity="1",
        opacity_hover="1",
        transition="0s",
    )


def _clean(tree: Any) -> bytes:
    """The SVG without the library's scripts and comments, which name external addresses."""
    from pygal.etree import etree  # noqa: PLC0415 - see above

    for parent in list(tree.iter()):
        for element in list(parent):
            if not isinstance(element.tag, str) or element.tag.rpartition("}")[2] == "script":
                parent.remove(element)
    content: bytes = etree.tostring(tree, encoding="utf-8", xml_declaration=True)
    return content
