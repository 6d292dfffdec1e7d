"""Whether an agreement is kept; a case is settled once that is known, and a breach may become a case of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.cases import intake
from bureau.cases.errors import InvalidValues
from bureau.cases.steps.model import Values
from bureau.mediation.mediation import Known, known_facts
from models import (
    Case,
    CaseParty,
    Mediation,
    MediationStatus,
    Outcome,
    Performance,
    Source,
)
from panel.base import UNSCOPED
from panel.i18n import Message, _, for_the_record
from panel.kinds import Choices, today
from panel.security.session import actor_of


class FollowUpResult(Choices):
    """What a follow-up finds."""

    PERFORMED = "performed", _("Performed"), "good"
    BREACHED = "breached", _("Breached"), "bad"


def may_follow_up(session: Session, case: Case, known: Known) -> Message | None:
    """Why there is nothing to follow up, or None."""
    if known_facts(session, case, known)["agreed"]:
        return None
    return _("This case has no agreement that could be performed.")


def follow_up(session: Session, case: Case, values: Values) -> None:
    """Whether the agreement was kept. A breach can become a case of its own."""
    statement = _agreed_latest(case)
    mediation = session.execute(statement, execution_options=UNSCOPED).scalars().first()
    if mediation is None:
        raise InvalidValues({"performance": _("This case has no agreement that could be performed.")})
    if values["followed_on"] > today():
        raise InvalidValues({"followed_on": _("This day is still to come.")})
    mediation.performance = Performance.of(values["performance"].value)
    mediation.followed_on, mediation.follow_up = values["followed_on"], values["follow_up"]
    if values.get("new_case") and mediation.performance is not Performance.BREACHED:
        raise InvalidValues({"new_case": _("Only a breach becomes a case.")})
    if values.get("new_case") and mediation.breach_case_id is None:
        mediation.breach_case_id = _breach(session, case, mediation).id


def _agreed_latest(case: Case) -> Any:
    return (
        select(Mediation)
        .where(Mediation.case_id == case.id, Mediation.status == MediationStatus.AGREED)
        .order_by(Mediation.started_at.desc(), Mediation.id.desc())
        .limit(1)
    )


def _breach(session: Session, case: Case, mediation: Mediation) -> Case:
    """A new case of the same place, with whoever complained, for an agreement that wasn't kept."""
    made = Case(
        community_id=case.community_id,
        place=case.place,
        source=Source.OTHER,
        description=for_the_record(
            _(
                "The agreement of mediation {number} (case {case}) was not kept.",
                number=mediation.mediation_no,
                case=case.case_no,
            )
        ),
    )
    actor = actor_of(session)
    intake.register(session, made, actor.user_id, actor.name)
    statement = select(CaseParty).where(CaseParty.case_id == case.id)
    for party in session.execute(statement, execution_options=UNSCOPED).scalars():
        copied = {name: getattr(party, name) for name in ("role", "anonymous", "name", "phone", "address")}
        session.add(CaseParty(case_id=made.id, **copied))
    session.flush()
    return made


def require_settled(session: Session, case: Case, values: Values) -> None:
    """A case is handled as mediated once it is known that its agreement was kept."""
    if values["outcome"] is not Outcome.MEDIATED:
        return
    mediation = session.execute(_agreed_latest(case), execution_options=UNSCOPED).scalars().first()
    if mediation is None:
        raise InvalidValues({"outcome": _("“Mediated” needs a mediation that ended with an agreement.")})
    if mediation.performance is Performance.BREACHED:
        raise InvalidValues({"outcome": _("The agreement was breached: choose another outcome.")})
    if mediation.performance is not Performance.PERFORMED:
        raise InvalidValues(
            {"outcome": _("Say first whether the agreement was performed (“Follow-up of the agreement”).")}
        )
