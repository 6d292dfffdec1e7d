"""Numbers of cases and mediations such as NH-2026-000123: gapless within a prefix and year, never used twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bureau.settings import settings
from models import Counter
from panel.kinds import ZONE


def take(session: Session, reported_at: datetime, setting: str = "case_prefix") -> str:
    """The next number for a case reported (or a mediation begun) at this moment; the year is the local one, the prefix
    a setting.

    It belongs to the caller's transaction: rolled back, the number is free again; until that ends, others who want
    one wait. Flushes nothing, so that a case that lacks its number may already be in the session."""
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
        except IntegrityError:  # another transaction made the row in between
            last = _bump(connection, prefix, year, count)
            if last is None:
                raise
    return last - count + 1


def _bump(connection: Connection, prefix: str, year: int, count: int) -> int | None:
    """Raise the counter, and keep its row locked until the transaction ends; None when there is no row yet."""
    statement = (
        update(Counter)
        .where(Counter.prefix == prefix, Counter.year == year)
        .values(last=Counter.last + count)
        .returning(Counter.last)
    )
    return connection.execute(statement).scalar_one_or_none()
