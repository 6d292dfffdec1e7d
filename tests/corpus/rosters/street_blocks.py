"""A list in blocks: the street stands in a row of its own above its communities, a subtotal below them."""

from __future__ import annotations

from tests.corpus.people import PEOPLE, STREETS, of_street
from tests.corpus.sheets import Form, Sheet

NAMES = {"荷花社区": "俞晓岚（副书记）", "双溪社区": "同上", "南门社区": "待定", "丁家桥社区": "范永良 主任"}
PHONES = {"双溪社区": "同上", "南门社区": None, "月河社区": " 18067310011", "桥西社区": "158 5731 0009"}


def form() -> Form:
    sheet = Sheet("联络员")
    sheet.title("各街道社区联络员名单（2026年7月）", 6)
    sheet.line("序号", "社区", "姓名", "性别", "联系电话", "备注")
    number = 0
    for street in STREETS:
        sheet.title(street, 6)
        people = [person for person in of_street(street) if person.community != "竹园社区"]
        for person in people:
            place = person.community
            number += 1
            community = f"{place}居委会" if number % 4 == 0 else person.short
            sex = "男" if place == "双溪社区" else None if place == "南门社区" else person.sex
            name, phone = NAMES.get(place, person.name), PHONES.get(place, person.mobile)
            row = sheet.line(number, community, name, sex, phone, "新招" if place == "南门社区" else None)
            if place == "南门社区":
                sheet.vacant(row)
            elif place == "双溪社区":
                above = PEOPLE[4]
                sheet.successor(row, person, name=above.name, mobile=above.mobile, gender=above.gender)
            else:
                sheet.person(row, person, ["gender"])
        sheet.line("小计", f"{len(people)}人")
    sheet.line("总计", f"{number}人")
    sheet.line("负责人（签字）：", None, None, "经办人：", "日期：")
    return Form("liaison", [sheet])
