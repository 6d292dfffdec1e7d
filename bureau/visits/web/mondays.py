"""An officer's own visits on screen, made for a phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import abort, render_template, url_for
from sqlalchemy import and_, or_

from bureau.access.roles import OFFICER
from bureau.calendar.calendar import WEEKDAYS
from bureau.calendar.deadlines import local_day
from bureau.visits import planning, visits
from bureau.visits.web.visit_cards import VisitCard, card, load_visits, short_day
from models import Visit, VisitStatus
from panel.i18n import Message, _
from panel.kinds import today
from panel.security.policy import Actor, Permission
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.pages import Button, Page, Words

#: How often the program looks whether visits have to be planned, moved or told as missed.
EVERY = timedelta(minutes=15)
#: For how long a missed Monday waits on the officer's page to be made up for.
MISSED_WEEKS = 8


@dataclass(slots=True)
class Section:
    label: Words
    cards: list[VisitCard]
    empty: Words = ""


@dataclass(slots=True)
class MondaysPage(Page):
    sections: list[Section] = field(default_factory=list)


def may_attend() -> bool:
    """Who visits: officers."""
    return OFFICER in current_actor().roles and current_panel().policy.may(current_actor(), Permission.EDIT, Visit)


def mine() -> Any:
    """An officer's visits: today's and those begun, those to make up for, the next ones."""
    if not may_attend():
        abort(403)
    actor, day = current_actor(), today()
    found = load_visits(
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
    now_on, missed, done, later = [], [], [], []
    for visit in found:
        held_today = visit.arrived_at is not None and local_day(visit.arrived_at) == day
        if held_today or (visit.planned_on == day and visit.status is not VisitStatus.EXEMPT):
            now_on.append(visit)
        elif visit.status in visits.HELD:
            if visit.arrived_at is not None and local_day(visit.arrived_at) >= planning.monday_of(day):
                done.append(visit)
        elif visit.planned_on < day:
            if visit.status is not VisitStatus.EXEMPT:
                missed.append(visit)
        else:
            later.append(visit)
    shown = MondaysPage(title=_("My Mondays"), sub=_day_words(day))
    shown.buttons = [Button(_("Visit rota"), url_for("duty_rota"), "calendar")]
    none = _("No visit today. The next Monday is {day}.", day=short_day(_next_monday(day)))
    shown.sections = [Section(_("Today"), [card(one) for one in now_on], none)]
    for label, group in ((_("To be made up for"), missed), (_("Visited this week"), done), (_("Coming"), later)):
        if group:
            shown.sections.append(Section(label, [card(one) for one in group]))
    return render_template("visits/mondays.html", page=shown)


def of_officer(actor: Actor) -> Any:
    """Those planned for this officer, and those of a community that is theirs today and has nobody planned."""
    me = actor.ids("officer")
    return or_(
        Visit.officer_id.in_(me), and_(Visit.officer_id.is_(None), Visit.community_id.in_(actor.ids("assigned")))
    )


def _next_monday(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


def _day_words(day: date) -> Message:
    return _("{month}-{day} {weekday}", month=day.month, day=day.day, weekday=WEEKDAYS[day.weekday()])


ROUTES = (Route("/duty", "duty", mine),)
