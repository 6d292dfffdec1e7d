"""The steps of a referral: refer, chase, joint action, sign, reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from bureau.access.roles import OFFICE, OFFICER
from bureau.cases.steps.fields import QUANTITY, STAFF, ask
from bureau.cases.steps.model import Recipient, Step, StepForm, StepNotice
from bureau.referrals import effects
from models import Case, CaseEvent, JointState, ReferralKind
from models import CaseStatus as S
from panel.i18n import _
from panel.kinds import Choice, Code, Day, Reference, Text

FOLLOWED_BY = ask(
    "handler",
    Reference("officer"),
    _("Followed up by"),
    required=False,
    help=_("Becomes the handler. Empty: after the reply the case waits to be dispatched."),
)
REFERRAL = ask("referral", Reference("referral"), _("Referral"))
OPEN_REFERRALS = {REFERRAL.name: effects.open_referrals}
#: States in which departments answer: the case waits for them, or it is suspended while they work.
ANSWERABLE = (S.REFERRED, S.SUSPENDED)


def _usual_referral(_session: Session, case: Case) -> Mapping[str, Any]:
    """The lead department of the item, to which the case is usually referred, and the officer who leads the case."""
    department = case.item.department_id if case.item is not None else None
    return {"department": department, "handler": case.lead_officer_id}


def _referral_form(_session: Session, case: Case) -> StepForm:
    """Ask who follows the referral up only while the case has no handler."""
    return StepForm(tuple(field for field in REFER.asks if case.handler_id is None or field is not FOLLOWED_BY))


def _handler_named(event: CaseEvent) -> bool:
    return FOLLOWED_BY.name in event.payload and event.from_status is S.ACCEPTED


REFER = Step(
    name="refer",
    label=_("Refer"),
    sources=(S.ACCEPTED, S.DISPATCHED, S.HANDLING, S.REFERRED),
    target=S.REFERRED,
    others=(S.ACCEPTED, S.DISPATCHED, S.HANDLING),
    roles=frozenset({OFFICER, OFFICE}),
    rank=20,
    asks=(
        ask("department", Reference("department"), _("Department")),
        ask(
            "kind",
            Choice(ReferralKind),
            _("Kind of referral"),
            default=ReferralKind.TRANSFER,
            help=_("A notice in copy needs no reply: the case goes on."),
        ),
        ask(
            "document_no",
            Code(40),
            _("Document no."),
            required=False,
            help=_("Empty: the next number of its kind and year."),
        ),
        ask("request", Text(1000, lines=3), _("What is asked")),
        FOLLOWED_BY,
    ),
    effect=effects.refer,
    opinion="request",
    prefill=_usual_referral,
    form=_referral_form,
    notice=StepNotice("assigned", (Recipient.HANDLER,), when=_handler_named),
)
CHASE = Step(
    name="chase",
    label=_("Chase the department"),
    sources=ANSWERABLE,
    target=None,
    roles=STAFF,
    rank=20,
    asks=(REFERRAL, ask("text", Text(300, lines=2), _("What was said"))),
    effect=effects.chase,
    possible=effects.may_answer,
    choices=OPEN_REFERRALS,
    opinion="text",
    remark=True,
    tone="warn",
)
JOINT = Step(
    name="joint",
    label=_("Record a joint action"),
    sources=(*ANSWERABLE, S.HANDLING),
    target=None,
    roles=frozenset({OFFICER, OFFICE}),
    rank=20,
    asks=(
        REFERRAL,
        ask("joint_on", Day(), _("Joint action on")),
        ask(
            "joint_state",
            Choice(JointState),
            _("State of the joint action"),
            default=JointState.DONE,
            help=_("One that is still to come is planned; say afterwards that it was carried out."),
        ),
        ask("joint_members", Text(300, lines=2), _("Who takes part")),
        ask("note", Text(300, lines=2), _("Remark"), required=False),
    ),
    effect=effects.joint,
    possible=effects.may_join,
    choices={REFERRAL.name: effects.joint_referrals},
    opinion="note",
)
SIGN = Step(
    name="sign",
    label=_("Department signed"),
    sources=ANSWERABLE,
    target=None,
    roles=frozenset({OFFICER, OFFICE}),
    rank=20,
    asks=(REFERRAL,),
    effect=effects.sign,
    possible=effects.may_answer,
    choices=OPEN_REFERRALS,
)
REPLY = Step(
    name="reply",
    label=_("Reply received"),
    sources=ANSWERABLE,
    target=S.HANDLING,
    roles=frozenset({OFFICE, OFFICER}),
    rank=20,
    asks=(
        REFERRAL,
        ask("answer", Choice(effects.Answer), _("How it was answered"), default=effects.Answer.REPLIED),
        ask("reply", Text(1000, lines=3), _("Reply, or the reason for return")),
        *QUANTITY,
    ),
    effect=effects.reply,
    possible=effects.may_answer,
    choices=OPEN_REFERRALS,
    others=(S.REFERRED, S.ACCEPTED, S.SUSPENDED),
    primary=True,
    opinion="reply",
    notice=StepNotice("replied", (Recipient.HANDLER,)),
)
STEPS = (REFER, CHASE, JOINT, SIGN, REPLY)
