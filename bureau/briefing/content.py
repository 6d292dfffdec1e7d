"""What the month in words tells: counts, figures beside the month before and the same month of the year before, the
items reported most, the communities that are slow, and cases that the office chose. All in the actor's scope.

The keys are the words of the template (bureau/briefing/web/template.py): Chinese, as its authors write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.calendar.periods import Span
from bureau.cases.privacy import redact
from bureau.figures import sums
from bureau.figures.figures import FIGURES, Figure, Form
from bureau.figures.groups import Grouping, Names, ReportQuery
from bureau.figures.sums import NO_VALUE, Line, Value
from bureau.mediation.records import parties_of
from bureau.settings import settings
from models import Case
from panel.base import UNSCOPED
from panel.i18n import DEFAULT_LOCALE, using_locale
from panel.kinds import today

#: Items, slow communities and told cases at most.
ITEMS, SLOW, TOLD = 5, 5, 3
#: Fewest cases due for a community's rate to say something.
LEAST_DUE = 3
EQUAL = "持平"
#: Headline counts: label, and the figure whose whole is the count.
COUNTS = (
    ("上报", "repeats"),
    ("办结", "not_raised"),
    ("移送", "replies"),
    ("调解", "agreement"),
    ("应走访", "punctual"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """The tables of three periods: this month, the month before, and this month of the year before."""

    now: Line
    before: Line
    last_year: Line


def context(session: Session, month: Month, case_ids: Sequence[int]) -> dict[str, Any]:
    """The words of a month. The number of statements doesn't grow with the records."""
    with using_locale(DEFAULT_LOCALE):
        names = Names.load(session)
        told = Told(*(_total(session, other, names) for other in (month, month.plus(-1), month.plus(-12))))
        query = ReportQuery(Span.of(month))
        return {
            "单位": settings.get(session, "unit_name"),
            "月份": month.words,
            "统计周期": month.span,
            "制表日期": _day(today()),
            "数量": [_count(label, name, told) for label, name in COUNTS],
            "指标": [_figure(figure, told) for figure in FIGURES.values()],
            "高发事项": _items(session, query, names),
            "办理较慢社区": _slow(session, query, names),
            "案例": _cases(session, case_ids),
        }


def _day(day: Any) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _total(session: Session, month: Month, names: Names) -> Line:
    return sums.table(session, ReportQuery(Span.of(month)), Grouping.WHOLE, names).total


def _count(label: str, name: str, told: Told) -> dict[str, str]:
    now, before, year = (line.values[name].whole for line in (told.now, told.before, told.last_year))
    return {"名称": label, "件数": str(now), "环比": _growth(now, before), "同比": _growth(now, year)}


def _growth(now: int, before: int) -> str:
    """The change of a count in percent; without a value where there was nothing before."""
    if not before:
        return NO_VALUE
    return EQUAL if now == before else f"{(now - before) / before:+.1%}"


def _figure(figure: Figure, told: Told) -> dict[str, str]:
    now, before, year = (line.values[figure.name] for line in (told.now, told.before, told.last_year))
    return {
        "名称": str(figure.label),
        "本月": _number(figure, now),
        "上月": _number(figure, before),
        "去年同月": _number(figure, year),
        "环比": _difference(figure, now, before),
        "同比": _difference(figure, now, year),
    }


def _number(figure: Figure, value: Value) -> str:
    if value.number is None:
        return NO_VALUE
    if figure.form is Form.SHARE:
        return f"{value.number:.1%}"
    return f"{value.number:.1f}{'个工作日' if figure.form is Form.DAYS else '次'}"


def _difference(figure: Figure, now: Value, before: Value) -> str:
    """The difference, of shares in percentage points."""
    if now.number is None or before.number is None:
        return NO_VALUE
    gap = now.number - before.number
    shown = f"{gap * 100 if figure.form is Form.SHARE else gap:+.1f}"
    return EQUAL if float(shown) == 0 else shown


def _items(session: Session, query: ReportQuery, names: Names) -> list[dict[str, str]]:
    """The items reported most."""
    lines = sums.table(session, query, Grouping.ITEM, names, _only("repeats")).lines
    most = sorted(lines, key=lambda line: -line.values["repeats"].whole)
    named = [line for line in most if line.query.item is not None and line.values["repeats"].whole]
    total = sum(line.values["repeats"].whole for line in lines) or 1
    return [
        {
            "名称": str(line.label),
            "件数": str(line.values["repeats"].whole),
            "占比": f"{line.values['repeats'].whole / total:.1%}",
        }
        for line in named[:ITEMS]
    ]


def _slow(session: Session, query: ReportQuery, names: Names) -> list[dict[str, str]]:
    """The communities that close the least in time, of those with enough cases due."""
    lines = sums.table(session, query, Grouping.COMMUNITY, names, _only("closing_in_time")).lines
    rated = [(line, line.values["closing_in_time"]) for line in lines]
    slow = [(value.number, line, value) for line, value in rated if value.number is not None and value.number < 1]
    slow = [entry for entry in slow if entry[2].whole >= LEAST_DUE]
    return [
        {"名称": str(line.label), "应结": str(value.whole), "按期": str(value.part), "按期结案率": f"{rate:.1%}"}
        for rate, line, value in sorted(slow, key=lambda entry: (entry[0], -entry[2].whole))[:SLOW]
    ]


def _only(name: str) -> Mapping[str, Figure]:
    return {name: FIGURES[name]}


def _cases(session: Session, case_ids: Sequence[int]) -> list[dict[str, str]]:
    """The chosen cases in the order of choice, without the names of parties."""
    statement = select(Case).where(Case.id.in_(case_ids)).options(joinedload(Case.community), joinedload(Case.item))
    found = {case.id: case for case in session.scalars(statement)}
    merged = select(Case.id, Case.master_id).where(Case.master_id.in_(found))
    masters = {row.id: row.master_id for row in session.execute(merged, execution_options=UNSCOPED)}
    people = parties_of(session, [*found, *masters])
    for id_, master in masters.items():
        people[master] += people[id_]
    return [_told(found[id_], people[id_]) for id_ in dict.fromkeys(case_ids) if id_ in found]


def _told(case: Case, parties: Any) -> dict[str, str]:
    reported = local(case.reported_at)
    return {
        "标题": redact(case.title, parties) or case.case_no,
        "编号": case.case_no,
        "日期": f"{reported.month}月{reported.day}日",
        "社区": case.community.name,
        "事项": case.item.name if case.item is not None else "",
        "情况": redact(case.description, parties),
        "处置方式": str(case.outcome.label) if case.outcome is not None else "",
        "结果": redact(case.result, parties) or "正在办理。",
    }
