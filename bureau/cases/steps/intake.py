"""The steps from the report to the start of handling, and those that end a case without handling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, OFFICE, OFFICER
from bureau.cases import effects
from bureau.cases.steps.fields import HANDLER, REASON, STAFF, ask
from bureau.cases.steps.model import Recipient, Relation, Step, StepNotice
from bureau.cases.steps.registry import OPEN
from bureau.cases.steps.report import REPORT
from models import Case, Urgency
from models import CaseStatus as S
from panel.i18n import _
from panel.kinds import Choice, Reference, Text

NOTIFY_LIAISON = StepNotice("feedback", (Recipient.LIAISON,))


def _prefill_handler(_session: Session, case: Case) -> Mapping[str, Any]:
    return {"handler": case.handler_id or case.lead_officer_id}


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
    effect=effects.end,
    grave=True,
    tone="bad",
    notice=NOTIFY_LIAISON,
)
MERGE = Step(
    name="merge",
    label=_("Merge"),
    sources=(S.REPORTED, S.ACCEPTED),
    target=S.MERGED,
    roles=frozenset({OFFICE}),
    rank=10,
    asks=(
        ask("master", Reference("case"), _("Master case"), help=_("An open case about the same thing.")),
        REASON,
    ),
    effect=effects.merge,
    grave=True,
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
    notice=StepNotice("assigned", (Recipient.HANDLER,)),
    prefill=_prefill_handler,
)
REASSIGN = Step(
    name="reassign",
    label=_("Reassign"),
    sources=(S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING),
    target=None,
    roles=frozenset({OFFICE, LEADER}),
    rank=10,
    asks=(HANDLER, REASON),
    effect=effects.assign,
    notice=StepNotice("assigned", (Recipient.HANDLER,)),
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
)
VOID = Step(
    name="void",
    label=_("Void"),
    sources=OPEN,
    target=S.VOIDED,
    roles=frozenset({LEADER}),
    rank=90,
    asks=(REASON,),
    effect=effects.end,
    grave=True,
    tone="bad",
    notice=NOTIFY_LIAISON,
)
INTAKE = (REPORT, ACCEPT, REJECT, MERGE, DISPATCH, REASSIGN, SEND_BACK, START, CHANGE_LIST, VOID)
