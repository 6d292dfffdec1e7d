"""The part of a preview that adds missing records with the values which they need, and what it posts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from panel.fields import Field
from panel.i18n import _
from panel.imports.additions import asked_fields
from panel.imports.stored_plan import StoredPlan
from panel.security.policy import model_of
from panel.web import forms
from panel.web.context import current_panel
from panel.web.imports.answers import Link
from panel.web.imports.preview_state import answers_of
from panel.web.lookups import label, visible
from panel.web.pages import AdditionRow, AnswerRow, Button, Input, PreviewPage

#: Records that a page offers to add at once; further ones follow once these are there.
SHOWN = 20


def add(page: PreviewPage, plan: StoredPlan, state: Mapping[str, Any], link: Link) -> None:
    """Add the records that could be added, and those that will be."""
    for key, table, name, known in _offered(plan):
        view = current_panel().views[table]
        row = AdditionRow(f"{key}.add", view.model.__label__, name)
        row.inputs = [_input(view, key, declared, known.get(declared.name)) for declared in asked_fields(view.model)]
        page.additions.append(row)
    page.addition_count = sum(len(names) for names in plan.addable.values())
    for table, names in (state.get("adding") or {}).items():
        for name in names:
            what = _("{label} “{name}” is added.", label=model_of(table).__label__, name=name)
            left = {t: {n: v for n, v in ns.items() if (t, n) != (table, name)} for t, ns in state["adding"].items()}
            page.answers.append(AnswerRow(what, button=Button(_("Don't add"), link({"adding": left}))))


def _offered(plan: StoredPlan) -> Iterator[tuple[str, str, str, Mapping[str, int]]]:
    """(prefix of the controls, table, name, known references) of the records that the page offers to add."""
    every = [(table, name, known) for table, names in plan.addable.items() for name, known in names.items()]
    for number, (table, name, known) in enumerate(every[:SHOWN]):
        yield f"new.{number}", table, name, known


def _input(view: Any, key: str, declared: Field, known: int | None) -> Input:
    input_ = forms.control(declared.kind, declared, view.endpoint)
    input_.name, input_.required = f"{key}.{declared.name}", declared.required
    record = visible(declared.reference.table, known) if declared.reference and known is not None else None
    if record is not None:
        input_.value, input_.text = str(record.id), label(record)
    return input_


def added(plan: StoredPlan | None, state: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """The state of a preview with the posted records: those that are ticked."""
    adding = answers_of(state, "adding")
    for key, table, name, _known in _offered(plan) if plan is not None else ():
        if form.get(f"{key}.add"):
            given = {f.name: form.get(f"{key}.{f.name}", "") for f in asked_fields(model_of(table))}
            adding.setdefault(table, {})[name] = given
    return {**state, "adding": adding}
