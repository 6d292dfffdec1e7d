"""A list printed on three pages: title and header stand at the top of each page, and what was too long for a cell goes
on in the row below."""

from __future__ import annotations

from tests.corpus.people import PEOPLE
from tests.corpus.sheets import Form, Sheet

HEADER = ("序号", "街道", "社区", "姓名", "职务", "手机", "备注")
TITLE = "社区联络员名册"
NAMES = {"月河社区": "沈阿毛（网格员）", "竹园社区": "章 伟"}


def form() -> Form:
    sheet = Sheet()
    for number, person in enumerate(PEOPLE[:15], 1):
        place = person.community
        if number % 5 == 1:
            sheet.title(TITLE, 7)
            sheet.line(*HEADER)
        note = "每周一、三下午" if place == "学士社区" else None
        name = NAMES.get(place, person.name)
        row = sheet.line(number, person.street, place, name, person.post, person.mobile, note)
        if place == "学士社区":
            sheet.person(row, person, note="每周一、三下午在社区值班")
            sheet.goes_on(None, None, None, None, None, None, "在社区值班")
        elif place == "银杏社区":
            sheet.person(row, person)
            sheet.goes_on(None, None, None, None, None, "13900009999", None)
        else:
            sheet.person(row, person)
        if number % 5 == 0:
            sheet.line(None, None, None, f"第{number // 5}页 共3页")
    sheet.line("制表人：周敏", None, None, None, "2026-07-10")
    return Form("liaison", [sheet])
