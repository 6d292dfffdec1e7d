"""What the bureau answers the hotline: of each order its result, when the caller was told, and how content they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.cases.privacy import redact
from bureau.mediation.records import parties_of
from models import Case, CaseEvent, CaseStatus, Feedback, FeedbackChannel, FeedbackTarget, HotlineOrder, Satisfaction
from panel.chunks import chunks
from panel.kinds import Moment
from panel.security.session import elevated

#: States of a case whose order can be answered. A merged case is answered with its master.
ANSWERABLE = (CaseStatus.CLOSED, CaseStatus.REJECTED, CaseStatus.VOIDED)
#: States that are answered with the reason of their step.
REASONED = (CaseStatus.REJECTED, CaseStatus.VOIDED)
COLUMNS = (
    "工单编号",
    "案件编号",
    "诉求类型",
    "派单时间",
    "签收时间",
    "是否按时签收",
    "办理时限",
    "办结时间",
    "是否按时办结",
    "办理状态",
    "办理结果",
    "联系时间",
    "联系方式",
    "满意度",
    "发回次数",
)
YES, NO = "是", "否"


@dataclass(frozen=True, slots=True)
class Reply:
    """A line of the reply file, and the id of its order."""

    order_id: int
    cells: tuple[Any, ...]


def waiting() -> ColumnElement[bool]:
    """The condition that an order's case has ended and no reply was written yet."""
    case, master = aliased(Case), aliased(Case)
    merged = case.master_id.in_(select(master.id).where(master.status == CaseStatus.CLOSED))
    ended = or_(case.status.in_(ANSWERABLE), and_(case.status == CaseStatus.MERGED, merged))
    return and_(HotlineOrder.replied_at.is_(None), HotlineOrder.case_id.in_(select(case.id).where(ended)))


def sent_in(month: Month) -> ColumnElement[bool]:
    return and_(HotlineOrder.sent_at >= month.start, HotlineOrder.sent_at < month.end)


def replies(session: Session, condition: ColumnElement[bool]) -> list[Reply]:
    """The replies to the orders in the actor's scope, in the order of sending. The number of statements doesn't grow
    with the orders."""
    master = aliased(Case)
    statement = (
        select(HotlineOrder, Case, master)
        .join(Case, Case.id == HotlineOrder.case_id)
        .outerjoin(master, master.id == Case.master_id)
        .where(condition)
        .order_by(HotlineOrder.sent_at, HotlineOrder.id)
    )
    rows = list(session.execute(statement))
    told = _told(session, [case.id for _order, case, _master in rows])
    reasons = _reasons(session, [case.id for _order, case, _master in rows if case.status in REASONED])
    parties = parties_of(session, {one.id for _order, *cases in rows for one in cases if one is not None})
    found = []
    for order, case, main in rows:
        people = [*parties[case.id], *(parties[main.id] if main is not None else ())]
        result = redact(_result(case, main, reasons.get(case.id)), people) or None
        found.append(_reply(order, case, main, told.get(case.id), result))
    return found


def _told(session: Session, case_ids: Sequence[int]) -> dict[int, tuple[datetime, Any, Any]]:
    """When and how the complainant of a case was last told, and how content they are."""
    told: dict[int, tuple[datetime, Any, Any]] = {}
    for batch in chunks(case_ids):
        statement = (
            select(Feedback.case_id, Feedback.at, Feedback.channel, Feedback.satisfaction)
            .where(Feedback.case_id.in_(batch), Feedback.target == FeedbackTarget.COMPLAINANT)
            .order_by(Feedback.at, Feedback.id)
        )
        told |= {row.case_id: (row.at, row.channel, row.satisfaction) for row in session.execute(statement)}
    return told


def _reasons(session: Session, case_ids: Sequence[int]) -> dict[int, str]:
    """Why cases were rejected or voided."""
    reasons: dict[int, str] = {}
    for batch in chunks(case_ids):
        statement = select(CaseEvent.case_id, CaseEvent.opinion).where(
            CaseEvent.case_id.in_(batch), CaseEvent.to_status.in_(REASONED)
        )
        statement = statement.order_by(CaseEvent.case_id, CaseEvent.seq)
        reasons |= {row.case_id: row.opinion or "" for row in session.execute(statement)}
    return reasons


def _reply(order: HotlineOrder, case: Case, master: Case | None, told: Any, result: str | None) -> Reply:
    at, channel, satisfaction = told or (None, None, None)
    closed = master.closed_at if case.status is CaseStatus.MERGED and master is not None else case.closed_at
    return Reply(
        order.id,
        (
            order.order_no,
            case.case_no,
            order.kind,
            _time(order.sent_at),
            _time(order.signed_at),
            _in_time(order.signed_at, order.sign_by),
            _time(order.reply_by),
            _time(closed),
            _in_time(closed, order.reply_by),
            str(case.status.label),
            result,
            _time(at),
            str(FeedbackChannel.of(channel).label) if channel is not None else None,
            str(Satisfaction.of(satisfaction).label) if satisfaction is not None else None,
            order.returns,
        ),
    )


def _result(case: Case, master: Case | None, reason: str | None) -> str | None:
    if case.status is CaseStatus.MERGED and master is not None:
        return f"与案件 {master.case_no} 合并办理。{master.result or ''}"
    return reason if case.status in REASONED else case.result


def _in_time(done: datetime | None, limit: datetime | None) -> str | None:
    return None if done is None or limit is None else (YES if done <= limit else NO)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else Moment().format(local(moment))


def mark(session: Session, order_ids: Sequence[int], at: datetime) -> None:
    """Record that these orders were answered."""
    with elevated(session):
        for order in session.scalars(select(HotlineOrder).where(HotlineOrder.id.in_(order_ids))):
            order.replied_at = at
