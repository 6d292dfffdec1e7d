"""Likely repeats of a report while it is being typed: the cases inside the reporter's scope, and how many lie
outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import url_for

from bureau.calendar import deadlines
from bureau.calendar.web.office import values
from bureau.cases import repeats
from bureau.cases.repeats import Repeat, RepeatQuery
from bureau.cases.web import step_aids
from panel import ids
from panel.i18n import listed
from panel.kinds import Day, now, tidy
from panel.web.context import current_panel
from panel.web.lookups import visible
from panel.web.pages import Words

#: Characters of a description that are compared at most, and at least.
READ, LEAST = 500, 4


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A likely repeat as a line; `note` gives state, day and reasons."""

    url: str
    number: str
    title: str
    note: str


@dataclass(slots=True)
class Likely:
    """`elsewhere` says how many likely repeats lie outside the reporter's scope."""

    cases: list[KnownCase] = field(default_factory=list)
    elsewhere: Words = ""


def likely_repeats(typed: Mapping[str, str]) -> Likely:
    """The likely repeats of the texts typed into the report form; none while the description is short or the community
    is missing or outside the actor's scope. Two statements at most besides the one of the community."""
    description = tidy(typed.get("description", ""))[:READ]
    community, item = ids.parse(typed.get("community")), ids.parse(typed.get("item"))
    if len(description) < LEAST or community is None or visible("community", community) is None:
        return Likely()
    session = current_panel().session
    # The complainant isn't compared while it is typed: the hint would tell whether a telephone is that of a case. The
    # page of the stored case tells it (repeats.of_case()).
    query = RepeatQuery(
        community_id=community,
        place=tidy(typed.get("place", "")),
        description=description,
        item_id=item,
        reported_at=now(),
    )
    likely = repeats.find_repeats(session, query, values()["repeat_days"])
    return Likely([_known_case(repeat) for repeat in likely.repeats], step_aids.elsewhere(likely))


def as_json(likely: Likely) -> dict[str, Any]:
    return {
        "cases": [{"url": c.url, "number": c.number, "title": c.title, "note": c.note} for c in likely.cases],
        "elsewhere": str(likely.elsewhere),
    }


def _known_case(repeat: Repeat) -> KnownCase:
    day = Day().format(deadlines.local_day(repeat.reported_at))
    note = " · ".join([str(repeat.status.label), day, listed(repeat.reasons)])
    return KnownCase(url_for("case.details_view", id=repeat.id), repeat.case_no, repeat.title, note)
