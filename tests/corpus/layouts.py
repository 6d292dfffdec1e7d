"""Rosters of known people at random: any of the layouts that offices use, with anything that they type in a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.corpus.people import OFFICERS, PEOPLE, Person
from tests.corpus.sheets import Form, Meaning, Sheet

Typing = Callable[[Person], Any]
#: How a name, a mobile number and a community are typed. The meaning is clear in each.
NAMES: Sequence[Typing] = (
    lambda person: person.name,
    lambda person: " ".join(person.name),
    lambda person: "　".join(person.name),
    lambda person: f"{person.name} \n",
    lambda person: f"{person.name}（{person.post}）",
    lambda person: f"{person.name}(兼)",
    lambda person: f"\u200b{person.name}",
)
MOBILES: Sequence[Typing] = (
    lambda person: person.mobile,
    lambda person: int(person.mobile),
    lambda person: float(person.mobile),
    lambda person: person.spaced,
    lambda person: person.spaced.replace(" ", "-"),
    lambda person: f"+86{person.mobile}",
    lambda person: person.mobile.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
    lambda _person: None,
    lambda _person: "/",
    lambda _person: "无",
)
COMMUNITIES: Sequence[Typing] = (
    lambda person: person.community,
    lambda person: person.short,
    lambda person: f"{person.community}居委会",
    lambda person: f" {person.community}",
)
VACANT: Sequence[Typing] = (lambda _person: "暂缺", lambda _person: "（待定）", lambda _person: "空缺")
#: Whatever nobody can take for one name or one number.
UNCLEAR_NAMES: Sequence[Typing] = (
    lambda person: f"{person.name}、{PEOPLE[0].name if person is not PEOPLE[0] else PEOPLE[1].name}",
    lambda person: f"{person.name}{person.mobile}",
    lambda person: person.name[0] + "女士",
)
UNCLEAR_MOBILES: Sequence[Typing] = (
    lambda person: person.mobile[:10],
    lambda person: f"{person.mobile}/13900001234",
    lambda _person: "1.38E+10",
)


@dataclass(frozen=True)
class Typed:
    """A person as typed into the cells of a row, and what it means."""

    person: Person
    name: Any
    mobile: Any
    community: Any
    officer: str
    meaning: Meaning = Meaning.CLEAR

    def note(self, sheet: Sheet, row: int, gives: Sequence[str] = (), **others: Any) -> None:
        """Note in the sheet what is true of the row."""
        if self.meaning is Meaning.CLEAR:
            sheet.person(row, self.person, gives, **others)
        elif self.meaning is Meaning.VACANT:
            sheet.vacant(row)
        else:
            sheet.unclear(row)


@st.composite
def typed(draw: st.DrawFn, person: Person) -> Typed:
    community = draw(st.sampled_from(COMMUNITIES))(person)
    officer = draw(st.sampled_from(OFFICERS))
    name, mobile = draw(st.sampled_from(NAMES))(person), draw(st.sampled_from(MOBILES))(person)
    meaning = Meaning.CLEAR
    match draw(st.integers(0, 9)):
        case 0:
            name, mobile, meaning = draw(st.sampled_from(VACANT))(person), None, Meaning.VACANT
        case 1:
            name, meaning = draw(st.sampled_from(UNCLEAR_NAMES))(person), Meaning.UNCLEAR
        case 2:
            mobile, meaning = draw(st.sampled_from(UNCLEAR_MOBILES))(person), Meaning.UNCLEAR
    return Typed(person, name, mobile, community, officer, meaning)


def plain(people: Sequence[Typed]) -> Sheet:
    sheet = Sheet()
    sheet.line("街道", "社区", "姓名", "手机")
    for one in people:
        one.note(sheet, sheet.line(one.person.street, one.community, one.name, one.mobile))
    return sheet


def titled(people: Sequence[Typed]) -> Sheet:
    """A title, a line with the unit, a serial number; a total and a signature below."""
    sheet = Sheet("花名册")
    sheet.title("社区联络员花名册", 6)
    sheet.line("填报单位：综合行政执法局", None, None, None, "2026年7月1日")
    sheet.line("序号", "姓名", "性别", "社区", "联系电话", "备注")
    for number, one in enumerate(people, 1):
        sex = None if one.meaning is Meaning.VACANT else one.person.sex
        row = sheet.line(number, one.name, sex, one.community, one.mobile, "/")
        one.note(sheet, row, ["gender"])
    sheet.line("合计", f"{len(people)}人")
    sheet.line("填表人：周敏", None, None, "负责人：")
    return sheet


def blocks(people: Sequence[Typed]) -> Sheet:
    """The street in a row of its own above its communities."""
    sheet = Sheet()
    sheet.line("社区", "联络员", "手机号码", "备注")
    street = ""
    for one in people:
        if one.person.street != street:
            street = one.person.street
            sheet.title(street, 4)
        one.note(sheet, sheet.line(one.community, one.name, one.mobile, None))
    return sheet


def merged(people: Sequence[Typed]) -> Sheet:
    """The street in a cell merged over its communities; the header printed again in the middle."""
    sheet = Sheet()
    header = ("所属街道", "社区名称", "联络员姓名", "手机号")
    sheet.line(*header)
    start, street = 2, ""
    for number, one in enumerate(people):
        if number == 4:
            sheet.line(*header)
        if again := one.person.street == street and number != 4:
            sheet.merged[-1:] = []
        else:
            start, street = len(sheet.rows) + 1, one.person.street
        one.note(sheet, sheet.line(None if again else street, one.community, one.name, one.mobile))
        sheet.merge(start, 1, height=len(sheet.rows) - start + 1)
    return sheet


def two_tiers(people: Sequence[Typed]) -> Sheet:
    """The officer on duty with a name and a telephone of their own, left of the liaison."""
    sheet = Sheet()
    sheet.line("社区", "联居队员", None, "联络员", None)
    sheet.line(None, "姓名", "手机", "姓名", "手机")
    sheet.merge(1, 1, height=2)
    sheet.merge(1, 2, width=2)
    sheet.merge(1, 4, width=2)
    for one in people:
        row = sheet.line(one.community, one.officer, "13900000000", one.name, one.mobile)
        one.note(sheet, row, officer=one.officer)
    return sheet


def halves(people: Sequence[Typed]) -> Sheet:
    """The second half of the people beside the first."""
    sheet = Sheet()
    sheet.line("社区", "姓名", "手机", "社区", "姓名", "手机")
    middle = (len(people) + 1) // 2
    for index, left in enumerate(people[:middle]):
        right = people[middle + index :][:1]
        row = sheet.line(*(cell for one in (left, *right) for cell in (one.community, one.name, one.mobile)))
        for one in (left, *right):
            one.note(sheet, row)
    return sheet


LAYOUTS = (plain, titled, blocks, merged, two_tiers, halves)
#: The columns of a roster in any order, each with labels that offices give it and what stands in it.
COLUMNS: Sequence[tuple[Sequence[str], Callable[[Typed], Any]]] = (
    (("社区", "所在社区", "社区（村）", "社 区"), lambda one: one.community),
    (("姓名", "联络员", "联络员姓名", "社区联络员"), lambda one: one.name),
    (("手机", "手机号码", "联系电话", "移动电话", "联系方式"), lambda one: one.mobile),
    (("街道", "所属街道", "街道（镇）"), lambda one: one.person.street),
    (("联居队员", "包联队员"), lambda one: one.officer),
    (("序号", "编号", "NO."), lambda one: PEOPLE.index(one.person) + 1),
    (("身份证号", "出生年月", "政治面貌"), lambda _one: "群众"),
    (("任职时间", "任职日期"), lambda one: f"{one.person.start:%Y.%m.%d}"),
)


@st.composite
def in_any_order(draw: st.DrawFn, people: Sequence[Typed]) -> Sheet:
    columns = draw(st.permutations(COLUMNS))
    sheet = Sheet()
    sheet.line(*(draw(st.sampled_from(labels)) for labels, _cell in columns))
    for one in people:
        one.note(sheet, sheet.line(*(cell(one) for _labels, cell in columns)), officer=one.officer)
    return sheet


@st.composite
def rosters(draw: st.DrawFn) -> Form:
    """A workbook of a few people in any layout."""
    places = draw(st.sets(st.integers(0, len(PEOPLE) - 1), min_size=2, max_size=8))
    people = [draw(typed(PEOPLE[place])) for place in sorted(places)]
    layout = draw(st.sampled_from((None, *LAYOUTS)))
    return Form("liaison", [layout(people) if layout else draw(in_any_order(people))])
