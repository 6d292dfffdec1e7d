"""The printed agreement of a mediation (调解协议书). Names of the parties are masked unless the actor has revealed them
with a reason, which the audit keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import render_template, url_for

from bureau.calendar.web.office import values
from bureau.mediation import records
from models import Mediation, MediationMember
from panel.base import display
from panel.i18n import Message, _
from panel.kinds import ZONE, Day, Moment, PersonName
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Page


@dataclass(slots=True)
class AgreementPage(Page):
    """`facts` are pairs of label and text, `course` has a line for each session, `signs` are the labels of the
    signature lines."""

    unit: str = ""
    number: str = ""
    facts: list[tuple[Message, str]] = field(default_factory=list)
    course: list[str] = field(default_factory=list)
    agreement: str = ""
    signs: list[Message] = field(default_factory=list)
    day: str = ""
    back_url: str = ""
    clear: bool = False
    clear_url: str = ""


def render(record: Mediation, *, clear: bool, clear_url: str = "") -> Any:
    return render_template("mediation/agreement.html", page=build(record, clear=clear, clear_url=clear_url))


def build(record: Mediation, *, clear: bool, clear_url: str = "") -> AgreementPage:
    """The agreement of a mediation; `clear` shows the names unmasked."""
    panel = current_panel()
    parties = [] if clear else records.parties_of(panel.session, [record.case_id])[record.case_id]

    def words(text: str | None) -> str:
        return (text or "") if clear else records.without_names(text, record, parties)

    ended = (record.ended_at or record.started_at).astimezone(ZONE)
    members = panel.policy.may(current_actor(), Permission.READ, MediationMember)
    sessions = records.sessions_of(panel.session, [record.id], members=members)[record.id]
    names = list(
        dict.fromkeys(f"{member.name}（{member.force.label}）" for _held, present in sessions for member in present)
    )
    case = record.case
    mask = PersonName().mask
    page = AgreementPage(
        title=_("Mediation agreement"),
        unit=str(values()["unit_name"] or ""),
        number=record.mediation_no,
        agreement=words(record.agreement),
        clear=clear,
        clear_url=clear_url,
        day=str(_("{year}-{month}-{day}", year=ended.year, month=ended.month, day=ended.day)),
        back_url=url_for("mediation.details_view", id=record.id),
        signs=[_("Party A"), _("Party B"), _("Mediators")],
    )
    page.facts = [
        (_("Party A"), record.party_a if clear else mask(record.party_a)),
        (_("Party B"), record.party_b if clear else mask(record.party_b)),
        (_("Kind of dispute"), str(record.kind.label)),
        (_("Community"), display(case.community) if case is not None and case.community is not None else ""),
        (_("What it is about"), words(record.dispute)),
        (_("Mediators"), "、".join(names)),
    ]
    page.course = [
        str(
            _(
                "{n}. {at}, {place}: {who}",
                n=sitting.session_no,
                at=Moment().format(sitting.held_at.replace(second=0)),
                place=words(sitting.place) or "—",
                who=sitting.attending.label,
            )
        )
        for sitting, _members in sessions
    ]
    form = str(record.agreement_form.label) if record.agreement_form else ""
    page.facts += [
        (_("Form of the agreement"), form),
        (_("To be performed by"), Day().format(record.perform_by)),
    ]
    return page
