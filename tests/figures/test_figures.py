"""Every figure against a slow and obvious second implementation, on made-up data, by every breakdown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from bureau.calendar.periods import Span
from bureau.figures import groups as indicatorgroups
from bureau.figures import sums
from bureau.figures.figures import FIGURES, PARTS
from bureau.figures.groups import Grouping, Names, ReportQuery
from bureau.figures.sums import Line, Table
from bureau.figures.terms import Terms
from models import CalendarDay, Community, ListKind
from panel.kinds import Invalid
from tests import plain_figures
from tests.conftest import clock
from tests.factories import Stage, counted
from tests.plain_figures import Plain

SPANS = (
    Span(date(2026, 6, 1), date(2026, 6, 30)),
    Span(date(2026, 5, 13), date(2026, 7, 31)),
    Span(date(2026, 4, 1), date(2026, 12, 31)),
)
SEEDS = (1, 2)
#: On PostgreSQL one role tries the statements.
ROLES = ("office", pytest.param("leader", marks=pytest.mark.database), "officer")


@pytest.fixture(scope="module")
def worlds(growing: Stage) -> Stage:
    """Made-up cases, and a day off and a Saturday at work among the days."""
    with clock(), growing.session() as session:
        session.add_all(
            [
                CalendarDay(day=date(2026, 6, 19), is_work=False, name="端午节"),
                CalendarDay(day=date(2026, 6, 13), is_work=True, name="端午节"),
            ]
        )
        plain_figures.fill(session, growing.inside, growing.outside, seed=1, count=110)
    return growing


def numbers(line: Line) -> plain_figures.Told:
    """A line of ours, as the second implementation tells it."""
    return {
        name: (value.whole if value.part is None else value.part, value.whole, value.number, value.median)
        for name, value in line.values.items()
    }


def compare(session: Any, plain: Plain, span: Span, by: Grouping) -> None:
    table = sums.table(session, ReportQuery(span), by)
    pairs = plain.figures(span)
    assert_same(numbers(table.total), plain_figures.told(plain, pairs, lambda _r: True))
    groups: dict[Any, Any] = {}
    for line in table.lines:
        if by is Grouping.MONTH:
            months = plain.figures(line.query.span)
            assert_same(numbers(line), plain_figures.told(plain, months, lambda _r: True))
            continue
        key = plain_key(by, line, Names.load(session))
        groups[key] = line
        assert_same(numbers(line), plain_figures.told(plain, pairs, lambda r, key=key: plain.key(by, r) == key))
    if by not in (Grouping.WHOLE, Grouping.MONTH):
        there = {plain.key(by, record) for pair in pairs.values() for records in pair for record in records}
        assert there - {"nowhere"} <= set(groups)


def plain_key(by: Grouping, line: Line, names: Names) -> Any:
    """The group of a line, as the second implementation calls it."""
    if line.query.community == 0:
        return "not visible"
    given = getattr(line.query, {Grouping.LIST: "list", Grouping.PILOT: "pilot"}.get(by, by.value))
    if by is Grouping.PILOT:
        return None if given is None else bool(given)
    if by is Grouping.LIST:
        return None if given == "none" else ListKind.of(given)
    if by is Grouping.ITEM:
        return None if given == 0 else names.items[given].code
    return None if given == 0 else given


def assert_same(ours: plain_figures.Told, theirs: plain_figures.Told) -> None:
    for name, told in theirs.items():
        assert ours[name] == pytest.approx(told), name


@pytest.mark.parametrize("role", ROLES)
def test_every_figure_is_what_one_counts_by_hand(worlds: Stage, role: str) -> None:
    """Of what the person reaches, and of nothing else."""
    with worlds.acting(role) as session:
        plain = Plain(session)
        for by in Grouping:
            for span in SPANS if by is Grouping.WHOLE else SPANS[1:2]:
                compare(session, plain, span, by)


@pytest.mark.parametrize("seed", SEEDS)
def test_so_it_is_on_other_data(stage: Stage, seed: int) -> None:
    with stage.session() as session:
        plain_figures.fill(session, stage.inside, stage.outside, seed=100 + seed, count=80)
        plain = Plain(session)
        for by in (Grouping.WHOLE, Grouping.COMMUNITY, Grouping.MONTH):
            compare(session, plain, SPANS[2], by)


def test_the_made_up_data_says_something_of_every_figure(worlds: Stage) -> None:
    """A figure that is nothing or everything would be compared with itself."""
    with worlds.session() as session:
        total = sums.table(session, ReportQuery(SPANS[2]), Grouping.WHOLE).total
    for name, value in total.values.items():
        assert value.whole > 15, name
        assert value.part is None or 0 < value.part != value.whole, name


FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"squad": 0},
    {"squad": 1},
    {"street": 1, "community": 1},
    {"list": "service"},
    {"list": "none"},
    {"item": 1},
    {"item": 0},
    {"pilot": 0},
    {"squad": 1, "list": "enforcement"},
)


@pytest.fixture(scope="module")
def behind() -> dict[tuple[ReportQuery, str], int]:
    """How many records each list of the leader's has. Lines of several tables lead to the same ones."""
    return {}


