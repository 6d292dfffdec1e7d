"""The roster of the district's grid workers: a title, a line with unit and day, streets in merged cells, a total and
signatures; columns of birth and schooling that the panel has no use for."""

from __future__ import annotations

from datetime import date

from tests.corpus.people import PEOPLE, STREETS, of_street
from tests.corpus.sheets import Form, Sheet

NAMES = {
    "荷花社区": "俞 晓 岚",
    "莲塘社区": "金国强 ",
    "学士社区": "诸葛明（兼）",
    "桥东社区": "夏　雨",
    "银杏社区": "暂缺",
    "月河社区": "姚志强",
}
MOBILES = {
    "荷花社区": 13757310001,
    "莲塘社区": "138 5731 0002",
    "烟雨社区": "+86 15957310003",
    "听雨社区": 18657310004.0,
    "桥西社区": "—",
    "银杏社区": "/",
    "月河社区": "13700001111",
}
STARTS = {"烟雨社区": "2023.3.1", "月河社区": "2026.7.1", "银杏社区": None}
NOTES = {"学士社区": "兼专职网格员", "双溪社区": "同上", "桥西社区": "/", "月河社区": "接替沈阿毛"}
KEPT = {"学士社区": "兼专职网格员", "双溪社区": "兼专职网格员"}


def form() -> Form:
    sheet = Sheet("花名册")
    sheet.title("南湖区社区联络员（网格员）花名册", 10)
    sheet.line("填报单位：南湖区综合行政执法局", *[None] * 6, "填报日期：2026年7月1日")
    sheet.line("序号", "所属街道", "社区名称", "姓名", "性别", "出生年月", "文化程度", "手机号码", "任职时间", "备注")
    number = 0
    for street in STREETS:
        people = [person for person in of_street(street) if person is not PEOPLE[-1]]
        sheet.merge(len(sheet.rows) + 1, 2, height=len(people))
        for person in people:
            place = person.community
            number += 1
            row = sheet.line(
                number,
                street if person is people[0] else None,
                place,
                NAMES.get(place, person.name),
                person.sex,
                f"19{70 + number}.0{1 + number % 9}",
                "〃" if number % 3 else "大专",
                MOBILES.get(place, person.mobile),
                STARTS.get(place, person.start),
                NOTES.get(place),
            )
            if place == "银杏社区":
                sheet.vacant(row)
            elif place == "月河社区":
                values = {"gender": person.gender, "mobile": "13700001111", "start_on": date(2026, 7, 1)}
                sheet.successor(row, person, name="姚志强", note="接替沈阿毛", **values)
            else:
                sheet.person(row, person, ["gender"], note=KEPT.get(place))
    sheet.line("合计", None, number, f"{number}人")
    sheet.line("填表人：周敏", None, None, "审核人：", None, None, None, "联系电话：0573-82000000")
    return Form("liaison", [sheet])
