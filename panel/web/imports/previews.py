"""The preview page of an import: the outcome of each row, and the choices that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from panel import ids
from panel.i18n import Message, _, bracketed, clauses, listed, n_
from panel.imports.plans import Outcome, Plan
from panel.imports.stored_plan import DOUBTFUL, REPEATING, SUCCEEDING, StoredPlan, StoredRow
from panel.security.policy import model_of
from panel.web.imports import additions, answers, corrections, left_out
from panel.web.imports.answers import Link
from panel.web.imports.preview_state import answers_of
from panel.web.pages import Button, Cell, Chip, Choice, Column, Pager, PreviewCell, PreviewPage, PreviewRow

PAGE_SIZE = 50

#: Kinds of rows that aren't outcomes.
KINDS = {DOUBTFUL: _("To confirm"), SUCCEEDING: _("Succeeding"), REPEATING: _("Possible repeat")}

Pack = Callable[[Mapping[str, Any]], str]


def outcome_counts(plan: Plan | StoredPlan) -> dict[str, int]:
    """The number of rows by outcome; skipped rows count as unchanged."""
    return {
        "new": plan.count(Outcome.NEW),
        "changed": plan.count(Outcome.CHANGED),
        "unchanged": plan.count(Outcome.UNCHANGED) + plan.count(Outcome.SKIPPED),
        "failed": plan.count(Outcome.FAILED),
    }


def import_result(plan: Plan) -> Message:
    """What an import has written."""
    counts = outcome_counts(plan)
    if counts["failed"]:
        return _(
            "Imported: {new} new, {changed} changed. {failed} failed, see their file.",
            new=counts["new"],
            changed=counts["changed"],
            failed=counts["failed"],
        )
    return _("Imported: {new} new, {changed} changed.", new=counts["new"], changed=counts["changed"])


@dataclass(frozen=True, slots=True)
class PreviewFilter:
    """The rows that the page shows: those of a kind ("" for all), and the page of them. Links of the page keep it."""

    kind: str
    page: int
    pages: int
    count: int

    def keep(self) -> dict[str, Any]:
        return {"show": self.kind or None, "page": self.page if self.page > 1 else None}


def _shown(plan: StoredPlan) -> PreviewFilter:
    kind = request.args.get("show", "")
    count = plan.counts.get(kind, 0) if kind else plan.size
    pages = max(1, -(-count // PAGE_SIZE))
    return PreviewFilter(kind, min(max(ids.number(request.args.get("page"), 1), 1), pages), pages, count)


def build(view: Any, plan: StoredPlan, state: dict[str, Any], pack: Pack) -> PreviewPage:
    """The page for a stored plan, of which only the shown rows are read. `pack` makes the token of a state."""
    shown = _shown(plan)

    def link(changed: Mapping[str, Any]) -> str:
        """The address of the preview with a changed state, showing the same rows."""
        return str(view.get_url(".preview_view", token=pack({**state, **changed}), **shown.keep()))

    numbers = outcome_counts(plan)
    failed, writable = numbers["failed"], plan.writable
    good = bool(state.get("good", True))
    token = pack(state)
    page = PreviewPage(
        title=_("Import {label} · preview", label=plan.model.__labels__),
        sub=_sub(plan, state),
        token=token,
        digest=plan.digest,
        apply_url=view.get_url(".apply_view"),
        notice=_notice(plan, good=good),
        chips=_chips(view, plan, token, shown.kind),
    )
    first = (shown.page - 1) * PAGE_SIZE
    rows = plan.rows(shown.kind, first, PAGE_SIZE)
    page.columns = [Column(name, label) for name, label in plan.names]
    page.rows = [_row(view, plan, row, state, link) for row in rows]
    page.pager = Pager(
        shown.page,
        shown.pages,
        first + 1 if rows else 0,
        first + len(rows),
        shown.count,
        PAGE_SIZE,
        lambda n: view.get_url(".preview_view", token=token, show=shown.kind or None, page=n),
    )
    page.notes = _notes(plan)
    page.choices = _choices(plan, state, link)
    page.left_out = left_out.build(plan.left_out, state, lambda taken: link({"taken": sorted(taken)}))
    if failed:
        page.buttons.append(Button(_("Download failed rows"), view.get_url(".failed_view", token=token), "download"))
    page.buttons.append(Button(_("Match columns"), view.get_url(".columns_view", token=token)))
    page.buttons.append(Button(_("Another file"), view.get_url(".import_view")))
    page.correct_url = view.get_url(".correct_view", **shown.keep())
    answers.add(page, view, plan, state, link)
    additions.add(page, plan, state, link)
    page.blocked = _blocked(view, plan, token, good=good)
    if page.blocked is None:
        page.submit = (
            n_("Import {n} row", "Import {n} rows", writable)
            if not failed
            else _("Import {n} rows, skip {failed}", n=writable, failed=failed)
        )
    return page


def _blocked(view: Any, plan: StoredPlan, token: str, *, good: bool) -> Chip | None:
    """What has to be done before the plan can be written, with a link to it; None if it can be written."""
    failed = plan.count(Outcome.FAILED)
    if count := len(plan.questions):
        return Chip(n_("Answer {n} question first", "Answer {n} questions first", count), "#questions")
    if failed and (not good or not plan.writable):
        url = view.get_url(".preview_view", token=token, show=Outcome.FAILED.value)
        return Chip(n_("Correct {n} row first", "Correct {n} rows first", failed), url)
    return None if plan.writable else Chip(_("Nothing to import"), "")


def _sub(plan: StoredPlan, state: Mapping[str, Any]) -> Message:
    sheets = listed(plan.labels)
    read = left_out.counts(plan.size, left_out.summary(plan.left_out))
    return _("{file} · sheet {sheets} · {read}", file=state["name"], sheets=sheets, read=read)


def _notice(plan: StoredPlan, *, good: bool) -> Message:
    failed, writable = plan.count(Outcome.FAILED), plan.writable
    if count := len(plan.questions):
        return n_(
            "Nothing is written yet. {n} question is open.", "Nothing is written yet. {n} questions are open.", count
        )
    if failed and (not good or not writable):
        return _(
            "Nothing is written yet. {failed} rows can't be imported: correct them, or choose “good rows only”.",
            failed=failed,
        )
    if not writable:
        return _("Nothing is written yet, and there is nothing to write: all rows are as they are stored.")
    return _("Nothing is written yet. Confirming writes {n} rows in one go.", n=writable)


def _chips(view: Any, plan: StoredPlan, token: str, shown: str) -> list[Chip]:
    always = (Outcome.NEW, Outcome.FAILED)
    counts = plan.counts
    filters: list[tuple[str, Any, int]] = [("", _("All"), plan.size)]
    filters += [(o.value, o.label, counts.get(o.value, 0)) for o in Outcome if counts.get(o.value) or o in always]
    filters[2:2] = [(kind, label, counts[kind]) for kind, label in KINDS.items() if kind in counts]
    return [
        Chip(label, view.get_url(".preview_view", token=token, show=name or None), count, active=name == shown)
        for name, label, count in filters
    ]


def _row(view: Any, plan: StoredPlan, row: StoredRow, state: Mapping[str, Any], link: Link) -> PreviewRow:
    outcome = Cell(str(row.outcome.label), tone=row.outcome.tone)
    if label := KINDS.get(row.kind):
        outcome = Cell(str(label), tone="warn")
    shown = PreviewRow(row.number, outcome, row.sheet if len(plan.labels) > 1 else "", notes=row.notes)
    shown.cells = [PreviewCell(c.text, before=c.before, changed=c.changed, bad=c.bad) for c in row.cells]
    for error in row.errors:
        button = None
        if error.suggestion:
            replace = answers_of(state, "replace")
            replace.setdefault(error.name, {})[error.value] = error.suggestion
            button = Button(_("Use {value}", value=error.suggestion), link({"replace": replace}))
        shown.errors.append((error.words, button))
        input_ = corrections.control(view, row, error, state.get("cells") or {})
        if input_ is not None and input_.name not in {other.name for other in shown.inputs}:
            shown.inputs.append(input_)
    return shown


def _notes(plan: StoredPlan) -> list[Message | str]:
    notes: list[Message | str] = []
    if plan.ignored_columns:
        notes.append(_("Columns not imported: {names}", names=listed(plan.ignored_columns)))
    if plan.skipped_sheets:
        notes.append(_("Sheets not read: {names}", names=listed(plan.skipped_sheets)))
    for table, names in plan.creating.items():
        label = model_of(table).__label__
        notes.append(_("Will be added as {label}: {names}", label=label, names=listed(names)))
    return [*notes, *plan.warnings[:20]]


def _choices(plan: StoredPlan, state: Mapping[str, Any], link: Link) -> list[Choice]:
    """The choices of the import, with links that change them."""
    good, skip = bool(state.get("good", True)), bool(state.get("skip"))
    choices = [
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
    choices.append(
        Choice(
            _("Empty cells"),
            [
                Chip(_("leave what is stored"), link({"clear": False}), active=not clear),
                Chip(_("clear it"), link({"clear": True}), active=clear),
            ],
        )
    )
    if plan.creatable or state.get("create"):
        names = clauses(
            bracketed(model_of(table).__label__, listed(names))
            for table, names in (plan.creatable or plan.creating).items()
        )
        choices.append(
            Choice(
                _("Not there yet: {names}", names=names),
                [
                    Chip(_("add them"), link({"create": True}), active=bool(state.get("create"))),
                    Chip(_("don't add"), link({"create": False}), active=not state.get("create")),
                ],
            )
        )
    return choices
