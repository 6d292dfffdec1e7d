"""The page of a case: its progress, the steps the reader can take, its facts and its timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from sqlalchemy import Select, select

from bureau.calendar.web.office import calendar, values
from bureau.cases import repeats, workflow
from bureau.cases.records import penalties
from bureau.cases.repeats import LikelyRepeats
from bureau.cases.steps import STEPS, Relation, Step, restarting
from bureau.cases.steps.handling import REOPEN
from bureau.cases.steps.intake import MERGE
from bureau.cases.web import case_facts, photos, sections, step_aids, timeline
from bureau.cases.web.reopenings import cache_reopenings
from models import ENDED, Case, CaseEvent, CaseStatus, Community, Feedback, Satisfaction, StepName
from panel.i18n import Message, _
from panel.kinds import Moment
from panel.web import details
from panel.web.context import current_panel
from panel.web.pages import Button, Cell, DetailsPage, Group, HistoryItem, Related, Words
from schema.requirements import PENALTIES

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
#: For whoever handled a case, or recorded that it is handled.
NOT_BY_YOU = _(
    "Who handled a case, or recorded that it is handled, doesn't verify it: another officer, the squad's leader or "
    "another account of the office does."
)
#: An outcome of an old ledger whose record isn't known.
UNRECORDED = _(
    "The outcome is a penalty, and its record is missing: document no., amount or filing no., two officers. Add it "
    "under Actions."
)


@dataclass(slots=True)
class ProgressStop:
    """A stop of the progress bar; `state` is "done", "now" or "ahead"."""

    label: Words
    at: str
    state: str


@dataclass(slots=True)
class CasePage(DetailsPage):
    """`light` is the deadline in words, with its colour. `fixed` is what the item fixed, `repeats` are the tables of
    likely repeats and of merged cases; every other table is a tab."""

    progress: list[ProgressStop] = field(default_factory=list)
    light: Cell | None = None
    timeline: list[HistoryItem] = field(default_factory=list)
    photos: photos.CaseAttachments | None = None
    fixed: Group = field(default_factory=lambda: Group(""))
    repeats: list[Related] = field(default_factory=list)
    sections: list[sections.Section] = field(default_factory=list)
    #: Sentences above the case, each with a button or None.
    notices: list[tuple[Words, Button | None]] = field(default_factory=list)


def build(view: Any, record: Case, due_cell: Callable[[Case], Cell]) -> CasePage:
    """The page of a case for the current actor. Its events and edits make the timeline, which replaces the history."""
    events = events_of(record)
    accepted = record.accepted_at
    reopened = [event.at for event in events if event.step in restarting() and accepted and event.at >= accepted]
    cache_reopenings({record.id: reopened[-1]} if reopened else {})
    due = due_cell(record)
    loaded = [(source, source.load(record)) for source in sections.SOURCES]
    # A filled section brings its own tables: one related table less for each.
    tables = details.RELATED_TABLES - sum(section_data.filled for _source, section_data in loaded)
    shown_elsewhere = (*SHOWN_ELSEWHERE, *(table for source in sections.SOURCES for table in source.tables))
    details_page = details.build(
        view, record, without=shown_elsewhere, tables=tables, with_facts=False, with_history=False
    )
    page = CasePage(
        title=f"{record.case_no} · {record.title or ''}",
        sub=case_facts.where(record),
        tag=details_page.tag,
        place=details_page.place,
        groups=[case_facts.facts_of(view, record)],
        fixed=case_facts.fixed_of(record),
        related=details_page.related,
        progress=_progress(record, events),
        light=Cell(" · ".join([due.text, *due.below]), light=due.light) if due.text else None,
        timeline=timeline.build(record, events),
    )
    page.photos = photos.attachments_of(record)
    standing = workflow.standing(current_panel().session, record)
    known = {name: value for _source, section_data in loaded for name, value in section_data.known.items()}
    known["calendar"] = calendar()
    steps = workflow.available(current_panel().session, record, standing, known)
    page.sections = [source.show(record, section_data, steps) for source, section_data in loaded]
    page.related = [*(table for section in page.sections for table in section.tables), *page.related]
    if (kept := record.community and record.community.merged_into) is not None:
        page.notices.append((_merged(record.community, kept), None))
    if standing.request_pending and (request := _pending_request(events)):
        page.notices.append((request, None))
    page.notices += _obstacles(record, steps, standing)
    step_buttons = [_button(step, record, first=index == 0) for index, step in enumerate(steps)]
    shown = [button for button in details_page.buttons if not button.danger]
    shown += [button for source in sections.BUTTONS if (button := source(record))]
    for button in shown:
        button.primary = False
    _add_repeats(page, record, {step.name for step in steps})
    page.buttons = [*[b for b in step_buttons if not b.primary], *shown, *[b for b in step_buttons if b.primary]]
    return page


def _merged(community: Community, kept: Community) -> Message:
    return _(
        "{name} was merged into {kept}: its liaison, officer and squad look after this case.",
        name=community.name,
        kept=kept.name,
    )


def _obstacles(record: Case, steps: list[Step], standing: workflow.Standing) -> list[tuple[Words, Button | None]]:
    """Sentences on what keeps the reader from verifying, and on a penalty of an old ledger without its record."""
    notices: list[tuple[Words, Button | None]] = []
    relation = next((step for step in steps if step.relation is Relation.ANOTHER), None)
    if relation is None and any(record.status in step.sources and _bars(step, standing) for step in STEPS.values()):
        notices.append((NOT_BY_YOU, None))
    kind = PENALTIES.get(record.outcome) if record.historic and record.outcome is not None else None
    if kind is not None and not penalties.is_recorded(current_panel().session, record, kind):
        notices.append((UNRECORDED, None))
    return notices


def _bars(step: Step, standing: workflow.Standing) -> bool:
    """Whether the reader may not take this step because they did the work, or recorded it."""
    did_it = standing.handler or (standing.brought_here and not standing.alone)
    return step.relation is Relation.ANOTHER and did_it and bool(step.roles & standing.roles)


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
        if message := step_aids.elsewhere(likely):
            page.notices.append((message, None))
    page.repeats = step_aids.tables(likely, record, merging=MERGE.name in available)


def unsatisfied(record: Case) -> Select[Any]:
    statement = select(Feedback.id).where(
        Feedback.case_id == record.id, Feedback.satisfaction == Satisfaction.UNSATISFIED, Feedback.counts()
    )
    if record.handled_at is not None:
        statement = statement.where(Feedback.at >= record.handled_at.replace(second=0, microsecond=0))
    return statement.limit(1)


def _button(step: Step, record: Case, *, first: bool) -> Button:
    url = url_for("case.step_view", id=record.id, step=step.name)
    return Button(step.label, url, primary=first and step.primary, danger=step.grave)


def events_of(record: Case) -> list[CaseEvent]:
    statement = select(CaseEvent).where(CaseEvent.case_id == record.id).order_by(CaseEvent.seq)
    return list(current_panel().session.execute(statement).scalars())


def _progress(record: Case, events: list[CaseEvent]) -> list[ProgressStop]:
    """The stops with the time each was last reached. After a step back, the later stops are ahead again. What leaves
    the state as it is, such as a correction, isn't its beginning."""
    reached: dict[CaseStatus, str] = {}
    for event in events:
        if event.from_status is not event.to_status:
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
