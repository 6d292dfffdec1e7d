"""The documents of the file of a case, from the declared columns of its records, as the reader may see them.

Each table costs one statement, however many rows it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import url_for
from sqlalchemy import select

from bureau.calendar.web.office import values
from bureau.cases.web.case_page import events_of
from bureau.cases.web.timeline import of_steps
from bureau.mediation.web import papers
from bureau.printing.documents import Block, Document, Fact, Facts, Grid, Lines, Picture, Pictures
from bureau.printing.web.papers import all_facts, day_number, facts, readable, tables, with_references
from bureau.referrals.web import slip
from models import (
    Action,
    Attachment,
    AttachmentPhase,
    Case,
    CaseEvent,
    CaseParty,
    DeadlineChange,
    Feedback,
    Measurement,
    Mediation,
    MediationMember,
    MediationSession,
    Referral,
)
from panel.base import Base
from panel.i18n import Message, _
from panel.store.files import PICTURES
from panel.web.context import current_panel

#: What the file holds besides the case itself; a reader without the right to one of them gets a file without it.
TABLES: tuple[type[Base], ...] = (
    CaseParty,
    CaseEvent,
    Action,
    Measurement,
    DeadlineChange,
    Attachment,
    Referral,
    Mediation,
    MediationSession,
    MediationMember,
    Feedback,
)


def documents(case: Case) -> Iterator[Document]:
    """The documents of the file in their order: record, steps, photos, referrals, mediations, feedback."""
    yield _record(case)
    if readable(CaseEvent):
        yield _steps(case)
    yield from _pictures(case)
    if readable(Referral):
        subject = slip.about(case.id)
        for referral in _rows(Referral, case, Referral.sent_at, Referral.id):
            yield from _referral(referral, subject)
    for file in papers.build_all(_rows(Mediation, case, Mediation.started_at, Mediation.id)):
        yield from file.papers.values()
    yield from _feedback(case)


def missing() -> list[Message]:
    """The tables that the reader may not see, and which this file therefore lacks."""
    return [model.__labels__ for model in TABLES if not readable(model)]


def cover(case: Case, count: int) -> Document:
    """The cover (案卷封面); `count` is the number of documents inside."""
    lines = [
        *facts(case, "title", "item", "community", "place", "source", "reported_at", "accepted_at"),
        *facts(case, "lead_officer", "handler", "outcome", "closed_at", "status"),
        Fact(_("Papers in the file"), str(count)),
        Fact(_("Kept until"), " "),
        Fact(_("Filed by, on"), " "),
    ]
    for line in lines[4:]:
        line.wide = False
    return Document(
        _("Case file"), number=case.case_no, unit=str(values()["unit_name"] or ""), blocks=[Facts(lines)], cover=True
    )


def _rows(model: Any, case: Case, *order: Any) -> list[Any]:
    """The records of a table about this case, in this order; none without the right."""
    if not readable(model):
        return []
    statement = with_references(model).where(model.case_id == case.id).order_by(*order)
    return list(current_panel().session.execute(statement).unique().scalars())


def _record(case: Case) -> Document:
    """The record of the case: its columns, parties, actions, measurements and changes of its deadline."""
    blocks: list[Block] = [Facts(all_facts(case, without=() if case.historic else ("historic",)))]
    blocks += tables(CaseParty, _rows(CaseParty, case, CaseParty.id))
    blocks += tables(Action, _rows(Action, case, Action.at, Action.id))
    blocks += tables(Measurement, _rows(Measurement, case, Measurement.at, Measurement.id))
    blocks += tables(DeadlineChange, _rows(DeadlineChange, case, DeadlineChange.asked_at, DeadlineChange.id))
    return Document(_("Record of the case"), number=case.case_no, blocks=blocks, date=day_number(case.reported_at))


def _steps(case: Case) -> Document:
    """What was done in the case, the first step first, with what was entered."""
    rows = []
    for item in reversed(of_steps(events_of(case))):
        told = [item.note, *(_change(change.label, change.before, change.after) for change in item.changes)]
        rows.append([item.at, str(item.act), item.who, "\n".join(filter(None, told))])
    grid = Grid([_("Time"), _("Step"), _("Person"), _("What was entered")], rows, widths=(36, 26, 22, 0))
    return Document(_("Steps of the case"), number=case.case_no, blocks=[grid], date=day_number(case.reported_at))


def _change(label: Any, before: str, after: str) -> str:
    return f"{label}：{before} → {after}" if before else f"{label}：{after}"


def _pictures(case: Case) -> Iterator[Document]:
    """The photos by phase, and a list of the other attachments, which a printer can't show."""
    if not readable(Attachment):
        return
    statement = select(Attachment).where(Attachment.case_id == case.id, Attachment.removed_at.is_(None))
    attachments = list(current_panel().session.execute(statement.order_by(Attachment.id)).scalars())
    blocks: list[Block] = []
    for phase in AttachmentPhase:
        pictures = [
            Picture(url_for("attachment", id_=a.id), f"{a.file_name} · {day_number(a.created_at)} · {a.added_by}")
            for a in attachments
            if a.phase is phase and a.media_type in PICTURES
        ]
        if pictures:
            blocks.append(Pictures(pictures, caption=phase.label))
    others = [f"{a.file_name}（{day_number(a.created_at)}）" for a in attachments if a.media_type not in PICTURES]
    if others:
        blocks.append(Lines(_("Papers that are printed from their own file:"), others))
    if blocks:
        yield Document(
            _("Photos and papers"), number=case.case_no, blocks=blocks, date=day_number(attachments[0].created_at)
        )


def _referral(referral: Referral, subject: slip.About) -> Iterator[Document]:
    """The paper that was sent, with what became of it. Pictures stand among the photos already."""
    document = slip.build(referral, subject=subject)
    document.blocks = [block for block in document.blocks if not isinstance(block, Pictures)]
    yield document
    course = all_facts(referral, without=("case", "kind", "document_no", "department", "request", "other_enclosures"))
    yield Document(
        _("Answer of the department"),
        number=document.number,
        to="",
        blocks=[Facts([Fact(_("Department"), document.to), *course])],
        date=day_number(referral.replied_at or referral.sent_at),
    )


def _feedback(case: Case) -> Iterator[Document]:
    rows = _rows(Feedback, case, Feedback.at, Feedback.id)
    if rows:
        blocks: list[Block] = [*tables(Feedback, rows)]
        yield Document(_("Feedback"), number=case.case_no, blocks=blocks, date=day_number(rows[-1].at))
