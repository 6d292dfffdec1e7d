"""The page that chooses what goes with the letter of a referral."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import request, url_for

from bureau.referrals import enclosures
from models import Referral
from panel import ids
from panel.base import display
from panel.fields import field_named
from panel.i18n import Message, _
from panel.store.files import PICTURES
from panel.web import forms
from panel.web.context import current_panel
from panel.web.pages import Input, Page


@dataclass(slots=True)
class Choice:
    """An attachment of the case that can be ticked. Only pictures have a `small_url`."""

    id: int
    name: str
    phase: str
    url: str
    small_url: str
    ticked: bool


@dataclass(slots=True)
class EnclosuresPage(Page):
    choices: list[Choice] = field(default_factory=list)
    others: Input | None = None
    add_url: str = ""
    back_url: str = ""
    error: str = ""
    #: Why nothing can be changed any more.
    closed: bool = False


def build(referral: Referral, *, back_url: str, problem: Message | None = None) -> EnclosuresPage:
    posted = request.method == "POST"
    ticked = {attachment.id for attachment in enclosures.enclosed(referral)}
    if posted:
        ticked = {id_ for text in request.form.getlist("attachment") if (id_ := ids.parse(text)) is not None}
    page = EnclosuresPage(
        title=_("What goes with it"),
        sub=" ".join(filter(None, (referral.document_no, display(referral.department)))),
        choices=[
            Choice(
                attachment.id,
                attachment.file_name,
                str(attachment.phase.label),
                url_for("attachment", id_=attachment.id),
                url_for("attachment_small", id_=attachment.id) if attachment.media_type in PICTURES else "",
                attachment.id in ticked,
            )
            for attachment in enclosures.offered(current_panel().session, referral)
        ],
        add_url=url_for("case.details_view", id=referral.case_id, _anchor="attachments"),
        back_url=back_url,
        error=str(problem) if problem else "",
        closed=not enclosures.may_change(referral),
    )
    declared = field_named(Referral, "other_enclosures")
    assert declared is not None
    page.others = forms.control(declared.kind, declared, "referral")
    page.others.value = request.form.get("other_enclosures", "") if posted else referral.other_enclosures or ""
    page.others.help = declared.help
    return page
