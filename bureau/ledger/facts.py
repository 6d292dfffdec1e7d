"""The data of the monthly ledger, read in five statements, within the scope of the session's actor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from bureau.calendar.month import Month
from bureau.cases.steps.handling import CLOSE
from bureau.cases.steps.registry import restarting
from models import (
    ENDED,
    Basis,
    Case,
    CaseEvent,
    CaseParty,
    CaseStatus,
    ChecklistItem,
    Community,
    Department,
    Feedback,
    Liaison,
    Officer,
    PartyRole,
    Referral,
    ReferralKind,
    Satisfaction,
    Street,
)
from panel.kinds import PersonName

#: Cases fetched at a time.
CHUNK = 1_000
ANONYMOUS = "匿名"
#: States whose beginning matters to a ledger, and states whose end does.
ENTERED_STATES = (*ENDED, CaseStatus.SUSPENDED, CaseStatus.MEDIATING, CaseStatus.HANDLED)
LEFT_STATES = (*ENDED, CaseStatus.SUSPENDED)


class Change(NamedTuple):
    """A change of state of a case. `result` and `outcome` are those of a handling; `due` is the deadline, in ISO
    format, that a reopening replaced."""

    at: datetime
    step: str
    before: CaseStatus | None
    after: CaseStatus
    result: str | None = None
    outcome: str | None = None
    due: str | None = None


@dataclass(slots=True)
class Facts:
    """The records of the cases, by case id, in the order of time. Names of complainants are masked."""

    changes: dict[int, list[Change]] = field(default_factory=lambda: defaultdict(list))
    complainants: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    referrals: dict[int, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    feedback: dict[int, list[tuple[datetime, Satisfaction | None]]] = field(default_factory=lambda: defaultdict(list))


def closures(month: Month) -> Any:
    """A subquery with `case_id` and `at`: the last closure of each case within the month, from events."""
    return (
        select(CaseEvent.case_id.label("case_id"), func.max(CaseEvent.at).label("at"))
        .where(CaseEvent.step == CLOSE.name, CaseEvent.at >= month.start, CaseEvent.at < month.end)
        .group_by(CaseEvent.case_id)
        .subquery("closure")
    )


def candidates(month: Month, basis: Basis) -> ColumnElement[bool]:
    """The condition for cases that a month's ledger may list. Builder.row() leaves out those that it doesn't list."""
    if basis == Basis.CLOSED:
        closed = select(CaseEvent.case_id).where(
            CaseEvent.step == CLOSE.name, CaseEvent.at >= month.start, CaseEvent.at < month.end
        )
        # Cases from an old ledger have no event of their closure.
        historic = and_(Case.historic, Case.closed_at >= month.start, Case.closed_at < month.end)
        return or_(Case.id.in_(closed), historic)
    ended = select(CaseEvent.case_id).where(CaseEvent.at >= month.start, CaseEvent.to_status.in_(ENDED))
    return and_(
        Case.accepted_at < month.end,
        or_(
            Case.accepted_at >= month.start,
            Case.status.not_in(ENDED),
            Case.closed_at >= month.start,
            Case.id.in_(ended),
        ),
    )


def ids(where: ColumnElement[bool], squad: int | None) -> Select[Any]:
    """Select the ids of these cases; with `squad` (an id) only those of its communities."""
    statement = select(Case.id).where(where)
    if squad is not None:
        statement = statement.join(Community, Case.community_id == Community.id).where(Community.squad_id == squad)
    return statement.correlate(None)


def cases(session: Session, chosen: Select[Any], closed_in: Month | None = None) -> Iterator[Row[Any]]:
    """The chosen cases with the names they refer to, in the order of acceptance, or of their closure in `closed_in`."""
    master = aliased(Case)
    statement = (
        select(
            Case.id,
            Case.case_no,
            Case.status,
            Case.reported_at,
            Case.accepted_at,
            Case.source,
            Case.community_id,
            Case.place,
            Case.list_kind,
            Case.item_snapshot,
            Case.description,
            Case.liaison_id,
            Case.lead_officer_id,
            Case.outcome,
            Case.result,
            Case.due_at,
            Case.closed_at,
            Case.historic,
            Case.source_name,
            Street.name.label("street"),
            Community.name.label("community"),
            ChecklistItem.name.label("item"),
            Case.item_name,
            Liaison.name.label("liaison"),
            func.coalesce(Officer.name, Case.lead_name).label("lead"),
            master.case_no.label("master_no"),
        )
        .outerjoin(Community, Case.community_id == Community.id)
        .outerjoin(Street, Community.street_id == Street.id)
        .outerjoin(ChecklistItem, Case.item_id == ChecklistItem.id)
        .outerjoin(Liaison, Case.liaison_id == Liaison.id)
        .outerjoin(Officer, Case.lead_officer_id == Officer.id)
        .outerjoin(master, Case.master_id == master.id)
        .where(Case.id.in_(chosen))
    )
    if closed_in is None:
        statement = statement.order_by(Case.accepted_at, Case.id)
    else:
        closure = closures(closed_in)
        statement = statement.outerjoin(closure, closure.c.case_id == Case.id).order_by(
            func.coalesce(closure.c.at, Case.closed_at), Case.id
        )
    yield from session.execute(statement, execution_options={"yield_per": CHUNK})


def load(session: Session, chosen: Select[Any]) -> Facts:
    """The records of the chosen cases. Four statements."""
    facts = Facts()
    for case_id, *change in session.execute(_changes(chosen)):
        facts.changes[case_id].append(Change(*change))
    parties = (
        select(CaseParty.case_id, CaseParty.anonymous, CaseParty.name)
        .where(CaseParty.case_id.in_(chosen), CaseParty.role == PartyRole.COMPLAINANT)
        .order_by(CaseParty.case_id, CaseParty.id)
    )
    mask = PersonName().mask
    for case_id, anonymous, name in session.execute(parties):
        facts.complainants[case_id].append(ANONYMOUS if anonymous or not name else mask(name))
    referrals = (
        select(Referral.case_id, Referral.sent_at, Department.name)
        .join(Department, Referral.department_id == Department.id)
        .where(
            Referral.case_id.in_(chosen),
            # A notice in copy asks a department for nothing.
            Referral.kind != ReferralKind.NOTICE,
        )
        .order_by(Referral.case_id, Referral.sent_at, Referral.id)
    )
    for case_id, at, name in session.execute(referrals):
        facts.referrals[case_id].append((at, name))
    feedback = (
        select(Feedback.case_id, Feedback.at, Feedback.satisfaction)
        .where(Feedback.case_id.in_(chosen), Feedback.counts())
        .order_by(Feedback.case_id, Feedback.at, Feedback.id)
    )
    for case_id, at, satisfaction in session.execute(feedback):
        facts.feedback[case_id].append((at, satisfaction))
    return facts


def _changes(chosen: Select[Any]) -> Select[Any]:
    handled = CaseEvent.to_status == CaseStatus.HANDLED
    return (
        select(
            CaseEvent.case_id,
            CaseEvent.at,
            CaseEvent.step,
            CaseEvent.from_status,
            CaseEvent.to_status,
            case((handled, CaseEvent.opinion)).label("result"),
            case((handled, CaseEvent.payload["outcome"].as_string())).label("outcome"),
            case((CaseEvent.step.in_(restarting()), CaseEvent.payload["due_before"].as_string())).label("due"),
        )
        .where(
            CaseEvent.case_id.in_(chosen),
            or_(CaseEvent.to_status.in_(ENTERED_STATES), CaseEvent.from_status.in_(LEFT_STATES)),
            or_(CaseEvent.from_status.is_(None), CaseEvent.from_status != CaseEvent.to_status),
        )
        .order_by(CaseEvent.case_id, CaseEvent.seq)
    )
