"""The page that maps the headers of a file to columns by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from panel.base import Base
from panel.i18n import Message, _
from panel.imports.mapping import Guess, targets
from panel.web.context import current_panel
from panel.web.pages import Button, ColumnsPage, Input


def build(view: Any, guesses: Sequence[Guess], state: Mapping[str, Any], token: str) -> ColumnsPage:
    """The page: each header with sample values and a choice of columns, in which the guess is selected."""
    rules = current_panel().registry.rules_of(view.model)
    offered = targets(view.model, rules)
    label_counts = Counter(str(label) for _name, label in offered)
    choices = [("", str(_("not imported")))]
    choices += [(name, str(label) if label_counts[str(label)] == 1 else f"{label} ({name})") for name, label in offered]
    page = ColumnsPage(
        title=_("Columns of {name}", name=state["name"]),
        sub=_("Say what each column of the file means. It is remembered for files with the same headers."),
        buttons=[Button(_("Another file"), view.get_url(".import_view"))],
        token=token,
        action_url=view.get_url(".columns_view"),
        needed="、".join(str(f.label) for f in rules.required()),
    )
    for number, guess in enumerate(guesses):
        choice = Input(f"column.{number}", guess.label, "select", value=guess.name, choices=choices)
        page.columns.append((choice, "、".join(guess.samples)))
    return page


def posted_meanings(guesses: Sequence[Guess], form: Mapping[str, str]) -> dict[str, str]:
    """The mapping in the posted form: header to column name."""
    return {guess.label: form.get(f"column.{number}", guess.name) for number, guess in enumerate(guesses)}


def meanings_error(model: type[Base], meanings: Mapping[str, str]) -> Message | None:
    """The error of a mapping: an unknown column, or one that two headers are mapped to. None if there is none."""
    labels = dict(targets(model, current_panel().registry.rules_of(model)))
    counts = Counter(name for name in meanings.values() if name)
    for name, count in counts.items():
        if name not in labels:
            return _("There is no column “{name}”.", name=name[:40])
        if count > 1:
            return _("Two columns of the file can't both be {label}. Leave one of them out.", label=labels[name])
    return None
