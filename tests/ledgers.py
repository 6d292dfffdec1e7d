"""Cases with a course of their own, for the tests of the monthly ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

import models
from bureau.calendar.month import Month
from bureau.cases import events, intake
from bureau.cases.state import stepping
from bureau.ledger import rows as ledger
from bureau.ledger.rows import LedgerRow
from models import Basis, CaseStatus
from panel.kinds import ZONE
from tests import factories
from tests.factories import Stage

MAY, JUNE = Month(2026, 5), Month(2026, 6)
#: What becomes of a case at a step.
TARGETS = {
    "handle": CaseStatus.HANDLED,
    "close": CaseStatus.CLOSED,
    "reopen": CaseStatus.HANDLING,
    "suspend": CaseStatus.SUSPENDED,
    "resume": CaseStatus.HANDLING,
    "mediate": CaseStatus.MEDIATING,
    "void": CaseStatus.VOIDED,
    "reject": CaseStatus.REJECTED,
    "note": None,
}


def local(text: str) -> datetime:
    """A moment in the office's zone: 05-31 23:59, of 2026."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(ZONE)


@dataclass
class Course:
    """A case to be made: when it was accepted, and what happened then."""

    accepted: str | None
    steps: Iterable[tuple[str, str]] = ()
    side: str = "inside"
    #: Due so many days after acceptance.
    days: int = 5
    values: dict[str, Any] = field(default_factory=dict)


def make(stage: Stage, course: Course) -> int:
    """The id of a case that took this course."""
    side = getattr(stage, course.side)
    with stage.session() as session:
        return _make(session, side, stage.inside["checklistitem"], course)


def _make(session: Session, side: dict[str, int], item: int, course: Course) -> int:
    accepted = local(course.accepted) if course.accepted else None
    first = min([at for at in [accepted, *(local(at) for _step, at in course.steps)] if at])
    case = models.Case(
        **{
            "community_id": side["community"],
            "source": models.Source.RESIDENT,
            "description": "楼下养鸡",
            "place": "东塔路 3 幢",
            "reported_at": first - timedelta(hours=1),
            "lead_officer_id": side["officer"],
            "handler_id": side["second_officer"],
            **course.values,
        }
    )
    with factories.without_rule(models.Case):  # of long ago
        intake.register(session, case, None, "测试")
    status = CaseStatus.REPORTED
    with stepping():
        if accepted is not None:
            intake.accept(session, case, session.get_one(models.ChecklistItem, item), at=accepted)
            case.due_at = accepted + timedelta(days=course.days)
            events.append(session, case, "accept", status, CaseStatus.ACCEPTED, None, "测试", at=accepted)
            status = case.status = CaseStatus.ACCEPTED
        for step, at in course.steps:
            status = take(session, case, step, at, status)
    session.flush()
    return int(case.id)


def take(session: Session, case: models.Case, step: str, at: str, before: CaseStatus) -> CaseStatus:
    """A step at a moment of its own choosing, with what it leaves on the case."""
    moment, after = local(at), TARGETS[step] or before
    payload = {}
    if step == "handle":
        case.outcome, case.result = models.Outcome.PERSUASION, f"劝导后自行清理 {at}"
        case.handled_at, payload = moment, {"outcome": "persuasion"}
    if step in ("close", "void", "reject"):
        case.closed_at = moment
    if step == "reopen":
        case.closed_at = case.handled_at = None
        payload = {"due_before": case.due_at.isoformat()} if case.due_at else {}
        case.due_at = moment + timedelta(days=3)
    with stepping():
        case.status = after
    session.flush()
    opinion = case.result if step == "handle" else None
    events.append(session, case, step, before, after, None, "测试", opinion, payload, at=moment)
    return after


def again(stage: Stage, id_: int, *steps: tuple[str, str]) -> None:
    """What happens later to a case."""
    with stage.session() as session:
        case = session.get_one(models.Case, id_)
        for step, at in steps:
            take(session, case, step, at, case.status)


def rows(stage: Stage, month: Month = MAY, basis: Basis = Basis.ACCEPTED, squad: int | None = None) -> list[LedgerRow]:
    """A ledger as the system sees it."""
    with stage.session() as session:
        return list(ledger.rows(session, month, basis, squad))


def of(found: Iterable[LedgerRow], id_: int) -> LedgerRow:
    """The row of a case; StopIteration when it has none."""
    return next(row for row in list(found) if row.case_id == id_)  # a ledger half read keeps its cursor open
