"""Rows that are not data: totals, signatures, seals, notes, page numbers and date lines, told by their words and by
their shape."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum

from panel.i18n import Message, _
from panel.kinds import narrow

_TOTALS = (
    "((人数|户数|件数)?(合计|总计|小计|共计|累计)(人数|户数|件数|数)?|总数|汇总|计数|总计数|总人数|总户数|总件数|平均|占比|百分比|"
    "[Ss]ubtotal|(GRAND|Grand)?([Tt]otal|TOTAL))"
)
_NUMBER = r"[(]?约?[\d一二三四五六七八九十百千两]+(\.\d+)?%?[)]?"
_UNIT = "(人次|人|户|个|条|项|名|行|件|家|起|辆|处|次|宗|栋|位|只|元)?"
_HAN = "一二三四五六七八九十"
_DATE = rf"([\d〇零{_HAN}]{{2,4}}[-./年][\d{_HAN}]{{0,2}}([-./月][\d{_HAN}]{{0,3}}[日号]?)?|年月日?)"
_ROLES = (
    "(主要|分管|单位|部门|科室|社区|街道|中队|大队|本)?(领导|负责人?|经办人?|制表人?|填表人?|填报人?|审核人?|复核人?|校对人?|审批人?|签发人?|统计人?|联系人|报送人|上报人|录入人|"
    "核对人?|编制人?|制单人?|签收人?|签字人?|签名|盖章|验收人|主管|站长|书记|主任|队长|局长)"
)
_SEAL = "(签字|签名|签章|盖章|公章|手印)"


class Reason(Enum):
    """Why a row is left out, by its words."""

    EXAMPLE = _("example")
    SUBTOTAL = _("subtotal")
    TOTAL = _("total")
    COUNT = _("number of rows")
    SIGNATURE = _("signature")
    UNIT = _("unit or seal")
    EXPORT = _("export number")
    DATE = _("date")
    PAGE = _("page number")
    NOTE = _("note")
    REMARK = _("numbered note")

    value: Message


#: Told by the whole text of a cell, without white space and in narrow characters; the first that fits counts.
_PATTERNS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (Reason.EXAMPLE, re.compile("(示例|[Ee]xample):.*")),
    (Reason.SUBTOTAL, re.compile(".{0,8}(小计|本页合计|[Ss]ubtotal):?")),
    (Reason.TOTAL, re.compile(f".{{0,8}}{_TOTALS}([(].{{1,4}}[)])?:?")),
    (Reason.COUNT, re.compile(f"{_TOTALS}:?{_NUMBER}{_UNIT}([,、;]{_NUMBER}{_UNIT})*。?")),
    # Several counts in one line: 移送 5 件，已反馈 3 件.
    (Reason.COUNT, re.compile(rf"([\u4e00-\u9fff]{{1,8}}:?\d+{_UNIT}[,、;。]?){{2,}}")),
    (
        Reason.COUNT,
        re.compile(
            f"(以上|本页|本表|总|全部|合)?(共计?|计|合计|总计|小计|累计|总数):?{_NUMBER}{_UNIT}([,;。](其中|男|女).*)?。?"
        ),
    ),
    (
        Reason.PAGE,
        re.compile(
            rf"第{_NUMBER}页(.{{0,2}}共{_NUMBER}页)?|共{_NUMBER}页|page\d+((of|/)\d+)?|\d+/\d+页?|[-—–]+\d*[-—–]+", re.I
        ),
    ),
    (
        Reason.PAGE,
        re.compile(
            "[(]?(续表|续上表|上接.*页|接上页|转下页|承上页|承前页|过次页|见下页|续下页|未完待续|(此页|以下)?(无正文|空白)|[-—]*完[-—]*)"
            "[)]?[。.]?"
        ),
    ),
    (Reason.UNIT, re.compile(f"(填报|报送|制表|上报|编制|主管)?单位(名称)?([(]?{_SEAL}[)]?:?.*|:.*)")),
    (
        Reason.DATE,
        re.compile(
            f"(填表|制表|填报|报送|上报|统计|审核|打印|制作|截止|截至|更新|编制)?(日期|时间)?[:至]?{_DATE}(止|制)?"
            r"(\d{1,2}:\d{2}(:\d{2})?)?"
        ),
    ),
    (Reason.DATE, re.compile("(填表|制表|填报|报送|上报|统计|审核|打印|制作|截止|更新)(日期|时间):?")),
    (Reason.SIGNATURE, re.compile(f"{_ROLES}([(]{_SEAL}[)])?:.*|.{{0,12}}[(]?{_SEAL}[)]?:?")),
    (Reason.SIGNATURE, re.compile(f"{_ROLES}{_SEAL}.*|(联系)?电话:.*|.{{0,8}}(意见|批示)([(]{_SEAL}[)])?:.*")),
    (Reason.EXPORT, re.compile("(导出编号|[Ee]xportno\\.):.*")),
    (
        Reason.NOTE,
        re.compile(
            r"(注|备注|说明|附注?|附件|附表|填表说明|填报说明|填写说明|特别说明|注意事项?|温馨提示|提示|要求)\d?([:、．]|$).*"
        ),
    ),
    (
        Reason.NOTE,
        re.compile(
            "(本|此)(表|名单|名册|花名册|台账)(一式|由|按|须|应|请|每|仅|共).*|以上情况(属实|真实).*|特此(说明|证明|报告).*"
        ),
    ),
    (
        Reason.REMARK,
        re.compile(r"[*※★☆▲●◆■→#].+|[(]?([一二三四五六七八九十]{1,3}|\d{1,2}|[①-⑳])[)、．:](?!\d).+|\d{1,2}\.(?!\d).+"),
    ),
)
#: Numbers may stand beside these.
_TOTAL_LIKE = frozenset({Reason.TOTAL, Reason.SUBTOTAL, Reason.COUNT})
#: No day stands beside these, unless the row is data.
_NOTES = frozenset({Reason.NOTE, Reason.REMARK})
_NUMERIC = re.compile(rf"[-+]?[\d,.]+%?|{_NUMBER}{_UNIT}|[/—-]+")
#: Words of a note. In a table of one required column a numbered line is a note only with one of these.
_NOTE_WORDS = re.compile("请|须|应当?|不得|务必|填写|如有|本表|此表|以上|以下")


def compact(text: str) -> str:
    return narrow(text).replace(" ", "")


def kind_of(text: str) -> Reason | None:
    """What the words of a cell read like; None for data."""
    form = compact(text)
    return next((reason for reason, pattern in _PATTERNS if pattern.fullmatch(form)), None)


def reason_of(
    texts: Mapping[int, str], mapped: Collection[int], required: Collection[int], dated: Collection[int] = ()
) -> Reason | None:
    """Why a row with these texts, by column index, is left out; None if it is data. `mapped` are the columns that are
    read, `required` those that a row must have, `dated` the columns of days among these.

    It is left out if one of its cells reads like a footer, no required cell holds anything else, and the rest is what
    such a row has: the name or number behind a label, the numbers of a total."""
    kinds = {index: kind_of(text) for index, text in texts.items()}
    if kinds[next(iter(texts))] is Reason.EXAMPLE:
        return Reason.EXAMPLE
    for index in dated:
        if kinds.get(index) is Reason.DATE:
            kinds[index] = None
    reasons = [kind for kind in kinds.values() if kind is not None]
    if not reasons:
        return None
    rest = _rest(texts, kinds)
    if (total := next((kind for kind in reasons if kind in _TOTAL_LIKE), None)) is not None:
        return None if any(index in required for index in _words(texts, rest, total)) else total
    if reasons[0] in _NOTES:
        rest += [index for index, kind in kinds.items() if kind is Reason.DATE]
    if any(index in mapped for index in rest):
        return None
    if set(reasons) == {Reason.REMARK} and len(required) < 2 and not any(map(_NOTE_WORDS.search, texts.values())):
        return None
    return reasons[0]


def _words(texts: Mapping[int, str], rest: Sequence[int], total: Reason) -> list[int]:
    """The columns of `rest` without numbers and, beside a total, without the words that name the number to their right:
    合计 | 受理 | 12 | 结案 | 9."""
    numbers = {index for index in rest if _NUMERIC.fullmatch(compact(texts[index]))}
    behind = dict(zip(texts, list(texts)[1:], strict=False))
    return [
        index
        for index in rest
        if index not in numbers and not (total is not Reason.COUNT and behind.get(index) in numbers)
    ]


def _rest(texts: Mapping[int, str], kinds: Mapping[int, Reason | None]) -> list[int]:
    """The columns whose text is neither a footer's nor stands directly behind a label that ends with a colon."""
    rest, behind_label = [], False
    for index, text in texts.items():
        if kinds[index] is None and not behind_label:
            rest.append(index)
        behind_label = kinds[index] is not None and compact(text).endswith(":")
    return rest
