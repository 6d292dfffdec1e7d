"""The page that asks before an import is undone: which rows are undone, which stay and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from panel.base import Base
from panel.fields import all_fields, field_named
from panel.i18n import Message, _, clauses, listed, n_
from panel.imports.records import ImportBatch
from panel.imports.undo.undo_plan import Item, Reason, UndoPlan, Unit
from panel.security.masking import is_masked
from panel.web import render
from panel.web.context import current_actor, current_panel
from panel.web.imports import preview_state
from panel.web.pages import Cell, Change, UndoPage, UndoRow

#: Rows shown of those that go, and of those that stay.
SHOWN = 100

_RESTORED = _("Back to what it was")


def build(view: Any, undo_plan: UndoPlan) -> UndoPage:
    batch = undo_plan.batch
    page = UndoPage(
        title=_("Undo import {number}", number=batch.id),
        sub=_sub(batch),
        action_url=view.get_url(".undo_view", id=batch.id),
        cancel_url=view.get_url(".details_view", id=batch.id),
    )
    if undo_plan.refusal is not None:
        page.notice, page.refused = undo_plan.refusal, True
        return page
    going, staying = _rows(undo_plan.going), _rows(undo_plan.staying)
    page.going_count, page.staying_count = len(going), len(staying)
    page.going = [_row(undo_plan, unit) for unit in going[:SHOWN]]
    page.staying = [_row(undo_plan, unit) for unit in staying[:SHOWN]]
    page.also = [_alone(undo_plan, unit) for unit in undo_plan.units if unit.alone]
    page.digest = undo_plan.digest()
    if not undo_plan.going:
        page.notice, page.refused = (
            _("Every row has been changed or referred to since. Nothing can be taken back."),
            True,
        )
        return page
    page.notice = _notice(going, len(staying))
    if is_large(batch):
        page.later = _("This is done as a background task, whose page opens now: all of it or nothing.")
    page.submit = n_("Take back {n} row", "Take back {n} rows", len(going))
    return page


def is_large(batch: ImportBatch) -> bool:
    """Whether a job undoes the batch, as one has written it."""
    return batch.new_count + batch.changed_count > preview_state.LARGE


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
    """The number of records by what happens to them, and the number of rows that stay."""
    counts = Counter(_effect(unit.items[0]) for unit in going)
    what = listed(str(n_("{what}: {n} record", "{what}: {n} records", n, what=what)) for what, n in counts.items())
    if staying:
        return _("Nothing has happened yet. {what}. {n} rows stay as they are, see below.", what=what, n=staying)
    return _("Nothing has happened yet. {what}. Every row goes back to what it was before the import.", what=what)


def _effect(item: Item) -> Message:
    return current_panel().registry.rules_of(item.model).removal if item.before is None else _RESTORED


def _row(undo_plan: UndoPlan, unit: Unit) -> UndoRow:
    own = unit.items[0]
    return UndoRow(
        number=unit.number,
        sheet=unit.sheet,
        record=_cell(undo_plan, own),
        effect=Cell(str(_effect(own)), tone="" if own.before is None else "brand"),
        changes=_changes(undo_plan, own),
        besides=[_beside(undo_plan, item) for item in unit.items[1:]],
        reasons=[_reason(reason) for reason in unit.reasons],
    )


def _alone(undo_plan: UndoPlan, unit: Unit) -> Cell:
    """A record that was added for several rows, and whether it is removed too."""
    cell = _cell(undo_plan, unit.items[0])
    label = unit.items[0].model.__label__
    if unit.reasons:
        reasons = " ".join(str(reason.message) for reason in unit.reasons)
        cell.text = str(_("{label} {name} stays: {reasons}", label=label, name=cell.text, reasons=reasons))
    else:
        cell.text = str(_("{label} {name} was added with the import and goes as well.", label=label, name=cell.text))
    return cell


def _reason(reason: Reason) -> Cell:
    return Cell(str(reason.message), url=render.record_url(*reason.key) if reason.key else None)


def _cell(undo_plan: UndoPlan, item: Item) -> Cell:
    """The current name of a record, with a link to it."""
    stored = undo_plan.stored.get(item.key)
    if stored is None or undo_plan.hides(item):
        return Cell(f"#{item.id}")
    hidden = _hidden(item.model)
    parts = []
    for name in item.model.__display__:
        declared = field_named(item.model, name)
        if declared is not None and not declared.reference and (value := stored.get(declared.attr)) is not None:
            parts.append(
                declared.kind.mask(value) if is_masked(declared, hidden=hidden) else declared.kind.format(value)
            )
    return Cell(" ".join(parts) or f"#{item.id}", url=render.record_url(*item.key))


def _beside(undo_plan: UndoPlan, item: Item) -> Message:
    changes, nothing = _changes(undo_plan, item), str(_("empty"))
    words = clauses(f"{change.label} {change.before} → {change.after or nothing}" for change in changes)
    name = _cell(undo_plan, item).text
    if item.before is None:
        return _("{label} {name}: {what}", label=item.model.__label__, name=name, what=_effect(item))
    return _("{label} {name}: {what}", label=item.model.__label__, name=name, what=words or _RESTORED)


def _changes(undo_plan: UndoPlan, item: Item) -> list[Change]:
    """The changes that undo would make to a record, masked as on its page."""
    stored = undo_plan.stored.get(item.key)
    if item.before is None or stored is None or undo_plan.hides(item):
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
        return listed(f"#{id_}" for id_ in value)
    return f"#{value}" if declared.reference else str(declared.kind.format(value))


def _hidden(model: type[Base]) -> bool:
    return current_panel().policy.sees_masked(current_actor(), model)
