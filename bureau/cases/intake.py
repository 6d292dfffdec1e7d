"""Intake of a case: the values filled in at the report, and the item and deadline set at acceptance."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bureau.calendar import deadlines
from bureau.calendar.calendar import Calendar, office_calendar
from bureau.cases import events, numbering
from bureau.cases.steps.registry import LISTENERS
from bureau.cases.steps.report import REPORT
from bureau.cases.steps.report_rules import in_office
from models import Assignment, Case, CaseStatus, ChecklistItem, Liaison, Officer, Urgency
from panel import kinds
from panel.base import UNSCOPED
from panel.security.session import exempt_reference

#: Longest title made from a description, in characters.
TITLE_LENGTH = 24
_CLAUSE_END = re.compile(r"[，。；：！？,;!?\n]|\. ")


def register(session: Session, case: Case, actor_id: int | None, actor_name: str) -> None:
    """Register a new, unflushed case: set its number and state, and title, liaison and lead officer where missing.
    Flushes it, adds its first event, and calls the listeners, which notify.

    Liaison and officer are looked up without the actor's scope: they follow from the community, whoever reports."""
    with session.no_autoflush:
        case.reported_at = case.reported_at or kinds.now()
        case.status = CaseStatus.REPORTED
        case.title = case.title or title_of(case.description)
        if case.community_id is None and case.community is not None:
            case.community_id = case.community.id
        if case.liaison_id is None and case.liaison is None:
            case.liaison_id = active_liaison(session, case.community_id)
            exempt_reference(session, case, "liaison_id")
        if case.lead_officer_id is None and case.lead_officer is None:
            case.lead_officer_id = assigned_officer(session, case.community_id, deadlines.local_day(case.reported_at))
            exempt_reference(session, case, "lead_officer_id")
        case.case_no = numbering.take(session, case.reported_at)
    session.add(case)
    session.flush()
    event = events.append(session, case, REPORT.name, None, CaseStatus.REPORTED, actor_id, actor_name)
    for listener in LISTENERS:
        listener(session, case, event)


def accept(
    session: Session,
    case: Case,
    item: ChecklistItem,
    *,
    urgency: Urgency | None = None,
    at: datetime | None = None,
    calendar: Calendar | None = None,
) -> None:
    """Set urgency and time of acceptance, then item, list, snapshot and deadline as set_item() does.

    Changes neither the state nor the events of the case: the step does."""
    calendar = calendar or office_calendar(session)
    case.urgency = urgency or case.urgency or Urgency.NORMAL
    case.accepted_at = at or kinds.now()
    set_item(case, item, calendar)


def set_item(case: Case, item: ChecklistItem, calendar: Calendar) -> None:
    """Set the item of an accepted case, also a later one (转清单): its list, snapshot, and deadline from acceptance.

    Raises ValueError for a case that isn't accepted."""
    if case.accepted_at is None:
        raise ValueError("a case has no deadline before it is accepted")
    case.item, case.item_id = item, item.id
    case.list_kind = item.list_kind
    case.item_snapshot = snapshot(item)
    urgent = case.urgency == Urgency.URGENT
    case.due_at = deadlines.due(case.accepted_at, item.limit_value, item.limit_unit, calendar, urgent=urgent)


def snapshot(item: ChecklistItem) -> dict[str, Any]:
    """A checklist item as JSON. A case keeps this copy, so that later changes of the lists don't alter it."""
    return {
        "id": item.id,
        "code": item.code,
        "version_no": item.version_no,
        "name": item.name,
        "list_kind": str(item.list_kind),
        "category": item.category,
        "legal_basis": item.legal_basis,
        "department": item.department.name if item.department else None,
        "limit_value": item.limit_value,
        "limit_unit": str(item.limit_unit),
        "needs_measurement": item.needs_measurement,
        "mediable": item.mediable,
    }


def title_of(description: str | None) -> str:
    """The first clause of a description, cut to TITLE_LENGTH characters."""
    text = kinds.tidy(_CLAUSE_END.split((description or "").strip(), maxsplit=1)[0])
    return text if len(text) <= TITLE_LENGTH else f"{text[: TITLE_LENGTH - 1]}…"


def active_liaison(session: Session, community_id: int) -> int | None:
    """The id of the liaison who is in office in a community today."""
    person = liaison_of(session, community_id)
    return person.id if person is not None else None


def liaison_of(session: Session, community_id: int) -> Any:
    """Id and name of the liaison who is in office in a community today, or None. One statement."""
    day = kinds.today()
    query = select(Liaison.id, Liaison.name).where(
        Liaison.community_id == community_id,
        Liaison.start_on <= day,
        or_(Liaison.end_on.is_(None), Liaison.end_on >= day),
    )
    return session.execute(query.order_by(Liaison.start_on.desc()).limit(1), execution_options=UNSCOPED).first()


def assigned_officer(session: Session, community_id: int, day: date) -> int | None:
    """The id of the active officer assigned to a community on a day; without one, of the one assigned today. A
    substitute takes precedence."""
    officer = officer_of(session, community_id, day)
    return officer.id if officer is not None else None


def officer_of(session: Session, community_id: int, day: date) -> Any:
    """Id and name of the officer of assigned_officer(), or None. One statement."""
    days = (day, kinds.today())
    on_a_day = (
        and_(Assignment.start_on <= one, or_(Assignment.end_on.is_(None), Assignment.end_on >= one)) for one in days
    )
    query = (
        select(Officer.id, Officer.name, Assignment.start_on, Assignment.end_on)
        .join(Officer, Officer.id == Assignment.officer_id)
        .where(Assignment.community_id == community_id, Officer.active, or_(*on_a_day))
        .order_by(Assignment.substitute.desc(), Assignment.start_on.desc())
    )
    terms = session.execute(query, execution_options=UNSCOPED).all()
    return next((term for one in days for term in terms if in_office(term, one)), None)
