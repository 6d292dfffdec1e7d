"""The figures of a period, by group: sums that the database makes, within the scope of the session's actor, in a number
of statements that doesn't grow with the rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from bureau.calendar.calendar import Calendar
from bureau.calendar.sql_days import local_day
from bureau.figures import groups
from bureau.figures.figures import FIGURES, PARTS, Figure, Form
from bureau.figures.groups import PLACES, Grouping, Names, ReportQuery
from bureau.figures.parts.cases import HANDLED_ACCEPTED
from bureau.figures.parts.model import Part, Universe
from bureau.figures.terms import Terms
from models import Case, Mediation, MediationSession, Visit
from panel.i18n import Message, _

EPOCH = date(1970, 1, 1)
#: What stands where there is nothing to divide by.
NO_VALUE = "—"
#: The group of what counts in the whole alone; ids are positive, months count from 0.
_WHOLE = -1


@dataclass(frozen=True, slots=True)
class Value:
    """A figure: `part` of `whole`. `number` is None where there is nothing to divide by. In days, `number` is the mean
    and `median` the median, both in working days."""

    whole: int
    part: int | None = None
    number: float | None = None
    median: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A group: the filters that lead to it, what it is called, its figures by name."""

    asked: ReportQuery
    label: Message | str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Table:
    """The groups in their order, and all of them together."""

    by: Grouping
    lines: Sequence[Line]
    total: Line


@dataclass(slots=True)
class Sums:
    """What was counted of a group: records by part, and cases by working days from acceptance to handling."""

    counts: Counter[str] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)

    def add(self, other: Sums) -> None:
        self.counts.update(other.counts)
        self.days.update(other.days)

    def without(self, names: Collection[str]) -> Sums:
        return Sums(Counter({name: n for name, n in self.counts.items() if name not in names}), self.days)

    def value(self, figure: Figure) -> Value:
        whole = self.counts[figure.whole.name]
        if figure.form is Form.DAYS:
            return Value(whole, None, mean(self.days), median(self.days))
        assert figure.part is not None
        part = self.counts[figure.part.name]
        return Value(whole, part, part / whole if whole else None)


def table(
    session: Session,
    asked: ReportQuery,
    by: Grouping,
    names: Names | None = None,
    figures: Mapping[str, Figure] = FIGURES,
) -> Table:
    """The figures of a period, by group and for all groups together. A number of a month counts what that month's
    own page does, so that a case closed in two months stands in both and once in the whole."""
    names = names or Names.load(session)
    terms = Terms.of(session, asked.span)
    question = _Question(terms, asked, by)
    found: dict[Any, Sums] = defaultdict(Sums)
    wanted = dict.fromkeys(part for figure in figures.values() for part in (figure.whole, figure.part) if part)
    for universe in dict.fromkeys(part.universe for part in wanted):
        parts = [part for part in wanted if part.universe is universe]
        for raw, *numbers in session.execute(question.counts(universe, parts)):
            found[raw].counts.update({part.name: n for part, n in zip(parts, numbers, strict=True)})
    if any(figure.form is Form.DAYS for figure in figures.values()):
        days = WorkingDays(terms.calendar)
        for raw, accepted, handled, n in session.execute(question.durations()):
            found[raw].days[days.between(accepted, handled)] += n
    return _table(asked, by, names, found, figures)


def _table(
    asked: ReportQuery, by: Grouping, names: Names, found: Mapping[Any, Sums], figures: Mapping[str, Figure]
) -> Table:
    total = Sums()
    grouped: dict[Any, Sums] = defaultdict(Sums)
    apart = {part.name for part in PARTS.values() if by is Grouping.MONTH and not part.universe.additive}
    for raw, sums in found.items():
        total.add(sums if raw == _WHOLE else sums.without(apart))
        if raw != _WHOLE:
            grouped[groups.key_of(by, raw, names)].add(sums)
    there = groups.groups(by, names, asked)
    keys = [*there, *(key for key in _ordered(by, names) if key in grouped and key not in there)]
    keys += [key for key in grouped if key not in keys]
    lines = []
    for key in keys:
        filters, label = there.get(key) or groups.group_of(by, key, names)
        lines.append(_line(asked.narrowed(filters), label, grouped.get(key, Sums()), figures))
    return Table(by, lines, _line(asked, _("All together"), total, figures))


