"""The page of a case: where it stands, what I can do now, what was done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from sqlalchemy import select

from casework import workflow
from casework.steps import STEPS, Step
from models import Case, CaseEvent, CaseStatus, StepName
from panel.base import display
from panel.fields import Field
from panel.kinds import Moment
from panel.text import _
from panel.web import details, history
from panel.web.context import current_panel
from panel.web.pages import Button, Cell, Change, DetailsPage, HistoryItem, Words
from screens import disputes, photos

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
    disputes: disputes.Section | None = None


def build(view: Any, record: Case, due: Cell) -> CasePage:
    """The page of a case for whoever looks at it. Its events make the timeline, which is its history."""
    events = _events(record)
    plain = details.build(view, record, without=_elsewhere(events), with_history=False)
    page = CasePage(
        title=f"{record.case_no} · {record.title or ''}",
        sub=_sub(record),
        tag=plain.tag,
        groups=[group for group in plain.groups if any(cell.text for _l, cell, _w in group.facts)],
        related=plain.related,
        way=_way(record, events),
        light=due,
        timeline=_timeline(events),
    )
    page.photos = photos.strip(record)
    found = disputes.load(record)
    steps = workflow.available(current_panel().session, record, found.known)
    page.disputes = disputes.section(record, found, steps)
    page.related = [*page.disputes.tables, *page.related]
    acts = [_button(step, record, first=index == 0) for index, step in enumerate(steps)]
    shown = [button for button in plain.buttons if not button.danger]
    for button in shown:
        button.primary = False
    page.buttons = [*[b for b in acts if not b.primary], *shown, *[b for b in acts if b.primary]]
    return page


def _elsewhere(events: list[CaseEvent]) -> set[str]:
    """Tables that the page shows in its own way, or that hold nothing of this case: it tells from the events, which it
    reads anyway. The survey has the link to its case."""
    without = {"caseevent", "case", "measurement", "mediation", "surveyentry"}
    if not any(event.step in ("extend", "suspend") for event in events):
        without.add("deadlinechange")
    return without


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
            tone=TONES.get(event.step, "brand" if event.from_status is not event.to_status else ""),
            who=event.actor_name,
            at=Moment().format(event.at.replace(second=0)),
            note=event.opinion or "",
            changes=[Change(ask.label, "", _words(ask, value, names)) for ask, value in _given(event)],
        )
        for event in reversed(events)
    ]


def _given(event: CaseEvent) -> Iterator[tuple[Field, Any]]:
    """What was filled in with a step, besides its opinion."""
    step = STEPS.get(event.step)
    for ask in step.asks if step else ():
        if (value := event.payload.get(ask.name)) is not None:
            yield ask, value


def _names(events: list[CaseEvent]) -> Mapping[tuple[str, int], str]:
    """What the records are called that steps named, in one statement."""
    ids: dict[str, set[int]] = defaultdict(set)
    for event in events:
        for ask, value in _given(event):
            if ask.reference and isinstance(value, int):
                ids[ask.reference.table].add(value)
    return history.names(ids)


def _words(ask: Field, value: Any, names: Mapping[tuple[str, Any], str]) -> str:
    if ask.reference:
        return names.get((ask.reference.table, value), str(_("not visible")))
    return ask.kind.show(value)
