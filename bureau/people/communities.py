"""Renamed and merged communities.

A renamed community keeps its old name among its other names, by whichever form it was renamed, so that old rosters
still match. A merged one goes out of use and its names become other names of the one that is kept. Its cases and past
visits stay with it, so that figures of closed months and ledgers don't change; whoever works for the kept community
sees and handles them. What concerns the time to come moves: liaison, officer, planned visits, survey, volunteers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import event, inspect, or_, select
from sqlalchemy.orm import Session

from bureau.people import holdings
from bureau.people.finders import aliases_of, name_without_ending
from bureau.people.holdings import Share
from models import (
    ENDED,
    Assignment,
    Case,
    Community,
    CommunityStatus,
    Liaison,
    SurveyEntry,
    Visit,
    VisitStatus,
    Volunteer,
)
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import Message, _, in_default_locale
from panel.kinds import tidy, today
from panel.security import audit
from panel.security.policy import AccessDenied, Permission, table_of
from panel.security.records import AuditAction
from panel.security.session import actor_of, elevated, permitted, policy_of
from schema.places import aliases_too_long

SEPARATOR = "、"
#: Called with the ids of communities whose liaison or officer has changed.
Follower = Callable[[Session, set[int]], Any]
FOLLOWERS: list[Follower] = []
#: The columns of a liaison that go with them to another community.
_CARRIED = ("name", "gender", "post", "mobile", "telephone", "user_id", "note")
#: What a merger changes, so that the actor must be allowed to.
_CHANGED = (Community, Liaison, Assignment, Visit, SurveyEntry, Volunteer)


# Names.

#: Where a community keeps its names before and after a change, until both columns are written.
_RENAMED = "_renamed"


@event.listens_for(Community.name, "set")
def _renamed(community: Community, value: str, before: Any, _initiator: object) -> None:
    """Keep the old name of a stored community among its other names."""
    if inspect(community).persistent and isinstance(before, str) and tidy(value) != before:
        community.__dict__[_RENAMED] = (before, value)
        community.alias_names = community.alias_names or ""


@event.listens_for(Community.alias_names, "set", retval=True)
def _aliased(community: Community, value: str | None, _before: Any, _initiator: object) -> str | None:
    """Other names that are written in the same act as a new name don't lose the old one."""
    former, name = community.__dict__.get(_RENAMED, (None, None))
    return value if former is None else with_names(name, value, [former])


def with_names(name: str, aliases: str | None, more: Iterable[str]) -> str | None:
    """The other names of a community called `name`, with more of them; none twice, endings aside."""
    names = [*aliases_of(aliases)]
    known = {name_without_ending(one) for one in (name, *names)}
    for one in more:
        if (key := name_without_ending(one)) not in known:
            known.add(key)
            names.append(one)
    return SEPARATOR.join(tidy(one) for one in names) or None


# Merging.


@dataclass(slots=True)
class Hanging:
    """What hangs on a community that is to be merged into another, and whom both have."""

    open_cases: int = 0
    ended_cases: int = 0
    visits: int = 0
    survey: int = 0
    #: Survey entries of the same kind and address in both, which stay.
    same_survey: int = 0
    volunteers: int = 0
    liaisons: dict[int, str] = field(default_factory=dict)
    officers: dict[int, str] = field(default_factory=dict)


def may_merge(session: Session) -> bool:
    policy, actor = policy_of(session), actor_of(session)
    return all(policy.may(actor, Permission.EDIT, model) for model in _CHANGED) and policy.may(
        actor, Permission.CREATE, Liaison
    )


def obstacle(old: Community, kept: Community) -> Message | None:
    """Why a community can't be merged into another at all; None if it can."""
    if old.id == kept.id:
        return _("A community can't be merged into itself.")
    if old.merged_into_id is not None or old.status is CommunityStatus.CLOSED:
        return _("{name} was merged or closed already.", name=old.name)
    if kept.status is CommunityStatus.CLOSED:
        return _("{name} is no longer in use. Choose another.", name=kept.name)
    return aliases_too_long(with_names(kept.name, kept.alias_names, [old.name, *aliases_of(old.alias_names)]))


