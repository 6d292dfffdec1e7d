"""What the values of a column look like: a sample of them, and whether they are days, clock times or people's names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from panel.fields import Field
from panel.imports.layout import footers
from panel.kinds import Choice, Day, Invalid, Kind, Mobile, Moment, PersonName, Text, Time, narrow, tidy, word_of
from panel.sheets import Line

#: Rows that are sampled to see what a column holds, and the share of their values that must be of one kind.
SAMPLE_ROWS, MIN_SHARE = 20, 0.8
_DAY = re.compile(r"[\d〇零一二三四五六七八九十]{2,4}\s*[-./年]\s*[\d一二三四五六七八九十]|(19|20)\d{6}")
_CLOCK = re.compile("[:：时点]")
#: The first characters of some nine in ten Chinese names.
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方"
    "邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文庞樊殷施颜倪章费褚盛柳鲍俞葛季裴冷翁柏仇岑屠管柯单凌"
    "伍童耿宁霍祝左傅嵇吉岳欧阳诸葛司徒尤牛纪舒卞齐"
)
_NAME = re.compile("[\u3400-\u9fff·]{2,4}")


def below(lines: Sequence[Line], width: int) -> list[list[Any]]:
    """For each column its values in the first lines, without empty cells and those that say nothing. Lines that begin
    like a footer are passed over."""
    columns: list[list[Any]] = [[] for _index in range(width)]
    for line in lines[:SAMPLE_ROWS]:
        first = next((cell for cell in line.cells if cell is not None), None)
        if isinstance(first, str) and footers.kind_of(tidy(first)) not in (None, footers.Reason.DATE):
            continue
        for values, cell in zip(columns, line.cells, strict=False):
            if cell is not None and word_of(tidy(cell)) is None:
                values.append(cell)
    return columns


def shown(value: Any) -> str:
    """A value as a sample for people."""
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date().isoformat()
    return tidy(value)


def _mostly(values: Sequence[Any], suits: Any) -> bool:
    return bool(values) and sum(map(suits, values)) >= MIN_SHARE * len(values)


def are_clocks(values: Sequence[Any]) -> bool:
    """Whether the values are times of day without a day."""

    def suits(value: Any) -> bool:
        if isinstance(value, time) or (isinstance(value, float) and 0 < value < 1):
            return True
        if not isinstance(value, str) or _CLOCK.search(value) is None or _DAY.match(narrow(tidy(value))):
            return False
        return _reads(Time(), value)

    return _mostly(values, suits)


def are_days(values: Sequence[Any]) -> bool:
    """Whether the values are days, with or without a time of day."""
    return _mostly(
        values, lambda value: isinstance(value, date | datetime) or _DAY.match(narrow(tidy(value))) is not None
    )


def are_mobiles(values: Sequence[Any]) -> bool:
    """Whether the values are mobile numbers."""
    return _mostly(values, lambda value: _reads(Mobile(), value))


def are_names(values: Sequence[Any]) -> bool:
    """Whether the values look like names of people."""

    def suits(value: Any) -> bool:
        text = tidy(value).replace(" ", "")
        return text[:1] in _SURNAMES and _NAME.fullmatch(text) is not None

    return _mostly(values, suits)


def suit(declared: Field, values: Sequence[Any]) -> bool:
    """Whether values are of the kind of a field; always for a reference, which is looked up later."""
    if declared.target or not values:
        return True
    if isinstance(declared.kind, PersonName):
        return not any(re.search(r"\d{3}", tidy(value)) for value in values) and not _same(values)
    if isinstance(declared.kind, Text) and not isinstance(declared.kind, Choice):
        return True
    return 2 * sum(_reads(declared.kind, value) for value in values) >= len(values)


def _same(values: Sequence[Any]) -> bool:
    """Whether many values are one: no column of names."""
    return len(values) > 3 and len({tidy(value) for value in values}) <= 2


def all_read(declared: Field, values: Sequence[Any]) -> bool:
    """Whether nearly all values are of the kind of a field. Numbers are no days here, though Excel counts days so."""
    if isinstance(declared.kind, Day | Moment) and not are_days(values):
        return False
    return _mostly(values, lambda value: _reads(declared.kind, value))


def _reads(kind: Kind, value: Any) -> bool:
    try:
        return kind.parse(value) is not None
    except Invalid:
        return False
