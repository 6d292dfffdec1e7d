"""What the page of a ledger shows: its totals, its first rows, the corrections, and what may be done with it."""

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
from bureau.ledger.web.files import LedgerRequest
from models import Basis, Case, Ledger, LedgerDraft
from panel.i18n import Message, _, n_
from panel.kinds import now, today
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Column, Input, Page, Related, Row, Words

#: Rows of the preview; the file has them all.
SHOWN = 50


@dataclass(slots=True)
class LedgerPage(Page):
    """`inputs` choose the ledger; `columns` and `rows` are what the file will hold, the first rows of it."""

    inputs: list[Input] = field(default_factory=list)
    totals: list[tuple[str, int]] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    count: int = 0
    note: Words = ""
    corrections: Related | None = None
    drafts: Related | None = None
    kept: Related | None = None
    empty: Words = ""


def may(action: Permission) -> bool:
    return current_panel().policy.may(current_actor(), action, Ledger)


def address(wanted: LedgerRequest) -> dict[str, Any]:
    found: dict[str, Any] = {"month": str(wanted.month), "by": wanted.basis.value}
    return found if wanted.squad is None else {**found, "squad": wanted.squad}


def inputs(wanted: LedgerRequest, squads: list[tuple[int | None, str]]) -> list[Input]:
    months = [(str(m), m.words) for m in _months(wanted.month)]
    names = [("" if id_ is None else str(id_), name or str(_("Whole bureau"))) for id_, name in squads]
    return [
        Input("month", _("Month"), "select", str(wanted.month), choices=months),
        Input("by", _("Basis"), "select", wanted.basis.value, choices=[(one.value, str(one.label)) for one in Basis]),
        Input("squad", _("Squad"), "select", str(wanted.squad or ""), choices=names),
    ]


def _months(asked: Month) -> list[Month]:
    """From this month back to that of the first acceptance, and the one that was asked for."""
    first = current_panel().session.execute(select(func.min(Case.accepted_at))).scalar()
    this = Month.of(today())
    start = min(this.plus(-1), Month.of(local(first)) if first else this)
    count = (this.year - start.year) * 12 + this.number - start.number
    return sorted({asked, *(this.plus(-i) for i in range(count + 1))}, reverse=True)


def fill(shown: LedgerPage, wanted: LedgerRequest) -> None:
    """The cells of the file, the first rows of them; and what may be done."""
    session = current_panel().session
    frozen = submission.find(session, wanted.month, wanted.basis, wanted.squad)
    may_wait = frozen is None and wanted.squad is None and may_check()
    waits = drafts.find(session, wanted.month, wanted.basis) if may_wait else None
    corrections: list[Correction]
    if frozen is not None:
        figures = LedgerCounts.of(frozen.figures)
        lines = submission.lines(session, frozen, SHOWN)
        corrections = submission.kept_corrections(session, frozen)
        shown.note = _(
            "Handed up by {name} on {at}. This is the ledger as it was then.",
            name=frozen.actor_name,
            at=ledger.shown(local(frozen.closed_at)),
        )
    else:
        corrections = submission.corrections(session, wanted.month, wanted.basis, wanted.squad)
        tally, digest = Totals(), drafts.Digest(corrections)
        lines = []
        for row in ledger.rows(session, wanted.month, wanted.basis, wanted.squad):
            tally.add(row)
            digest.add(row)
            if len(lines) < SHOWN:
                lines.append((row.case_id, [ledger.shown(value) for value in row.cells()]))
        figures = tally.figures
        if now() < wanted.month.end:
            shown.note = _("The month isn't over yet. This is how it stands now.")
        elif waits is not None:
            shown.note = _drawn_up(waits, changed=waits.digest != str(digest))
    shown.count = figures.rows
    shown.totals = figures.printed()
    shown.columns = [Column(str(i), label) for i, label in enumerate(COLUMNS)]
    shown.rows = [
        Row(id_, url_for("case.details_view", id=id_), [Cell(text) for text in cells]) for id_, cells in lines
    ]
    shown.empty = _("No cases in this ledger.")
    if corrections:
        shown.corrections = _corrections(corrections)
    shown.sub = _sub(wanted, shown)
    shown.buttons = _buttons(wanted, frozen, waits)


def _sub(wanted: LedgerRequest, shown: LedgerPage) -> Message:
    words = n_("{n} case", "{n} cases", shown.count)
    return Message(
        "{unit}{month} · {basis} · {words}",
        unit=f"{wanted.squad_name} " if wanted.squad_name else "",
        month=wanted.month.words,
        basis=wanted.basis.label,
        words=words,
    )


def _drawn_up(waits: LedgerDraft, *, changed: bool) -> Message:
    at = ledger.shown(local(waits.made_at))
    if changed:
        return _(
            "Drawn up on {at}. Something in its cases was changed since: draw it up anew before you check it.", at=at
        )
    return _("Drawn up on {at}, waits to be checked and handed up.", at=at)


def _buttons(wanted: LedgerRequest, frozen: Ledger | None, waits: LedgerDraft | None) -> list[Button]:
    found = []
    if waits is not None and may(Permission.CREATE):
        values = {name: str(value) for name, value in address(wanted).items()}
        found.append(Button(_("Draw up anew"), url_for("ledgers_draw_up"), "refresh", post=True, values=values))
    if may(Permission.CREATE) and frozen is None and now() >= wanted.month.end:
        found.append(
            Button(
                _("Hand up"),
                url_for("ledgers_hand_up"),
                "lock",
                post=True,
                confirm=_(
                    "Hand up the ledger of {month}? It stays as it is now, for good. What changes later is told in the "
                    "next one.",
                    month=wanted.month.words,
                ),
                values={name: str(value) for name, value in address(wanted).items()},
            )
        )
    if may(Permission.EXPORT):
        found.append(Button(_("Download"), url_for("ledgers_file", **address(wanted)), "download", primary=True))
    return found


def _corrections(corrections: list[Correction]) -> Related:
    rows = [
        Row(
            one.case_id,
            url_for("case.details_view", id=one.case_id),
            [Cell(one.case_no), Cell(one.month), Cell(one.column), Cell(one.before), Cell(one.after)],
        )
        for one in islice(corrections, SHOWN)
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
