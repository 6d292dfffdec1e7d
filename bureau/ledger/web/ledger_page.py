"""The content of a ledger's page: totals, first rows, corrections, buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from flask import url_for
from sqlalchemy import func, select

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.ledger import drafts, submission
from bureau.ledger import rows as ledger
from bureau.ledger.rows import COLUMNS, CORRECTED
from bureau.ledger.submission import Correction
from bureau.ledger.totals import LedgerCounts, Totals
from bureau.ledger.web import files
from bureau.ledger.web.files import LedgerRequest
from models import Basis, Case, Ledger, LedgerDraft
from panel.i18n import Message, _, n_
from panel.kinds import now, today
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Column, ConfirmPage, Input, Page, Related, Row, Words

#: Rows of the preview; the file has them all.
SHOWN = 50


@dataclass(slots=True)
class LedgerPage(Page):
    """`inputs` choose the ledger; `columns` and `rows` are a preview of its workbook."""

    inputs: list[Input] = field(default_factory=list)
    totals: list[tuple[str, int]] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    count: int = 0
    note: Words = ""
    corrections: Related | None = None
    drafts: Related | None = None
    submitted: Related | None = None
    empty: Words = ""


def may(action: Permission) -> bool:
    return current_panel().policy.may(current_actor(), action, Ledger)


def address(params: LedgerRequest) -> dict[str, Any]:
    values: dict[str, Any] = {"month": str(params.month), "by": params.basis.value}
    return values if params.squad is None else {**values, "squad": params.squad}


def inputs(params: LedgerRequest, squads: list[tuple[int | None, str]]) -> list[Input]:
    months = [(str(m), m.label) for m in _months(params.month)]
    names = [("" if id_ is None else str(id_), name or str(_("Whole bureau"))) for id_, name in squads]
    return [
        Input("month", _("Month"), "select", str(params.month), choices=months),
        Input(
            "by", _("Basis"), "select", params.basis.value, choices=[(basis.value, str(basis.label)) for basis in Basis]
        ),
        Input("squad", _("Squad"), "select", str(params.squad or ""), choices=names),
    ]


def _months(selected: Month) -> list[Month]:
    """The months from this one back to the first acceptance, and the selected one; newest first."""
    first = current_panel().session.execute(select(func.min(Case.accepted_at))).scalar()
    this_month = Month.of(today())
    start = min(this_month.plus(-1), Month.of(local(first)) if first else this_month)
    count = (this_month.year - start.year) * 12 + this_month.number - start.number
    return sorted({selected, *(this_month.plus(-i) for i in range(count + 1))}, reverse=True)


def fill(page: LedgerPage, params: LedgerRequest) -> None:
    """Fill the page: the ledger as it was handed up, else as it is now."""
    session = current_panel().session
    submitted = submission.find(session, params.month, params.basis, params.squad)
    may_wait = submitted is None and params.squad is None and may_check()
    draft = drafts.find(session, params.month, params.basis) if may_wait else None
    corrections: list[Correction]
    if submitted is not None:
        figures = LedgerCounts.of(submitted.figures)
        lines = submission.lines(session, submitted, SHOWN)
        corrections = submission.stored_corrections(session, submitted)
        page.note = _(
            "Handed up by {name} on {at}. This is the ledger as it was then.",
            name=submitted.actor_name,
            at=ledger.shown(local(submitted.closed_at)),
        )
    else:
        corrections = submission.corrections(session, params.month, params.basis, params.squad)
        totals, digest = Totals(), drafts.Digest(corrections)
        lines = []
        for row in ledger.rows(session, params.month, params.basis, params.squad):
            totals.add(row)
            digest.add(row)
            if len(lines) < SHOWN:
                lines.append((row.case_id, [ledger.shown(value) for value in row.cells()]))
        figures = totals.figures
        if now() < params.month.end:
            page.note = _("The month isn't over yet. This is how it stands now.")
        elif draft is not None:
            page.note = _draft_note(draft, changed=draft.digest != str(digest))
    page.count = figures.rows
    page.totals = figures.printed()
    page.columns = [Column(str(i), label) for i, label in enumerate(COLUMNS)]
    page.rows = [Row(id_, url_for("case.details_view", id=id_), [Cell(text) for text in cells]) for id_, cells in lines]
    page.empty = _("No cases in this ledger.")
    if corrections:
        page.corrections = _corrections(corrections)
    page.sub = _sub(params, page)
    page.buttons = _buttons(params, submitted, draft)


def before_handing_up(params: LedgerRequest, counts: LedgerCounts, corrections: int) -> ConfirmPage:
    """The question before a ledger is handed up: which one, and what is in it. `counts` go along, so that it is asked
    again if the ledger has changed by then."""
    unit = params.squad_name or _("Whole bureau")
    late = counts.due - counts.due_on_time
    sentences = [
        _(
            "{n} cases: {closed} closed, {open} open. Of the {due} due in this month {late} are late.",
            n=counts.rows,
            closed=counts.closed,
            open=counts.open,
            due=counts.due,
            late=late,
        ),
        _("It stays as it is now, for good. What changes later is told in the next one."),
    ]
    if corrections:
        sentences.insert(1, _("Corrections of earlier ledgers in it: {n}.", n=corrections))
    if not counts.rows:
        sentences.insert(0, _("There is no case in this ledger. Is it the right month?"))
    values = {**address(params), "counted": counted(counts)}
    return ConfirmPage(
        title=_("Hand up the ledger of {month}?", month=params.month.label),
        sub=Message("{unit} · {basis}", unit=unit, basis=params.basis.label),
        sentences=[*sentences],
        action_url=url_for("ledgers_hand_up"),
        values=[(name, str(value)) for name, value in values.items()],
        submit=_("Hand up"),
        cancel_url=url_for("ledgers", **address(params)),
    )


def counted(counts: LedgerCounts) -> str:
    """What a ledger was confirmed with: its cases, those closed, due, and closed in time."""
    return f"{counts.rows}-{counts.closed}-{counts.due}-{counts.due_on_time}"


def _sub(params: LedgerRequest, page: LedgerPage) -> Message:
    words = n_("{n} case", "{n} cases", page.count)
    return Message(
        "{unit}{month} · {basis} · {words}",
        unit=f"{params.squad_name} " if params.squad_name else "",
        month=params.month.label,
        basis=params.basis.label,
        words=words,
    )


def _draft_note(draft: LedgerDraft, *, changed: bool) -> Message:
    at = ledger.shown(local(draft.made_at))
    if changed:
        return _(
            "Drawn up on {at}. Something in its cases was changed since: draw it up anew before you check it.", at=at
        )
    return _("Drawn up on {at}, waits to be checked and handed up.", at=at)


def exportable() -> set[int | None]:
    """The squads whose ledger the actor may export; None is the whole bureau."""
    if not may(Permission.EXPORT):
        return set()
    return {id_ for id_, _name in files.squads(current_panel().session, Permission.EXPORT)}


def _buttons(params: LedgerRequest, submitted: Ledger | None, draft: LedgerDraft | None) -> list[Button]:
    buttons = []
    if draft is not None and may(Permission.CREATE):
        values = {name: str(value) for name, value in address(params).items()}
        buttons.append(Button(_("Draw up anew"), url_for("ledgers_draw_up"), "refresh", post=True, values=values))
    if may(Permission.CREATE) and submitted is None and now() >= params.month.end:
        buttons.append(Button(_("Hand up"), url_for("ledgers_asked", **address(params)), "lock"))
    if params.squad in exportable():
        buttons.append(Button(_("Download"), url_for("ledgers_file", **address(params)), "download", primary=True))
    return buttons


def _corrections(corrections: list[Correction]) -> Related:
    rows = [
        Row(
            correction.case_id,
            url_for("case.details_view", id=correction.case_id),
            [
                Cell(correction.case_no),
                Cell(correction.month),
                Cell(correction.column),
                Cell(correction.before),
                Cell(correction.after),
            ],
        )
        for correction in islice(corrections, SHOWN)
    ]
    return Related(
        label=_("Corrections of earlier ledgers"),
        count=len(corrections),
        url="",
        columns=[Column(str(i), label) for i, label in enumerate(CORRECTED)],
        rows=rows,
    )


def may_check() -> bool:
    return current_panel().policy.may(current_actor(), Permission.READ, LedgerDraft)
