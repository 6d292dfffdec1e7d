"""A list of terms of office: days in every form that people type, "until now", and three who left long ago."""

from __future__ import annotations

from datetime import date

from tests.corpus.people import PEOPLE, Person
from tests.corpus.sheets import BLANK, Form, Sheet

#: How the first day is typed, by community.
STARTS = {
    "荷花社区": "2021.5.3",
    "莲塘社区": "20191111",
    "烟雨社区": "2023年3月",
    "听雨社区": "2022-08-15",
    "学士社区": "二〇二〇年十二月一日",
    "双溪社区": "2024/1/8",
    "望河社区": "2021年10月20日",
    "桥东社区": "25.2.17",
    "桥西社区": "2018.06",
    "银杏社区": "2022-04-06 00:00:00",
    "月河社区": "2023．9．12",
}
#: Who left, by the community, with the days as typed.
LEFT = {
    "荷花社区": ("马国平", "2018.1.2", "2021年5月2日", date(2018, 1, 2), date(2021, 5, 2)),
    "桥东社区": ("丁一", date(2019, 4, 1), "2025-02-16", date(2019, 4, 1), date(2025, 2, 16)),
    "南门社区": ("邢卫国", "2020年3月9日", "2025.6.30", date(2020, 3, 9), date(2025, 6, 30)),
}


def _start(person: Person) -> object:
    return STARTS.get(person.community, person.start)


def form() -> Form:
    sheet = Sheet("任职情况")
    sheet.title("社区联络员任职情况统计表", 7)
    sheet.line("序号", "街道", "社区", "姓名", "任职日期", "离任日期", "手机")
    for person in PEOPLE[:12]:
        if left := LEFT.get(person.community):
            name, start, end, first, last = left
            row = sheet.line(len(sheet.rows) - 1, person.street, person.community, name, start, end, "/")
            kept = {"community": person.community, "officer": person.officer}
            sheet.true(row, {**BLANK, **kept, "name": name, "start_on": first, "end_on": last})
        until = "至今" if person.street == "鹤湖街道" else None
        row = sheet.line(
            len(sheet.rows) - 1, person.street, person.community, person.name, _start(person), until, person.mobile
        )
        sheet.person(row, person)
    return Form("liaison", [sheet])
