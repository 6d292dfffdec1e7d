"""The page of a Monday's visits, for leaders, office and heads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import abort, render_template, request, url_for

from bureau.access.roles import LEADER, OFFICE
from bureau.visits import planning, rota
from bureau.visits.web import visit_places
from bureau.visits.web.visit_cards import VisitCard, card, load_visits
from models import Visit, VisitStatus
from panel.i18n import Message, _
from panel.kinds import Day, Invalid, today
from panel.web.context import current_actor
from panel.web.features import Route
from panel.web.pages import Chip, Page, Words


@dataclass(slots=True)
class WeekPage(Page):
    """The visits of a Monday; `chips` filter them by state."""

    monday: date = date.min
    before_url: str = ""
    after_url: str = ""
    chips: list[Chip] = field(default_factory=list)
    rates: list[tuple[Words, str]] = field(default_factory=list)
    cards: list[VisitCard] = field(default_factory=list)


def week() -> Any:
    """Show the visits of the Monday in the address, by default this week's."""
    if not visit_places.may_see_week():
        abort(403)
    day = today()
    try:
        monday = planning.monday_of(Day().parse(request.args.get("on")) or day)
        selected = VisitStatus.of(request.args["is"]) if request.args.get("is") else None
    except (Invalid, ValueError, KeyError):
        abort(404)
    visits = load_visits(Visit.planned_on == monday)
    counts = Counter(visit.status for visit in visits)
    week_page = WeekPage(title=visit_places.WEEK, sub=_long(monday), monday=monday, places=visit_places.tabs())
    week_page.before_url = url_for("duty_week", on=(monday - planning.WEEK).isoformat())
    week_page.after_url = url_for("duty_week", on=(monday + planning.WEEK).isoformat())

    def address(status: VisitStatus | None) -> str:
        return url_for("duty_week", on=monday.isoformat(), **({"is": status.value} if status else {}))  # type: ignore[arg-type]

    week_page.chips = [Chip(_("All"), address(None), len(visits), selected is None)]
    week_page.chips += [
        Chip(status.label, address(status), counts[status], selected is status)
        for status in VisitStatus
        if counts[status]
    ]
    if monday <= day:
        completed, punctual = rota.rates(visit.status for visit in visits)
        week_page.rates = [(_("Visits held"), completed), (_("Held on the Monday"), punctual)]
    may_change = bool(current_actor().roles & {LEADER, OFFICE})
    week_page.cards = [
        card(visit, changes=may_change) for visit in visits if selected is None or visit.status is selected
    ]
    return render_template("visits/week.html", page=week_page)


def _long(day: date) -> Message:
    return _("Monday, {year}-{month}-{day}", year=day.year, month=day.month, day=day.day)


ROUTES = (Route("/duty/week", "duty_week", week),)
