"""The paper of a referral: 案件移送函, 抄告单 or 联动协调函, each with its own words.

None of them names the complainant or a witness: their names, telephones and addresses are left out of every text. A
transfer names the respondents, because the other department has to find them: masked, or in clear after a reveal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import select

from bureau.calendar.web.office import values
from bureau.cases.privacy import Person, leave_out, redact
from bureau.printing.documents import Block, Document, Fact, Facts, Lines, Paragraphs, Picture, Pictures, Seal
from bureau.printing.documents import Signatures as Signs
from bureau.printing.web.papers import PrintPage, day_words, facts, readable
from bureau.printing.web.papers import render as show
from bureau.referrals import enclosures
from models import Attachment, Case, CaseParty, Officer, PartyRole, Referral, ReferralKind
from panel.base import UNSCOPED, display
from panel.fields import field_named
from panel.i18n import Message, _
from panel.kinds import ZONE
from panel.security.masking import clear_session
from panel.store.files import PICTURES
from panel.web.context import current_panel
from panel.web.pages import Button, Words
from panel.web.render import text_of
from panel.web.reveals import may_reveal


@dataclass(frozen=True, slots=True)
class Form:
    """The words of a kind of paper: its title, what it says first, what it asks for at the end, its signatures.
    `parties`: it names the respondents. `dates`: columns of the referral that it prints."""

    title: Message
    opening: Message
    closing: Message
    signatures: tuple[Message, ...]
    parties: bool = False
    dates: tuple[str, ...] = ()


FORMS = {
    ReferralKind.TRANSFER: Form(
        title=_("Letter of transfer"),
        opening=_(
            "The following matter, which our unit has taken in, lies within your powers. It is passed to you with this "
            "paper; please deal with it and let us know the outcome in time."
        ),
        closing=_("Please sign for this letter and what goes with it, and send the receipt below back to us."),
        signatures=(_("Handed over by"), _("Signed for by"), _("Signed for at")),
        parties=True,
        dates=("sign_due_at", "reply_due_at"),
    ),
    ReferralKind.NOTICE: Form(
        title=_("Notice in copy to a department"),
        opening=_(
            "We inform you of the following matter, which our unit has taken in; please deal with it within your "
            "powers."
        ),
        closing=_("This notice needs no reply."),
        signatures=(_("Delivered by"), _("Signed for by"), _("Signed for at")),
    ),
    ReferralKind.JOINT: Form(
        title=_("Request for joint coordination"),
        opening=_(
            "The following matter, which our unit has taken in, needs several departments. Please send somebody to "
            "deal with it together, and let us know the outcome in time."
        ),
        closing=_("Please tell us who comes, and their telephone, before the day of the joint action."),
        signatures=(_("Delivered by"), _("Signed for by"), _("Signed for at")),
        dates=("joint_on", "joint_members", "sign_due_at", "reply_due_at"),
    ),
}


def render(referral: Referral, *, clear: bool = False, clear_url: str = "", enclose_url: str = "") -> Any:
    """The page of the paper. `clear` shows the respondents unmasked."""
    document = build(referral, clear=clear)
    page = PrintPage(
        title=f"{document.title} {document.number}".strip(),
        documents=[document],
        back_url=url_for("referral.details_view", id=referral.id),
    )
    if enclose_url:
        page.links.append(Button(_("What goes with it…"), enclose_url))
    if clear_url and not clear:
        page.links.append(Button(_("With the respondents in clear…"), clear_url))
    page.remarks = [*_remarks(referral, clear=clear)]
    return show(page, Referral.__tablename__)


@dataclass(frozen=True, slots=True)
class About:
    """What the papers of a case are about: the case, if the actor may read it, the respondents to name, and every other
    party to leave out."""

    case: Case | None
    respondents: list[CaseParty]
    others: list[CaseParty]


def about(case_id: int) -> About:
    """Two statements."""
    return About(_case(case_id), *_parties(case_id))


def build(referral: Referral, *, clear: bool = False, subject: About | None = None) -> Document:
    """The paper of a referral. `subject` is what about() has read of its case, for several papers of one case."""
    form = FORMS[referral.kind]
    subject = subject or about(referral.case_id)
    case, respondents, others = subject.case, subject.respondents, subject.others
    # Masked, a respondent's name must not stand in the description either.
    people = [_person(party) for party in (others if clear and form.parties else [*others, *respondents])]

    def words(text: str | None) -> str:
        return redact(text, people)

    document = Document(
        form.title,
        number=referral.document_no or "",
        unit=str(values()["unit_name"] or ""),
        to=display(referral.department),
        date=referral.sent_at.astimezone(ZONE).date().isoformat(),
        blocks=[Paragraphs([form.opening])],
    )
    lines = _case_facts(case, words) if case is not None else []
    if form.parties:
        lines.append(Fact(PartyRole.RESPONDENT.label, _named(respondents, others, clear=clear)))
    asked = facts(referral, "request", words=words)
    for fact in asked:
        fact.tall = True
    lines += [*asked, *(fact for fact in facts(referral, *form.dates, words=words) if fact.text)]
    document.blocks.append(Facts(lines))
    document.blocks += _enclosed(referral, [*others, *respondents])
    document.blocks.append(Paragraphs([form.closing, *_contact(case)]))
    document.blocks.append(Seal(document.unit, day_words(referral.sent_at)))
    document.blocks.append(Signs(form.signatures, caption=_receipt(referral, document) if form.parties else ""))
    pictures = [Picture(url_for("attachment", id_=a.id), _called(a, people)) for a in _pictures(referral)]
    if pictures:
        document.blocks.append(Pictures(pictures, caption=_("Enclosed pictures")))
    return document


def _case(case_id: int) -> Case | None:
    statement = select(Case).where(Case.id == case_id)
    return current_panel().session.execute(statement).scalar_one_or_none()


def _parties(case_id: int) -> tuple[list[CaseParty], list[CaseParty]]:
    """The respondents that the actor may read, and every other party: unscoped, because whom the actor may not see is
    left out of the texts too."""
    session = clear_session(current_panel().session)
    statement = select(CaseParty).where(CaseParty.case_id == case_id).order_by(CaseParty.id)
    parties = session.execute(statement, execution_options=UNSCOPED).scalars().all()
    respondents = [p for p in parties if p.role is PartyRole.RESPONDENT] if readable(CaseParty) else []
    return respondents, [party for party in parties if party not in respondents]


def _person(party: CaseParty) -> Person:
    return Person(party.name, party.phone, party.address)


def _case_facts(case: Case, words: Any) -> list[Fact]:
    # A handler reads the case, but not its community if that is another squad's.
    community = display(case.community) if case.community is not None else ""
    place = " ".join(part for part in (community, case.place or "") if part)
    described = facts(case, "description", words=words)
    described[0].tall = True
    place_label = field_named(Case, "place")
    item_label = field_named(Case, "item")
    assert place_label is not None
    assert item_label is not None
    return [
        *facts(case, "case_no"),
        Fact(item_label.label, _item(case)),
        Fact(place_label.label, words(place)),
        *described,
    ]


def _item(case: Case) -> str:
    """Code and name of the item at acceptance, from the snapshot; without one the current item."""
    snapshot = case.item_snapshot or {}
    if snapshot.get("name"):
        return f"{snapshot.get('code') or ''} {snapshot['name']}".strip()
    return display(case.item) if case.item is not None else ""


def _named(respondents: Collection[CaseParty], others: Collection[CaseParty], *, clear: bool) -> str:
    """A line for each respondent: name, telephone, address. What equals a value of another party is left out."""
    people = [_person(party) for party in others]
    lines = []
    for party in respondents:
        columns = [field_named(CaseParty, name) for name in ("name", "phone", "address")]
        known = [(column, getattr(party, column.attr)) for column in columns if column is not None]
        texts = [column.kind.format(value) if clear else column.kind.mask(value) for column, value in known if value]
        if clear:
            texts = [leave_out(text, people) for text in texts]
        lines.append("，".join(texts) or str(_("unknown")))
    return "\n".join(lines) or str(_("Not known yet"))


def _enclosed(referral: Referral, parties: Collection[CaseParty]) -> list[Block]:
    people = [_person(party) for party in parties]
    lines = [_called(attachment, people) for attachment in enclosures.enclosed(referral)]
    lines += [redact(line, people) for line in enclosures.other_lines(referral)]
    return (
        [Lines(_("What goes with this paper:"), lines, _("Nothing."))] if lines or FORMS[referral.kind].parties else []
    )


def _called(attachment: Attachment, people: Collection[Person]) -> str:
    """A paper in the list: what it shows and its file name, which may hold a person's name as well."""
    return f"{attachment.phase.label}：{redact(attachment.file_name, people)}"


