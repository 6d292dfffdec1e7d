"""The view of the hotline's orders: what is to be signed and answered, with its limits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import and_

from bureau.calendar.deadlines import light, words
from bureau.calendar.web.office import calendar
from bureau.hotline import replies
from models import HotlineOrder, LimitUnit
from panel.i18n import _
from panel.kinds import now
from panel.search.listing import Quick
from panel.security.policy import Permission
from panel.web.pages import Button, Cell
from panel.web.views import SchemaView


def _limit(order: HotlineOrder, due: datetime | None, done: datetime | None) -> Cell:
    """A limit of the hotline in words, with a light."""
    if due is None:
        return Cell()
    text = str(words(now(), due, done, calendar()))
    if done is not None:
        return Cell(text, light="g" if done <= due else "r")
    return Cell(text, light=light(now(), order.sent_at, due, LimitUnit.CLOCK_HOUR, calendar())[0])


class HotlineOrderView(SchemaView):
    """Orders, with a button to the reply file for whoever may export them."""

    quick = {
        "unsigned": Quick(_("To be signed"), lambda _a: HotlineOrder.signed_at.is_(None)),
        "late": Quick(
            _("To be signed, overdue"), lambda _a: and_(HotlineOrder.signed_at.is_(None), HotlineOrder.sign_by < now())
        ),
        "ready": Quick(_("To answer"), lambda _a: replies.waiting()),
        "overdue": Quick(
            _("Not answered, overdue"),
            lambda _a: and_(HotlineOrder.replied_at.is_(None), HotlineOrder.reply_by < now()),
        ),
        "returned": Quick(_("Sent back by 12345"), lambda _a: HotlineOrder.returns > 0),
    }
    cells = {
        "sign_by": lambda order: _limit(order, order.sign_by, order.signed_at),
        "reply_by": lambda order: _limit(order, order.reply_by, order.replied_at),
    }

    def list_buttons(self) -> list[Button]:
        return [Button(_("Reply file"), url_for("hotline"), "reply")] if self.may(Permission.EXPORT) else []

    def on_save(self, record: Any, *, is_created: bool) -> None:
        """The case gets the number of its order, where it has none."""
        case = record.case
        if is_created and case is not None and case.hotline_no is None:
            case.hotline_no = record.order_no
