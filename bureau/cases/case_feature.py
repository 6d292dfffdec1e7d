"""A feature that adds steps, checks and listeners to cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bureau.cases.steps import registry
from bureau.cases.steps.model import BulkListener, Check, Listener, Step
from bureau.people.holdings import PeopleFeature
from panel.web.features import Feature


@dataclass(frozen=True, kw_only=True)
class CaseFeature(PeopleFeature):
    """`checks` run, in this order, before steps of other slices; `listeners` are called after every step,
    `bulk_listeners` after a bulk write that adds cases."""

    steps: tuple[Step, ...] = ()
    checks: tuple[tuple[Step, Check], ...] = ()
    listeners: tuple[Listener, ...] = ()
    bulk_listeners: tuple[BulkListener, ...] = ()


def collect(features: Iterable[Feature]) -> None:
    """Register the steps, checks and listeners of the features. Raises ValueError for a step declared twice."""
    for feature in features:
        if not isinstance(feature, CaseFeature):
            continue
        registry.declare(feature.steps)
        registry.SECTIONS.update({step.name: step.handbook or feature.handbook for step in feature.steps})
        for step, check in feature.checks:
            registry.check_before(step, check)
        for listener in feature.listeners:
            registry.listen(listener)
        for bulk_listener in feature.bulk_listeners:
            registry.listen_to_bulk(bulk_listener)
