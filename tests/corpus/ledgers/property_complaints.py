"""The complaints that a property office hands on: the day in one column and the clock in another, the result and its
day, several rows of one estate in a merged cell."""

from __future__ import annotations

from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

HEADER = ("序号", "受理日期", "受理时间", "社区", "小区", "地址", "投诉人", "联系电话", "问题描述", "处理结果")
RESULT = ("办结时间", "处理人", "备注")
CLOCKS = {3: "8时40分", 8: "下午3:10", 11: "10：30"}


def form() -> Form:
    sheet = Sheet("物业投诉")
    sheet.title("物业服务投诉处理台账", 13)
    sheet.line(*HEADER, *RESULT)
    for number, case in enumerate(CASES, 1):
        row = sheet.line(
            number,
            case.accepted.date(),
            CLOCKS.get(number, case.accepted.time()),
            case.community,
            f"{case.person.short}花园",
            case.place,
            f"{case.complainant}（业主）" if number == 5 else case.complainant or "无",
            case.phone or "-",
            case.description,
            case.result,
            f"{case.closed} 16:30",
            case.lead,
            None,
        )
        sheet.true(row, case.values("accepted", "closed", "place", "result", "complainant", "phone"))
    sheet.line("合计：15件", *[None] * 8, "办结15件")
    return Form("case", [sheet])
