"""What is recorded of mediations, for pages, the printed agreement and the register 调解台账."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from bureau.cases.privacy import Person, redact
from bureau.mediation.party_names import by_part
from models import (
    Case,
    CaseParty,
    Community,
    Mediation,
    MediationMember,
    MediationSession,
    MediationStatus,
    Performance,
)
from panel.base import UNSCOPED
from panel.i18n import _
from panel.imports.matching import chunks
from panel.kinds import ZONE, PersonName, today

Held = list[tuple[MediationSession, list[MediationMember]]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the register, worded; the parties are masked, and what was typed freely names nobody."""

    mediation_no: str
    begun_on: date
    source: str
    party_a: str
    party_b: str
    kind: str
    dispute: str
    sessions: str
    mediators: str
    result: str
    form: str
    performance: str
    followed: str
    remark: str
    #: Not performed though its day is over, or breached.
    late: bool
    status: MediationStatus
    performed: bool


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


def people(session: Session, case_ids: Collection[int] | Select[int]) -> dict[int, list[Person]]:
    """Every party of these cases, whoever asks: to be left out of a paper, they must all be known. One statement."""
    columns = (CaseParty.case_id, CaseParty.name, CaseParty.phone, CaseParty.address)
    found: dict[int, list[Person]] = defaultdict(list)
    for row in session.execute(select(*columns).where(CaseParty.case_id.in_(case_ids)), execution_options=UNSCOPED):
        found[row.case_id].append(Person(row.name, row.phone, row.address))
    return found


def without_names(text: str | None, mediation: Mediation, others: Iterable[Person]) -> str:
    """Free text in which the parties are called by their part, and nobody else of the case by a name."""
    found = by_part(text or "", mediation.party_a, mediation.party_b)
    return redact(found, [Person(mediation.party_a), Person(mediation.party_b), *others])


def register(session: Session, start: datetime, end: datetime, street: int | None = None) -> Iterator[Line]:
    """调解台账: what was begun from `start` to before `end`, as it stands now, in the scope of the actor. Four
    statements for each some hundreds of mediations."""
    wanted = select(Mediation.id).where(Mediation.started_at >= start, Mediation.started_at < end)
    if street is not None:
        wanted = wanted.join(Case, Mediation.case_id == Case.id).join(Community, Case.community_id == Community.id)
        wanted = wanted.where(Community.street_id == street)
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
            yield _line(one, held[one.id], known[one.case_id])


def _line(one: Mediation, held: Held, known: list[Person]) -> Line:
    mask = PersonName().mask
    case: Case | None = one.case
    members = dict.fromkeys(f"{member.name}（{member.force.label}）" for _held, some in held for member in some)
    remarks = [str(_("Case {number}", number=case.case_no)) if case is not None else ""]
    if one.breach_case is not None:
        remarks.append(str(_("breach: case {number}", number=one.breach_case.case_no)))
    overdue = one.performance is Performance.PENDING and one.perform_by is not None and one.perform_by < today()
    return Line(
        mediation_no=one.mediation_no,
        begun_on=one.started_at.astimezone(ZONE).date(),
        source=str(case.source.label) if case is not None else "",
        party_a=mask(one.party_a),
        party_b=mask(one.party_b),
        kind=str(one.kind.label),
        dispute=without_names(one.dispute, one, known),
        sessions="\n".join(f"{sat.session_no}. {sat.held_at.astimezone(ZONE):%Y-%m-%d}" for sat, _some in held),
        mediators="、".join(members),
        result=_result(one, known),
        form=str(one.agreement_form.label) if one.agreement_form else "",
        performance=_performance(one),
        followed=_followed(one, known),
        remark="；".join(remark for remark in remarks if remark),
        late=overdue or one.performance is Performance.BREACHED,
        status=one.status,
        performed=one.performance is Performance.PERFORMED,
    )


def _result(one: Mediation, known: list[Person]) -> str:
    """The state, and what was agreed, or who ended it and what the parties were told."""
    parts = [str(one.status.label)]
    if one.status is MediationStatus.AGREED:
        parts.append(without_names(one.agreement, one, known))
    elif one.status is MediationStatus.FAILED:
        parts += [str(_("ended by: {who}", who=one.ended_by.label)) if one.ended_by else ""]
        parts.append(without_names(one.remedies, one, known))
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
