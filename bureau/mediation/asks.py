"""What the steps of a mediation ask for."""

from __future__ import annotations

from bureau.cases.step_fields import ask
from bureau.mediation import mediation
from models import AgreementForm, Attending, DisputeKind, EndedBy
from panel.fields import Personal
from panel.i18n import _
from panel.kinds import Choice, Day, Flag, Moment, PersonName, Reference, Text, now, today

#: Not kept with the event of the case: the mediation's own page has it.
PRIVATE = Personal.PRIVATE
MEDIATORS = _("Who mediated")
FAILURE = _("Without an agreement")
AGREED = _("With an agreement")

MEDIATE = (
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
SESSION = (
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
        help=_("Several names with 、 between them."),
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
END_MEDIATION = (
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
PERFORM = (
    ask("performance", Choice(mediation.FollowUpResult), _("Performance")),
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
