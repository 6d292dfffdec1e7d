"""Beginning and end of a mediation (调解), as steps of its case.

The bureau mediates a case whose item allows it, or whose noise was measured within the limit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bureau.cases import numbering
from bureau.cases.errors import InvalidValues
from bureau.cases.steps.model import Values
from bureau.mediation import measuring
from models import (
    AgreementForm,
    Case,
    CaseParty,
    EndedBy,
    Mediation,
    MediationSession,
    MediationStatus,
    PartyRole,
    Performance,
)
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Choices, PersonName, now

#: Values that a page has read already, shared by Step.possible of several steps.
Known = dict[str, Any]


#: The settings with the prefix of the numbers of written agreements, by their form.
SERIES = {AgreementForm.COMMITTEE: "committee_prefix", AgreementForm.WRITTEN: "settlement_prefix"}


class Ending(Choices):
    """How a mediation ends."""

    AGREED = "agreed", _("Agreement"), "good"
    FAILED = "failed", _("No agreement"), "bad"


def may_begin(session: Session, case: Case, known: Known) -> Message | None:
    """The reason why the case can't be mediated, or None."""
    if (case.item_snapshot or {}).get("mediable") or known_facts(session, case, known)["within"]:
        return None
    return _(
        "The item of this case isn't one to mediate, and no measurement found the noise within the limit. "
        "Record a measurement first."
    )


def known_facts(session: Session, case: Case, known: Known) -> Known:
    """Fill `known` with "within" (a measurement within the limit) and "agreed" (an agreement) and return it. One
    statement, none if both are known."""
    if not {"within", "agreed"} <= known.keys():
        agreed = exists(_agreed(case))
        statement = select(exists(measuring.within_limit(case.id)), agreed)
        within, has_agreement = session.execute(statement, execution_options=UNSCOPED).one()
        known |= {"within": within, "agreed": has_agreement}
    return known


def _agreed(case: Case) -> Any:
    return select(Mediation.id).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.AGREED)


def running(session: Session, case: Case, name: str) -> Mediation:
    """The running mediation of the case. Without one raises InvalidValues with the problem at field `name`."""
    statement = select(Mediation).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.RUNNING)
    mediation = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    if mediation is None:
        raise InvalidValues({name: _("This case has no mediation that goes on.")})
    return mediation


def begin(session: Session, case: Case, values: Values) -> None:
    """Add a mediation with its number and both parties. Raises InvalidValues for two equal parties."""
    started = now()
    first = _party(session, case, "party_a", PartyRole.COMPLAINANT, values)
    second = _party(session, case, "party_b", PartyRole.RESPONDENT, values)
    if first == second:
        raise InvalidValues({"party_b": _("A dispute has two parties: name the other one.")})
    session.add(
        Mediation(
            case_id=case.id,
            mediation_no=numbering.take(session, started, "mediation_prefix"),
            started_at=started,
            party_a=first,
            party_b=second,
            kind=values["kind"],
            dispute=values["dispute"],
        )
    )


def known_party(session: Session, case: Case, role: PartyRole) -> str | None:
    """The name of the case's party of this role, if it has exactly one."""
    statement = select(CaseParty.name).where(
        CaseParty.case_id == case.id, CaseParty.role == role, CaseParty.name.is_not(None)
    )
    names = set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return names.pop() if len(names) == 1 else None


def _party(session: Session, case: Case, name: str, role: PartyRole, values: Values) -> str:
    """The name of a party. The form is prefilled with the mask of known_party(); an unchanged mask stands for that
    name, any other mask raises InvalidValues."""
    text: str = values[name]
    if "*" not in text:
        return text
    known_name = known_party(session, case, role)
    if known_name is None or PersonName().mask(known_name) != text:
        raise InvalidValues({name: _("Type the whole name; it is kept masked.")})
    return known_name


def end(session: Session, case: Case, values: Values) -> None:
    """End the mediation: with an agreement, which needs a session and a day of performance, or without one, which needs
    who ended it and the remedies told. Only a failure may end without a session. Raises InvalidValues."""
    mediation = running(session, case, "ending")
    agreed = values["ending"] is Ending.AGREED
    required = ("agreement", "agreement_form", "perform_by") if agreed else ("ended_by", "remedies")
    problems = {name: _("This must be filled in.") for name in required if values.get(name) is None}
    if agreed and not _has_sessions(session, mediation):
        problems["ending"] = _("No session is recorded yet: record the one in which this was agreed first.")
    if problems:
        raise InvalidValues(problems)
    mediation.ended_at = now()
    for name in required:
        setattr(mediation, name, values[name])
    if agreed and (series := SERIES.get(values["agreement_form"])):
        mediation.agreement_no = numbering.take(session, mediation.ended_at, series, numbering.document_no)
    mediation.status = MediationStatus.AGREED if agreed else MediationStatus.FAILED
    mediation.performance = Performance.PENDING if agreed else None


def break_off(session: Session, case: Case, values: Values) -> None:
    """End the running mediation of a case that is rejected or voided, as failed."""
    statement = select(Mediation).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.RUNNING)
    for mediation in session.execute(statement, execution_options=UNSCOPED).scalars():
        mediation.status, mediation.ended_at, mediation.ended_by = MediationStatus.FAILED, now(), EndedBy.MEDIATORS
        mediation.remedies = (values.get("reason") or "—")[:500]


def _has_sessions(session: Session, mediation: Mediation) -> bool:
    statement = select(exists(select(MediationSession.id).where(MediationSession.mediation_id == mediation.id)))
    return bool(session.execute(statement, execution_options=UNSCOPED).scalar())
