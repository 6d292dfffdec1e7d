"""Reminders that are due: cases due soon, overdue, or long overdue (督办), stages over their limit, late departments,
suspended cases to review. This module only reads; notices.remind() sends and remembers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, false, func, or_, select
from sqlalchemy.orm import Session

from bureau.access import facts
from bureau.access.roles import OFFICE, VIEWER
from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar
from bureau.cases import clock, recompute, stages
from bureau.people import deputies
from bureau.settings import settings
from models import (
    ENDED,
    PENDING,
    Case,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    Community,
    DeadlineChange,
    LimitUnit,
    Officer,
    Referral,
    ReferralStatus,
)
from panel.base import UNSCOPED
from panel.kinds import now, today
from panel.security.accounts import User, UserRole
from panel.security.policy import table_of
from panel.security.separation import in_force

RUNNING = tuple(status for status in CaseStatus if status not in ENDED and status is not CaseStatus.SUSPENDED)


class Kind(StrEnum):
    """The reason of a reminder."""

    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    SUPERVISED = "supervised"
    STAGE_LATE = "stage_late"
    SIGN_LATE = "sign_late"
    REPLY_LATE = "reply_late"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder about a case for these accounts. `about` is the id of the late referral, or the state that the case
    waits in with the beginning of the wait."""

    case_id: int
    kind: Kind
    users: tuple[int, ...]
    about: int | str | None = None


@dataclass(frozen=True, slots=True)
class _People:
    """Active accounts: the leaders by squad with their deputies, the office, the heads, who have the role of viewer,
    the deputies by officer, and who decides for a squad without a leader."""

    leaders: Mapping[int, tuple[int, ...]]
    office: tuple[int, ...]
    heads: tuple[int, ...]
    deputies: Mapping[int, tuple[int, ...]]
    instead: tuple[int, ...]

    def leading(self, squad: int | None) -> tuple[int, ...]:
        return self.leaders.get(squad or 0) or self.instead

    def of(self, officer: int | None, account: int | None) -> tuple[int, ...]:
        """The account of an officer and those of their deputies."""
        return _distinct((account,) if account is not None else (), self.deputies.get(officer or 0, ()))


def due(session: Session, *, at: datetime | None = None, calendar: Calendar | None = None) -> list[Reminder]:
    """The reminders due at a moment (now by default), sorted by case. A fixed number of statements."""
    values = settings.all_values(session)
    at, calendar = at or now(), calendar or Calendar.load(session, values["office_hours"])
    people = _people(session)
    reminders = [
        *_cases(session, at, calendar, values, people),
        *_stages(session, at, calendar, values, people),
        *_referrals(session, at, values, people),
        *_reviews(session, people),
    ]
    return sorted(
        (reminder for reminder in reminders if reminder.users), key=lambda reminder: (reminder.case_id, reminder.kind)
    )


def _cases(
    session: Session, at: datetime, calendar: Calendar, values: Mapping[str, Any], people: _People
) -> Iterator[Reminder]:
    columns = (Case.due_at, Case.accepted_at, Case.reported_at, Case.urgency, Case.item_snapshot)
    statement = _with_people(*columns).where(
        Case.status.in_(RUNNING), Case.due_at.is_not(None), Case.historic.is_(False)
    )
    reopened = recompute.reopenings(session)
    for row in session.execute(statement, execution_options=UNSCOPED):
        handler, leaders = _handler(row, people), people.leading(row.squad_id)
        limit = clock.limit_of(row.item_snapshot, row.urgency) or clock.Limit(1, LimitUnit.WORKING_DAY)
        begun = reopened.get(row.id) or row.accepted_at or row.reported_at
        light = deadlines.light(at, begun, row.due_at, limit.unit, calendar, urgent=limit.urgent)
        if light == "yellow" and values["remind_soon"]:
            yield Reminder(row.id, Kind.DUE_SOON, handler)
        if light == "red":
            yield Reminder(row.id, Kind.OVERDUE, _distinct(handler, leaders if values["remind_leader"] else ()))
            days = values["supervise_days"]
            if days and deadlines.working_days_between(row.due_at, at, calendar) >= days:
                yield Reminder(row.id, Kind.SUPERVISED, _distinct(people.office, people.heads))


def _stages(
    session: Session, at: datetime, calendar: Calendar, values: Mapping[str, Any], people: _People
) -> Iterator[Reminder]:
    """Cases whose stage limit is over, for lead officer and office; for verification also the leaders."""
    if not values["remind_stage"]:
        return
    columns = (Case.status, Case.historic, Case.urgency, Case.reported_at, Case.accepted_at, Case.handled_at)
    statement = _with_people(*columns).where(stages.overdue(values, calendar, at))
    for row in session.execute(statement, execution_options=UNSCOPED):
        pending = stages.pending(row, values, calendar, at)
        lead = _lead(row, people)
        leaders = people.leading(row.squad_id) if row.status is CaseStatus.HANDLED else ()
        if pending is not None:
            about = f"{row.status.value}:{pending.begun.isoformat()}"
            yield Reminder(row.id, Kind.STAGE_LATE, _distinct(lead, people.office, leaders), about)


