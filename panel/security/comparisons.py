"""Values that an account had compared with those of records that it may not see: counted for each account, with a limit
a day, so that nobody finds a hidden value by trying. A private value beyond the limit is compared, but never answered.
A unique value that a record outside the account's area has is refused; after so many refusals none is taken.
Searches for a whole private number are counted likewise, by themselves; one beyond the limit isn't answered."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, String, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from panel.base import Base, Own, Path
from panel.i18n import _, in_default_locale
from panel.kinds import Moments, now
from panel.security import audit
from panel.security.policy import table_of
from panel.security.records import AuditAction
from panel.security.session import actor_of

#: Comparisons of an account that are answered within PERIOD.
MOST, PERIOD = 20, timedelta(days=1)
#: In place of a record's id: a unique value was refused, so that there is no record.
REFUSED = 0
#: In place of a record's id: a private number was searched for.
SEARCHED = -1


class Comparison(Base):
    """A private value that an account has stored in a record and that is compared with those of others; or, without a
    record, a unique value that was refused because of one that the account doesn't see."""

    __tablename__ = "comparison"
    __label__ = _("Comparison of a private value")
    __labels__ = _("Comparisons of private values")
    __scope__: ClassVar[Path] = Own("owner_id")
    __append_only__ = True
    __display__ = ("id",)
    __table_args__ = (
        Index("ix_comparison_record", "table_name", "record_id"),
        Index("ix_comparison_owner", "owner_id", "at"),
    )

    at: Mapped[datetime] = mapped_column(Moments(), default=now)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"))
    table_name: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int] = mapped_column()
    answered: Mapped[bool] = mapped_column()


def note(session: Session, table: str, record_ids: Collection[int], *, most: int = MOST) -> None:
    """Count a comparison for each of these records, which the actor has just written, and note it in the audit. The
    first `most` of an account within PERIOD are answered."""
    actor, row, connection = actor_of(session), table_of(Comparison), session.connection()
    if actor.user_id is None or not record_ids:
        return
    count = connection.execute(_recent(actor.user_id, row.c.record_id > REFUSED)).scalar_one()
    for record_id in sorted(record_ids):
        count += 1
        values = {"at": now(), "owner_id": actor.user_id, "table_name": table, "record_id": record_id}
        connection.execute(insert(row).values(**values, answered=count <= most))
        words = _("A private value is compared with those of others, {n} today", n=count)
        audit.note(session, AuditAction.EVENT, table, record_id, in_default_locale(words))


def note_search(session: Session, table: str, found: int, *, most: int = MOST) -> bool:
    """Count a search for a whole private number of a table, and note it in the audit without the number. Returns
    whether it may be answered: the first `most` of an account within PERIOD are."""
    actor, row, connection = actor_of(session), table_of(Comparison), session.connection()
    count = connection.execute(_recent(actor.user_id or 0, row.c.record_id == SEARCHED)).scalar_one() + 1
    values = {"at": now(), "owner_id": actor.user_id, "table_name": table, "record_id": SEARCHED}
    connection.execute(insert(row).values(**values, answered=count <= most))
    words = _("Searched for a whole telephone number, {n} today; found: {found}", n=count, found=found)
    if count > most:
        words = _("Searched for a whole telephone number, {n} today; not answered", n=count)
    audit.note(session, AuditAction.EVENT, table, None, in_default_locale(words))
    return bool(count <= most)


def note_refusals(session: Session, table: str, tries: int, words: str) -> None:
    """Count unique values of a table that were refused to the actor, and note it in the audit in these words."""
    actor, row = actor_of(session), table_of(Comparison)
    if actor.user_id is None:
        return
    values = {"at": now(), "owner_id": actor.user_id, "table_name": table, "record_id": REFUSED, "answered": True}
    session.connection().execute(insert(row), [values] * min(tries, MOST))
    audit.note(session, AuditAction.EVENT, table, None, words)


def refusals_are_spent(session: Session) -> bool:
    """Whether the actor had so many unique values refused within PERIOD that no further one is taken. One statement."""
    actor, row = actor_of(session), table_of(Comparison)
    if actor.user_id is None:
        return False
    count = session.connection().execute(_recent(actor.user_id, row.c.record_id == REFUSED)).scalar_one()
    return int(count) >= MOST


def _recent(user_id: int, which: ColumnElement[bool]) -> Select[Any]:
    row = table_of(Comparison).c
    return select(func.count()).where(row.owner_id == user_id, row.at > now() - PERIOD, which)


def unanswered(table: str, record_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a comparison of a record was beyond the limit."""
    row = table_of(Comparison).alias("beyond").c
    return select(row.id).where(row.table_name == table, row.record_id == record_id, ~row.answered).exists()
