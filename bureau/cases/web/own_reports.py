"""The table of a liaison's own reports: state, handler, deadline, and the feedback or the reason of the end."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from sqlalchemy import func, select

from bureau.calendar.deadlines import local_day
from bureau.cases.steps import Step, names
from bureau.cases.web.case_views import due_cell, reported_myself
from models import ENDED, PENDING, Case, CaseEvent, CaseStatus, Department, Feedback, FeedbackTarget, Referral
from panel.i18n import _, listed
from panel.kinds import Day
from panel.search import listing
from panel.security.policy import Actor
from panel.web.context import current_panel
from panel.web.pages import Cell, Column, Related, Row

#: Cases in the table.
SHOWN = 10
#: States of cases that ended without being handled.
UNHANDLED = (CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED)


def table(actor: Actor) -> Related:
    """The latest cases that the actor reported, or that are in their name. Three statements, one more where some
    are referred, and one more where some ended unhandled."""
    session = current_panel().session
    statement = (
        select(Case.id, func.count().over())
        .where(reported_myself(actor))
        .order_by(Case.reported_at.desc(), Case.id.desc())
    )
    rows = session.execute(statement.limit(SHOWN)).all()
    records: list[Case] = listing.load(session, Case, [row[0] for row in rows], ["handler", "lead_officer", "master"])
    ids = [record.id for record in records]
    feedback = _feedback(ids)
    endings = _end_events([record.id for record in records if record.status in UNHANDLED])
    departments = _departments([record.id for record in records if record.status is CaseStatus.REFERRED])
    return Related(
        label=_("What I reported"),
        count=rows[0][1] if rows else 0,
        url=url_for("case.index_view") + "?is=my_reports",
        columns=[
            Column("case_no", _("Case no.")),
            Column("status", _("State")),
            Column("handler", _("Handler")),
            Column("due_at", _("Due")),
            Column("feedback", _("What came back"), wide=True),
        ],
        rows=[_row(record, feedback, endings, departments) for record in records],
    )


def _feedback(ids: list[int]) -> dict[int, Feedback]:
    """The latest feedback to the liaison, by case id."""
    statement = (
        select(Feedback)
        .where(Feedback.case_id.in_(ids), Feedback.target == FeedbackTarget.LIAISON)
        .order_by(Feedback.at, Feedback.id)
    )
    return (
        {feedback.case_id: feedback for feedback in current_panel().session.execute(statement).scalars()} if ids else {}
    )


def _ends_unhandled(step: Step) -> bool:
    return step.target in ENDED and step.target is not CaseStatus.CLOSED


def _end_events(ids: list[int]) -> dict[int, CaseEvent]:
    """The events that ended cases unhandled, by case id; they hold the reason."""
    statement = (
        select(CaseEvent)
        .where(CaseEvent.case_id.in_(ids), CaseEvent.step.in_(names(_ends_unhandled)))
        .order_by(CaseEvent.seq)
    )
    return {event.case_id: event for event in current_panel().session.execute(statement).scalars()} if ids else {}


def _departments(ids: list[int]) -> dict[int, list[str]]:
    """The departments whose reply is awaited, by case id."""
    statement = (
        select(Referral.case_id, Department.name)
        .join(Department, Department.id == Referral.department_id)
        .where(Referral.case_id.in_(ids), Referral.status.in_(PENDING))
        .order_by(Referral.id)
    )
    names: dict[int, list[str]] = {}
    for case_id, name in current_panel().session.execute(statement) if ids else ():
        names.setdefault(case_id, []).append(name)
    return names


def _row(
    case: Case, feedback: dict[int, Feedback], endings: dict[int, CaseEvent], departments: dict[int, list[str]]
) -> Row:
    officer = case.handler or case.lead_officer
    with_whom = departments.get(case.id, [])
    cells = [
        Cell(case.case_no, below=[case.title or ""]),
        Cell(str(case.status.label), tone=case.status.tone, below=[listed(with_whom)]),
        Cell(officer.name if officer is not None else ""),
        due_cell(case),
        _feedback_cell(case, feedback.get(case.id), endings.get(case.id)),
    ]
    return Row(case.id, url_for("case.details_view", id=case.id), cells)


def _feedback_cell(record: Case, feedback: Feedback | None, ended: CaseEvent | None) -> Cell:
    """The latest feedback with its day; else the master case, or the reason of the end. All of it is the cell's text,
    because lines below are cut to one line."""
    if feedback is not None:
        return Cell(f"{_day(feedback.at)} {feedback.content}")
    if record.master is not None:
        return Cell(str(_("Goes on as {case}", case=record.master.case_no)))
    if ended is not None:
        texts = (ended.opinion, ended.payload.get("responsible"))
        return Cell(" ".join([_day(ended.at), *(str(part) for part in texts if part)]))
    return Cell()


def _day(value: datetime) -> str:
    return Day().format(local_day(value))
