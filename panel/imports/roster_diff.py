"""A file held against what is stored: who is new in it, who is missing from it, what is told otherwise. The comparison
is that of an import; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from panel.imports.plans import Outcome, Plan, PlanRow


@dataclass(slots=True)
class Comparison:
    """`joined` are in the file and not in the panel, `left` in the panel and not in the file. Of `failed` rows it may
    not be known whom they mean: such a person can stand among those who left."""

    plan: Plan
    joined: list[PlanRow] = field(default_factory=list)
    changed: list[PlanRow] = field(default_factory=list)
    failed: list[PlanRow] = field(default_factory=list)
    unchanged: int = 0
    left: list[Any] = field(default_factory=list)


def compare(
    session: Session, made: Plan, standing: Select[Any], inside: Callable[[PlanRow], bool] = lambda _row: True
) -> Comparison:
    """Hold a plan against the records that should stand in the file, given as a select of their model in the order to
    show them. `inside` tells whether a row belongs to the part that is compared; a failed one may always."""
    found = Comparison(made)
    for row in made.rows:
        if row.failed:
            if row.id is None or inside(row):
                found.failed.append(row)
        elif not inside(row):
            continue
        elif row.outcome is Outcome.NEW:
            found.joined.append(row)
        elif row.outcome is Outcome.CHANGED:
            found.changed.append(row)
        else:
            found.unchanged += 1
    met = {row.id for row in made.rows if row.id is not None}
    found.left = [one for one in session.execute(standing).unique().scalars() if one.id not in met]
    return found
