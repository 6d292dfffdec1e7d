"""Every Monday: the visits are planned ahead for whoever is assigned that day, and those that were missed are told.

Mondays are calendar Mondays, holidays included. A planned visit follows the assignments until its Monday is over; what
has taken place stays as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self

from sqlalchemy import Row, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bureau.settings import settings
from models import Assignment, Community, CommunityStatus, Liaison, Officer, Visit, VisitStatus
from panel.base import UNSCOPED
from panel.i18n import _, in_default_locale
from panel.kinds import today
from panel.store import bulk
from panel.store.bulk import Edit

WEEK = timedelta(days=7)
#: Reads and writes of the program's own, whoever's request it is.
#: Another process may plan at the same time: what it planned first is read again, so often at most.
TRIES = 3
#: Days back for which visits may be planned; further back nobody remembers.
LONGEST = 366
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
    """Who goes to a community and who receives them, on any day of a time. Two statements, however long it is."""

    officers: dict[int, list[_Term]]
    liaisons: dict[int, list[_Term]]

    @classmethod
    def load(cls, session: Session, first: date, last: date, communities: Collection[int] | None = None) -> Self:
        """The terms that touch a time, of all communities or of some."""
        given, term = Assignment.__table__.c, Liaison.__table__.c
        of_officers = (
            select(given.community_id, given.officer_id, given.start_on, given.end_on, given.substitute)
            .join(Officer.__table__, Officer.__table__.c.id == given.officer_id)
            .where(Officer.__table__.c.active, _touches(given, first, last), _among(given, communities))
            .order_by(given.substitute.desc(), given.start_on.desc())
        )
        of_liaisons = (
            select(term.community_id, term.id, term.start_on, term.end_on)
            .where(_touches(term, first, last), _among(term, communities))
            .order_by(term.start_on.desc())
        )
        return cls(_by_community(session, of_officers), _by_community(session, of_liaisons))

    def officer(self, community: int, day: date) -> int | None:
        """Who goes there on a day: a substitute before the one assigned; None when nobody is."""
        return next((term.person for term in self.officers.get(community, ()) if term.covers(day)), None)

    def liaison(self, community: int, day: date) -> int | None:
        return next((term.person for term in self.liaisons.get(community, ()) if term.covers(day)), None)


def _touches(term: Any, first: date, last: date) -> Any:
    return (term.start_on <= last) & or_(term.end_on.is_(None), term.end_on >= first)


def _among(term: Any, communities: Collection[int] | None) -> Any:
    return true() if communities is None else term.community_id.in_(communities)


def _by_community(session: Session, statement: Any) -> dict[int, list[_Term]]:
    found: dict[int, list[_Term]] = defaultdict(list)
    for community, *term in session.execute(statement, execution_options=UNSCOPED):
        found[community].append(_Term(*term))
    return found


@dataclass(slots=True)
class PlanningResult:
    """How many visits were planned, given to somebody else, excused because their community is closed, missed."""

    planned: int = 0
    moved: int = 0
    excused: int = 0
    missed: int = 0


def keep(session: Session, *, since: date | None = None) -> PlanningResult:
    """What comes round: miss what is over, plan what lacks. Idempotent; `since` plans Mondays in the past as well,
    which then count as missed."""
    done = plan(session, since=since)
    done.missed = miss(session)
    return done


def plan(session: Session, *, since: date | None = None) -> PlanningResult:
    """Make one planned visit for each active community and Monday from today (or `since`) to so many weeks ahead as the
    settings say, and give those still planned to whoever is assigned by now. Acts as the system; doesn't commit."""
    day = today()
    last = day + settings.get(session, "visit_weeks") * WEEK
    first = min(since or day, day)
    communities = _communities(session)
    active = sorted(id_ for id_, status in communities.items() if status == CommunityStatus.ACTIVE)
    roster = Roster.load(session, first, last)
    done = PlanningResult()
    for _try in range(TRIES):
        stored = _stored(session, first, last)
        there = {(row.community_id, row.planned_on) for row in stored}
        lacking = [
            planned(roster, community, monday)
            for monday in mondays(first, last)
            for community in active
            if (community, monday) not in there
        ]
        try:
            with session.begin_nested():
                bulk.add(session, Visit, lacking)
        except IntegrityError:
            continue
        done.planned = len(lacking)
        break
    _follow(session, roster, stored, set(active), done)
    return done


def planned(roster: Roster, community: int, monday: date) -> dict[str, Any]:
    """A planned visit as a row."""
    return {
        "community_id": community,
        "planned_on": monday,
        "officer_id": roster.officer(community, monday),
        "liaison_id": roster.liaison(community, monday),
        "status": VisitStatus.PLANNED,
    }


def follow(session: Session, communities: Collection[int]) -> PlanningResult:
    """Give the visits that are still planned in these communities to whoever is assigned by now: an assignment has
    changed. Needs the right to edit visits, or the system's."""
    day, done = today(), PlanningResult()
    stored = _stored(session, day, date.max, communities)
    roster = Roster.load(session, day, max((row.planned_on for row in stored), default=day), communities)
    found = {id_ for id_, status in _communities(session).items() if status == CommunityStatus.ACTIVE}
    _follow(session, roster, stored, found, done)
    return done


def miss(session: Session) -> int:
    """A planned visit whose Monday is over was missed. Returns how many."""
    visits = Visit.__table__.c
    statement = (
        select(visits.id, visits.version)
        .where(visits.status == VisitStatus.PLANNED, visits.planned_on < today())
        .order_by(visits.id)
        .with_for_update()
    )
    over = session.execute(statement, execution_options=UNSCOPED).all()
    bulk.edit(session, Visit, [_edit(row, status=VisitStatus.MISSED) for row in over])
    return len(over)


def _communities(session: Session) -> dict[int, CommunityStatus]:
    table = Community.__table__.c
    statement = select(table.id, table.status)
    return {row.id: row.status for row in session.execute(statement, execution_options=UNSCOPED)}


def _stored(session: Session, first: date, last: date, communities: Collection[int] | None = None) -> list[Row[Any]]:
    """The visits of a time, locked: nobody checks in while they are moved."""
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
    session: Session, roster: Roster, stored: Iterable[Row[Any]], active: set[int], done: PlanningResult
) -> None:
    """Bring what is planned from today on up to date; in a community that was closed nobody is expected any more."""
    edits = []
    for row in stored:
        if row.status != VisitStatus.PLANNED or row.planned_on < today():
            continue
        if row.community_id not in active:
            edits.append(_edit(row, status=VisitStatus.EXEMPT, reason=in_default_locale(CLOSED)))
            done.excused += 1
            continue
        officer = roster.officer(row.community_id, row.planned_on)
        liaison = roster.liaison(row.community_id, row.planned_on)
        if (officer, liaison) != (row.officer_id, row.liaison_id):
            before = {"officer_id": row.officer_id, "liaison_id": row.liaison_id}
            edits.append(Edit(row.id, row.version, {"officer_id": officer, "liaison_id": liaison}, before))
            done.moved += 1
    bulk.edit(session, Visit, edits)


def _edit(row: Any, **values: Any) -> Edit:
    return Edit(row.id, row.version, values, {"status": VisitStatus.PLANNED})
