"""The handover of an imported roster: what hangs on a liaison who leaves goes to the successor in the same act.

Somebody who leaves without a successor in the file is asked about: the post is vacant, or the row is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from bureau.people import holdings, left
from bureau.people.holdings import Held, Share
from models import Liaison
from panel.i18n import Message, _
from panel.imports.plans import WRITTEN, Plan, PlanRow


@dataclass(frozen=True, slots=True)
class Change:
    """A liaison (`giver`, an id) whose term a row ends, and the row of the successor; None for a vacant post. Without a
    giver the successor gets what waits in the community."""

    row: PlanRow
    giver: int | None
    taker: PlanRow | None
    begins: date
    community: int


def changes(rows: Iterable[PlanRow]) -> list[Change]:
    """Who leaves and who follows by these rows."""
    rows = list(rows)
    arriving = {
        row.values["community_id"]: row
        for row in rows
        if row.id is None or row.written == 1
        if isinstance(row.values.get("community_id"), int) and row.values.get("end_on") is None
    }
    found: list[Change] = []
    followed: set[int] = set()
    for row in rows:
        ends = "end_on" in row.values and row.values["end_on"] is not None
        if row.stored and row.stored.get("end_on") is None and ends and row.renewed is None:
            community = row.stored["community_id"]
            taker = arriving.get(community)
            begins = taker.values["start_on"] if taker is not None else row.values["end_on"] + timedelta(days=1)
            found.append(Change(row, row.stored["id"], taker, begins, community))
            followed.add(community)
    for community, row in arriving.items():
        ended = next((edit for model, edit in row.edits if model is Liaison), None) if row.has("edits") else None
        if ended is not None:
            found.append(Change(row, ended.id, row, row.values["start_on"], community))
        elif community not in followed:
            found.append(Change(row, None, row, row.values["start_on"], community))
    return found


def announce(session: Session, rows: Sequence[PlanRow], leaving: Collection[int | None]) -> dict[int, Message]:
    """Say at each row what is handed over, and doubt those who leave without a successor. The same sentences by the
    person who leaves."""
    planned = [c for c in changes(rows) if c.giver is None or c.row.succeeds or c.giver in leaving]
    held, waiting = _found(session, planned)
    things: dict[int, Message] = {}
    for giver, message in _accounts(session, planned).items():
        next(change.row for change in planned if change.giver == giver).notes.append(message)
    for change in planned:
        own = held.get(change.giver or 0) or waiting.get(change.community if change.giver is None else 0)
        words = holdings.summary(session, own) if own else None
        if own is None or words is None:
            continue
        if change.taker is not None:
            name = change.taker.values["name"]
            if change.giver is None:
                message = _("{name} takes over what waits for a liaison: {things}.", name=name, things=words)
            else:
                message = _("{name} takes over: {things}.", name=name, things=words)
                things[change.giver] = message
            change.taker.notes.append(message)
        elif change.giver is not None and any(holdings.KINDS[one.kind].holds_up for one in own):
            name = change.row.stored["name"]
            message = _("{name} leaves without a successor and still holds: {things}.", name=name, things=words)
            change.row.doubt(message)
            change.row.as_it_stands = _("The post is vacant: open cases wait for the next liaison")
    return things


def _accounts(session: Session, planned: Sequence[Change]) -> dict[int, Message]:
    """Say of each who leaves that their account is active, by person."""
    givers = [change.giver for change in planned if change.giver is not None]
    names = left.active_accounts(session, givers) if givers else {}
    return {giver: left.stays_active(username) for giver, username in names.items()}


def _found(session: Session, planned: Sequence[Change]) -> tuple[dict[int, list[Held]], dict[int, list[Held]]]:
    """What hangs on those who leave, by person, and what waits in communities without a liaison, by community."""
    givers = {change.giver for change in planned if change.giver is not None}
    new = {change.community for change in planned if change.giver is None}
    return holdings.found(session, "liaison", givers), holdings.waiting(session, new)


def hand_over(session: Session, plan: Plan, note: str) -> None:
    """Hand over by the rows that were written."""
    planned = changes(row for row in plan.rows if row.outcome in WRITTEN)
    held, waiting = _found(session, planned)
    shares: list[Share] = []
    for change in planned:
        taker = change.taker.id if change.taker is not None else None
        own = held.get(change.giver, []) if change.giver is not None else waiting.get(change.community, [])
        shares += [Share(one, taker, change.begins) for one in own]
    if shares:
        holdings.give(session, "liaison", shares, note)
