"""The preview of an import: what would become of each row, and what one can still choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from panel import ids
from panel.i18n import Message, _, n_
from panel.imports.plans import Outcome, Plan
from panel.imports.preview_store import SUCCEEDING, StoredPlan, StoredRow
from panel.security.policy import model_of
from panel.web.pages import Button, Cell, Chip, Choice, Column, Pager, PreviewCell, PreviewPage, PreviewRow

PAGE_SIZE = 50

Pack = Callable[[Mapping[str, Any]], str]
Link = Callable[[Mapping[str, Any]], str]


def counted(made: Plan | StoredPlan) -> dict[str, int]:
    return {
        "new": made.count(Outcome.NEW),
        "changed": made.count(Outcome.CHANGED),
        "unchanged": made.count(Outcome.UNCHANGED) + made.count(Outcome.SKIPPED),
        "failed": made.count(Outcome.FAILED),
    }


@dataclass(frozen=True, slots=True)
class PreviewFilter:
    """Which rows the page shows: those of a kind ("" is all), which page of them. Links to other choices keep it."""

    kind: str
    page: int
    pages: int
    count: int

    def keep(self) -> dict[str, Any]:
        return {"show": self.kind or None, "page": self.page if self.page > 1 else None}


def _shown(made: StoredPlan) -> PreviewFilter:
    kind = request.args.get("show", "")
    count = made.counts.get(kind, 0) if kind else made.size
    pages = max(1, -(-count // PAGE_SIZE))
    return PreviewFilter(kind, min(max(ids.number(request.args.get("page"), 1), 1), pages), pages, count)


def build(view: Any, made: StoredPlan, state: dict[str, Any], pack: Pack) -> PreviewPage:
    """The page for a plan; `state` is what the address carries, `pack` signs it. Reads the rows of the page alone."""
    shown = _shown(made)

    def link(changed: Mapping[str, Any]) -> str:
        """The preview with something else chosen, at the same rows."""
        return str(view.get_url(".preview_view", token=pack({**state, **changed}), **shown.keep()))

    numbers = counted(made)
    failed, writable = numbers["failed"], made.writable
    good = bool(state.get("good"))
    token = pack(state)
    page = PreviewPage(
        title=_("Import {label} · preview", label=made.model.__labels__),
        sub=_sub(made, state),
        token=token,
        digest=made.digest,
        apply_url=view.get_url(".apply_view"),
        notice=_notice(made, good=good),
        chips=_chips(view, made, token, shown.kind),
    )
    first = (shown.page - 1) * PAGE_SIZE
    part = made.rows(shown.kind, first, PAGE_SIZE)
    page.columns = [Column(name, label) for name, label in made.names]
    page.rows = [_row(made, row, state, link) for row in part]
    page.pager = Pager(
        shown.page,
        shown.pages,
        first + 1 if part else 0,
        first + len(part),
        shown.count,
        PAGE_SIZE,
        lambda n: view.get_url(".preview_view", token=token, show=shown.kind or None, page=n),
    )
    page.notes = _notes(made)
    page.choices = _choices(made, state, link)
    if failed:
        page.buttons.append(Button(_("Download failed rows"), view.get_url(".failed_view", token=token), "download"))
    page.buttons.append(Button(_("Match columns"), view.get_url(".columns_view", token=token)))
    page.buttons.append(Button(_("Another file"), view.get_url(".import_view")))
    if writable and (good or not failed):
        page.submit = (
            n_("Import {n} row", "Import {n} rows", writable)
            if not failed
            else _("Import {n} rows, skip {failed}", n=writable, failed=failed)
        )
    return page


def _sub(made: StoredPlan, state: Mapping[str, Any]) -> Message:
    sheets = "、".join(made.labels)
    return _("{file} · sheet {sheets} · {n} rows of data", file=state["name"], sheets=sheets, n=made.size)


def _notice(made: StoredPlan, *, good: bool) -> Message:
    failed, writable = made.count(Outcome.FAILED), made.writable
    if failed and not good:
        return _(
            "Nothing is written yet. {failed} rows can't be imported: correct them, or choose “good rows only”.",
            failed=failed,
        )
    if not writable:
        return _("Nothing is written yet, and there is nothing to write: all rows are as they are stored.")
    return _("Nothing is written yet. Confirming writes {n} rows in one go.", n=writable)


def _chips(view: Any, made: StoredPlan, token: str, shown: str) -> list[Chip]:
    always = (Outcome.NEW, Outcome.FAILED)
    counts = made.counts
    found: list[tuple[str, Any, int]] = [("", _("All"), made.size)]
    found += [(o.value, o.label, counts.get(o.value, 0)) for o in Outcome if counts.get(o.value) or o in always]
    if SUCCEEDING in counts:
        found.insert(2, (SUCCEEDING, _("Succeeding"), counts[SUCCEEDING]))
    return [
        Chip(label, view.get_url(".preview_view", token=token, show=name or None), count, active=name == shown)
        for name, label, count in found
    ]


def _row(made: StoredPlan, row: StoredRow, state: Mapping[str, Any], link: Link) -> PreviewRow:
    outcome = Cell(str(row.outcome.label), tone=row.outcome.tone)
    if row.succeeds and row.outcome is not Outcome.FAILED:
        outcome = Cell(str(_("Succeeding")), tone="warn")
    shown = PreviewRow(row.number, outcome, row.sheet if len(made.labels) > 1 else "", notes=row.notes)
    shown.cells = [PreviewCell(c.text, before=c.before, changed=c.changed, bad=c.bad) for c in row.cells]
    for error in row.errors:
        button = None
        if error.suggestion:
            replace = {k: dict(v) for k, v in (state.get("replace") or {}).items()}
            replace.setdefault(error.name, {})[error.value] = error.suggestion
            button = Button(_("Use {value}", value=error.suggestion), link({"replace": replace}))
        shown.errors.append((error.words, button))
    return shown


def _notes(made: StoredPlan) -> list[Message | str]:
    notes: list[Message | str] = []
    if made.ignored_columns:
        notes.append(_("Columns not imported: {names}", names="、".join(made.ignored_columns)))
    if made.skipped_sheets:
        notes.append(_("Sheets not read: {names}", names="、".join(made.skipped_sheets)))
    for table, names in made.creating.items():
        label = model_of(table).__label__
        notes.append(_("Will be added as {label}: {names}", label=label, names="、".join(names)))
    return [*notes, *made.warnings[:20]]


def _choices(made: StoredPlan, state: Mapping[str, Any], link: Link) -> list[Choice]:
    """What can still be chosen, each as a link to the preview with it."""
    good, skip = bool(state.get("good")), bool(state.get("skip"))
    found = [
        Choice(
            _("If rows fail"),
            [
                Chip(_("write nothing"), link({"good": False}), active=not good),
                Chip(_("write the good rows"), link({"good": True}), active=good),
            ],
        ),
        Choice(
            _("Records that exist"),
            [
                Chip(_("update"), link({"skip": False}), active=not skip),
                Chip(_("leave as they are"), link({"skip": True}), active=skip),
            ],
        ),
    ]
    clear = bool(state.get("clear"))
    found.append(
        Choice(
            _("Empty cells"),
            [
                Chip(_("leave what is stored"), link({"clear": False}), active=not clear),
                Chip(_("clear it"), link({"clear": True}), active=clear),
            ],
        )
    )
    if made.creatable or state.get("create"):
        names = "、".join(
            f"{model_of(table).__label__} {'、'.join(names)}"
            for table, names in (made.creatable or made.creating).items()
        )
        found.append(
            Choice(
                _("Not there yet: {names}", names=names),
                [
                    Chip(_("add them"), link({"create": True}), active=bool(state.get("create"))),
                    Chip(_("don't add"), link({"create": False}), active=not state.get("create")),
                ],
            )
        )
    return found
