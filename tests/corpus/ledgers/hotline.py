"""The work orders of the 12345 hotline as its system exports them, with a column for the community that the office
added: no title, moments to the second."""

from __future__ import annotations

from datetime import timedelta

from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

HEADER = ("序号", "工单编号", "工单来源", "诉求标题", "诉求内容", "所属社区", "事发地址", "诉求人", "诉求人电话")
RESULT = ("受理时间", "承诺完成时间", "承办单位", "处理结果", "办结时间", "满意度", "工单状态")


def form() -> Form:
    sheet = Sheet("Sheet0")
    sheet.line(*HEADER, *RESULT)
    for number, case in enumerate(CASES, 1):
        row = sheet.line(
            str(number),
            f"JX2026{case.accepted:%m%d}{number:05}",
            "电话",
            f"反映{case.place}{case.item}",
            case.description,
            case.community,
            case.place,
            (case.complainant[0] + "先生" if number == 7 else case.complainant) or "匿名",
            case.phone or None,
            f"{case.accepted:%Y-%m-%d %H:%M:%S}",
            f"{case.accepted + timedelta(days=5):%Y-%m-%d %H:%M:%S}",
            "综合行政执法局",
            case.result,
            f"{case.closed:%Y-%m-%d} 17:{number:02}:09",
            ("满意", "基本满意", "不满意")[number % 3],
            "已办结",
        )
        values = case.values("accepted", "closed", "place", "result", "complainant", "phone")
        values |= {"complainant": "戴先生"} if number == 7 else {}
        sheet.true(row, {**values, "hotline_no": f"JX2026{case.accepted:%m%d}{number:05}"})
    return Form("case", [sheet])
