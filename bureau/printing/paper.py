"""What a printed form is made of, whatever writes it: its heading, the names of its looks, how much room words take."""

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
#: Height of a printed line; how much of a column's width half a Chinese letter takes, and what stays free.
LINE, HALF, FREE = 13.0, 0.76, 0.65
#: Of a row that says nothing, and of a printed page; in points.
PLAIN_ROW, PAGE = 15.0, 505.0
#: No row can be higher.
HIGHEST = 409.0
DATE_FORMAT, DAY_FORMAT, RATE_FORMAT = "yyyy-mm-dd hh:mm", "yyyy-mm-dd", "0.0%"

#: Looks of a cell: a word or number, words, a moment, a day, long words, what looks like a number but is text, a rate.
CENTRE, LEFT, DATE, DAY, TEXT, CODE, RATE = "centre", "left", "date", "day", "text", "code", "rate"
#: After the name of a look: what must not be overlooked.
MARK = "!"

Value = str | int | float | date | datetime | None


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above and below the rows."""

    title: str
    unit: str
    period: str
    made_on: date
    #: Maker, checker and head, as the settings name them.
    signatures: tuple[str, str, str]
    period_label: str = PERIOD


def heading(
    settings: Mapping[str, Any], title: str, period: str, *, part: str = "", period_label: str = PERIOD
) -> Heading:
    """The heading of a paper that is made today. The settings name the unit and the three who sign; `part` is the part
    of the unit that the paper is about, such as a squad. The title begins with the unit."""
    unit = f"{settings['unit_name']}{part}"
    signatures = (settings["ledger_maker"], settings["ledger_checker"], settings["ledger_head"])
    return Heading(f"{unit}{title}", unit, period, today(), signatures, period_label)


def file_name(*words: object) -> str:
    """The name of a paper's file: the words without white space and what file systems refuse, as a workbook."""
    return re.sub(r'[\\/:*?"<>|\s]', "", "".join(map(str, words))) + ".xlsx"


def letters(width: float) -> int:
    """How many plain letters a printed line takes; a Chinese one is as broad as two, and no half of one fits."""
    return int((width - FREE) / HALF) // 2 * 2 or 2


def height_of(lines: int) -> float:
    """How high a row must be: not every program works that out when it opens the file."""
    return min(HIGHEST, lines * LINE + 5)
