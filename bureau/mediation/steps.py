"""The steps of a mediation: begin, record a session, end, follow up the agreement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from bureau.access.roles import OFFICE, OFFICER
from bureau.cases import approvals, workflow
from bureau.cases.steps.approval import NOTIFY_APPROVERS
from bureau.cases.steps.fields import REASON, STAFF, ask
from bureau.cases.steps.model import Step
from bureau.mediation import agreements, mediation, party_names, sessions
from models import AgreementForm, Attending, Case, CaseEvent, DisputeKind, EndedBy, PartyRole
from models import CaseStatus as S
from panel.fields import Personal
from panel.i18n import _
from panel.kinds import Choice, Day, Flag, Moment, PersonName, Reference, Text, now, today

#: Not stored with the event of the case; the mediation keeps it.
PRIVATE = Personal.PRIVATE
MEDIATORS = _("Who mediated")
FAILURE = _("Without an agreement")
AGREED = _("With an agreement")

_MEDIATE = (
    ask("reason", Text(500, lines=3), _("Why enforcement can't settle it")),
    ask("party_a", PersonName(), _("Party A"), personal=PRIVATE),
    ask(
        "party_b",
        PersonName(),
        _("Party B"),
        personal=PRIVATE,
        help=_("Names are kept masked. A masked one that stands here already can stay."),
    ),
    ask("kind", Choice(DisputeKind), _("Kind of dispute")),
    ask("dispute", Text(1000, lines=3), _("What it is about"), personal=PRIVATE),
)
_SESSION = (
    ask("held_at", Moment(), _("Time"), default=now),
    ask("place", Text(120), _("Place"), required=False),
    ask("attending", Choice(Attending), _("Parties present"), default=Attending.BOTH),
    ask("chair", PersonName(), _("Chaired by"), required=False),
    ask("minutes", Text(2000, lines=4), _("Minutes"), personal=PRIVATE),
    ask("officer", Reference("officer"), _("Officer"), required=False, group=MEDIATORS),
    ask("second_officer", Reference("officer"), _("Second officer"), required=False, group=MEDIATORS),
    ask(
        "community_names",
        Text(120),
        _("Community managers"),
        required=False,
        personal=PRIVATE,
        group=MEDIATORS,
        help=_("Several names, separated by commas."),
    ),
    ask("volunteer", Reference("volunteer"), _("Volunteer"), required=False, personal=PRIVATE, group=MEDIATORS),
    ask(
        "second_volunteer",
        Reference("volunteer"),
        _("Second volunteer"),
        required=False,
        personal=PRIVATE,
        group=MEDIATORS,
    ),
    ask(
        "mediator_names",
        Text(120),
        _("Trusted mediators who stand in no list"),
        required=False,
        personal=PRIVATE,
        group=MEDIATORS,
    ),
    ask("volunteer_names", Text(120), _("Other volunteers"), required=False, personal=PRIVATE, group=MEDIATORS),
)
_END_MEDIATION = (
    ask("ending", Choice(mediation.Ending), _("How it ended")),
    ask(
        "agreement",
        Text(2000, lines=4),
        _("What was agreed"),
        required=False,
        personal=PRIVATE,
        group=AGREED,
    ),
    ask("agreement_form", Choice(AgreementForm), _("Form of the agreement"), required=False, group=AGREED),
    ask("perform_by", Day(), _("To be performed by"), required=False, group=AGREED),
    ask(
        "ended_by",
        Choice(EndedBy),
        _("Ended by"),
        required=False,
        group=FAILURE,
        help=_("Either party may end a mediation at any time."),
    ),
    ask(
        "remedies",
        Text(500, lines=2),
        _("Remedies told"),
        required=False,
        group=FAILURE,
        help=_("What the parties can still do, for example go to court."),
    ),
)
_PERFORM = (
    ask("performance", Choice(agreements.FollowUpResult), _("Performance")),
    ask("followed_on", Day(), _("Followed up on"), default=today),
    ask("follow_up", Text(500, lines=2), _("What the follow-up found"), personal=PRIVATE),
    ask(
        "new_case",
        Flag(),
        _("Register the breach as a new case"),
        required=False,
        default=False,
        help=_("It is reported for the same place, and is accepted like any other."),
    ),
)


def _masked_parties(session: Session, case: Case) -> Mapping[str, Any]:
    """The names of complainant and respondent, masked, so that opening the form reveals no name."""
    roles = {"party_a": PartyRole.COMPLAINANT, "party_b": PartyRole.RESPONDENT}
    names = {name: mediation.known_party(session, case, role) for name, role in roles.items()}
    return {name: PersonName().mask(party) for name, party in names.items() if party}


def _usual_session(_session: Session, case: Case) -> Mapping[str, Any]:
    liaison = case.liaison.name if case.liaison is not None else None
    return {"officer": case.handler_id, "place": case.place, "community_names": liaison}


def _usual_reason(session: Session, case: Case) -> Mapping[str, Any]:
    return {"reason": agreements.reason_of(session, case)}


MEDIATE = Step(
    name="mediate",
    label=_("Turn to mediation"),
    sources=(S.HANDLING,),
    target=S.MEDIATING,
    roles=frozenset({OFFICER, OFFICE}),
    rank=30,
    asks=_MEDIATE,
    effect=mediation.begin,
    worded=party_names.text_by_part,
    possible=mediation.may_begin,
    prefill=_masked_parties,
)
SESSION = Step(
    name="session",
    label=_("Record a session"),
    sources=(S.MEDIATING,),
    target=None,
    roles=frozenset({OFFICER, OFFICE}),
    rank=30,
    asks=_SESSION,
    effect=sessions.record_session,
    primary=True,
    opinion="",
    prefill=_usual_session,
)
END_MEDIATION = Step(
    name="end_mediation",
    label=_("End of mediation"),
    sources=(S.MEDIATING,),
    target=S.HANDLING,
    roles=frozenset({OFFICER, OFFICE}),
    rank=30,
    asks=_END_MEDIATION,
    effect=mediation.end,
    opinion="remedies",
    worded=party_names.text_by_part,
)
PERFORM = Step(
    name="perform",
    label=_("Follow-up of the agreement"),
    sources=(S.HANDLING, S.HANDLED, S.VERIFIED, S.CLOSED),
    target=None,
    roles=frozenset({OFFICER, OFFICE}),
    rank=30,
    asks=_PERFORM,
    effect=agreements.follow_up,
    makes="new_case",
    possible=agreements.may_follow_up,
    opinion="",
)
ASK_PERFORMANCE = Step(
    name="ask_performance",
    label=_("Ask for the day of performance as deadline"),
    sources=approvals.ASKABLE,
    target=None,
    roles=STAFF,
    rank=40,
    asks=(REASON,),
    effect=agreements.ask_performance,
    possible=agreements.needs_later_deadline,
    asks_approval=True,
    notice=NOTIFY_APPROVERS,
    prefill=_usual_reason,
)
STEPS = (MEDIATE, SESSION, END_MEDIATION, PERFORM, ASK_PERFORMANCE)


def ask_performance(session: Session, case: Case, event: CaseEvent) -> None:
    """Ask for the later deadline as soon as an agreement is reached, in the name of who ended the mediation. A request
    that waits already is replaced: a case has one at most."""
    if event.step != END_MEDIATION.name or event.payload.get("ending") != mediation.Ending.AGREED.value:
        return
    session.flush()
    if agreements.needs_later_deadline(session, case, {}) is not None:
        return
    approvals.lapse(session, case, approvals.REPLACED)
    workflow.take(session, case, ASK_PERFORMANCE.name, {"reason": agreements.reason_of(session, case)})
