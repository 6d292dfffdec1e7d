"""The steps of a case, declared once: who may take each, from where, what must be filled in, what follows.

Buttons, step forms, permission checks, docs/steps.md and tests are read from STEPS. The steps are those of section
"Case states and steps" in docs/domain.md (GB/T 30428, 12345 work orders)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from casework import approvals, effects
from casework.roles import LEADER, LIAISON, OFFICE, OFFICER
from models import (
    ENDED,
    Case,
    CaseStatus,
    FeedbackChannel,
    Outcome,
    RaisedTo,
    ReferralKind,
    Satisfaction,
    StepName,
    Urgency,
)
from panel.fields import Field, Personal
from panel.kinds import Choice, Code, Day, Moment, Reference, Text, Whole
from panel.text import Message, _

S = CaseStatus
OPEN = tuple(status for status in CaseStatus if status not in ENDED)
Effect = Callable[[Session, Case, Mapping[str, Any]], CaseStatus | None]


class Relation(Enum):
    """What the person must be to the case, besides having the role."""

    ANY = "any"
    #: The person named on the case as handler; the office for a handler without an account.
    HANDLER = "handler"
    NOT_HANDLER = "not handler"
    #: Another person than the one who has asked for approval; only while something is asked for.
    APPROVER = "not who asked"


def ask(
    name: str,
    kind: Any,
    label: Message,
    *,
    required: bool = True,
    default: Any = None,
    help: Message | None = None,
    personal: Personal = Personal.NO,
) -> Field:
    """A value that a step asks for. One that may name private people is not kept with the event."""
    return Field(
        kind=kind, label=label, name=name, attr=name, required=required, default=default, help=help, personal=personal
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A row of the table. `target` None keeps the state; `effect` does what follows and may give one of `others`."""

    name: str
    label: Message
    sources: tuple[CaseStatus, ...]
    target: CaseStatus | None
    roles: frozenset[str]
    relation: Relation = Relation.ANY
    asks: tuple[Field, ...] = ()
    effect: Effect | None = None
    others: tuple[CaseStatus, ...] = ()
    #: The usual next act of its state, shown first.
    primary: bool = False
    #: Can't be undone: asked for with a warning.
    grave: bool = False
    #: What is written as the event's opinion.
    opinion: str = "reason"
    #: Says something and changes nothing, so that nobody's open form goes stale by it.
    remark: bool = False
    #: Asks another person for approval: one thing at a time.
    asks_approval: bool = False


REASON = ask("reason", Text(500, lines=3), _("Reason"))
HANDLER = ask("handler", Reference("officer"), _("Handler"))
REFERRAL = ask("referral", Reference("referral"), _("Referral"))
CHANNEL = Choice(FeedbackChannel)
QUANTITY = (
    ask("quantity", Whole(0, 100_000), _("Quantity achieved"), required=False),
    ask("quantity_unit", Text(20), _("Unit of the quantity"), required=False, help=_("For example 个车位.")),
)
OPINION = ask("opinion", Text(500, lines=2), _("Opinion"))

#: Whoever may be named as handler takes the handler's steps.
STAFF = frozenset({OFFICE, LEADER, OFFICER})
#: Everybody who works on cases: the liaison's half of the two-way channel is a remark.
ALL = STAFF | {LIAISON}

STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step(
            name="report", label=_("Report"), sources=(), target=S.REPORTED, roles=frozenset({LIAISON, OFFICER, OFFICE})
        ),
        Step(
            name="accept",
            label=_("Accept"),
            sources=(S.REPORTED,),
            target=S.ACCEPTED,
            roles=frozenset({OFFICER, OFFICE}),
            asks=(
                ask(
                    "item",
                    Reference("checklistitem"),
                    _("Checklist item"),
                    help=_("Fixes the list and the time limit."),
                ),
                ask("urgency", Choice(Urgency), _("Urgency"), default=Urgency.NORMAL),
            ),
            effect=effects.accept,
            primary=True,
        ),
        Step(
            name="reject",
            label=_("Reject"),
            sources=(S.REPORTED,),
            target=S.REJECTED,
            roles=frozenset({OFFICE}),
            asks=(
                REASON,
                ask("told", Text(200), _("How the reporter was told")),
                ask("responsible", Text(80), _("Department that is responsible")),
            ),
            effect=effects.end,
            grave=True,
        ),
        Step(
            name="merge",
            label=_("Merge"),
            sources=(S.REPORTED, S.ACCEPTED),
            target=S.MERGED,
            roles=frozenset({OFFICE}),
            asks=(
                ask("master", Reference("case"), _("Master case"), help=_("An open case about the same thing.")),
                REASON,
            ),
            effect=effects.merge,
            grave=True,
        ),
        Step(
            name="dispatch",
            label=_("Dispatch"),
            sources=(S.ACCEPTED,),
            target=S.DISPATCHED,
            roles=STAFF,
            asks=(HANDLER, ask("note", Text(300, lines=2), _("Remark"), required=False)),
            effect=effects.assign,
            primary=True,
            opinion="note",
        ),
        Step(
            name="reassign",
            label=_("Reassign"),
            sources=(S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING),
            target=None,
            roles=frozenset({OFFICE, LEADER}),
            asks=(HANDLER, REASON),
            effect=effects.assign,
        ),
        Step(
            name="send_back",
            label=_("Send back"),
            sources=(S.DISPATCHED,),
            target=S.ACCEPTED,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=(REASON,),
            effect=effects.send_back,
        ),
        Step(
            name="start",
            label=_("Start handling"),
            sources=(S.DISPATCHED,),
            target=S.HANDLING,
            roles=STAFF,
            relation=Relation.HANDLER,
            primary=True,
        ),
        Step(
            name="refer",
            label=_("Refer"),
            sources=(S.HANDLING, S.REFERRED),
            target=S.REFERRED,
            roles=frozenset({OFFICER, OFFICE}),
            asks=(
                ask("department", Reference("department"), _("Department")),
                ask("kind", Choice(ReferralKind), _("Kind"), default=ReferralKind.TRANSFER),
                ask("document_no", Code(40), _("Document no.")),
                ask("request", Text(1000, lines=3), _("What is asked")),
            ),
            effect=effects.refer,
            opinion="request",
        ),
        Step(
            name="chase",
            label=_("Chase the department"),
            sources=(S.REFERRED,),
            target=None,
            roles=STAFF,
            asks=(REFERRAL, ask("text", Text(300, lines=2), _("What was said"))),
            effect=effects.chase,
            opinion="text",
            remark=True,
        ),
        Step(
            name="joint",
            label=_("Joint action"),
            sources=(S.REFERRED,),
            target=None,
            roles=frozenset({OFFICER, OFFICE}),
            asks=(
                REFERRAL,
                ask("joint_on", Day(), _("Joint action on")),
                ask("joint_members", Text(300, lines=2), _("Who takes part")),
                ask("note", Text(300, lines=2), _("Remark"), required=False),
            ),
            effect=effects.joint,
            opinion="note",
        ),
        Step(
            name="sign",
            label=_("Department signed"),
            sources=(S.REFERRED,),
            target=None,
            roles=frozenset({OFFICER, OFFICE}),
            asks=(REFERRAL,),
            effect=effects.sign,
        ),
        Step(
            name="reply",
            label=_("Reply received"),
            sources=(S.REFERRED,),
            target=S.HANDLING,
            roles=frozenset({OFFICE, OFFICER}),
            asks=(
                REFERRAL,
                ask(
                    "answer",
                    Choice(effects.Answer),
                    _("Outcome"),
                    default=effects.Answer.REPLIED,
                ),
                ask("reply", Text(1000, lines=3), _("Reply, or the reason for return")),
                *QUANTITY,
            ),
            effect=effects.reply,
            others=(S.REFERRED,),
            primary=True,
            opinion="reply",
        ),
        Step(
            name="extend",
            label=_("Ask for an extension"),
            sources=approvals.ASKABLE,
            target=None,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=(
                ask("days", Whole(1, 1000), _("Extended by"), help=_("In the unit of the limit.")),
                REASON,
            ),
            effect=approvals.ask_extension,
            asks_approval=True,
        ),
        Step(
            name="suspend",
            label=_("Ask to suspend"),
            sources=(S.HANDLING, S.REFERRED, S.MEDIATING),
            target=None,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=(REASON, ask("review_on", Day(), _("Look again on"))),
            effect=approvals.ask_suspension,
            asks_approval=True,
        ),
        Step(
            name="approve",
            label=_("Approve"),
            sources=approvals.ASKABLE,
            target=None,
            roles=frozenset({LEADER}),
            relation=Relation.APPROVER,
            asks=(replace(OPINION, required=False),),
            effect=approvals.approve,
            others=(S.SUSPENDED,),
            opinion="opinion",
        ),
        Step(
            name="refuse",
            label=_("Refuse"),
            sources=approvals.ASKABLE,
            target=None,
            roles=frozenset({LEADER}),
            relation=Relation.APPROVER,
            asks=(OPINION,),
            effect=approvals.refuse,
            opinion="opinion",
        ),
        Step(
            name="resume",
            label=_("Resume"),
            sources=(S.SUSPENDED,),
            target=S.HANDLING,
            roles=STAFF,
            asks=(REASON,),
            effect=approvals.resume,
            others=(S.DISPATCHED, S.REFERRED, S.MEDIATING),
            primary=True,
        ),
        Step(
            name="change_list",
            label=_("Change the item"),
            sources=(S.ACCEPTED, S.DISPATCHED, S.HANDLING, S.REFERRED, S.MEDIATING, S.SUSPENDED),
            target=None,
            roles=frozenset({LEADER}),
            asks=(
                ask(
                    "item",
                    Reference("checklistitem"),
                    _("Checklist item"),
                    help=_("The deadline is worked out anew from acceptance."),
                ),
                REASON,
            ),
            effect=effects.change_list,
        ),
        Step(
            name="handle",
            label=_("Handling done"),
            sources=(S.HANDLING,),
            target=S.HANDLED,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=(
                ask("outcome", Choice(Outcome), _("Outcome")),
                ask("result", Text(1000, lines=3), _("Result")),
                *QUANTITY,
            ),
            effect=effects.handle,
            primary=True,
            opinion="result",
        ),
        Step(
            name="verify",
            label=_("Verify"),
            sources=(S.HANDLED,),
            target=S.VERIFIED,
            roles=STAFF,
            relation=Relation.NOT_HANDLER,
            asks=(ask("finding", Text(500, lines=2), _("Finding")),),
            primary=True,
            opinion="finding",
        ),
        Step(
            name="rework",
            label=_("Rework"),
            sources=(S.HANDLED,),
            target=S.HANDLING,
            roles=STAFF,
            relation=Relation.NOT_HANDLER,
            asks=(REASON,),
            effect=effects.rework,
        ),
        Step(
            name="close",
            label=_("Feed back and close"),
            sources=(S.VERIFIED,),
            target=S.CLOSED,
            roles=frozenset({OFFICER, OFFICE}),
            asks=(
                ask("liaison_channel", CHANNEL, _("Liaison told by"), required=False, default=FeedbackChannel.PHONE),
                ask("liaison_content", Text(500, lines=2), _("What the liaison was told"), required=False),
                ask(
                    "complainant_channel",
                    CHANNEL,
                    _("Complainant told by"),
                    required=False,
                    default=FeedbackChannel.PHONE,
                ),
                ask(
                    "complainant_content",
                    Text(500, lines=2),
                    _("What the complainant was told"),
                    required=False,
                    personal=Personal.PRIVATE,
                ),
                ask("satisfaction", Choice(Satisfaction), _("Satisfaction"), required=False),
                ask(
                    "merged_content",
                    Text(500, lines=2),
                    _("What the reporters of merged cases were told"),
                    required=False,
                    personal=Personal.PRIVATE,
                ),
            ),
            effect=effects.close,
            primary=True,
            opinion="liaison_content",
        ),
        Step(
            name="reopen",
            label=_("Reopen"),
            sources=(S.CLOSED,),
            target=S.HANDLING,
            roles=frozenset({LEADER}),
            asks=(REASON,),
            effect=effects.reopen,
        ),
        Step(
            name="void",
            label=_("Void"),
            sources=OPEN,
            target=S.VOIDED,
            roles=frozenset({LEADER}),
            asks=(REASON,),
            effect=effects.end,
            grave=True,
        ),
        Step(
            name="raise",
            label=_("Raised elsewhere"),
            sources=tuple(CaseStatus),
            target=None,
            roles=frozenset({OFFICE, OFFICER}),
            asks=(
                ask("raised_to", Choice(RaisedTo), _("Raised with")),
                ask("raised_at", Moment(), _("Raised at"), required=False, help=_("Empty: now.")),
                ask("text", Text(300, lines=2), _("Remark"), required=False),
            ),
            effect=effects.raised,
            opinion="text",
        ),
        Step(
            name="note",
            label=_("Add a note"),
            sources=tuple(CaseStatus),
            target=None,
            roles=ALL,
            asks=(ask("text", Text(500, lines=3), _("Note")),),
            opinion="text",
            remark=True,
        ),
        Step(
            name="urge",
            label=_("Ask after it"),
            sources=OPEN,
            target=None,
            roles=ALL - {LEADER},
            asks=(ask("text", Text(300, lines=2), _("What you ask")),),
            opinion="text",
            remark=True,
        ),
        Step(
            name="supervise",
            label=_("Supervise"),
            sources=OPEN,
            target=None,
            roles=frozenset({OFFICE, LEADER}),
            asks=(ask("text", Text(300, lines=2), _("What is demanded")),),
            opinion="text",
            remark=True,
        ),
    )
}

StepName.labels.update({step.name: step.label for step in STEPS.values()})
#: What stands in histories besides: brought in, or made up for trying.
StepName.labels.update(
    {
        "import": _("Brought in from an old ledger"),
        "mediate": _("Turn to mediation"),
        "end_mediation": _("End of mediation"),
    }
)
