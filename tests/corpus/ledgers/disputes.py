"""The ledger of disputes that were looked for and settled: two parties below one label, whether and when settled."""

from __future__ import annotations

from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

HEADER = (
    "序号",
    "受理日期",
    "所属街道",
    "所属社区",
    "纠纷类型",
    "当事人",
    None,
    "发生地点",
    "纠纷简要情况",
    "化解措施",
)
RESULT = ("是否化解", "办结日期", "责任人", "备注")


def form() -> Form:
    sheet = Sheet("矛盾纠纷")
    sheet.title("矛盾纠纷排查化解工作台账", 14)
    sheet.line("填报单位（盖章）：", *[None] * 9, "填报时间：2026年6月30日")
    sheet.line(*HEADER, *RESULT)
    sheet.line(*[None] * 5, "甲方", "乙方")
    for column in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14):
        sheet.merge(3, column, height=2)
    sheet.merge(3, 6, width=2)
    for number, case in enumerate(CASES, 1):
        closed = None if number == 15 else case.closed
        row = sheet.line(
            number,
            f"{case.accepted.month}月{case.accepted.day}日" if number == 4 else case.accepted.date(),
            case.street,
            case.community,
            "邻里纠纷" if number % 2 else "物业纠纷",
            case.complainant or "某业主",
            "物业公司",
            case.place,
            case.description,
            case.result,
            "是" if closed else "正在化解",
            f"{closed.year}.{closed.month:02}.{closed.day:02}" if closed else "/",
            case.lead,
            "已回访" if number == 3 else None,
        )
        sheet.true(row, {**case.values("place"), "accepted": case.accepted.date(), "closed": closed})
    return Form("case", [sheet])
