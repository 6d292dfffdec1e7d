"""Effects of the steps that correct what is locked: the intake, the urgency, the complainant, feedback."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.access.roles import OFFICE
from bureau.calendar.calendar import Calendar, office_calendar
from bureau.cases import approvals, clock
from bureau.cases.errors import InvalidValues
from bureau.cases.steps import report_rules
from bureau.cases.steps.model import Values
from models import Case, CaseParty, Feedback, FeedbackTarget, PartyRole, Urgency
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Choices, Moment, PersonName
from panel.security.session import actor_of


class Known(Choices):
    """Whether a complainant's name is known."""

    NAMED = "named", _("By name")
    ANONYMOUS = "anonymous", _("Anonymous")


SAME = _("It is so already: nothing would change.")


def correct_intake(session: Session, case: Case, values: Values) -> None:
    """Correct when and how an accepted case was reported, by the rules of a report. Its number stays."""
    reported, source = values["reported_at"], values["source"]
    if reported == case.reported_at.replace(second=0, microsecond=0):
        reported = case.reported_at
    if (reported, source) == (case.reported_at, case.source):
        raise InvalidValues({"reported_at": SAME})
    if case.accepted_at is not None and reported > case.accepted_at:
        at = Moment().format(case.accepted_at.replace(second=0, microsecond=0))
        raise InvalidValues({"reported_at": _("It was accepted at {at}: it was reported before that.", at=at)})
    if reported != case.reported_at and not case.historic and reported < report_rules.earliest(case.created_at):
        raise InvalidValues({"reported_at": report_rules.TOO_OLD})
    if source != case.source and source in report_rules.COMPLAINTS and not complainants(session, case):
        raise InvalidValues({"source": report_rules.NO_COMPLAINANT})
    case.reported_at, case.source = reported, source


def change_urgency(session: Session, case: Case, values: Values) -> None:
    """Change the urgency. The limit applies from acceptance, with the extensions and suspensions so far; the event
    keeps the old deadline."""
    if values["urgency"] is case.urgency:
        raise InvalidValues({"urgency": SAME})
    case.urgency = values["urgency"]
    case.due_at = approvals.due_of(session, case, calendar=office_calendar(session))


def due_when(session: Session, case: Case, urgency: Urgency, calendar: Calendar) -> Any:
    """The deadline that the case would have with this urgency; None without a limit."""
    if clock.limit_of(case.item_snapshot, urgency) is None:
        return None
    return approvals.due_of(session, case, calendar=calendar, urgency=urgency)


def complainants(session: Session, case: Case) -> list[tuple[str, str]]:
    """The choices of complainants of a case: pairs of id and masked name."""
    statement = select(CaseParty).where(CaseParty.case_id == case.id, CaseParty.role == PartyRole.COMPLAINANT)
    parties = session.execute(statement.order_by(CaseParty.id), execution_options=UNSCOPED).scalars()
    anonymous = str(_("Anonymous"))
    return [(str(p.id), anonymous if p.anonymous else PersonName().mask(p.name or "") or f"#{p.id}") for p in parties]


def has_complainant(session: Session, case: Case, known: dict[str, Any]) -> Message | None:
    """Why no complainant can be corrected, or None."""
    if "complainants" not in known:
        known["complainants"] = bool(complainants(session, case))
    return None if known["complainants"] else _("No complainant is recorded; add one to the case.")


def correct_complainant(session: Session, case: Case, values: Values) -> None:
    """Correct a complainant. What is left empty stays; an anonymous one has neither name, telephone nor address."""
    statement = select(CaseParty).where(
        CaseParty.id == values["party"], CaseParty.case_id == case.id, CaseParty.role == PartyRole.COMPLAINANT
    )
    party = session.execute(statement).scalar_one_or_none()
    if party is None:
        raise InvalidValues({"party": _("Choose one from the list.")})
    asked = {"name": "party_name", "phone": "phone", "address": "address"}
    given = {attr: values[name] for attr, name in asked.items() if values.get(name) is not None}
    if values["known"] == Known.ANONYMOUS:
        if given:
            raise InvalidValues({asked[next(iter(given))]: _("Somebody anonymous has no name, telephone or address.")})
        if party.anonymous:
            raise InvalidValues({"known": SAME})
        if OFFICE not in actor_of(session).roles:
            raise InvalidValues({"known": _("Only the office marks a complainant as anonymous: nobody is told then.")})
        party.anonymous, party.name, party.phone, party.address = True, None, None, None
        return
    if not party.anonymous and all(getattr(party, name) == value for name, value in given.items()):
        raise InvalidValues({"party_name": SAME})
    if party.name is None and "name" not in given:
        raise InvalidValues({"party_name": _("Enter a name, or mark the person as anonymous.")})
    party.anonymous = False
    for name, value in given.items():
        setattr(party, name, value)


def answers(session: Session, case: Case) -> list[tuple[str, str]]:
    """The choices of feedback of a case that isn't corrected yet: pairs of id, and recipient with the time."""
    replaced = select(Feedback.corrects_id).where(Feedback.corrects_id.is_not(None))
    statement = select(Feedback).where(Feedback.case_id == case.id, Feedback.id.not_in(replaced))
    rows = session.execute(statement.order_by(Feedback.at.desc(), Feedback.id.desc()), execution_options=UNSCOPED)
    return [
        (str(row.id), f"{row.target.label} {Moment().format(row.at.replace(second=0, microsecond=0))}")
        for row in rows.scalars()
    ]


def has_answer(session: Session, case: Case, known: dict[str, Any]) -> Message | None:
    """Why no feedback can be corrected, or None."""
    if "answers" not in known:
        known["answers"] = bool(answers(session, case))
    return None if known["answers"] else _("There is no feedback to correct.")


def correct_feedback(session: Session, case: Case, values: Values) -> None:
    """Add feedback in place of an earlier one, which stays and doesn't count any more. It keeps the earlier one's
    recipient and time."""
    statement = select(Feedback).where(Feedback.id == values["feedback"], Feedback.case_id == case.id)
    wrong = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    if wrong is None or str(wrong.id) not in dict(answers(session, case)):
        raise InvalidValues({"feedback": _("Choose one from the list.")})
    asked = wrong.target is FeedbackTarget.COMPLAINANT
    if not asked and values.get("satisfaction") is not None:
        raise InvalidValues({"satisfaction": _("Only the complainant is asked.")})
    if wrong.satisfaction is not None and values.get("satisfaction") is None:
        raise InvalidValues({"satisfaction": _("The complainant has answered: enter what they said.")})
    session.add(
        Feedback(
            case_id=case.id,
            corrects_id=wrong.id,
            target=wrong.target,
            channel=values["channel"],
            at=wrong.at,
            content=values["content"],
            satisfaction=values.get("satisfaction") if asked else None,
        )
    )
