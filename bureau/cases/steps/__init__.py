"""The steps of a case: what each says about itself, all of them, and those of this slice by subject."""

from bureau.cases.steps.model import MOMENT, Part, Relation, Step, StepForm, StepNotice
from bureau.cases.steps.registry import (
    LISTENERS,
    OPEN,
    STEPS,
    check_before,
    checks_of,
    declare,
    listen,
    names,
    restarting,
)

__all__ = [
    "LISTENERS",
    "MOMENT",
    "OPEN",
    "STEPS",
    "Part",
    "Relation",
    "Step",
    "StepForm",
    "StepNotice",
    "check_before",
    "checks_of",
    "declare",
    "listen",
    "names",
    "restarting",
]
