"""What somebody has reported: where it is, who handles it, what came back, or why it isn't taken further."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from sqlalchemy import func, select

from bureau.calendar.deadlines import local_day
from bureau.cases.steps import Step, names
from bureau.cases.web.case_views import due_cell, reported_myself
from models import ENDED, PENDING, Case, CaseEvent, CaseStatus, Department, Feedback, FeedbackTarget, Referral
from panel.i18n import _
from panel.kinds import Day
from panel.search import listing
from panel.security.policy import Actor
from panel.web.context import current_panel
from panel.web.pages import Cell, Column, Related, Row

SHOWN = 10
#: Ends of cases that nobody handled.
UNHANDLED = (CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED)


def table(actor: Actor) -> Related:
    """The latest cases that a liaison has reported, or that stand in their name. Three statements, and one more each
    where some are with a department or ended unhandled."""
    session = current_panel().session
    statement = (
        select(Case.id, func.count().over())
        .where(reported_myself(actor))
        .order_by(Case.reported_at.desc(), Case.id.desc())
    )
    rows = session.execute(statement.limit(SHOWN)).all()
    records: list[Case] = listing.load(session, Case, [row[0] for row in rows], ["handler", "lead_officer", "master"])
    ids = [record.id for record in records]
    told = _told(ids)
    ended = _ended([record.id for record in records if record.status in UNHANDLED])
    asked = _departments([record.id for record in records if record.status is CaseStatus.REFERRED])
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
        rows=[_row(record, told, ended, asked) for record in records],
    )


def _told(ids: list[int]) -> dict[int, Feedback]:
    """What the liaison was last told of each case."""
    statement = (
        select(Feedback)
        .where(Feedback.case_id.in_(ids), Feedback.target == FeedbackTarget.LIAISON)
        .order_by(Feedback.at, Feedback.id)
    )
    return {one.case_id: one for one in current_panel().session.execute(statement).scalars()} if ids else {}


def _ends_unhandled(step: Step) -> bool:
    return step.target in ENDED and step.target is not CaseStatus.CLOSED


def _ended(ids: list[int]) -> dict[int, CaseEvent]:
    """The steps that ended cases without their having been handled: they say why."""
    statement = (
        select(CaseEvent)
        .where(CaseEvent.case_id.in_(ids), CaseEvent.step.in_(names(_ends_unhandled)))
        .order_by(CaseEvent.seq)
    )
    return {one.case_id: one for one in current_panel().session.execute(statement).scalars()} if ids else {}


def _departments(ids: list[int]) -> dict[int, list[str]]:
    """The departments that an answer is awaited of."""
    statement = (
        select(Referral.case_id, Department.name)
        .join(Department, Department.id == Referral.department_id)
        .where(Referral.case_id.in_(ids), Referral.status.in_(PENDING))
        .order_by(Referral.id)
    )
    found: dict[int, list[str]] = {}
    for case, name in current_panel().session.execute(statement) if ids else ():
        found.setdefault(case, []).append(name)
    return found


def _row(record: Case, told: dict[int, Feedback], ended: dict[int, CaseEvent], asked: dict[int, list[str]]) -> Row:
    who = record.handler or record.lead_officer
    with_whom = asked.get(record.id, [])
    cells = [
        Cell(record.case_no, below=[record.title or ""]),
        Cell(str(record.status.label), tone=record.status.tone, below=["、".join(with_whom)]),
        Cell(who.name if who is not None else ""),
        due_cell(record),
        _came_back(record, told.get(record.id), ended.get(record.id)),
    ]
    return Row(record.id, url_for("case.details_view", id=record.id), cells)


def _came_back(record: Case, back: Feedback | None, ended: CaseEvent | None) -> Cell:
    """What was told and when; else as what the case goes on, or why it doesn't. All of it is text, since it is what the
    page is for: lines below would leave it one line."""
    if back is not None:
        return Cell(f"{_day(back.at)} {back.content}")
    if record.master is not None:
        return Cell(str(_("Goes on as {case}", case=record.master.case_no)))
    if ended is not None:
        told = (ended.opinion, ended.payload.get("responsible"))
        return Cell(" ".join([_day(ended.at), *(str(part) for part in told if part)]))
    return Cell()


def _day(value: datetime) -> str:
    return Day().format(local_day(value))
