"""The register of changes: who was the liaison, who is it now, from when on and why."""

from __future__ import annotations

from datetime import date

from tests.corpus.people import PEOPLE
from tests.corpus.sheets import Form, Sheet

#: Who follows: name, sex, mobile, first day as typed, first day.
FOLLOWING = {
    "莲塘社区": ("费晓东", "男", "13600000021", "2026年6月1日", date(2026, 6, 1)),
    "桥西社区": ("樊 敏", "女", "136 0000 0022", "2026/6/15", date(2026, 6, 15)),
    "文昌社区": ("司马青", "男", 13600000023, date(2026, 7, 1), date(2026, 7, 1)),
}
REASONS = {"莲塘社区": "退休", "桥西社区": "岗位调整", "文昌社区": "同上"}


def form() -> Form:
    sheet = Sheet("变动表")
    sheet.title("社区联络员变动情况登记表", 8)
    sheet.line("单位：南湖区综合行政执法局", None, None, None, None, "2026年7月")
    sheet.line("序号", "社区", "原联络员", "现联络员", "性别", "手机", "任职时间", "变动原因")
    for number, person in enumerate(PEOPLE[1:], 1):
        place = person.community
        name, sex, mobile, start, day = FOLLOWING.get(
            place, (person.name, person.sex, person.mobile, person.start, person.start)
        )
        row = sheet.line(number, place, person.name, name, sex, mobile, start, REASONS.get(place, "无变动"))
        if place in FOLLOWING:
            gender = PEOPLE[1].gender if sex == "男" else PEOPLE[0].gender
            clean = str(mobile).replace(" ", "")
            sheet.successor(row, person, name=name.replace(" ", ""), gender=gender, mobile=clean, start_on=day)
        else:
            sheet.person(row, person, ["gender"])
    sheet.line("经办人：周敏", None, None, "审核：", None, None, "（盖章）")
    return Form("liaison", [sheet])
