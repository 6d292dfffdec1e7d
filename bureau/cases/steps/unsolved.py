"""The step by which a verified case goes back to be handled, because whoever was told says that it isn't solved."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bureau.cases.steps.fields import REASON, STAFF, ask
from bureau.cases.steps.model import Recipient, Step, StepNotice, Values
from models import Case, Feedback, FeedbackChannel, FeedbackTarget, Satisfaction
from models import CaseStatus as S
from panel.i18n import _
from panel.kinds import Choice, now


def send_back(session: Session, case: Case, values: Values) -> None:
    """Record what was said as feedback, a complainant's as unsatisfied, and let the case be handled again. Its deadline
    stays."""
    said_by = values["said_by"]
    session.add(
        Feedback(
            case_id=case.id,
            target=said_by,
            channel=values["channel"],
            content=values["reason"],
            at=now(),
            satisfaction=Satisfaction.UNSATISFIED if said_by is FeedbackTarget.COMPLAINANT else None,
        )
    )
    session.flush()
    case.handled_at = None


UNSOLVED = Step(
    name="unsolved",
    label=_("Not solved: handle again"),
    sources=(S.VERIFIED,),
    target=S.HANDLING,
    roles=STAFF,
    rank=60,
    asks=(
        ask(
            "said_by",
            Choice(FeedbackTarget),
            _("Who says so"),
            default=FeedbackTarget.COMPLAINANT,
            help=_("It is kept as feedback; a complainant's counts as unsatisfied. The case counts as reworked."),
        ),
        ask("channel", Choice(FeedbackChannel), _("Told by"), default=FeedbackChannel.PHONE),
        REASON,
    ),
    effect=send_back,
    reworks=True,
    tone="warn",
    notice=StepNotice("returned", (Recipient.HANDLER, Recipient.LEAD)),
)
