"""The preview of an import: what would become of each row, and what one can still choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from flask import request

from panel.access import model_of
from panel.batches import words
from panel.fields import field_named
from panel.kinds import tidy
from panel.matching import is_masked
from panel.plans import Outcome, Plan, PlanRow
from panel.rules import ID
from panel.text import Message, _, n_
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Chip, Choice, Column, Pager, PreviewCell, PreviewPage, PreviewRow

PAGE_SIZE = 50

Pack = Callable[[Mapping[str, Any]], str]


def counted(made: Plan) -> dict[str, int]:
    counts = made.counts()
    return {
        "new": counts[Outcome.NEW],
        "changed": counts[Outcome.CHANGED],
        "unchanged": counts[Outcome.UNCHANGED] + counts[Outcome.SKIPPED],
        "failed": counts[Outcome.FAILED],
    }


def build(view: Any, made: Plan, state: dict[str, Any], pack: Pack) -> PreviewPage:
    """The page for a plan; `state` is what the address carries, `pack` signs it."""
    numbers = counted(made)
    failed, writable = numbers["failed"], made.writable
    good = bool(state.get("good"))
    token = pack(state)
    page = PreviewPage(
        title=_("Import {label} · preview", label=made.model.__labels__),
        sub=_sub(made, state),
        token=token,
        digest=made.digest(),
        apply_url=view.get_url(".apply_view"),
        notice=_notice(made, good=good),
        chips=_chips(view, made, token),
    )
    shown = request.args.get("show", "")
    rows = [row for row in made.rows if _shows(row, shown)]
    asked = request.args.get("page", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    number = min(max(number, 1), pages)
    part = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    names = _names(made)
    page.columns = [Column(name, label) for name, label in names]
    page.rows = [_row(view, made, row, names, state, pack) for row in part]
    first = (number - 1) * PAGE_SIZE + 1 if part else 0
    page.pager = Pager(
        number,
        pages,
        first,
        first + len(part) - 1 if part else 0,
        len(rows),
        PAGE_SIZE,
        lambda n: view.get_url(".preview_view", token=token, show=shown or None, page=n),
    )
    page.notes = _notes(made)
    page.choices = _choices(view, made, state, pack)
    if failed:
        page.buttons.append(Button(_("Download failed rows"), view.get_url(".failed_view", token=token), "download"))
    page.buttons.append(Button(_("Another file"), view.get_url(".import_view")))
    if writable and (good or not failed):
        page.submit = (
            n_("Import {n} row", "Import {n} rows", writable)
            if not failed
            else _("Import {n} rows, skip {failed}", n=writable, failed=failed)
        )
    return page


def _sub(made: Plan, state: Mapping[str, Any]) -> Message:
    sheets = "、".join(part.sheet for part in made.parts)
    return _("{file} · sheet {sheets} · {n} rows of data", file=state["name"], sheets=sheets, n=len(made.rows))


def _notice(made: Plan, *, good: bool) -> Message:
    failed, writable = made.count(Outcome.FAILED), made.writable
    if failed and not good:
        return _(
            "Nothing is written yet. {failed} rows can't be imported: correct them, or choose “good rows only”.",
            failed=failed,
        )
    if not writable:
        return _("Nothing is written yet, and there is nothing to write: all rows are as they are stored.")
    return _("Nothing is written yet. Confirming writes {n} rows in one go.", n=writable)


def _shows(row: PlanRow, shown: str) -> bool:
    return not shown or _kind(row) == shown


def _kind(row: PlanRow) -> str:
    """Under which chip a row stands: one that succeeds another is new too, but counted for itself."""
    return "succeeding" if row.succeeds and not row.failed else row.outcome.value


def _chips(view: Any, made: Plan, token: str) -> list[Chip]:
    shown = request.args.get("show", "")
    counts = Counter(_kind(row) for row in made.rows)
    always = (Outcome.NEW, Outcome.FAILED)
    found: list[tuple[str, Any, int]] = [("", _("All"), len(made.rows))]
    found += [(o.value, o.label, counts[o.value]) for o in Outcome if counts[o.value] or o in always]
    if counts["succeeding"]:
        found.insert(2, ("succeeding", _("Succeeding"), counts["succeeding"]))
    return [
        Chip(label, view.get_url(".preview_view", token=token, show=name or None), count, active=name == shown)
        for name, label, count in found
    ]


def _names(made: Plan) -> list[tuple[str, str]]:
    """The columns that the preview shows: those that the file gives, in its order."""
    found: dict[str, str] = {}
    for part in made.parts:
        for index, name in sorted(part.columns.items()):
            found.setdefault(name, part.labels[index])
    return list(found.items())


def _row(  # noqa: PLR0917 - all of it is the page's state
    view: Any, made: Plan, row: PlanRow, names: list[tuple[str, str]], state: dict[str, Any], pack: Pack
) -> PreviewRow:
    part = made.part_of(row)
    outcome = Cell(str(row.outcome.label), tone=row.outcome.tone)
    if row.succeeds and not row.failed:
        outcome = Cell(str(_("Succeeding")), tone="warn")
    shown = PreviewRow(row.number, outcome, row.sheet if len(made.parts) > 1 else "")
    changed = {getattr(f, "name", ""): (before, after) for f, before, after in row.changes}
    for name, _label in names:
        index = part.index_of(name)
        bad = index is not None and any(error.index == index for error in row.errors)
        if name in changed:
            shown.cells.append(PreviewCell(changed[name][1], before=changed[name][0], changed=True))
        else:
            shown.cells.append(PreviewCell(_text(made, row, name, index), bad=bad))
    shown.notes = [str(note) for note in row.notes]
    for error in row.errors:
        link = None
        if error.suggestion and error.index is not None:
            name = part.columns[error.index]
            replace = {k: dict(v) for k, v in (state.get("replace") or {}).items()}
            replace.setdefault(name, {})[error.value] = error.suggestion
            link = Button(
                _("Use {value}", value=error.suggestion),
                view.get_url(".preview_view", token=pack({**state, "replace": replace})),
            )
        shown.errors.append((words(error), link))
    return shown


def _text(made: Plan, row: PlanRow, name: str, index: int | None) -> str:
    """A cell in words: as it will be stored where it could be read, as it stands otherwise."""
    if index is None:
        return ""
    raw = tidy(row.cells[index])
    declared = field_named(made.model, name)
    if declared is None or name == ID:
        return raw
    hidden = current_panel().policy.sees_masked(current_actor(), made.model)
    value = row.values.get(declared.attr)
    if is_masked(declared, hidden=hidden):
        return declared.kind.mask(value) if value is not None else raw and "***"
    if value is None or declared.reference:
        return raw
    return declared.kind.format(value)


def _notes(made: Plan) -> list[Message]:
    notes: list[Message] = []
    if made.ignored_columns:
        notes.append(_("Columns not imported: {names}", names="、".join(made.ignored_columns)))
    if made.skipped_sheets:
        notes.append(_("Sheets not read: {names}", names="、".join(made.skipped_sheets)))
    for table, names in made.creating.items():
        label = model_of(table).__label__
        notes.append(_("Will be added as {label}: {names}", label=label, names="、".join(names)))
    return [*notes, *made.warnings[:20]]


def _choices(view: Any, made: Plan, state: dict[str, Any], pack: Pack) -> list[Choice]:
    """What can still be chosen, each as a link to the preview with it."""

    def link(**changed: Any) -> str:
        return str(view.get_url(".preview_view", token=pack({**state, **changed})))

    good, skip = bool(state.get("good")), bool(state.get("skip"))
    found = [
        Choice(
            _("If rows fail"),
            [
                Chip(_("write nothing"), link(good=False), active=not good),
                Chip(_("write the good rows"), link(good=True), active=good),
            ],
        ),
        Choice(
            _("Records that exist"),
            [
                Chip(_("update"), link(skip=False), active=not skip),
                Chip(_("leave as they are"), link(skip=True), active=skip),
            ],
        ),
    ]
    if made.creatable or state.get("create"):
        names = "、".join(
            f"{model_of(table).__label__} {'、'.join(names)}"
            for table, names in (made.creatable or made.creating).items()
        )
        found.append(
            Choice(
                _("Not there yet: {names}", names=names),
                [
                    Chip(_("add them"), link(create=True), active=bool(state.get("create"))),
                    Chip(_("don't add"), link(create=False), active=not state.get("create")),
                ],
            )
        )
    return found
