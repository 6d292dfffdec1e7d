"""Requests that another person decides: extension (延期), suspension (挂账) and resumption (恢复) of a case, and a
deadline by the day on which an agreement is performed (履约期).

Who asks never decides, a constraint of the database holds that too; nor does the person in whose name a deputy asked.
The leader of the squad decides, or their deputy. A request of a leader is decided by another leader or the office, that
of a squad without a leader by the office. A deputy never decides in the name of the one who asked, or for whom was
asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select, true
from sqlalchemy.orm import Session

from bureau.access.facts import ACCOUNT, OWN, SELF, capacities
from bureau.access.roles import LEADER, OFFICE
from bureau.access.row_scopes import in_squads
from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar, office_calendar
from bureau.cases import clock, state
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps.model import Values
from bureau.cases.steps.registry import restarting
from bureau.people import deputies
from bureau.settings import settings
from models import (
    PENDING,
    Case,
    CaseEvent,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    Community,
    DeadlineChange,
    Officer,
    Referral,
    Urgency,
)
from panel.base import UNSCOPED
from panel.i18n import Message, _, in_default_locale
from panel.kinds import now, today
from panel.security.policy import Actor, by_actor
from panel.security.session import actor_of

#: States in which a request may be made; it lapses when the case leaves them.
ASKABLE = (CaseStatus.DISPATCHED, CaseStatus.HANDLING, CaseStatus.REFERRED, CaseStatus.MEDIATING)
#: States in which a request may wait for a decision; in a suspended case the request to resume it.
DECIDABLE = (*ASKABLE, CaseStatus.SUSPENDED)
LAPSED = _("The case has moved on: there is nothing to decide any more.")
REPLACED = _("An agreement was reached: the deadline by the day of performance is asked for instead.")


@by_actor
def decidable_by(actor: Actor) -> ColumnElement[bool]:
    """The condition for requests that an actor may decide, among those that they may read."""
    by_leader: ColumnElement[bool] = false()
    for of, acting in capacities(actor):
        if LEADER in acting.roles:
            theirs = DeadlineChange.case_id.in_(_cases_of(acting.ids("squads")))
            lent_by_asker = or_(_asked_by(acting.ids(ACCOUNT)), _asked_for((of,)))
            by_leader = or_(by_leader, theirs if of == OWN else and_(theirs, not_(lent_by_asker)))
    by_office: ColumnElement[bool] = false()
    if OFFICE in actor.roles:
        leading = actor.ids("leading")
        by_office = or_(DeadlineChange.for_office.is_(True), _asked_by(leading), _asked_for(_officers(leading)))
        if actor.ids("head"):
            by_office = or_(by_office, DeadlineChange.case_id.not_in(_cases_of(actor.ids("led"))))
    by_another = not_(or_(_asked_by((actor.user_id,)), _asked_for(actor.ids(SELF))))
    return and_(
        DeadlineChange.status == ChangeStatus.ASKED, or_(by_leader, by_office), by_another if actor.user_id else true()
    )


def _asked_by(accounts: Collection[int | None]) -> ColumnElement[bool]:
    return and_(DeadlineChange.asked_by_id.is_not(None), DeadlineChange.asked_by_id.in_(accounts))


def _asked_for(people: Any) -> ColumnElement[bool]:
    """The condition for requests of deputies in the name of these officers."""
    return and_(DeadlineChange.asked_for_id.is_not(None), DeadlineChange.asked_for_id.in_(people))


def _officers(accounts: Collection[int]) -> Select[Any]:
    return select(Officer.id).where(Officer.user_id.in_(accounts))


def _cases_of(squads: Collection[int]) -> Select[Any]:
    return select(Case.id).where(in_squads(Case, squads, Officer, Community))


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


def ask_performance(session: Session, case: Case, perform_by: date, reason: str) -> None:
    """Request the deadline that an agreement needs, which is to be performed by this day."""
    _ask(
        session,
        case,
        kind=ChangeKind.PERFORMANCE,
        reason=reason,
        perform_by=perform_by,
        old_due_at=case.due_at,
    )


def due_before_performance(session: Session, case: Case, perform_by: date, calendar: Calendar | None = None) -> bool:
    """Whether the case is due earlier than an agreement asks for. A case without a limit has no deadline to move. Two
    statements at most, none where the day alone tells."""
    if case.due_at is None or case.accepted_at is None or clock.limit_of(case.item_snapshot, case.urgency) is None:
        return False
    if deadlines.local_day(case.due_at) <= perform_by:
        return True
    return case.due_at < deadlines.performed(perform_by, calendar or office_calendar(session))


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
        asked_for_id=deputies.represented(session),
        for_office=LEADER in actor.roles,
        **values,
    )
    session.add(change)


def approve(session: Session, case: Case, values: Values) -> CaseStatus | None:
    """Grant the pending request. A suspension stops the deadline from now on, a resumption lets it run again, an
    extension and the performance of an agreement move it. Returns the new state of the case; None if it stays."""
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
    if actor.user_id is not None and (change.asked_by_id == actor.user_id or change.asked_for_id in actor.ids(SELF)):
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
    return _state_of_records(session, case, status if status in ASKABLE else CaseStatus.HANDLING)


def _state_of_records(session: Session, case: Case, status: CaseStatus) -> CaseStatus:
    """The state to resume in: every department may have answered meanwhile."""
    if status is not CaseStatus.REFERRED:
        return status
    waiting = select(Referral.id).where(Referral.case_id == case.id, Referral.status.in_(PENDING)).limit(1)
    answered = session.execute(waiting, execution_options=UNSCOPED).first() is None
    return state.without_referrals(case.handler_id) if answered else status


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
    session: Session,
    case: Case,
    *,
    calendar: Calendar | None = None,
    since: datetime | None = None,
    urgency: Urgency | None = None,
) -> datetime | None:
    """The deadline of an accepted case, from its limit and all changes granted since the limit began to run.

    `urgency` is another than the case's, to know what would follow from it. `since` is the beginning of a suspension
    that ends now and has no row in DeadlineChange."""
    limit = clock.limit_of(case.item_snapshot, urgency or case.urgency)
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
    """The last reopening of the case, from which its limit runs; None if there was none since it was accepted."""
    if case.accepted_at is None:
        return None
    statement = select(func.max(CaseEvent.at)).where(
        CaseEvent.case_id == case.id, CaseEvent.step.in_(restarting()), CaseEvent.at >= case.accepted_at
    )
    return session.execute(statement).scalar_one()


def lapse(session: Session, case: Case, why: Message = LAPSED) -> None:
    """Refuse the pending request of a case that has moved on, without a decision."""
    change = pending_request(session, case)
    if change is not None:
        change.status, change.opinion = ChangeStatus.REFUSED, in_default_locale(why)
        session.flush()


def _latest(
    session: Session, case: Case, status: ChangeStatus, kind: ChangeKind | None = None
) -> DeadlineChange | None:
    statement = select(DeadlineChange).where(DeadlineChange.case_id == case.id, DeadlineChange.status == status)
    if kind is not None:
        statement = statement.where(DeadlineChange.kind == kind)
    return session.scalars(statement.order_by(DeadlineChange.id.desc()).limit(1)).first()
