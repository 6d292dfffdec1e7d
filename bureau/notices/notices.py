"""Notices of steps, as the steps declare them, and of deadlines, by periodic work. Notices and webhook messages are
written in the transaction of the step; a failure is logged and doesn't prevent the step."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bureau.access import facts
from bureau.access.roles import OFFICE
from bureau.cases.steps import STEPS, Recipient, StepNotice
from bureau.notices import digests, reminders
from bureau.people import deputies
from bureau.settings import settings
from models import (
    Assignment,
    Case,
    CaseEvent,
    CaseStatus,
    Community,
    DeadlineChange,
    Liaison,
    Officer,
    Satisfaction,
    Urgency,
)
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message, _
from panel.kinds import now, today
from panel.notify import notices, outbox
from panel.notify.notices import Kind
from panel.security.accounts import User, UserRole
from panel.security.policy import table_of
from panel.security.separation import in_force

log = logging.getLogger(__name__)


def _many_words(numbers: Mapping[str, Any]) -> Message:
    """The words of a notice about many new reports."""
    return _("{n} new reports by import, {urgent} of them urgent", n=numbers["n"], urgent=numbers["urgent"])


KINDS: Mapping[str, Kind] = {
    "reported": Kind(_("New report"), "brand"),
    "reported_urgent": Kind(_("New report: urgent"), "bad"),
    "reported_many": Kind(_("New reports"), "brand", words=_many_words, listed="reported"),
    "assigned": Kind(_("Assigned to you"), "brand"),
    "returned": Kind(_("Sent back"), "warn"),
    "moved": Kind(_("Community corrected: yours now"), "warn"),
    "replied": Kind(_("Department has replied"), "good"),
    "to_verify": Kind(_("To be verified"), "brand"),
    "approval_asked": Kind(_("Approval asked"), "warn"),
    "approved": Kind(_("Approved"), "good"),
    "refused": Kind(_("Refused"), "bad"),
    "urged": Kind(_("Asked after"), "warn"),
    "pressed": Kind(_("Supervised: demanded"), "bad"),
    "urgency": Kind(_("Urgency changed"), "warn"),
    "reopened": Kind(_("Reopened"), "warn"),
    "feedback": Kind(_("Feedback for you"), "good"),
    "unsatisfied": Kind(_("Complainant is unsatisfied"), "bad"),
    "due_soon": Kind(_("Due soon"), "warn"),
    "overdue": Kind(_("Overdue"), "bad"),
    "supervised": Kind(_("Long overdue"), "bad"),
    "stage_late": Kind(_("Waits too long"), "warn"),
    "sign_late": Kind(_("Department hasn't signed"), "warn"),
    "reply_late": Kind(_("Department's reply is late"), "bad"),
    "handed_over": Kind(_("Handed over to you"), "brand"),
    "review": Kind(_("Suspended: look again"), "warn"),
    digests.KIND: digests.DECLARED,
}
notices.declare(KINDS)


def notify_step(session: Session, case: Case, event: CaseEvent) -> None:
    """Write the notices of a step that was just taken. Errors are logged, not raised: the step stands."""
    notice = STEPS[event.step].notice
    if notice is None or (notice.when is not None and not notice.when(event)):
        return
    try:
        with session.begin_nested():
            _notify(session, case, event, notice)
            if event.to_status is CaseStatus.CLOSED and event.from_status is not CaseStatus.CLOSED:
                _notify_closing(session, case, event)
    except Exception:
        log.exception("a notice could not be written", extra={"step": event.step, "case": case.id})


def _notify(session: Session, case: Case, event: CaseEvent, notice: StepNotice) -> None:
    """Write a notice for the accounts with these parts in the case, and a webhook message. The mark makes each kind
    unique for a case and event."""
    kind, declared = notice.kind, STEPS[event.step].notice
    if notice.urgent and case.urgency is Urgency.URGENT:
        kind = notice.urgent
    owners = recipients(session, case, notice.to, without=event.actor_id)
    values = {"table_name": "case", "record_id": case.id, "actor_name": event.actor_name, "at": event.at}
    mark = f"event:{event.id}" if case.id == event.case_id else f"event:{event.id}:{case.id}"
    if declared is None or kind != declared.kind:
        mark = f"{mark}:{kind}"
    notices.put(session, [notices.row(owner, kind, mark, **values) for owner in owners])
    if kind in outbox.enabled_kinds(session):
        outbox.queue(session, [(kind, mark, _payload(case, event))])


def _notify_closing(session: Session, case: Case, event: CaseEvent) -> None:
    """Notify the liaisons of cases merged into this one, and the leaders about an unsatisfied complainant, because they
    may reopen the case."""
    merged = select(Case).where(Case.master_id == case.id, Case.status == CaseStatus.MERGED).order_by(Case.id)
    for merged_case in session.execute(merged, execution_options=UNSCOPED).scalars():
        _notify(session, merged_case, event, StepNotice("feedback", (Recipient.LIAISON,)))
    if event.payload.get("satisfaction") == Satisfaction.UNSATISFIED.value:
        _notify(session, case, event, StepNotice("unsatisfied", (Recipient.LEADERS,)))


def _payload(case: Case, event: CaseEvent) -> dict[str, Any]:
    """The payload of a webhook message: number, states and time, no personal data."""
    return {
        "case_no": case.case_no,
        "urgent": case.urgency is Urgency.URGENT,
        "step": event.step,
        "from": event.from_status.value if event.from_status else None,
        "to": event.to_status.value,
        "at": event.at.isoformat(),
        "path": f"/admin/case/details/?id={case.id}",
    }


def recipients(session: Session, case: Case, to: Iterable[Recipient], *, without: int | None = None) -> list[int]:
    """The ids of the active accounts that are one of these in a case, without account `without`. One statement."""
    user = table_of(User).c
    conditions = [user.id.in_(_accounts(case, recipient)) for recipient in to]
    statement = select(user.id).where(user.active, or_(*conditions)).order_by(user.id)
    if without is not None:
        statement = statement.where(user.id != without)
    return list(session.execute(statement, execution_options=UNSCOPED).scalars())


def _accounts(case: Case, recipient: Recipient) -> Any:
    """A subquery of the accounts of a recipient."""
    officer, change = table_of(Officer).c, table_of(DeadlineChange).c
    if recipient in (Recipient.HANDLER, Recipient.LEAD):
        person = case.handler_id if recipient is Recipient.HANDLER else case.lead_officer_id
        own = select(officer.user_id).where(officer.id == person, officer.user_id.is_not(None))
        return own.union(deputies.accounts_of_deputies(officers=[person or 0]))
    if recipient is Recipient.ASSIGNED:
        here = table_of(Assignment).c.community_id.in_(_communities(case))
        own = assigned_officers(select(officer.user_id)).where(here, officer.user_id.is_not(None))
        officers = assigned_officers(select(officer.id)).where(here)
        return own.union(deputies.accounts_of_deputies(officers=officers))
    if recipient is Recipient.OFFICE:
        return accounts_with_role(OFFICE)
    if recipient is Recipient.LIAISON:
        liaison, day = table_of(Liaison).c, today()
        in_office = and_(liaison.start_on <= day, or_(liaison.end_on.is_(None), liaison.end_on >= day))
        return select(liaison.user_id).where(
            liaison.community_id.in_(_communities(case)), in_office, liaison.user_id.is_not(None)
        )
    latest = select(change.id).where(change.case_id == case.id).order_by(change.id.desc()).limit(1).scalar_subquery()
    if recipient is Recipient.ASKER:
        asker = select(change.asked_by_id).where(change.id == latest, change.asked_by_id.is_not(None))
        asked_for = select(change.asked_for_id).where(change.id == latest)
        replaced = select(officer.user_id).where(officer.id.in_(asked_for), officer.user_id.is_not(None))
        return asker.union(replaced, deputies.accounts_of_deputies(accounts=asker))
    leading = facts.leaders()
    of_case = leading.c.squad_id.in_(_squads(case))
    none = ~select(leading.c.user_id).where(of_case).exists()
    leaders = select(leading.c.user_id).where(of_case).union(facts.office_heads().where(none))
    if recipient is Recipient.LEADERS:
        return leaders
    for_office = select(change.id).where(change.id == latest, change.for_office).exists()
    return select(leaders.subquery().c.user_id).union(accounts_with_role(OFFICE).where(for_office))


def assigned_officers(statement: Any) -> Any:
    """A statement over officers, limited to the active ones who are assigned to a community today."""
    assigned, officer, day = table_of(Assignment).c, table_of(Officer).c, today()
    return statement.join_from(table_of(Officer), table_of(Assignment), officer.id == assigned.officer_id).where(
        officer.active,
        assigned.start_on <= day,
        or_(assigned.end_on.is_(None), assigned.end_on >= day),
    )


def accounts_with_role(role: str) -> Any:
    """A subquery of the accounts with a role."""
    roles = table_of(UserRole).c
    return select(roles.user_id).where(roles.role == role, in_force(roles))


def _communities(case: Case) -> Any:
    """A subquery of the community of a case, and the one that it was merged into."""
    community, own = table_of(Community).c, table_of(Community).alias("own").c
    merged = select(own.merged_into_id).where(own.id == case.community_id)
    return select(community.id).where(or_(community.id == case.community_id, community.id.in_(merged)))


def _squads(case: Case) -> Any:
    """A subquery of the squads whose leaders see the case: those of community, handler and lead officer."""
    community, officer = table_of(Community).c, table_of(Officer).c
    officers: ColumnElement[bool] = officer.id.in_([case.handler_id or 0, case.lead_officer_id or 0])
    return (
        select(community.squad_id)
        .where(community.id.in_(_communities(case)))
        .union(select(officer.squad_id).where(officers))
    )


def remind(session: Session) -> None:
    """Periodic: write the notices of deadlines. Each account gets one for a deadline, and another if it is moved; many
    at a time, as after weeks without the server, are one digest."""
    due = reminders.due(session)
    cases: dict[int, Any] = {}
    for batch in chunks(sorted({reminder.case_id for reminder in due})):
        statement = select(Case.id, Case.case_no, Case.status, Case.due_at).where(Case.id.in_(batch))
        cases |= {row.id: row for row in session.execute(statement, execution_options=UNSCOPED)}
    active = _active(session, {user for reminder in due for user in reminder.users})
    rows, messages, at = [], {}, now()
    for reminder in due:
        case, kind = cases[reminder.case_id], reminder.kind.value
        mark = f"{kind}:{reminder.case_id}:{reminder.about or ''}:{case.due_at.isoformat() if case.due_at else ''}"
        messages[mark] = (kind, mark, _due_payload(case, at))
        active_users = [user for user in reminder.users if user in active]
        rows += [
            notices.row(user, kind, mark, table_name="case", record_id=reminder.case_id, at=at) for user in active_users
        ]
    digests.put(session, rows, at)
    if kinds := outbox.enabled_kinds(session):
        new = outbox.unqueued(session, (mark for mark, message in messages.items() if message[0] in kinds))
        digests.queue(session, [messages[mark] for mark in messages if mark in new], at)


def _active(session: Session, users: set[int]) -> set[int]:
    """The active ones of these accounts."""
    user, active = table_of(User).c, set[int]()
    for batch in chunks(sorted(users)):
        statement = select(user.id).where(user.active, user.id.in_(batch))
        active |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return active


def _due_payload(case: Any, at: datetime) -> dict[str, Any]:
    return {
        "case_no": case.case_no,
        "step": None,
        "from": case.status.value,
        "to": case.status.value,
        "at": at.isoformat(),
        "due_at": case.due_at.isoformat() if case.due_at else None,
        "path": f"/admin/case/details/?id={case.id}",
    }


def forget(session: Session) -> None:
    """Periodic: delete notices and messages older than the setting "notice_days"."""
    days = int(settings.get(session, "notice_days"))
    notices.delete_expired(session, days)
    outbox.delete_expired(session, now() - timedelta(days=days))
