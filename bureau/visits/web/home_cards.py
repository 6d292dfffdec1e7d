"""Cards of the home page: a liaison's officer, an officer's visits of today."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from bureau.visits.web.mondays import of_officer
from bureau.visits.web.visit_cards import load_visits
from bureau.visits.web.visit_places import may_attend
from models import Assignment, Visit, VisitStatus
from panel.i18n import _, n_
from panel.kinds import today
from panel.security.policy import Actor
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell, Words

CARD_DAYS = timedelta(days=60)


def liaison_card(_actor: Actor) -> tuple[Words, list[tuple[Words, Cell]]]:
    """The officer of the next planned visit, else the one assigned today, with telephone and day of the visit."""
    session, day = current_panel().session, today()
    statement = (
        select(Visit)
        .where(Visit.planned_on.between(day, day + CARD_DAYS), Visit.status == VisitStatus.PLANNED)
        .options(joinedload(Visit.officer))
        .order_by(Visit.planned_on)
        .limit(1)
    )
    visit = session.execute(statement).unique().scalar_one_or_none()
    officer = visit.officer if visit is not None else None
    lines: list[tuple[Words, Cell]] = []
    if officer is None:
        assigned = (
            select(Assignment)
            .where(Assignment.start_on <= day, or_(Assignment.end_on.is_(None), Assignment.end_on >= day))
            .options(joinedload(Assignment.officer))
            .order_by(Assignment.substitute.desc())
            .limit(1)
        )
        current = session.execute(assigned).unique().scalar_one_or_none()
        officer = current.officer if current is not None else None
    if officer is not None:
        lines.append((_("Officer"), Cell(officer.name)))
        lines.append((_("Telephone"), Cell(officer.mobile or "", f"tel:{officer.mobile}" if officer.mobile else None)))
    next_ = Cell(str(_("none planned")))
    if visit is not None:
        next_ = Cell(visit.planned_on.isoformat(), url_for("duty_visit", id_=visit.id))
    return _("Your officer"), [*lines, (_("Next Monday visit"), next_)]


def officer_cards(_actor: Actor) -> list[tuple[Words, list[tuple[Words, Cell]]]]:
    """The officer's visits planned for today."""
    if not may_attend():
        return []
    day = today()
    visits = load_visits(of_officer(current_actor()), Visit.planned_on == day, Visit.status != VisitStatus.EXEMPT)
    if not visits:
        return []
    lines: list[tuple[Words, Cell]] = [
        (visit.community.name, Cell(str(visit.status.label), url_for("duty"), visit.status.tone)) for visit in visits
    ]
    return [(n_("{n} visit today", "{n} visits today", len(visits)), lines)]
