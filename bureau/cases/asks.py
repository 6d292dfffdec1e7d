"""What each step of a case asks for, by the step's name."""

from __future__ import annotations

from dataclasses import replace

from bureau.cases import effects
from bureau.cases.step_fields import ask
from models import FeedbackChannel, Outcome, RaisedTo, ReferralKind, Satisfaction, Urgency
from panel.fields import Personal
from panel.i18n import _
from panel.kinds import Choice, Code, Day, Moment, Reference, Text, Whole

REASON = ask("reason", Text(500, lines=3), _("Reason"))
HANDLER = ask("handler", Reference("officer"), _("Handler"))
REFERRAL = ask("referral", Reference("referral"), _("Referral"))
CHANNEL = Choice(FeedbackChannel)
QUANTITY = (
    ask("quantity", Whole(0, 100_000), _("Quantity achieved"), required=False),
    ask("quantity_unit", Text(20), _("Unit of the quantity"), required=False, help=_("For example 个车位.")),
)
OPINION = ask("opinion", Text(500, lines=2), _("Opinion"))

ACCEPT = (
    ask(
        "item",
        Reference("checklistitem"),
        _("Checklist item"),
        help=_("Fixes the list and the time limit."),
    ),
    ask("urgency", Choice(Urgency), _("Urgency"), default=Urgency.NORMAL),
)
REJECT = (
    REASON,
    ask("told", Text(200), _("How the reporter was told")),
    ask("responsible", Text(80), _("Department that is responsible")),
)
MERGE = (
    ask("master", Reference("case"), _("Master case"), help=_("An open case about the same thing.")),
    REASON,
)
DISPATCH = (HANDLER, ask("note", Text(300, lines=2), _("Remark"), required=False))
REASSIGN = (HANDLER, REASON)
REFER = (
    ask("department", Reference("department"), _("Department")),
    ask("kind", Choice(ReferralKind), _("Kind"), default=ReferralKind.TRANSFER),
    ask("document_no", Code(40), _("Document no.")),
    ask("request", Text(1000, lines=3), _("What is asked")),
)
CHASE = (REFERRAL, ask("text", Text(300, lines=2), _("What was said")))
JOINT = (
    REFERRAL,
    ask("joint_on", Day(), _("Joint action on")),
    ask("joint_members", Text(300, lines=2), _("Who takes part")),
    ask("note", Text(300, lines=2), _("Remark"), required=False),
)
REPLY = (
    REFERRAL,
    ask(
        "answer",
        Choice(effects.Answer),
        _("How it was answered"),
        default=effects.Answer.REPLIED,
    ),
    ask("reply", Text(1000, lines=3), _("Reply, or the reason for return")),
    *QUANTITY,
)
EXTEND = (
    ask("days", Whole(1, 1000), _("Extended by"), help=_("In the unit of the limit.")),
    REASON,
)
SUSPEND = (REASON, ask("review_on", Day(), _("Look again on")))
APPROVE = (replace(OPINION, required=False),)
REFUSE = (OPINION,)
CHANGE_LIST = (
    ask(
        "item",
        Reference("checklistitem"),
        _("Checklist item"),
        help=_("The deadline is worked out anew from acceptance, or from the last reopening."),
    ),
    REASON,
)
HANDLE = (
    ask("outcome", Choice(Outcome), _("Outcome")),
    ask("result", Text(1000, lines=3), _("Result")),
    *QUANTITY,
    ask(
        "unmeasured",
        Text(200, lines=2),
        _("Why nothing was measured"),
        required=False,
        help=_("The item asks for a measurement and none is recorded. For example: the device was switched off."),
    ),
)
VERIFY = (ask("finding", Text(500, lines=2), _("Finding")),)
CLOSE = (
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
)
RAISE = (
    ask("raised_to", Choice(RaisedTo), _("Raised with")),
    ask("raised_at", Moment(), _("Raised at"), required=False, help=_("Empty: now.")),
    ask("text", Text(300, lines=2), _("Remark"), required=False),
)
NOTE = (ask("text", Text(500, lines=3), _("Note")),)
URGE = (ask("text", Text(300, lines=2), _("What you ask")),)
SUPERVISE = (ask("text", Text(300, lines=2), _("What is demanded")),)
