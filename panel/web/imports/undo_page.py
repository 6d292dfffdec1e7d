"""The page that asks before an import is taken back: what goes, what stays and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from panel.base import Base
from panel.fields import all_fields, field_named
from panel.i18n import Message, _, n_
from panel.imports.matching import is_masked
from panel.imports.undo_plan import Item, Reason, UndoPlan, Unit
from panel.security.records import ImportBatch
from panel.web import render
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell, Change, UndoPage, UndoRow

#: Rows shown of those that go, and of those that stay.
SHOWN = 100

_BACK = _("Back to what it was")


def build(view: Any, made: UndoPlan) -> UndoPage:
    batch = made.batch
    page = UndoPage(
        title=_("Undo import {number}", number=batch.id),
        sub=_sub(batch),
        action_url=view.get_url(".undo_view", id=batch.id),
        cancel_url=view.get_url(".details_view", id=batch.id),
    )
    if made.refusal is not None:
        page.notice, page.refused = made.refusal, True
        return page
    going, staying = _rows(made.going), _rows(made.staying)
    page.going_count, page.staying_count = len(going), len(staying)
    page.going = [_row(made, unit) for unit in going[:SHOWN]]
    page.staying = [_row(made, unit) for unit in staying[:SHOWN]]
    page.also = [_alone(made, unit) for unit in made.units if unit.alone]
    page.digest = made.digest()
    if not made.going:
        page.notice, page.refused = (
            _("Every row has been changed or referred to since. Nothing can be taken back."),
            True,
        )
        return page
    page.notice = _notice(going, len(staying))
    page.submit = n_("Take back {n} row", "Take back {n} rows", len(going))
    return page


def _sub(batch: ImportBatch) -> Message:
    declared = field_named(ImportBatch, "at")
    assert declared is not None
    return _(
        "{file} · imported by {who}, {at}",
        file=batch.file_name,
        who=batch.actor_name,
        at=declared.kind.format(batch.at.replace(second=0, microsecond=0)),
    )


def _rows(units: Sequence[Unit]) -> list[Unit]:
    return [unit for unit in units if not unit.alone]


def _notice(going: Sequence[Unit], staying: int) -> Message:
    """How many records become what, and how many rows are left."""
    counts = Counter(_what(unit.items[0]) for unit in going)
    what = "、".join(f"{message} {n:,}" for message, n in counts.items())
    if staying:
        return _("Nothing has happened yet. {what}. {n} rows stay as they are, see below.", what=what, n=staying)
    return _("Nothing has happened yet. {what}. Every row goes back to what it was before the import.", what=what)


def _what(item: Item) -> Message:
    return current_panel().registry.rules_of(item.model).removal if item.before is None else _BACK


def _row(made: UndoPlan, unit: Unit) -> UndoRow:
    own = unit.items[0]
    return UndoRow(
        number=unit.number,
        sheet=unit.sheet,
        record=_cell(made, own),
        what=Cell(str(_what(own)), tone="" if own.before is None else "brand"),
        changes=_changes(made, own),
        besides=[_beside(made, item) for item in unit.items[1:]],
        reasons=[_reason(reason) for reason in unit.reasons],
    )


def _alone(made: UndoPlan, unit: Unit) -> Cell:
    """A record that was made for the rows."""
    found = _cell(made, unit.items[0])
    label = unit.items[0].model.__label__
    if unit.reasons:
        reasons = " ".join(str(reason.message) for reason in unit.reasons)
        found.text = str(_("{label} {name} stays: {reasons}", label=label, name=found.text, reasons=reasons))
    else:
        found.text = str(_("{label} {name} was added with the import and goes as well.", label=label, name=found.text))
    return found


def _reason(reason: Reason) -> Cell:
    return Cell(str(reason.message), url=render.record_url(*reason.place) if reason.place else None)


def _cell(made: UndoPlan, item: Item) -> Cell:
    """What a record is called, as it now stands, with the way to it."""
    stored = made.stored.get(item.place)
    if stored is None or made.hides(item):
        return Cell(f"#{item.id}")
    hidden = _hidden(item.model)
    parts = []
    for name in item.model.__display__:
        declared = field_named(item.model, name)
        if declared is not None and not declared.reference and (value := stored.get(declared.attr)) is not None:
            parts.append(
                declared.kind.mask(value) if is_masked(declared, hidden=hidden) else declared.kind.format(value)
            )
    return Cell(" ".join(parts) or f"#{item.id}", url=render.record_url(*item.place))


def _beside(made: UndoPlan, item: Item) -> Message:
    what, nothing = _changes(made, item), str(_("empty"))
    words = "；".join(f"{change.label} {change.before} → {change.after or nothing}" for change in what)
    name = _cell(made, item).text
    if item.before is None:
        return _("{label} {name}: {what}", label=item.model.__label__, name=name, what=_what(item))
    return _("{label} {name}: {what}", label=item.model.__label__, name=name, what=words or _BACK)


def _changes(made: UndoPlan, item: Item) -> list[Change]:
    """What would be put back, field by field; masked as on the record's page."""
    stored = made.stored.get(item.place)
    if item.before is None or stored is None or made.hides(item):
        return []
    hidden = _hidden(item.model)
    return [
        Change(f.label, _words(f, stored, hidden), _words(f, item.before, hidden))
        for f in all_fields(item.model)
        if f.attr in item.before and stored.get(f.attr) != item.before[f.attr]
    ]


def _words(declared: Any, values: Mapping[str, Any], hidden: bool) -> str:
    value = values.get(declared.attr)
    if value is None:
        return ""
    if is_masked(declared, hidden=hidden):
        return str(declared.kind.mask(value))
    if declared.many:
        return "、".join(f"#{id_}" for id_ in value)
    return f"#{value}" if declared.reference else str(declared.kind.format(value))


def _hidden(model: type[Base]) -> bool:
    return current_panel().policy.sees_masked(current_actor(), model)
