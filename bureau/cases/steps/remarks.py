"""Steps that add a remark to a case and keep its state."""

from __future__ import annotations

from bureau.access.roles import LEADER, OFFICE, OFFICER
from bureau.cases import effects
from bureau.cases.steps.fields import EVERYBODY, ask
from bureau.cases.steps.model import Recipient, Step, StepNotice
from bureau.cases.steps.registry import OPEN
from models import CaseStatus, RaisedTo
from panel.i18n import _
from panel.kinds import Choice, Moment, Text

RAISE = Step(
    name="raise",
    handbook="more-steps",
    label=_("Record where it was raised"),
    sources=tuple(CaseStatus),
    target=None,
    roles=frozenset({OFFICE, OFFICER}),
    rank=70,
    asks=(
        ask("raised_to", Choice(RaisedTo), _("Raised with")),
        ask("raised_at", Moment(), _("Raised at"), required=False, help=_("Empty: now.")),
        ask("text", Text(300, lines=2), _("Remark"), required=False),
    ),
    effect=effects.record_raised,
    opinion="text",
    tone="bad",
)
NOTE = Step(
    name="note",
    label=_("Add a note"),
    sources=tuple(CaseStatus),
    target=None,
    roles=EVERYBODY,
    rank=70,
    asks=(ask("text", Text(500, lines=3), _("Note")),),
    opinion="text",
    remark=True,
)
URGE = Step(
    name="urge",
    label=_("Ask after it"),
    sources=OPEN,
    target=None,
    roles=EVERYBODY - {LEADER},
    rank=70,
    asks=(ask("text", Text(300, lines=2), _("What you ask")),),
    opinion="text",
    remark=True,
    bulk=True,
    tone="warn",
    notice=StepNotice("urged", (Recipient.HANDLER, Recipient.LEAD, Recipient.LEADERS)),
)
SUPERVISE = Step(
    name="supervise",
    handbook="more-steps",
    label=_("Supervise"),
    sources=OPEN,
    target=None,
    roles=frozenset({OFFICE, LEADER}),
    rank=70,
    asks=(ask("text", Text(300, lines=2), _("What is demanded")),),
    opinion="text",
    remark=True,
    bulk=True,
    tone="bad",
    notice=StepNotice("pressed", (Recipient.HANDLER, Recipient.LEAD)),
)
REMARKS = (RAISE, NOTE, URGE, SUPERVISE)
