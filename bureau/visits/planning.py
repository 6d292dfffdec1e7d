"""Planning of the Monday visits, and marking missed ones.

The bureau visits on every calendar Monday, holidays included. A planned visit follows the assignments until its Monday
is over; a visit that took place doesn't change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self

from sqlalchemy import Row, func, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local_day
from bureau.settings import settings
from models import Assignment, Community, CommunityStatus, Liaison, Officer, Visit, VisitStatus
from panel.base import UNSCOPED
from panel.i18n import _, in_default_locale
from panel.kinds import today
from panel.store import bulk
from panel.store.bulk import Edit

WEEK = timedelta(days=7)
#: Attempts to insert planned visits, because another process may plan the same ones at the same time.
TRIES = 3
#: Most days back for which visits may be planned.
MAX_DAYS_BACK = 366
CLOSED = _("The community is no longer in use.")


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def mondays(first: date, last: date) -> list[date]:
    """The calendar Mondays from one day to another."""
    start = first + timedelta(days=-first.weekday() % 7)
    return [start + i * WEEK for i in range((last - start).days // 7 + 1)] if start <= last else []


@dataclass(frozen=True, slots=True)
class _Term:
    person: int
    start_on: date
    end_on: date | None
    substitute: bool = False

    def covers(self, day: date) -> bool:
        return self.start_on <= day and (self.end_on is None or day <= self.end_on)


@dataclass(frozen=True, slots=True)
class Roster:
    """The officers and liaisons of communities by day."""

    officers: dict[int, list[_Term]]
    liaisons: dict[int, list[_Term]]

    @classmethod
    def load(cls, session: Session, first: date, last: date, communities: Collection[int] | None = None) -> Self:
        """The terms that overlap the days from `first` to `last`, of these or all communities. Two statements."""
        assignment, term = Assignment.__table__.c, Liaison.__table__.c
        of_officers = (
            select(
                assignment.community_id,
                assignment.officer_id,
                assignment.start_on,
                assignment.end_on,
                assignment.substitute,
            )
            .join(Officer.__table__, Officer.__table__.c.id == assignment.officer_id)
            .where(Officer.__table__.c.active, _touches(assignment, first, last), _among(assignment, communities))
            .order_by(assignment.substitute.desc(), assignment.start_on.desc())
        )
        of_liaisons = (
            select(term.community_id, term.id, term.start_on, term.end_on)
            .where(_touches(term, first, last), _among(term, communities))
            .order_by(term.start_on.desc())
        )
        return cls(_by_community(session, of_officers), _by_community(session, of_liaisons))

    def officer(self, community: int, day: date) -> int | None:
        """The id of the officer on a day, or None. A substitute takes precedence."""
        return next((term.person for term in self.officers.get(community, ()) if term.covers(day)), None)

    def liaison(self, community: int, day: date) -> int | None:
        return next((term.person for term in self.liaisons.get(community, ()) if term.covers(day)), None)


def _touches(term: Any, first: date, last: date) -> Any:
    return (term.start_on <= last) & or_(term.end_on.is_(None), term.end_on >= first)


def _among(term: Any, communities: Collection[int] | None) -> Any:
    return true() if communities is None else term.community_id.in_(communities)


def _by_community(session: Session, statement: Any) -> dict[int, list[_Term]]:
    terms: dict[int, list[_Term]] = defaultdict(list)
    for community, *term in session.execute(statement, execution_options=UNSCOPED):
        terms[community].append(_Term(*term))
    return terms


@dataclass(slots=True)
class PlanningResult:
    """Numbers of visits planned, given to another officer or liaison, excused for closed communities, and missed."""

    planned: int = 0
    moved: int = 0
    excused: int = 0
    missed: int = 0


def plan_and_miss(session: Session, *, since: date | None = None) -> PlanningResult:
    """Periodic: plan visits and mark missed ones. Idempotent. `since` also plans past Mondays, which count as
    missed."""
    result = plan(session, since=since)
    result.missed = miss(session)
    return result


def plan(session: Session, *, since: date | None = None) -> PlanningResult:
    """Plan a visit for each active community and Monday from today (or `since`) until "visit_weeks" weeks ahead, and
    update the planned ones to the present assignments. Without `since` the Mondays that nobody planned while the server
    was off are planned too, for the communities that were there: they count as missed. Acts as the system; doesn't
    commit."""
    day = today()
    last = day + settings.get(session, "visit_weeks") * WEEK
    first = min(since or _unplanned_since(session, day), day)
    communities = _communities(session)
    active = sorted(id_ for id_, (status, _made) in communities.items() if status == CommunityStatus.ACTIVE)
    roster = Roster.load(session, first, last)
    result = PlanningResult()
    for _try in range(TRIES):
        stored = _stored(session, first, last)
        planned_keys = {(row.community_id, row.planned_on) for row in stored}
        missing = [
            planned_visit(roster, community, monday)
            for monday in mondays(first, last)
            for community in active
            if (community, monday) not in planned_keys
            and (since is not None or monday >= day or communities[community][1] <= monday)
        ]
        try:
            with session.begin_nested():
                bulk.add(session, Visit, missing)
        except IntegrityError:
            continue
        result.planned = len(missing)
        break
    _follow(session, roster, stored, set(active), result)
    return result


def planned_visit(roster: Roster, community: int, monday: date) -> dict[str, Any]:
    """The values of a planned visit."""
    return {
        "community_id": community,
        "planned_on": monday,
        "officer_id": roster.officer(community, monday),
        "liaison_id": roster.liaison(community, monday),
        "status": VisitStatus.PLANNED,
    }


def follow(session: Session, communities: Collection[int]) -> PlanningResult:
    """Update the planned visits of these communities to the present assignments. Needs the right to edit visits, or an
    elevated session."""
    day, result = today(), PlanningResult()
    stored = _stored(session, day, date.max, communities)
    roster = Roster.load(session, day, max((row.planned_on for row in stored), default=day), communities)
    active = {id_ for id_, (status, _made) in _communities(session).items() if status == CommunityStatus.ACTIVE}
    _follow(session, roster, stored, active, result)
    return result


def miss(session: Session) -> int:
    """Mark planned visits whose Monday is over as missed and return how many."""
    visits = Visit.__table__.c
    statement = (
        select(visits.id, visits.version)
        .where(visits.status == VisitStatus.PLANNED, visits.planned_on < today())
        .order_by(visits.id)
        .with_for_update()
    )
    missed = session.execute(statement, execution_options=UNSCOPED).all()
    bulk.edit(session, Visit, [_edit(row, status=VisitStatus.MISSED) for row in missed])
    return len(missed)


def _unplanned_since(session: Session, day: date) -> date:
    """The day after the last Monday that was planned, or `day` if that is later or nothing was planned yet."""
    latest = session.scalar(select(func.max(Visit.__table__.c.planned_on)), execution_options=UNSCOPED)
    if not isinstance(latest, date) or latest >= day:
        return day
    return max(latest + timedelta(days=1), day - timedelta(days=MAX_DAYS_BACK))


def _communities(session: Session) -> dict[int, tuple[CommunityStatus, date]]:
    """The status of each community, and the day on which it was entered."""
    table = Community.__table__.c
    statement = select(table.id, table.status, table.created_at)
    rows = session.execute(statement, execution_options=UNSCOPED)
    return {row.id: (row.status, local_day(row.created_at)) for row in rows}


def _stored(session: Session, first: date, last: date, communities: Collection[int] | None = None) -> list[Row[Any]]:
    """The visits from `first` to `last`, locked, so that nobody checks in meanwhile."""
    visits = Visit.__table__.c
    statement = (
        select(
            visits.id,
            visits.version,
            visits.community_id,
            visits.planned_on,
            visits.officer_id,
            visits.liaison_id,
            visits.status,
        )
        .where(visits.planned_on.between(first, last), _among(visits, communities))
        .order_by(visits.id)
        .with_for_update()
    )
    return list(session.execute(statement, execution_options=UNSCOPED))


def _follow(
    session: Session, roster: Roster, stored: Iterable[Row[Any]], active: set[int], result: PlanningResult
) -> None:
    """Update officer and liaison of visits planned from today on; excuse those of communities no longer in use."""
    edits = []
    for row in stored:
        if row.status == VisitStatus.MISSED and row.planned_on >= today():
            # Marked by a clock that was in the future.
            edits.append(Edit(row.id, row.version, {"status": VisitStatus.PLANNED}, {"status": VisitStatus.MISSED}))
            continue
        if row.status != VisitStatus.PLANNED or row.planned_on < today():
            continue
        if row.community_id not in active:
            edits.append(_edit(row, status=VisitStatus.EXEMPT, reason=in_default_locale(CLOSED)))
            result.excused += 1
            continue
        officer = roster.officer(row.community_id, row.planned_on)
        liaison = roster.liaison(row.community_id, row.planned_on)
        if (officer, liaison) != (row.officer_id, row.liaison_id):
            before = {"officer_id": row.officer_id, "liaison_id": row.liaison_id}
            edits.append(Edit(row.id, row.version, {"officer_id": officer, "liaison_id": liaison}, before))
            result.moved += 1
    bulk.edit(session, Visit, edits)


def _edit(row: Any, **values: Any) -> Edit:
    return Edit(row.id, row.version, values, {"status": VisitStatus.PLANNED})
