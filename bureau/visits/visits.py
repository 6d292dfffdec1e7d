"""Acts on a visit: check in and out, notes, excuse, and cases made from findings.

Officers, leaders and the office who may edit a visit may attend it; leaders and the office may excuse it. Each act
locks the visit, so that the second of two people gets a message."""

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

#: The columns of the notes.
NOTES = ("content", "findings", "on_the_spot")
#: States of a visit that took place.
HELD = (VisitStatus.DONE, VisitStatus.MADE_UP)
#: States of a visit that can still be made.
WAITING = (VisitStatus.PLANNED, VisitStatus.MISSED)
CHANGED_MEANWHILE = _("Somebody else has changed this visit meanwhile. Look at it again; nothing of yours was written.")
REQUIRED = _("This must be filled in.")


def may_attend(session: Session, visit: Visit) -> bool:
    return _may_edit(session, visit, (OFFICER, LEADER, OFFICE))


def may_excuse(session: Session, visit: Visit) -> bool:
    return _may_edit(session, visit, (LEADER, OFFICE))


def _may_edit(session: Session, visit: Visit, roles: Collection[str]) -> bool:
    """Whether the session's actor may edit this visit by one of these roles. One statement at most."""
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
    """Check in; False if that was done before. On its Monday the visit is held, on a later day made up for, which needs
    a reason. An officer assigned to the community replaces the planned one. `at` is for leader and office only.

    Raises StepNotAllowed or InvalidValues."""
    _lock(session, visit, may_attend)
    if visit.status in HELD:
        return False
    if visit.status not in WAITING:
        raise StepNotAllowed(_("This visit is excused. The leader or the office can take that back."))
    if at is not None and not may_excuse(session, visit):
        raise StepNotAllowed(_("A time is entered afterwards by the leader or the office alone."))
    at = _checked_time(at)
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
    # A deputy is recorded as the one who came.
    actor = actor_of(session)
    own = actor.ids("self") if OFFICER in actor.roles else frozenset()
    if own and visit.officer_id not in own and visit.community_id in actor.ids("assigned"):
        visit.officer_id = min(own)
    session.flush()
    return True


def leave(session: Session, visit: Visit, *, at: datetime | None = None) -> bool:
    """Check out on the day of arrival; False if that was done before. Raises StepNotAllowed or InvalidValues."""
    _lock(session, visit, may_attend)
    if visit.left_at is not None:
        return False
    if visit.status not in HELD or visit.arrived_at is None:
        raise StepNotAllowed(_("Check in first."))
    at = _checked_time(at)
    if local_day(at) != local_day(visit.arrived_at):
        raise InvalidValues({"left_at": _("It began on {day}: enter when it ended.", day=local_day(visit.arrived_at))})
    if at < visit.arrived_at:
        raise InvalidValues({"left_at": _("It ends before it begins.")})
    visit.left_at = at
    session.flush()
    return True


def save_notes(session: Session, visit: Visit, typed: Mapping[str, str], *, version: int | None = None) -> None:
    """Save the typed notes and flush. Raises StepNotAllowed if the visit changed since `version`, InvalidValues."""
    _lock(session, visit, may_attend, version=version)
    if visit.status not in HELD:
        raise StepNotAllowed(_("Check in first."))
    values, problems = parse(typed)
    if problems:
        raise InvalidValues(problems)
    for name, value in values.items():
        if getattr(visit, name) != value:
            setattr(visit, name, value)
    session.flush()


def parse(typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Message]]:
    """Parse typed notes; returns values and problems by field."""
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for name in NOTES:
        if name in typed:
            try:
                values[name] = field_of(name).kind.parse(typed[name])
            except Invalid as problem:
                problems[name] = problem.message
    return values, problems


def excuse(session: Session, visit: Visit, reason: str, *, version: int | None = None) -> None:
    """Excuse a visit (免访), with a reason."""
    _lock(session, visit, may_excuse, version=version)
    if visit.status not in WAITING:
        raise StepNotAllowed(_("A visit that took place or is excused can't be excused."))
    words = _words("reason", reason)
    if not words:
        raise InvalidValues({"reason": REQUIRED})
    visit.reason, visit.status = words, VisitStatus.EXEMPT
    session.flush()


def withdraw_excuse(session: Session, visit: Visit, *, version: int | None = None) -> None:
    """Withdraw an excuse: the visit is planned again, or missed if its Monday is over."""
    _lock(session, visit, may_excuse, version=version)
    if visit.status is not VisitStatus.EXEMPT:
        raise StepNotAllowed(_("This visit isn't excused."))
    visit.status = VisitStatus.PLANNED if visit.planned_on >= today() else VisitStatus.MISSED
    visit.reason = None
    session.flush()


def make_case(session: Session, visit: Visit, place: str, description: str, entry: SurveyEntry | None = None) -> Case:
    """Register a case found on this visit. A survey entry gets one case at most, and refers to it. Raises
    StepNotAllowed or InvalidValues."""
    _lock(session, visit, may_attend)
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


def field_of(name: str) -> Field:
    field = field_named(Visit, name)
    assert field is not None
    return field


def _lock(session: Session, visit: Visit, may: Any, *, version: int | None = None) -> None:
    """Lock and refresh the visit. Raises StepNotAllowed without the right `may`, or if it changed since `version`."""
    session.execute(select(Visit.id).where(Visit.id == visit.id).with_for_update())
    session.refresh(visit)
    if not may(session, visit):
        raise StepNotAllowed(_("This visit is for its officer, the squad's leader or the office."))
    if version is not None and visit.version != version:
        raise StepNotAllowed(CHANGED_MEANWHILE)


def _checked_time(at: datetime | None) -> datetime:
    """`at`, by default now, to the second. Raises InvalidValues for a time in the future."""
    moment = now().replace(microsecond=0)
    if at is not None and at > moment:
        raise InvalidValues({"arrived_at": _("This moment is yet to come.")})
    return at or moment


def moment(text: str, name: str) -> datetime | None:
    """Parse a typed moment. Raises InvalidValues with the problem at field `name`."""
    try:
        return Moment().parse(text)
    except Invalid as problem:
        raise InvalidValues({name: problem.message}) from problem


def _words(name: str, text: str | None) -> str | None:
    try:
        words: str | None = field_of(name).kind.parse(text)
    except Invalid as problem:
        raise InvalidValues({name: problem.message}) from problem
    return words
