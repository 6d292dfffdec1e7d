"""The steps of a case, declared once: who may take each, from where, what must be filled in, what follows.

Buttons, step forms, permission checks, the diagram in docs/ and tests are read from STEPS; the state of a case changes
in no other way. The steps are those of section "Steps" in docs/domain.md (GB/T 30428, 12345 work orders)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casework import effects, events
from casework.roles import LEADER, LIAISON, OFFICE, OFFICER, VIEWER
from casework.state import stepping
from models import (
    ENDED,
    Case,
    CaseEvent,
    CaseStatus,
    FeedbackChannel,
    Outcome,
    ReferralKind,
    Satisfaction,
    StepName,
    Urgency,
)
from panel.access import Actor
from panel.fields import Field
from panel.kinds import Choice, Code, Invalid, Reference, Text, Whole, now
from panel.session import actor_of, by_right
from panel.text import Message, _

S = CaseStatus
OPEN = tuple(status for status in CaseStatus if status not in ENDED)


class Relation(Enum):
    """What the person must be to the case, besides having the role."""

    ANY = "any"
    #: The person named on the case as handler; the office for a handler without an account.
    HANDLER = "handler"
    NOT_HANDLER = "not handler"


class NotAllowed(Exception):  # noqa: N818 - told to the user as a sentence
    """The step can't be taken by this person or in this state; `message` says why. Nothing was written."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class Lacking(Exception):  # noqa: N818 - told to the user at the fields
    """Values are missing or wrong: field name → sentence. Nothing was written."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        super().__init__(problems)
        self.problems = dict(problems)


Effect = Callable[[Session, Case, Mapping[str, Any]], CaseStatus | None]


def ask(
    name: str, kind: Any, label: Message, *, required: bool = True, default: Any = None, help: Message | None = None
) -> Field:
    """A value that a step asks for."""
    return Field(kind=kind, label=label, name=name, attr=name, required=required, default=default, help=help)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A row of the table. `target` None keeps the state. `effect` does what follows and may give another target."""

    name: str
    label: Message
    sources: tuple[CaseStatus, ...]
    target: CaseStatus | None
    roles: frozenset[str]
    relation: Relation = Relation.ANY
    asks: tuple[Field, ...] = ()
    effect: Effect | None = None
    #: The usual next act of its state, shown first.
    primary: bool = False
    #: Can't be undone: asked for with a warning.
    grave: bool = False
    #: What is written as the event's opinion.
    opinion: str = "reason"


REASON = ask("reason", Text(500, lines=3), _("Reason"))
HANDLER = ask("handler", Reference("officer"), _("Handler"))
REFERRAL = ask("referral", Reference("referral"), _("Referral"))
CHANNEL = Choice(FeedbackChannel)

#: Everybody who works on cases or looks on: a note and a question change nothing.
ALL = frozenset({OFFICE, LEADER, OFFICER, LIAISON, VIEWER})

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
            name="dispatch",
            label=_("Dispatch"),
            sources=(S.ACCEPTED,),
            target=S.DISPATCHED,
            roles=frozenset({OFFICE, LEADER, OFFICER}),
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
            roles=frozenset({OFFICER}),
            relation=Relation.HANDLER,
            asks=(REASON,),
            effect=effects.send_back,
        ),
        Step(
            name="start",
            label=_("Start handling"),
            sources=(S.DISPATCHED,),
            target=S.HANDLING,
            roles=frozenset({OFFICER}),
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
            ),
            effect=effects.reply,
            primary=True,
            opinion="reply",
        ),
        Step(
            name="handle",
            label=_("Handling done"),
            sources=(S.HANDLING,),
            target=S.HANDLED,
            roles=frozenset({OFFICER}),
            relation=Relation.HANDLER,
            asks=(
                ask("outcome", Choice(Outcome), _("Outcome")),
                ask("result", Text(1000, lines=3), _("Result")),
                ask("quantity", Whole(0, 100_000), _("Quantity achieved"), required=False),
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
            roles=frozenset({OFFICE, LEADER, OFFICER}),
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
            roles=frozenset({OFFICE, LEADER, OFFICER}),
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
                ask("complainant_content", Text(500, lines=2), _("What the complainant was told"), required=False),
                ask("satisfaction", Choice(Satisfaction), _("Satisfaction"), required=False),
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
            name="note",
            label=_("Add a note"),
            sources=tuple(CaseStatus),
            target=None,
            roles=ALL - {VIEWER},
            asks=(ask("text", Text(500, lines=3), _("Note")),),
            opinion="text",
        ),
        Step(
            name="urge",
            label=_("Ask after it"),
            sources=OPEN,
            target=None,
            roles=ALL - {VIEWER},
            asks=(ask("text", Text(300, lines=2), _("What you ask")),),
            opinion="text",
        ),
    )
}

