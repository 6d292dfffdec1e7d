"""Registers as people print them, declared one by one: what stands in which column, and who may take it along. The
forms are prescribed: what they print is Chinese, whatever language the reader has chosen.

A further register is one function that gives its rows, and one line in REGISTERS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.calendar.month import Month
from bureau.mediation import records
from bureau.printing import register_sheet
from bureau.printing.paper import CODE, DAY, LEFT, TEXT, Heading
from bureau.printing.register_sheet import Cell, Column, Marked
from bureau.registers import rows as found_in
from bureau.settings import settings
from bureau.visits import rota
from models import Community, Liaison, Mediation, MediationStatus, Referral, Street, Visit, VisitStatus
from panel.base import Base
from panel.i18n import DEFAULT_LOCALE, Message, _, for_the_record, speaking
from panel.kinds import Invalid, today
from panel.security import audit
from panel.security.policy import AccessDenied, OutOfScope, Permission
from panel.security.records import AuditAction
from panel.security.session import actor_of, policy_of

LATE_SIGN, LATE_REPLY = "签收逾期", "反馈逾期"
WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """Which register: from one month to another or as of a day, of one street, of one community or of all that one
    reaches."""

    first: Month
    last: Month
    day: date
    street: int | None = None
    street_name: str = ""
    community: int | None = None
    community_name: str = ""

    @property
    def place(self) -> str:
        """Whose register it is, in words; "" for all."""
        return self.street_name + self.community_name


@dataclass(frozen=True, slots=True)
class Filled:
    """What a register holds."""

    rows: Sequence[Sequence[Cell]]
    total: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """A register: what people call it, its printed columns, and whence its rows come."""

    name: str
    #: As it is printed, and as the page calls it.
    title: str
    label: Message
    help: Message
    #: Whose export right one needs.
    model: type[Base]
    columns: Sequence[Column]
    fill: Callable[[Session, RegisterRequest], Filled]
    #: As of a day, or else of months.
    by_day: bool = False
    #: Kept for each community, so that one alone can be printed.
    by_community: bool = False


@dataclass(frozen=True, slots=True)
class RegisterFile:
    name: str
    content: bytes
    rows: int


def _referrals(session: Session, order: RegisterRequest) -> Filled:
    rows: list[Sequence[Cell]] = []
    lines = found_in.referrals(session, order.first, order.last, order.street)
    for line in lines:
        late = "、".join(filter(None, (LATE_SIGN * line.sign_late, LATE_REPLY * line.reply_late)))
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
                Marked(late) if late else None,
            )
        )
    counted = {
        "移送": len(lines),
        "已签收": sum(line.signed_at is not None for line in lines),
        "已反馈": sum(line.status.value == "replied" for line in lines),
        "退回": sum(line.status.value == "returned" for line in lines),
        "逾期": sum(line.sign_late or line.reply_late for line in lines),
    }
    return Filled(rows, "　".join(f"{label} {n} 件" for label, n in counted.items()))


def _answer(line: found_in.ReferralLine) -> str | None:
    """What a department answered, who took part in the joint action, and what was won."""
    won = f"成果：{line.quantity} {line.quantity_unit or ''}".strip() if line.quantity is not None else ""
    members = f"参加单位：{line.joint_members}" if line.joint_members else ""
    return "；".join(filter(None, (line.reply, members, won))) or None


def _mediations(session: Session, order: RegisterRequest) -> Filled:
    lines = list(records.register(session, order.first.start, order.last.end, order.street))
    rows = [
        (
            line.mediation_no,
            line.begun_on,
            line.source,
            line.party_a,
            line.party_b,
            line.kind,
            line.dispute,
            line.sessions,
            line.mediators,
            line.result,
            line.form,
            Marked(line.performance) if line.late else line.performance,
            line.followed,
            line.remark,
        )
        for line in lines
    ]
    counted = {
        "受理": len(lines),
        "达成协议": sum(line.status is MediationStatus.AGREED for line in lines),
        "未达成": sum(line.status is MediationStatus.FAILED for line in lines),
        "调解中": sum(line.status is MediationStatus.RUNNING for line in lines),
        "已履行": sum(line.performed for line in lines),
    }
    return Filled(rows, "　".join(f"{label} {n} 件" for label, n in counted.items()))


def _due(moment: Any, *, late: bool) -> Cell:
    day = moment and moment.date()
    return Marked(day) if late else day


def _roster(session: Session, order: RegisterRequest) -> Filled:
    lines, vacant = found_in.roster(session, order.day, order.street)
    rows = [
        (
            line.street,
            line.community,
            line.name,
            line.gender and str(line.gender.label),
            line.post,
            line.mobile,
            line.telephone,
            line.officer,
            line.start_on,
            line.note,
        )
        for line in lines
    ]
    notes = [f"尚无联络员的社区：{'、'.join(vacant)}"] if vacant else []
    return Filled(rows, f"{len(rows)} 人", notes)


def _visits(session: Session, order: RegisterRequest) -> Filled:
    rows: list[Sequence[Cell]] = []
    lines = rota.register(session, order.first, order.last, order.street, order.community)
    for line in lines:
        remark = "：".join(filter(None, (str(line.status.label) * (line.status is not VisitStatus.DONE), line.reason)))
        if line.status is VisitStatus.MADE_UP:
            remark = f"应访 {line.planned_on.isoformat()}，{remark}"
        times = "–".join(f"{at:%H:%M}" for at in (line.arrived_at, line.left_at) if at is not None)
        rows.append(
            (
                line.day,
                WEEKDAYS[line.day.weekday()],
                line.community,
                line.officer,
                line.liaison,
                times,
                line.content,
                line.findings,
                line.on_the_spot,
                "\n".join(line.cases),
                Marked(remark) if line.status is VisitStatus.MISSED else remark,
            )
        )
    counted = Counter(line.status for line in lines)
    completed, punctual = rota.rates(line.status for line in lines)
    words = [f"应访 {len(lines)} 次", *(f"{status.label} {counted[status]} 次" for status in VisitStatus)]
    return Filled(rows, "　".join([*words, f"走访完成率 {completed}", f"周一准时率 {punctual}"]))


REGISTERS: Mapping[str, Register] = {
    register.name: register
    for register in (
        Register(
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
            _referrals,
        ),
        Register(
            "mediations",
            "调解台账",
            _("Register of mediations"),
            _("What was mediated in a month: parties (masked), sessions, mediators, agreement and its performance."),
            Mediation,
            (
                Column("编号", 12.4, CODE),
                Column("受理日期", 9.4, DAY),
                Column("来源", 9),
                Column("甲方", 5.5),
                Column("乙方", 5.5),
                Column("纠纷类型", 9),
                Column("简要情况", 20, TEXT),
                Column("场次/日期", 12.5, LEFT),
                Column("调解员", 15, TEXT),
                Column("结果", 24, TEXT),
                Column("协议形式", 7),
                Column("履行期限/情况", 10.5, LEFT),
                Column("回访", 15, TEXT),
                Column("备注", 13, TEXT),
            ),
            _mediations,
        ),
        Register(
            "roster",
            "社区联络员花名册",
            _("Liaison roster"),
            _("Who is liaison of which community as of a day, street by street. It can be imported again."),
            Liaison,
            (
                Column("街道", 13, joined=True),
                Column("社区", 14),
                Column("姓名", 9),
                Column("性别", 6),
                Column("职务", 16, LEFT),
                Column("手机", 14, CODE),
                Column("办公电话", 16, CODE),
                Column("联居队员", 10),
                Column("起始时间", 11.5, DAY),
                Column("备注", 20, TEXT),
            ),
            _roster,
            by_day=True,
        ),
        Register(
            "visits",
            "联居走访登记",
            _("Register of visits"),
            _("The visits of a month's Mondays, community by community: held, made up for, excused and missed."),
            Visit,
            (
                Column("走访日期", 9.4, DAY),
                Column("星期", 5),
                Column("社区", 9),
                Column("联居队员", 8),
                Column("联络员", 8),
                Column("到/离时间", 10.4),
                Column("走访内容", 24, TEXT),
                Column("发现问题", 22, TEXT),
                Column("当场处置", 18, TEXT),
                Column("转案编号", 13.4, CODE),
                Column("备注", 16, LEFT),
            ),
            _visits,
            by_community=True,
        ),
    )
}


def may(session: Session, action: Permission) -> list[Register]:
    """The registers to whose rows the actor may do that."""
    actor, policy = actor_of(session), policy_of(session)
    return [one for one in REGISTERS.values() if policy.may(actor, action, one.model)]


def streets(session: Session) -> list[tuple[int, str]]:
    """The streets of the communities that the actor reaches."""
    reached = select(Community.street_id)
    statement = select(Street.id, Street.name).where(Street.id.in_(reached)).order_by(Street.name_key)
    return [(id_, name) for id_, name in session.execute(statement)]


@dataclass(frozen=True, slots=True)
class Place:
    """A community that can be chosen."""

    id: int
    street_id: int
    street: str
    name: str


def communities(session: Session) -> list[Place]:
    """The communities that the actor reaches, street by street."""
    statement = (
        select(Community.id, Community.street_id, Street.name.label("street"), Community.name)
        .join(Street, Community.street_id == Street.id)
        .order_by(Street.name_key, Street.id, Community.name_key, Community.id)
    )
    return [Place(*row) for row in session.execute(statement)]


def order(
    session: Session,
    first: Month,
    last: Month | None,
    day: date | None,
    street: int | None,
    *,
    community: int | None = None,
) -> RegisterRequest:
    """An order that can be given: Invalid with a sentence if the months run backwards, OutOfScope for a street in which
    the actor reaches nothing and for a community that they don't reach. Another street than that of the community
    takes its place: somebody has just chosen it."""
    last = last or first
    if last < first:
        raise Invalid(_("The period ends before it begins."))
    day = day or today()
    if community is not None:
        place = next((one for one in communities(session) if one.id == community), None)
        if place is None:
            raise OutOfScope
        if street in (None, place.street_id):
            return RegisterRequest(first, last, day, street, place.street, place.id, place.name)
    names = dict(streets(session))
    if street is not None and street not in names:
        raise OutOfScope
    return RegisterRequest(first, last, day, street, names[street] if street is not None else "")


def fill(session: Session, register: Register, wanted: RegisterRequest) -> Filled:
    """What a register holds of what the actor reaches, masked as on screen. AccessDenied without the right."""
    if not policy_of(session).may(actor_of(session), Permission.EXPORT, register.model):
        raise AccessDenied
    with speaking(DEFAULT_LOCALE):
        return register.fill(session, wanted)


def make(session: Session, register: Register, wanted: RegisterRequest) -> RegisterFile:
    """A register as a workbook."""
    filled = fill(session, register, wanted)
    values = settings.all_values(session)
    unit = values["unit_name"]
    period = _period(register, wanted)
    heading = Heading(
        title=f"{unit}{wanted.place}{register.title}（{period}）",
        unit=unit,
        period=f"{wanted.place or '全部街道'}，{period}",
        made_on=today(),
        signatures=(values["ledger_maker"], values["ledger_checker"], values["ledger_head"]),
        period_label="统计时点" if register.by_day else "统计周期",
    )
    target = BytesIO()
    count = register_sheet.write(
        target, register.title, heading, register.columns, filled.rows, total=filled.total, notes=filled.notes
    )
    name = re.sub(r'[\\/:*?"<>|\s]', "", f"{unit}{wanted.place}{register.title}{period}") + ".xlsx"
    return RegisterFile(name, target.getvalue(), count)


def written(session: Session, register: Register, made: RegisterFile) -> None:
    """Note who took which register along. `session` is a writing one of the same actor; the caller commits."""
    note = _("Register written: {name}, {n} rows", name=made.name.removesuffix(".xlsx"), n=made.rows)
    audit.note(session, AuditAction.EVENT, register.model.__tablename__, None, for_the_record(note))


def _period(register: Register, wanted: RegisterRequest) -> str:
    if register.by_day:
        return f"截至{wanted.day.year}年{wanted.day.month}月{wanted.day.day}日"
    if wanted.first == wanted.last:
        return wanted.first.words
    same = wanted.first.year == wanted.last.year
    return f"{wanted.first.words}至{f'{wanted.last.number}月' if same else wanted.last.words}"
