"""Performance of agreements: follow-up, breaches, and the check before a case is handled as mediated."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.cases import approvals, intake
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
from panel.i18n import Message, _, in_default_locale
from panel.kinds import Choices, Day, today
from panel.security.session import actor_of


class FollowUpResult(Choices):
    """What a follow-up finds."""

    PERFORMED = "performed", _("Performed"), "good"
    BREACHED = "breached", _("Breached"), "bad"


def may_follow_up(session: Session, case: Case, known: Known) -> Message | None:
    """The reason why there is nothing to follow up, or None."""
    if known_facts(session, case, known)["agreed"]:
        return None
    return _("This case has no agreement that could be performed.")


def follow_up(session: Session, case: Case, values: Values) -> None:
    """Record whether the latest agreement was performed; with `new_case` register a breach as a new case, once. Raises
    InvalidValues."""
    statement = _latest_agreement(case)
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
        mediation.breach_case_id = _register_breach(session, case, mediation).id


def known_agreement(session: Session, case: Case, known: Known) -> Mediation | None:
    """The latest agreement of the case if it is still to be performed, kept in `known` with the deadline it asks for.
    Two statements at most, none where it is known that there is no agreement."""
    if "promised" not in known:
        latest = None
        if known_facts(session, case, known)["agreed"]:
            latest = session.execute(_latest_agreement(case), execution_options=UNSCOPED).scalars().first()
        known["promised"] = latest if latest is not None and latest.performance is Performance.PENDING else None
    promised: Mediation | None = known["promised"]
    return promised


def needs_later_deadline(session: Session, case: Case, known: Known) -> Message | None:
    """The reason why the latest agreement asks for no later deadline, or None."""
    agreement = known_agreement(session, case, known)
    if agreement is None or agreement.perform_by is None:
        return _("This case has no agreement that could be performed.")
    if not approvals.due_before_performance(session, case, agreement.perform_by, known.get("calendar")):
        return _("The deadline isn't earlier than the day by which the agreement is performed.")
    return None


def ask_performance(session: Session, case: Case, values: Values) -> None:
    """Request the deadline that the latest agreement asks for."""
    agreement = known_agreement(session, case, {})
    assert agreement is not None
    assert agreement.perform_by is not None
    approvals.ask_performance(session, case, agreement.perform_by, values["reason"])


def reason_of(session: Session, case: Case) -> str:
    """The usual reason of the request: the day and the mediation."""
    agreement = known_agreement(session, case, {})
    if agreement is None:
        return ""
    text = _(
        "By the agreement of mediation {number}, to be performed by {day}.",
        number=agreement.mediation_no,
        day=Day().format(agreement.perform_by),
    )
    return in_default_locale(text)


def _latest_agreement(case: Case) -> Any:
    return (
        select(Mediation)
        .where(Mediation.case_id == case.id, Mediation.status == MediationStatus.AGREED)
        .order_by(Mediation.started_at.desc(), Mediation.id.desc())
        .limit(1)
    )


def _register_breach(session: Session, case: Case, mediation: Mediation) -> Case:
    """Register a new case for a breach, with the community, place and parties of the case."""
    new_case = Case(
        community_id=case.community_id,
        place=case.place,
        source=Source.OTHER,
        description=in_default_locale(
            _(
                "The agreement of mediation {number} (case {case}) was not kept.",
                number=mediation.mediation_no,
                case=case.case_no,
            )
        ),
    )
    actor = actor_of(session)
    intake.register(session, new_case, actor.user_id, actor.name)
    statement = select(CaseParty).where(CaseParty.case_id == case.id)
    for party in session.execute(statement, execution_options=UNSCOPED).scalars():
        copied = {name: getattr(party, name) for name in ("role", "anonymous", "name", "phone", "address")}
        session.add(CaseParty(case_id=new_case.id, **copied))
    session.flush()
    return new_case


def require_settled(session: Session, case: Case, values: Values) -> None:
    """Raise InvalidValues for the outcome "mediated" unless the latest agreement was performed."""
    if values["outcome"] is not Outcome.MEDIATED:
        return
    mediation = session.execute(_latest_agreement(case), execution_options=UNSCOPED).scalars().first()
    if mediation is None:
        raise InvalidValues({"outcome": _("“Mediated” needs a mediation that ended with an agreement.")})
    if mediation.performance is Performance.BREACHED:
        raise InvalidValues({"outcome": _("The agreement was breached: choose another outcome.")})
    if mediation.performance is not Performance.PERFORMED:
        raise InvalidValues(
            {"outcome": _("Say first whether the agreement was performed (“Follow-up of the agreement”).")}
        )
