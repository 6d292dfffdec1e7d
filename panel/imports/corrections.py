"""Cells that the user corrected in the preview are read in place of those in the file."""

from __future__ import annotations

from panel.fields import field_named
from panel.i18n import Message, _, listed
from panel.imports.plans import Part, Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import tidy


def apply(plan: Plan, rules: Rules) -> None:
    """Put the corrected texts into the rows, before these are read. A column that a sheet lacks is added to it."""
    if not plan.options.cells:
        return
    for part in plan.parts:
        for row in part.rows:
            if texts := plan.options.cells.get(row.place):
                labels = [_put(part, row, rules, name, text) for name, text in texts.items()]
                row.notes.append(_("Corrected in the preview: {labels}.", labels=listed(labels)))


def _put(part: Part, row: PlanRow, rules: Rules, name: str, text: str) -> str:
    """Put a text into the column of this name, and return the label of the column."""
    index = part.index_of(name)
    if index is None:
        index = len(part.labels)
        part.labels.append(str(_label(rules, name)))
        part.columns[index] = name
        for other in part.rows:
            other.cells += [None] * (index + 1 - len(other.cells))
    row.cells[index] = tidy(text) or None
    return part.labels[index]


def _label(rules: Rules, name: str) -> Message | str:
    declared = field_named(rules.model, name)
    return declared.label if declared else [*rules.extra_columns().get(name, ()), name][0]