@pytest.mark.parametrize("filters", [pytest.param({}, marks=pytest.mark.database), *FILTERS[1:]], ids=str)
def test_a_number_and_the_list_behind_it_are_the_same_records(
    worlds: Stage, behind: dict[tuple[ReportQuery, str], int], filters: dict[str, Any]
) -> None:
    def listed(asked: ReportQuery, part: str) -> int:
        if (asked, part) not in behind:
            behind[asked, part] = count_listed(session, asked, part)
        return behind[asked, part]

    with worlds.acting("leader") as session:
        for by in (Grouping.SQUAD, Grouping.ITEM, Grouping.MONTH) if not filters else (Grouping.SQUAD,):
            table = sums.table(session, ReportQuery(SPANS[1], **filters), by)
            for line in [*table.lines, table.total]:
                # The groups of a filtered table look at a third of the figures, each time at another one.
                each = (
                    slice(FILTERS.index(filters) % 3, None, 3) if filters and line is not table.total else slice(None)
                )
                for name, figure in list(FIGURES.items())[each]:
                    value = line.values[name]
                    assert listed(line.query, figure.whole.name) == value.whole, (name, line)
                    if figure.part is not None:
                        assert listed(line.query, figure.part.name) == value.part, (name, line)


def count_listed(session: Any, asked: ReportQuery, part_name: str) -> int:
    """How many records the list behind a number has, found by its address alone."""
    found = indicatorgroups.parse_list_name(asked.name_of(PARTS[part_name]))
    assert found is not None
    part, again = found
    assert again == asked
    conditions = [part.where(Terms.of(session, again.span)), *indicatorgroups.narrowing(part, again)]
    statement = sa.select(sa.func.count()).select_from(part.universe.model).where(*conditions)
    return int(session.execute(statement).scalar_one())


@pytest.mark.database
def test_what_has_nothing_to_divide_by_has_no_value(stage: Stage) -> None:
    empty = ReportQuery(Span(date(1995, 1, 1), date(1995, 12, 31)))
    with stage.session() as session:
        for by in Grouping:
            table = sums.table(session, empty, by)
            for line in [*table.lines, table.total]:
                for value in line.values.values():
                    assert (value.whole, value.number, value.median) == (0, None, None)
                    assert not value.part


def test_the_statements_stay_as_many_as_rows_grow(stage: Stage) -> None:
    def sent(by: Grouping) -> int:
        with stage.session() as session, counted(stage.panel.db.engine) as statements:
            sums.table(session, ReportQuery(SPANS[2]), by)
            return len(statements)

    before = {by: sent(by) for by in Grouping}
    with stage.session() as session:
        plain_figures.fill(session, stage.inside, stage.outside, seed=9, count=90)
    assert {by: sent(by) for by in Grouping} == before
    assert max(before.values()) <= 16


