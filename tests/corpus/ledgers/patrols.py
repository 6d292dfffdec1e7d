"""What was found on the Monday visits: streets in rows of their own, ditto marks, what was done."""

from __future__ import annotations

from itertools import groupby

from models import Outcome
from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

OUTCOMES = {
    Outcome.PERSUASION: "口头劝导",
    Outcome.RECTIFICATION: "限期整改",
    Outcome.CLEARED: "现场清理",
    Outcome.MEDIATED: "现场调解",
    Outcome.UNFOUNDED: "不属实",
}


def form() -> Form:
    sheet = Sheet("走访问题")
    sheet.title("联居走访发现问题处置台账", 9)
    sheet.line("序号", "受理时间", "社区", "地点", "问题描述", "处置方式", "处理结果", "办结时间", "联居队员")
    number, above = 0, ""
    for street, group in groupby(CASES, key=lambda case: case.street):
        cases = list(group)
        sheet.title(f"{street}（{len(cases)}件）", 9)
        for case in cases:
            number += 1
            outcome = OUTCOMES[case.outcome] if case.outcome else ""
            row = sheet.line(
                number,
                case.accepted,
                case.community,
                case.place,
                case.description,
                "同上" if outcome == above else outcome,
                case.result,
                case.closed,
                "〃" if number % 5 in (2, 3) else case.lead,
            )
            above = outcome
            sheet.true(row, case.values("accepted", "closed", "place", "outcome", "result"))
        sheet.line("小计", None, f"{len(cases)}件")
    sheet.line("合计", None, f"{number}件")
    return Form("case", [sheet])
