"""The cases of the city management system: coarse and fine category, street and community in merged cells."""

from __future__ import annotations

from itertools import groupby

from models import Source
from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

SOURCES = {Source.HOTLINE: "热线转办", Source.RESIDENT: "公众举报", Source.PATROL: "采集员上报"}
HEADER = (
    "案卷编号",
    "上报时间",
    "问题来源",
    "大类名称",
    "小类名称",
    "街道",
    "社区",
    "位置描述",
    "问题描述",
    "处置部门",
)
RESULT = ("立案时间", "处置时间", "结案时间", "处置结果", "是否超时")


def form() -> Form:
    sheet = Sheet("案件明细")
    sheet.title("数字城管案件明细表", 15)
    sheet.title("查询条件：2026-05-01 00:00 至 2026-06-30 23:59", 15)
    sheet.line(*HEADER, *RESULT)
    number = 0
    for street, group in groupby(CASES, key=lambda case: case.street):
        cases = list(group)
        sheet.merge(len(sheet.rows) + 1, 6, height=len(cases))
        for case in cases:
            number += 1
            assert case.closed is not None
            row = sheet.line(
                f"2026{number:08}",
                f"{case.accepted:%Y/%m/%d %H:%M}",
                SOURCES[case.source],
                "街面秩序",
                case.item,
                street if case is cases[0] else None,
                case.community,
                case.place,
                case.description,
                "河畔分队",
                f"{case.accepted:%Y/%m/%d %H:%M}",
                f"{case.closed:%Y/%m/%d} 16:30",
                f"{case.closed:%Y/%m/%d} 17:{number:02}",
                case.result,
                "否",
            )
            sheet.true(row, case.values("accepted", "closed", "place", "result"))
    sheet.line("共计15条")
    return Form("case", [sheet])
