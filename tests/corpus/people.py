"""The people whom the workbooks of the corpus are about: sixteen communities of three streets, each with its liaison in
office and the officer on duty, as they are stored before a workbook is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import models
from models import Gender, LimitUnit, ListKind
from tests.factories import Stage

SQUAD = "河畔分队"
OFFICERS = ("严立新", "曹斌", "孔令杰", "汪海涛")
LONG_AGO = date(2020, 1, 6)
#: Code, name and list of the checklist items that the ledgers name.
ITEMS = (
    ("ZF12", "街面设摊", ListKind.ENFORCEMENT),
    ("ZF14", "公共场地堆物搭建", ListKind.ENFORCEMENT),
    ("ZF20", "餐饮油烟未净化", ListKind.ENFORCEMENT),
    ("FW02", "小区内部乱堆放", ListKind.SERVICE),
    ("FW07", "邻里噪声", ListKind.SERVICE),
)


@dataclass(frozen=True)
class Person:
    """A liaison in office."""

    street: str
    community: str
    name: str
    male: bool
    post: str
    mobile: str
    telephone: str
    start: date
    officer: str

    @property
    def gender(self) -> Gender:
        return Gender.MALE if self.male else Gender.FEMALE

    @property
    def sex(self) -> str:
        return "男" if self.male else "女"

    @property
    def short(self) -> str:
        """The community as people call it."""
        return self.community.removesuffix("社区")

    @property
    def spaced(self) -> str:
        """The mobile number in groups."""
        return f"{self.mobile[:3]} {self.mobile[3:7]} {self.mobile[7:]}"

    def stored(self) -> dict[str, Any]:
        """The values that are stored before a workbook is imported. Of the last street less is known."""
        little = self.street == "南门街道"
        return {
            "community": self.community,
            "name": self.name,
            "gender": None if little else self.gender,
            "post": self.post,
            "mobile": self.mobile,
            "telephone": None if little else self.telephone,
            "start_on": self.start,
            "end_on": None,
            "note": None,
            "officer": self.officer,
        }


def _people() -> list[Person]:
    rows = """
        鹤湖街道 荷花 俞晓岚 女 副书记 13757310001 0573-82710001 2021-05-03 严立新
        鹤湖街道 莲塘 金国强 男 主任 13857310002 0573-82710002 2019-11-11 严立新
        鹤湖街道 烟雨 盛慧英 女 社工 15957310003 0573-82710003 2023-03-01 严立新
        鹤湖街道 听雨 楼建华 男 网格长 18657310004 0573-82710004 2022-08-15 严立新
        鹤湖街道 学士 诸葛明 男 副主任 13357310005 0573-82710005 2020-12-01 曹斌
        鹤湖街道 双溪 陆小红 女 社工 17757310006 0573-82710006 2024-01-08 曹斌
        望河街道 望河 陶志刚 男 副主任 13957310007 0573-82720007 2021-10-20 曹斌
        望河街道 桥东 夏雨 女 社工 13657310008 0573-82720008 2025-02-17 曹斌
        望河街道 桥西 钱丽萍 女 委员 15857310009 0573-82720009 2018-06-01 孔令杰
        望河街道 银杏 顾春兰 女 副书记 13567310010 0573-82720010 2022-04-06 孔令杰
        望河街道 月河 沈阿毛 男 社工 18067310011 0573-82720011 2023-09-12 孔令杰
        南门街道 南门 徐佳怡 女 社工 19857310012 0573-82730012 2025-07-01 孔令杰
        南门街道 文昌 欧阳静 女 委员 13757310013 0573-82730013 2020-05-18 汪海涛
        南门街道 竹园 章伟 男 主任 15157310014 0573-82730014 2021-01-25 汪海涛
        南门街道 槐树 施梅芳 女 社工 13867310015 0573-82730015 2024-11-04 汪海涛
        南门街道 丁家桥 范永良 男 副主任 13705730016 0573-82730016 2019-03-18 汪海涛
    """
    people = []
    for line in rows.strip().splitlines():
        street, place, name, sex, post, mobile, telephone, start, officer = line.split()
        day = date.fromisoformat(start)
        people.append(Person(street, f"{place}社区", name, sex == "男", post, mobile, telephone, day, officer))
    return people


PEOPLE = _people()
STREETS = list(dict.fromkeys(person.street for person in PEOPLE))


def of_street(street: str) -> list[Person]:
    return [person for person in PEOPLE if person.street == street]


def settle(stage: Stage) -> Mapping[str, int]:
    """Store the people, the officers and the items. Returns the ids of the communities by name."""
    with stage.session() as session:
        streets = {name: models.Street(name=name) for name in STREETS}
        squad = models.Squad(name=SQUAD)
        officers = {name: models.Officer(name=name, squad=squad) for name in OFFICERS}
        session.add_all(
            models.ChecklistItem(code=code, name=name, list_kind=kind, limit_value=3, limit_unit=LimitUnit.WORKING_DAY)
            for code, name, kind in ITEMS
        )
        ids = {}
        for person in PEOPLE:
            community = models.Community(name=person.community, street=streets[person.street], squad=squad)
            values = {k: v for k, v in person.stored().items() if k not in {"community", "officer"}}
            session.add(models.Liaison(community=community, **values))
            session.add(models.Assignment(community=community, officer=officers[person.officer], start_on=LONG_AGO))
            session.flush()
            ids[person.community] = community.id
        return ids
