"""On the day: arriving and leaving, what was done and found, and what becomes of a Monday that was missed.

Whoever may edit a visit may attend it: its officer, a substitute on their days, the squad's leader, the office.
Excusing one is for the leader and the office. Each act locks the visit, so that the second of two people is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE, OFFICER
from bureau.calendar.deadlines import local_day
from bureau.cases import intake
from bureau.cases.errors import InvalidValues, StepNotAllowed
from models import Case, Source, SurveyEntry, Visit, VisitStatus
from panel.fields import Field, field_named
from panel.i18n import Message, _
from panel.kinds import Invalid, Moment, now, today
from panel.security.policy import Permission as Act
from panel.security.session import actor_of, exempt_reference, policy_of

#: What is written down on a visit.
NOTES = ("content", "findings", "on_the_spot")
#: A visit that took place.
HELD = (VisitStatus.DONE, VisitStatus.MADE_UP)
#: One that is still to be made.
WAITING = (VisitStatus.PLANNED, VisitStatus.MISSED)
MEANWHILE = _("Somebody else has changed this visit meanwhile. Look at it again; nothing of yours was written.")
REQUIRED = _("This must be filled in.")


def may_attend(session: Session, visit: Visit) -> bool:
    return _reaches(session, visit, (OFFICER, LEADER, OFFICE))


def may_excuse(session: Session, visit: Visit) -> bool:
    return _reaches(session, visit, (LEADER, OFFICE))


def _reaches(session: Session, visit: Visit, roles: Collection[str]) -> bool:
    """Whether one of these roles, held by the session's actor, may edit this very visit. One statement at most."""
    actor, policy = actor_of(session), policy_of(session)
    if actor.system:
        return True
    narrowed = replace(actor, roles=actor.roles & frozenset(roles))
    if not policy.may(narrowed, Act.EDIT, Visit):
        return False
    columns = Visit.__table__.c
    rows = policy.criterion(narrowed, Act.EDIT, Visit, columns)
    if rows is None:
        return True
    return bool(
        session.connection().execute(select(exists(select(columns.id).where(columns.id == visit.id, rows)))).scalar()
    )


def arrive(session: Session, visit: Visit, *, at: datetime | None = None, reason: str | None = None) -> bool:
    """Check in. On its Monday the visit is made, on a later day made up for, with the reason why it was missed.
    False if it was begun before: a second tap changes nothing. An officer who comes in another's place is put down."""
    _begin(session, visit, may_attend)
    if visit.status in HELD:
        return False
    if visit.status not in WAITING:
        raise StepNotAllowed(_("This visit is excused. The leader or the office can take that back."))
    if at is not None and not may_excuse(session, visit):
        raise StepNotAllowed(_("A time is entered afterwards by the leader or the office alone."))
    at = _past(at)
    day = local_day(at)
    if day < visit.planned_on:
        raise StepNotAllowed(_("This visit is planned for {day}. Check in on that day.", day=visit.planned_on))
    if day > visit.planned_on:
        visit.reason = _words("reason", reason) or visit.reason
        if not visit.reason:
            raise InvalidValues({"reason": _("Say why the Monday was missed.")})
        visit.status = VisitStatus.MADE_UP
    else:
        visit.status = VisitStatus.DONE
    visit.arrived_at = at
    came = actor_of(session).ids("officer")
    if came and visit.officer_id not in came and visit.community_id in actor_of(session).ids("assigned"):
        visit.officer_id = min(came)
    session.flush()
    return True


def leave(session: Session, visit: Visit, *, at: datetime | None = None) -> bool:
    """Check out, on the day of arrival. False if that was done before."""
    _begin(session, visit, may_attend)
    if visit.left_at is not None:
        return False
    if visit.status not in HELD or visit.arrived_at is None:
        raise StepNotAllowed(_("Check in first."))
    at = _past(at)
    if local_day(at) != local_day(visit.arrived_at):
        raise InvalidValues({"left_at": _("It began on {day}: enter when it ended.", day=local_day(visit.arrived_at))})
    if at < visit.arrived_at:
        raise InvalidValues({"left_at": _("It ends before it begins.")})
    visit.left_at = at
    session.flush()
    return True


