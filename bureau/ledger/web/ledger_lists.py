"""The ledgers that wait to be checked and those that were handed up, as tables."""

from __future__ import annotations

from typing import Any

from flask import url_for

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.ledger import drafts, submission
from bureau.ledger import rows as ledger
from bureau.ledger.totals import LedgerCounts
from bureau.ledger.web.files import LedgerRequest
from bureau.ledger.web.ledger_page import address, may, may_check
from models import Ledger
from panel.i18n import _
from panel.security.policy import Permission
from panel.web.context import current_panel
from panel.web.pages import Cell, Column, Related, Row


def waiting() -> Related | None:
    """The ledgers that wait to be checked, each leading to its page."""
    found = drafts.waiting(current_panel().session) if may_check() else []
    if not found:
        return None
    may_export = may(Permission.EXPORT)
    rows = [
        Row(
            one.id,
            url_for("ledgers", month=one.month, by=one.basis.value),
            [
                Cell(str(_("Ledger of {month}", month=Month.parse(one.month).words))),
                Cell(str(one.basis.label)),
                Cell(str(one.rows)),
                Cell(ledger.shown(local(one.made_at))),
                Cell(str(_("To be checked")), tone="warn"),
                Cell(str(_("Download")), url=url_for("ledgers_draft", id_=one.id)) if may_export else Cell(),
            ],
        )
        for one in found
    ]
    labels = (_("Monthly ledger"), _("Basis"), _("Cases"), _("Drawn up at"), _("State"), _("File"))
    return Related(
        label=_("Ledgers to check"),
        count=len(rows),
        url=url_for("ledgers"),
        columns=[Column(str(i), label, number=i == 2) for i, label in enumerate(labels)],
        rows=rows,
    )


def handed_up() -> Related | None:
    found = submission.handed_up(current_panel().session)
    if not found:
        return None
    may_export = may(Permission.EXPORT)
    rows = [
        Row(
            one.id,
            url_for("ledgers_kept", id_=one.id) if may_export else url_for("ledgers", **_of(one)),
            [
                Cell(one.file_name.removesuffix(".xlsx")),
                Cell(str(one.basis.label)),
                Cell(one.squad.name if one.squad else str(_("Whole bureau"))),
                Cell(str(LedgerCounts.of(one.figures).rows)),
                Cell(ledger.shown(local(one.closed_at))),
                Cell(one.actor_name),
            ],
        )
        for one in found
    ]
    labels = (_("File"), _("Basis"), _("Squad"), _("Cases"), _("Handed up at"), _("Handed up by"))
    return Related(
        label=_("Handed up"),
        count=len(rows),
        url="",
        columns=[Column(str(i), label, number=i == 3) for i, label in enumerate(labels)],
        rows=rows,
    )


def _of(kept: Ledger) -> dict[str, Any]:
    return address(LedgerRequest(Month.parse(kept.month), kept.basis, kept.squad_id))
