"""Tables of the drafts and of the ledgers handed up."""

from __future__ import annotations

from typing import Any

from flask import url_for

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.ledger import drafts, submission
from bureau.ledger import rows as ledger
from bureau.ledger.totals import LedgerCounts
from bureau.ledger.web.files import LedgerRequest
from bureau.ledger.web.ledger_page import address, exportable, may_check
from models import Ledger
from panel.i18n import _
from panel.web.context import current_panel
from panel.web.pages import Cell, Column, Related, Row


def draft_table() -> Related | None:
    """The drafts with links to their ledgers' pages; None without drafts or the right to read them."""
    stored = drafts.all_drafts(current_panel().session) if may_check() else []
    if not stored:
        return None
    may_export = None in exportable()
    rows = [
        Row(
            draft.id,
            url_for("ledgers", month=draft.month, by=draft.basis.value),
            [
                Cell(str(_("Ledger of {month}", month=Month.parse(draft.month).label))),
                Cell(str(draft.basis.label)),
                Cell(str(draft.rows)),
                Cell(ledger.shown(local(draft.made_at))),
                Cell(str(_("To be checked")), tone="warn"),
                Cell(str(_("Download")), url=url_for("ledgers_draft", id_=draft.id)) if may_export else Cell(),
            ],
        )
        for draft in stored
    ]
    labels = (_("Monthly ledger"), _("Basis"), _("Cases"), _("Drawn up at"), _("State"), _("File"))
    return Related(
        label=_("Ledgers to check"),
        count=len(rows),
        url=url_for("ledgers"),
        columns=[Column(str(i), label, number=i == 2) for i, label in enumerate(labels)],
        rows=rows,
    )


def submitted_table() -> Related | None:
    ledgers = submission.submitted_ledgers(current_panel().session)
    if not ledgers:
        return None
    squads = exportable()

    def address_of(submitted: Ledger) -> str:
        if submitted.squad_id in squads:
            return url_for("ledgers_kept", id_=submitted.id)
        return url_for("ledgers", **_address_of(submitted))

    rows = [
        Row(
            submitted.id,
            address_of(submitted),
            [
                Cell(submitted.file_name.removesuffix(".xlsx")),
                Cell(str(submitted.basis.label)),
                Cell(submitted.squad.name if submitted.squad else str(_("Whole bureau"))),
                Cell(str(LedgerCounts.of(submitted.figures).rows)),
                Cell(ledger.shown(local(submitted.closed_at))),
                Cell(submitted.actor_name),
            ],
        )
        for submitted in ledgers
    ]
    labels = (_("File"), _("Basis"), _("Squad"), _("Cases"), _("Handed up at"), _("Handed up by"))
    return Related(
        label=_("Handed up"),
        count=len(rows),
        url="",
        columns=[Column(str(i), label, number=i == 3) for i, label in enumerate(labels)],
        rows=rows,
    )


def _address_of(submitted: Ledger) -> dict[str, Any]:
    return address(LedgerRequest(Month.parse(submitted.month), submitted.basis, submitted.squad_id))
