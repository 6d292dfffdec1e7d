"""The steps from the report to the start of handling, and those that end a case without handling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE, OFFICER
from bureau.cases import effects
from bureau.cases.records import merged_told
from bureau.cases.steps import moving
from bureau.cases.steps.fields import HANDLER, REASON, STAFF, ask
from bureau.cases.steps.model import Recipient, Relation, Step, StepForm, StepNotice
from bureau.cases.steps.registry import OPEN
from bureau.cases.steps.report import REPORT
from models import Case, Urgency
from models import CaseStatus as S
from panel.fields import Field
from panel.i18n import _
from panel.kinds import Choice, Reference, Text

#: Open states of a case that isn't handled yet.
UNHANDLED = tuple(status for status in OPEN if status not in (S.HANDLED, S.VERIFIED))
NOTIFY_LIAISON = StepNotice("feedback", (Recipient.LIAISON,))


def _prefill_handler(_session: Session, case: Case) -> Mapping[str, Any]:
    return {"handler": case.handler_id or case.lead_officer_id}


def _community_form(_session: Session, case: Case) -> StepForm:
    """Ask for a handler only where the case has one."""
    return StepForm(
        tuple(field for field in CHANGE_COMMUNITY.asks if field.name != "handler" or case.handler_id is not None)
    )


def _reporters(session: Session, case: Case) -> tuple[Field, ...]:
    """Ask what the reporters of merged cases were told."""
    return merged_told.fields(session, case, asks_answer=False)


ACCEPT = Step(
    name="accept",
    label=_("Accept"),
    sources=(S.REPORTED,),
    target=S.ACCEPTED,
    roles=frozenset({OFFICER, OFFICE}),
    rank=10,
    asks=(
        ask("item", Reference("checklistitem"), _("Checklist item"), help=_("Fixes the list and the time limit.")),
        ask("urgency", Choice(Urgency), _("Urgency"), default=Urgency.NORMAL),
    ),
    effect=effects.accept,
    primary=True,
    bulk=True,
    own=("item", "urgency"),
    compares=True,
)
REJECT = Step(
    name="reject",
    label=_("Reject"),
    sources=(S.REPORTED,),
    target=S.REJECTED,
    roles=frozenset({OFFICE}),
    rank=10,
    asks=(
        REASON,
        ask("told", Text(200), _("How the reporter was told")),
        ask("responsible", Text(80), _("Department that is responsible")),
    ),
    more=_reporters,
    effect=effects.end,
    grave=True,
    tone="bad",
    notice=NOTIFY_LIAISON,
)
MERGE = Step(
    name="merge",
    handbook="repeats",
    label=_("Merge"),
    sources=UNHANDLED,
    target=S.MERGED,
    roles=frozenset({OFFICE}),
    rank=10,
    asks=(
        ask("master", Reference("case"), _("Master case"), help=_("An open case about the same thing.")),
        REASON,
    ),
    effect=effects.merge,
    grave=True,
    ends_all=True,
    compares=True,
    notice=NOTIFY_LIAISON,
)
DISPATCH = Step(
    name="dispatch",
    label=_("Dispatch"),
    sources=(S.ACCEPTED,),
    target=S.DISPATCHED,
    roles=STAFF,
    rank=10,
    asks=(HANDLER, ask("note", Text(300, lines=2), _("Remark"), required=False)),
    effect=effects.assign,
    primary=True,
    opinion="note",
    bulk=True,
    own=("handler",),
    notice=StepNotice("assigned", (Recipient.HANDLER,)),
    prefill=_prefill_handler,
)
REASSIGN = Step(
    name="reassign",
    label=_("Reassign"),
    sources=(S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING, S.SUSPENDED, S.HANDLED),
    target=None,
    roles=frozenset({OFFICE, LEADER}),
    rank=10,
    asks=(HANDLER, REASON),
    effect=effects.assign,
    bulk=True,
    notice=StepNotice("assigned", (Recipient.HANDLER,)),
)
CHANGE_COMMUNITY = Step(
    name="change_community",
    label=_("Correct the community"),
    sources=tuple(status for status in OPEN if status is not S.REPORTED),
    target=None,
    roles=frozenset({OFFICE, LEADER}),
    rank=50,
    asks=(
        ask(
            "community",
            Reference("community"),
            _("Community"),
            help=_("Its liaison and its officer follow; the squad is that of the community."),
        ),
        ask(
            "handler",
            Reference("officer"),
            _("Handler"),
            required=False,
            help=_("Empty: as before. Needed where the handler is of another squad than the community."),
        ),
        REASON,
    ),
    effect=moving.change_community,
    unlocks=("case.community",),
    form=_community_form,
    notice=StepNotice("moved", (Recipient.LIAISON, Recipient.LEAD, Recipient.HANDLER)),
)
SEND_BACK = Step(
    name="send_back",
    label=_("Send back"),
    sources=(S.DISPATCHED,),
    target=S.ACCEPTED,
    roles=STAFF,
    rank=10,
    relation=Relation.HANDLER,
    asks=(REASON,),
    effect=effects.send_back,
    notice=StepNotice("returned", (Recipient.LEAD, Recipient.LEADERS, Recipient.OFFICE)),
)
START = Step(
    name="start",
    label=_("Start handling"),
    sources=(S.DISPATCHED,),
    target=S.HANDLING,
    roles=STAFF,
    rank=10,
    relation=Relation.HANDLER,
    primary=True,
)
CHANGE_LIST = Step(
    name="change_list",
    handbook="more-steps",
    label=_("Change the item"),
    sources=(S.ACCEPTED, S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING, S.SUSPENDED),
    target=None,
    roles=frozenset({LEADER}),
    rank=50,
    asks=(
        ask(
            "item",
            Reference("checklistitem"),
            _("Checklist item"),
            help=_("The deadline is worked out anew from acceptance, or from the last reopening."),
        ),
        REASON,
    ),
    effect=effects.change_list,
    unlocks=("case.item",),
)
VOID = Step(
    name="void",
    label=_("Void"),
    sources=OPEN,
    target=S.VOIDED,
    roles=frozenset({LEADER}),
    rank=90,
    asks=(REASON,),
    more=_reporters,
    effect=effects.end,
    grave=True,
    ends_all=True,
    tone="bad",
    notice=NOTIFY_LIAISON,
)
INTAKE = (REPORT, ACCEPT, REJECT, MERGE, DISPATCH, REASSIGN, SEND_BACK, START, CHANGE_LIST, CHANGE_COMMUNITY, VOID)
