"""The steps of a case: their declaration (`model`), the registry of all slices, and the steps of this slice."""

from bureau.cases.steps.model import MOMENT, Recipient, Relation, Step, StepForm, StepNotice
from bureau.cases.steps.registry import (
    BULK_LISTENERS,
    LISTENERS,
    OPEN,
    STEPS,
    check_before,
    checks_of,
    declare,
    listen,
    listen_to_bulk,
    names,
    restarting,
)

__all__ = [
    "BULK_LISTENERS",
    "LISTENERS",
    "MOMENT",
    "OPEN",
    "STEPS",
    "Recipient",
    "Relation",
    "Step",
    "StepForm",
    "StepNotice",
    "check_before",
    "checks_of",
    "declare",
    "listen",
    "listen_to_bulk",
    "names",
    "restarting",
]
