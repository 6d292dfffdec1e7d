"""The register of petitions: a header of two rows for the petitioner, days without a clock, dots and years of two
digits, "as above" under the day."""

from __future__ import annotations

from datetime import date

from models import Source
from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

HEADER = ("信访形式", "所属社区", "反映问题", "承办人", "办理情况", "办结日期", "备注")


def _day(number: int, day: date) -> object:
    forms = (day, f"{day.year}.{day.month}.{day.day}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}")
    return forms[number % 4]


def form() -> Form:
    sheet = Sheet("信访台账")
    sheet.title("2026年度信访事项登记台账", 12)
    sheet.line("编号", "来访日期", "信访人", None, None, *HEADER)
    sheet.line(None, None, "姓名", "联系电话", "住址")
    for column in (1, 2, *range(6, 13)):
        sheet.merge(2, column, height=2)
    sheet.merge(2, 3, width=3)
    for number, case in enumerate(CASES, 1):
        assert case.closed is not None
        same_day = number == 13
        accepted = CASES[11].accepted if same_day else case.accepted
        row = sheet.line(
            f"2026-{number:03}",
            "〃" if same_day else _day(number, accepted.date()),
            case.complainant or "匿名",
            case.phone or "/",
            f"{case.person.short}新村{number}幢",
            ("来访", "来信", "来电")[number % 3],
            case.community,
            case.description,
            case.lead,
            case.result,
            _day(number + 1, case.closed),
            None,
        )
        values = case.values("closed", "result", "complainant", "phone")
        sheet.true(row, {**values, "accepted": accepted.date(), "source": Source.RESIDENT})
    sheet.line("登记人：周敏", None, None, None, "分管领导：")
    return Form("case", [sheet])