def _referrals(session: Session, at: datetime, values: Mapping[str, Any], people: _People) -> Iterator[Reminder]:
    """Referrals with a late reply, else with a late sign-off."""
    unsigned = and_(Referral.status == ReferralStatus.SENT, Referral.sign_due_at < at)
    statement = (
        _with_people(Referral.id.label("referral_id"), (Referral.reply_due_at < at).label("unanswered"))
        .join(Referral, Referral.case_id == Case.id)
        .where(
            Referral.status.in_(PENDING),
            or_(Referral.reply_due_at < at, unsigned if values["remind_sign"] else false()),
            Case.status.not_in(ENDED),
        )
    )
    for row in session.execute(statement, execution_options=UNSCOPED):
        users = _handler(row, people) or people.leading(row.squad_id)
        yield Reminder(row.id, Kind.REPLY_LATE if row.unanswered else Kind.SIGN_LATE, users, row.referral_id)


def _reviews(session: Session, people: _People) -> Iterator[Reminder]:
    """Suspended cases whose day of review has come."""
    statement = (
        _with_people()
        .join(DeadlineChange, DeadlineChange.case_id == Case.id)
        .where(
            Case.status == CaseStatus.SUSPENDED,
            DeadlineChange.kind == ChangeKind.SUSPENSION,
            DeadlineChange.status == ChangeStatus.APPROVED,
            DeadlineChange.review_on <= today(),
        )
    )
    for row in session.execute(statement, execution_options=UNSCOPED):
        yield Reminder(row.id, Kind.REVIEW, _distinct(_handler(row, people), people.leading(row.squad_id)))


def _with_people(*columns: Any) -> Any:
    """Select cases with the accounts of handler and lead officer, and the squad of the community."""
    handler, lead = table_of(Officer).alias("handler"), table_of(Officer).alias("lead")
    handler_user, lead_user = table_of(User).alias("handler_user"), table_of(User).alias("lead_user")
    kept = table_of(Community).alias("kept")
    return (
        select(
            Case.id,
            handler_user.c.id.label("handler_user"),
            lead_user.c.id.label("lead_user"),
            Case.handler_id,
            Case.lead_officer_id,
            func.coalesce(kept.c.squad_id, Community.squad_id).label("squad_id"),
            *columns,
        )
        .join(Community, Community.id == Case.community_id)
        .outerjoin(kept, kept.c.id == Community.merged_into_id)
        .outerjoin(handler, handler.c.id == Case.handler_id)
        .outerjoin(lead, lead.c.id == Case.lead_officer_id)
        .outerjoin(handler_user, and_(handler_user.c.id == handler.c.user_id, handler_user.c.active))
        .outerjoin(lead_user, and_(lead_user.c.id == lead.c.user_id, lead_user.c.active))
    )


def _handler(row: Any, people: _People) -> tuple[int, ...]:
    """The accounts of the handler and their deputies; without one those of the lead officer."""
    return people.of(row.handler_id, row.handler_user) or _lead(row, people)


def _lead(row: Any, people: _People) -> tuple[int, ...]:
    return people.of(row.lead_officer_id, row.lead_user)


def _people(session: Session) -> _People:
    """The active accounts that get reminders by role. Four statements."""
    roles, users = table_of(UserRole).c, table_of(User).c
    statement = (
        select(roles.role, users.id)
        .join(table_of(User), and_(users.id == roles.user_id, users.active))
        .where(roles.role.in_((OFFICE, VIEWER)), in_force(roles))
        .order_by(users.id)
    )
    others: dict[str, list[int]] = defaultdict(list)
    for role, user in session.execute(statement, execution_options=UNSCOPED):
        others[role].append(user)
    leaders: dict[int, list[int]] = defaultdict(list)
    leading = facts.leaders().c
    by_squad = select(leading.squad_id, leading.user_id).order_by(leading.user_id)
    for squad, user in session.execute(by_squad, execution_options=UNSCOPED):
        leaders[squad].append(user)
    instead = session.scalars(facts.office_heads().order_by(users.id), execution_options=UNSCOPED)
    return _People(
        {squad: _distinct(tuple(accounts)) for squad, accounts in leaders.items()},
        _distinct(tuple(others[OFFICE])),
        _distinct(tuple(others[VIEWER])),
        deputies.accounts_by_officer(session),
        tuple(instead),
    )


def _distinct(*groups: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(user for group in groups for user in group))
