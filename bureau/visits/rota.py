"""The visits of months for pages and papers: rota and register, within the scope of the session's actor."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from models import Case, Community, Street, Visit, VisitStatus
from panel.chunks import chunks
from panel.kinds import today
from panel.search.names import NOT_VISIBLE


@dataclass(slots=True)
class RotaLine:
    """A community with officer names and statuses by Monday; "" stands for nobody."""

    street: str
    community: str
    squad: str
    officers: dict[date, str] = field(default_factory=dict)
    statuses: dict[date, VisitStatus] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rota:
    mondays: list[date]
    lines: list[RotaLine]


def rota(session: Session, first: Month, last: Month | None = None, squad: int | None = None) -> Rota:
    """The rota (走访排班表): the visits of these months, sorted by street and community. `squad` is an id."""
    statement = (
        select(Visit)
        .join(Community, Visit.community_id == Community.id)
        .join(Street, Community.street_id == Street.id)
        .where(*_within(first, last or first))
        .options(
            joinedload(Visit.officer),
            joinedload(Visit.community).joinedload(Community.street),
            joinedload(Visit.community).joinedload(Community.squad),
        )
        .order_by(Street.name_key, Street.id, Community.name_key, Community.id, Visit.planned_on)
    )
    if squad is not None:
        statement = statement.where(Community.squad_id == squad)
    lines: dict[int, RotaLine] = {}
    days: set[date] = set()
    for visit in session.execute(statement).unique().scalars():
        community = visit.community
        line = lines.setdefault(
            community.id,
            RotaLine(
                community.street.name, community.name, community.squad.name if community.squad is not None else ""
            ),
        )
        line.officers[visit.planned_on] = officer_of(visit)
        line.statuses[visit.planned_on] = visit.status
        days.add(visit.planned_on)
    return Rota(sorted(days), list(lines.values()))


def officer_of(visit: Visit) -> str:
    """The name of a visit's officer; "" without one."""
    if visit.officer is not None:
        return visit.officer.name
    return "" if visit.officer_id is None else str(NOT_VISIBLE)


@dataclass(frozen=True, slots=True)
class VisitLine:
    """A row of the register 联居走访登记."""

    community: str
    #: The day on which it was held, else the planned Monday.
    day: date
    officer: str
    liaison: str
    arrived_at: datetime | None
    left_at: datetime | None
    content: str | None
    findings: str | None
    on_the_spot: str | None
    cases: list[str]
    planned_on: date
    status: VisitStatus
    reason: str | None


def register_lines(
    session: Session, first: Month, last: Month, street: int | None = None, community: int | None = None
) -> list[VisitLine]:
    """The lines of the register 联居走访登记: visits of these months whose Monday has come, sorted by street and
    community. `street` and `community` are ids."""
    statement = (
        select(Visit)
        .join(Community, Visit.community_id == Community.id)
        .join(Street, Community.street_id == Street.id)
        .where(*_within(first, last), Visit.planned_on <= today())
        .options(joinedload(Visit.officer), joinedload(Visit.liaison), joinedload(Visit.community))
        .order_by(Street.name_key, Street.id, Community.name_key, Community.id, Visit.planned_on)
    )
    if street is not None:
        statement = statement.where(Community.street_id == street)
    if community is not None:
        statement = statement.where(Community.id == community)
    visits = list(session.execute(statement).unique().scalars())
    cases = cases_of(session, [visit.id for visit in visits])
    return [
        VisitLine(
            community=visit.community.name,
            day=local(visit.arrived_at).date() if visit.arrived_at is not None else visit.planned_on,
            officer=officer_of(visit),
            liaison=visit.liaison.name if visit.liaison is not None else "",
            arrived_at=local(visit.arrived_at) if visit.arrived_at is not None else None,
            left_at=local(visit.left_at) if visit.left_at is not None else None,
            content=visit.content,
            findings=visit.findings,
            on_the_spot=visit.on_the_spot,
            cases=[case_no for _id, case_no in cases.get(visit.id, ())],
            planned_on=visit.planned_on,
            status=visit.status,
            reason=visit.reason,
        )
        for visit in visits
    ]


def cases_of(session: Session, visits: Iterable[int]) -> Mapping[int, list[tuple[int, str]]]:
    """The cases found on visits: pairs of id and number by visit id."""
    cases: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for batch in chunks(list(visits)):
        statement = select(Case.visit_id, Case.id, Case.case_no).where(Case.visit_id.in_(batch)).order_by(Case.case_no)
        for visit, id_, case_no in session.execute(statement):
            if visit is not None:
                cases[visit].append((id_, case_no))
    return cases


def rates(statuses: Iterable[VisitStatus]) -> tuple[str, str]:
    """走访完成率 and 周一准时率 of visits whose Monday has come, as text; "—" for divisor 0."""
    counts = Counter(statuses)
    total = counts.total()
    held = counts[VisitStatus.DONE] + counts[VisitStatus.MADE_UP]
    return _rate(held, total - counts[VisitStatus.EXEMPT]), _rate(counts[VisitStatus.DONE], total)


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "—"


def _within(first: Month, last: Month) -> tuple[ColumnElement[bool], ...]:
    return (Visit.planned_on >= first.start.date(), Visit.planned_on < last.end.date())
