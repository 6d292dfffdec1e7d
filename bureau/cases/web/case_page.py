"""The page of a case: its progress, the steps the reader can take, its facts and its timeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import Select, select

from bureau.calendar.web.office import values
from bureau.cases import repeats, workflow
from bureau.cases.repeats import LikelyRepeats
from bureau.cases.steps import STEPS, Step, restarting
from bureau.cases.steps.handling import REOPEN
from bureau.cases.steps.intake import MERGE
from bureau.cases.web import photos, sections, step_aids
from bureau.cases.web.reopenings import cache_reopenings
from models import ENDED, Case, CaseEvent, CaseStatus, Feedback, Satisfaction, StepName
from panel.fields import Field, field_named
from panel.i18n import Message, _, n_
from panel.kinds import Moment
from panel.search.names import NOT_VISIBLE, name_of, visible_names
from panel.web import details
from panel.web.context import current_panel
from panel.web.pages import Button, Cell, Change, DetailsPage, Group, HistoryItem, Words

#: The states of most cases, in order. A side state is shown after the last of them that the case has reached.
MAIN_STATES = (
    CaseStatus.REPORTED,
    CaseStatus.ACCEPTED,
    CaseStatus.DISPATCHED,
    CaseStatus.HANDLING,
    CaseStatus.HANDLED,
    CaseStatus.VERIFIED,
    CaseStatus.CLOSED,
)
#: Related tables left out, because the timeline and the facts show them.
SHOWN_ELSEWHERE = ("caseevent", "case", "deadlinechange", "surveyentry")
#: Warning for an unsatisfied answer given since the case was last handled.
UNSATISFIED = _("The complainant is unsatisfied. The squad leader may reopen the case.")


@dataclass(slots=True)
class ProgressStop:
    """A stop of the progress bar; `state` is "done", "now" or "ahead"."""

    label: Words
    at: str
    state: str


@dataclass(slots=True)
class CasePage(DetailsPage):
    """`light` is the deadline in words, with its colour."""

    progress: list[ProgressStop] = field(default_factory=list)
    light: Cell | None = None
    timeline: list[HistoryItem] = field(default_factory=list)
    photos: photos.CaseAttachments | None = None
    sections: list[sections.Section] = field(default_factory=list)
    #: Sentences above the case, each with a button or None.
    notices: list[tuple[Words, Button | None]] = field(default_factory=list)


def build(view: Any, record: Case, due_cell: Callable[[Case], Cell]) -> CasePage:
    """The page of a case for the current actor. Its events make the timeline, which replaces the history."""
    events = _events(record)
    reopened = [event.at for event in events if event.step in restarting()]
    cache_reopenings({record.id: reopened[-1]} if reopened else {})
    due = due_cell(record)
    loaded = [(source, source.load(record)) for source in sections.SOURCES]
    # A filled section brings its own tables: one related table less for each.
    tables = details.RELATED_TABLES - sum(section_data.filled for _source, section_data in loaded)
    shown_elsewhere = (*SHOWN_ELSEWHERE, *(table for source in sections.SOURCES for table in source.tables))
    details_page = details.build(view, record, without=shown_elsewhere, tables=tables, with_history=False)
    page = CasePage(
        title=f"{record.case_no} · {record.title or ''}",
        sub=_sub(record),
        tag=details_page.tag,
        groups=_groups(record, details_page.groups),
        related=details_page.related,
        progress=_progress(record, events),
        light=Cell(" · ".join([due.text, *due.below]), light=due.light) if due.text else None,
        timeline=_timeline(events),
    )
    page.photos = photos.attachments_of(record)
    standing = workflow.standing(current_panel().session, record)
    known = {name: value for _source, section_data in loaded for name, value in section_data.known.items()}
    steps = workflow.available(current_panel().session, record, standing, known)
    page.sections = [source.show(record, section_data, steps) for source, section_data in loaded]
    page.related = [*(table for section in page.sections for table in section.tables), *page.related]
    if standing.request_pending and (request := _pending_request(events)):
        page.notices.append((request, None))
    step_buttons = [_button(step, record, first=index == 0) for index, step in enumerate(steps)]
    shown = [button for button in details_page.buttons if not button.danger]
    for button in shown:
        button.primary = False
    _add_repeats(page, record, {step.name for step in steps})
    page.buttons = [*[b for b in step_buttons if not b.primary], *shown, *[b for b in step_buttons if b.primary]]
    return page


def _groups(record: Case, groups: list[Group]) -> list[Group]:
    """The groups of facts: "historic" only where it is true, and the facts that the item fixed second."""
    historic = field_named(Case, "historic")
    if historic is not None and not record.historic:
        for group in groups:
            group.facts = [fact for fact in group.facts if fact[0] != historic.label]
    shown = [group for group in groups if any(cell.text for _l, cell, _w in group.facts)]
    if fixed := step_aids.fixed_facts(record):
        shown.insert(1, Group(_("Fixed by the item when it was chosen"), facts=fixed))
    return shown


def _pending_request(events: list[CaseEvent]) -> Message | None:
    """The newest request for approval as a sentence, from its event."""
    newest = next((event for event in reversed(events) if (s := STEPS.get(event.step)) and s.asks_approval), None)
    if newest is None:
        return None
    step = StepName(20).format(newest.step)
    return _(
        "Approval asked by {who} ({step}): {reason}", who=newest.actor_name, step=step, reason=newest.opinion or ""
    )


def _add_repeats(page: CasePage, record: Case, available: set[str]) -> None:
    """Add the likely repeats of an open case, the cases merged into it, and for a closed case the warning UNSATISFIED.
    Two statements at most, one for an open case."""
    session = current_panel().session
    if record.status in ENDED:
        likely = LikelyRepeats(merged=repeats.merged_into(session, record))
        if record.status is CaseStatus.CLOSED and session.execute(unsatisfied(record)).first():
            url = url_for("case.step_view", id=record.id, step=REOPEN.name)
            reopen = Button(REOPEN.label, url) if REOPEN.name in available else None
            page.notices.append((UNSATISFIED, reopen))
    else:
        likely = repeats.of_case(session, record, values()["repeat_days"])
        if likely.repeats and record.status is CaseStatus.REPORTED:
            words = n_(
                "{n} similar case is known: see below.", "{n} similar cases are known: see below.", len(likely.repeats)
            )
            page.notices.append((words, None))
        if message := step_aids.elsewhere(likely):
            page.notices.append((message, None))
    page.related = [*step_aids.tables(likely, record, merging=MERGE.name in available), *page.related]


def unsatisfied(record: Case) -> Select[Any]:
    statement = select(Feedback.id).where(
        Feedback.case_id == record.id, Feedback.satisfaction == Satisfaction.UNSATISFIED
    )
    if record.handled_at is not None:
        statement = statement.where(Feedback.at >= record.handled_at.replace(second=0, microsecond=0))
    return statement.limit(1)


def _sub(record: Case) -> str:
    place = name_of(record.community)
    lead = record.lead_officer.name if record.lead_officer is not None else ""
    return " · ".join(part for part in (place, record.place or "", lead) if part)


def _button(step: Step, record: Case, *, first: bool) -> Button:
    url = url_for("case.step_view", id=record.id, step=step.name)
    return Button(step.label, url, primary=first and step.primary, danger=step.grave)


def _events(record: Case) -> list[CaseEvent]:
    statement = select(CaseEvent).where(CaseEvent.case_id == record.id).order_by(CaseEvent.seq)
    return list(current_panel().session.execute(statement).scalars())


def _progress(record: Case, events: list[CaseEvent]) -> list[ProgressStop]:
    """The stops with the time each was last reached. After a step back, the later stops are ahead again."""
    reached: dict[CaseStatus, str] = {}
    for event in events:
        reached[event.to_status] = Moment().format(event.at.replace(second=0))[5:]
    here = record.status
    main = here if here in MAIN_STATES else _last_main_state(events)
    stops: list[ProgressStop] = []
    for status in MAIN_STATES:
        behind = MAIN_STATES.index(status) <= MAIN_STATES.index(main)
        done = behind and status is not here
        now = status is here
        at = reached.get(status, "") if behind else ""
        stops.append(ProgressStop(status.label, at, "now" if now else "done" if done else "ahead"))
        if status is main and here not in MAIN_STATES:
            stops.append(ProgressStop(here.label, reached.get(here, ""), "now"))
            if here in (CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED):
                break
    return stops


def _last_main_state(events: list[CaseEvent]) -> CaseStatus:
    """The last main state of a case that is in a side state."""
    return next((e.to_status for e in reversed(events) if e.to_status in MAIN_STATES), CaseStatus.REPORTED)


def _timeline(events: list[CaseEvent]) -> list[HistoryItem]:
    """The events as history items, the newest first."""
    names = _names(events)
    return [
        HistoryItem(
            act=StepName(20).format(event.step),
            tone=_tone(event),
            who=event.actor_name,
            at=Moment().format(event.at.replace(second=0)),
            note=event.opinion or "",
            changes=[
                *(
                    Change(ask.label, _previous(ask, event, names), _words(ask, value, names))
                    for ask, value in _step_values(event)
                ),
                *_moved_deadline(event),
            ],
        )
        for event in reversed(events)
    ]


def _tone(event: CaseEvent) -> str:
    step = STEPS.get(event.step)
    if step is not None and step.tone is not None:
        return step.tone
    return "brand" if event.from_status is not event.to_status else ""


def _step_values(event: CaseEvent) -> Iterator[tuple[Field, Any]]:
    """The values entered with a step, except its opinion."""
    step = STEPS.get(event.step)
    for ask in step.asks if step else ():
        if (value := event.payload.get(ask.name)) is not None:
            yield ask, value


def _previous(ask: Field, event: CaseEvent, names: Mapping[tuple[str, Any], str]) -> str:
    """The value that the step replaced, such as the item before; "" where the event keeps none."""
    before = event.payload.get(f"{ask.name}_before")
    return "" if before is None else _words(ask, before, names)


def _moved_deadline(event: CaseEvent) -> Iterator[Change]:
    """The deadline before and after a step that moved it."""
    moments = [event.payload.get(f"due_{when}") for when in ("before", "after")]
    if all(isinstance(moment, str) for moment in moments):
        before, after = (
            Moment().format(datetime.fromisoformat(str(moment)).replace(second=0, microsecond=0)) for moment in moments
        )
        yield Change(_("Due"), before, after)


def _names(events: list[CaseEvent]) -> Mapping[tuple[str, Any], str]:
    """The names of the records that the steps refer to, by table and id. One statement for each table."""
    ids: dict[str, set[int]] = defaultdict(set)
    for event in events:
        for ask, value in _step_values(event):
            for id_ in (value, event.payload.get(f"{ask.name}_before")):
                if ask.reference and isinstance(id_, int):
                    ids[ask.reference.table].add(id_)
    return visible_names(current_panel().session, ids)


def _words(ask: Field, value: Any, names: Mapping[tuple[str, Any], str]) -> str:
    if ask.reference:
        return names.get((ask.reference.table, value), str(NOT_VISIBLE))
    return ask.kind.show(value)
