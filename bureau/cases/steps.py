"""The steps of a case, declared once: who may take each, from where, what must be filled in, what follows.

Buttons, step forms, permission checks, docs/steps.md and tests are read from STEPS. The steps are those of section
"Case states and steps" in docs/domain.md (GB/T 30428, 12345 work orders)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from bureau.access.roles import LEADER, LIAISON, OFFICE, OFFICER
from bureau.cases import approvals, asks, effects
from bureau.mediation import asks as disputeasks
from bureau.mediation import mediation
from models import (
    ENDED,
    Case,
    CaseStatus,
    StepName,
)
from panel.fields import Field
from panel.i18n import Message, _

S = CaseStatus
OPEN = tuple(status for status in CaseStatus if status not in ENDED)
Effect = Callable[[Session, Case, Mapping[str, Any]], CaseStatus | None]
#: Why a step isn't possible though the case's state allows it. The last is what was found out for other steps.
Possible = Callable[[Session, Case, dict[str, Any]], Message | None]


class Relation(Enum):
    """What the person must be to the case, besides having the role."""

    ANY = "any"
    #: The person named on the case as handler; the office for a handler without an account.
    HANDLER = "handler"
    NOT_HANDLER = "not handler"
    #: Another person than the one who has asked for approval; only while something is asked for.
    APPROVER = "not who asked"


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
    possible: Possible | None = None
    others: tuple[CaseStatus, ...] = ()
    #: The usual next act of its state, shown first.
    primary: bool = False
    #: Can't be undone: asked for with a warning.
    grave: bool = False
    #: What is written as the event's opinion.
    opinion: str = "reason"
    #: Words the opinion for the event, where it may name somebody.
    worded: Callable[[Session, Case, str], str] | None = None
    #: Says something and changes nothing, so that nobody's open form goes stale by it.
    remark: bool = False
    #: Asks another person for approval: one thing at a time.
    asks_approval: bool = False


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
            asks=asks.ACCEPT,
            effect=effects.accept,
            primary=True,
        ),
        Step(
            name="reject",
            label=_("Reject"),
            sources=(S.REPORTED,),
            target=S.REJECTED,
            roles=frozenset({OFFICE}),
            asks=asks.REJECT,
            effect=effects.end,
            grave=True,
        ),
        Step(
            name="merge",
            label=_("Merge"),
            sources=(S.REPORTED, S.ACCEPTED),
            target=S.MERGED,
            roles=frozenset({OFFICE}),
            asks=asks.MERGE,
            effect=effects.merge,
            grave=True,
        ),
        Step(
            name="dispatch",
            label=_("Dispatch"),
            sources=(S.ACCEPTED,),
            target=S.DISPATCHED,
            roles=STAFF,
            asks=asks.DISPATCH,
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
            asks=asks.REASSIGN,
            effect=effects.assign,
        ),
        Step(
            name="send_back",
            label=_("Send back"),
            sources=(S.DISPATCHED,),
            target=S.ACCEPTED,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=(asks.REASON,),
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
            asks=asks.REFER,
            effect=effects.refer,
            opinion="request",
        ),
        Step(
            name="chase",
            label=_("Chase the department"),
            sources=(S.REFERRED,),
            target=None,
            roles=STAFF,
            asks=asks.CHASE,
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
            asks=asks.JOINT,
            effect=effects.joint,
            opinion="note",
        ),
        Step(
            name="sign",
            label=_("Department signed"),
            sources=(S.REFERRED,),
            target=None,
            roles=frozenset({OFFICER, OFFICE}),
            asks=(asks.REFERRAL,),
            effect=effects.sign,
        ),
        Step(
            name="reply",
            label=_("Reply received"),
            sources=(S.REFERRED,),
            target=S.HANDLING,
            roles=frozenset({OFFICE, OFFICER}),
            asks=asks.REPLY,
            effect=effects.reply,
            others=(S.REFERRED,),
            primary=True,
            opinion="reply",
        ),
        Step(
            name="mediate",
            label=_("Turn to mediation"),
            sources=(S.HANDLING,),
            target=S.MEDIATING,
            roles=frozenset({OFFICER}),
            asks=disputeasks.MEDIATE,
            effect=mediation.begin,
            worded=mediation.worded,
            possible=mediation.may_begin,
        ),
        Step(
            name="session",
            label=_("Record a session"),
            sources=(S.MEDIATING,),
            target=None,
            roles=frozenset({OFFICER, OFFICE}),
            asks=disputeasks.SESSION,
            effect=mediation.record_session,
            primary=True,
            opinion="",
        ),
        Step(
            name="end_mediation",
            label=_("End of mediation"),
            sources=(S.MEDIATING,),
            target=S.HANDLING,
            roles=frozenset({OFFICER}),
            asks=disputeasks.END_MEDIATION,
            effect=mediation.end,
            opinion="remedies",
            worded=mediation.worded,
        ),
        Step(
            name="perform",
            label=_("Follow-up of the agreement"),
            sources=(S.HANDLING, S.HANDLED, S.VERIFIED, S.CLOSED),
            target=None,
            roles=frozenset({OFFICER, OFFICE}),
            asks=disputeasks.PERFORM,
            effect=mediation.follow_up,
            possible=mediation.may_follow_up,
            opinion="",
        ),
        Step(
            name="extend",
            label=_("Ask for an extension"),
            sources=approvals.ASKABLE,
            target=None,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=asks.EXTEND,
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
            asks=asks.SUSPEND,
            effect=approvals.ask_suspension,
            asks_approval=True,
        ),
        Step(
            name="ask_resume",
            label=_("Ask to resume"),
            sources=(S.SUSPENDED,),
            target=None,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=(asks.REASON,),
            effect=approvals.ask_resumption,
            primary=True,
            asks_approval=True,
        ),
        Step(
            name="approve",
            label=_("Approve"),
            sources=approvals.DECIDABLE,
            target=None,
            roles=frozenset({LEADER}),
            relation=Relation.APPROVER,
            asks=asks.APPROVE,
            effect=approvals.approve,
            others=approvals.DECIDABLE,
            opinion="opinion",
        ),
        Step(
            name="refuse",
            label=_("Refuse"),
            sources=approvals.DECIDABLE,
            target=None,
            roles=frozenset({LEADER}),
            relation=Relation.APPROVER,
            asks=asks.REFUSE,
            effect=approvals.refuse,
            opinion="opinion",
        ),
        Step(
            name="resume",
            label=_("Resume"),
            sources=(S.SUSPENDED,),
            target=S.HANDLING,
            roles=frozenset({LEADER}),
            relation=Relation.NOT_HANDLER,
            asks=(asks.REASON,),
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
            asks=asks.CHANGE_LIST,
            effect=effects.change_list,
        ),
        Step(
            name="handle",
            label=_("Handling done"),
            sources=(S.HANDLING,),
            target=S.HANDLED,
            roles=STAFF,
            relation=Relation.HANDLER,
            asks=asks.HANDLE,
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
            asks=asks.VERIFY,
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
            asks=(asks.REASON,),
            effect=effects.rework,
        ),
        Step(
            name="close",
            label=_("Feed back and close"),
            sources=(S.VERIFIED,),
            target=S.CLOSED,
            roles=frozenset({OFFICER, OFFICE}),
            asks=asks.CLOSE,
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
            asks=(asks.REASON,),
            effect=effects.reopen,
        ),
        Step(
            name="raise",
            label=_("Raised elsewhere"),
            sources=tuple(CaseStatus),
            target=None,
            roles=frozenset({OFFICE, OFFICER}),
            asks=asks.RAISE,
            effect=effects.raised,
            opinion="text",
        ),
        Step(
            name="note",
            label=_("Add a note"),
            sources=tuple(CaseStatus),
            target=None,
            roles=ALL,
            asks=asks.NOTE,
            opinion="text",
            remark=True,
        ),
        Step(
            name="urge",
            label=_("Ask after it"),
            sources=OPEN,
            target=None,
            roles=ALL - {LEADER},
            asks=asks.URGE,
            opinion="text",
            remark=True,
        ),
        Step(
            name="supervise",
            label=_("Supervise"),
            sources=OPEN,
            target=None,
            roles=frozenset({OFFICE, LEADER}),
            asks=asks.SUPERVISE,
            opinion="text",
            remark=True,
        ),
        Step(
            name="void",
            label=_("Void"),
            sources=OPEN,
            target=S.VOIDED,
            roles=frozenset({LEADER}),
            asks=(asks.REASON,),
            effect=effects.end,
            grave=True,
        ),
    )
}

StepName.labels.update({step.name: step.label for step in STEPS.values()})
#: What stands in histories besides.
StepName.labels["import"] = _("Brought in from an old ledger")
