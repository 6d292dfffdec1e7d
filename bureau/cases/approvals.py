"""Requests that another person decides: extension (延期), suspension (挂账) and resumption (恢复) of a case.

Who asks never decides; a constraint of the database holds that too. The leader of the squad decides. A request of a
leader is decided by another leader or the office."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE
from bureau.calendar.calendar import Calendar, office_calendar
from bureau.cases import clock
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps.model import Values
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
from panel.i18n import _, in_default_locale
from panel.kinds import now, today
from panel.security.policy import Actor
from panel.security.session import actor_of

#: States in which a request may be made; it lapses when the case leaves them.
ASKABLE = (CaseStatus.DISPATCHED, CaseStatus.HANDLING, CaseStatus.REFERRED, CaseStatus.MEDIATING)
#: States in which a request may wait for a decision; in a suspended case the request to resume it.
DECIDABLE = (*ASKABLE, CaseStatus.SUSPENDED)
LAPSED = _("The case has moved on: there is nothing to decide any more.")


def decidable_by(actor: Actor) -> ColumnElement[bool]:
    """The condition for requests that an actor may decide, among those that they may read."""
    by_leader: ColumnElement[bool] = false()
    if LEADER in actor.roles:
        squads = actor.ids("squads")
        officers = select(Officer.id).where(Officer.squad_id.in_(squads))
        communities = select(Community.id).where(Community.squad_id.in_(squads))
        cases = select(Case.id).where(
            or_(Case.community_id.in_(communities), Case.handler_id.in_(officers), Case.lead_officer_id.in_(officers))
        )
        by_leader = DeadlineChange.case_id.in_(cases)
    by_office = DeadlineChange.for_office.is_(True) if OFFICE in actor.roles else false()
    by_another = or_(DeadlineChange.asked_by_id.is_(None), DeadlineChange.asked_by_id != actor.user_id)
    return and_(
        DeadlineChange.status == ChangeStatus.ASKED, or_(by_leader, by_office), by_another if actor.user_id else true()
    )


def pending_request(session: Session, case: Case) -> DeadlineChange | None:
    """The request of a case that waits for a decision; a case has one at most."""
    return _latest(session, case, ChangeStatus.ASKED)


def ask_suspension(session: Session, case: Case, values: Values) -> None:
    """Request a suspension: the deadline stands still until the case is resumed."""
    if values["review_on"] <= today():
        raise InvalidValues({"review_on": _("A day to come.")})
    _ask(session, case, kind=ChangeKind.SUSPENSION, reason=values["reason"], review_on=values["review_on"])


def ask_resumption(session: Session, case: Case, values: Values) -> None:
    """Request the end of a suspension."""
    _ask(session, case, kind=ChangeKind.RESUMPTION, reason=values["reason"])


def ask_extension(session: Session, case: Case, values: Values) -> None:
    """Request an extension, before the deadline; how often and how long is limited by settings."""
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
    most = max_extension(limit, settings.get(session, "extension_share"))
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


def max_extension(limit: clock.Limit, share: int) -> int:
    """The longest extension of a limit, in its unit: `share` percent of it, one unit at least."""
    return max(1, limit.value * share // 100)


def _ask(session: Session, case: Case, **values: Any) -> None:
    if pending_request(session, case) is not None:
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
    """Grant the pending request. A suspension stops the deadline from now on, a resumption lets it run again, an
    extension moves it. Returns the new state of the case; None if it stays the same."""
    change = _decide(session, case, ChangeStatus.APPROVED, values.get("opinion"))
    if change.kind is ChangeKind.SUSPENSION:
        change.came_from, change.old_due_at = case.status.value, case.due_at
        return CaseStatus.SUSPENDED
    if change.kind is ChangeKind.RESUMPTION:
        return _end_suspension(session, case)
    limit = clock.limit_of(case.item_snapshot, case.urgency)
    if limit is None or case.due_at is None:
        raise StepNotAllowed(_("This case has no deadline that could be extended."))
    change.old_due_at = case.due_at
    change.new_due_at = case.due_at = clock.apply_change(case.due_at, change, limit, office_calendar(session))
    return None


def refuse(session: Session, case: Case, values: Values) -> None:
    """Refuse the pending request; the case stays as it is."""
    _decide(session, case, ChangeStatus.REFUSED, values["opinion"])


def _decide(session: Session, case: Case, status: ChangeStatus, opinion: str | None) -> DeadlineChange:
    change, actor = pending_request(session, case), actor_of(session)
    if change is None:
        raise StepNotAllowed(LAPSED)
    if actor.user_id is not None and change.asked_by_id == actor.user_id:
        raise StepNotAllowed(_("Another person than the one who asked must decide."))
    change.status, change.opinion = status, opinion
    change.decided_at, change.decided_by, change.decided_by_id = now(), actor.name, actor.user_id
    return change


def resume(session: Session, case: Case, values: Values) -> CaseStatus:
    """Resume a suspended case without a request. A pending request is granted by that."""
    if pending_request(session, case) is not None:
        _decide(session, case, ChangeStatus.APPROVED, values["reason"])
    return _end_suspension(session, case)


def _end_suspension(session: Session, case: Case) -> CaseStatus:
    """End the suspension: move the deadline by its length and return the state before it."""
    change = _latest(session, case, ChangeStatus.APPROVED, ChangeKind.SUSPENSION)
    came_from, since = (change.came_from, change.decided_at) if change is not None else _suspended_from(session, case)
    if change is not None:
        change.status, change.resumed_at = ChangeStatus.OVER, now()
    case.due_at = due_of(session, case, since=since if change is None else None)
    if change is not None:
        change.new_due_at = case.due_at
    status = CaseStatus.of(came_from) if came_from else CaseStatus.HANDLING
    assert isinstance(status, CaseStatus)
    return status if status in ASKABLE else CaseStatus.HANDLING


def _suspended_from(session: Session, case: Case) -> tuple[str | None, datetime | None]:
    """The state before a suspension without a request, and its beginning, from the events of the case."""
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
    """The deadline of an accepted case, from its limit and all changes granted since the limit began to run.

    `since` is the beginning of a suspension that ends now and has no row in DeadlineChange."""
    limit = clock.limit_of(case.item_snapshot, case.urgency)
    if case.accepted_at is None or case.due_at is None or limit is None:
        return case.due_at
    calendar = calendar or office_calendar(session)
    session.flush()
    changes = session.scalars(select(DeadlineChange).where(DeadlineChange.case_id == case.id)).all()
    if since is not None:
        over = DeadlineChange(kind=ChangeKind.SUSPENSION, status=ChangeStatus.OVER, decided_at=since, resumed_at=now())
        return clock.apply_change(case.due_at, over, limit, calendar)
    return clock.due_at(_reopened(session, case) or case.accepted_at, limit, changes, calendar)


def _reopened(session: Session, case: Case) -> datetime | None:
    """The last reopening of the case, from which its limit runs; None if there was none."""
    statement = select(func.max(CaseEvent.at)).where(CaseEvent.case_id == case.id, CaseEvent.step.in_(restarting()))
    return session.execute(statement).scalar_one()


def lapse(session: Session, case: Case) -> None:
    """Refuse the pending request of a case that has moved on, without a decision."""
    change = pending_request(session, case)
    if change is not None:
        change.status, change.opinion = ChangeStatus.REFUSED, in_default_locale(LAPSED)


def _latest(
    session: Session, case: Case, status: ChangeStatus, kind: ChangeKind | None = None
) -> DeadlineChange | None:
    statement = select(DeadlineChange).where(DeadlineChange.case_id == case.id, DeadlineChange.status == status)
    if kind is not None:
        statement = statement.where(DeadlineChange.kind == kind)
    return session.scalars(statement.order_by(DeadlineChange.id.desc()).limit(1)).first()
