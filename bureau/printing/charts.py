"""Native charts of printed workbooks, which read their numbers from the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openpyxl.chart import BarChart, Reference, Series
from openpyxl.chart.data_source import NumFmt
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.drawing.text import (
    CharacterProperties,
    Font,
    Paragraph,
    ParagraphProperties,
    RegularTextRun,
    RichTextProperties,
)

from bureau.printing.paper import FAMILY

#: Dark and light, so that they differ in black and white.
COLOURS = ("2F5D8C", "F0B35A", "9AA5B1")
#: With more categories their names are slanted; with more still, vertical and without numbers in the bars.
MAX_HORIZONTAL, MAX_SLANTED = 14, 30


def stacked(sheet: Any, title: str, name_column: int, series: Sequence[tuple[str, int]], rows: tuple[int, int]) -> Any:
    """A stacked column chart. `name_column` holds the categories, `series` are pairs of label and column (from 0),
    `rows` are the first and the last row (from 1)."""
    first, last = rows
    count = last - first + 1
    chart: Any = BarChart()
    chart.type, chart.grouping, chart.overlap, chart.gapWidth = "col", "stacked", 100, 60
    run = RegularTextRun(rPr=_letters(1200, bold=True), t=title)
    chart.title = Title(tx=Text(rich=RichText(p=[Paragraph(r=[run])])), overlay=False)
    for (name, column), colour in zip(series, COLOURS, strict=False):
        bars: Any = Series(Reference(sheet, min_col=column + 1, min_row=first, max_row=last), title=name)
        bars.graphicalProperties = GraphicalProperties(solidFill=colour)
        if count <= MAX_SLANTED:
            bars.dLbls = DataLabelList(
                showVal=True, showSerName=False, showCatName=False, showLegendKey=False, showPercent=False
            )
            bars.dLbls.txPr = _text(800, colour="FFFFFF" if colour == COLOURS[0] else "000000")
        chart.series.append(bars)
    chart.set_categories(Reference(sheet, min_col=name_column + 1, min_row=first, max_row=last))
    # Without this Excel draws no axes.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.txPr = _text(800, turned=0 if count <= MAX_HORIZONTAL else -45 if count <= MAX_SLANTED else -90)
    chart.y_axis.txPr = _text(800)
    chart.y_axis.numFmt = NumFmt(formatCode="0", sourceLinked=False)
    chart.y_axis.scaling.min = 0
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="D5DBE1", w=6350))
    chart.legend.position = "t"
    chart.legend.txPr = _text(900)
    return chart


def put(sheet: Any, chart: Any, above: int, rows: int, columns: int) -> None:
    """Place a chart below row `above`, over `rows` rows and `columns` columns."""
    corners = (AnchorMarker(col=0, row=above), AnchorMarker(col=columns - 1, colOff=360_000, row=above + rows))
    chart.anchor = TwoCellAnchor(editAs="oneCell", _from=corners[0], to=corners[1])
    sheet.add_chart(chart)


def _letters(size: int, *, bold: bool = False, colour: str = "000000") -> CharacterProperties:
    """The font of the form; `size` is in hundredths of a point."""
    face = Font(typeface=FAMILY)
    return CharacterProperties(sz=size, b=bold, latin=face, ea=face, solidFill=colour)


def _text(size: int, *, turned: int = 0, colour: str = "000000") -> RichText:
    properties = ParagraphProperties(defRPr=_letters(size, colour=colour))
    return RichText(
        bodyPr=RichTextProperties(rot=turned * 60_000), p=[Paragraph(pPr=properties, endParaRPr=_letters(size))]
    )
