"""The register of referrals (移送台账)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.cases.privacy import redact
from bureau.mediation.records import parties_of
from bureau.printing.paper import CODE, DAY, LEFT, TEXT
from bureau.printing.register_sheet import Cell, Column, Marked
from bureau.registers.model import Filled, Register, RegisterRequest
from models import (
    PENDING,
    Case,
    ChecklistItem,
    Community,
    Department,
    JointState,
    Referral,
    ReferralKind,
    ReferralStatus,
)
from panel.i18n import _
from panel.kinds import now
from panel.search.names import NOT_VISIBLE

LATE_SIGN, LATE_REPLY = "签收逾期", "反馈逾期"
#: The remark at the day of a joint action that is planned and wasn't carried out yet.
JOINT_PLANNED = "联合行动为计划"


@dataclass(frozen=True, slots=True)
class ReferralLine:
    document_no: str | None
    case_no: str
    sent_at: datetime
    kind: ReferralKind
    department: str
    community: str
    item: str
    request: str
    sign_due_at: datetime | None
    signed_at: datetime | None
    reply_due_at: datetime | None
    replied_at: datetime | None
    reply: str
    joint_on: date | None
    joint_planned: bool
    joint_members: str
    quantity: int | None
    quantity_unit: str | None
    status: ReferralStatus
    #: Signed for or answered after the deadline, or still missing after it.
    sign_late: bool
    reply_late: bool


def referrals(session: Session, first: Month, last: Month, street: int | None = None) -> list[ReferralLine]:
    """The referrals sent in these months, in their present state, in the order of sending. The register goes to the
    departments, so that parties are redacted in free texts. `street` is an id. Two statements."""
    in_period = (Referral.sent_at >= first.start, Referral.sent_at < last.end)
    statement = (
        select(
            Referral.case_id,
            Referral.document_no,
            Referral.kind,
            Referral.status,
            Referral.request,
            Referral.sent_at,
            Referral.sign_due_at,
            Referral.signed_at,
            Referral.reply_due_at,
            Referral.replied_at,
            Referral.return_reason,
            Referral.reply,
            Referral.joint_on,
            Referral.joint_state,
            Referral.joint_members,
            Referral.quantity,
            Referral.quantity_unit,
            Case.case_no,
            Case.item_snapshot,
            Department.name.label("department"),
            Community.name.label("community"),
            ChecklistItem.name.label("item"),
        )
        .join(Case, Referral.case_id == Case.id)
        .join(Department, Referral.department_id == Department.id)
        .outerjoin(Community, Case.community_id == Community.id)
        .outerjoin(ChecklistItem, Case.item_id == ChecklistItem.id)
        .where(*in_period)
        .order_by(Referral.sent_at, Referral.id)
    )
    if street is not None:
        statement = statement.where(Community.street_id == street)
    parties = parties_of(session, select(Referral.case_id).where(*in_period))
    moment, lines = now(), []
    for row in session.execute(statement):
        returned = row.status is ReferralStatus.RETURNED
        ended = row.status not in PENDING
        lines.append(
            ReferralLine(
                document_no=row.document_no,
                case_no=row.case_no,
                sent_at=local(row.sent_at),
                kind=row.kind,
                department=row.department,
                community=row.community or str(NOT_VISIBLE),
                item=(row.item_snapshot or {}).get("name") or row.item or "",
                request=redact(row.request, parties[row.case_id]),
                sign_due_at=local(row.sign_due_at),
                signed_at=local(row.signed_at),
                reply_due_at=local(row.reply_due_at),
                replied_at=local(row.replied_at),
                reply=redact(row.return_reason if returned else row.reply, parties[row.case_id]),
                joint_on=row.joint_on,
                joint_planned=row.joint_state is JointState.PLANNED,
                joint_members=redact(row.joint_members, parties[row.case_id]),
                quantity=row.quantity,
                quantity_unit=row.quantity_unit,
                status=row.status,
                sign_late=_late(row.sign_due_at, row.signed_at, moment, ended=ended),
                reply_late=_late(row.reply_due_at, row.replied_at, moment, ended=ended),
            )
        )
    return lines


def _late(due: datetime | None, done: datetime | None, moment: datetime, *, ended: bool) -> bool:
    """Whether a deadline was missed. A referral that ended without a known time isn't late."""
    if due is None or (done is None and ended):
        return False
    return (done or moment) > due


def _fill(session: Session, params: RegisterRequest) -> Filled:
    rows: list[Sequence[Cell]] = []
    lines = referrals(session, params.first, params.last, params.street)
    for line in lines:
        late = "、".join(filter(None, (LATE_SIGN * line.sign_late, LATE_REPLY * line.reply_late)))
        remark: Cell = Marked(late) if late else None
        if line.joint_planned:
            remark = "、".join(filter(None, (JOINT_PLANNED, late)))
        rows.append(
            (
                line.document_no,
                line.case_no,
                line.sent_at.date(),
                str(line.kind.label),
                line.department,
                line.community,
                line.item,
                line.request or None,
                _due(line.sign_due_at, late=line.sign_late),
                line.signed_at and line.signed_at.date(),
                _due(line.reply_due_at, late=line.reply_late),
                line.replied_at and line.replied_at.date(),
                _answer(line),
                line.joint_on,
                str(line.status.label),
                remark,
            )
        )
    # Notices in copy ask for no reply, so that they are counted apart; what was withdrawn counts nowhere else.
    asking = [line for line in lines if line.kind is not ReferralKind.NOTICE]
    asking = [line for line in asking if line.status is not ReferralStatus.WITHDRAWN]
    counts = {
        "移送": len(asking),
        "已签收": sum(line.signed_at is not None for line in asking),
        "已反馈": sum(line.status is ReferralStatus.REPLIED for line in asking),
        "退回": sum(line.status is ReferralStatus.RETURNED for line in asking),
        "逾期": sum(line.sign_late or line.reply_late for line in asking),
    }
    apart = {
        "抄告": sum(line.kind is ReferralKind.NOTICE for line in lines),
        "撤回": sum(line.status is ReferralStatus.WITHDRAWN for line in lines),
    }
    counts |= {label: n for label, n in apart.items() if n}
    return Filled(rows, "　".join(f"{label} {n} 件" for label, n in counts.items()))


def _answer(line: ReferralLine) -> str | None:
    """The reply, the members of the joint action, and the quantity achieved."""
    won = f"成果：{line.quantity} {line.quantity_unit or ''}".strip() if line.quantity is not None else ""
    members = f"参加单位：{line.joint_members}" if line.joint_members else ""
    return "；".join(filter(None, (line.reply, members, won))) or None


def _due(moment: Any, *, late: bool) -> Cell:
    day = moment and moment.date()
    return Marked(day) if late else day


REGISTER = Register(
    "referrals",
    "移送台账",
    _("Register of referrals"),
    _("What was referred to other departments in a month, with limits, replies and what is overdue."),
    Referral,
    (
        Column("文书号", 12, CODE),
        Column("案件编号", 12.4, CODE),
        Column("移送日期", 9.4, DAY),
        Column("类型", 7),
        Column("协同部门", 9),
        Column("社区", 8.4),
        Column("事项", 11, LEFT),
        Column("协同事项", 17, TEXT),
        Column("应签收", 9.4, DAY),
        Column("签收", 9.4, DAY),
        Column("应反馈", 9.4, DAY),
        Column("反馈", 9.4, DAY),
        Column("反馈内容/退回原因", 17, TEXT),
        Column("联合行动日期", 9.4, DAY),
        Column("状态", 6.9),
        Column("备注", 8.2),
    ),
    _fill,
)
