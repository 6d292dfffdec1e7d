"""The planned visits that hang on people. They follow the assignments and terms of their community."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bureau.people.holdings import Held, Holdings, Kind, Share
from bureau.visits import planning
from models import Community, Liaison, Visit, VisitStatus
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import _
from panel.kinds import today
from panel.security.policy import table_of
from panel.store import bulk

VISITS, DAY = "visits", timedelta(days=1)
FOLLOWS = _("They follow the assignment of officers and the term of liaisons.")


def _find(column: str, session: Session, people: Collection[int]) -> Iterator[Held]:
    """The planned visits from today on; of a liaison whose last day is known, those after it."""
    visit, liaison, place = table_of(Visit).c, table_of(Liaison).c, table_of(Community).c
    person = visit[column]
    for batch in chunks(people):
        statement = (
            select(visit.id, person.label("holder"), visit.community_id, visit.planned_on, place.name)
            .join(table_of(Community), place.id == visit.community_id)
            .where(person.in_(batch), visit.status == VisitStatus.PLANNED, visit.planned_on >= today())
            .order_by(visit.planned_on, visit.id)
        )
        if column == "liaison_id":
            statement = statement.join(table_of(Liaison), liaison.id == person)
            statement = statement.where(visit.planned_on > func.coalesce(liaison.end_on, today() - DAY))
        for row in session.execute(statement, execution_options=UNSCOPED):
            label = f"{row.planned_on.isoformat()} {row.name}"
            yield Held(f"{VISITS}_{column}", row.holder, "visit", row.id, label, row.community_id)


def _give(column: str, session: Session, shares: Sequence[Share], reason: str) -> None:
    """Let the visits follow. What nobody's assignment covers goes to the taker."""
    planning.follow(session, {share.held.community for share in shares if share.held.community is not None})
    takers = {share.held.id: share.taker for share in shares}
    giver = {share.held.id: share.held.holder for share in shares}
    visit, edits = table_of(Visit).c, []
    for batch in chunks(sorted(takers)):
        statement = select(visit.id, visit.version, visit[column].label("now")).where(visit.id.in_(batch))
        edits += [
            bulk.Edit(row.id, row.version, {column: takers[row.id]}, {column: row.now})
            for row in session.execute(statement, execution_options=UNSCOPED)
            if row.now == giver[row.id]
        ]
    bulk.edit(session, Visit, edits, reason)


def _besides(session: Session, people: Collection[int]) -> Mapping[int, int]:
    """Visits of these liaisons that aren't planned any more."""
    visit = table_of(Visit).c
    numbers: Counter[int] = Counter()
    for batch in chunks(people):
        statement = select(visit.liaison_id).where(visit.liaison_id.in_(batch), visit.status != VisitStatus.PLANNED)
        numbers.update(session.execute(statement, execution_options=UNSCOPED).scalars())
    return numbers


def _take_back(session: Session, people: Collection[int], note: str) -> None:
    """Take the planned visits from these liaisons; they follow the terms again."""
    visit, edits = table_of(Visit).c, []
    for batch in chunks(people):
        planned = (visit.liaison_id.in_(batch), visit.status == VisitStatus.PLANNED)
        rows = session.execute(
            select(visit.id, visit.version, visit.liaison_id).where(*planned), execution_options=UNSCOPED
        )
        edits += [bulk.Edit(r.id, r.version, {"liaison_id": None}, {"liaison_id": r.liaison_id}) for r in rows]
    bulk.edit(session, Visit, edits, note)


def _reclaim(session: Session, people: Collection[int], _note: str) -> None:
    communities = select(table_of(Liaison).c.community_id).where(table_of(Liaison).c.id.in_(people))
    planning.follow(session, set(session.execute(communities, execution_options=UNSCOPED).scalars()))


def _holdings(holder: str, column: str) -> Holdings:
    undone = holder == "liaison"
    return Holdings(
        holder=holder,
        kinds=(
            Kind(
                name=f"{VISITS}_{column}",
                label=_("Planned visits"),
                rank=30,
                follows=True,
                help=FOLLOWS,
                filters=((column.removesuffix("_id"), "{id}"), ("is", "planned")),
            ),
        ),
        find=partial(_find, column),
        give=partial(_give, column),
        besides=_besides if undone else None,
        take_back=_take_back if undone else None,
        reclaim=_reclaim if undone else None,
    )


HOLDINGS = (_holdings("officer", "officer_id"), _holdings("liaison", "liaison_id"))
