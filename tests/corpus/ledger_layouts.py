"""Ledgers of known cases at random: columns in any order, with the labels that offices give them and with days, words
and names as people type them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from hypothesis import strategies as st

from models import Outcome, Source
from tests.corpus.ledgers.cases import CASES, Facts
from tests.corpus.sheets import Form, Sheet

#: How a day is typed, and a moment.
DAYS: Sequence[Callable[[date], Any]] = (
    lambda day: day,
    lambda day: f"{day:%Y-%m-%d}",
    lambda day: f"{day.year}.{day.month}.{day.day}",
    lambda day: f"{day.year}/{day.month}/{day.day}",
    lambda day: f"{day.year}年{day.month}月{day.day}日",
    lambda day: f"{day:%Y%m%d}",
    lambda day: f"{day:%y.%m.%d}",
    lambda day: (day - date(1899, 12, 30)).days,
    lambda day: f" {day.year}－{day.month}－{day.day} ",
)
MOMENTS: Sequence[Callable[[datetime], Any]] = (
    lambda moment: moment,
    lambda moment: f"{moment:%Y-%m-%d %H:%M}",
    lambda moment: f"{moment:%Y/%m/%d %H:%M:%S}",
    lambda moment: f"{moment.year}年{moment.month}月{moment.day}日{moment.hour}时{moment.minute}分",
    lambda moment: f"{moment.year}.{moment.month}.{moment.day} {moment.hour}：{moment.minute:02}",
)
SOURCES = {
    Source.HOTLINE: ("12345", "12345热线", "12345工单", "市民热线"),
    Source.RESIDENT: ("居民投诉", "群众来电", "来信来访", "居民反映"),
    Source.PATROL: ("巡查发现", "日常巡查", "队员巡查"),
}
OUTCOMES = {
    Outcome.PERSUASION: ("劝导", "口头劝导", "劝离"),
    Outcome.RECTIFICATION: ("责令改正", "限期整改", "责令整改"),
    Outcome.CLEARED: ("现场清理", "清理"),
    Outcome.MEDIATED: ("调解", "现场调解"),
    Outcome.UNFOUNDED: ("不属实", "反映不属实"),
}
NOTHING = (None, "/", "无", "—", " ")
#: Cells in a column of days that no one can take for a day of a known year, or that tell of an open case.
UNCLEAR_DAYS = ("5月下旬", "待定日期", "2026-13-40", "3日内")

#: Labels by column; those of one column are equally good.
LABELS = {
    "accepted": ("受理时间", "受理日期", "登记日期", "来访日期", "上报时间", "交办时间", "日期"),
    "closed": ("办结时间", "办结日期", "结案时间", "完成日期", "化解时间"),
    "community": ("社区", "所属社区", "社区名称", "所在社区"),
    "street": ("街道", "所属街道"),
    "place": ("地点", "具体地点", "事发地址", "发生地点", "位置描述"),
    "description": ("问题描述", "诉求内容", "反映问题", "案情简介", "投诉内容"),
    "source": ("来源", "案件来源", "问题来源"),
    "item": ("事项", "事项名称"),
    "outcome": ("处置方式", "处理方式"),
    "result": ("处理结果", "办理结果", "办理情况", "处置结果"),
    "complainant": ("投诉人", "反映人", "诉求人", "来访人"),
    "lead": ("主办队员", "经办人", "主办"),
    "number": ("序号", "编号"),
    "other": ("污染类型", "小区", "学历"),
}
#: Columns that a ledger may lack.
OPTIONAL = ("street", "place", "source", "item", "outcome", "result", "complainant", "lead", "number", "other")


@dataclass(frozen=True)
class Row:
    """The cells of a case by column, and the values that they mean; None where nobody can tell."""

    cells: dict[str, Any]
    values: dict[str, Any] | None


@st.composite
def typed(draw: st.DrawFn, case: Facts, columns: Sequence[str]) -> Row:
    timed = draw(st.booleans())
    accepted = draw(st.sampled_from(MOMENTS))(case.accepted) if timed else None
    day = accepted if timed else draw(st.sampled_from(DAYS))(case.accepted.date())
    is_open = draw(st.integers(0, 5)) == 0
    case = replace(case, closed=None) if is_open else case
    closed = draw(st.sampled_from(NOTHING)) if case.closed is None else draw(st.sampled_from(DAYS))(case.closed)
    name = draw(st.sampled_from((case.complainant, " ".join(case.complainant), f"{case.complainant}（业主）")))
    cells = {
        "accepted": day,
        "closed": closed,
        "community": draw(st.sampled_from((case.community, case.person.short, f"{case.community}居委会"))),
        "street": case.street,
        "place": case.place,
        "description": case.description,
        "source": draw(st.sampled_from(SOURCES[case.source])),
        "item": case.item,
        "outcome": draw(st.sampled_from(OUTCOMES[case.outcome])) if case.outcome else None,
        "result": case.result,
        "complainant": name if case.complainant else draw(st.sampled_from(("匿名", *NOTHING))),
        "lead": draw(st.sampled_from((case.lead, " ".join(case.lead)))),
        "number": CASES.index(case) + 1 if not is_open else 99,
        "other": "其他",
    }
    values = {name: getattr(case, name) for name in columns if hasattr(case, name)}
    values["accepted"] = case.accepted if timed else case.accepted.date()
    unclear = draw(st.integers(0, 9))
    if unclear == 0:
        return Row({**cells, "closed": draw(st.sampled_from(UNCLEAR_DAYS))}, None)
    if unclear == 1:
        return Row({**cells, "accepted": draw(st.sampled_from(UNCLEAR_DAYS))}, None)
    return Row(cells, values)


@st.composite
def ledgers(draw: st.DrawFn) -> Form:
    """A workbook with a few cases."""
    left_out = draw(st.sets(st.sampled_from(OPTIONAL)))
    columns = draw(st.permutations([name for name in LABELS if name not in left_out]))
    cases = draw(st.lists(st.sampled_from(CASES), min_size=2, max_size=6, unique=True))
    rows = [draw(typed(case, columns)) for case in sorted(cases, key=lambda case: case.accepted)]
    sheet = Sheet()
    if draw(st.booleans()):
        sheet.title("案件台账（2026年）", len(columns))
    sheet.line(*(draw(st.sampled_from(LABELS[name])) for name in columns))
    for row in rows:
        number = sheet.line(*(row.cells[name] for name in columns))
        sheet.unclear(number) if row.values is None else sheet.true(number, row.values)
    if draw(st.booleans()):
        sheet.line("合计", f"{len(rows)}件")
        sheet.line("制表人：周敏", None, "审核人：")
    return Form("case", [sheet])