def _ordered(by: Grouping, names: Names) -> Iterable[Any]:
    return names.places if by is Grouping.COMMUNITY else names.newest() if by is Grouping.ITEM else ()


def _line(asked: ReportQuery, label: Message | str, sums: Sums, figures: Mapping[str, Figure]) -> Line:
    return Line(asked, label, {name: sums.value(figure) for name, figure in figures.items()})


# Statements.


@dataclass(frozen=True, slots=True)
class _Question:
    """Makes the statements. Each row begins with its group: a community, a list, an item, a month, or the whole."""

    terms: Terms
    asked: ReportQuery
    by: Grouping

    def counts(self, universe: Universe, parts: Sequence[Part]) -> Any:
        """How many records there are of each part, by group."""
        narrowing = groups.narrowing(parts[0], self.asked)

        def counted(key: Any, terms: Terms) -> Select[Any]:
            columns = [_count(part.besides(terms)) for part in parts]
            statement = select(key, *columns).select_from(universe.model)
            return statement.where(*universe.where(terms), *narrowing)

        return self._by_group(universe, counted)

    def durations(self) -> Any:
        """Local days of acceptance and of handling, and how many cases have these two; by group."""
        part = HANDLED_ACCEPTED
        narrowing = groups.narrowing(part, self.asked)
        days = (local_day(Case.accepted_at), local_day(Case.handled_at))

        def counted(key: Any, terms: Terms) -> Select[Any]:
            return select(key, *days, func.count()).where(part.where(terms), *narrowing).group_by(*days)

        return self._by_group(part.universe, counted)

    def _by_group(self, universe: Universe, counted: Callable[[Any, Terms], Select[Any]]) -> Any:
        if self.by is Grouping.MONTH:
            months = enumerate(self.asked.span.months())
            each = [counted(literal(i), self.terms.during(span)) for i, span in months]
            whole = [] if universe.additive else [counted(literal(_WHOLE), self.terms)]
            return union_all(*whole, *each)
        column, join = _column(universe.model, self.by)
        if column is None:
            return counted(literal(_WHOLE), self.terms)
        return join(counted(column, self.terms)).group_by(column)


def _count(conditions: Sequence[Any]) -> Any:
    return func.count(case((and_(*conditions), 1))) if conditions else func.count()


def _column(model: Any, by: Grouping) -> tuple[Any, Callable[[Select[Any]], Select[Any]]]:
    """The column that says to which group a record belongs, and the way to it; None where nothing says so."""
    if by is Grouping.WHOLE or (model is Visit and by not in PLACES):
        return None, _as_it_is
    if model is Visit:
        return Visit.community_id, _as_it_is
    column = Case.community_id if by in PLACES else {Grouping.LIST: Case.list_kind, Grouping.ITEM: Case.item_id}[by]
    if model is Case:
        return column, _as_it_is
    if model is MediationSession:
        return column, lambda statement: statement.join(Mediation, Mediation.id == MediationSession.mediation_id).join(
            Case, Case.id == Mediation.case_id
        )
    return column, lambda statement: statement.join(Case, Case.id == model.case_id)


def _as_it_is(statement: Select[Any]) -> Select[Any]:
    return statement


# Days.


class WorkingDays:
    """Working days between two days, as deadlines.working_days_between() counts them, quickly for many pairs."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._first, self._until = 0, [0]

    def between(self, begin: int, end: int) -> int:
        """Working days after `begin` up to and including `end`; days are counted from 1 January 1970."""
        if end <= begin:
            return 0
        return self._up_to(end) - self._up_to(begin)

    def _up_to(self, day: int) -> int:
        """Working days from the first of January 1970 on."""
        while len(self._until) <= day:
            at = EPOCH + timedelta(days=len(self._until))
            self._until.append(self._until[-1] + self._calendar.is_workday(at))
        return self._until[max(day, 0)]


def mean(days: Counter[int]) -> float | None:
    n = days.total()
    return sum(day * count for day, count in days.items()) / n if n else None


def median(days: Counter[int]) -> float | None:
    """The middle one in their order; of an even number the mean of the two in the middle."""
    n = days.total()
    if not n:
        return None
    wanted, passed = ((n - 1) // 2, n // 2), 0
    found: list[int] = []
    for day in sorted(days):
        passed += days[day]
        found += [day] * (sum(place < passed for place in wanted) - len(found))
    return sum(found) / 2
