"""While something is being reported: the cases that it may be a repeat of. Inside the reporter's area with their
numbers, outside it how many there are."""

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
from panel.kinds import Day, Invalid, Mobile, now, tidy
from panel.web.context import current_panel
from panel.web.lookups import visible
from panel.web.pages import Words

#: What is compared of a description; shorter ones say too little.
READ, LEAST = 500, 4


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case that is known already, in a line: number, title, state, day, why it may be the same."""

    url: str
    number: str
    title: str
    note: str


@dataclass(slots=True)
class Likely:
    cases: list[KnownCase] = field(default_factory=list)
    elsewhere: Words = ""


def of(typed: Mapping[str, str]) -> Likely:
    """The likely repeats of what was typed into the short form so far. Two statements at most beside that of the
    community."""
    description = tidy(typed.get("description", ""))[:READ]
    community, item = ids.parse(typed.get("community")), ids.parse(typed.get("item"))
    if len(description) < LEAST or community is None or visible("community", community) is None:
        return Likely()
    session = current_panel().session
    named = typed.get("anonymous") == "0"
    told = RepeatQuery(
        community_id=community,
        place=tidy(typed.get("place", "")),
        description=description,
        item_id=item,
        reported_at=now(),
        callers=repeats.caller_hashes(session, _phone(typed.get("phone")) if named else None),
    )
    found = repeats.find_repeats(session, told, values()["repeat_days"])
    return Likely([_known(one) for one in found.repeats], step_aids.elsewhere(found))


def as_json(likely: Likely) -> dict[str, Any]:
    return {
        "cases": [{"url": c.url, "number": c.number, "title": c.title, "note": c.note} for c in likely.cases],
        "elsewhere": str(likely.elsewhere),
    }


def _known(one: Repeat) -> KnownCase:
    day = Day().format(deadlines.local_day(one.reported_at))
    note = " · ".join([str(one.status.label), day, "、".join(map(str, one.reasons))])
    return KnownCase(url_for("case.details_view", id=one.id), one.case_no, one.title, note)


def _phone(text: str | None) -> str | None:
    """A whole number, or none yet."""
    try:
        return Mobile().parse(text)
    except Invalid:
        return None
