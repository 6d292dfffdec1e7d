"""A sheet for each street, named after it, and one that counts. The telephone is the mobile of the liaison."""

from __future__ import annotations

from tests.corpus.people import STREETS, of_street
from tests.corpus.sheets import Form, Sheet

NAMES = {"荷花社区": "俞晓岚 ", "文昌社区": "欧阳　静"}
POSTS = {"槐树社区": "网格员"}
MOBILES = {"金国强": "1385731 0002", "沈阿毛": "180-6731-0011", "施梅芳": "１３８６７３１００１５"}


def form() -> Form:
    sheets = []
    for street in STREETS:
        sheet = Sheet(street)
        sheet.title(f"{street}社区联络员名单", 5)
        sheet.line("序号", "社区", "姓名", "职务", "电话")
        for number, person in enumerate(of_street(street), 1):
            place = person.community
            mobile = MOBILES.get(person.name, person.mobile)
            post = POSTS.get(place, person.post)
            row = sheet.line(number, place, NAMES.get(place, person.name), post, mobile)
            sheet.person(row, person, post=post)
        sheet.line("合计", f"{len(of_street(street))}个社区")
        sheets.append(sheet)
    total = Sheet("汇总")
    total.line("街道", "社区数", "联络员数")
    for street in STREETS:
        total.line(street, len(of_street(street)), len(of_street(street)))
    return Form("liaison", [*sheets, total])
