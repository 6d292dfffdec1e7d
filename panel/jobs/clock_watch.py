"""Whether the machine's clock went back: the latest moment that the panel has seen stands in the database.

A clock that stands in the past gives deadlines, events and numbers of the wrong day or year. Nothing is refused,
because the clock may have been in the future before and be right now: people are told, and say which of the two."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.jobs.records import PeriodicRun
from panel.kinds import now, to_minute
from panel.security.policy import table_of

log = logging.getLogger(__name__)

#: The row of PeriodicRun that holds it, and how often it is renewed.
NAME, EVERY = "clock.seen", timedelta(minutes=5)
#: By so much two servers' clocks may differ, or one be set right, without a word.
TOLERANCE = timedelta(minutes=5)


def see(session: Session) -> None:
    """Periodic: note the present moment, unless a later one was seen."""
    row, at = table_of(PeriodicRun), now()
    later = update(row).where(row.c.name == NAME, or_(row.c.ran_at.is_(None), row.c.ran_at < at)).values(ran_at=at)
    session.execute(later)
    if session.scalar(select(row.c.id).where(row.c.name == NAME)) is None:
        session.execute(insert(row).values(name=NAME, ran_at=at))


def behind(session: Session) -> datetime | None:
    """The latest moment that was seen, if the clock stands before it; else None. One statement."""
    row = table_of(PeriodicRun).c
    seen = session.scalar(select(row.ran_at).where(row.name == NAME), execution_options=UNSCOPED)
    return seen if isinstance(seen, datetime) and seen > now() + TOLERANCE else None


def confirm(session: Session) -> None:
    """Take the present moment for right: the later one was seen by a clock in the future."""
    row = table_of(PeriodicRun)
    session.execute(update(row).where(row.c.name == NAME).values(ran_at=now()))


def at_start(system_session: Callable[[], AbstractContextManager[Session]]) -> Message | None:
    """What whoever starts the server must know of the clock. A database that is locked just now doesn't hinder the
    start; the first round of periodic work looks again."""
    try:
        with system_session() as session:
            seen = behind(session)
            see(session)
    except OperationalError as error:
        log.warning("the clock can't be compared: %s", error.orig)
        return None
    return sentence(seen) if seen is not None else None


def sentence(seen: datetime) -> Message:
    return _(
        "The clock of the server says {now}, but the panel was in use at {seen} already. Set it right; if it is right, "
        "it was ahead before: look at what was recorded meanwhile.",
        now=to_minute(now()),
        seen=to_minute(seen),
    )
