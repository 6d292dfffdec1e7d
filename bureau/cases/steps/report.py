"""The report: the step that creates a case. A module of its own, because intake.py needs no other step."""

from __future__ import annotations

from bureau.access.roles import LIAISON, OFFICE, OFFICER
from bureau.cases.steps.model import Recipient, Step, StepNotice
from models import CaseStatus
from panel.i18n import _

REPORT = Step(
    name="report",
    label=_("Report"),
    sources=(),
    target=CaseStatus.REPORTED,
    roles=frozenset({LIAISON, OFFICER, OFFICE}),
    rank=10,
    notice=StepNotice(
        "reported", (Recipient.ASSIGNED, Recipient.OFFICE), urgent="reported_urgent", bulk="reported_many"
    ),
)
