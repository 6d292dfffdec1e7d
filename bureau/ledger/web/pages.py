"""The monthly ledger on screen: look at it, download it, hand it up, find the ones that were handed up."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import abort, flash, redirect, render_template, request, send_file, url_for

from bureau.calendar.month import Month
from bureau.ledger import drafts, submission
from bureau.ledger.web import files
from bureau.ledger.web.files import LedgerRequest
from bureau.ledger.web.ledger_lists import handed_up, waiting
from bureau.ledger.web.ledger_page import LedgerPage, address, fill, inputs, may
from models import Basis
from panel import ids
from panel.i18n import _
from panel.kinds import Choice, Invalid, tidy, today
from panel.security.policy import Permission
from panel.web.context import current_panel
from panel.web.exports import XLSX
from panel.web.features import Route


def may_open() -> bool:
    return may(Permission.READ)


def page() -> Any:
    _require(Permission.READ)
    session = current_panel().session
    squads = files.squads(session)
    shown = LedgerPage(title=_("Monthly ledger"))
    if not squads:
        shown.empty = _("Your account belongs to no squad, so there is no ledger to show.")
        return render_template("ledger/ledgers.html", page=shown)
    wanted = _order()
    shown.inputs = inputs(wanted, squads)
    fill(shown, wanted)
    shown.drafts = waiting()
    shown.kept = handed_up()
    return render_template("ledger/ledgers.html", page=shown)


def download() -> Any:
    _require(Permission.EXPORT)
    made = files.make(current_panel().session, _order())
    return _sent(made.content, made.name)


def kept(id_: int) -> Any:
    """A ledger that was handed up, byte by byte."""
    _require(Permission.EXPORT)
    found = submission.file(current_panel().session, id_)
    if found is None:
        abort(404)
    return _sent(found.file, found.file_name)


def draft(id_: int) -> Any:
    """A ledger that waits to be checked, as it was drawn up."""
    _require(Permission.EXPORT)
    found = drafts.file(current_panel().session, id_)
    if found is None:
        abort(404)
    return _sent(found.file, found.file_name)


def draw_up() -> Any:
    """Draw the bureau's ledger up anew."""
    _require(Permission.CREATE)
    session, wanted = current_panel().session, _order()
    try:
        made = files.draw_up(session, wanted.month, wanted.basis)
        session.commit()
    except Invalid as problem:
        session.rollback()
        flash(str(problem.message), "danger")
    else:
        if made is not None:
            flash(str(_("Drawn up anew: {n} cases.", n=made.rows)), "success")
    return redirect(url_for("ledgers", **address(LedgerRequest(wanted.month, wanted.basis))))


def hand_up() -> Any:
    _require(Permission.CREATE)
    session, wanted = current_panel().session, _order()
    try:
        made = files.hand_up(session, wanted)
        session.commit()
    except Invalid as problem:
        session.rollback()
        flash(str(problem.message), "danger")
    else:
        flash(str(_("Handed up: {name}", name=made.file_name.removesuffix(".xlsx"))), "success")
    return redirect(url_for("ledgers", **address(wanted)))


def _require(action: Permission) -> None:
    if not may(action):
        abort(403)


def _sent(content: bytes, name: str) -> Any:
    return send_file(BytesIO(content), XLSX, as_attachment=True, download_name=name)


def _order() -> LedgerRequest:
    """The ledger that was asked for: last month's by acceptance, if nothing else was said."""
    given = request.values
    try:
        month = Month.parse(given["month"]) if tidy(given.get("month")) else Month.of(today()).plus(-1)
        basis = Choice(Basis).parse(given.get("by")) or Basis.ACCEPTED
    except Invalid:
        abort(404)
    squad = ids.parse(given.get("squad"))
    if squad is None and tidy(given.get("squad")):
        abort(404)
    return files.order(current_panel().session, month, Basis.of(basis), squad)


ROUTES = (
    Route("/ledgers", "ledgers", page),
    Route("/ledgers/file", "ledgers_file", download),
    Route("/ledgers/kept/<int:id_>", "ledgers_kept", kept),
    Route("/ledgers/draft/<int:id_>", "ledgers_draft", draft),
    Route("/ledgers/draw-up", "ledgers_draw_up", draw_up, methods=("POST",)),
    Route("/ledgers/hand-up", "ledgers_hand_up", hand_up, methods=("POST",)),
)
