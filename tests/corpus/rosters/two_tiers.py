"""The list of contacts with a header of two rows: the liaison's columns and those of the officer on duty stand below
the words for the two, so that name and mobile occur twice."""

from __future__ import annotations

from tests.corpus.people import OFFICERS, PEOPLE
from tests.corpus.sheets import Form, Sheet

NAMES = {"桥西社区": "钱丽萍（女）", "竹园社区": "章伟主任", "文昌社区": "欧 阳 静"}
POSTS = {"桥东社区": "委员", "南门社区": "无"}
DUTY = {"莲塘社区": "曹斌", "烟雨社区": "严 立 新", "月河社区": "〃"}
TELEPHONES = {"荷花社区": "0573 8271 0001", "听雨社区": "（0573）82710004", "双溪社区": "—"}


def form() -> Form:
    sheet = Sheet("通讯录")
    sheet.title("南湖区社区联络员、联居执法队员通讯录", 10)
    sheet.line("序号", "街道", "社区", "社区联络员", None, None, None, "联居队员", None, "备注")
    sheet.line(None, None, None, "姓名", "职务", "手机", "办公电话", "姓名", "手机", None)
    for column in (1, 2, 3, 10):
        sheet.merge(2, column, height=2)
    sheet.merge(2, 4, width=4)
    sheet.merge(2, 8, width=2)
    for number, person in enumerate(PEOPLE[:15], 1):
        place = person.community
        row = sheet.line(
            number,
            person.street,
            place,
            NAMES.get(place, person.name),
            POSTS.get(place, person.post),
            person.mobile,
            TELEPHONES.get(place, person.telephone),
            DUTY.get(place, person.officer),
            f"1390000000{OFFICERS.index(person.officer)}",
            "新办公楼二楼" if place == "荷花社区" else None,
        )
        values = {"officer": "曹斌"} if place == "莲塘社区" else {}
        values |= {"post": "委员"} if place == "桥东社区" else {}
        values |= {"note": "新办公楼二楼"} if place == "荷花社区" else {}
        sheet.person(row, person, ["telephone"], **values)
    sheet.line("注：联居队员每周一到社区报到。")
    return Form("liaison", [sheet])