StepName.labels.update({step.name: step.label for step in STEPS.values()})
#: What stands in histories besides: brought in, or made up for trying.
StepName.labels.update(
    {
        "import": _("Brought in from an old ledger"),
        "merge": _("Merge"),
        "mediate": _("Turn to mediation"),
        "end_mediation": _("End of mediation"),
        "suspend": _("Suspend"),
        "resume": _("Resume"),
    }
)


def may_take(actor: Actor, case: Case, step: Step) -> bool:
    """Whether this person may take the step, its state left aside."""
    if actor.system:
        return True
    if not actor.roles & step.roles and not (step.relation is Relation.HANDLER and _stands_in(actor, case)):
        return False
    is_handler = case.handler_id is not None and case.handler_id in actor.ids("officer")
    if step.relation is Relation.HANDLER:
        return is_handler or _stands_in(actor, case)
    return step.relation is not Relation.NOT_HANDLER or not is_handler


def _stands_in(actor: Actor, case: Case) -> bool:
    """The office records the steps of a handler who has no account."""
    return OFFICE in actor.roles and case.handler is not None and case.handler.user_id is None


def available(actor: Actor, case: Case) -> list[Step]:
    """What this person can do with the case now, the usual next act first."""
    found = [s for s in STEPS.values() if case.status in s.sources and may_take(actor, case, s)]
    return sorted(found, key=lambda step: not step.primary)


def take(
    session: Session, case: Case, name: str, values: Mapping[str, Any], *, version: int | None = None
) -> CaseEvent:
    """Take a step in the session's transaction; the caller commits. `values` are parsed, references as ids that the
    actor may see; `version` is that of the case which the person looked at.

    Raises NotAllowed, Lacking, and StaleDataError when somebody else was quicker by a moment; the caller rolls back."""
    step = STEPS[name]
    actor = actor_of(session)
    if version is not None and case.version != version:
        raise NotAllowed(meanwhile(session, case))
    if not may_take(actor, case, step):
        raise NotAllowed(_("Your role, or your part in this case, doesn't allow “{step}”.", step=step.label))
    if case.status not in step.sources:
        raise NotAllowed(
            _("“{step}” isn't possible while the case is “{status}”.", step=step.label, status=case.status.label)
        )
    lacking = {f.name: _("This must be filled in.") for f in step.asks if f.required and values.get(f.name) is None}
    if lacking:
        raise Lacking(lacking)
    before = case.status
    with by_right(session), stepping():
        other = step.effect(session, case, values) if step.effect else None
        after = other or step.target or before
        if after is not before:
            case.status = after
        else:
            # A step that keeps the state bumps the version as well, so that the second of two is told.
            case.updated_at = now()
        opinion = values.get(step.opinion)
        return events.append(
            session, case, step.name, before, after, actor.user_id, actor.name, opinion, _payload(step, values)
        )


def _payload(step: Step, values: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in, as JSON: ids and choices; texts stand in the opinion or on the records themselves."""
    kept = {}
    for field in step.asks:
        value = values.get(field.name)
        if value is not None and field.name != step.opinion:
            kept[field.name] = field.kind.store(value)
    return kept


def meanwhile(session: Session, case: Case) -> Message:
    """What happened to the case since, in a sentence."""
    statement = (
        select(CaseEvent.actor_name, CaseEvent.step)
        .where(CaseEvent.case_id == case.id)
        .order_by(CaseEvent.seq.desc())
        .limit(1)
    )
    last = session.execute(statement, execution_options={"unscoped": True}).first()
    if last is None:
        return _("The case has been changed meanwhile. Look at it again.")
    return _(
        "{who} was quicker: “{step}”; the case is now “{status}”. Nothing of yours was written.",
        who=last[0],
        step=StepName(20).format(last[1]),
        status=case.status.label,
    )


def parse(step: Step, given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Message]]:
    """What was typed into a step's form, by its kinds: values, and the problems of what can't be read."""
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for field in step.asks:
        try:
            values[field.name] = field.kind.parse(given.get(field.name))
        except Invalid as problem:
            problems[field.name] = problem.message
        else:
            if field.required and values[field.name] is None:
                problems[field.name] = _("This must be filled in.")
    return values, problems
