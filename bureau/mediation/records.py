"""Records of mediations for pages, the printed agreement and the register 调解台账."""

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
from panel.chunks import chunks
from panel.i18n import _
from panel.kinds import ZONE, PersonName, today
from panel.security.masking import clear_session

Sessions = list[tuple[MediationSession, list[MediationMember]]]


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """A line of the register as text. Names of parties are masked; free text is redacted."""

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
    #: Breached, or not performed by the agreed day.
    late: bool
    status: MediationStatus
    performed: bool


def sessions_of(session: Session, ids: Collection[int], *, members: bool = True) -> dict[int, Sessions]:
    """The sessions of these mediations in order, each with its members, by mediation id. Two statements."""
    statement = select(MediationSession).where(MediationSession.mediation_id.in_(ids))
    sessions = list(
        session.execute(statement.order_by(MediationSession.mediation_id, MediationSession.session_no)).scalars()
    )
    by_session: dict[int, list[MediationMember]] = defaultdict(list)
    if members and sessions:
        query = select(MediationMember).where(MediationMember.session_id.in_([sitting.id for sitting in sessions]))
        for member in session.execute(query.order_by(MediationMember.id)).scalars():
            by_session[member.session_id].append(member)
    by_mediation: dict[int, Sessions] = defaultdict(list)
    for sitting in sessions:
        by_mediation[sitting.mediation_id].append((sitting, by_session[sitting.id]))
    return by_mediation


def parties_of(session: Session, case_ids: Collection[int] | Select[int]) -> dict[int, list[Person]]:
    """Every party of these cases by case id, in clear, for redaction. Unscoped: parties that the actor may not see are
    redacted too. One statement."""
    columns = (CaseParty.case_id, CaseParty.name, CaseParty.phone, CaseParty.address)
    by_case: dict[int, list[Person]] = defaultdict(list)
    statement = select(*columns).where(CaseParty.case_id.in_(case_ids))
    for row in clear_session(session).execute(statement, execution_options=UNSCOPED):
        by_case[row.case_id].append(Person(row.name, row.phone, row.address))
    return by_case


def without_names(text: str | None, mediation: Mediation, others: Iterable[Person]) -> str:
    """Free text with the two parties called 甲方 and 乙方, and every other party of the case redacted."""
    renamed = by_part(text or "", mediation.party_a, mediation.party_b)
    return redact(renamed, [Person(mediation.party_a), Person(mediation.party_b), *others])


def register_lines(
    session: Session, start: datetime, end: datetime, street: int | None = None
) -> Iterator[RegisterLine]:
    """The lines of the register 调解台账: mediations begun from `start` to before `end`, in their present state, within
    the actor's scope. `street` is an id. Four statements for each batch of some hundreds."""
    matching = select(Mediation.id).where(Mediation.started_at >= start, Mediation.started_at < end)
    if street is not None:
        matching = matching.join(Case, Mediation.case_id == Case.id).join(Community, Case.community_id == Community.id)
        matching = matching.where(Community.street_id == street)
    ids = list(session.execute(matching.order_by(Mediation.started_at, Mediation.id)).scalars())
    for batch in chunks(ids):
        statement = (
            select(Mediation)
            .where(Mediation.id.in_(batch))
            .options(joinedload(Mediation.case), joinedload(Mediation.breach_case))
            .order_by(Mediation.started_at, Mediation.id)
        )
        mediations = list(clear_session(session).execute(statement).unique().scalars())  # names, to redact texts
        sessions = sessions_of(session, [mediation.id for mediation in mediations])
        parties = parties_of(session, {mediation.case_id for mediation in mediations})
        for mediation in mediations:
            yield _line(mediation, sessions[mediation.id], parties[mediation.case_id])


def _line(mediation: Mediation, sessions: Sessions, parties: list[Person]) -> RegisterLine:
    mask = PersonName().mask
    case: Case | None = mediation.case
    members = dict.fromkeys(
        f"{member.name}（{member.force.label}）" for _held, present in sessions for member in present
    )
    remarks = [str(_("Case {number}", number=case.case_no)) if case is not None else ""]
    if mediation.breach_case is not None:
        remarks.append(str(_("breach: case {number}", number=mediation.breach_case.case_no)))
    overdue = (
        mediation.performance is Performance.PENDING
        and mediation.perform_by is not None
        and mediation.perform_by < today()
    )
    return RegisterLine(
        mediation_no=mediation.mediation_no,
        begun_on=mediation.started_at.astimezone(ZONE).date(),
        source=str(case.source.label) if case is not None else "",
        party_a=mask(mediation.party_a),
        party_b=mask(mediation.party_b),
        kind=str(mediation.kind.label),
        dispute=without_names(mediation.dispute, mediation, parties),
        sessions="\n".join(
            f"{sitting.session_no}. {sitting.held_at.astimezone(ZONE):%Y-%m-%d}" for sitting, _some in sessions
        ),
        mediators="、".join(members),
        result=_result(mediation, parties),
        form=str(mediation.agreement_form.label) if mediation.agreement_form else "",
        performance=_performance(mediation),
        followed=_follow_up(mediation, parties),
        remark="；".join(remark for remark in remarks if remark),
        late=overdue or mediation.performance is Performance.BREACHED,
        status=mediation.status,
        performed=mediation.performance is Performance.PERFORMED,
    )


def _result(mediation: Mediation, parties: list[Person]) -> str:
    """The state with the agreement, or with who ended the mediation and the remedies told."""
    parts = [str(mediation.status.label)]
    if mediation.status is MediationStatus.AGREED:
        parts.append(without_names(mediation.agreement, mediation, parties))
    elif mediation.status is MediationStatus.FAILED:
        parts += [str(_("ended by: {who}", who=mediation.ended_by.label)) if mediation.ended_by else ""]
        parts.append(without_names(mediation.remedies, mediation, parties))
    return "；".join(part for part in parts if part)


def _performance(mediation: Mediation) -> str:
    parts = [
        mediation.perform_by.isoformat() if mediation.perform_by else "",
        str(mediation.performance.label) if mediation.performance else "",
    ]
    return " ".join(part for part in parts if part)


def _follow_up(mediation: Mediation, parties: list[Person]) -> str:
    if mediation.followed_on is None:
        return ""
    return f"{mediation.followed_on.isoformat()} {without_names(mediation.follow_up, mediation, parties)}".strip()
