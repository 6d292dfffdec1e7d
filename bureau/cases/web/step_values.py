"""What the form of a step begins with: the values that the case has already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from bureau.cases.steps import Step
from models import Case
from panel.fields import Field
from panel.search.names import visible_names

#: For each case by its id, the values of the fields that it has, and their names.
Own = Mapping[int, Mapping[str, tuple[Any, str]]]


def begins_with(session: Session, case: Case, step: Step) -> dict[str, Any]:
    """The values by field name; None where the case has none."""
    known: dict[str, Any] = {"item": case.item_id, "urgency": case.urgency, "outcome": case.outcome}
    return known | dict(step.prefill(session, case) if step.prefill else {})


def own_values(session: Session, cases: Sequence[Case], step: Step) -> Own:
    """What each case brings itself of the fields that the step leaves to it (`Step.own`), without records that the
    actor may not choose. One statement for each table."""
    asks = [ask for ask in step.asks if ask.name in step.own]
    found = {case.id: begins_with(session, case, step) for case in cases}
    ids: dict[str, set[int]] = {}
    for ask in asks:
        if ask.reference:
            given = {values[ask.name] for values in found.values() if values.get(ask.name) is not None}
            ids.setdefault(ask.reference.table, set()).update(given)
    names = visible_names(session, ids)
    own: dict[int, dict[str, tuple[Any, str]]] = {}
    for id_, values in found.items():
        words = {ask.name: _words(ask, values.get(ask.name), names) for ask in asks}
        own[id_] = {name: (values[name], text) for name, text in words.items() if text}
    return own


def _words(ask: Field, value: Any, names: Mapping[tuple[str, int], str]) -> str:
    """The name of a value; "" for none and for what the actor may not choose."""
    if value is None:
        return ""
    return names.get((ask.reference.table, value), "") if ask.reference else ask.kind.format(value)
