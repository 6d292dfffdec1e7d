"""Visits as cards, for the officer's page and the page of the week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from bureau.calendar.deadlines import local_day
from bureau.visits import visits
from bureau.visits.rota import officer_of
from bureau.visits.web.visit_page import status_cell
from models import Community, Visit, VisitStatus
from panel.i18n import Message, _
from panel.kinds import Moment, today
from panel.web.context import current_panel
from panel.web.pages import Button, Cell, Words


@dataclass(slots=True)
class VisitCard:
    """A visit as a card; `act` is its button, `note` the times of arrival and departure."""

    url: str
    name: str
    day: Words
    status: Cell
    officer: str = ""
    note: Words = ""
    act: Button | None = None
    reason: str = ""
    #: On the page of the week: what leader and office can do.
    may_excuse: bool = False
    may_make_up: bool = False
    version: int = 0
    id: int = 0


def load_visits(*conditions: Any) -> list[Visit]:
    statement = (
        select(Visit)
        .join(Community, Visit.community_id == Community.id)
        .where(*conditions)
        .options(joinedload(Visit.community), joinedload(Visit.officer), joinedload(Visit.liaison))
        .order_by(Visit.planned_on, Community.name_key)
    )
    return list(current_panel().session.execute(statement).unique().scalars())


def card(visit: Visit, *, changes: bool = False) -> VisitCard:
    visit_card = VisitCard(
        url=url_for("duty_visit", id_=visit.id),
        name=visit.community.name,
        day=short_day(visit.planned_on),
        status=status_cell(visit),
        officer=officer_of(visit) or str(_("nobody assigned")),
        note=_times(visit),
        reason=visit.reason or "",
        version=visit.version,
        id=visit.id,
    )
    over = visit.planned_on < today()
    if changes:
        visit_card.may_excuse = visit.status in visits.WAITING
        visit_card.may_make_up = visit.status in visits.WAITING and over
    elif visit.status is VisitStatus.PLANNED and visit.planned_on == today():
        visit_card.act = Button(
            _("Check in"), url_for("duty_arrive", id_=visit.id), "map-marker", primary=True, post=True
        )
    elif visit.status in visits.HELD and visit.left_at is None and visit.arrived_at is not None:
        if local_day(visit.arrived_at) == today():
            visit_card.act = Button(
                _("Check out"), url_for("duty_leave", id_=visit.id), "sign-out", primary=True, post=True
            )
    elif visit.status in visits.WAITING and over:
        visit_card.act = Button(_("Make up for it"), visit_card.url, "map-marker", primary=True)
    return visit_card


def _times(visit: Visit) -> Words:
    if visit.arrived_at is None:
        return ""
    begun = Moment().format(visit.arrived_at.replace(second=0, microsecond=0))
    if local_day(visit.arrived_at) == visit.planned_on:
        begun = begun[-5:]
    if visit.left_at is None:
        return _("Arrived {at}", at=begun)
    ended = Moment().format(visit.left_at.replace(second=0, microsecond=0))[-5:]
    return _("{begun} to {ended}", begun=begun, ended=ended)


def short_day(day: date) -> Message:
    return _("{month}-{day}", month=day.month, day=day.day)
