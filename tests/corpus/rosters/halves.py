"""A list that fits on one printed page because its second half stands beside the first."""

from __future__ import annotations

from typing import Any

from tests.corpus.people import PEOPLE, Person
from tests.corpus.sheets import Form, Sheet

NAMES = {"烟雨社区": "盛惠英", "竹园社区": "章  伟", "望河社区": "陶志刚\n"}
MOBILES = {"双溪社区": 17757310006, "银杏社区": "135-6731-0010"}


def _cells(number: int, person: Person) -> list[Any]:
    place = person.community
    return [number, person.short, NAMES.get(place, person.name), MOBILES.get(place, person.mobile)]


def form() -> Form:
    sheet = Sheet()
    sheet.title("社区联络员联系表", 9)
    header = ("序号", "社区", "姓名", "手机")
    sheet.line(*header, None, *header)
    for index in range(8):
        left, right = PEOPLE[index], PEOPLE[index + 8] if index < 7 else None
        cells = _cells(index + 1, left)
        row = sheet.line(*cells, None, *_cells(index + 9, right)) if right else sheet.line(*cells)
        for person in filter(None, (left, right)):
            sheet.person(row, person)
    sheet.line()
    sheet.line(*[None] * 5, "制表：周敏", None, None, "2026年7月10日")
    return Form("liaison", [sheet])
