"""Native charts of printed workbooks: they go by the cells, and are legible on paper too."""

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

#: Dark and light, so that they are told apart on paper.
COLOURS = ("2F5D8C", "F0B35A", "9AA5B1")
#: More categories than this have their names slanted, or upright and no numbers in the bars.
LEVEL, SLANTED = 14, 30


def stacked(sheet: Any, title: str, names: int, series: Sequence[tuple[str, int]], rows: tuple[int, int]) -> Any:
    """Columns one above the other. `names` is the column of what they stand for, counted from 0, `series` are names and
    columns of the numbers, `rows` the first and the last row, counted from 1."""
    first, last = rows
    count = last - first + 1
    chart: Any = BarChart()
    chart.type, chart.grouping, chart.overlap, chart.gapWidth = "col", "stacked", 100, 60
    run = RegularTextRun(rPr=_letters(1200, bold=True), t=title)
    chart.title = Title(tx=Text(rich=RichText(p=[Paragraph(r=[run])])), overlay=False)
    for (name, column), colour in zip(series, COLOURS, strict=False):
        one: Any = Series(Reference(sheet, min_col=column + 1, min_row=first, max_row=last), title=name)
        one.graphicalProperties = GraphicalProperties(solidFill=colour)
        if count <= SLANTED:
            one.dLbls = DataLabelList(
                showVal=True, showSerName=False, showCatName=False, showLegendKey=False, showPercent=False
            )
            one.dLbls.txPr = _text(800, colour="FFFFFF" if colour == COLOURS[0] else "000000")
        chart.series.append(one)
    chart.set_categories(Reference(sheet, min_col=names + 1, min_row=first, max_row=last))
    # Without this Excel draws no axes.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.txPr = _text(800, turned=0 if count <= LEVEL else -45 if count <= SLANTED else -90)
    chart.y_axis.txPr = _text(800)
    chart.y_axis.numFmt = NumFmt(formatCode="0", sourceLinked=False)
    chart.y_axis.scaling.min = 0
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="D5DBE1", w=6350))
    chart.legend.position = "t"
    chart.legend.txPr = _text(900)
    return chart


def put(sheet: Any, chart: Any, above: int, rows: int, columns: int) -> None:
    """Lay a chart over so many rows and columns, below row `above`."""
    corners = (AnchorMarker(col=0, row=above), AnchorMarker(col=columns - 1, colOff=360_000, row=above + rows))
    chart.anchor = TwoCellAnchor(editAs="oneCell", _from=corners[0], to=corners[1])
    sheet.add_chart(chart)


def _letters(size: int, *, bold: bool = False, colour: str = "000000") -> CharacterProperties:
    """Letters of the form, their size in hundredths of a point."""
    face = Font(typeface=FAMILY)
    return CharacterProperties(sz=size, b=bold, latin=face, ea=face, solidFill=colour)


def _text(size: int, *, turned: int = 0, colour: str = "000000") -> RichText:
    looks = ParagraphProperties(defRPr=_letters(size, colour=colour))
    return RichText(bodyPr=RichTextProperties(rot=turned * 60_000), p=[Paragraph(pPr=looks, endParaRPr=_letters(size))])
