"""The views of cases: quick filters, the deadline cell, registration, details and steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

from flask import g, jsonify, request
from flask_admin.base import expose
from sqlalchemy import ColumnElement, and_, exists, false, or_, select

from bureau.calendar.calendar import Calendar
from bureau.calendar.deadlines import light, words
from bureau.calendar.web.office import calendar, values
from bureau.cases import stages
from bureau.cases.steps import STEPS, moving
from bureau.cases.steps.remarks import SUPERVISE
from bureau.cases.web import bulk_steps, case_page, report_page, step_aids, step_form
from bureau.cases.web.reopenings import begun
from models import (
    ENDED,
    Case,
    CaseEvent,
    CaseStatus,
    Feedback,
    Liaison,
    LimitUnit,
    Satisfaction,
    Source,
    Urgency,
)
from panel.i18n import Message, _
from panel.kinds import ZONE, minute, now, today
from panel.search.listing import Quick
from panel.security.policy import Actor, by_actor
from panel.web.context import current_panel
from panel.web.lookups import SchemaLoader, visible
from panel.web.pages import Cell
from panel.web.views import SchemaView


def _end_of_today() -> datetime:
    return datetime.combine(today() + timedelta(days=1), time(), ZONE)


@cache
def _in(states: tuple[CaseStatus, ...]) -> ColumnElement[bool]:
    """The condition for cases in one of these states, which a page needs many times."""
    return Case.status.in_(states)


def _status(*states: CaseStatus) -> Callable[[Actor], ColumnElement[bool]]:
    return lambda _actor: _in(states)


OPEN = tuple(status for status in CaseStatus if status not in ENDED)
#: Open states in which the deadline runs.
RUNNING = tuple(status for status in OPEN if status is not CaseStatus.SUSPENDED)


@by_actor
def mine(actor: Actor) -> ColumnElement[bool]:
    """Open cases that the actor handles or leads, or of the communities they are liaison of."""
    officers = actor.ids("officer")
    own = [Case.handler_id.in_(officers), Case.lead_officer_id.in_(officers)] if officers else []
    return and_(_in(OPEN), or_(false(), *own, Case.community_id.in_(actor.ids("liaison_community"))))


def overdue(_actor: Actor) -> ColumnElement[bool]:
    return and_(_in(RUNNING), Case.due_at < now())


def due_today(_actor: Actor) -> ColumnElement[bool]:
    return and_(_in(RUNNING), Case.due_at >= now(), Case.due_at < _end_of_today())


def unsatisfied(_actor: Actor) -> ColumnElement[bool]:
    """Closed cases with an unsatisfied answer since they were last handled."""
    since = or_(Case.handled_at.is_(None), Feedback.at >= minute(Case.handled_at))
    feedback = select(Feedback.id).where(
        Feedback.case_id == Case.id, Feedback.satisfaction == Satisfaction.UNSATISFIED, since, Feedback.counts()
    )
    return and_(Case.status == CaseStatus.CLOSED, exists(feedback))


def stalled(_actor: Actor) -> ColumnElement[bool]:
    """Cases whose stage limit is over. The condition is built once a request, for chip, tile and list."""
    if "stalled" not in g:
        g.stalled = stages.overdue(values(), calendar(), now())
    condition: ColumnElement[bool] = g.stalled
    return condition


def reported_myself(actor: Actor) -> ColumnElement[bool]:
    """Cases that the actor registered, and liaison reports in their name."""
    own = Case.liaison_id.in_(select(Liaison.id).where(Liaison.user_id == actor.user_id))
    return or_(Case.created_by_id == actor.user_id, own & (Case.source == Source.LIAISON))


def supervised(_actor: Actor) -> ColumnElement[bool]:
    """Open cases that a leader or the office has put under supervision."""
    events = select(CaseEvent.case_id).where(CaseEvent.step == SUPERVISE.name)
    return and_(Case.status.in_(OPEN), Case.id.in_(events))


QUICK = {
    "open": Quick(_("Open"), _status(*OPEN)),
    "reported": Quick(_("To accept"), _status(CaseStatus.REPORTED)),
    "accepted": Quick(_("To dispatch"), _status(CaseStatus.ACCEPTED)),
    "today": Quick(_("Due today"), due_today),
    "overdue": Quick(_("Overdue"), overdue),
    "stalled": Quick(_("Waits too long"), stalled),
    "handled": Quick(_("To verify"), _status(CaseStatus.HANDLED)),
    "verified": Quick(_("To feed back"), _status(CaseStatus.VERIFIED)),
    "running": Quick(
        _("On the clock"), lambda _a: and_(Case.status.in_(RUNNING), Case.due_at.is_not(None)), counted=False
    ),
    "mine": Quick(_("Mine"), mine, counted=False),
    "my_reports": Quick(_("What I reported"), reported_myself, counted=False),
    "unsatisfied": Quick(_("Unsatisfied"), unsatisfied, counted=False),
    "supervised": Quick(_("Supervised"), supervised, counted=False),
    "raised": Quick(_("Raised elsewhere"), lambda _a: Case.raised_to.is_not(None), counted=False),
    "suspended": Quick(_("Suspended"), _status(CaseStatus.SUSPENDED), counted=False),
}


def due_cell(case: Case) -> Cell:
    """The deadline in words with a light; below it the limit of the next step. When that limit is over, a green light
    turns yellow. A case without a deadline shows the limit of the next step alone."""
    # Called for every case, so that the number of statements is the same for every page.
    since = begun(case) or case.reported_at
    if case.status is CaseStatus.SUSPENDED:
        return Cell(str(_("The clock stands still")))
    ended = case.closed_at if case.status in ENDED else None
    if case.status in ENDED and (ended is None or case.due_at is None):
        return Cell()
    at, days = now(), calendar()
    waits = stages.pending(case, values(), days, at)
    awaited = _awaited(waits, at, days) if waits is not None else ""
    if case.due_at is None:
        return Cell(awaited, light=waits.light[0]) if waits is not None else Cell()
    text = str(words(at, case.due_at, ended, days))
    if ended is not None:
        return Cell(text, light="g" if ended <= case.due_at else "r")
    unit = LimitUnit.of((case.item_snapshot or {}).get("limit_unit", LimitUnit.WORKING_DAY))
    urgent = case.urgency is Urgency.URGENT
    colour = light(at, since, case.due_at, unit, days, urgent=urgent)
    if waits is not None and waits.light == "red" and colour == "green":
        colour = "yellow"
    return Cell(text, light=colour[0], below=[awaited] if awaited else [])


def _awaited(waits: stages.PendingStep, at: datetime, days: Calendar) -> str:
    """The next step with the time left, or how long it is overdue."""
    when = words(at, waits.due, None, days)
    if waits.light == "red":
        return str(_("{act}: {over}", act=waits.label, over=when))
    return str(_("{act} by {when}", act=waits.label, when=when))


class CaseView(bulk_steps.BulkSteps, SchemaView):
    """Cases. The state has no control: steps change it. The form of a new case is the report page."""

    quick = QUICK
    badge = "overdue"
    cells = {"due_at": due_cell}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Look-ups for the references that steps ask for besides the columns of a case.
        asked = {ask.name: ask.reference.table for step in STEPS.values() for ask in step.asks if ask.reference}
        for name, table in asked.items():
            self._form_ajax_refs.setdefault(name, SchemaLoader(name, table))

    @expose("/details/")
    def details_view(self) -> Any:
        record = self.get_one(request.args.get("id"))
        return self.render("cases/case.html", page=case_page.build(self, record, due_cell))

    @expose("/item/")
    def item_facts(self) -> Any:
        """What an item would fix for a case, as JSON pairs of label and text, while it is being chosen."""
        record = self.get_one(request.args.get("case"))
        item = visible("checklistitem", request.args.get("item"))
        lines = step_aids.facts(item, record, request.args.get("urgency", "")) if item is not None else []
        return jsonify([(str(label), text) for label, text in lines])

    @expose("/step/", methods=("GET", "POST"))
    def step_view(self) -> Any:
        return step_form.page(self)

    def on_save(self, record: Any, *, is_created: bool) -> None:
        if not is_created:
            moving.follow_change(current_panel().session, record)

    @property
    def add_label(self) -> Message:  # type: ignore[override]
        return report_page.title()

    #: A matter that comes up again is reported as such: the form finds the case before, and both are linked.
    copies = False

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        return report_page.page()