def test_mean_and_median_are_of_the_days_not_of_the_groups() -> None:
    days = sums.Counter({0: 5, 1: 1, 9: 2})
    assert sums.mean(days) == 19 / 8
    assert sums.median(days) == 0
    assert sums.median(sums.Counter({1: 2, 4: 2})) == 2.5
    assert sums.median(sums.Counter({3: 1})) == 3
    assert sums.median(sums.Counter()) is None


def test_a_leader_sees_the_numbers_of_the_own_squad_alone(worlds: Stage) -> None:
    """Of other squads' communities at most the cases that the own people work on, and those as "not visible"."""
    with worlds.acting("leader") as session:
        own: Table = sums.table(session, ReportQuery(SPANS[2]), Grouping.SQUAD)
        reached = set(session.execute(sa.select(Community.id)).scalars())
    with worlds.session() as session:
        everything = sums.table(session, ReportQuery(SPANS[2]), Grouping.SQUAD)
        others = session.execute(sa.select(sa.func.count(Community.id)).where(Community.id.not_in(reached))).scalar()
    assert others
    assert {line.query.squad for line in own.lines if line.query.community is None} == {worlds.inside["squad"]}
    assert own.total.values["closing"].whole < everything.total.values["closing"].whole
    by_squad = {line.query.squad: line for line in everything.lines}
    mine = next(line for line in own.lines if line.query.squad == worlds.inside["squad"])
    assert mine.values["visits"] == by_squad[worlds.inside["squad"]].values["visits"]


@pytest.mark.parametrize(
    "name",
    [
        "figure.nothing.2026-06-01.2026-06-30",
        "figure.due.2026-06-31.2026-06-30",
        "figure.due.2026-07-01.2026-06-30",
        "figure.due.1990-01-01.2026-06-30",
        "figure.due.2026-06-01.2026-06-30.list-x",
        "figure.due.2026-06-01.2026-06-30.squad-1x",
        "figure.due.2026-06-01.2026-06-30.colour-1",
        "figure.due.2026-06-01.2026-06-30.squad-99999999999",
        "overdue",
    ],
)
def test_what_names_no_list_behind_a_figure_is_none(name: str) -> None:
    assert indicatorgroups.parse_list_name(name) is None


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Span(date(2026, 5, 1), date(2026, 5, 31)), "2026年5月"),
        (Span(date(2026, 4, 1), date(2026, 6, 30)), "2026年4月至6月"),
        (Span(date(2026, 1, 1), date(2026, 12, 31)), "2026年"),
        (Span(date(2025, 12, 1), date(2026, 1, 31)), "2025年12月至2026年1月"),
        (Span(date(2026, 5, 3), date(2026, 5, 3)), "2026年5月3日"),
        (Span(date(2026, 5, 3), date(2026, 5, 20)), "2026年5月3日至5月20日"),
        (Span(date(2025, 12, 31), date(2026, 1, 1)), "2025年12月31日至2026年1月1日"),
    ],
)
def test_a_period_is_called_as_people_call_it(span: Span, words: str) -> None:
    assert span.words == words
    months = span.months()
    assert (months[0].first, months[-1].last) == (span.first, span.last)
    assert sum((m.last - m.first).days + 1 for m in months) == (span.last - span.first).days + 1


def test_a_period_ends_after_it_begins_and_is_no_longer_than_it_may_be() -> None:
    with pytest.raises(Invalid):
        Span(date(2026, 5, 2), date(2026, 5, 1))
    with pytest.raises(Invalid):
        Span(date(2020, 5, 2), date(2026, 5, 1))
    with pytest.raises(Invalid):
        Span.typed("", None)
    assert Span.typed("2026-05-02", "") == Span(date(2026, 5, 2), date(2026, 5, 2))