def _pictures(referral: Referral) -> list[Attachment]:
    if not readable(Attachment):
        return []
    return [attachment for attachment in enclosures.enclosed(referral) if attachment.media_type in PICTURES]


def _contact(case: Case | None) -> list[Words]:
    """Whom the department may ask: the officer who handles or leads the case, with the work telephone."""
    officer = (case.handler or case.lead_officer) if case is not None else None
    if officer is None:
        return []
    mobile = field_named(Officer, "mobile")
    telephone = text_of(mobile, officer) if mobile is not None else ""
    return [_("Contact: {name} {telephone}", name=officer.name, telephone=telephone)]


def _receipt(referral: Referral, document: Document) -> Message:
    count = len(enclosures.enclosed(referral)) + len(enclosures.other_lines(referral))
    return _(
        "Receipt. We have received the letter of transfer {number} with {n} enclosed papers.",
        number=document.number or "        ",
        n=count,
    )


def _remarks(referral: Referral, *, clear: bool) -> list[Words]:
    """What the reader should know before the paper is sent."""
    form = FORMS[referral.kind]
    remarks: list[Words] = [
        _(
            "Complainant and witnesses are left out: their names, telephones and addresses, and every telephone number "
            "in the texts. Read the texts before you send this: who is told of in other words isn't recognised."
        )
    ]
    if form.parties:
        remarks.append(
            _("The respondents stand here in clear: for the department that deals with them.")
            if clear
            else _("The respondents are masked.")
        )
    if gone := len(referral.enclosures) - len(enclosures.enclosed(referral)):
        remarks.append(_("{n} enclosed attachments have been taken off the case since.", n=gone))
    return remarks


def may_clear(referral: Referral) -> bool:
    """Whether the actor may see the respondents of this paper in clear."""
    return FORMS[referral.kind].parties and may_reveal(CaseParty, respondent_ids(referral))


def respondent_ids(referral: Referral) -> list[int]:
    return [party.id for party in _parties(referral.case_id)[0]]