def hanging(session: Session, old: Community, kept: Community) -> Hanging:
    """Count what hangs on a community. A fixed number of statements, unscoped: whoever merges is allowed everything."""
    found = Hanging()
    case = table_of(Case).c
    statuses = session.execute(select(case.status).where(case.community_id == old.id), execution_options=UNSCOPED)
    for status in statuses.scalars():
        if status in ENDED:
            found.ended_cases += 1
        else:
            found.open_cases += 1
    found.visits = len(_ids(session, Visit, *_planned(old.id)))
    found.same_survey = len(_same_survey(session, old.id, kept.id))
    found.survey = len(_ids(session, SurveyEntry, SurveyEntry.community_id == old.id)) - found.same_survey
    found.volunteers = len(_ids(session, Volunteer, Volunteer.community_id == old.id, Volunteer.active))
    for place in (old, kept):
        for liaison in _liaisons(session, place.id):
            found.liaisons[liaison.id] = f"{liaison.name}（{place.name}）"
        for assignment in _assignments(session, place.id):
            found.officers[assignment.id] = f"{assignment.officer.name}（{place.name}）"
    return found


def merge(
    session: Session, old_id: int, kept_id: int, *, liaison_id: int | None, assignment_id: int | None, reason: str
) -> tuple[Community, Community]:
    """Merge a community into another, from today. `liaison_id` and `assignment_id` say who stays where both have one.

    Raises AccessDenied, or UserError with what contradicts; nothing is written then, if the caller rolls back."""
    if not may_merge(session) or len(permitted(session, Community, Permission.EDIT, {old_id, kept_id})) != 2:
        raise AccessDenied
    with elevated(session):
        lock = select(Community).where(Community.id.in_((old_id, kept_id))).order_by(Community.id).with_for_update()
        session.execute(lock, execution_options={"populate_existing": True}).all()
        old, kept = session.get_one(Community, old_id), session.get_one(Community, kept_id)
        if problem := obstacle(old, kept):
            raise UserError(problem)
        _join_liaisons(session, old, kept, liaison_id)
        _join_officers(session, old, kept, assignment_id)
        _move_the_rest(session, old, kept)
        names = [old.name, *aliases_of(old.alias_names)]
        kept.alias_names = with_names(kept.name, kept.alias_names, names)
        old.status, old.merged_into_id, old.merged_on = CommunityStatus.CLOSED, kept.id, today()
        for earlier in session.scalars(select(Community).where(Community.merged_into_id == old.id)):
            earlier.merged_into_id = kept.id
        session.flush()
        for follower in FOLLOWERS:
            follower(session, {kept.id})
        words = in_default_locale(
            _("{name} was merged into {kept}: {reason}", name=old.name, kept=kept.name, reason=reason)
        )
        for place in (old, kept):
            audit.note(session, AuditAction.EVENT, Community.__tablename__, place.id, words)
    return old, kept


def _join_liaisons(session: Session, old: Community, kept: Community, chosen: int | None) -> None:
    """Leave the kept community one liaison: the only one, or the one chosen. What hangs on the others, and what waits
    for a liaison in the old community, goes to that one. Planned visits follow by themselves."""
    leaving, present = _liaisons(session, old.id), _liaisons(session, kept.id)
    everybody = [*leaving, *present]
    if len(everybody) > 1 and chosen not in {one.id for one in everybody}:
        raise UserError(_("Both communities have a liaison. Choose who stays."))
    staying = next((one for one in everybody if len(everybody) == 1 or one.id == chosen), None)
    if staying is None:
        return
    account = staying.user_id
    for liaison in everybody:
        if liaison is staying and liaison in present:
            continue
        liaison.end_on = max(_yesterday(), liaison.start_on)
        if liaison is staying:
            liaison.user_id = None
    session.flush()
    if staying in leaving:
        values = {name: getattr(staying, name) for name in _CARRIED} | {"user_id": account}
        staying = Liaison(community_id=kept.id, start_on=today(), **values)
        session.add(staying)
        session.flush()
    ended = [one.id for one in everybody if one.id != staying.id]
    held = [one for all_ in holdings.holding_up(session, "liaison", ended).values() for one in all_]
    held += holdings.waiting(session, {old.id}).get(old.id, [])
    words = in_default_locale(_("The community was merged into {name}.", name=kept.name))
    begins = max(staying.start_on, today())
    holdings.give(
        session, "liaison", [Share(one, staying.id, begins) for one in held if one.holder != staying.id], words
    )


