"""The page of an officer's visits, designed for phones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import abort, render_template
from sqlalchemy import and_, or_

from bureau.calendar.calendar import WEEKDAYS
from bureau.calendar.deadlines import local_day
from bureau.visits import planning, visits
from bureau.visits.web import visit_places
from bureau.visits.web.visit_cards import VisitCard, card, load_visits, short_day
from models import Visit, VisitStatus
from panel.i18n import Message, _
from panel.kinds import today
from panel.security.policy import Actor
from panel.web.context import current_actor
from panel.web.features import Route
from panel.web.pages import Page, Words

#: Interval of planning.plan_and_miss().
PLANNING_INTERVAL = timedelta(minutes=15)
#: Weeks for which a missed Monday stays on the page.
MISSED_WEEKS = 8


@dataclass(slots=True)
class Section:
    label: Words
    cards: list[VisitCard]
    empty: Words = ""


@dataclass(slots=True)
class MondaysPage(Page):
    sections: list[Section] = field(default_factory=list)


def page() -> Any:
    """Show the officer's visits: today's, missed ones, this week's and coming ones."""
    if not visit_places.may_attend():
        abort(403)
    actor, day = current_actor(), today()
    loaded = load_visits(
        of_officer(actor),
        or_(
            Visit.planned_on.between(day, day + planning.WEEK),
            and_(Visit.planned_on.between(planning.monday_of(day), day), Visit.status.in_(visits.HELD)),
            and_(
                Visit.status.in_((VisitStatus.MISSED, VisitStatus.PLANNED)),
                Visit.planned_on.between(day - MISSED_WEEKS * planning.WEEK, day),
            ),
            and_(Visit.status == VisitStatus.MADE_UP, Visit.planned_on >= day - MISSED_WEEKS * planning.WEEK),
        ),
    )
    current, missed, held, coming = [], [], [], []
    for visit in loaded:
        held_today = visit.arrived_at is not None and local_day(visit.arrived_at) == day
        if held_today or (visit.planned_on == day and visit.status is not VisitStatus.EXEMPT):
            current.append(visit)
        elif visit.status in visits.HELD:
            if visit.arrived_at is not None and local_day(visit.arrived_at) >= planning.monday_of(day):
                held.append(visit)
        elif visit.planned_on < day:
            if visit.status is not VisitStatus.EXEMPT:
                missed.append(visit)
        else:
            coming.append(visit)
    mondays_page = MondaysPage(title=visit_places.MINE, sub=_day_words(day), places=visit_places.tabs())
    empty = _("No visit today. The next Monday is {day}.", day=short_day(_next_monday(day)))
    mondays_page.sections = [Section(_("Today"), [card(listed) for listed in current], empty)]
    for label, group in ((_("To be made up for"), missed), (_("Visited this week"), held), (_("Coming"), coming)):
        if group:
            mondays_page.sections.append(Section(label, [card(listed) for listed in group]))
    return render_template("visits/mondays.html", page=mondays_page)


def of_officer(actor: Actor) -> Any:
    """The condition for visits planned for this officer, or without an officer in a community assigned to them
    today."""
    officers = actor.ids("officer")
    return or_(
        Visit.officer_id.in_(officers), and_(Visit.officer_id.is_(None), Visit.community_id.in_(actor.ids("assigned")))
    )


def _next_monday(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


def _day_words(day: date) -> Message:
    return _("{month}-{day} {weekday}", month=day.month, day=day.day, weekday=WEEKDAYS[day.weekday()])


ROUTES = (Route("/duty", "duty", page),)
