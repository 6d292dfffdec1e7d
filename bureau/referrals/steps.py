"""The steps of a referral: refer, chase, joint action, sign, reply."""

from __future__ import annotations

from bureau.access.roles import OFFICE, OFFICER
from bureau.cases.steps.fields import QUANTITY, STAFF, ask
from bureau.cases.steps.model import Recipient, Step, StepNotice
from bureau.referrals import effects
from models import CaseStatus as S
from models import ReferralKind
from panel.i18n import _
from panel.kinds import Choice, Code, Day, Reference, Text

REFERRAL = ask("referral", Reference("referral"), _("Referral"))
OPEN_REFERRALS = {REFERRAL.name: effects.open_referrals}

REFER = Step(
    name="refer",
    label=_("Refer"),
    sources=(S.HANDLING, S.REFERRED),
    target=S.REFERRED,
    roles=frozenset({OFFICER, OFFICE}),
    rank=20,
    asks=(
        ask("department", Reference("department"), _("Department")),
        ask("kind", Choice(ReferralKind), _("Kind of referral"), default=ReferralKind.TRANSFER),
        ask("document_no", Code(40), _("Document no.")),
        ask("request", Text(1000, lines=3), _("What is asked")),
    ),
    effect=effects.refer,
    opinion="request",
)
CHASE = Step(
    name="chase",
    label=_("Chase the department"),
    sources=(S.REFERRED,),
    target=None,
    roles=STAFF,
    rank=20,
    asks=(REFERRAL, ask("text", Text(300, lines=2), _("What was said"))),
    effect=effects.chase,
    choices=OPEN_REFERRALS,
    opinion="text",
    remark=True,
    tone="warn",
)
JOINT = Step(
    name="joint",
    label=_("Record a joint action"),
    sources=(S.REFERRED,),
    target=None,
    roles=frozenset({OFFICER, OFFICE}),
    rank=20,
    asks=(
        REFERRAL,
        ask("joint_on", Day(), _("Joint action on")),
        ask("joint_members", Text(300, lines=2), _("Who takes part")),
        ask("note", Text(300, lines=2), _("Remark"), required=False),
    ),
    effect=effects.joint,
    choices=OPEN_REFERRALS,
    opinion="note",
)
SIGN = Step(
    name="sign",
    label=_("Department signed"),
    sources=(S.REFERRED,),
    target=None,
    roles=frozenset({OFFICER, OFFICE}),
    rank=20,
    asks=(REFERRAL,),
    effect=effects.sign,
    choices=OPEN_REFERRALS,
)
REPLY = Step(
    name="reply",
    label=_("Reply received"),
    sources=(S.REFERRED,),
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
    choices=OPEN_REFERRALS,
    others=(S.REFERRED,),
    primary=True,
    opinion="reply",
    notice=StepNotice("replied", (Recipient.HANDLER,)),
)
STEPS = (REFER, CHASE, JOINT, SIGN, REPLY)
