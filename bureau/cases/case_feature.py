"""A feature that adds steps, checks and listeners to cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bureau.cases.steps import registry
from bureau.cases.steps.model import Check, Listener, Step
from panel.web.features import Feature


@dataclass(frozen=True, kw_only=True)
class CaseFeature(Feature):
    """`checks` run, in this order, before steps of other slices; `listeners` are called after every step."""

    steps: tuple[Step, ...] = ()
    checks: tuple[tuple[Step, Check], ...] = ()
    listeners: tuple[Listener, ...] = ()


def collect(features: Iterable[Feature]) -> None:
    """Register the steps, checks and listeners of the features. Raises ValueError for a step declared twice."""
    for feature in features:
        if not isinstance(feature, CaseFeature):
            continue
        registry.declare(feature.steps)
        for step, check in feature.checks:
            registry.check_before(step, check)
        for listener in feature.listeners:
            registry.listen(listener)