def _join_officers(session: Session, old: Community, kept: Community, chosen: int | None) -> None:
    """Leave the kept community one assigned officer: the only one, or the one chosen. What is planned for the old one
    falls away."""
    leaving, present = _assignments(session, old.id), _assignments(session, kept.id)
    everybody = [*leaving, *present]
    officers = {one.officer_id for one in everybody}
    if len(officers) > 1 and chosen not in {one.id for one in everybody}:
        raise UserError(_("Both communities have an officer. Choose who stays."))
    staying = next((one for one in everybody if one.id == chosen), everybody[-1] if everybody else None)
    moved = staying is not None and staying in leaving and staying.officer_id not in {one.officer_id for one in present}
    officer, until = (staying.officer_id, staying.end_on) if staying is not None else (0, None)
    for future in session.scalars(
        select(Assignment).where(Assignment.community_id == old.id, Assignment.start_on > today())
    ):
        session.delete(future)
    session.flush()
    current = select(Assignment).where(
        Assignment.community_id == old.id, or_(Assignment.end_on.is_(None), Assignment.end_on >= today())
    )
    for one in [*session.scalars(current), *(present if moved else ())]:
        if one.start_on < today():
            one.end_on = _yesterday()
        else:
            session.delete(one)
    session.flush()
    if moved:
        later = select(Assignment.start_on).where(
            Assignment.community_id == kept.id, Assignment.substitute.is_(False), Assignment.start_on > today()
        )
        first = session.scalars(later.order_by(Assignment.start_on).limit(1)).first()
        ends = [day for day in (until, first - timedelta(days=1) if first else None) if day is not None]
        session.add(
            Assignment(community_id=kept.id, officer_id=officer, start_on=today(), end_on=min(ends, default=None))
        )
        session.flush()


def _move_the_rest(session: Session, old: Community, kept: Community) -> None:
    """Excuse the planned visits, move survey and volunteers."""
    words = in_default_locale(_("The community was merged into {name}.", name=kept.name))
    for visit in session.scalars(select(Visit).where(*_planned(old.id))):
        visit.status, visit.reason = VisitStatus.EXEMPT, words
    same = _same_survey(session, old.id, kept.id)
    for entry in session.scalars(select(SurveyEntry).where(SurveyEntry.community_id == old.id)):
        if entry.id not in same:
            entry.community_id = kept.id
    for volunteer in session.scalars(select(Volunteer).where(Volunteer.community_id == old.id, Volunteer.active)):
        volunteer.community_id = kept.id
    session.flush()


def _yesterday() -> date:
    return today() - timedelta(days=1)


def _ids(session: Session, model: Any, *where: Any) -> list[int]:
    return list(
        session.scalars(select(table_of(model).c.id).select_from(model).where(*where), execution_options=UNSCOPED)
    )


def _planned(community: int) -> tuple[Any, ...]:
    return (Visit.community_id == community, Visit.status == VisitStatus.PLANNED, Visit.planned_on >= today())


def _same_survey(session: Session, old: int, kept: int) -> set[int]:
    """The ids of the survey entries of a community for whose kind and address the other has one."""
    entry, other = table_of(SurveyEntry).c, table_of(SurveyEntry).alias("other").c
    statement = (
        select(entry.id)
        .join(other.id.table, (other.kind == entry.kind) & (other.address_hash == entry.address_hash))
        .where(entry.community_id == old, other.community_id == kept)
    )
    return set(session.scalars(statement, execution_options=UNSCOPED))


def _liaisons(session: Session, community: int) -> list[Liaison]:
    statement = select(Liaison).where(
        Liaison.community_id == community, or_(Liaison.end_on.is_(None), Liaison.end_on >= today())
    )
    return list(session.scalars(statement, execution_options=UNSCOPED))


def _assignments(session: Session, community: int) -> list[Assignment]:
    """The assignments of today, without substitutes."""
    statement = select(Assignment).where(
        Assignment.community_id == community,
        Assignment.substitute.is_(False),
        Assignment.start_on <= today(),
        or_(Assignment.end_on.is_(None), Assignment.end_on >= today()),
    )
    return list(session.scalars(statement, execution_options=UNSCOPED))
