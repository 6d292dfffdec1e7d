"""What is recorded of mediations, for pages, the printed agreement and the register 调解台账."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from casework.privacy import Person, unnamed
from models import Case, CaseParty, Mediation, MediationMember, MediationSession, MediationStatus
from panel.kinds import ZONE, PersonName
from panel.matching import chunks
from panel.text import _

Held = list[tuple[MediationSession, list[MediationMember]]]
_UNSCOPED = {"unscoped": True}
#: The printed columns of 调解台账, behind 序号.
COLUMNS = (
    "编号",
    "受理日期",
    "来源",
    "甲方",
    "乙方",
    "纠纷类型",
    "简要情况",
    "场次/日期",
    "调解员",
    "结果",
    "协议形式",
    "履行期限/情况",
    "回访",
    "备注",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the register, worded: its values stand in the order of COLUMNS. Parties are masked."""

    mediation: Mediation
    values: tuple[str | date | None, ...]


def sittings(session: Session, ids: Collection[int], *, members: bool = True) -> dict[int, Held]:
    """By mediation its sessions in order, each with whoever mediated in it. Two statements."""
    held = select(MediationSession).where(MediationSession.mediation_id.in_(ids))
    found = list(session.execute(held.order_by(MediationSession.mediation_id, MediationSession.session_no)).scalars())
    who: dict[int, list[MediationMember]] = defaultdict(list)
    if members and found:
        query = select(MediationMember).where(MediationMember.session_id.in_([one.id for one in found]))
        for member in session.execute(query.order_by(MediationMember.id)).scalars():
            who[member.session_id].append(member)
    by_mediation: dict[int, Held] = defaultdict(list)
    for one in found:
        by_mediation[one.mediation_id].append((one, who[one.id]))
    return by_mediation


def people(session: Session, case_ids: Collection[int]) -> dict[int, list[Person]]:
    """Every party of these cases, whoever asks: to be left out of a paper, they must all be known."""
    columns = (CaseParty.case_id, CaseParty.name, CaseParty.phone, CaseParty.address)
    found: dict[int, list[Person]] = defaultdict(list)
    for row in session.execute(select(*columns).where(CaseParty.case_id.in_(case_ids)), execution_options=_UNSCOPED):
        found[row.case_id].append(Person(row.name, row.phone, row.address))
    return found


def without_names(text: str | None, mediation: Mediation, others: Iterable[Person]) -> str:
    """Free text in which the parties are called by their part, and nobody else of the case by a name."""
    found = text or ""
    for name, part in ((mediation.party_a, _("Party A")), (mediation.party_b, _("Party B"))):
        if len(name) > 1:
            found = re.sub(r"\s*".join(map(re.escape, name)), str(part), found)
    return unnamed(found, [Person(mediation.party_a), Person(mediation.party_b), *others])


def register(session: Session, start: datetime, end: datetime) -> Iterator[Entry]:
    """The mediations begun from `start` to before `end`, in order, inside the actor's scope. Three statements for each
    some hundreds of them."""
    wanted = select(Mediation.id).where(Mediation.started_at >= start, Mediation.started_at < end)
    ids = list(session.execute(wanted.order_by(Mediation.started_at, Mediation.id)).scalars())
    for some in chunks(ids):
        statement = (
            select(Mediation)
            .where(Mediation.id.in_(some))
            .options(joinedload(Mediation.case), joinedload(Mediation.breach_case))
            .order_by(Mediation.started_at, Mediation.id)
        )
        found = list(session.execute(statement).unique().scalars())
        held = sittings(session, [one.id for one in found])
        known = people(session, {one.case_id for one in found})
        for one in found:
            yield Entry(one, _line(one, held[one.id], known[one.case_id]))


def _line(one: Mediation, held: Held, known: list[Person]) -> tuple[str | date | None, ...]:
    mask = PersonName().mask
    case: Case | None = one.case
    members = dict.fromkeys(f"{member.name}({member.force.label})" for _held, some in held for member in some)
    remarks = [str(_("Case {number}", number=case.case_no)) if case is not None else ""]
    if one.breach_case is not None:
        remarks.append(str(_("breach: case {number}", number=one.breach_case.case_no)))
    return (
        one.mediation_no,
        one.started_at.astimezone(ZONE).date(),
        str(case.source.label) if case is not None else "",
        mask(one.party_a),
        mask(one.party_b),
        str(one.kind.label),
        without_names(one.dispute, one, known),
        "\n".join(f"{sitting.session_no}. {sitting.held_at.astimezone(ZONE):%Y-%m-%d}" for sitting, _some in held),
        "、".join(members),
        _result(one, known),
        str(one.agreement_form.label) if one.agreement_form else "",
        _performance(one),
        _followed(one, known),
        "；".join(remark for remark in remarks if remark),
    )


def _result(one: Mediation, known: list[Person]) -> str:
    """The state, and what was agreed, or who ended it and what the parties were told."""
    parts = [str(one.status.label)]
    if one.status is MediationStatus.AGREED:
        parts.append(without_names(one.agreement, one, known))
    elif one.status is MediationStatus.FAILED:
        parts += [str(_("ended by: {who}", who=one.ended_by.label)) if one.ended_by else "", one.remedies or ""]
    return "；".join(part for part in parts if part)


def _performance(one: Mediation) -> str:
    parts = [
        one.perform_by.isoformat() if one.perform_by else "",
        str(one.performance.label) if one.performance else "",
    ]
    return " ".join(part for part in parts if part)


def _followed(one: Mediation, known: list[Person]) -> str:
    if one.followed_on is None:
        return ""
    return f"{one.followed_on.isoformat()} {without_names(one.follow_up, one, known)}".strip()
