"""A ledger written by hand and typed later: no title, no item, names of places cut short, a case that goes on in the
row below, a day that was never filled in."""

from __future__ import annotations

from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

PLACES = {6: "双溪路公交站（东侧）", 9: "2 幢 602 室"}


def form() -> Form:
    sheet = Sheet()
    sheet.line("日期", "社区", "地点", "问题描述", "投诉人", "电话", "处理结果", "完成日期", "备注")
    for number, case in enumerate(CASES, 1):
        day, closed = case.accepted, case.closed
        assert closed is not None
        row = sheet.line(
            f"{day.year}-{day.month}-{day.day}" if number % 2 else f"{day:%y.%m.%d}",
            case.person.short,
            PLACES.get(number, case.place),
            case.description,
            case.complainant or None,
            case.phone.replace("1351234", "1351234 ") or None,
            case.result,
            None if number == 12 else f"{closed.year}-{closed.month}-{closed.day}",
            "回访满意" if number == 2 else None,
        )
        values = case.values("result", "closed", "complainant", "phone")
        values |= {"closed": None} if number == 12 else {}
        values |= {"description": f"{case.description}，城管、学校一起到场"} if number == 10 else {}
        sheet.true(row, {**values, "accepted": case.accepted.date(), "place": PLACES.get(number, case.place)})
        if number == 10:
            sheet.goes_on(None, None, None, "，城管、学校一起到场", None, None, None, None, None)
    return Form("case", [sheet])
