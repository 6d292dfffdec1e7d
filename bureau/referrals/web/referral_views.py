"""The view of referrals: quick filters, deadline cells and the slip."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, request
from flask_admin.base import expose
from sqlalchemy import and_

from bureau.calendar.deadlines import light, words
from bureau.calendar.web.office import calendar
from bureau.cases.errors import StepNotAllowed
from bureau.cases.web import case_columns
from bureau.printing.web.papers import readable
from bureau.referrals import enclosures
from bureau.referrals.web import enclosures_page, slip
from models import PENDING, Attachment, LimitUnit, Referral, ReferralStatus
from panel import ids
from panel.i18n import Message, _
from panel.kinds import Invalid, now
from panel.search.listing import Quick
from panel.security.policy import Permission
from panel.web.context import current_panel
from panel.web.pages import Button, Cell, DetailsPage
from panel.web.reveals import given_reason, note_reveals
from panel.web.views import SchemaView


def _referral_due(referral: Referral, due: datetime | None, done: datetime | None) -> Cell:
    """A department's deadline in words with a light; empty when the referral ended without a known time."""
    if due is None:
        return Cell()
    if done is None and referral.status not in PENDING:
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
        "case": case_columns.case_cell,
        "sign_due_at": lambda referral: _referral_due(referral, referral.sign_due_at, referral.signed_at),
        "reply_due_at": _reply_due,
    }

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        if self._may_enclose(record):
            page.buttons.insert(0, Button(_("What goes with it…"), self._url("enclosures_view", record), "paperclip"))
        page.buttons.insert(0, Button(_("Print the letter"), self._url("slip_view", record), "print"))
        return page

    def _url(self, name: str, record: Any) -> str:
        url: str = self.get_url(f".{name}", id=record.id)
        return url

    def _may_enclose(self, record: Any) -> bool:
        return enclosures.may_change(record) and self.may_change(record) and readable(Attachment)

    @expose("/slip/")
    def slip_view(self) -> Any:
        record = self.get_one(request.args.get("id"))
        clear = self._url("clear_slip_view", record) if slip.may_clear(record) else ""
        enclose = self._url("enclosures_view", record) if self._may_enclose(record) else ""
        return slip.render(record, clear_url=clear, enclose_url=enclose)

    @expose("/slip/clear/", methods=("GET", "POST"))
    def clear_slip_view(self) -> Any:
        """Ask for the reason; then record in the audit that each respondent is seen in clear, and show the letter."""
        record = self.get_one(request.args.get("id"))
        if not slip.may_clear(record):
            abort(403)
        if not (reason := given_reason()):
            return self.ask_reason(record)
        note_reveals("caseparty", slip.respondent_ids(record), reason)
        return slip.render(self.get_one(record.id), clear=True)

    @expose("/enclosures/", methods=("GET", "POST"))
    def enclosures_view(self) -> Any:
        """Choose what goes with the letter. 403 for a referral that the actor may not change or that was answered."""
        self.require(Permission.EDIT)
        record = self.get_one(request.args.get("id"))
        if not self.may_change(record) or not readable(Attachment):
            abort(403)
        problem: Message | None = None
        if request.method == "POST":
            chosen = {ids.parse(text) or 0 for text in request.form.getlist("attachment")}
            session = current_panel().session
            try:
                enclosures.choose(session, record, chosen, request.form.get("other_enclosures", ""))
                session.commit()
            except (StepNotAllowed, Invalid) as error:
                session.rollback()
                problem = error.message
            else:
                flash(str(_("Saved")), "success")
                return redirect(self._url("slip_view", record))
            record = self.get_one(request.args.get("id"))
        page = enclosures_page.build(record, back_url=self._url("details_view", record), problem=problem)
        return self.render("referrals/enclosures.html", page=page), 422 if problem else 200
