"""Numbers of cases and mediations, such as NH-2026-000123, and of papers, such as 综执移〔2026〕7号: gapless within a
prefix and year, never reused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bureau.settings import settings
from models import Counter
from panel.kinds import ZONE

#: How a number is written from prefix, year and number.
Form = Callable[[str, int, int], str]


def case_no(prefix: str, year: int, number: int) -> str:
    return f"{prefix}-{year}-{number:06d}"


def document_no(prefix: str, year: int, number: int) -> str:
    """The number of a paper as GB/T 9704 writes it: the year in 〔〕, no leading zeros."""
    return f"{prefix}〔{year}〕{number}号"


def take(session: Session, at: datetime, setting: str = "case_prefix", form: Form = case_no) -> str:
    """The next number for a case reported, a mediation begun or a paper sent at this moment. The year is that of the
    local time; `setting` names the setting of the prefix.

    The number is part of the caller's transaction: a rollback frees it, and other transactions that need a number wait
    until this one ends. Flushes nothing, so that the session may already hold a case without a number."""
    with session.no_autoflush:
        prefix: str = settings.get(session, setting)
    year = at.astimezone(ZONE).year
    return form(prefix, year, reserve(session, prefix, year))


def reserve(session: Session, prefix: str, year: int, count: int = 1) -> int:
    """Take `count` numbers at once and return the first of them."""
    connection = session.connection()
    highest = _bump(connection, prefix, year, count)
    if highest is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(Counter).values(prefix=prefix, year=year, last=count))
            highest = count
        except IntegrityError:  # another transaction has inserted the row meanwhile
            highest = _bump(connection, prefix, year, count)
            if highest is None:
                raise
    return highest - count + 1


def following(session: Session, prefix: str, year: int) -> int:
    """The number that will be given next. Nobody else gets one until the caller's transaction ends."""
    return reserve(session, prefix, year, 0)


def raise_to(session: Session, prefix: str, year: int, number: int) -> None:
    """Count on after `number`, which a paper of the office's own has already. Never lowers the counter."""
    if (behind := number - following(session, prefix, year) + 1) > 0:
        reserve(session, prefix, year, behind)


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
