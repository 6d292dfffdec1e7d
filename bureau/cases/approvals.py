"""What one person asks for and another decides: extensions (延期), suspensions (挂账) and resumptions (恢复) of a case.

Whoever asks never decides, and the database holds that as well. The squad's leader decides; what a leader asked for,
another leader or the office."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE
from bureau.calendar.calendar import Calendar, office_calendar
from bureau.cases import clock
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps.registry import restarting
from bureau.settings import settings
from models import (
    Case,
    CaseEvent,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    Community,
    DeadlineChange,
    Officer,
)
from panel.i18n import _, for_the_record
from panel.kinds import now, today
from panel.security.policy import Actor
from panel.security.session import actor_of

Values = Mapping[str, Any]
#: States in which something may be asked for; a request lapses with them.
ASKABLE = (CaseStatus.DISPATCHED, CaseStatus.HANDLING, CaseStatus.REFERRED, CaseStatus.MEDIATING)
#: States in which something may wait for a decision: that a suspended case be resumed, too.
DECIDABLE = (*ASKABLE, CaseStatus.SUSPENDED)
LAPSED = _("The case has moved on: there is nothing to decide any more.")


def waiting(actor: Actor) -> ColumnElement[bool]:
    """The condition for requests that a person may decide, inside what they read."""
    led: ColumnElement[bool] = false()
    if LEADER in actor.roles:
        squads = actor.ids("squads")
        officers = select(Officer.id).where(Officer.squad_id.in_(squads))
        communities = select(Community.id).where(Community.squad_id.in_(squads))
        cases = select(Case.id).where(
            or_(Case.community_id.in_(communities), Case.handler_id.in_(officers), Case.lead_officer_id.in_(officers))
        )
        led = DeadlineChange.case_id.in_(cases)
    office = DeadlineChange.for_office.is_(True) if OFFICE in actor.roles else false()
    another = or_(DeadlineChange.asked_by_id.is_(None), DeadlineChange.asked_by_id != actor.user_id)
    return and_(DeadlineChange.status == ChangeStatus.ASKED, or_(led, office), another if actor.user_id else true())


def asked(session: Session, case: Case) -> DeadlineChange | None:
    """The request of a case that waits for a decision; there is one at most."""
    return _latest(session, case, ChangeStatus.ASKED)


def ask_suspension(session: Session, case: Case, values: Values) -> None:
    """Ask that the clock stand still: something else must happen first."""
    if values["review_on"] <= today():
        raise InvalidValues({"review_on": _("A day to come.")})
    _ask(session, case, kind=ChangeKind.SUSPENSION, reason=values["reason"], review_on=values["review_on"])


def ask_resumption(session: Session, case: Case, values: Values) -> None:
    """Ask that the clock run again: what was waited for has happened."""
    _ask(session, case, kind=ChangeKind.RESUMPTION, reason=values["reason"])


def ask_extension(session: Session, case: Case, values: Values) -> None:
    """Ask for more time, before it is over: so often and by so much as the settings allow."""
    limit = clock.limit_of(case.item_snapshot, case.urgency)
    if case.due_at is None or limit is None:
        raise StepNotAllowed(_("This case has no deadline that could be extended."))
    if now() > case.due_at:
        raise StepNotAllowed(_("The deadline is over: an extension is asked for before."))
    times = settings.get(session, "extension_times")
    granted = select(func.count(DeadlineChange.id)).where(
        DeadlineChange.case_id == case.id,
        DeadlineChange.kind == ChangeKind.EXTENSION,
        DeadlineChange.status == ChangeStatus.APPROVED,
    )
    if (reopened := _reopened(session, case)) is not None:
        granted = granted.where(DeadlineChange.asked_at >= reopened)
    if session.execute(granted).scalar_one() >= times:
        raise StepNotAllowed(_("A deadline is extended {n} times at most.", n=times))
    most = longest(limit, settings.get(session, "extension_share"))
    if values["days"] > most:
        raise InvalidValues(
            {"days": _("{n} at most, in the unit of the limit ({unit}).", n=most, unit=limit.unit.label)}
        )
    _ask(
        session,
        case,
        kind=ChangeKind.EXTENSION,
        reason=values["reason"],
        days=values["days"],
        unit=limit.unit,
        old_due_at=case.due_at,
    )


def longest(limit: clock.Limit, share: int) -> int:
    """How much a limit may be extended by: a share of it in percent, one unit at least."""
    return max(1, limit.value * share // 100)


def _ask(session: Session, case: Case, **values: Any) -> None:
    if asked(session, case) is not None:
        raise StepNotAllowed(_("Approval has been asked for already."))
    actor = actor_of(session)
    change = DeadlineChange(
        case_id=case.id,
        asked_at=now(),
        asked_by=actor.name,
        asked_by_id=actor.user_id,
        for_office=LEADER in actor.roles,
        **values,
    )
    session.add(change)


def approve(session: Session, case: Case, values: Values) -> CaseStatus | None:
    """Grant what was asked: a suspension stops the clock from now on, a resumption lets it run again, an extension
    moves the deadline."""
    change = _decide(session, case, ChangeStatus.APPROVED, values.get("opinion"))
    if change.kind is ChangeKind.SUSPENSION:
        change.came_from, change.old_due_at = case.status.value, case.due_at
        return CaseStatus.SUSPENDED
    if change.kind is ChangeKind.RESUMPTION:
        return _back(session, case)
    limit = clock.limit_of(case.item_snapshot, case.urgency)
    if limit is None or case.due_at is None:
        raise StepNotAllowed(_("This case has no deadline that could be extended."))
    change.old_due_at = case.due_at
    change.new_due_at = case.due_at = clock.moved(case.due_at, change, limit, office_calendar(session))
    return None


def refuse(session: Session, case: Case, values: Values) -> None:
    """Nothing changes but the request."""
    _decide(session, case, ChangeStatus.REFUSED, values["opinion"])


def _decide(session: Session, case: Case, status: ChangeStatus, opinion: str | None) -> DeadlineChange:
    change, actor = asked(session, case), actor_of(session)
    if change is None:
        raise StepNotAllowed(LAPSED)
    if actor.user_id is not None and change.asked_by_id == actor.user_id:
        raise StepNotAllowed(_("Another person than the one who asked must decide."))
    change.status, change.opinion = status, opinion
    change.decided_at, change.decided_by, change.decided_by_id = now(), actor.name, actor.user_id
    return change


def resume(session: Session, case: Case, values: Values) -> CaseStatus:
    """The leader has the case taken up again without being asked; what somebody has asked for is granted by that."""
    if asked(session, case) is not None:
        _decide(session, case, ChangeStatus.APPROVED, values["reason"])
    return _back(session, case)


def _back(session: Session, case: Case) -> CaseStatus:
    """Back to the state that the case came from; the deadline moves by the time that it stood still."""
    change = _latest(session, case, ChangeStatus.APPROVED, ChangeKind.SUSPENSION)
    came_from, since = (change.came_from, change.decided_at) if change is not None else _by_events(session, case)
    if change is not None:
        change.status, change.resumed_at = ChangeStatus.OVER, now()
    case.due_at = due_of(session, case, since=since if change is None else None)
    if change is not None:
        change.new_due_at = case.due_at
    found = CaseStatus.of(came_from) if came_from else CaseStatus.HANDLING
    assert isinstance(found, CaseStatus)
    return found if found in ASKABLE else CaseStatus.HANDLING


def _by_events(session: Session, case: Case) -> tuple[str | None, datetime | None]:
    """Where a suspended case came from, and when, if it was suspended without a request."""
    statement = (
        select(CaseEvent.from_status, CaseEvent.at)
        .where(
            CaseEvent.case_id == case.id,
            CaseEvent.to_status == CaseStatus.SUSPENDED,
            CaseEvent.from_status != CaseStatus.SUSPENDED,
        )
        .order_by(CaseEvent.seq.desc())
        .limit(1)
    )
    row = session.execute(statement).first()
    return (row.from_status.value, row.at) if row is not None and row.from_status else (None, None)


def due_of(
    session: Session, case: Case, *, calendar: Calendar | None = None, since: datetime | None = None
) -> datetime | None:
    """The deadline of an accepted case as it follows from its limit and all that was granted since it began to run.
    `since`: when a suspension began that ends now and has no row of its own."""
    limit = clock.limit_of(case.item_snapshot, case.urgency)
    if case.accepted_at is None or case.due_at is None or limit is None:
        return case.due_at
    calendar = calendar or office_calendar(session)
    session.flush()
    changes = session.scalars(select(DeadlineChange).where(DeadlineChange.case_id == case.id)).all()
    if since is not None:
        over = DeadlineChange(kind=ChangeKind.SUSPENSION, status=ChangeStatus.OVER, decided_at=since, resumed_at=now())
        return clock.moved(case.due_at, over, limit, calendar)
    return clock.due_at(_reopened(session, case) or case.accepted_at, limit, changes, calendar)


def _reopened(session: Session, case: Case) -> datetime | None:
    """When the case was last reopened: its limit runs from there."""
    statement = select(func.max(CaseEvent.at)).where(CaseEvent.case_id == case.id, CaseEvent.step.in_(restarting()))
    return session.execute(statement).scalar_one()


def lapse(session: Session, case: Case) -> None:
    """What was asked for a case that has moved on is not decided any more."""
    change = asked(session, case)
    if change is not None:
        change.status, change.opinion = ChangeStatus.REFUSED, for_the_record(LAPSED)


def _latest(
    session: Session, case: Case, status: ChangeStatus, kind: ChangeKind | None = None
) -> DeadlineChange | None:
    statement = select(DeadlineChange).where(DeadlineChange.case_id == case.id, DeadlineChange.status == status)
    if kind is not None:
        statement = statement.where(DeadlineChange.kind == kind)
    return session.scalars(statement.order_by(DeadlineChange.id.desc()).limit(1)).first()
