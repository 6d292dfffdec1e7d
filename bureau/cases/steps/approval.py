"""The steps of approvals: request an extension, a suspension or a resumption; approve, refuse, resume."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from bureau.access.roles import LEADER
from bureau.cases import approvals, clock
from bureau.cases.steps.fields import OPINION, REASON, STAFF, ask
from bureau.cases.steps.model import Recipient, Relation, Step, StepForm, StepNotice
from bureau.settings import settings
from models import Case
from models import CaseStatus as S
from panel.i18n import _
from panel.kinds import Day, Whole

NOTIFY_APPROVERS = StepNotice("approval_asked", (Recipient.APPROVERS,))


def _extension_form(session: Session, case: Case) -> StepForm:
    """Show the longest possible extension as the help of its field, in the unit of the limit."""
    limit = clock.limit_of(case.item_snapshot, case.urgency)
    days, *others = EXTEND.asks
    if limit is None:
        return StepForm((replace(days, help=None), *others))
    most = approvals.max_extension(limit, settings.get(session, "extension_share"))
    words = _("{n} at most, in the unit of the limit ({unit}).", n=most, unit=limit.unit.label)
    return StepForm((replace(days, help=words), *others))


EXTEND = Step(
    name="extend",
    handbook="deadlines",
    label=_("Ask for an extension"),
    sources=approvals.ASKABLE,
    target=None,
    roles=STAFF,
    rank=40,
    relation=Relation.HANDLER,
    asks=(ask("days", Whole(1, 1000), _("Extended by"), help=_("In the unit of the limit.")), REASON),
    effect=approvals.ask_extension,
    asks_approval=True,
    notice=NOTIFY_APPROVERS,
    form=_extension_form,
)
SUSPEND = Step(
    name="suspend",
    handbook="deadlines",
    label=_("Ask to suspend"),
    sources=(S.HANDLING, S.REFERRED, S.MEDIATING),
    target=None,
    roles=STAFF,
    rank=40,
    relation=Relation.HANDLER,
    asks=(REASON, ask("review_on", Day(), _("Look again on"))),
    effect=approvals.ask_suspension,
    asks_approval=True,
    notice=NOTIFY_APPROVERS,
)
ASK_RESUME = Step(
    name="ask_resume",
    handbook="deadlines",
    label=_("Ask to resume"),
    sources=(S.SUSPENDED,),
    target=None,
    roles=STAFF,
    rank=40,
    relation=Relation.HANDLER,
    asks=(REASON,),
    effect=approvals.ask_resumption,
    primary=True,
    asks_approval=True,
    notice=NOTIFY_APPROVERS,
)
APPROVE = Step(
    name="approve",
    handbook="deadlines",
    label=_("Approve"),
    sources=approvals.DECIDABLE,
    target=None,
    roles=frozenset({LEADER}),
    rank=40,
    relation=Relation.APPROVER,
    asks=(replace(OPINION, required=False),),
    effect=approvals.approve,
    others=approvals.DECIDABLE,
    opinion="opinion",
    decides=True,
    tone="good",
    notice=StepNotice("approved", (Recipient.ASKER, Recipient.HANDLER)),
)
REFUSE = Step(
    name="refuse",
    handbook="deadlines",
    label=_("Refuse"),
    sources=approvals.DECIDABLE,
    target=None,
    roles=frozenset({LEADER}),
    rank=40,
    relation=Relation.APPROVER,
    asks=(OPINION,),
    effect=approvals.refuse,
    opinion="opinion",
    decides=True,
    tone="bad",
    notice=StepNotice("refused", (Recipient.ASKER, Recipient.HANDLER)),
)
RESUME = Step(
    name="resume",
    handbook="deadlines",
    label=_("Resume"),
    sources=(S.SUSPENDED,),
    target=S.HANDLING,
    roles=frozenset({LEADER}),
    rank=40,
    relation=Relation.NOT_HANDLER,
    asks=(REASON,),
    effect=approvals.resume,
    others=(S.DISPATCHED, S.REFERRED, S.MEDIATING),
    primary=True,
)
APPROVAL = (EXTEND, SUSPEND, ASK_RESUME, APPROVE, REFUSE, RESUME)
