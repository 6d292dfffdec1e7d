"""Successions by a roster: a community has one active liaison, so that a new one ends the term of the old.

Where the new person may be the old one under a corrected name, or no liaison at all, the row is asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.people import succession_handover
from models import Liaison, Officer
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message, _
from panel.imports.doubts import Ending
from panel.imports.matching import key_of
from panel.imports.plans import Plan, PlanRow
from panel.search.names import visible_names
from panel.store.bulk import Edit

#: Nobody takes over so many communities at once: it may be a word instead of a name.
MANY_COMMUNITIES = 3
#: The reading of a row that gives the person in office another name.
CORRECTED = "corrected"


def succeed(session: Session, plan: Plan, rows: Sequence[PlanRow], in_office: dict[int, Row[Any]]) -> None:
    """End the term of the stored active liaison on the day before a new one begins. `in_office` are the active liaisons
    by community."""
    skipping = plan.options.skip_existing
    leaving = {row.id for row in rows if row.id is not None and row.values.get("end_on") is not None and not skipping}
    successions: list[tuple[PlanRow, Row[Any]]] = []
    for row in rows:
        predecessor = in_office.get(row.values.get("community_id", 0)) if row.id is None else None
        if predecessor is None or predecessor.id in leaving or row.values.get("end_on") is not None:
            continue
        last = row.values["start_on"] - timedelta(days=1)
        if last < predecessor.start_on:
            message = _(
                "{name} has been in office since {day}; a successor can't begin before that.",
                name=predecessor.name,
                day=predecessor.start_on,
            )
            plan.fail(row, "start_on", message)
            continue
        row.succeeds = True
        row.notes.append(_("Predecessor {name} ends on {day}.", name=predecessor.name, day=last))
        row.edits.append((Liaison, Edit(predecessor.id, predecessor.version, {"end_on": last}, {"end_on": None})))
        successions.append((row, predecessor))
    _doubt(session, successions)
    things = succession_handover.announce(session, rows, {row.id for row in rows if row.id in leaving})
    _list_endings(session, plan, successions, [row for row in rows if row.id in leaving], things)


def _doubt(session: Session, successions: Sequence[tuple[PlanRow, Row[Any]]]) -> None:
    """Doubt the successions that may be no successions."""
    times = Counter(key_of(row.values["name"]) for row, _predecessor in successions)
    officers = _officers(session, (row.values["name"] for row, _predecessor in successions))
    for row, old in successions:
        new = row.values["name"]
        if row.values.get("mobile") is not None and row.values["mobile"] == old.mobile:
            reason = _("{new} has the mobile number of {old}. Was the name corrected?", new=new, old=old.name)
        elif _alike(key_of(new), key_of(old.name)):
            reason = _("{new} and {old} differ in one character. Was the name corrected?", new=new, old=old.name)
        elif key_of(new) in officers:
            row.doubt(_("{name} is an officer. Is the column of names the right one?", name=new))
            continue
        elif (count := times[key_of(new)]) >= MANY_COMMUNITIES:
            row.doubt(_("{name} would take over {n} communities. Is this a name?", name=new, n=count))
            continue
        else:
            continue
        row.doubt(reason)
        row.as_it_stands = _("{new} succeeds {old}", new=new, old=old.name)
        row.readings.append((CORRECTED, _("The name of {old} is corrected to {new}", new=new, old=old.name)))


def _alike(new: str, old: str) -> bool:
    """Whether two names of one family differ in one character, or one lacks a character that the other has."""
    short, long = sorted((new, old), key=len)
    if len(long) < 3 or new == old or new[:1] != old[:1]:
        return False
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return len(long) - len(short) == 1 and any(short == long[:n] + long[n + 1 :] for n in range(len(long)))


def _officers(session: Session, names: Iterable[str]) -> set[str]:
    """The names among these that officers in service have."""
    officer = Officer.__table__.c
    found: set[str] = set()
    for batch in chunks(sorted(set(names))):
        statement = select(officer.name).where(officer.name.in_(batch), officer.active)
        found |= {key_of(name) for name in session.execute(statement, execution_options=UNSCOPED).scalars()}
    return found


def _list_endings(
    session: Session,
    plan: Plan,
    successions: Sequence[tuple[PlanRow, Row[Any]]],
    leaving: Sequence[PlanRow],
    things: Mapping[int, Message],
) -> None:
    """List the people whose terms end: by a successor, and by a last day in the file."""
    ids = {row.effective("community_id") for row in (*(row for row, _old in successions), *leaving)}
    places = visible_names(session, {"community": {id_ for id_ in ids if isinstance(id_, int)}})
    told = _("The file gives this last day.")
    ends = [(row, old.id, old.name, row.edits[-1][1].values["end_on"], _follows(row)) for row, old in successions]
    ends += [
        (row, row.id, row.stored["name"], row.values["end_on"], told) for row in leaving if row.stored["end_on"] is None
    ]
    for row, id_, name, until, why in ends:
        place = places.get(("community", row.effective("community_id"))) or ""
        reason = _("{why} {handover}", why=why, handover=things[id_]) if id_ in things else why
        plan.endings.append(Ending(row.sheet, row.number, Liaison.__tablename__, id_, name, place, until, reason))


def _follows(row: PlanRow) -> Message:
    return _("{name} follows.", name=row.values["name"])
