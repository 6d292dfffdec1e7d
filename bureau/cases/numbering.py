"""Numbers of cases and mediations, such as NH-2026-000123: gapless within a prefix and year, never reused."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bureau.settings import settings
from models import Counter
from panel.kinds import ZONE


def take(session: Session, reported_at: datetime, setting: str = "case_prefix") -> str:
    """The next number for a case reported, or a mediation begun, at this moment. The year is that of the local time;
    `setting` names the setting of the prefix.

    The number is part of the caller's transaction: a rollback frees it, and other transactions that need a number wait
    until this one ends. Flushes nothing, so that the session may already hold a case without a number."""
    with session.no_autoflush:
        prefix: str = settings.get(session, setting)
    year = reported_at.astimezone(ZONE).year
    return case_no(prefix, year, reserve(session, prefix, year))


def case_no(prefix: str, year: int, number: int) -> str:
    return f"{prefix}-{year}-{number:06d}"


def reserve(session: Session, prefix: str, year: int, count: int = 1) -> int:
    """Take `count` numbers at once and return the first of them."""
    connection = session.connection()
    last = _bump(connection, prefix, year, count)
    if last is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(Counter).values(prefix=prefix, year=year, last=count))
            last = count
        except IntegrityError:  # another transaction has inserted the row meanwhile
            last = _bump(connection, prefix, year, count)
            if last is None:
                raise
    return last - count + 1


def _bump(connection: Connection, prefix: str, year: int, count: int) -> int | None:
    """Raise the counter by `count` and return its new value; None when there is no row yet. The row stays locked until
    the transaction ends."""
    statement = (
        update(Counter)
        .where(Counter.prefix == prefix, Counter.year == year)
        .values(last=Counter.last + count)
        .returning(Counter.last)
    )
    return connection.execute(statement).scalar_one_or_none()
