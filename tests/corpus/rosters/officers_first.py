"""The list of officers in the communities: an officer with a telephone, the communities that the officer looks after,
and their liaisons with a telephone of the same label."""

from __future__ import annotations

from tests.corpus.people import OFFICERS, PEOPLE, SQUAD
from tests.corpus.sheets import Form, Sheet

NAMES = {"荷花社区": "俞晓岚同志", "南门社区": "徐佳怡 社工"}
#: Communities whose officer changes.
HANDED_OVER = {"月河社区": "汪海涛"}


def form() -> Form:
    sheet = Sheet("包联表")
    sheet.title("综合执法队员进社区包联一览表", 8)
    sheet.line("序号", "中队", "联居队员", "联系电话", "包联社区", "社区联络员", "联系电话", "备注")
    for officer in OFFICERS:
        people = [p for p in PEOPLE[:15] if HANDED_OVER.get(p.community, p.officer) == officer]
        first = len(sheet.rows) + 1
        for column in (2, 3, 4):
            sheet.merge(first, column, height=len(people))
        for person in people:
            place = person.community
            beside = (SQUAD, officer, f"1390000000{OFFICERS.index(officer)}")
            name = NAMES.get(place, person.name)
            cells = beside if person is people[0] else (None, None, None)
            row = sheet.line(len(sheet.rows) - 1, *cells, place, name, person.mobile, None)
            sheet.person(row, person, officer=officer)
    sheet.line("监督电话：0573-82000000")
    return Form("liaison", [sheet])
