"""The papers of a mediation: notice of rights, a record of each session, the agreement by its form, the record of the
follow-up, and the contents of its file. The parties' names are masked unless the actor has revealed them with a reason,
which the audit keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import url_for

from bureau.calendar.web.office import values
from bureau.cases.privacy import Person
from bureau.mediation import records
from bureau.printing.documents import Document, Fact, Facts, Paragraphs, Seal, Signatures
from bureau.printing.web.papers import (
    PrintPage,
    Reword,
    day_number,
    day_words,
    facts,
    file_contents,
    readable,
)
from bureau.printing.web.papers import render as show
from models import AgreementForm, Mediation, MediationMember, MediationSession, MediationStatus, Performance
from panel.base import display
from panel.i18n import Message, _
from panel.web.context import current_panel
from panel.web.pages import Button

AGREEMENT, RIGHTS, FOLLOW_UP, FILE = "agreement", "rights", "follow_up", "file"
#: The name of a session's paper is this with its number.
SESSION = "session"


@dataclass(frozen=True, slots=True)
class Form:
    """The words of an agreement by its form. `closing` stands below what was agreed; `signatures` are lines to sign."""

    title: Message
    closing: Message
    signatures: tuple[Message, ...]
    #: Made and sealed by the people's mediation committee.
    committee: bool = False


FORMS = {
    AgreementForm.COMMITTEE: Form(
        title=_("People's mediation agreement"),
        closing=_(
            "The parties have agreed to this of their own free will. This agreement holds from the day on which the "
            "parties and the mediator have signed it and the seal of the people's mediation committee is put on it. "
            "Each party has a copy, and the committee keeps one."
        ),
        signatures=(
            _("Party A (signature or fingerprint)"),
            _("Party B (signature or fingerprint)"),
            _("Mediator"),
            _("Recorder"),
        ),
        committee=True,
    ),
    AgreementForm.WRITTEN: Form(
        title=_("Settlement agreement"),
        closing=_(
            "The parties have agreed to this of their own free will, with our unit helping. This agreement holds from "
            "the day on which both have signed it. It is made in three copies, one for each party and one for the file."
        ),
        signatures=(_("Party A (signature)"), _("Party B (signature)"), _("Mediators")),
    ),
    AgreementForm.ORAL: Form(
        title=_("Record of an agreement by word of mouth"),
        closing=_(
            "The parties have agreed to this by word of mouth and of their own free will. It holds from the day on "
            "which they agreed; the mediator has recorded it here."
        ),
        signatures=(_("Mediator"), _("Recorder")),
    ),
}


@dataclass(slots=True)
class File:
    """The papers of a mediation by name, in the order of its file."""

    mediation: Mediation
    papers: dict[str, Document]

    def named(self, name: str) -> list[Document]:
        """The papers of this name; all with their contents for FILE, none for an unknown name."""
        if name == FILE:
            documents = list(self.papers.values())
            return [file_contents(documents), *documents]
        return [self.papers[name]] if name in self.papers else []


def render(record: Mediation, name: str, *, clear: bool = False, clear_url: str = "") -> Any:
    """The page of a paper, or of the whole file. None without such a paper."""
    documents = build(record, clear=clear).named(name)
    if not documents:
        return None
    page = PrintPage(
        title=f"{documents[0].title} {record.mediation_no}",
        documents=documents,
        back_url=url_for("mediation.details_view", id=record.id),
    )
    if clear_url and not clear:
        page.links.append(Button(_("With the parties' names…"), clear_url))
    page.remarks.append(
        _("The parties stand here in clear: for them and the file alone.")
        if clear
        else _("The parties' names are masked on this paper.")
    )
    return show(page, Mediation.__tablename__)


def build(record: Mediation, *, clear: bool = False) -> File:
    """The papers of a mediation. Three statements. Names of the parties are masked unless the request has revealed
    them; with `clear` free texts stand as they are stored, which calls them 甲方 and 乙方."""
    if not clear:
        return build_all([record])[0]
    return File(record, _papers(record, _sessions([record])[record.id], str))


def build_all(mediations: list[Mediation]) -> list[File]:
    """The papers of the mediations of one case, masked. Three statements, however many there are."""
    if not mediations:
        return []
    case_id = mediations[0].case_id
    parties = records.parties_of(current_panel().session, [case_id])[case_id]
    sessions = _sessions(mediations)
    return [File(record, _papers(record, sessions[record.id], _without(record, parties))) for record in mediations]


def _sessions(mediations: list[Mediation]) -> dict[int, records.Sessions]:
    ids, members = [record.id for record in mediations], readable(MediationMember)
    return records.sessions_of(current_panel().session, ids, members=members)


def _without(record: Mediation, parties: list[Person]) -> Reword:
    return lambda text: records.without_names(text, record, parties)


def _papers(record: Mediation, sessions: records.Sessions, words: Reword) -> dict[str, Document]:
    """The papers that there are of a mediation, by name and in the order of its file. No statement."""
    papers = {RIGHTS: _rights(record)}
    if readable(MediationSession):
        for sitting, members in sessions:
            papers[f"{SESSION}-{sitting.session_no}"] = _minutes(record, sitting, members, words)
    if record.status is MediationStatus.AGREED:
        papers[AGREEMENT] = _agreement(record, sessions, words)
    if record.performance in (Performance.PERFORMED, Performance.BREACHED):
        papers[FOLLOW_UP] = _follow_up(record, words)
    return papers


def committee(record: Mediation) -> str:
    """The people's mediation committee: that of the setting, else that of the community."""
    named = str(values()["committee_name"] or "")
    if named or record.case is None or record.case.community is None:
        return named
    return str(_("{community} People's Mediation Committee", community=display(record.case.community)))


