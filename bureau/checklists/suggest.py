"""Suggestion of checklist items for a description, by shared pairs of characters. Pure functions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Named(Protocol):
    """The attributes of an item that this module reads."""

    code: str
    name: str
    category: str | None


T = TypeVar("T", bound=Named)

#: Most suggestions.
LIMIT = 3
#: Items with a lower score are not suggested.
LEAST_SCORE = 0.12
_RUN = re.compile(r"[\u3400-\u9fffA-Za-z]+")

#: Terms of the lists by everyday word.
SYNONYMS: dict[str, str] = {
    "鸡": "养殖 饲养家禽家畜",
    "鸭": "养殖 饲养家禽家畜",
    "鹅": "养殖 饲养家禽家畜",
    "鸽": "养殖 饲养家禽家畜",
    "养猪": "养殖 饲养家禽家畜",
    "活禽": "养殖 饲养家禽家畜",
    "打鸣": "养殖 饲养家禽家畜",
    "狗": "犬类 犬只",
    "犬": "犬类 犬只",
    "遛狗": "犬只不牵绳",
    "牵绳": "犬只不牵绳",
    "狗绳": "犬只不牵绳",
    "嘴套": "大型犬无嘴套",
    "狗粪": "宠物粪便未清",
    "狗屎": "宠物粪便未清",
    "粪": "宠物粪便未清",
    "便溺": "宠物粪便未清",
    "流浪狗": "流浪犬捕捉",
    "野狗": "流浪犬捕捉",
    "咬人": "烈性犬 大型犬",
    "獒": "烈性犬 大型犬",
    "比特": "烈性犬 大型犬",
    "两只狗": "一户超一犬",
    "狗证": "无证养犬",
    "犬证": "无证养犬",
    "疫苗": "犬只未免疫",
    "搭建": "违建 建设",
    "加盖": "违建 建设",
    "阳光房": "违建 违法建设",
    "砌墙": "在建违法建设",
    "浇筑": "在建违法建设",
    "彩钢": "存量违建",
    "违章": "违建 违法建设",
    "停工": "在建违法建设",
    "多年": "存量",
    "砍树": "损坏树木花草",
    "撞断": "损坏树木",
    "砍伐": "损坏树木花草",
    "折断": "损坏树木花草",
    "剥皮": "损坏树木",
    "种菜": "占用绿化用地 毁绿种菜",
    "菜地": "占用绿化用地 毁绿种菜",
    "绿化带": "绿化用地",
    "草坪": "绿化用地 花草",
    "绿化": "绿化用地",
    "铲平": "占用绿化用地",
    "摆摊": "设摊",
    "地摊": "设摊",
    "摊贩": "设摊",
    "流动": "设摊",
    "叫卖": "设摊",
    "早点": "设摊",
    "人行道": "街面设摊",
    "占道": "街面设摊 店外经营",
    "出店": "店外经营",
    "门口摆": "店外经营",
    "门外": "店外经营",
    "货架": "店外经营",
    "店外": "店外经营",
    "杂物": "堆放 堆物",
    "堆积": "堆放 堆物",
    "堆": "堆放 堆物",
    "沙石": "公共场地堆物",
    "楼道": "公共部位",
    "楼梯": "公共部位",
    "晾晒": "吊挂",
    "晾衣": "吊挂",
    "衣架": "吊挂",
    "窗外": "窗外吊挂",
    "广告": "乱张贴涂写",
    "小广告": "乱张贴涂写",
    "张贴": "乱张贴涂写",
    "喷涂": "乱张贴涂写",
    "污水": "乱倒垃圾污水",
    "倒垃圾": "乱倒垃圾污水",
    "泔水": "乱倒垃圾污水",
    "焚烧": "露天焚烧",
    "烧垃圾": "露天焚烧",
    "烧秸秆": "露天焚烧",
    "分类": "生活垃圾未分类",
    "混投": "生活垃圾未分类",
    "建筑垃圾": "装修垃圾乱投",
    "装修": "装修垃圾",
    "油烟": "餐饮油烟未净化",
    "烧烤": "餐饮油烟",
    "净化": "油烟未净化",
    "高空": "建筑物抛撒 安全",
    "抛物": "抛撒垃圾",
    "扔下": "抛撒垃圾",
    "往下扔": "建筑物抛撒垃圾",
    "楼上扔": "建筑物抛撒垃圾",
    "工地": "施工",
    "夜里施工": "夜间施工噪声",
    "打桩": "夜间施工噪声",
    "噪音": "噪声",
    "吵": "噪声",
    "深夜": "噪声",
    "半夜": "噪声",
    "喇叭": "噪声",
    "空调": "外机",
    "冷柜": "商业设备噪声",
    "风机": "商业设备噪声",
    "广场舞": "邻里噪声",
    "跳舞": "邻里噪声",
    "弹琴": "邻里噪声",
    "隔壁": "邻里",
    "邻居": "邻里",
    "麻将": "邻里噪声",
    "僵尸车": "疑似报废机动车占用公共停车资源",
    "旧车": "疑似报废机动车占用公共停车资源",
    "积灰": "疑似报废机动车",
    "轮胎": "疑似报废机动车",
    "无牌": "疑似报废机动车",
    "地锁": "私占车位 地锁",
    "占车位": "私占车位",
    "抢车位": "私占车位",
    "锥筒": "私占车位",
    "消防车": "堵塞消防通道",
    "消防": "消防通道",
    "登高面": "堵塞消防通道",
    "电瓶车": "楼道停放电动车",
    "飞线": "飞线充电",
    "插线板": "飞线充电",
    "私拉": "飞线充电",
    "充电": "飞线充电",
    "执照": "无照经营",
    "无照": "无照经营",
    "承重": "拆改承重结构",
    "敲墙": "拆改承重结构",
    "砸墙": "拆改承重结构",
    "隔断": "群租",
    "群租": "群租 出租房",
    "租客": "出租房",
    "出租": "出租房",
    "井盖": "井盖 管网",
    "路灯": "路灯 管网",
    "下水道": "管网",
    "水管": "管网",
    "爆裂": "管网",
    "遮光": "树木遮光",
    "挡光": "树木遮光",
    "采光": "遮光",
    "树枝": "树木遮光 绿化养护",
    "枝叶": "树木遮光 绿化养护",
    "枯枝": "绿化养护",
    "枯树": "绿化养护",
    "修剪": "绿化养护",
    "漏水": "相邻纠纷 漏水",
    "渗水": "相邻纠纷 漏水",
    "楼上": "相邻",
}


def suggest(description: str, items: Sequence[T], limit: int = LIMIT) -> list[T]:
    """At most `limit` items whose name and category resemble the description, the likeliest first.

    A pair of characters weighs more the fewer items have it (inverse document frequency). The score is divided by the
    root of the item's own weight, so that a long name is no advantage."""
    pairs_by_item = [_pairs(f"{item.name} {item.category or ''}") for item in items]
    frequency = Counter(pair for pairs in pairs_by_item for pair in pairs)
    weight = {pair: math.log(1 + len(items) / count) for pair, count in frequency.items()}
    description_pairs = _pairs(description)
    synonym_pairs = _pairs(" ".join(term for word, term in SYNONYMS.items() if word in description))
    scored = []
    for item, pairs in zip(items, pairs_by_item, strict=True):
        shared = sum(
            weight[pair] * (1.5 if pair in description_pairs else 1.0)
            for pair in pairs & (description_pairs | synonym_pairs)
        )
        score = shared / math.sqrt(sum(weight[pair] for pair in pairs) or 1.0)
        if score > LEAST_SCORE:
            scored.append((-score, item.code, item))
    return [item for _score, _code, item in sorted(scored, key=lambda entry: entry[:2])[:limit]]


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring characters within runs of letters."""
    return {run[i : i + 2] for run in _RUN.findall(text.lower()) for i in range(len(run) - 1)}
