"""A feature that takes part in cases: with steps of its own, checks before those of others, and ears for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bureau.cases.steps import registry
from bureau.cases.steps.model import Check, Listener, Step
from panel.web.features import Feature


@dataclass(frozen=True, kw_only=True)
class CaseFeature(Feature):
    steps: tuple[Step, ...] = ()
    #: Checks of this slice before the steps of another, in this order.
    checks: tuple[tuple[Step, Check], ...] = ()
    #: Told of every step that is taken.
    listeners: tuple[Listener, ...] = ()


def collect(features: Iterable[Feature]) -> None:
    """Declare the steps of every feature that has some, with checks and listeners."""
    taking_part = [one for one in features if isinstance(one, CaseFeature)]
    for one in taking_part:
        registry.declare(one.steps)
        for step, check in one.checks:
            registry.check_before(step, check)
        for listener in one.listeners:
            registry.listen(listener)
