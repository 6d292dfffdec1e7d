"""The steps from handling to closure, and reopening."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE, OFFICER
from bureau.cases import effects
from bureau.cases.records import merged_told, penalties
from bureau.cases.steps.fields import QUANTITY, REASON, STAFF, ask
from bureau.cases.steps.model import Recipient, Relation, Step, StepForm, StepNotice
from models import Case, FeedbackChannel, FeedbackTarget, Outcome, Referral, Satisfaction
from models import CaseStatus as S
from panel.fields import Field, Personal
from panel.i18n import Message, _
from panel.kinds import Choice, Text
from schema.requirements import PENALTIES

CHANNEL = Choice(FeedbackChannel)
UNMEASURED = "unmeasured"
#: What a closing form needs of the feedback that it asks for. Whoever wasn't reached was told nothing.
NEEDED_TO_CLOSE = ("liaison_content", "satisfaction")


def _prefill_quantity(session: Session, case: Case) -> Mapping[str, Any]:
    """The sum of the quantities in the replies of departments, if they have one unit; else the quantity of the case."""
    statement = select(Referral.quantity, Referral.quantity_unit).where(
        Referral.case_id == case.id, Referral.quantity.is_not(None)
    )
    rows = session.execute(statement).all()
    units = {row.quantity_unit for row in rows}
    if len(units) != 1:
        return {"quantity": case.quantity, "quantity_unit": case.quantity_unit}
    return {"quantity": sum(row.quantity for row in rows), "quantity_unit": units.pop()}


def _prefill_handling(session: Session, case: Case) -> Mapping[str, Any]:
    return {**_prefill_quantity(session, case), **penalties.usual_officers(case)}


def _handling_form(session: Session, case: Case) -> StepForm:
    """Ask for the reason of a missing measurement only where the item needs one and none is recorded. A penalty that is
    recorded already need not be typed again."""
    lacking = effects.lacks_measurement(session, case)
    recorded = {outcome: penalties.is_recorded(session, case, kind) for outcome, kind in PENALTIES.items()}
    fields = []
    for field in HANDLE.asks:
        if field.name == UNMEASURED:
            fields += [replace(field, required=True)] if lacking else []
        elif field.only_if:
            known = [outcome for outcome in field.only_if[1] if recorded[outcome]]
            help_ = (
                _("The record of this penalty is there already; fill in only a further one.") if known else field.help
            )
            fields.append(replace(field, required=not known, help=help_))
        else:
            fields.append(field)
    return StepForm(tuple(fields))


def _closing_form(session: Session, case: Case) -> StepForm:
    """Ask only for the feedback that is still missing."""
    due = effects.feedback_due(session, case)
    fields = tuple(
        replace(field, required=field.name in NEEDED_TO_CLOSE) for field in CLOSE.asks if _target(field) in due
    )
    return StepForm(fields, _closing_heading(due))


def _target(field: Field) -> FeedbackTarget:
    """The recipient of the feedback that a field of the closing form belongs to."""
    return FeedbackTarget.LIAISON if field.name.startswith("liaison") else FeedbackTarget.COMPLAINANT


def _closing_heading(due: set[FeedbackTarget]) -> Message:
    if len(due) > 1:
        return _("The liaison and the complainant have to be told before closing")
    if due:
        return _("The {who} has to be told before closing", who=next(iter(due)).label)
    return _("Everybody has been told")


HANDLE = Step(
    name="handle",
    label=_("Handling done"),
    sources=(S.HANDLING,),
    target=S.HANDLED,
    roles=STAFF,
    rank=60,
    relation=Relation.HANDLER,
    asks=(
        ask("outcome", Choice(Outcome), _("Outcome")),
        ask("result", Text(1000, lines=3), _("Result")),
        *penalties.ASKS,
        *QUANTITY,
        ask(
            UNMEASURED,
            Text(200, lines=2),
            _("Why nothing was measured"),
            required=False,
            help=_("The item asks for a measurement and none is recorded. For example: the device was switched off."),
        ),
    ),
    effect=effects.handle,
    primary=True,
    opinion="result",
    pictures=_("Photos after handling"),
    notice=StepNotice("to_verify", (Recipient.LEAD, Recipient.OFFICE)),
    prefill=_prefill_handling,
    form=_handling_form,
)
VERIFY = Step(
    name="verify",
    label=_("Verify"),
    sources=(S.HANDLED,),
    target=S.VERIFIED,
    roles=STAFF,
    rank=60,
    relation=Relation.ANOTHER,
    asks=(ask("finding", Text(500, lines=2), _("Finding")),),
    primary=True,
    opinion="finding",
    bulk=True,
)
REWORK = Step(
    name="rework",
    label=_("Rework"),
    sources=(S.HANDLED,),
    target=S.HANDLING,
    roles=STAFF,
    rank=60,
    relation=Relation.NOT_HANDLER,
    asks=(REASON,),
    effect=effects.rework,
    reworks=True,
    tone="warn",
    notice=StepNotice("returned", (Recipient.HANDLER,)),
)
CLOSE = Step(
    name="close",
    label=_("Feed back and close"),
    sources=(S.VERIFIED,),
    target=S.CLOSED,
    roles=frozenset({OFFICER, OFFICE}),
    rank=60,
    asks=(
        ask("liaison_channel", CHANNEL, _("Liaison told by"), required=False, default=FeedbackChannel.PHONE),
        ask("liaison_content", Text(500, lines=2), _("What the liaison was told"), required=False),
        ask("complainant_channel", CHANNEL, _("Complainant told by"), required=False, default=FeedbackChannel.PHONE),
        ask(
            "complainant_content",
            Text(500, lines=2),
            _("What the complainant was told"),
            required=False,
            personal=Personal.PRIVATE,
        ),
        ask(
            "satisfaction",
            Choice(Satisfaction),
            _("Satisfaction"),
            required=False,
            help=_("Not reached is an answer too; nothing was told then."),
        ),
    ),
    more=lambda session, case: merged_told.fields(session, case, asks_answer=True),
    effect=effects.close,
    primary=True,
    opinion="liaison_content",
    tone="good",
    notice=StepNotice("feedback", (Recipient.LIAISON,)),
    form=_closing_form,
)
REOPEN = Step(
    name="reopen",
    label=_("Reopen"),
    sources=(S.CLOSED,),
    target=S.HANDLING,
    roles=frozenset({LEADER}),
    rank=60,
    asks=(REASON,),
    effect=effects.reopen,
    restarts=True,
    tone="warn",
    notice=StepNotice("reopened", (Recipient.HANDLER,)),
)
HANDLING = (HANDLE, VERIFY, REWORK, CLOSE, REOPEN)
