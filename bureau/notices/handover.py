"""The unread notices of people: with what hangs on them they go to whoever takes over, who is told of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bureau.people.holdings import Held, Holdings, Kind, Share
from models import Case, Liaison, Officer
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import _
from panel.notify import notices
from panel.notify.records import Notice
from panel.security.policy import table_of
from panel.security.session import actor_of

NOTICES = "notices"
PEOPLE = {"liaison": Liaison, "officer": Officer}
#: The kind of notice that tells somebody what was given to them.
GIVEN = "handed_over"


def _find(table: str, session: Session, people: Collection[int]) -> Iterator[Held]:
    notice, case, person = table_of(Notice).c, table_of(Case).c, table_of(PEOPLE[table]).c
    for batch in chunks(people):
        statement = (
            select(notice.id, person.id.label("holder"), notice.kind, case.community_id)
            .select_from(table_of(Notice))
            .join(table_of(PEOPLE[table]), person.user_id == notice.owner_id)
            .outerjoin(table_of(Case), (notice.table_name == "case") & (case.id == notice.record_id))
            .where(person.id.in_(batch), notice.read_at.is_(None))
            .order_by(notice.id)
        )
        for row in session.execute(statement, execution_options=UNSCOPED):
            yield Held(f"{NOTICES}_{table}", row.holder, "notice", row.id, row.kind, row.community_id)


def _give(table: str, session: Session, shares: Sequence[Share], _reason: str) -> None:
    """Give the notices to the accounts of the takers. Without an account they stay, and the case keeps what they
    say. A taker who has been told of the same occasion isn't told again."""
    notice = table_of(Notice)
    accounts = _accounts(session, table, {share.taker for share in shares if share.taker is not None})
    for taker, account in accounts.items():
        own = select(notice.c.mark).where(notice.c.owner_id == account)
        for batch in chunks([share.held.id for share in shares if share.taker == taker]):
            known = notice.c.id.in_(batch) & notice.c.mark.in_(own)
            session.execute(delete(notice).where(known), execution_options=UNSCOPED)
            moved = update(notice).where(notice.c.id.in_(batch)).values(owner_id=account)
            session.execute(moved, execution_options=UNSCOPED)


def _accounts(session: Session, table: str, people: Collection[int]) -> dict[int, int]:
    person = table_of(PEOPLE[table]).c
    statement = select(person.id, person.user_id).where(person.id.in_(people), person.user_id.is_not(None))
    return {row.id: row.user_id for row in session.execute(statement, execution_options=UNSCOPED)}


def _tell(table: str, session: Session, takers: Mapping[int, Collection[int]]) -> None:
    """Tell the takers that the work of somebody was given to them: one notice for each giver."""
    last = select(func.coalesce(func.max(table_of(Notice).c.id), 0))
    number = session.execute(last, execution_options=UNSCOPED).scalar_one()
    accounts = _accounts(session, table, {taker for all_ in takers.values() for taker in all_})
    told = [
        notices.row(
            accounts[taker],
            GIVEN,
            f"{GIVEN}:{table}:{giver}:{number}",
            table_name=table,
            record_id=giver,
            actor_name=actor_of(session).name,
        )
        for giver, all_ in takers.items()
        for taker in all_
        if taker in accounts
    ]
    notices.put(session, told)


def _holdings(table: str) -> Holdings:
    kind = Kind(
        name=f"{NOTICES}_{table}",
        label=_("Unread notices"),
        rank=50,
        holds_up=False,
        follows=True,
        help=_("They go with what they are about; without an account of whoever takes over they stay."),
    )
    return Holdings(
        holder=table, kinds=(kind,), find=partial(_find, table), give=partial(_give, table), tell=partial(_tell, table)
    )


HOLDINGS = tuple(_holdings(table) for table in PEOPLE)
