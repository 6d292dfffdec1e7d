"""The fifteen cases that the ledgers of the corpus are about, each ledger with its own columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models import Outcome, Source
from tests.corpus.people import PEOPLE, Person


@dataclass(frozen=True)
class Facts:
    """A case as it was. An open one has no day of closing."""

    person: Person
    accepted: datetime
    closed: date | None
    place: str
    item: str
    description: str
    source: Source
    outcome: Outcome | None
    result: str | None
    complainant: str
    phone: str
    lead: str

    @property
    def community(self) -> str:
        return self.person.community

    @property
    def street(self) -> str:
        return self.person.street

    def values(self, *names: str) -> dict[str, Any]:
        """The values of some columns, as they are stored."""
        return {name: getattr(self, name) for name in ("community", "description", *names)}


_SOURCES = {"居民": Source.RESIDENT, "热线": Source.HOTLINE, "巡查": Source.PATROL}
_OUTCOMES = {
    "劝导": Outcome.PERSUASION,
    "整改": Outcome.RECTIFICATION,
    "清理": Outcome.CLEARED,
    "调解": Outcome.MEDIATED,
    "不属实": Outcome.UNFOUNDED,
}


def _cases() -> list[Facts]:
    rows = """
        05-04T09:20 05-05 3幢2单元楼道 小区内部乱堆放 居民在楼道堆放旧家具和纸箱
            热线 清理 已上门劝导并清理 吴建英 13512340001 严立新
        05-06T14:05 05-07 荷塘路菜场门口 街面设摊 流动摊贩占道卖菜
            巡查 劝导 已劝离 - - 严立新
        05-08T08:40 05-11 12幢101室 邻里噪声 楼上夜间拖动桌椅
            居民 调解 双方达成和解 蒋文娟 13512340003 严立新
        05-11T10:15 05-12 学士路88号 餐饮油烟未净化 饭店油烟直排居民楼
            热线 整改 已加装净化设备 何志强 13512340004 曹斌
        05-12T16:30 05-13 5幢北侧空地 公共场地堆物搭建 空地上搭建棚子堆放杂物
            居民 清理 棚子已拆除 龚雪芳 13512340005 曹斌
        05-14T09:00 05-15 双溪路公交站 街面设摊 早餐车占用人行道
            巡查 劝导 已劝导进店 - - 曹斌
        05-18T13:45 05-20 9幢地下车库 小区内部乱堆放 车库内堆放装修垃圾
            热线 清理 物业已清运 戴国华 13512340007 曹斌
        05-19T15:10 05-19 桥东路烧烤店 餐饮油烟未净化 烧烤店油烟扰民
            居民 不属实 现场检查未发现油烟直排 邵丽君 13512340008 曹斌
        05-21T11:25 05-25 2幢602室 邻里噪声 家中练琴影响邻居
            居民 调解 约定练琴时间 毛小平 13512340009 孔令杰
        05-25T09:50 05-26 银杏路小学门口 街面设摊 放学时摊贩聚集
            巡查 劝导 摊贩已离开 - - 孔令杰
        05-27T10:30 05-28 月河街沿河 公共场地堆物搭建 沿河堆放建筑材料
            巡查 整改 限期清理完毕 - - 孔令杰
        06-01T08:55 06-03 7幢1单元 小区内部乱堆放 消防通道堆放电动车
            热线 清理 电动车已移走 祝海燕 13512340012 孔令杰
        06-03T14:20 06-04 文昌路12号 餐饮油烟未净化 面馆未装油烟净化器
            热线 整改 已安装并检测 贺明亮 13512340013 汪海涛
        06-08T16:00 06-10 竹园新村6幢 邻里噪声 空调外机噪声
            居民 调解 外机已移位 席春梅 13512340014 汪海涛
        06-10T09:35 06-11 槐树弄口 街面设摊 水果摊占道
            居民 劝导 已劝离并告知 费阿根 13512340015 汪海涛
    """
    cases = []
    lines = rows.strip().splitlines()
    for person, line, more in zip(PEOPLE, lines[::2], lines[1::2], strict=False):
        at, closed, place, item, description = line.split()
        source, outcome, result, name, phone, lead = more.split()
        cases.append(
            Facts(
                person,
                datetime.fromisoformat(f"2026-{at}:00"),
                date.fromisoformat(f"2026-{closed}"),
                place,
                item,
                description,
                _SOURCES[source],
                _OUTCOMES[outcome],
                result,
                "" if name == "-" else name,
                "" if phone == "-" else phone,
                lead,
            )
        )
    return cases


CASES = _cases()
