"""The steps that change what is locked from acceptance on: each with a reason, and with the values before and after in
its event or, of personal data, masked in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE, OFFICER
from bureau.calendar.calendar import office_calendar
from bureau.cases.records import corrections
from bureau.cases.steps.fields import REASON, ask
from bureau.cases.steps.model import Recipient, Relation, Step, StepForm, StepNotice
from models import Case, FeedbackChannel, Satisfaction, Source, Urgency
from models import CaseStatus as S
from panel.fields import Personal
from panel.i18n import _
from panel.kinds import Choice, Moment, PersonName, Phone, Place, Reference, Text

#: Open states of an accepted case.
ACCEPTED = (S.ACCEPTED, S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING, S.SUSPENDED, S.HANDLED, S.VERIFIED)
#: Those in which it is handled.
BEFORE_HANDLED = tuple(status for status in ACCEPTED if status not in (S.HANDLED, S.VERIFIED))
PRIVATE = Personal.PRIVATE


def _as_reported(_session: Session, case: Case) -> Mapping[str, Any]:
    return {"reported_at": case.reported_at, "source": case.source}


def _other_urgency(_session: Session, case: Case) -> Mapping[str, Any]:
    return {"urgency": Urgency.NORMAL if case.urgency is Urgency.URGENT else Urgency.URGENT}


def _urgency_form(session: Session, case: Case) -> StepForm:
    """Say which deadline follows from either urgency."""
    calendar, help_ = office_calendar(session), None
    dues = {urgency: corrections.due_when(session, case, urgency, calendar) for urgency in Urgency}
    if all(due is not None for due in dues.values()):
        normal, urgent = (
            Moment().format(dues[urgency].replace(second=0, microsecond=0))
            for urgency in (Urgency.NORMAL, Urgency.URGENT)
        )
        help_ = _("The deadline follows: {normal} if normal, {urgent} if urgent.", normal=normal, urgent=urgent)
    urgency, *others = CHANGE_URGENCY.asks
    return StepForm((replace(urgency, help=help_), *others))


CORRECT_INTAKE = Step(
    name="correct_intake",
    label=_("Correct the intake"),
    sources=ACCEPTED,
    target=None,
    roles=frozenset({OFFICE, LEADER}),
    rank=65,
    asks=(ask("reported_at", Moment(), _("Reported at")), ask("source", Choice(Source), _("Source")), REASON),
    effect=corrections.correct_intake,
    unlocks=("case.reported_at", "case.source"),
    prefill=_as_reported,
)
CHANGE_URGENCY = Step(
    name="change_urgency",
    label=_("Change the urgency"),
    sources=BEFORE_HANDLED,
    target=None,
    roles=frozenset({OFFICE, LEADER}),
    rank=65,
    relation=Relation.NOT_HANDLER,
    asks=(ask("urgency", Choice(Urgency), _("Urgency")), REASON),
    effect=corrections.change_urgency,
    unlocks=("case.urgency",),
    tone="warn",
    notice=StepNotice("urgency", (Recipient.HANDLER, Recipient.LEAD)),
    prefill=_other_urgency,
    form=_urgency_form,
)
CORRECT_COMPLAINANT = Step(
    name="correct_party",
    label=_("Correct the complainant"),
    sources=ACCEPTED,
    target=None,
    roles=frozenset({OFFICE, OFFICER}),
    rank=65,
    asks=(
        ask("party", Reference("caseparty"), _("Complainant")),
        ask("known", Choice(corrections.Known), _("Known"), default=corrections.Known.NAMED),
        ask(
            "party_name",
            PersonName(),
            _("Person's name"),
            required=False,
            personal=PRIVATE,
            help=_("What is left empty stays as it is stored."),
        ),
        ask("phone", Phone(), _("Telephone"), required=False, personal=PRIVATE),
        ask("address", Place(), _("Home address"), required=False, personal=PRIVATE),
        REASON,
    ),
    effect=corrections.correct_complainant,
    possible=corrections.has_complainant,
    unlocks=("caseparty",),
    choices={"party": corrections.complainants},
)
CORRECT_FEEDBACK = Step(
    name="correct_feedback",
    label=_("Correct feedback"),
    sources=(S.HANDLED, S.VERIFIED, S.CLOSED),
    target=None,
    roles=frozenset({OFFICE, OFFICER}),
    rank=65,
    relation=Relation.NOT_HANDLER,
    asks=(
        ask("feedback", Reference("feedback"), _("Feedback")),
        ask("channel", Choice(FeedbackChannel), _("Channel"), default=FeedbackChannel.PHONE),
        ask("content", Text(1000, lines=3), _("Content"), personal=PRIVATE),
        ask("satisfaction", Choice(Satisfaction), _("Satisfaction"), required=False),
        REASON,
    ),
    effect=corrections.correct_feedback,
    possible=corrections.has_answer,
    choices={"feedback": corrections.answers},
)
CORRECTIONS = (CORRECT_INTAKE, CHANGE_URGENCY, CORRECT_COMPLAINANT, CORRECT_FEEDBACK)
