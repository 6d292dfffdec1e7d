"""Routes of the monthly ledger: page, downloads, drafts, handing up."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from bureau.calendar.month import Month
from bureau.ledger import drafts, submission
from bureau.ledger import rows as ledger_rows
from bureau.ledger.totals import LedgerCounts, Totals
from bureau.ledger.web import files
from bureau.ledger.web.files import LedgerRequest
from bureau.ledger.web.ledger_lists import draft_table, submitted_table
from bureau.ledger.web.ledger_page import LedgerPage, address, before_handing_up, counted, fill, inputs, may
from models import Basis, Ledger
from panel import ids
from panel.i18n import _
from panel.kinds import Choice, Invalid, tidy, today
from panel.security.granted import Grant
from panel.security.policy import Permission
from panel.web.context import current_panel
from panel.web.downloads import noting, send_download
from panel.web.features import Route


def may_open() -> bool:
    return may(Permission.READ)


def page() -> Any:
    _require(Permission.READ)
    session = current_panel().session
    squads = files.squads(session)
    ledger_page = LedgerPage(title=_("Monthly ledger"))
    if not squads:
        ledger_page.empty = _("Your account belongs to no squad, so there is no ledger to show.")
        return render_template("ledger/ledgers.html", page=ledger_page)
    params = _params()
    ledger_page.inputs = inputs(params, squads)
    fill(ledger_page, params)
    ledger_page.drafts = draft_table()
    ledger_page.submitted = submitted_table()
    return render_template("ledger/ledgers.html", page=ledger_page)


def download() -> Any:
    file = files.make(current_panel().session, _params())
    return _workbook(file.content, file.name, file.rows)


def submitted_file(id_: int) -> Any:
    """The stored workbook of a ledger handed up."""
    ledger = submission.file(current_panel().session, id_)
    if ledger is None:
        abort(404)
    return _workbook(ledger.file, ledger.file_name)


def draft_file(id_: int) -> Any:
    """The workbook of a draft."""
    ledger = drafts.file(current_panel().session, id_)
    if ledger is None:
        abort(404)
    return _workbook(ledger.file, ledger.file_name)


def draw_up() -> Any:
    """Replace the draft of the whole bureau's ledger."""
    session, params = current_panel().session, _params()
    try:
        ledger = files.draw_up(session, params.month, params.basis)
        session.commit()
    except Invalid as problem:
        session.rollback()
        flash(str(problem.message), "danger")
    else:
        if ledger is not None:
            flash(str(_("Drawn up anew: {n} cases.", n=ledger.rows)), "success")
    return redirect(url_for("ledgers", **address(LedgerRequest(params.month, params.basis))))


def ask() -> Any:
    """The question before a ledger is handed up."""
    session, params = current_panel().session, _params()
    month, basis, squad = params.month, params.basis, params.squad
    try:
        submission.check(session, month, basis, squad)
    except Invalid as problem:
        flash(str(problem.message), "danger")
        return redirect(url_for("ledgers", **address(params)))
    totals = Totals()
    for row in ledger_rows.rows(session, month, basis, squad):
        totals.add(row)
    corrections = len(submission.corrections(session, month, basis, squad))
    asked = before_handing_up(params, totals.figures, corrections)
    return render_template("panel/confirm.html", page=asked)


def hand_up() -> Any:
    """Hand a ledger up, or ask again if it isn't what was confirmed any more."""
    session, params = current_panel().session, _params()
    confirmed = tidy(request.form.get("counted"))
    try:
        handed_up = files.hand_up(session, params)
        if confirmed and confirmed != counted(LedgerCounts.of(handed_up.figures)):
            session.rollback()
            flash(
                str(_("The cases have changed meanwhile. Nothing was handed up; look at the numbers again.")), "warning"
            )
            return redirect(url_for("ledgers_asked", **address(params)))
        session.commit()
    except Invalid as problem:
        session.rollback()
        flash(str(problem.message), "danger")
    else:
        flash(str(_("Handed up: {name}", name=handed_up.file_name.removesuffix(".xlsx"))), "success")
    return redirect(url_for("ledgers", **address(params)))


def _require(action: Permission) -> None:
    if not may(action):
        abort(403)


def _workbook(content: bytes, name: str, rows: int = 0) -> Any:
    noting(Ledger.__tablename__, rows)
    return send_download(BytesIO(content), name)


def _params() -> LedgerRequest:
    """The ledger in the address; by default last month's by acceptance. 404 for a month, basis or squad that can't be
    parsed."""
    args = request.values
    try:
        month = Month.parse(args["month"]) if tidy(args.get("month")) else Month.of(today()).plus(-1)
        basis = Choice(Basis).parse(args.get("by")) or Basis.ACCEPTED
    except Invalid:
        abort(404)
    squad = ids.parse(args.get("squad"))
    if squad is None and tidy(args.get("squad")):
        abort(404)
    return files.checked_params(current_panel().session, month, Basis.of(basis), squad)


EXPORTING = (Grant(Permission.EXPORT, (Ledger,)),)
HANDING_UP = (Grant(Permission.CREATE, (Ledger,)),)
ROUTES = (
    Route("/ledgers", "ledgers", page),
    Route("/ledgers/file", "ledgers_file", download, grants=EXPORTING),
    Route("/ledgers/kept/<int:id_>", "ledgers_kept", submitted_file, grants=EXPORTING),
    Route("/ledgers/draft/<int:id_>", "ledgers_draft", draft_file, grants=EXPORTING),
    Route("/ledgers/draw-up", "ledgers_draw_up", draw_up, methods=("POST",), grants=HANDING_UP),
    Route("/ledgers/hand-up", "ledgers_asked", ask, grants=HANDING_UP),
    Route("/ledgers/hand-up", "ledgers_hand_up", hand_up, methods=("POST",), grants=HANDING_UP),
)
