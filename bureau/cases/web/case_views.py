"""Cases: the quick filters of the daily work, and registering a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from flask import g, jsonify, request
from flask_admin.base import expose
from sqlalchemy import ColumnElement, and_, exists, false, or_, select

from bureau.calendar.deadlines import light, words
from bureau.calendar.sql_days import minute
from bureau.calendar.web.office import begun, calendar, values
from bureau.cases import intake, stages
from bureau.cases.steps import STEPS
from bureau.cases.steps.remarks import SUPERVISE
from bureau.cases.web import bulk_steps, case_page, step_aids, step_form
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
from panel.i18n import _
from panel.kinds import ZONE, now, today
from panel.search.listing import Quick
from panel.security.policy import Actor
from panel.web.context import current_actor, current_panel
from panel.web.lookups import SchemaLoader, visible
from panel.web.pages import Cell
from panel.web.views import SchemaView


def _end_of_today() -> datetime:
    return datetime.combine(today() + timedelta(days=1), time(), ZONE)


def _status(*states: CaseStatus) -> Callable[[Actor], ColumnElement[bool]]:
    return lambda _actor: Case.status.in_(states)


OPEN = [status for status in CaseStatus if status not in ENDED]
#: The clock stands still for suspended cases.
RUNNING = [status for status in OPEN if status is not CaseStatus.SUSPENDED]


def mine(actor: Actor) -> ColumnElement[bool]:
    """Open cases in which the person is handler or lead officer, or of the liaison's community."""
    me = actor.ids("officer")
    own = [Case.handler_id.in_(me), Case.lead_officer_id.in_(me)] if me else []
    return and_(Case.status.in_(OPEN), or_(false(), *own, Case.community_id.in_(actor.ids("liaison_community"))))


def overdue(_actor: Actor) -> ColumnElement[bool]:
    return and_(Case.status.in_(RUNNING), Case.due_at < now())


def due_today(_actor: Actor) -> ColumnElement[bool]:
    return and_(Case.status.in_(RUNNING), Case.due_at >= now(), Case.due_at < _end_of_today())


def unsatisfied(_actor: Actor) -> ColumnElement[bool]:
    """Closed, and the complainant said so since it was last handled."""
    since = or_(Case.handled_at.is_(None), Feedback.at >= minute(Case.handled_at))
    told = select(Feedback.id).where(
        Feedback.case_id == Case.id, Feedback.satisfaction == Satisfaction.UNSATISFIED, since
    )
    return and_(Case.status == CaseStatus.CLOSED, exists(told))


def stalled(_actor: Actor) -> ColumnElement[bool]:
    """Longer without its next act than the office allows; worked out once a request, for chip, tile and list."""
    if "stalled" not in g:
        g.stalled = stages.overdue(values(), calendar(), now())
    found: ColumnElement[bool] = g.stalled
    return found


def reported_myself(actor: Actor) -> ColumnElement[bool]:
    """What a person has reported, and what stands in their name as liaison."""
    own = Case.liaison_id.in_(select(Liaison.id).where(Liaison.user_id == actor.user_id))
    return or_(Case.created_by_id == actor.user_id, own & (Case.source == Source.LIAISON))


def supervised(_actor: Actor) -> ColumnElement[bool]:
    """Open cases of which a leader or the office has demanded an end."""
    demanded = select(CaseEvent.case_id).where(CaseEvent.step == SUPERVISE.name)
    return and_(Case.status.in_(OPEN), Case.id.in_(demanded))


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
    """The deadline as a light with words, never a bare date. Below it, until when the next act is awaited: when that is
    over, a green light is yellow. Before a case is accepted it is its deadline."""
    # Asked first, so that a page costs the same whatever its cases are.
    since = begun(case) or case.reported_at
    if case.status is CaseStatus.SUSPENDED:
        return Cell(str(_("The clock stands still")))
    ended = case.closed_at if case.status in ENDED else None
    if case.status in ENDED and (ended is None or case.due_at is None):
        return Cell()
    waits = stages.pending(case, values(), calendar(), now())
    awaited = _awaited(waits) if waits is not None else ""
    if case.due_at is None:
        return Cell(awaited, light=waits.light[0]) if waits is not None else Cell()
    text = str(words(now(), case.due_at, ended, calendar()))
    if ended is not None:
        return Cell(text, light="g" if ended <= case.due_at else "r")
    unit = LimitUnit.of((case.item_snapshot or {}).get("limit_unit", LimitUnit.WORKING_DAY))
    urgent = case.urgency is Urgency.URGENT
    shown = light(now(), since, case.due_at, unit, calendar(), urgent=urgent)
    if waits is not None and waits.light == "red" and shown == "green":
        shown = "yellow"
    return Cell(text, light=shown[0], below=[awaited] if awaited else [])


def _awaited(waits: stages.PendingStep) -> str:
    """Until when a case should be accepted, dispatched and so on; after that, for how long it should have been."""
    when = words(now(), waits.due, None, calendar())
    if waits.light == "red":
        return str(_("{act}: {over}", act=waits.label, over=when))
    return str(_("{act} by {when}", act=waits.label, when=when))


class CaseView(bulk_steps.BulkSteps, SchemaView):
    """Cases; the state is never typed. A new one gets its number and its first event."""

    quick = QUICK
    badge = "overdue"
    add_label = _("Register a case")
    cells = {"due_at": due_cell}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Steps ask for records that are no column of a case.
        asked = {ask.name: ask.reference.table for step in STEPS.values() for ask in step.asks if ask.reference}
        for name, table in asked.items():
            self._form_ajax_refs.setdefault(name, SchemaLoader(name, table))

    @expose("/details/")
    def details_view(self) -> Any:
        record = self.get_one(request.args.get("id"))
        return self.render("cases/case.html", page=case_page.build(self, record, due_cell))

    @expose("/item/")
    def item_facts(self) -> Any:
        """What an item would fix for a case, while it is being chosen."""
        record = self.get_one(request.args.get("case"))
        item = visible("checklistitem", request.args.get("item"))
        lines = step_aids.facts(item, record, request.args.get("urgency", "")) if item is not None else []
        return jsonify([(str(label), text) for label, text in lines])

    @expose("/step/", methods=("GET", "POST"))
    def step_view(self) -> Any:
        return step_form.page(self)

    def on_save(self, record: Any, *, is_created: bool) -> None:
        if is_created:
            actor = current_actor()
            intake.register(current_panel().session, record, actor.user_id, actor.name)
