"""The steps of a case, collected from the slices that declare them.

Buttons, step forms, permission checks, notices, docs/steps.md and tests are read from STEPS. The steps follow
GB/T 30428 and the handling of 12345 work orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bureau.cases.steps.model import BulkListener, Check, Listener, Step
from models import ENDED, CaseStatus, StepName
from panel.i18n import _

OPEN = tuple(status for status in CaseStatus if status not in ENDED)
#: Every step by its name, in the order of `rank`.
STEPS: dict[str, Step] = {}
_CHECKS: dict[str, list[Check]] = {}
#: The section of the handbook about each step, by its name.
SECTIONS: dict[str, str] = {}
LISTENERS: list[Listener] = []
BULK_LISTENERS: list[BulkListener] = []

#: The step names of events that are no steps: of an import, and of a handover of a person's cases.
IMPORTED, HANDED_OVER = "import", "handover"
StepName.labels[IMPORTED] = _("Brought in from an old ledger")
StepName.labels[HANDED_OVER] = _("Handed over")


def declare(steps: Iterable[Step]) -> None:
    """Register steps. Raises ValueError for a name that another step has already."""
    for step in steps:
        if STEPS.get(step.name, step) is not step:
            raise ValueError(f"the step {step.name} is declared twice")
        STEPS[step.name] = step
        StepName.labels[step.name] = step.label
    ordered = sorted(STEPS.values(), key=lambda step: step.rank)
    STEPS.clear()
    STEPS.update({step.name: step for step in ordered})


def check_before(step: Step, check: Check) -> None:
    """Run `check` before the effect of `step`; checks run in the order in which they were added."""
    checks = _CHECKS.setdefault(step.name, [])
    if check not in checks:
        checks.append(check)


def checks_of(step: Step) -> tuple[Check, ...]:
    return tuple(_CHECKS.get(step.name, ()))


def listen(listener: Listener) -> None:
    """Call `listener` after every step."""
    if listener not in LISTENERS:
        LISTENERS.append(listener)


def listen_to_bulk(listener: BulkListener) -> None:
    """Call `listener` after every bulk write that adds cases, once."""
    if listener not in BULK_LISTENERS:
        BULK_LISTENERS.append(listener)


def names(condition: Callable[[Step], bool]) -> tuple[str, ...]:
    """The names of the steps for which `condition` is true, for statements over events."""
    return tuple(step.name for step in STEPS.values() if condition(step))


def restarting() -> tuple[str, ...]:
    """The names of the steps at which the limit of a case starts again."""
    return names(lambda step: step.restarts)
