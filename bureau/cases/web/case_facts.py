"""The facts of a case, each told once: beside its page and beside the forms of its steps."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bureau.cases.web import step_aids
from models import Case
from panel.fields import field_named
from panel.i18n import _
from panel.web import details, render
from panel.web.pages import Cell, Group

#: Columns that the head of the page tells: what, where, and until when.
IN_HEAD = ("case_no", "title", "status", "community", "place", "due_at")


def facts_of(view: Any, record: Case) -> Group:
    """What is known of a case besides its head: the texts first, then the short values, without empty ones. The head
    tells how long there is until the deadline, the facts when it is."""
    hidden = {*IN_HEAD, *(() if record.historic else ("historic",))}
    if record.item_snapshot and "limit_value" in record.item_snapshot:
        hidden.add("list_kind")  # it stands among what the item fixed
    labels = {field.label for name in hidden if (field := field_named(Case, name)) is not None}
    told = [fact for group in details.groups(view, record) for fact in group.facts]
    told = [(label, cell, wide) for label, cell, wide in told if label not in labels and (cell.text or cell.links)]
    if (due := field_named(Case, "due_at")) is not None and record.due_at is not None:
        told.append((due.label, render.cell(due, record), False))
    return Group(_("Facts of the case"), facts=sorted(told, key=lambda fact: not fact[2]))


def fixed_of(record: Case) -> Group:
    """What the item fixed when it was chosen; without facts before that."""
    return Group(_("Fixed by the item when it was chosen"), facts=step_aids.fixed_facts(record))


def where(record: Case) -> str:
    """The community, as a link to its page where one may read it, and the place."""
    field = field_named(Case, "community")
    cell = render.cell(field, record, linked=True) if field is not None else Cell()
    community: str = Markup('<a href="{}">{}</a>').format(cell.url, cell.text) if cell.url else cell.text
    return Markup(" · ").join(part for part in (community, record.place or "") if part)
