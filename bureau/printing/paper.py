"""Texts, styles and measures of printed forms, without openpyxl."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from panel.kinds import today

MAKER, PERIOD, MADE_ON = "制表单位", "统计周期", "制表日期"
SIGNATURES = ("制表人", "审核人", "负责人（签字）")
FOOTER = "第 &P 页/共 &N 页"
FAMILY = "宋体"
#: Height of a line in points; width of half a Chinese character and of a cell's padding, in units of a column's width.
LINE, HALF, FREE = 13.0, 0.76, 0.65
#: Height of an empty row and of a page, in points.
PLAIN_ROW, PAGE = 15.0, 505.0
#: Excel's limit for the height of a row, in points.
MAX_HEIGHT = 409.0
DATE_FORMAT, DAY_FORMAT, RATE_FORMAT = "yyyy-mm-dd hh:mm", "yyyy-mm-dd", "0.0%"

#: Styles of a cell: centred, left, date with time, day, long text, code (text even if it looks like a number), rate.
CENTRE, LEFT, DATE, DAY, TEXT, CODE, RATE = "centre", "left", "date", "day", "text", "code", "rate"
#: Suffix of a style: bold and red.
MARK = "!"

Value = str | int | float | date | datetime | None


@dataclass(frozen=True, slots=True)
class Heading:
    """The texts above and below the rows of a paper."""

    title: str
    unit: str
    period: str
    made_on: date
    #: Maker, checker and head, as the settings name them.
    signatures: tuple[str, str, str]
    period_label: str = PERIOD
    #: A last line below the signatures.
    last_line: str = ""


def heading(
    settings: Mapping[str, Any], title: str, period: str, *, part: str = "", period_label: str = PERIOD
) -> Heading:
    """The heading of a paper made today, with unit and signatures from the settings. `part` is the part of the unit
    that the paper is about, such as a squad. The title begins with the unit."""
    unit = f"{settings['unit_name']}{part}"
    signatures = (settings["ledger_maker"], settings["ledger_checker"], settings["ledger_head"])
    return Heading(f"{unit}{title}", unit, period, today(), signatures, period_label)


def file_name(*words: object) -> str:
    """The file name of a workbook: the words without white space and characters that file systems refuse."""
    return re.sub(r'[\\/:*?"<>|\s]', "", "".join(map(str, words))) + ".xlsx"


def letters(width: float) -> int:
    """The number of Latin letters that fit into a line of a column, always even: a Chinese character takes two."""
    return int((width - FREE) / HALF) // 2 * 2 or 2


def height_of(lines: int) -> float:
    """The height of a row with so many lines, in points. Not every program calculates it when it opens the file."""
    return min(MAX_HEIGHT, lines * LINE + 5)
