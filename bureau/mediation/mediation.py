"""Mediation (调解): how it begins and how it ends.

A case is mediated where its item allows it, or where a measurement found the noise within the limit, so that
enforcement has nothing to enforce. Everything but corrections goes by steps of the case."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bureau.cases import numbering
from bureau.cases.errors import InvalidValues
from bureau.cases.steps.model import Values
from bureau.mediation import measuring
from models import (
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

#: What a page knows already while it asks for one step after the other.
Known = dict[str, Any]


class Ending(Choices):
    """How a mediation ends."""

    AGREED = "agreed", _("Agreement"), "good"
    FAILED = "failed", _("No agreement"), "bad"


def may_begin(session: Session, case: Case, known: Known) -> Message | None:
    """Why this case can't be mediated, or None."""
    if (case.item_snapshot or {}).get("mediable") or known_facts(session, case, known)["within"]:
        return None
    return _(
        "The item of this case isn't one to mediate, and no measurement found the noise within the limit. "
        "Record a measurement first."
    )


def known_facts(session: Session, case: Case, known: Known) -> Known:
    """Whether the case has a measurement within the limit and an agreement; one statement for both, asked once."""
    if not {"within", "agreed"} <= known.keys():
        agreed = exists(_agreed(case))
        statement = select(exists(measuring.within_limit(case.id)), agreed)
        within, found = session.execute(statement, execution_options=UNSCOPED).one()
        known |= {"within": within, "agreed": found}
    return known


def _agreed(case: Case) -> Any:
    return select(Mediation.id).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.AGREED)


def running(session: Session, case: Case, name: str) -> Mediation:
    """The mediation that the case is in; without one it is said at the value called `name`."""
    statement = select(Mediation).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.RUNNING)
    found = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    if found is None:
        raise InvalidValues({name: _("This case has no mediation that goes on.")})
    return found


def begin(session: Session, case: Case, values: Values) -> None:
    """A mediation with its number and both parties."""
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
    """The name of the case's complainant or respondent, where it has just one."""
    statement = select(CaseParty.name).where(
        CaseParty.case_id == case.id, CaseParty.role == role, CaseParty.name.is_not(None)
    )
    names = set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return names.pop() if len(names) == 1 else None


def _party(session: Session, case: Case, name: str, role: PartyRole, values: Values) -> str:
    """A name as typed. The form begins with the mask of the one that the case knows: left as it was, it is that one."""
    given: str = values[name]
    if "*" not in given:
        return given
    known = known_party(session, case, role)
    if known is None or PersonName().mask(known) != given:
        raise InvalidValues({name: _("Type the whole name; it is kept masked.")})
    return known


def end(session: Session, case: Case, values: Values) -> None:
    """An agreement, reached in a session, with the day by which it is performed; or a failure with what the parties
    were told. Whoever refuses to sit down ends it without any session."""
    mediation = running(session, case, "ending")
    agreed = values["ending"] is Ending.AGREED
    wanted = ("agreement", "agreement_form", "perform_by") if agreed else ("ended_by", "remedies")
    lacking = {name: _("This must be filled in.") for name in wanted if values.get(name) is None}
    if agreed and not _has_sessions(session, mediation):
        lacking["ending"] = _("No session is recorded yet: record the one in which this was agreed first.")
    if lacking:
        raise InvalidValues(lacking)
    mediation.ended_at = now()
    for name in wanted:
        setattr(mediation, name, values[name])
    mediation.status = MediationStatus.AGREED if agreed else MediationStatus.FAILED
    mediation.performance = Performance.PENDING if agreed else None


def break_off(session: Session, case: Case, values: Values) -> None:
    """The case is over: what goes on of its mediation is over, too."""
    statement = select(Mediation).where(Mediation.case_id == case.id, Mediation.status == MediationStatus.RUNNING)
    for mediation in session.execute(statement, execution_options=UNSCOPED).scalars():
        mediation.status, mediation.ended_at, mediation.ended_by = MediationStatus.FAILED, now(), EndedBy.MEDIATORS
        mediation.remedies = (values.get("reason") or "—")[:500]


def _has_sessions(session: Session, mediation: Mediation) -> bool:
    statement = select(exists(select(MediationSession.id).where(MediationSession.mediation_id == mediation.id)))
    return bool(session.execute(statement, execution_options=UNSCOPED).scalar())
