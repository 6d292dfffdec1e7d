"""The page of the reply file: what is waiting for an answer is written once, and any month can be written again."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bureau.calendar.month import Month
from bureau.hotline import replies
from bureau.hotline.web.order_view import HotlineOrderView
from bureau.settings import settings
from models import HotlineOrder
from panel.i18n import _, in_default_locale
from panel.kinds import Invalid, now, tidy, today
from panel.search import listing
from panel.security import audit
from panel.security.granted import Grant
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.sheets.write import tables
from panel.sheets.write.page import Page as Sheet
from panel.web.context import current_actor, current_panel
from panel.web.downloads import logging_file, noting, send_download
from panel.web.features import Route
from panel.web.pages import Button, Chip, Input, Page

TITLE = "12345工单办理回复"
WIDTHS = (18, 15, 10, 16, 16, 12, 16, 16, 12, 10, 40, 16, 10, 10, 8)
MONTHS = 24
ANSWERING = (Grant(Permission.EXPORT, (HotlineOrder,)),)


@dataclass(slots=True)
class ReplyPage(Page):
    """`chips` lead to the orders in each state; `waiting` ones are answered by the button; a month can be written
    again."""

    waiting: int = 0
    chips: list[Chip] = field(default_factory=list)
    month: Input | None = None


def may_open() -> bool:
    return current_panel().policy.may(current_actor(), Permission.EXPORT, HotlineOrder)


def page() -> Any:
    """The counts, and the form. Writing the waiting answers is a POST, since it marks their orders as answered."""
    session, view = current_panel().session, "hotlineorder.index_view"
    reply_page = ReplyPage(
        title=_("Reply file of 12345 orders"), sub=_("Results, contact and satisfaction of each order.")
    )
    quick, actor = HotlineOrderView.quick, current_actor()
    numbers = listing.counts(session, [(HotlineOrder, one.condition(actor)) for one in quick.values()])
    counted = dict(zip(quick, numbers, strict=True))
    reply_page.chips = [Chip(one.label, f"{url_for(view)}?is={name}", counted[name]) for name, one in quick.items()]
    reply_page.waiting = counted["ready"]
    months = [Month.of(today()).plus(-i) for i in range(MONTHS)]
    reply_page.month = Input(
        "month", _("Sent in"), "select", str(months[0]), choices=[(str(month), month.label) for month in months]
    )
    reply_page.buttons = [Button(_("12345 orders"), url_for(view), "list")]
    if current_panel().views["hotlineorder"].can_import:
        reply_page.buttons.append(Button(_("Import orders"), url_for("hotlineorder.import_view"), "upload"))
    return render_template("hotline/reply.html", page=reply_page)


def answer() -> Any:
    """Write the answers that are waiting, and mark their orders as answered."""
    session = current_panel().session
    waiting = replies.replies(session, replies.waiting())
    if not waiting:
        flash(str(_("No order waits for an answer. Write a month again below.")), "info")
        return redirect(url_for("hotline"))
    replies.mark(session, [reply.order_id for reply in waiting], now().replace(microsecond=0))
    _note(session, len(waiting))
    response = _file(waiting, f"{today():%Y%m%d}")
    session.commit()
    return response


def again() -> Any:
    """Write the answers to the orders of a month, whether they were written before or not. Marks nothing."""
    try:
        month = Month.parse(tidy(request.args.get("month")))
    except Invalid:
        abort(404)
    found = replies.replies(current_panel().session, replies.sent_in(month))
    response = _file(found, month.words)
    with logging_file() as session:
        _note(session, len(found))
    return response


def _file(found: list[replies.Reply], period: str) -> Response:
    target, unit = BytesIO(), settings.get(current_panel().session, "unit_name")
    sheet = Sheet(TITLE, replies.COLUMNS, [reply.cells for reply in found], WIDTHS, filtered=True)
    tables.write(target, [sheet])
    target.seek(0)
    noting(HotlineOrder.__tablename__, len(found), period)
    return send_download(target, f"{unit}{TITLE}（{period}）.xlsx")


def _note(session: Session, number: int) -> None:
    """Note in the audit that a reply file of so many orders was written."""
    note = _("12345 reply file written: {n} orders", n=number)
    audit.note(session, AuditAction.EVENT, HotlineOrder.__tablename__, None, in_default_locale(note))


ROUTES = (
    Route("/hotline", "hotline", page, grants=ANSWERING),
    Route("/hotline", "hotline_answer", answer, methods=("POST",), grants=ANSWERING),
    Route("/hotline/replies", "hotline_again", again, grants=ANSWERING),
)
