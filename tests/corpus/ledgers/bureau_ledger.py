"""The bureau's own monthly ledger, kept by hand: a title, a line with unit and period, a total and signatures."""

from __future__ import annotations

from models import Outcome, Source
from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

SOURCES = {Source.HOTLINE: "12345热线", Source.RESIDENT: "居民投诉", Source.PATROL: "日常巡查"}
OUTCOMES = {
    Outcome.PERSUASION: "劝导",
    Outcome.RECTIFICATION: "责令改正",
    Outcome.CLEARED: "现场清理",
    Outcome.MEDIATED: "调解",
    Outcome.UNFOUNDED: "不属实",
}
HEADER = ("序号", "受理时间", "来源", "街道", "社区", "地点", "清单类别", "事项", "问题描述", "投诉人", "联系电话")
RESULT = ("联络员", "主办队员", "处置方式", "处理结果", "办结时间", "备注")
#: How the moment of acceptance is typed, by the number of the case.
TIMES = {2: "2026.5.6 14:05", 5: "2026年5月12日16时30分", 8: "2026-5-19 15：10", 11: "2026/5/27 10:30:00"}


def form() -> Form:
    sheet = Sheet("台账")
    sheet.title("“综合执法＋社区服务”管理案件台账（2026年5月）", 17)
    sheet.line("制表单位：南湖区综合行政执法局", *[None] * 5, "统计周期：2026-05-01至2026-06-30")
    sheet.line(*HEADER, *RESULT)
    for number, case in enumerate(CASES, 1):
        row = sheet.line(
            number,
            TIMES.get(number, case.accepted),
            SOURCES[case.source],
            case.street,
            case.person.short if number % 4 == 0 else case.community,
            case.place,
            "执法清单" if case.item[:2] in ("街面", "餐饮", "公共") else "服务清单",
            case.item,
            case.description,
            case.complainant or ("/" if number % 2 else "匿名"),
            case.phone or None,
            case.person.name,
            case.lead,
            OUTCOMES[case.outcome] if case.outcome else None,
            case.result,
            case.closed,
            "〃" if number == 7 else None,
        )
        names = ("accepted", "closed", "place", "item", "source", "outcome", "result", "complainant", "phone", "lead")
        sheet.true(row, case.values(*names))
    sheet.line("合计", "受理15件", *[None] * 12, "办结15件")
    sheet.line("制表人：", None, None, None, "审核人：", None, None, "负责人（签字）：")
    return Form("case", [sheet])
