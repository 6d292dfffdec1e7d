"""Compare a roster file with what is stored: who is new, missing or changed. Uses the plan of an import and writes
nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from panel.imports.plans import Outcome, Plan, PlanRow


@dataclass(slots=True)
class Comparison:
    """The result. `joined` are only in the file, `left` only in the panel. The person of a `failed` row may be
    unknown, so that they can also be listed in `left`."""

    plan: Plan
    joined: list[PlanRow] = field(default_factory=list)
    changed: list[PlanRow] = field(default_factory=list)
    failed: list[PlanRow] = field(default_factory=list)
    unchanged: int = 0
    left: list[Any] = field(default_factory=list)


def compare(
    session: Session, plan: Plan, expected: Select[Any], inside: Callable[[PlanRow], bool] = lambda _row: True
) -> Comparison:
    """Compare a plan with the records that the file should contain.

    `expected` selects those records in display order. `inside` tells whether a row belongs to the compared part; a
    failed row without a record always does."""

    comparison = Comparison(plan)
    for row in plan.rows:
        if row.failed:
            if row.id is None or inside(row):
                comparison.failed.append(row)
        elif not inside(row):
            continue
        elif row.outcome is Outcome.NEW:
            comparison.joined.append(row)
        elif row.outcome is Outcome.CHANGED:
            comparison.changed.append(row)
        elif not row.vacant:
            comparison.unchanged += 1
    ids = {row.id for row in plan.rows if row.id is not None}
    comparison.left = [record for record in session.execute(expected).unique().scalars() if record.id not in ids]
    return comparison
