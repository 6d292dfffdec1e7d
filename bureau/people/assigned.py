"""The assignments that hang on officers, and giving them to others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.people.holdings import Held, Holdings, Kind, Share
from models import Assignment, Community
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import _
from panel.kinds import today
from panel.security.policy import table_of
from panel.store import bulk

ASSIGNMENTS = "assignments"


def _find(session: Session, people: Collection[int]) -> Iterator[Held]:
    """The assignments of officers that go on or are to come."""
    term, community = table_of(Assignment).c, table_of(Community).c
    for batch in chunks(people):
        statement = (
            select(term.id, term.officer_id, term.community_id, community.name)
            .join(table_of(Community), community.id == term.community_id)
            .where(term.officer_id.in_(batch), or_(term.end_on.is_(None), term.end_on >= today()))
            .order_by(community.name_key, term.start_on)
        )
        for row in session.execute(statement, execution_options=UNSCOPED):
            yield Held(ASSIGNMENTS, row.officer_id, "assignment", row.id, row.name, row.community_id)


def _give(session: Session, shares: Sequence[Share], reason: str) -> None:
    """End each assignment on the day before, and add one for the taker until the old one would have ended. One that
    hasn't begun by then changes its officer."""
    by_id = {share.held.id: share for share in shares if share.taker is not None}
    edits, added = [], []
    for batch in chunks(sorted(by_id)):
        statement = select(Assignment.__table__).where(Assignment.id.in_(batch)).with_for_update()
        for row in session.execute(statement, execution_options=UNSCOPED):
            share, before = by_id[row.id], {"officer_id": row.officer_id, "end_on": row.end_on}
            if row.start_on >= share.begins:
                edits.append(bulk.Edit(row.id, row.version, {"officer_id": share.taker}, before))
                continue
            edits.append(bulk.Edit(row.id, row.version, {"end_on": share.begins - timedelta(days=1)}, before))
            added.append(
                {
                    "community_id": row.community_id,
                    "officer_id": share.taker,
                    "start_on": share.begins,
                    "end_on": row.end_on,
                    "substitute": row.substitute,
                }
            )
    bulk.edit(session, Assignment, edits, reason)
    bulk.add(session, Assignment, added, reason)


HOLDINGS = (
    Holdings(
        holder="officer",
        kinds=(Kind(name=ASSIGNMENTS, label=_("Assignments to communities"), rank=20),),
        find=_find,
        give=_give,
    ),
)