def _unit() -> str:
    return str(values()["unit_name"] or "")


def _parties(record: Mediation) -> list[Fact]:
    return facts(record, "party_a", "party_b")


def _rights(record: Mediation) -> Document:
    """The notice of rights and duties, whose text is a setting."""
    text = str(values()["mediation_rights"])
    return Document(
        _("Notice of rights and duties in mediation"),
        number=record.mediation_no,
        unit=_head(record),
        date=day_number(record.started_at),
        blocks=[
            Facts([*_parties(record), *facts(record, "kind")]),
            Paragraphs([line for line in text.splitlines() if line.strip()]),
            Paragraphs([_("I have read this notice, or it was read to me, and I understand my rights and duties.")]),
            Signatures(
                (_("Party A (signature)"), _("Date"), _("Party B (signature)"), _("Date"), _("Informed by"), _("Date"))
            ),
        ],
    )


def _head(record: Mediation) -> str:
    """Whose paper it is: the committee's where it made the agreement, else the bureau's."""
    return committee(record) if record.agreement_form is AgreementForm.COMMITTEE else _unit()


def _minutes(record: Mediation, sitting: MediationSession, members: list[MediationMember], words: Reword) -> Document:
    return Document(
        _("Record of mediation session {n}", n=sitting.session_no),
        number=record.mediation_no,
        unit=_head(record),
        date=day_number(sitting.held_at),
        blocks=[
            Facts(
                [
                    *facts(sitting, "held_at", "place", words=words),
                    *_parties(record),
                    *facts(sitting, "attending", "chair"),
                    Fact(_("Mediators"), _names(members)),
                    *facts(record, "dispute", words=words),
                ]
            ),
            Paragraphs(_paragraphs(words(sitting.minutes)), heading=_("Minutes")),
            Paragraphs([_("This record was read to those present; they found it true.")]),
            Signatures((*_present(sitting), _("Mediators"), _("Recorder"))),
        ],
    )


def _present(sitting: MediationSession) -> Iterator[Message]:
    """The signature lines of the parties who were there."""
    if sitting.attending.value != "other":
        yield _("Party A (signature)")
    if sitting.attending.value != "one":
        yield _("Party B (signature)")


def _names(members: list[MediationMember]) -> str:
    return "、".join(dict.fromkeys(f"{member.name}（{member.force.label}）" for member in members))


def _paragraphs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _agreement(record: Mediation, sessions: records.Sessions, words: Reword) -> Document:
    form = FORMS[record.agreement_form or AgreementForm.WRITTEN]
    members = [member for _sitting, present in sessions for member in present]
    community = record.case.community if record.case is not None else None
    document = Document(
        form.title,
        number=record.agreement_no or record.mediation_no,
        unit=committee(record) if form.committee else _unit(),
        date=day_number(record.ended_at or record.started_at),
        blocks=[
            Facts(
                [
                    *_parties(record),
                    *facts(record, "kind"),
                    Fact(_("Community"), display(community) if community is not None else ""),
                    *facts(record, "dispute", words=words),
                    Fact(_("Mediators"), _names(members)),
                    Fact(_("Course of the mediation"), "\n".join(_course(sessions, words))),
                ]
            ),
            Paragraphs(_paragraphs(words(record.agreement or "")), heading=_("What was agreed")),
            Facts(facts(record, "perform_by")),
            Paragraphs([form.closing]),
            Signatures(form.signatures, stacked=form.committee),
        ],
    )
    sealed_by = document.unit if form.committee else None
    document.blocks.append(Seal(sealed_by, day_words(record.ended_at or record.started_at)))
    return document


def _course(sessions: records.Sessions, words: Reword) -> Iterator[str]:
    """A line for each session: number, time, place, who was there."""
    for sitting, _members in sessions:
        at, place = (next(iter(facts(sitting, name, words=words))).text for name in ("held_at", "place"))
        who = sitting.attending.label
        yield str(_("{n}. {at}, {place}: {who}", n=sitting.session_no, at=at, place=place or "—", who=who))


def _follow_up(record: Mediation, words: Reword) -> Document:
    lines = facts(record, "mediation_no", "agreement_no", "party_a", "party_b", "agreement", words=words)
    lines += facts(record, "perform_by", "performance", "followed_on", "follow_up", words=words)
    if record.breach_case is not None:
        lines += facts(record, "breach_case")
    lines[-1].tall = True
    return Document(
        _("Record of the follow-up"),
        number=record.agreement_no or record.mediation_no,
        unit=_head(record),
        date=day_number(record.followed_on),
        blocks=[Facts(lines), Signatures((_("Visited (signature)"), _("Followed up by"), _("Date")))],
    )


def links(record: Mediation, sessions: records.Sessions, address: Callable[[str], str]) -> list[Button]:
    """A link to each paper that there is, and to the whole file. `sessions` are those of the mediation."""
    papers = _papers(record, sessions, str)
    buttons = [Button(document.title, address(name), "print") for name, document in papers.items()]
    return [*buttons, Button(_("The whole file"), address(FILE), "book")]