def write_down(session: Session, visit: Visit, given: Mapping[str, str], *, version: int | None = None) -> None:
    """What was done and found, as typed. NotAllowed if somebody changed the visit since `version`."""
    _begin(session, visit, may_attend, version=version)
    if visit.status not in HELD:
        raise StepNotAllowed(_("Check in first."))
    values, problems = parse(given)
    if problems:
        raise InvalidValues(problems)
    for name, value in values.items():
        if getattr(visit, name) != value:
            setattr(visit, name, value)
    session.flush()


def parse(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Message]]:
    """The notes as typed, by their kinds, and what can't be read."""
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for name in NOTES:
        if name in given:
            try:
                values[name] = declared(name).kind.parse(given[name])
            except Invalid as problem:
                problems[name] = problem.message
    return values, problems


def excuse(session: Session, visit: Visit, reason: str, *, version: int | None = None) -> None:
    """免访: nobody is expected on this Monday, for a reason."""
    _begin(session, visit, may_excuse, version=version)
    if visit.status not in WAITING:
        raise StepNotAllowed(_("A visit that took place or is excused can't be excused."))
    words = _words("reason", reason)
    if not words:
        raise InvalidValues({"reason": REQUIRED})
    visit.reason, visit.status = words, VisitStatus.EXEMPT
    session.flush()


def expect_again(session: Session, visit: Visit, *, version: int | None = None) -> None:
    """Take an excuse back: the visit is planned again, or missed if its Monday is over."""
    _begin(session, visit, may_excuse, version=version)
    if visit.status is not VisitStatus.EXEMPT:
        raise StepNotAllowed(_("This visit isn't excused."))
    visit.status = VisitStatus.PLANNED if visit.planned_on >= today() else VisitStatus.MISSED
    visit.reason = None
    session.flush()


def into_case(session: Session, visit: Visit, place: str, description: str, entry: SurveyEntry | None = None) -> Case:
    """A finding becomes a case: taken in as a report is, found on this visit. That of a survey entry is remembered at
    the entry, and made once."""
    _begin(session, visit, may_attend)
    if entry is not None:
        session.execute(select(SurveyEntry.id).where(SurveyEntry.id == entry.id).with_for_update())
        session.refresh(entry)
        if entry.case_id is not None:
            raise StepNotAllowed(_("This was turned into a case already."))
    texts = {"place": place, "description": description}
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for name, text in texts.items():
        field = field_named(Case, name)
        assert field is not None
        try:
            values[name] = field.kind.parse(text)
        except Invalid as problem:
            problems[name] = problem.message
        else:
            if values[name] is None:
                problems[name] = REQUIRED
    if problems:
        raise InvalidValues(problems)
    actor = actor_of(session)
    case = Case(source=Source.VISIT, community_id=visit.community_id, visit_id=visit.id, **values)
    if visit.officer_id is not None:
        case.lead_officer_id = visit.officer_id
        exempt_reference(session, case, "lead_officer_id")
    intake.register(session, case, actor.user_id, actor.name)
    if entry is not None:
        entry.case_id = case.id
        session.flush()
    return case


def declared(name: str) -> Field:
    found = field_named(Visit, name)
    assert found is not None
    return found


def _begin(session: Session, visit: Visit, may: Any, *, version: int | None = None) -> None:
    """Lock the visit as it stands, and see that this person may, and knew what they changed."""
    session.execute(select(Visit.id).where(Visit.id == visit.id).with_for_update())
    session.refresh(visit)
    if not may(session, visit):
        raise StepNotAllowed(_("This visit is for its officer, the squad's leader or the office."))
    if version is not None and visit.version != version:
        raise StepNotAllowed(MEANWHILE)


def _past(at: datetime | None) -> datetime:
    """A moment that isn't in the future, to the second."""
    moment = now().replace(microsecond=0)
    if at is not None and at > moment:
        raise InvalidValues({"arrived_at": _("This moment is yet to come.")})
    return at or moment


def moment(text: str, name: str) -> datetime | None:
    """A moment as typed; Lacking with a sentence for what can't be read."""
    try:
        return Moment().parse(text)
    except Invalid as problem:
        raise InvalidValues({name: problem.message}) from problem


def _words(name: str, text: str | None) -> str | None:
    try:
        found: str | None = declared(name).kind.parse(text)
    except Invalid as problem:
        raise InvalidValues({name: problem.message}) from problem
    return found
