"""The contacts of the communities as the district publishes them, with address, post code and mail; who left stands in
hidden rows, an older list in a hidden sheet."""

from __future__ import annotations

from tests.corpus.people import PEOPLE
from tests.corpus.sheets import Form, Sheet

NAMES = {"南门社区": "徐女士", "学士社区": "诸葛明\u200b"}
TELEPHONES = {
    "荷花社区": "0573-82710001转8",
    "莲塘社区": "/",
    "桥东社区": "暂无",
    "文昌社区": "0573—82730013",
    "月河社区": " 0573-82720011 ",
}
MOBILES = {
    "听雨社区": "186 5731 0004",
    "望河社区": "13957310007（微信同号）",
    "桥东社区": "13657310008 13957319999",
    "槐树社区": "1.39E+10",
}


def form() -> Form:
    sheet = Sheet("一览表")
    sheet.title("南湖区社区居委会联系方式一览表", 7)
    sheet.line("社区名称", "办公地址", "邮编", "联络员", "办公电话", "手机", "电子邮箱")
    for number, person in enumerate(PEOPLE[:15], 1):
        place = person.community
        row = sheet.line(
            f"{place}居民委员会" if number % 5 == 0 else place,
            f"{person.short}路{number * 10}号",
            "314000",
            NAMES.get(place, person.name),
            TELEPHONES.get(place, person.telephone),
            MOBILES.get(place, person.mobile),
            f"sq{number:02}@example.com",
        )
        if place in ("桥东社区", "槐树社区"):
            sheet.unclear(row)
        elif place == "莲塘社区":
            sheet.person(row, person)
        elif place == "荷花社区":
            sheet.person(row, person, telephone="0573-82710001-8")
        else:
            sheet.person(row, person, ["telephone"])
        if number % 5 == 0:
            sheet.hide(place, None, "314000", "旧人" + "甲乙丙"[number // 5 - 1], None, "13500000000", None)
    sheet.line("说明：以上信息如有变动，请及时告知区社会治理中心。")
    old = Sheet("2024年", hidden=True)
    old.line("社区名称", "联络员", "手机")
    old.line("荷花社区", "马国平", "13500000001")
    return Form("liaison", [sheet, old])
