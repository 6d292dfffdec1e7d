"""The view of referrals: quick filters, deadline cells and the slip."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import request
from flask_admin.base import expose
from sqlalchemy import and_

from bureau.calendar.deadlines import light, words
from bureau.calendar.web.office import calendar
from bureau.referrals.web import slip
from models import PENDING, LimitUnit, Referral, ReferralStatus
from panel.i18n import _
from panel.kinds import now
from panel.search.listing import Quick
from panel.web.pages import Button, Cell, DetailsPage
from panel.web.views import SchemaView


def _referral_due(referral: Referral, due: datetime | None, done: datetime | None) -> Cell:
    """A department's deadline in words with a light; empty when the referral ended without a known time."""
    if due is None:
        return Cell()
    if done is None and referral.status in (ReferralStatus.REPLIED, ReferralStatus.RETURNED):
        return Cell()
    text = str(words(now(), due, done, calendar()))
    if done is not None:
        return Cell(text, light="g" if done <= due else "r")
    colour = light(now(), referral.sent_at, due, LimitUnit.WORKING_DAY, calendar())
    return Cell(text, light=colour[0])


def _reply_due(referral: Referral) -> Cell:
    """The deadline of the reply; below it the deadline to sign while the department hasn't signed."""
    cell = _referral_due(referral, referral.reply_due_at, referral.replied_at)
    if referral.status is ReferralStatus.SENT and referral.sign_due_at is not None:
        when = words(now(), referral.sign_due_at, None, calendar())
        if now() > referral.sign_due_at:
            cell.below.append(str(_("{act}: {over}", act=_("Sign for"), over=when)))
            cell.light = "y" if cell.light == "g" else cell.light
        else:
            cell.below.append(str(_("{act} by {when}", act=_("Sign for"), when=when)))
    return cell


_WAITING = Referral.status.in_(PENDING)


class ReferralView(SchemaView):
    quick = {
        "waiting": Quick(_("Waiting for a reply"), lambda _a: _WAITING),
        "unsigned": Quick(
            _("Sign-off overdue"),
            lambda _a: and_(Referral.status == ReferralStatus.SENT, Referral.sign_due_at < now()),
        ),
        "late": Quick(_("Reply overdue"), lambda _a: and_(_WAITING, Referral.reply_due_at < now())),
    }
    badge = "late"
    related = ("document_no", "department", "status", "sent_at", "reply_due_at")
    cells = {
        "sign_due_at": lambda referral: _referral_due(referral, referral.sign_due_at, referral.signed_at),
        "reply_due_at": _reply_due,
    }

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        page.buttons.insert(0, Button(_("Print the slip"), self.get_url(".slip_view", id=record.id), "print"))
        return page

    @expose("/slip/")
    def slip_view(self) -> Any:
        return slip.render(self.get_one(request.args.get("id")))
