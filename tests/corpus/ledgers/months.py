"""A ledger with a sheet for each month: days without a year under a title that gives it, a case that isn't closed."""

from __future__ import annotations

from models import CaseStatus, Source
from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

SOURCES = {Source.HOTLINE: "12345", Source.RESIDENT: "群众来电", Source.PATROL: "巡查"}


def form() -> Form:
    sheets = []
    for month in (5, 6):
        sheet = Sheet(f"{month}月")
        sheet.title(f"2026年{month}月案件办理台账", 10)
        sheet.line(
            "序号",
            "受理时间",
            "案件来源",
            "所属社区",
            "案发地点",
            "案由",
            "案情简介",
            "办理结果",
            "办结时间",
            "承办队员",
        )
        cases = [case for case in CASES if case.accepted.month == month]
        for number, case in enumerate(cases, 1):
            assert case.closed is not None
            is_open = case is CASES[-1]
            without_year = case in CASES[3:5]
            row = sheet.line(
                number,
                f"{case.accepted.month}月{case.accepted.day}日" if without_year else case.accepted.date(),
                SOURCES[case.source],
                case.community,
                case.place,
                case.item,
                case.description,
                "正在办理" if is_open else case.result,
                "未办结" if is_open else case.closed,
                case.lead,
            )
            values = case.values("place", "source", "closed", "result")
            values |= {"closed": None, "result": "正在办理", "status": CaseStatus.ACCEPTED} if is_open else {}
            sheet.true(row, {**values, "accepted": case.accepted.date()})
        sheet.line("合计", f"{len(cases)}件")
        sheets.append(sheet)
    return Form("case", sheets)
