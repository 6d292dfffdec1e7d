"""The slip that goes with a referral: printed, signed, handed over. It never names the complainant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import render_template, url_for
from sqlalchemy import select

from bureau.calendar.web.office import values
from bureau.cases.privacy import Person, redact
from models import Case, CaseParty, Referral, ReferralKind
from panel.base import UNSCOPED, display
from panel.i18n import Message, _
from panel.kinds import ZONE, Moment
from panel.web.context import current_panel
from panel.web.pages import Page

#: What the paper is called, by the kind of referral.
TITLES = {
    ReferralKind.TRANSFER: _("Referral of a case"),
    ReferralKind.NOTICE: _("Notice in copy to a department"),
    ReferralKind.JOINT: _("Request for joint coordination"),
}


@dataclass(slots=True)
class SlipPage(Page):
    """`lines` are label and text, `asks` what is asked, `signs` the lines to sign on."""

    unit: str = ""
    number: str = ""
    addressee: str = ""
    lines: list[tuple[Message, str]] = field(default_factory=list)
    description: str = ""
    asks: str = ""
    deadlines: list[tuple[Message, str]] = field(default_factory=list)
    signs: list[Message] = field(default_factory=list)
    day: str = ""
    back_url: str = ""


def build(referral: Referral) -> SlipPage:
    """The slip of a referral that its reader may see. Everything that was typed freely passes redact(): what people
    write into a description, a place or a request may name a party or hold a telephone."""
    case = _case(referral)
    people = _people(referral.case_id)
    sent = referral.sent_at.astimezone(ZONE)
    page = SlipPage(
        title=TITLES[referral.kind],
        unit=str(values()["unit_name"] or ""),
        number=referral.document_no or "",
        addressee=display(referral.department),
        description=redact(case.description, people) if case is not None else "",
        asks=redact(referral.request, people),
        day=str(_("{year}-{month}-{day}", year=sent.year, month=sent.month, day=sent.day)),
        back_url=url_for("referral.details_view", id=referral.id),
    )
    if case is not None:
        place = " ".join(part for part in (display(case.community), case.place or "") if part)
        page.lines = [
            (_("Case no."), case.case_no),
            (_("Checklist item"), _item(case)),
            (_("Place"), redact(place, people)),
        ]
    page.deadlines = [
        (label, Moment().format(at.replace(second=0, microsecond=0)))
        for label, at in (
            (_("To be signed for by"), referral.sign_due_at),
            (_("Reply due"), referral.reply_due_at),
        )
        if at is not None
    ]
    page.signs = [_("Handed over by"), _("Signed for by"), _("Signed for at")]
    return page


def render(referral: Referral) -> Any:
    return render_template("referrals/slip.html", page=build(referral))


def _case(referral: Referral) -> Case | None:
    statement = select(Case).where(Case.id == referral.case_id)
    return current_panel().session.execute(statement).scalar_one_or_none()


def _people(case_id: int) -> list[Person]:
    """Every party of the case, whoever prints: to be left out, they must all be known."""
    statement = select(CaseParty.name, CaseParty.phone, CaseParty.address).where(CaseParty.case_id == case_id)
    rows = current_panel().session.execute(statement, execution_options=UNSCOPED)
    return [Person(row.name, row.phone, row.address) for row in rows]


def _item(case: Case) -> str:
    """As it stood when the case was accepted."""
    kept = case.item_snapshot or {}
    if kept.get("name"):
        return f"{kept.get('code') or ''} {kept['name']}".strip()
    return display(case.item) if case.item is not None else ""
