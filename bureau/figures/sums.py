"""The figures of a period, by group. The database counts, within the scope of the session's actor, in a number of
statements that doesn't grow with the rows."""

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
#: Shown for a figure with divisor 0.
NO_VALUE = "—"
#: Key of counts that belong to the total alone; ids are positive, months count from 0.
_WHOLE = -1


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a figure: `part` of `whole`; `number` is None for divisor 0. For Form.DAYS `number` is the mean and
    `median` the median, both in working days."""

    whole: int
    part: int | None = None
    number: float | None = None
    median: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A group: its query, its label, and its figures by name."""

    query: ReportQuery
    label: Message | str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Table:
    """The groups in order, and the total."""

    by: Grouping
    lines: Sequence[Line]
    total: Line


@dataclass(slots=True)
class Sums:
    """The counts of a group: records by part, and cases by working days from acceptance to handling."""

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
    query: ReportQuery,
    by: Grouping,
    names: Names | None = None,
    figures: Mapping[str, Figure] = FIGURES,
    *,
    terms: Terms | None = None,
) -> Table:
    """The figures of a period, by group and in total; `names` and `terms` are read unless they are given. The figures
    of a month equal those of a query for that month: a case closed in two months counts in both, and once in the
    total."""
    names = names or Names.load(session)
    terms = terms or Terms.of(session, query.span)
    statements = _Statements(terms, query, by)
    sums_by_raw: dict[Any, Sums] = defaultdict(Sums)
    parts = dict.fromkeys(part for figure in figures.values() for part in (figure.whole, figure.part) if part)
    for universe in dict.fromkeys(part.universe for part in parts):
        counted_parts = [part for part in parts if part.universe is universe]
        for raw, *numbers in session.execute(statements.counts(universe, counted_parts)):
            sums_by_raw[raw].counts.update({part.name: n for part, n in zip(counted_parts, numbers, strict=True)})
    if any(figure.form is Form.DAYS for figure in figures.values()):
        days = WorkingDays(terms.calendar)
        for raw, accepted, handled, n in session.execute(statements.durations()):
            sums_by_raw[raw].days[days.between(accepted, handled)] += n
    return _table(query, by, names, sums_by_raw, figures)


def _table(
    query: ReportQuery, by: Grouping, names: Names, sums_by_raw: Mapping[Any, Sums], figures: Mapping[str, Figure]
) -> Table:
    total = Sums()
    grouped: dict[Any, Sums] = defaultdict(Sums)
    not_additive = {part.name for part in PARTS.values() if by is Grouping.MONTH and not part.universe.additive}
    for raw, sums in sums_by_raw.items():
        total.add(sums if raw == _WHOLE else sums.without(not_additive))
        if raw != _WHOLE:
            grouped[groups.key_of(by, raw, names)].add(sums)
    shown_groups = groups.groups(by, names, query)
    keys = [*shown_groups, *(key for key in _ordered(by, names) if key in grouped and key not in shown_groups)]
    keys += [key for key in grouped if key not in keys]
    lines = []
    for key in keys:
        filters, label = shown_groups.get(key) or groups.group_of(by, key, names)
        lines.append(_line(query.narrowed(filters), label, grouped.get(key, Sums()), figures))
    return Table(by, lines, _line(query, _("All together"), total, figures))


def _ordered(by: Grouping, names: Names) -> Iterable[Any]:
    return names.places if by is Grouping.COMMUNITY else names.newest() if by is Grouping.ITEM else ()


def _line(query: ReportQuery, label: Message | str, sums: Sums, figures: Mapping[str, Figure]) -> Line:
    return Line(query, label, {name: sums.value(figure) for name, figure in figures.items()})


# Statements.


@dataclass(frozen=True, slots=True)
class _Statements:
    """Builds the statements. The first column of each row is the group: community, list, item, month, or the total."""

    terms: Terms
    query: ReportQuery
    by: Grouping

    def counts(self, universe: Universe, parts: Sequence[Part]) -> Any:
        """The number of records of each part, by group."""
        conditions = groups.narrowing(parts[0], self.query)

        def counted(key: Any, terms: Terms) -> Select[Any]:
            columns = [_count(part.besides(terms)) for part in parts]
            statement = select(key, *columns).select_from(universe.model)
            return statement.where(*universe.where(terms), *conditions)

        return self._by_group(universe, counted)

    def durations(self) -> Any:
        """The local days of acceptance and handling with the number of cases, by group."""
        part = HANDLED_ACCEPTED
        conditions = groups.narrowing(part, self.query)
        days = (local_day(Case.accepted_at), local_day(Case.handled_at))

        def counted(key: Any, terms: Terms) -> Select[Any]:
            return select(key, *days, func.count()).where(part.where(terms), *conditions).group_by(*days)

        return self._by_group(part.universe, counted)

    def _by_group(self, universe: Universe, counted: Callable[[Any, Terms], Select[Any]]) -> Any:
        if self.by is Grouping.MONTH:
            months = enumerate(self.query.span.months())
            by_month = [counted(literal(i), self.terms.during(span)) for i, span in months]
            whole = [] if universe.additive else [counted(literal(_WHOLE), self.terms)]
            return union_all(*whole, *by_month)
        column, join = _column(universe.model, self.by)
        if column is None:
            return counted(literal(_WHOLE), self.terms)
        return join(counted(column, self.terms)).group_by(column)


def _count(conditions: Sequence[Any]) -> Any:
    return func.count(case((and_(*conditions), 1))) if conditions else func.count()


def _column(model: Any, by: Grouping) -> tuple[Any, Callable[[Select[Any]], Select[Any]]]:
    """The column of the group, and the function that joins its table; None for a model without that group."""
    if by is Grouping.WHOLE or (model is Visit and by not in PLACES):
        return None, _unjoined
    if model is Visit:
        return Visit.community_id, _unjoined
    column = Case.community_id if by in PLACES else {Grouping.LIST: Case.list_kind, Grouping.ITEM: Case.item_id}[by]
    if model is Case:
        return column, _unjoined
    if model is MediationSession:
        return column, lambda statement: statement.join(Mediation, Mediation.id == MediationSession.mediation_id).join(
            Case, Case.id == Mediation.case_id
        )
    return column, lambda statement: statement.join(Case, Case.id == model.case_id)


def _unjoined(statement: Select[Any]) -> Select[Any]:
    return statement


# Days.


class WorkingDays:
    """Working days between days, as deadlines.working_days_between(), with a cache for many pairs."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._first, self._until = 0, [0]

    def between(self, begin: int, end: int) -> int:
        """Working days after `begin` up to and including `end`; both are days since 1970-01-01."""
        if end <= begin:
            return 0
        return self._up_to(end) - self._up_to(begin)

    def _up_to(self, day: int) -> int:
        """Working days from 1970-01-01 to `day`."""
        while len(self._until) <= day:
            at = EPOCH + timedelta(days=len(self._until))
            self._until.append(self._until[-1] + self._calendar.is_workday(at))
        return self._until[max(day, 0)]


def mean(days: Counter[int]) -> float | None:
    n = days.total()
    return sum(day * count for day, count in days.items()) / n if n else None


def median(days: Counter[int]) -> float | None:
    """The median; of an even number of cases the mean of the two middle ones."""
    n = days.total()
    if not n:
        return None
    middle, count = ((n - 1) // 2, n // 2), 0
    values: list[int] = []
    for day in sorted(days):
        count += days[day]
        values += [day] * (sum(position < count for position in middle) - len(values))
    return sum(values) / 2
