"""What somebody has reported: where it is, who handles it, what came back."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import func, or_, select

from models import Case, Feedback, FeedbackTarget, Liaison, Source
from panel import listing
from panel.access import Actor
from panel.kinds import Moment
from panel.text import _
from panel.web.context import current_panel
from panel.web.pages import Cell, Column, Related, Row
from screens.cases import due_cell

SHOWN = 10


def table(actor: Actor) -> Related:
    """The latest cases that a liaison has reported, or that stand in their name. Three statements."""
    session = current_panel().session
    mine = or_(
        Case.created_by_id == actor.user_id,
        Case.liaison_id.in_(select(Liaison.id).where(Liaison.user_id == actor.user_id))
        & (Case.source == Source.LIAISON),
    )
    statement = select(Case.id, func.count().over()).where(mine).order_by(Case.reported_at.desc(), Case.id.desc())
    rows = session.execute(statement.limit(SHOWN)).all()
    records: list[Case] = listing.load(session, Case, [row[0] for row in rows], ["handler", "lead_officer", "master"])
    told = _told([record.id for record in records])
    return Related(
        label=_("What I reported"),
        count=rows[0][1] if rows else 0,
        url=url_for("case.index_view"),
        columns=[
            Column("case_no", _("Case no.")),
            Column("status", _("State")),
            Column("handler", _("Handler")),
            Column("due_at", _("Due")),
            Column("feedback", _("What came back"), wide=True),
        ],
        rows=[_row(record, told) for record in records],
    )


def _told(ids: list[int]) -> dict[int, Feedback]:
    """What the liaison was last told of each case."""
    statement = (
        select(Feedback)
        .where(Feedback.case_id.in_(ids), Feedback.target == FeedbackTarget.LIAISON)
        .order_by(Feedback.at, Feedback.id)
    )
    return {one.case_id: one for one in current_panel().session.execute(statement).scalars()} if ids else {}


def _row(record: Case, told: dict[int, Feedback]) -> Row:
    who = record.handler or record.lead_officer
    back = told.get(record.id)
    came = Cell(back.content, below=[Moment().format(back.at.replace(second=0, microsecond=0))]) if back else Cell()
    if back is None and record.master is not None:
        came = Cell(str(_("Goes on as {case}", case=record.master.case_no)))
    cells = [
        Cell(record.case_no, below=[record.title or ""]),
        Cell(str(record.status.label), tone=record.status.tone),
        Cell(who.name if who is not None else ""),
        due_cell(record),
        came,
    ]
    return Row(record.id, url_for("case.details_view", id=record.id), cells)
