"""The printed slip of a referral. It never names a party of the case: that would identify the complainant."""

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

#: The title of the slip, by kind of referral.
TITLES = {
    ReferralKind.TRANSFER: _("Referral of a case"),
    ReferralKind.NOTICE: _("Notice in copy to a department"),
    ReferralKind.JOINT: _("Request for joint coordination"),
}

#: What the slip says above its table.
OPENINGS = {
    ReferralKind.TRANSFER: _(
        "The following matter, which our unit has taken in, lies within your powers. It is passed to you with this "
        "paper; please deal with it and let us know the outcome in time."
    ),
    ReferralKind.NOTICE: _(
        "We inform you of the following matter, which our unit has taken in; please deal with it within your powers "
        "and let us know the outcome in time."
    ),
    ReferralKind.JOINT: _(
        "The following matter, which our unit has taken in, needs several departments. Please send somebody to deal "
        "with it together, and let us know the outcome in time."
    ),
}


@dataclass(slots=True)
class SlipPage(Page):
    """`opening` says what the paper wants, `lines` are pairs of label and text, `asks` is the request, `signs` are the
    labels of the signature lines."""

    unit: str = ""
    number: str = ""
    addressee: str = ""
    opening: Message | None = None
    lines: list[tuple[Message, str]] = field(default_factory=list)
    description: str = ""
    asks: str = ""
    deadlines: list[tuple[Message, str]] = field(default_factory=list)
    signs: list[Message] = field(default_factory=list)
    day: str = ""
    back_url: str = ""


def build(referral: Referral) -> SlipPage:
    """The slip of a referral. Description, place and request are redacted: they may hold a party's name or
    telephone."""
    case = _case(referral)
    people = _people(referral.case_id)
    sent = referral.sent_at.astimezone(ZONE)
    page = SlipPage(
        title=TITLES[referral.kind],
        unit=str(values()["unit_name"] or ""),
        number=referral.document_no or "",
        addressee=display(referral.department),
        opening=OPENINGS[referral.kind],
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
    """Every party of the case, for redaction. Unscoped: parties that the actor may not see are redacted too."""
    statement = select(CaseParty.name, CaseParty.phone, CaseParty.address).where(CaseParty.case_id == case_id)
    rows = current_panel().session.execute(statement, execution_options=UNSCOPED)
    return [Person(row.name, row.phone, row.address) for row in rows]


def _item(case: Case) -> str:
    """Code and name of the item at acceptance, from the snapshot; without one the current item."""
    snapshot = case.item_snapshot or {}
    if snapshot.get("name"):
        return f"{snapshot.get('code') or ''} {snapshot['name']}".strip()
    return display(case.item) if case.item is not None else ""
