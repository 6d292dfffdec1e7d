"""The page of a case: where it stands, what I can do now, what was done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import Select, inspect, select

from bureau.calendar.web.office import know_reopenings, values
from bureau.cases import repeats, workflow
from bureau.cases.repeats import LikelyRepeats
from bureau.cases.steps import STEPS, Step, restarting
from bureau.cases.steps.handling import REOPEN
from bureau.cases.steps.intake import MERGE
from bureau.cases.web import photos, sections, step_aids
from models import ENDED, Case, CaseEvent, CaseStatus, Feedback, Satisfaction, StepName
from panel.base import display
from panel.fields import Field, field_named
from panel.i18n import Message, _, n_
from panel.kinds import Moment
from panel.search import listing
from panel.security.policy import model_of
from panel.web import details
from panel.web.context import current_panel
from panel.web.pages import Button, Cell, Change, DetailsPage, Group, HistoryItem, Words

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
#: Tables that the timeline and the case's own values tell already.
ELSEWHERE = ("caseevent", "case", "deadlinechange", "surveyentry")
#: Feedback that asks for another look: given since the case was last handled.
UNSATISFIED = _("The complainant is unsatisfied. The squad leader may reopen the case.")


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
    photos: photos.Strip | None = None
    sections: list[sections.Section] = field(default_factory=list)
    #: Sentences above the case, each with what can be done about it.
    notices: list[tuple[Words, Button | None]] = field(default_factory=list)


def build(view: Any, record: Case, due_cell: Callable[[Case], Cell]) -> CasePage:
    """The page of a case for whoever looks at it. Its events make the timeline, which is its history."""
    events = _events(record)
    reopened = [event.at for event in events if event.step in restarting()]
    know_reopenings({record.id: reopened[-1]} if reopened else {})
    due = due_cell(record)
    loaded = [(source, source.load(record)) for source in sections.SOURCES]
    # A section has tables of its own: one of the others gives way.
    tables = details.RELATED_TABLES - sum(found.filled for _source, found in loaded)
    told = (*ELSEWHERE, *(table for source in sections.SOURCES for table in source.tables))
    plain = details.build(view, record, without=told, tables=tables, with_history=False)
    page = CasePage(
        title=f"{record.case_no} · {record.title or ''}",
        sub=_sub(record),
        tag=plain.tag,
        groups=_groups(record, plain.groups),
        related=plain.related,
        way=_way(record, events),
        light=Cell(" · ".join([due.text, *due.below]), light=due.light) if due.text else None,
        timeline=_timeline(events),
    )
    page.photos = photos.strip(record)
    who = workflow.standing(current_panel().session, record)
    known = {name: value for _source, found in loaded for name, value in found.known.items()}
    steps = workflow.available(current_panel().session, record, who, known)
    page.sections = [source.show(record, found, steps) for source, found in loaded]
    page.related = [*(table for section in page.sections for table in section.tables), *page.related]
    if who.request_pending and (asked := _asked(events)):
        page.notices.append((asked, None))
    acts = [_button(step, record, first=index == 0) for index, step in enumerate(steps)]
    shown = [button for button in plain.buttons if not button.danger]
    for button in shown:
        button.primary = False
    _compare(page, record, {step.name for step in steps})
    page.buttons = [*[b for b in acts if not b.primary], *shown, *[b for b in acts if b.primary]]
    return page


def _groups(record: Case, groups: list[Group]) -> list[Group]:
    """What is known of the case; that it was not brought in from an old ledger needs no saying."""
    historic = field_named(Case, "historic")
    if historic is not None and not record.historic:
        for group in groups:
            group.facts = [fact for fact in group.facts if fact[0] != historic.label]
    found = [group for group in groups if any(cell.text for _l, cell, _w in group.facts)]
    if fixed := step_aids.fixed(record):
        found.insert(1, Group(_("Fixed by the item when it was chosen"), facts=fixed))
    return found


def _asked(events: list[CaseEvent]) -> Message | None:
    """What waits for approval, in a sentence: the newest request, which its event tells."""
    newest = next((event for event in reversed(events) if (s := STEPS.get(event.step)) and s.asks_approval), None)
    if newest is None:
        return None
    step = StepName(20).format(newest.step)
    return _(
        "Approval asked by {who} ({step}): {reason}", who=newest.actor_name, step=step, reason=newest.opinion or ""
    )


def _compare(page: CasePage, record: Case, able: set[str]) -> None:
    """What an open case may be a repeat of and what was merged into it; of a closed one whether somebody is
    unsatisfied. Two statements at most, for an open case one."""
    session = current_panel().session
    if record.status in ENDED:
        found = LikelyRepeats(merged=repeats.merged_into(session, record))
        if record.status is CaseStatus.CLOSED and session.execute(unsatisfied(record)).first():
            url = url_for("case.step_view", id=record.id, step=REOPEN.name)
            reopen = Button(REOPEN.label, url) if REOPEN.name in able else None
            page.notices.append((UNSATISFIED, reopen))
    else:
        found = repeats.of_case(session, record, values()["repeat_days"])
        if found.repeats and record.status is CaseStatus.REPORTED:
            words = n_(
                "{n} similar case is known: see below.", "{n} similar cases are known: see below.", len(found.repeats)
            )
            page.notices.append((words, None))
        if told := step_aids.elsewhere(found):
            page.notices.append((told, None))
    page.related = [*step_aids.tables(found, record, merging=MERGE.name in able), *page.related]


def unsatisfied(record: Case) -> Select[Any]:
    statement = select(Feedback.id).where(
        Feedback.case_id == record.id, Feedback.satisfaction == Satisfaction.UNSATISFIED
    )
    if record.handled_at is not None:
        statement = statement.where(Feedback.at >= record.handled_at.replace(second=0, microsecond=0))
    return statement.limit(1)


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


def _timeline(events: list[CaseEvent]) -> list[HistoryItem]:
    """The events as the page shows them, the newest first."""
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
                    Change(ask.label, _was(ask, event, names), _words(ask, value, names))
                    for ask, value in _given(event)
                ),
                *_moved(event),
            ],
        )
        for event in reversed(events)
    ]


def _tone(event: CaseEvent) -> str:
    step = STEPS.get(event.step)
    if step is not None and step.tone is not None:
        return step.tone
    return "brand" if event.from_status is not event.to_status else ""


def _given(event: CaseEvent) -> Iterator[tuple[Field, Any]]:
    """What was filled in with a step, besides its opinion."""
    step = STEPS.get(event.step)
    for ask in step.asks if step else ():
        if (value := event.payload.get(ask.name)) is not None:
            yield ask, value


def _was(ask: Field, event: CaseEvent, names: Mapping[tuple[str, Any], str]) -> str:
    """What stood there before: a case that was put on another item."""
    before = event.payload.get(f"{ask.name}_before")
    return "" if before is None else _words(ask, before, names)


def _moved(event: CaseEvent) -> Iterator[Change]:
    """The deadline before and after a step that has moved it."""
    kept = [event.payload.get(f"due_{when}") for when in ("before", "after")]
    if all(isinstance(one, str) for one in kept):
        was, now = (Moment().format(datetime.fromisoformat(str(one)).replace(second=0, microsecond=0)) for one in kept)
        yield Change(_("Due"), was, now)


def _names(events: list[CaseEvent]) -> Mapping[tuple[str, Any], str]:
    """What the records are called that steps named: one statement for each table."""
    ids: dict[str, set[int]] = defaultdict(set)
    for event in events:
        for ask, value in _given(event):
            for one in (value, event.payload.get(f"{ask.name}_before")):
                if ask.reference and isinstance(one, int):
                    ids[ask.reference.table].add(one)
    found: dict[tuple[str, Any], str] = {}
    for table, wanted in ids.items():
        model = model_of(table)
        # The page has loaded some of them already, within the reader's area.
        for id_ in tuple(wanted):
            known = current_panel().session.identity_map.get(inspect(model).identity_key_from_primary_key((id_,)))
            if known is not None:
                found[table, id_] = display(known)
                wanted.discard(id_)
        references = [name for name in model.__display__ if (f := field_named(model, name)) and f.reference]
        for record in listing.load(current_panel().session, model, sorted(wanted), references):
            found[table, record.id] = display(record)
    return found


def _words(ask: Field, value: Any, names: Mapping[tuple[str, Any], str]) -> str:
    if ask.reference:
        return names.get((ask.reference.table, value), str(_("not visible")))
    return ask.kind.show(value)
