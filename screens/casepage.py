"""The page of a case: where it stands, what I can do now, what was done; and the forms of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from casework import effects, workflow
from casework.workflow import Lacking, NotAllowed, Step
from models import Case, CaseEvent, CaseStatus, FeedbackTarget, Referral, StepName
from panel.base import display
from panel.fields import Field
from panel.integrity import explain
from panel.kinds import Invalid, Moment
from panel.text import Message, _
from panel.web import details, forms
from panel.web.context import current_actor, current_panel
from panel.web.lookups import visible
from panel.web.pages import Button, Cell, DetailsPage, FormPage, Group, HistoryItem, Input, Words

#: The way that most cases go; side states stand where the case stands.
WAY = (
    CaseStatus.REPORTED,
    CaseStatus.ACCEPTED,
    CaseStatus.DISPATCHED,
    CaseStatus.HANDLING,
    CaseStatus.HANDLED,
    CaseStatus.VERIFIED,
    CaseStatus.CLOSED,
)
TONES = {"close": "good", "reject": "bad", "void": "bad", "urge": "warn", "rework": "warn", "reopen": "warn"}
BUTTONS = 3


@dataclass(slots=True)
class Stop:
    """A stop on the way: `state` is done, now or ahead."""

    label: Words
    at: str
    state: str


@dataclass(slots=True)
class CasePage(DetailsPage):
    """The page of a case. `light` is its deadline in words."""

    way: list[Stop] = field(default_factory=list)
    light: Cell | None = None
    timeline: list[HistoryItem] = field(default_factory=list)


def build(view: Any, record: Case, due: Cell) -> CasePage:
    """The page of a case for whoever looks at it."""
    plain = details.build(view, record)
    events = _events(record)
    page = CasePage(
        title=f"{record.case_no} · {record.title or ''}",
        sub=_sub(record),
        tag=plain.tag,
        groups=[group for group in plain.groups if any(cell.text for _l, cell, _w in group.facts)],
        related=[related for related in plain.related if related.url.split("?")[0] != url_for("caseevent.index_view")],
        way=_way(record, events),
        light=due,
        timeline=[_item(event) for event in reversed(events)],
    )
    steps = workflow.available(current_actor(), record)
    acts = [_button(step, record, first=index == 0) for index, step in enumerate(steps)]
    shown = [button for button in plain.buttons if not button.danger]
    for button in shown:
        button.primary = False
    page.buttons = [*[b for b in acts if not b.primary], *shown, *[b for b in acts if b.primary]]
    return page


def _sub(record: Case) -> str:
    place = display(record.community) if record.community is not None else str(_("not visible"))
    lead = record.lead_officer.name if record.lead_officer is not None else ""
    return " · ".join(part for part in (place, record.place or "", lead) if part)


def _button(step: Step, record: Case, *, first: bool) -> Button:
    url = url_for("case.step_view", id=record.id, step=step.name)
    return Button(step.label, url, primary=first and step.primary, danger=step.grave)


def _events(record: Case) -> list[CaseEvent]:
    statement = select(CaseEvent).where(CaseEvent.case_id == record.id).order_by(CaseEvent.seq)
    return list(current_panel().session.execute(statement).scalars())


def _way(record: Case, events: list[CaseEvent]) -> list[Stop]:
    """When each stop was last reached; what lies behind the present state is ahead again after a step back."""
    reached: dict[CaseStatus, str] = {}
    for event in events:
        reached[event.to_status] = Moment().format(event.at.replace(second=0))[5:]
    here = record.status
    main = here if here in WAY else _before(events)
    stops: list[Stop] = []
    for status in WAY:
        behind = WAY.index(status) <= WAY.index(main)
        done = behind and status is not here
        now = status is here
        at = reached.get(status, "") if behind else ""
        stops.append(Stop(status.label, at, "now" if now else "done" if done else "ahead"))
        if status is main and here not in WAY:
            stops.append(Stop(here.label, reached.get(here, ""), "now"))
            if here in (CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED):
                break
    return stops


def _before(events: list[CaseEvent]) -> CaseStatus:
    """The last stop of the way that a case in a side state has passed."""
    return next((e.to_status for e in reversed(events) if e.to_status in WAY), CaseStatus.REPORTED)


def _item(event: CaseEvent) -> HistoryItem:
    """An event as the timeline shows it."""
    return HistoryItem(
        act=StepName(20).format(event.step),
        tone=TONES.get(event.step, "brand" if event.from_status is not event.to_status else ""),
        who=event.actor_name,
        at=Moment().format(event.at.replace(second=0)),
        note=event.opinion or "",
    )


# The form of a step.


def step_page(view: Any) -> Any:
    """Show the form of a step, or take it."""
    record: Case = view.get_one(request.args.get("id"))
    step = workflow.STEPS.get(request.args.get("step", ""))
    if step is None or not step.sources:
        abort(404)
    if not workflow.may_take(current_actor(), record, step):
        abort(403)
    if request.method == "POST":
        return _take(view, record, step)
    if record.status not in step.sources:
        flash(str(workflow.meanwhile(current_panel().session, record)), "warning")
        return redirect(url_for("case.details_view", id=record.id))
    return view.render("panel/form.html", page=_form(record, step, _prefilled(record, step), {}))


def _prefilled(record: Case, step: Step) -> dict[str, str]:
    """What the form begins with: the address's values, the step's defaults, what is known of the case."""
    known: dict[str, Any] = {"item": record.item_id, "urgency": record.urgency, "outcome": record.outcome}
    if step.name == "dispatch":
        known["handler"] = record.handler_id or record.lead_officer_id
    found = {}
    for ask in step.asks:
        value = request.args.get(ask.name) or known.get(ask.name) or ask.default
        found[ask.name] = "" if value is None else str(getattr(value, "value", value))
    return found


def _take(view: Any, record: Case, step: Step) -> Any:
    given = {ask.name: request.form.get(ask.name, "") for ask in step.asks}
    values, problems = workflow.parse(step, given)
    for ask in step.asks:
        value = values.get(ask.name)
        if ask.reference and value is not None and visible(ask.reference.table, value) is None:
            problems[ask.name] = _("Choose one from the list.")
    session = current_panel().session
    version = request.form.get("version", "")
    id_ = record.id
    general: Message | None = None
    if not problems:
        try:
            workflow.take(session, record, step.name, values, version=int(version) if version.isdigit() else None)
            session.commit()
        except Lacking as lacking:
            problems = lacking.problems
        except (Invalid, NotAllowed) as refusal:
            general = refusal.message
        except IntegrityError as error:
            general = explain(error, Referral)[1]
        except StaleDataError:
            session.rollback()
            general = workflow.meanwhile(session, view.get_one(id_))
        else:
            flash(str(_("Done: {step}", step=step.label)), "success")
            return redirect(url_for("case.details_view", id=id_))
        session.rollback()
        record = view.get_one(id_)
    if general is not None:
        flash(str(general), "danger")
        if record.status not in step.sources:
            return redirect(url_for("case.details_view", id=id_))
    return view.render("panel/form.html", page=_form(record, step, given, problems)), 422


def _form(record: Case, step: Step, given: Mapping[str, str], problems: Mapping[str, Message]) -> FormPage:
    inputs = [_input(record, ask, given.get(ask.name, ""), problems.get(ask.name)) for ask in step.asks]
    inputs = [made for made in inputs if made is not None]
    page = FormPage(
        title=f"{step.label} · {record.case_no}",
        sub=record.title or "",
        groups=[Group(step.label, inputs)] if inputs else [],
        submit=step.label,
        version=record.version,
        cancel_url=url_for("case.details_view", id=record.id),
    )
    page.errors = [(made.name, made.label, made.errors[0]) for made in inputs if made.errors]
    if step.name == "close":
        due = effects.feedback_due(current_panel().session, record)
        page.groups = [Group(_told(due), inputs)]
    return page


def _told(due: set[FeedbackTarget]) -> Message:
    if due == {FeedbackTarget.LIAISON, FeedbackTarget.COMPLAINANT}:
        return _("The liaison and the complainant have to be told before closing")
    if due:
        return _("The {who} has to be told before closing", who=next(iter(due)).label)
    return _("Everybody has been told")


def _input(record: Case, ask: Field, value: str, problem: Message | None) -> Input:
    """A value that a step asks for; a referral is chosen among the open ones of this case."""
    if ask.reference and ask.reference.table == "referral":
        statement = select(Referral).where(Referral.case_id == record.id, Referral.status.in_(effects.PENDING))
        found = current_panel().session.execute(statement).scalars().all()
        made = Input(ask.name, ask.label, "select")
        made.choices = [
            (str(referral.id), f"{referral.document_no or ''} {referral.department.name}") for referral in found
        ]
        if len(found) == 1:
            value = str(found[0].id)
    else:
        made = forms.control(ask.kind, ask, "case")
        if ask.reference and value.isdigit():
            target = visible(ask.reference.table, int(value))
            made.text = display(target) if target is not None else ""
            value = value if target is not None else ""
    made.value, made.required, made.help = value, ask.required, ask.help
    made.was = value
    made.errors = [str(problem)] if problem else []
    return made
